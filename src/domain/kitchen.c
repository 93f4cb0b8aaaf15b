/* kitchen.c - see kitchen.h. Cook and fact are one statement, so a cook that is READY has been told of, once. The oldest cook is
 * taken with SKIP LOCKED: of two callers each gets another one. A cook whose order is being cancelled or rejected is
 * left to the saga, which undoes it. */
#include "domain/kitchen.h"

#include "domain/instant.h"
#include "domain/order.h"

static const char owner[] = "owner_kitchen";

/* which: the condition that picks the cook. */
#define READY(which)                                                                           \
    "with due as (select c.cook_id from cooks c where c.state = 'PREPARING'"                   \
    " and exists (select from orders o where o.order_id = c.order_id"                          \
    "  and o.state in ('ACCEPTED', 'PREPARING')) " which "),"                                  \
    " ready as (update cooks c set state = 'READY', ready_time = t.moment, preparing_time ="   \
    "  greatest(0, floor(extract(epoch from t.moment - c.accept_time)))::int"                  \
    "  from due, (select date_trunc('milliseconds', clock_timestamp()) as moment) t"           \
    "  where c.cook_id = due.cook_id returning c.*)"                                           \
    " select r.order_id, r.state from ready r, event_append('order-' || r.order_id,"           \
    " 'KITCHEN_READY', 'kitchen.ready', jsonb_build_object('orderId', r.order_id::text,"       \
    " 'cookId', r.cook_id, 'acceptTime', " INSTANT_SQL(                                        \
        "r.accept_time") ", 'readyTime', " INSTANT_SQL("r.ready_time") ", 'preparingTime', "   \
                                                                       "r.preparing_time)) f"

static int ready_oldest(struct db *db, struct result **out, struct err *e)
{
    return db_write(db,
                    READY("order by c.accept_time, c.order_id limit 1 for update skip locked"),
                    0, NULL, out, e);
}

static int ready_of(struct db *db, struct str ref, struct result **out, struct err *e)
{
    struct result *order;
    int rc = order_number(db, ref, &order, e);
    if (rc != 0) {
        return rc;
    }
    struct str number = result_get(order, 0, 0);
    rc = db_write(db, READY("and c.order_id = $1::bigint for update"), 1, &number, out, e);
    if (rc == 0 && result_count(*out) == 0) {
        rc = err_set(e, ERR_CONFLICT, "order %.*s has no cook at work: it is %s",
                     STR_ARG(number), result_text(order, 0, 1));
    }
    result_free(order);
    return rc;
}

int kitchen_ready(struct db *db, struct str ref, struct result **out, struct err *e)
{
    bool alone;
    *out = NULL;
    int rc = db_act_as(db, owner, &alone, e);
    if (rc != 0) {
        return rc;
    }
    rc = ref.p != NULL ? ready_of(db, ref, out, e) : ready_oldest(db, out, e);
    rc = db_act_end(db, alone, rc, e);
    if (rc != 0) {
        result_free(*out);
        *out = NULL;
    }
    return rc;
}
