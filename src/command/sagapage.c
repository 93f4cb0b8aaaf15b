/* sagapage.c - see sagapage.h. The books are on the primary alone, so every one of these needs it. */
#include "command/sagapage.h"

#include "command/listing.h"
#include "saga/books.h"

static void write_saga(struct json *j, struct books_saga s)
{
    json_object(j);
    json_key_text(j, "sagaId", s.id);
    json_key_text(j, "sagaType", s.type);
    json_key_text(j, "orderId", s.order);
    json_key_text(j, "step", s.step);
    json_key_text(j, "status", s.status);
    json_key(j, "paused");
    json_bool(j, s.paused);
    json_key(j, "attempt");
    json_raw(j, s.attempt);
    if (s.deadline.p != NULL) {
        json_key_text(j, "deadlineAt", s.deadline);
    }
    if (s.error.p != NULL) {
        json_key_text(j, "lastError", s.error);
    }
    json_key_text(j, "createdAt", s.created);
    json_key_text(j, "updatedAt", s.updated);
    json_object_end(j);
}

static void write_entry(struct json *j, struct books_entry l)
{
    json_object(j);
    json_key_text(j, "at", l.at);
    json_key_text(j, "actor", l.actor);
    if (l.from_step.p != NULL) {
        json_key_text(j, "fromStep", l.from_step);
    }
    if (l.to_step.p != NULL) {
        json_key_text(j, "toStep", l.to_step);
    }
    json_key_text(j, "fromStatus", l.from_status);
    json_key_text(j, "toStatus", l.to_status);
    json_key_text(j, "detail", l.detail);
    json_object_end(j);
}

static void write_row(struct json *j, const struct result *rows, size_t i)
{
    write_saga(j, books_at(rows, i));
}

void sagapage_list(struct request *q)
{
    static const struct listing all = {.page_rows = BOOKS_PAGE,
                                       .page_of = books_list,
                                       .key = books_place,
                                       .write = write_row,
                                       .open = "[",
                                       .close = "]"};
    q->name = str_of(httpd_query(q->http, "status"));
    listing_serve(q, &all);
}

static void reply_saga(struct request *q, struct result *rows)
{
    struct json j;
    json_init(&j, &q->reply->body, JSON_COMPACT);
    write_saga(&j, books_at(rows, 0));
    result_free(rows);
}

void sagapage_details(struct request *q)
{
    struct db_freshness fresh;
    struct result *rows = NULL;
    struct err e = ERR_INIT;
    int rc = request_freshness(q, &fresh, &e);
    rc = rc == 0 ? books_details(q->db, &fresh, q->name, &rows, &e) : rc;
    if (rc == 0) {
        reply_saga(q, rows);
        request_mark_read(q, &fresh);
    } else {
        request_fail(q, &e);
    }
}

void sagapage_log(struct request *q)
{
    struct db_freshness fresh;
    struct result *rows = NULL;
    struct err e = ERR_INIT;
    int rc = request_freshness(q, &fresh, &e);
    rc = rc == 0 ? books_log(q->db, &fresh, q->name, &rows, &e) : rc;
    if (rc != 0) {
        request_fail(q, &e);
        return;
    }
    struct json j;
    json_init(&j, &q->reply->body, JSON_COMPACT);
    json_array(&j);
    for (size_t i = 0; i < result_count(rows); i++) {
        write_entry(&j, books_entry_at(rows, i));
    }
    json_array_end(&j);
    result_free(rows);
    request_mark_read(q, &fresh);
}

/* Who asks over HTTP has no name. Asking for what is so already changes nothing, so a repeated request is harmless without a key. */
static void ask(struct request *q, enum saga_input_kind what)
{
    struct result *rows = NULL;
    struct err e = ERR_INIT;
    if (books_ask(q->db, q->name, what, "operator:http", &rows, &e) == 0) {
        reply_saga(q, rows);
        request_mark_write(q);
    } else {
        request_fail(q, &e);
    }
}

void sagapage_pause(struct request *q)
{
    ask(q, SAGA_IN_PAUSE);
}

void sagapage_resume(struct request *q)
{
    ask(q, SAGA_IN_RESUME);
}

void sagapage_retry(struct request *q)
{
    ask(q, SAGA_IN_RETRY);
}
