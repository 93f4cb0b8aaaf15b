/* delivery.c - see delivery.h. Delivery and fact are one statement. order_id is unique among the deliveries: of two callers that find
 * the same order READY one inserts its row, the other waits and then has nothing to do. Both go by the orders' numbers, so
 * they do not wait for each other in a circle. */
#include "domain/delivery.h"

#include "domain/instant.h"
#include "domain/order.h"

static const char owner[] = "owner_delivery";

/* $1: the order's number, or NULL for all. */
static const char pick_up[] =
    "with due as (select o.order_id from orders o where o.kind = 'food' and o.state = 'READY'"
    "  and ($1::bigint is null or o.order_id = $1) order by o.order_id),"
    " taken as (insert into deliveries (order_id, state, rider_id, picked_up_time)"
    "  select due.order_id, 'PICKEDUP', gen_random_uuid(), clock_timestamp() from due"
    "  on conflict (order_id) do nothing returning *)"
    " select t.order_id, t.state from (select * from taken order by order_id) t,"
    " event_append('order-' || t.order_id, 'DELIVERY_PICKEDUP', 'delivery.pickedup',"
    " jsonb_build_object('orderId', t.order_id::text, 'deliveryId', t.delivery_id,"
    " 'riderId', t.rider_id, 'pickedUpTime', " INSTANT_SQL("t.picked_up_time") ")) f"
                                                                               " order by 1";

static const char complete[] =
    "with due as (select d.delivery_id from deliveries d where d.state = 'PICKEDUP'"
    "  and ($1::bigint is null or d.order_id = $1) order by d.order_id for update),"
    " done as (update deliveries d set state = 'COMPLETED',"
    "  completed_time = clock_timestamp() from due where d.delivery_id = due.delivery_id"
    "  returning d.*)"
    " select t.order_id, t.state from (select * from done order by order_id) t,"
    " event_append('order-' || t.order_id, 'DELIVERY_COMPLETED', 'delivery.complete',"
    " jsonb_build_object('orderId', t.order_id::text, 'deliveryId', t.delivery_id,"
    " 'riderId', t.rider_id, 'deliveryCompletedTime', " INSTANT_SQL(
        "t.completed_time") ")) f order by 1";

static int step(struct db *db, const char *sql, const char *refusal, struct str ref,
                struct result **out, struct err *e)
{
    struct result *order = NULL;
    struct str number = STR_NULL;
    int rc = 0;
    if (ref.p != NULL) {
        rc = order_number(db, ref, &order, e);
        if (rc != 0) {
            return rc;
        }
        number = result_get(order, 0, 0);
    }
    rc = db_write(db, sql, 1, &number, out, e);
    if (rc == 0 && ref.p != NULL && result_count(*out) == 0) {
        rc = err_set(e, ERR_CONFLICT, "order %.*s %s: it is %s", STR_ARG(number), refusal,
                     result_text(order, 0, 1));
    }
    result_free(order);
    return rc;
}

static int as_delivery(struct db *db, const char *sql, const char *refusal, struct str ref,
                       struct result **out, struct err *e)
{
    bool alone;
    *out = NULL;
    int rc = db_act_as(db, owner, &alone, e);
    if (rc != 0) {
        return rc;
    }
    rc = step(db, sql, refusal, ref, out, e);
    rc = db_act_end(db, alone, rc, e);
    if (rc != 0) {
        result_free(*out);
        *out = NULL;
    }
    return rc;
}

int delivery_pick_up(struct db *db, struct str ref, struct result **out, struct err *e)
{
    return as_delivery(db, pick_up, "cannot be picked up, or has been", ref, out, e);
}

int delivery_complete(struct db *db, struct str ref, struct result **out, struct err *e)
{
    return as_delivery(db, complete, "has no delivery under way", ref, out, e);
}
