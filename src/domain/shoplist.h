/* shoplist.h - reading orders, their items and what is known of each: pages of lists, on the replica. Rows behind `after` (p NULL:
 * the first ones); the last page has less than SHOPLIST_PAGE rows. The caller's thread and database handle; results are to be
 * freed. */
#ifndef PARKWAY_DOMAIN_SHOPLIST_H
#define PARKWAY_DOMAIN_SHOPLIST_H

#include "domain/db.h"

enum { SHOPLIST_PAGE = 500 };

/* Rows as they are read; p NULL: it has none. Times as 2024-09-02T17:21:02.500Z unless told. */
struct shoplist_order { /* of kinds food and shop; after: id */
    struct str id, user_id, total, order_date, state, updated_date;
};
struct shoplist_item { /* after: key */
    struct str id, order_id, name, quantity, price, key;
};
/* An order with its user, address, items and newest update; after: order_id. */
struct shoplist_detail {
    struct str order_id, user_id, total;
    struct str order_date; /* without fractions */
    struct str order_status, last_order_update;
    struct str user_phone, full_address, order_items_details;
    struct str user_name, user_email; /* of shoplist_details only */
};

NODISCARD int shoplist_orders(struct db *db, const struct db_freshness *fresh, struct str after,
                              struct result **out, struct err *e);
NODISCARD int shoplist_items(struct db *db, const struct db_freshness *fresh, struct str after,
                             struct result **out, struct err *e);
/* shoplist_details - joined when it is read. */
NODISCARD int shoplist_details(struct db *db, const struct db_freshness *fresh,
                               struct str after, struct result **out, struct err *e);
/* shoplist_mv - the read model order_details_mv: nothing is joined. Only the replica has it, so a write that is not there yet is
 * waited for 5 s, unless fresh says how long; ERR_UNAVAILABLE: it is not there even then. */
NODISCARD int shoplist_mv(struct db *db, const struct db_freshness *fresh, struct str after,
                          struct result **out, struct err *e);
/* shoplist_mv_of - one order's row of it; ref as in orderref.h. ERR_INVALID: no reference; ERR_NOT_FOUND. */
NODISCARD int shoplist_mv_of(struct db *db, const struct db_freshness *fresh, struct str ref,
                             struct result **out, struct err *e);

struct shoplist_order shoplist_order_at(const struct result *rows, size_t i);
struct shoplist_item shoplist_item_at(const struct result *rows, size_t i);
struct shoplist_detail shoplist_detail_at(const struct result *rows, size_t i);

#endif
