/* shop.h - orders of the shop: create with their items, updates of an order's status, drop. The caller's thread and database
 * handle; functions check what they are given.
 *
 * A shop order's row stays Created; what became of it is in its updates, a time line on which the ranks rise:
 *
 *   Created 0 - received 1 - preparing 2 - cooked 3 - pickedup 4 - delivered 5 - finished 6      rejected, cancelled: behind 0 to 2
 *
 * An update may come late: its place is that of its own time. */
#ifndef PARKWAY_DOMAIN_SHOP_H
#define PARKWAY_DOMAIN_SHOP_H

#include "domain/db.h"

struct shop_item {
    struct str name;
    struct str quantity; /* digits of a number from 1 to 2147483647 */
    struct str price;    /* as money_text writes it */
};
/* What a client gives; p NULL: not given. */
struct shop_input {
    struct str user_id; /* decimal */
    struct str
        address_id; /* decimal; not given: the user's first one, whichever that will be */
    const struct shop_item *items;
    size_t item_count;
};

/* An order as it is made; p of order_id NULL: none. */
struct shop_order {
    struct str id, total, state;
};
/* shop_create - one order with its items, in one transaction. *out: one row for shop_order_at, to be freed. ERR_INVALID: no
 * items, an item without a name, a total beyond numeric(12,2); ERR_NOT_FOUND "user not found: <id>", "address not found: <id>". */
NODISCARD int shop_create(struct db *db, const struct shop_input *in, struct result **out,
                          struct err *e);
struct shop_order shop_order_at(const struct result *rows, size_t i);

/* An update as it is written. */
struct shop_update {
    struct str id, order_id, status;
    int64_t updated_ms; /* since 1970 */
};
/* What a client gives; p NULL: not given. */
struct shop_update_input {
    struct str order; /* orderref.h */
    struct str status;
    struct str source;  /* order, kitchen, delivery, mail, external (default) */
    int64_t updated_ms; /* below 0: now */
};
/* shop_update - an update of an order of any kind. *out: one row for shop_update_at, to be freed. ERR_INVALID: order is no
 * reference, no such status or source; ERR_NOT_FOUND; ERR_CONFLICT: it does not fit its place on the time line. */
NODISCARD int shop_update(struct db *db, const struct shop_update_input *in,
                          struct result **out, struct err *e);
struct shop_update shop_update_at(const struct result *rows, size_t i);

enum { SHOP_PAGE = 500 /* rows of a page */ };

/* shop_unfinished - a page of the shop orders numbered from `from` to below `end` that are not finished, behind `after`
 * (p NULL: the first ones): their numbers. */
NODISCARD int shop_unfinished(struct db *db, struct str from, struct str end, struct str after,
                              struct result **out, struct err *e);
/* shop_advance - the next step of that shop order, at the present second. *out: one row for shop_update_at, or none when it is
 * finished or gone. ERR_CONFLICT: somebody else was faster. */
NODISCARD int shop_advance(struct db *db, struct str order_id, struct result **out,
                           struct err *e);
/* shop_drop - deletes the next shop orders with their items and updates, at most SHOP_PAGE, behind the number `after`; *out:
 * their numbers. */
NODISCARD int shop_drop(struct db *db, struct str after, struct result **out, struct err *e);

#endif
