/* order.h - orders as the order service has them: made, cancelled, looked up. What becomes of one is the sagas' business.
 *
 *      food     PENDING ----> ACCEPTED ----> PREPARING --> READY --> PICKEDUP --> COMPLETED
 *                  |  \          |
 *                  |   \         v
 *                  |    `--> CANCELLING --> CANCELLED
 *                  v
 *               REJECTED
 *      simple   PENDING --> ACCEPTED --> PAID --> COMPLETED, each --> REJECTED
 *
 * A food order is made with its items, its first update (Created) and the fact ORDER_CREATED in one transaction, a simple one
 * with ORDER_REQUESTED; a saga begins from the fact. All functions run on the caller's thread over its database
 * handle. Texts are valid UTF-8 without NUL. Results must be freed with result_free. */
#ifndef PARKWAY_DOMAIN_ORDER_H
#define PARKWAY_DOMAIN_ORDER_H

#include "base/hmac.h"
#include "domain/card.h"
#include "domain/db.h"
#include "domain/orderview.h"

/* What a client orders. */
struct order_input {
    struct str id;       /* decimal, chosen by the client; p NULL: drawn */
    struct str customer; /* number or uuid */
    bool customer_known; /* refuse a customer that the order service has not heard of */
    struct str restaurant_id;
    struct str
        items; /* JSON: [{"menuItemId":"1","quantity":2}], of a priced order also "price" */
    struct str total;   /* p NULL: the order is not priced yet */
    struct str address; /* JSON: where to, as the client says it; p NULL: not said */
    bool has_card;
    struct card card; /* its number is not looked at */
    char card_token[HMAC_TEXT_MAX];
    int64_t scheduled_ms; /* since 1970; not before this time; below 0: at once */
};

/* order_create - a food order, PENDING. *out: one row for orderview_at. An order with that number and the same content is not made
 * again: *out is that one in its present state. ERR_CONFLICT: the number has another content. ERR_INVALID "Could not
 * find customer with customer id: …" when the customer must be known, or is named by a uuid, and is not.
 * ERR_CLOSED: the connection was lost for longer than it is tried again; whether the order was made is unknown. */
NODISCARD int order_create(struct db *db, const struct order_input *in, struct result **out,
                           struct err *e);
/* order_request - a simple order, PENDING. *out and ERR_CLOSED as above. */
NODISCARD int order_request(struct db *db, struct result **out, struct err *e);
/* order_cancel - a food order that is PENDING or ACCEPTED becomes CANCELLING, with the fact ORDER_CANCELLING of that actor; one that is
 * CANCELLING or CANCELLED stays as it is. *out: one row for orderview_at. ERR_NOT_FOUND, ERR_INVALID (ref is none);
 * ERR_CONFLICT: it is in another state or of another kind. */
NODISCARD int order_cancel(struct db *db, struct str ref, const char *actor,
                           struct result **out, struct err *e);
/* order_look - *out: one row for orderview_at, of any kind of order. ERR_NOT_FOUND, ERR_INVALID (ref is none). */
NODISCARD int order_look(struct db *db, const struct db_freshness *fresh, struct str ref,
                         struct result **out, struct err *e);
/* order_number - the number of an order on the primary, and its state. ERR_NOT_FOUND, ERR_INVALID. */
NODISCARD int order_number(struct db *db, struct str ref, struct result **out, struct err *e);

enum { ORDER_PAGE = 500 /* rows of a page */ };

/* The row of an order as the command line lists it: one value for each name, p NULL where it has none. */
extern const char *const order_columns[];
extern const size_t order_column_count;

/* order_list - a page of all orders with those columns, by number: those behind the number `after` (p NULL: the first ones). */
NODISCARD int order_list(struct db *db, const struct db_freshness *fresh, struct str after,
                         struct result **out, struct err *e);
/* order_details - one row of those columns. ERR_NOT_FOUND, ERR_INVALID. */
NODISCARD int order_details(struct db *db, const struct db_freshness *fresh, struct str ref,
                            struct result **out, struct err *e);

#endif
