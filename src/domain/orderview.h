/* orderview.h - an order as its readers see it: the row that is behind GET /order, /history and their lists, and its JSON.
 *
 * A row is read with ORDERVIEW_COLUMNS from the tables, on either side, or from the read model order_history with the same columns;
 * orderview_at reads both. Pure but for memory; texts borrow the result. */
#ifndef PARKWAY_DOMAIN_ORDERVIEW_H
#define PARKWAY_DOMAIN_ORDERVIEW_H

#include "base/json.h"
#include "domain/instant.h"
#include "pg/result.h"

/* p NULL: the order has none. */
struct orderview {
    struct str id; /* decimal */
    struct str public_id;
    struct str tracking_id;
    struct str state;
    struct str customer_id, restaurant_id;
    struct str payment; /* JSON: {number, yy, mm}, the number masked; or null */
    struct str items;   /* JSON: [{menuItemId, quantity}] */
    struct str ticket_id;
    struct str accept_time, ready_time;
    struct str preparing_s;
    struct str picked_up_time, delivery_completed_time;
    struct str failure_messages; /* JSON: array of strings */
};

struct orderview orderview_at(const struct result *rows, size_t i);
/* orderview_write - every member is there, null where the order has none. */
void orderview_write(struct json *j, const struct orderview *v);

/* Nested macros in a text make the formatter shred the rest of it. */
/* clang-format off */
/* The columns of `orders o`, in the order that orderview_at reads. */
#define ORDERVIEW_COLUMNS \
    "o.order_id, o.public_id, o.tracking_id, o.state, o.customer_id, o.restaurant_id, " \
    "(select e.data -> 'payment' from events e where e.stream = 'order-' || o.order_id" \
    " and e.type = 'ORDER_CREATED' order by e.version limit 1), " \
    "(select jsonb_agg(jsonb_build_object('menuItemId', i.menu_item_id::text," \
    " 'quantity', i.quantity) order by i.line_no) from order_items i" \
    " where i.order_id = o.order_id), " ORDERVIEW_COURSE
/* The same of `order_history o`. */
#define ORDERVIEW_HISTORY \
    "o.order_id, o.public_id, o.tracking_id, o.state, o.customer_id, o.restaurant_id, " \
    "o.payment, o.order_items, " ORDERVIEW_COURSE
#define ORDERVIEW_COURSE \
    "o.ticket_id, " INSTANT_SQL("o.accept_time") ", " INSTANT_SQL( \
        "o.ready_time") ", o.preparing_time, " INSTANT_SQL("o.picked_up_time") ", " INSTANT_SQL( \
            "o.delivery_completed_time") ", o.failure_messages"
/* clang-format on */

#endif
