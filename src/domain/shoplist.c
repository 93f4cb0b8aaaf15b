/* shoplist.c - see shoplist.h. The same fields come from two places: order_details_mv, which the consumer keeps, and a join when
 * they are asked for; the view's SELECT is sql/views/order_details_mv.sql. Columns are named throughout: orders has fewer of them
 * on the replica, and what reads all of them is served by the primary. */
#include "domain/shoplist.h"

#include "domain/instant.h"
#include "domain/orderref.h"

#include <stdio.h>
#include <stdlib.h>

#define SECOND_SQL(timestamptz)                                                                \
    "to_char(" timestamptz " at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
#define BEHIND(column) column " > coalesce($1::bigint, -9223372036854775808)"

enum { D_USER_NAME = 9, D_USER_EMAIL, MV_WAIT_MS = 5000 };

struct shoplist_order shoplist_order_at(const struct result *rows, size_t i)
{
    return (struct shoplist_order){result_get(rows, i, 0), result_get(rows, i, 1),
                                   result_get(rows, i, 2), result_get(rows, i, 3),
                                   result_get(rows, i, 4), result_get(rows, i, 5)};
}

struct shoplist_item shoplist_item_at(const struct result *rows, size_t i)
{
    return (struct shoplist_item){result_get(rows, i, 0), result_get(rows, i, 1),
                                  result_get(rows, i, 2), result_get(rows, i, 3),
                                  result_get(rows, i, 4), result_get(rows, i, 5)};
}

struct shoplist_detail shoplist_detail_at(const struct result *rows, size_t i)
{
    bool user = result_columns(rows) > D_USER_EMAIL;
    return (struct shoplist_detail){
        .order_id = result_get(rows, i, 0),
        .user_id = result_get(rows, i, 1),
        .total = result_get(rows, i, 2),
        .order_date = result_get(rows, i, 3),
        .order_status = result_get(rows, i, 4),
        .last_order_update = result_get(rows, i, 5),
        .user_phone = result_get(rows, i, 6),
        .full_address = result_get(rows, i, 7),
        .order_items_details = result_get(rows, i, 8),
        .user_name = user ? result_get(rows, i, D_USER_NAME) : STR_NULL,
        .user_email = user ? result_get(rows, i, D_USER_EMAIL) : STR_NULL};
}

/* Nested macros in a text make the formatter shred the rest of it. */
/* clang-format off */
int shoplist_orders(struct db *db, const struct db_freshness *fresh, struct str after,
                    struct result **out, struct err *e)
{
    return db_read(
        db, fresh,
        "select order_id, customer_id, total, " INSTANT_SQL(
            "order_date")
            ", state, " INSTANT_SQL("updated_date")
            " from orders where kind in ('food', 'shop') and " BEHIND(
            "order_id") " order by order_id limit 500",
        1, &after, out, e);
}
/* clang-format on */

int shoplist_items(struct db *db, const struct db_freshness *fresh, struct str after,
                   struct result **out, struct err *e)
{
    return db_read(db, fresh,
                   "select id, order_id, name, quantity, price, order_id || '/' || line_no "
                   "from order_items where (order_id, line_no) > "
                   "(coalesce(split_part($1::text, '/', 1)::bigint, -9223372036854775808), "
                   "coalesce(split_part($1::text, '/', 2)::int, 0)) "
                   "order by order_id, line_no limit 500",
                   1, &after, out, e);
}

/* Nested macros in a text make the formatter shred the rest of it. */
/* clang-format off */
int shoplist_details(struct db *db, const struct db_freshness *fresh, struct str after,
                     struct result **out, struct err *e)
{
    return db_read(
        db, fresh,
        "select o.order_id, c.customer_id, coalesce(i.total, 0)::numeric(14,2), " SECOND_SQL(
            "o"
            "."
            "o"
            "r"
            "d"
            "e"
            "r"
            "_"
            "d"
            "a"
            "t"
            "e") ", coalesce(u.status, o.state), " INSTANT_SQL("coalesce(u.updated_at, o.updated_date)")
            ", c.phone, coalesce((select concat_ws(', ', a.street, a.city, a.state, a.postal_code, "
        "a.country) from addresses a where a.address_id = coalesce(o.address_id, "
        "(select min(f.address_id) from addresses f where f.customer_id = c.customer_id))), "
        "''), coalesce(i.details, ''), c.full_name, c.email from (select order_id, "
        "customer_id, address_id, order_date, state, updated_date from orders where "
        "kind in ('food', 'shop') and " BEHIND(
            "order_id")
            " and customer_id in (select customer_id from customers) order by order_id "
        "limit 500) o join customers c on c.customer_id = o.customer_id left join "
        "lateral (select sum(n.quantity * n.price) as total, string_agg(n.name || "
        "' (Qty: ' || n.quantity || ', Price: ' || n.price || ', Total: ' || n.quantity "
        "* n.price || ')', ' | ' order by n.line_no) as details from order_items "
        "n where n.order_id = o.order_id) i on true left join lateral (select n.status, "
        "n.updated_at from order_updates n where n.order_id = o.order_id order by "
        "n.updated_at desc, n.id desc limit 1) u on true order by o.order_id",
        1, &after, out, e);
}
/* clang-format on */

/* Nested macros in a text make the formatter shred the rest of it. */
/* clang-format off */
#define MV \
    "select v.order_id, v.user_id, v.total, " SECOND_SQL( \
        "v.order_date") \
            ", v.order_status, " INSTANT_SQL("v.last_order_update") \
            ", v.user_phone, v.full_address, v.order_items_details from order_details_mv " \
        "v"
/* clang-format on */

/* No other server has the read model: what is not there yet is waited for longer, unless the client says how long. */
static struct db_freshness patient(const struct db_freshness *fresh)
{
    struct db_freshness f = DB_FRESHNESS_INIT;
    if (fresh != NULL) {
        f = *fresh;
    }
    f.wait_ms = f.wait_ms < 0 ? MV_WAIT_MS : f.wait_ms;
    return f;
}

int shoplist_mv(struct db *db, const struct db_freshness *fresh, struct str after,
                struct result **out, struct err *e)
{
    struct db_freshness f = patient(fresh);
    return db_read(db, &f, MV " where " BEHIND("v.order_id") " order by v.order_id limit 500",
                   1, &after, out, e);
}

int shoplist_mv_of(struct db *db, const struct db_freshness *fresh, struct str ref,
                   struct result **out, struct err *e)
{
    struct orderref r;
    char sql[768];
    *out = NULL;
    int rc = orderref_read(ref, &r, e);
    if (rc != 0) {
        return rc;
    }
    int n = r.kind == ORDERREF_NUMBER
                ? snprintf(sql, sizeof sql, MV " where v.order_id = $1")
                : snprintf(sql, sizeof sql,
                           MV " where v.order_id = (select order_id from orders where %s = $1)",
                           r.column);
    ASSERT(n > 0 && (size_t)n < sizeof sql);
    struct db_freshness f = patient(fresh);
    rc = db_read(db, &f, sql, 1, &r.value, out, e);
    if (rc == 0 && result_count(*out) == 0) {
        rc = orderref_missing(ref, e);
    }
    if (rc != 0) {
        result_free(*out);
        *out = NULL;
    }
    return rc;
}
