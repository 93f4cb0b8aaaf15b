/* order.c - see order.h.
 *
 * An order carries a tracking id that is drawn here, so a creation can be asked again after a connection that broke at its commit:
 * the order is there under its tracking id, or is made. The insert does nothing when a number or an id is taken; what is
 * there by number or tracking id decides then: it is this order, or one of the same content, or a conflict, or only the drawn public id
 * was taken, and another one is drawn. All of it, the items, the first update and the fact are one statement: an order without its
 * fact would wait for ever, because a saga begins from the fact alone.
 *
 * What is compared of an order that is there is what was asked for, not what became of it: items and time from its fact, the card by
 * its token. The CVC is kept nowhere, so it takes no part. */
#include "domain/order.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/rand.h"
#include "domain/orderref.h"
#include "domain/orderrow.h"

#include <inttypes.h>
#include <stdio.h>

enum { DRAWS = 12, REPEAT_US = 5000000, SQL_MAX = 2048 };

static const char owner[] = "owner_order";

/* A moment in milliseconds as the facts have it; NULL of NULL. */
#define MOMENT_SQL(ms) INSTANT_SQL("(timestamptz 'epoch' + " ms "::bigint * interval '1 ms')")

static void drop(struct result **out)
{
    result_free(*out);
    *out = NULL;
}

/* --- making ----------------------------------------------------------------------------------- */

/* An order that is to be made: what its statements take. */
struct attempt {
    const char *insert;
    struct str *params; /* of insert: number, public id, tracking id, and more */
    size_t param_count;
    struct str content[6]; /* to compare with one that is there: of a food order */
    char public_id[ORDERREF_PUBLIC_MAX];
    char tracking_id[UUID_TEXT_MAX];
};

enum { NUMBER, PUBLIC_ID, TRACKING_ID };

/* The order that stands in the way. *out NULL: none but one that has the public id. */
static int find_other(struct db *db, const struct attempt *a, struct result **out,
                      struct err *e)
{
    const struct str params[] = {a->params[NUMBER], a->params[TRACKING_ID], a->content[0],
                                 a->content[1],     a->content[2],          a->content[3],
                                 a->content[4],     a->content[5]};
    int rc = db_write(
        db,
        "select " ORDERVIEW_COLUMNS ", o.tracking_id = $2::uuid or coalesce(o.kind = 'food'"
        " and o.customer_id = $3::bigint and o.restaurant_id = $4::bigint"
        " and o.card_token is not distinct from $5::text"
        " and o.card_expiry is not distinct from $6::text"
        " and x.data -> 'orderItems' = $7::jsonb"
        " and x.data ->> 'scheduledAt' is not distinct from " MOMENT_SQL(
            "$8") ", false)"
                  " from orders o left join lateral (select e.data from events e"
                  "  where e.stream = 'order-' || o.order_id and e.type = 'ORDER_CREATED'"
                  "  order by e.version limit 1) x on true"
                  " where o.tracking_id = $2::uuid or o.order_id = $1::bigint",
        ARRAY_LEN(params), params, out, e);
    if (rc == 0 && result_count(*out) == 0) {
        drop(out);
    }
    return rc;
}

static int make_in(struct db *db, struct attempt *a, struct result **out, struct err *e)
{
    for (unsigned draw = 0; draw < DRAWS; draw++) {
        orderref_draw(draw, a->public_id);
        a->params[PUBLIC_ID] = str_of(a->public_id);
        int rc = db_write(db, a->insert, a->param_count, a->params, out, e);
        if (rc != 0 || result_count(*out) > 0) {
            return rc;
        }
        drop(out);
        rc = find_other(db, a, out, e);
        if (rc != 0) {
            return rc;
        }
        if (*out != NULL) {
            size_t same = result_columns(*out) - 1;
            return result_text(*out, 0, same)[0] == 't'
                       ? 0
                       : err_set(e, ERR_CONFLICT, "order %.*s exists with other content",
                                 STR_ARG(a->params[NUMBER]));
        }
    }
    return err_set(e, ERR_UNAVAILABLE, "no id that is free was drawn for an order");
}

/* The customer's number in place of its reference, where the order service's own copy of the customers must know it. */
static int find_customer(struct db *db, const struct order_input *in, struct result **known,
                         struct str *number, struct err *e)
{
    uint8_t uuid[16];
    bool by_uuid = uuid_parse(in->customer, uuid);
    *number = in->customer;
    if (!by_uuid && !in->customer_known) {
        return 0;
    }
    int rc =
        db_write(db,
                 by_uuid ? "select customer_id from order_customers where customer_uuid = $1"
                         : "select customer_id from order_customers where customer_id = $1",
                 1, &in->customer, known, e);
    if (rc == 0 && result_count(*known) == 0) {
        rc = err_set(e, ERR_INVALID, "Could not find customer with customer id: %.*s",
                     STR_ARG(in->customer));
    }
    if (rc == 0) {
        *number = result_get(*known, 0, 0);
    }
    return rc;
}

/* One try, in a transaction. customer: where the number of in's customer belongs in the attempt; in NULL: it has none. */
static int make_once(struct db *db, struct attempt *a, const struct order_input *in,
                     size_t customer, struct result **out, struct err *e)
{
    bool alone;
    struct result *known = NULL;
    int rc = db_act_as(db, owner, &alone, e);
    if (rc != 0) {
        return rc;
    }
    if (in != NULL) {
        rc = find_customer(db, in, &known, &a->params[customer], e);
        a->content[0] = a->params[customer];
    }
    if (rc == 0) {
        rc = make_in(db, a, out, e);
    }
    rc = db_act_end(db, alone, rc, e);
    result_free(known);
    if (rc != 0) {
        drop(out);
    }
    return rc;
}

static int make(struct db *db, struct attempt *a, const struct order_input *in, size_t customer,
                struct result **out, struct err *e)
{
    uint8_t bytes[16];
    uuid_make(bytes);
    uuid_text(bytes, a->tracking_id);
    a->params[TRACKING_ID] = str_of(a->tracking_id);
    *out = NULL;
    bool alone = !db_in_transaction(db);
    struct backoff wait = {.seed = rand_u64()};
    int64_t until_us = clock_mono_us() + REPEAT_US;
    bool repeated = false;
    for (;;) {
        int rc = make_once(db, a, in, customer, out, e);
        bool unknown = rc == ERR_CLOSED || (repeated && err_retry(rc) != RETRY_NEVER);
        if (!unknown || !alone) {
            return rc;
        }
        if (clock_mono_us() >= until_us) {
            err_add(e, "could not learn whether the order was made");
            return e->code = ERR_CLOSED;
        }
        clock_sleep_us(backoff_next_ms(&wait) * 1000);
        repeated = true;
    }
}

/* number: "order_id, " and "$1::bigint, " with it, "" and "" without. What the statement returns is what orderview_at reads, of
 * an order that nothing has happened to. */
#define INSERT_FOOD(column, number, condition)                                                 \
    "with o as (insert into orders (" column "public_id, tracking_id, kind, state,"            \
    " customer_id, restaurant_id, total, card_last4, card_expiry, card_token)"                 \
    " select " number "$2::text, $3::uuid, 'food', 'PENDING', $4::bigint, $5::bigint,"         \
    " coalesce($6::numeric, 0), $7::text, $8::text, $9::text" condition                        \
    " on conflict do nothing returning *),"                                                    \
    " i as (insert into order_items (order_id, line_no, menu_item_id, name, quantity, price)"  \
    " select o.order_id, i.n, (i.item ->> 'menuItemId')::bigint, '',"                          \
    " (i.item ->> 'quantity')::int, coalesce((i.item ->> 'price')::numeric, 0)"                \
    " from o, jsonb_array_elements($10::jsonb) with ordinality i (item, n)),"                  \
    " u as (insert into order_updates (order_id, status, source)"                              \
    " select o.order_id, 'Created', 'order' from o),"                                          \
    " e as (select f.data from o, event_append('order-' || o.order_id, 'ORDER_CREATED',"       \
    " 'order.create', jsonb_strip_nulls(jsonb_build_object('id', o.order_id::text,"            \
    " 'publicId', o.public_id, 'trackingId', o.tracking_id, 'kind', o.kind,"                   \
    " 'state', o.state, 'customerId', o.customer_id::text,"                                    \
    " 'restaurantId', o.restaurant_id::text, 'payment', $11::jsonb, 'orderItems', $10::jsonb," \
    " 'total', $6::numeric::text, 'address', $12::jsonb, 'scheduledAt', " MOMENT_SQL(          \
        "$13") "))) f)"                                                                        \
               " select o.order_id, o.public_id, o.tracking_id, o.state, o.customer_id, "      \
               "o.restaurant_id,"                                                              \
               " e.data -> 'payment', e.data -> 'orderItems', null, null, null, null, null, "  \
               "null,"                                                                         \
               " o.failure_messages from o, e"

enum {
    CUSTOMER = TRACKING_ID + 1,
    RESTAURANT,
    TOTAL,
    LAST4,
    EXPIRY,
    TOKEN,
    ITEMS,
    PAYMENT,
    ADDRESS,
    SCHEDULED,
    FOOD_PARAMS
};

static void write_payment(struct buf *out, const struct card *c)
{
    struct json j;
    json_init(&j, out, JSON_COMPACT);
    json_object(&j);
    json_key_text(&j, "number", str_of(c->masked));
    json_key_text(&j, "yy", str_of(c->yy));
    json_key_text(&j, "mm", str_of(c->mm));
    json_object_end(&j);
}

int order_create(struct db *db, const struct order_input *in, struct result **out,
                 struct err *e)
{
    char scheduled[24];
    struct buf payment = BUF_INIT;
    struct str p[FOOD_PARAMS] = {
        [NUMBER] = in->id,   [RESTAURANT] = in->restaurant_id, [TOTAL] = in->total,
        [ITEMS] = in->items, [ADDRESS] = in->address,          [SCHEDULED] = STR_NULL};
    if (in->has_card) {
        write_payment(&payment, &in->card);
        p[PAYMENT] = buf_str(&payment);
        p[LAST4] = str_of(in->card.last4);
        p[EXPIRY] = str_of(in->card.expiry);
        p[TOKEN] = str_of(in->card_token);
    }
    if (in->scheduled_ms >= 0) {
        snprintf(scheduled, sizeof scheduled, "%" PRId64, in->scheduled_ms);
        p[SCHEDULED] = str_of(scheduled);
    }
    struct attempt a = {
        .insert = in->id.p != NULL ? INSERT_FOOD("order_id, ", "$1::bigint, ", "")
                                   : INSERT_FOOD("", "", " where $1::bigint is null"),
        .params = p,
        .param_count = FOOD_PARAMS,
        .content = {STR_NULL, p[RESTAURANT], p[TOKEN], p[EXPIRY], p[ITEMS], p[SCHEDULED]}};
    int rc = make(db, &a, in, CUSTOMER, out, e);
    buf_fini(&payment);
    return rc;
}

int order_request(struct db *db, struct result **out, struct err *e)
{
    struct str p[] = {[NUMBER] = STR_NULL, [PUBLIC_ID] = STR_NULL, [TRACKING_ID] = STR_NULL};
    struct attempt a = {
        .insert = "with o as (insert into orders (public_id, tracking_id, kind, state)"
                  " select $2::text, $3::uuid, 'simple', 'PENDING' where $1::bigint is null"
                  " on conflict do nothing returning *),"
                  " e as (select f.version from o, event_append('order-' || o.order_id,"
                  " 'ORDER_REQUESTED', 'order.request', jsonb_build_object("
                  "'orderId', o.order_id::text, 'publicId', o.public_id,"
                  " 'body', o.public_id || '_ORDER_REQUESTED')) f)"
                  " select o.order_id, o.public_id, o.tracking_id, o.state, null, null, null,"
                  " null, null, null, null, null, null, null, o.failure_messages from o, e",
        .params = p,
        .param_count = ARRAY_LEN(p)};
    return make(db, &a, NULL, 0, out, e);
}

/* --- the others ------------------------------------------------------------------------------- */

int order_look(struct db *db, const struct db_freshness *fresh, struct str ref,
               struct result **out, struct err *e)
{
    return orderrow_find(db, false, fresh, ref, "select " ORDERVIEW_COLUMNS " from orders", out,
                         e);
}

int order_number(struct db *db, struct str ref, struct result **out, struct err *e)
{
    return orderrow_find(db, true, NULL, ref, "select o.order_id, o.state from orders", out, e);
}

/* The order as it is, changed or not; kind is the last column. */
static int cancelled(struct db *db, struct str ref, struct result **out, struct err *e)
{
    int rc = orderrow_find(db, true, NULL, ref,
                           "select " ORDERVIEW_COLUMNS ", o.kind from orders", out, e);
    if (rc != 0) {
        return rc;
    }
    struct orderview v = orderview_at(*out, 0);
    const char *kind = result_text(*out, 0, result_columns(*out) - 1);
    if (strcmp(kind, "food") != 0) {
        return err_set(e, ERR_CONFLICT, "order %.*s is of kind %s, which cannot be cancelled",
                       STR_ARG(v.id), kind);
    }
    if (!str_eq(v.state, STR("CANCELLING")) && !str_eq(v.state, STR("CANCELLED"))) {
        return err_set(e, ERR_CONFLICT,
                       "order %.*s is %.*s: it can be cancelled while it is PENDING or "
                       "ACCEPTED",
                       STR_ARG(v.id), STR_ARG(v.state));
    }
    return 0;
}

int order_cancel(struct db *db, struct str ref, const char *actor, struct result **out,
                 struct err *e)
{
    struct orderref r;
    bool alone;
    *out = NULL;
    int rc = orderref_read(ref, &r, e);
    rc = rc == 0 ? db_act_as(db, owner, &alone, e) : rc;
    if (rc != 0) {
        return rc;
    }
    char sql[SQL_MAX];
    int n = snprintf(sql, sizeof sql,
                     "with o as (update orders o set state = 'CANCELLING',"
                     " updated_date = clock_timestamp() where o.%s = $1 and o.kind = 'food'"
                     " and o.state in ('PENDING', 'ACCEPTED') returning o.order_id)"
                     " select f.version from o, event_append('order-' || o.order_id,"
                     " 'ORDER_CANCELLING', 'order.cancelling', jsonb_build_object("
                     "'orderId', o.order_id::text, 'actor', $2::text)) f",
                     r.column);
    ASSERT(n > 0 && (size_t)n < sizeof sql);
    const struct str params[] = {r.value, str_of(actor)};
    rc = db_write(db, sql, ARRAY_LEN(params), params, NULL, e);
    if (rc == 0) {
        rc = cancelled(db, ref, out, e);
    }
    rc = db_act_end(db, alone, rc, e);
    if (rc != 0) {
        drop(out);
    }
    return rc;
}

/* --- for the command line --------------------------------------------------------------------- */

const char *const order_columns[] = {"order_id",
                                     "public_id",
                                     "tracking_id",
                                     "kind",
                                     "state",
                                     "customer_id",
                                     "restaurant_id",
                                     "total",
                                     "ticket_id",
                                     "accept_time",
                                     "ready_time",
                                     "preparing_time",
                                     "picked_up_time",
                                     "delivery_completed_time",
                                     "failure_messages",
                                     "order_date",
                                     "updated_date"};
const size_t order_column_count = ARRAY_LEN(order_columns);

/* Nested macros in a text make the formatter shred the rest of it. */
/* clang-format off */
#define LIST_COLUMNS \
    "o.order_id, o.public_id, o.tracking_id, o.kind, o.state, o.customer_id," \
    " o.restaurant_id, o.total, o.ticket_id, " INSTANT_SQL("o.accept_time") \
            ", " INSTANT_SQL("o.ready_time") ", o.preparing_time, " INSTANT_SQL( \
        "o.picked_up_time") \
            ", " INSTANT_SQL("o.delivery_completed_time") \
            ", nullif(o.failure_messages, '[]'), " INSTANT_SQL( \
            "o.order_date") ", " INSTANT_SQL( \
            "o.updated_date")
/* clang-format on */

int order_list(struct db *db, const struct db_freshness *fresh, struct str after,
               struct result **out, struct err *e)
{
    return db_read(db, fresh,
                   "select " LIST_COLUMNS " from orders o where o.order_id > "
                   "coalesce($1::bigint, -9223372036854775808) order by o.order_id limit 500",
                   1, &after, out, e);
}

int order_details(struct db *db, const struct db_freshness *fresh, struct str ref,
                  struct result **out, struct err *e)
{
    return orderrow_find(db, false, fresh, ref, "select " LIST_COLUMNS " from orders", out, e);
}
