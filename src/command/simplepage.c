/* simplepage.c - see simplepage.h. The address of the document is made from the Host that the client asked, because only the client
 * knows by what name it reaches this service. */
#include "command/simplepage.h"

#include "base/utf8.h"
#include "command/command_conf.h"
#include "command/idempotency.h"
#include "domain/history.h"
#include "domain/order.h"

static void write_created(struct request *q, struct str id)
{
    const char *host = httpd_header(q->http, "Host");
    char place[COMMAND_PLACE_MAX];
    if (host == NULL || !utf8_valid(str_of(host))) {
        command_conf_place(place);
        host = place;
    }
    struct buf address = BUF_INIT;
    buf_addf(&address, "http://%s/query/%.*s", host, STR_ARG(id));
    struct json j;
    json_init(&j, &q->reply->body, JSON_COMPACT);
    json_object(&j);
    json_key_text(&j, "id", id);
    json_key_text(&j, "_query", buf_str(&address));
    json_object_end(&j);
    buf_fini(&address);
}

void simplepage_create(struct request *q)
{
    q->reply->content_type = "application/json;charset=UTF-8";
    request_forbid_cache(q);
    if (idempotency_begin(q) != IDEMPOTENCY_FRESH) {
        return;
    }
    struct result *rows = NULL;
    struct err e = ERR_INIT;
    int rc = order_request(q->db, &rows, &e);
    if (rc == 0) {
        write_created(q, orderview_at(rows, 0).public_id);
        result_free(rows);
    }
    if (idempotency_end(q, rc, &e) == 0) {
        request_mark_write(q);
    } else {
        request_fail(q, &e);
    }
}

/* {"error":"no order found for <ref>"} */
static void write_missing(struct request *q)
{
    struct buf text = BUF_INIT;
    buf_addf(&text, "no order found for ");
    buf_addstr(&text, utf8_valid(q->name) ? q->name : STR("?"));
    struct json j;
    buf_reset(&q->reply->body);
    json_init(&j, &q->reply->body, JSON_COMPACT);
    json_object(&j);
    json_key_text(&j, "error", buf_str(&text));
    json_object_end(&j);
    q->reply->status = 404;
    buf_fini(&text);
}

void simplepage_query(struct request *q)
{
    if (request_show(q, history_document, history_write) == ERR_NOT_FOUND) {
        write_missing(q);
    }
}
