/* orderref.h - what a client may call an order by: its number, its public id (ORD-3F2A1) or its tracking id (a uuid). Pure but
 * for the drawing of a public id. */
#ifndef PARKWAY_DOMAIN_ORDERREF_H
#define PARKWAY_DOMAIN_ORDERREF_H

#include "base/err.h"
#include "base/rand.h"

enum orderref_kind { ORDERREF_NUMBER, ORDERREF_PUBLIC, ORDERREF_TRACKING };

struct orderref {
    enum orderref_kind kind;
    const char *column; /* of orders: order_id, public_id, tracking_id */
    struct str value;   /* to compare that column with; borrows what was parsed */
};

/* orderref_is_number - whether the text can be the number of a row: decimal, from 0, a bigint. */
bool orderref_is_number(struct str text);
/* orderref_parse - false: the text has none of the three shapes. */
bool orderref_parse(struct str text, struct orderref *out);
/* orderref_read - the same as an error: ERR_INVALID. */
NODISCARD int orderref_read(struct str text, struct orderref *out, struct err *e);
/* orderref_missing - ERR_NOT_FOUND "order not found: <text>". */
NODISCARD int orderref_missing(struct str text, struct err *e);

enum { ORDERREF_PUBLIC_MAX = 17 /* ORD-, 12 digits, NUL */ };

/* orderref_draw - a public id that is perhaps taken; draw counts from 0. The first four have five digits, each one
 * behind them has one digit more, up to twelve. */
void orderref_draw(unsigned draw, char out[ORDERREF_PUBLIC_MAX]);

#endif
