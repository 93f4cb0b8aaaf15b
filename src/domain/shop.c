/* shop.c - see shop.h.
 *
 * An order's user and address belong to the customers' service: they are asked for before the transaction becomes the order
 * service's, which may read neither table. The row and its items are one statement; the items travel as one JSON text.
 *
 * Whether an update fits is decided by the database under the lock of the order's row (order_update_check), so two at a time
 * take turns. The trigger asks for updates from outside only; what comes through here may call itself anything, and is
 * asked for in any case. */
#include "domain/shop.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/utf8.h"
#include "domain/address.h"
#include "domain/money.h"
#include "domain/orderref.h"

#include <stdio.h>
#include <stdlib.h>

enum { DRAWS = 12 };

static const char owner[] = "owner_order";

/* --- orders ------------------------------------------------------------------------------------ */

struct shop_order shop_order_at(const struct result *rows, size_t i)
{
    return (struct shop_order){result_get(rows, i, 0), result_get(rows, i, 1),
                               result_get(rows, i, 2)};
}

/* The items as JSON, and what they cost together. */
static int add_items(const struct shop_input *in, struct buf *out, int64_t *total,
                     struct err *e)
{
    struct json j;
    json_init(&j, out, JSON_COMPACT);
    json_array(&j);
    *total = 0;
    for (size_t i = 0; i < in->item_count; i++) {
        const struct shop_item *item = &in->items[i];
        int64_t price;
        char quantity[24];
        snprintf(quantity, sizeof quantity, "%.*s", STR_ARG(item->quantity));
        if (item->name.n == 0 || !utf8_storable(item->name)) {
            return err_set(e, ERR_INVALID, "item %zu must have a name", i + 1);
        }
        if (!money_parse(item->price, &price) ||
            !money_add(total, strtoll(quantity, NULL, 10), price)) {
            return err_set(e, ERR_INVALID, "the total is more than an order can cost");
        }
        json_object(&j);
        json_key_int(&j, "n", (int64_t)i + 1);
        json_key_text(&j, "name", item->name);
        json_key_text(&j, "q", item->quantity);
        json_key_text(&j, "p", item->price);
        json_object_end(&j);
    }
    json_array_end(&j);
    return 0;
}

static int insert(struct db *db, const struct shop_input *in, struct str total,
                  struct str items, struct result **out, struct err *e)
{
    bool alone;
    int rc = db_act_as(db, owner, &alone, e);
    if (rc != 0) {
        return rc;
    }
    for (unsigned draw = 0; rc == 0 && *out == NULL && draw < DRAWS; draw++) {
        char public_id[ORDERREF_PUBLIC_MAX];
        orderref_draw(draw, public_id);
        const struct str params[] = {str_of(public_id), in->user_id, in->address_id, total,
                                     items};
        rc =
            db_write(db,
                     "with o as (insert into orders (public_id, kind, state, customer_id, "
                     "address_id, total) values ($1, 'shop', 'Created', $2, $3, $4::numeric) "
                     "on conflict do nothing returning order_id, total, state), "
                     "i as (insert into order_items (order_id, line_no, name, quantity, price) "
                     "select o.order_id, i.n, i.name, i.q, i.p from o, "
                     "json_to_recordset($5::json) as i(n int, name text, q int, p numeric)) "
                     "select order_id, total, state from o",
                     ARRAY_LEN(params), params, out, e);
        if (rc == 0 && result_count(*out) == 0) {
            result_free(*out);
            *out = NULL;
        }
    }
    if (rc == 0 && *out == NULL) {
        rc = err_set(e, ERR_UNAVAILABLE, "no public id could be drawn for an order");
    }
    return db_act_end(db, alone, rc, e);
}

int shop_create(struct db *db, const struct shop_input *in, struct result **out, struct err *e)
{
    struct buf items = BUF_INIT;
    char total[MONEY_TEXT_MAX];
    int64_t cents = 0;
    bool alone = !db_in_transaction(db);
    *out = NULL;
    int rc = in->item_count > 0 ? add_items(in, &items, &cents, e)
                                : err_set(e, ERR_INVALID, "order has no items");
    if (rc == 0 && alone) {
        rc = db_begin(db, e);
    }
    if (rc == 0) {
        rc = address_known(db, in->user_id, in->address_id, e);
    }
    if (rc == 0) {
        money_text(cents, total);
        rc = insert(db, in, str_of(total), buf_str(&items), out, e);
    }
    if (rc == 0 && alone) {
        rc = db_commit(db, e);
    }
    if (rc != 0) {
        if (alone) {
            db_rollback(db);
        }
        result_free(*out);
        *out = NULL;
    }
    buf_fini(&items);
    return rc;
}

int shop_drop(struct db *db, struct str after, struct result **out, struct err *e)
{
    bool alone;
    *out = NULL;
    int rc = db_act_as(db, owner, &alone, e);
    if (rc != 0) {
        return rc;
    }
    rc = db_write(db,
                  "with gone as (delete from orders where order_id in "
                  "(select order_id from orders where kind = 'shop' "
                  "and order_id > coalesce($1::bigint, -9223372036854775808) "
                  "order by order_id limit 500) returning order_id) "
                  "select order_id from gone order by order_id",
                  1, &after, out, e);
    rc = db_act_end(db, alone, rc, e);
    if (rc != 0) {
        result_free(*out);
        *out = NULL;
    }
    return rc;
}

/* --- updates ----------------------------------------------------------------------------------- */

#define WRITTEN "id, order_id, status, (extract(epoch from updated_at) * 1000)::bigint"

struct shop_update shop_update_at(const struct result *rows, size_t i)
{
    return (struct shop_update){result_get(rows, i, 0), result_get(rows, i, 1),
                                result_get(rows, i, 2), result_int(rows, i, 3)};
}

static int check_update(const struct shop_update_input *in, struct orderref *ref, struct err *e)
{
    static const char *const sources[] = {"order", "kitchen", "delivery", "mail", "external"};
    int rc = orderref_read(in->order, ref, e);
    if (rc != 0) {
        return rc;
    }
    if (!utf8_storable(in->status)) {
        return err_set(e, ERR_INVALID, "status must be UTF-8 text without NUL characters");
    }
    for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
        if (in->source.p == NULL || str_eq(in->source, str_of(sources[i]))) {
            return 0;
        }
    }
    return err_set(e, ERR_INVALID, "source must be order, kitchen, delivery, mail or external");
}

/* The order's number, and its row locked. *out: one row. */
static int lock(struct db *db, const struct orderref *ref, struct result **out, struct err *e)
{
    char sql[96];
    snprintf(sql, sizeof sql, "select order_id from orders where %s = $1 for no key update",
             ref->column);
    int rc = db_write(db, sql, 1, &ref->value, out, e);
    if (rc == 0 && result_count(*out) == 0) {
        rc = orderref_missing(ref->value, e);
    }
    if (rc != 0) {
        result_free(*out);
        *out = NULL;
    }
    return rc;
}

/* In a transaction of the order service. */
static int append(struct db *db, struct str order_id, const struct shop_update_input *in,
                  struct result **out, struct err *e)
{
    char text[CLOCK_TEXT_MAX];
    struct str at = STR_NULL; /* the database's own clock */
    if (in->updated_ms >= 0) {
        clock_text(in->updated_ms * 1000, text);
        at = str_of(text);
    }
    struct str source = in->source.p != NULL ? in->source : STR("external");
    const struct str params[] = {order_id, in->status, at, source};
    int rc = 0;
    if (!str_eq(source, STR("external"))) {
        rc = db_write(db,
                      "select order_update_check($1, $2, coalesce($3::timestamptz, "
                      "clock_timestamp()))",
                      3, params, NULL, e);
    }
    return rc != 0
               ? rc
               : db_write(db,
                          "insert into order_updates (order_id, status, updated_at, source) "
                          "values ($1, $2, coalesce($3::timestamptz, clock_timestamp()), $4) "
                          "returning " WRITTEN,
                          ARRAY_LEN(params), params, out, e);
}

int shop_update(struct db *db, const struct shop_update_input *in, struct result **out,
                struct err *e)
{
    struct orderref ref;
    struct result *order = NULL;
    bool alone;
    *out = NULL;
    int rc = check_update(in, &ref, e);
    if (rc == 0) {
        rc = db_act_as(db, owner, &alone, e);
    }
    if (rc != 0) {
        return rc;
    }
    rc = lock(db, &ref, &order, e);
    if (rc == 0) {
        rc = append(db, result_get(order, 0, 0), in, out, e);
        result_free(order);
    }
    rc = db_act_end(db, alone, rc, e);
    if (rc != 0) {
        result_free(*out);
        *out = NULL;
    }
    return rc;
}

int shop_unfinished(struct db *db, struct str from, struct str end, struct str after,
                    struct result **out, struct err *e)
{
    const struct str params[] = {from, end, after};
    return db_read(db, NULL,
                   "select o.order_id from orders o join order_ranks r on r.status = coalesce("
                   "(select u.status from order_updates u where u.order_id = o.order_id "
                   "order by u.updated_at desc, u.id desc limit 1), 'Created') "
                   "where o.kind = 'shop' and r.rank < 6 and o.order_id >= $1 "
                   "and o.order_id < $2 and o.order_id > coalesce($3::bigint, "
                   "-9223372036854775808) order by o.order_id limit 500",
                   ARRAY_LEN(params), params, out, e);
}

int shop_advance(struct db *db, struct str order_id, struct result **out, struct err *e)
{
    bool alone;
    *out = NULL;
    int rc = db_act_as(db, owner, &alone, e);
    if (rc != 0) {
        return rc;
    }
    rc = db_write(db,
                  "insert into order_updates (order_id, status, source, updated_at) "
                  "select o.order_id, next.status, 'external', "
                  "greatest(date_trunc('second', clock_timestamp()), u.updated_at) "
                  "from orders o left join lateral (select n.status, n.updated_at "
                  "from order_updates n where n.order_id = o.order_id "
                  "order by n.updated_at desc, n.id desc limit 1) u on true "
                  "join order_ranks r on r.status = coalesce(u.status, 'Created') "
                  "join order_ranks next on next.rank = r.rank + 1 and not next.ending "
                  "where o.order_id = $1 and o.kind = 'shop' returning " WRITTEN,
                  1, &order_id, out, e);
    rc = db_act_end(db, alone, rc, e);
    if (rc != 0) {
        result_free(*out);
        *out = NULL;
    }
    return rc;
}
