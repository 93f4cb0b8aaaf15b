/* workpage.c - see workpage.h. */
#include "command/workpage.h"

#include "command/idempotency.h"
#include "domain/delivery.h"
#include "domain/kitchen.h"

/* {"updated":[{"orderId":"1","state":"READY"}]} */
static void write_updated(struct request *q, const struct result *rows)
{
    struct json j;
    json_init(&j, &q->reply->body, JSON_COMPACT);
    json_object(&j);
    json_key(&j, "updated");
    json_array(&j);
    for (size_t i = 0; i < result_count(rows); i++) {
        json_object(&j);
        json_key_text(&j, "orderId", result_get(rows, i, 0));
        json_key_text(&j, "state", result_get(rows, i, 1));
        json_object_end(&j);
    }
    json_array_end(&j);
    json_object_end(&j);
}

static void report(struct request *q, int (*step)(struct db *db, struct str ref,
                                                  struct result **out, struct err *e))
{
    request_forbid_cache(q);
    if (idempotency_begin(q) != IDEMPOTENCY_FRESH) {
        return;
    }
    struct result *rows = NULL;
    struct err e = ERR_INIT;
    int rc = step(q->db, str_of(httpd_query(q->http, "order")), &rows, &e);
    if (rc == 0) {
        write_updated(q, rows);
        result_free(rows);
    }
    if (idempotency_end(q, rc, &e) == 0) {
        request_mark_write(q);
    } else {
        request_fail(q, &e);
    }
}

void workpage_ready(struct request *q)
{
    report(q, kitchen_ready);
}

void workpage_pick_up(struct request *q)
{
    report(q, delivery_pick_up);
}

void workpage_complete(struct request *q)
{
    report(q, delivery_complete);
}
