/* slotpage.c - see slotpage.h. */
#include "command/slotpage.h"

#include "command/fields.h"
#include "command/idempotency.h"
#include "domain/parking.h"

static void write_slot(struct json *j, struct parking_slot s)
{
    json_object(j);
    json_key_text(j, "uuid", s.uuid);
    json_key_text(j, "name", s.name);
    json_key_text(j, "status", s.status);
    json_object_end(j);
}

static void reply_slot(struct request *q, int status, struct parking_slot s)
{
    struct json j;
    json_init(&j, &q->reply->body, JSON_COMPACT);
    write_slot(&j, s);
    q->reply->status = status;
}

enum { NAME, STATUS, FIELDS };
#define FIELDS_INIT(of_new)                                                                    \
    {                                                                                          \
        [NAME] = {.name = "name", .kind = FIELD_TEXT, .required = (of_new)}, [STATUS] = {      \
            .name = "status",                                                                  \
            .kind = FIELD_TEXT                                                                 \
        }                                                                                      \
    }

void slotpage_create(struct request *q)
{
    struct field f[FIELDS] = FIELDS_INIT(true);
    struct arena mem = {0};
    struct err e = ERR_INIT;
    int rc = fields_body(&mem, q->http->body, f, FIELDS, &e);
    if (rc != 0) {
        request_fail(q, &e);
    } else if (idempotency_begin(q) == IDEMPOTENCY_FRESH) {
        char uuid[UUID_TEXT_MAX];
        struct parking_slot s;
        rc = parking_create(q->db, f[NAME].text, f[STATUS].text, uuid, &s, &e);
        if (rc == 0) {
            reply_slot(q, 201, s);
        }
        if (idempotency_end(q, rc, &e) == 0) {
            httpd_reply_header(q->reply, "Location", "/parking_slots/%s", uuid);
            request_mark_write(q);
        } else {
            request_fail(q, &e);
        }
    }
    arena_fini(&mem);
}

void slotpage_list(struct request *q)
{
    struct db_freshness fresh;
    struct result *rows = NULL;
    struct err e = ERR_INIT;
    int rc = request_freshness(q, &fresh, &e);
    if (rc == 0) {
        rc = parking_list(q->db, &fresh, &rows, &e);
    }
    if (rc != 0) {
        request_fail(q, &e);
        return;
    }
    struct json j;
    json_init(&j, &q->reply->body, JSON_COMPACT);
    json_array(&j);
    for (size_t i = 0; i < result_count(rows); i++) {
        write_slot(&j, parking_at(rows, i));
    }
    json_array_end(&j);
    result_free(rows);
    request_mark_read(q, &fresh);
}

void slotpage_details(struct request *q)
{
    struct db_freshness fresh;
    struct result *rows = NULL;
    struct err e = ERR_INIT;
    int rc = request_freshness(q, &fresh, &e);
    if (rc == 0) {
        rc = parking_details(q->db, &fresh, q->name, &rows, &e);
    }
    if (rc == 0) {
        reply_slot(q, 200, parking_at(rows, 0));
        result_free(rows);
    } else {
        request_fail(q, &e);
    }
    if (rc == 0 || rc == ERR_NOT_FOUND) {
        request_mark_read(q, &fresh);
    }
}

void slotpage_update(struct request *q)
{
    struct field f[FIELDS] = FIELDS_INIT(false);
    struct arena mem = {0};
    struct result *rows = NULL;
    struct err e = ERR_INIT;
    int rc = fields_body(&mem, q->http->body, f, FIELDS, &e);
    if (rc == 0) {
        rc = parking_update(q->db, q->name, f[NAME].text, f[STATUS].text, &rows, &e);
    }
    if (rc == 0) {
        reply_slot(q, 200, parking_at(rows, 0));
        result_free(rows);
        request_mark_write(q);
    } else {
        request_fail(q, &e);
    }
    arena_fini(&mem);
}
