/* orderpage.c - see orderpage.h. The key of a repeated request is claimed before the body is read: reading it wipes the card, and
 * the key's row must know the body that came. */
#include "command/orderpage.h"

#include "base/rand.h"
#include "command/idempotency.h"
#include "command/orderbody.h"
#include "domain/order.h"

#include <stdio.h>

static void write_order(struct json *j, const struct result *rows, size_t i)
{
    struct orderview v = orderview_at(rows, i);
    orderview_write(j, &v);
}

static void write_created(struct json *j, const struct result *rows, size_t i)
{
    struct orderview v = orderview_at(rows, i);
    json_object(j);
    json_key_text(j, "orderTrackingId", v.tracking_id);
    json_key_text(j, "orderStatus", v.state);
    json_key_text(j, "message", STR("Order created successfully"));
    json_object_end(j);
}

static void write_status(struct json *j, const struct result *rows, size_t i)
{
    struct orderview v = orderview_at(rows, i);
    json_object(j);
    json_key_text(j, "orderTrackingId", v.tracking_id);
    json_key_text(j, "orderStatus", v.state);
    json_key(j, "failureMessages");
    json_value(j, v.failure_messages);
    json_object_end(j);
}

/* An order from its body, read by `read` and shown by `write`. path: where it is found, with its number or its tracking id. */
static void create(struct request *q,
                   int (*read)(struct arena *mem, struct str text, struct order_input *out,
                               struct err *e),
                   void (*write)(struct json *j, const struct result *rows, size_t i),
                   const char *path, bool by_number)
{
    if (idempotency_begin(q) != IDEMPOTENCY_FRESH) {
        return;
    }
    struct arena mem = {.held_bytes = 0};
    struct order_input in;
    struct result *rows = NULL;
    char location[UUID_TEXT_MAX] = "";
    struct err e = ERR_INIT;
    int rc = read(&mem, q->http->body, &in, &e);
    rc = rc == 0 ? order_create(q->db, &in, &rows, &e) : rc;
    if (rc == 0) {
        struct orderview v = orderview_at(rows, 0);
        struct json j;
        json_init(&j, &q->reply->body, JSON_COMPACT);
        write(&j, rows, 0);
        snprintf(location, sizeof location, "%.*s", STR_ARG(by_number ? v.id : v.tracking_id));
    }
    if (idempotency_end(q, rc, &e) == 0) {
        httpd_reply_header(q->reply, "Location", "%s%s", path, location);
        request_mark_write(q);
    } else {
        request_fail(q, &e);
    }
    result_free(rows);
    arena_fini(&mem);
}

void orderpage_create(struct request *q)
{
    create(q, orderbody_food, write_order, "/order/", true);
}

void orderpage_create_priced(struct request *q)
{
    create(q, orderbody_priced, write_created, "/orders/", false);
}

void orderpage_details(struct request *q)
{
    request_show(q, order_look, write_order);
}

void orderpage_status(struct request *q)
{
    request_show(q, order_look, write_status);
}

void orderpage_cancel(struct request *q)
{
    struct result *rows = NULL;
    struct err e = ERR_INIT;
    if (order_cancel(q->db, q->name, "http", &rows, &e) == 0) {
        struct json j;
        json_init(&j, &q->reply->body, JSON_COMPACT);
        write_order(&j, rows, 0);
        result_free(rows);
        request_mark_write(q);
    } else {
        request_fail(q, &e);
    }
}
