/* request.c - see request.h. */
#include "command/request.h"

#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { WAIT_MAX_MS = 60000 };

int request_freshness(const struct request *q, struct db_freshness *out, struct err *e)
{
    *out = (struct db_freshness)DB_FRESHNESS_INIT;
    const char *token = httpd_header(q->http, "Parkway-Position");
    const char *wait = httpd_header(q->http, "Parkway-Wait-Ms");
    struct position p;
    if (token != NULL) {
        if (!position_parse(str_of(token), &p)) {
            return err_set(e, ERR_INVALID,
                           "Parkway-Position must be a position, as "
                           "<epoch>:<LSN> or <LSN>");
        }
        out->position = str_of(token);
    }
    if (wait != NULL) {
        size_t digits = strspn(wait, "0123456789");
        if (digits == 0 || digits > 6 || wait[digits] != '\0' || atol(wait) > WAIT_MAX_MS) {
            return err_set(e, ERR_INVALID, "Parkway-Wait-Ms must be a number from 0 to %d",
                           WAIT_MAX_MS);
        }
        out->wait_ms = atol(wait);
    }
    return 0;
}

void request_fail(struct request *q, const struct err *e)
{
    int status = err_http(e->code);
    if (status >= 500) {
        log_warn("request failed method=%s path=\"%.*s\" status=%d sqlstate=%s reason=\"%s\"",
                 q->http->method, STR_ARG(q->http->path), status, e->sqlstate, e->text);
    }
    httpd_reply_error(q->reply, status, e->text);
}

void request_refuse(struct request *q, int status, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    httpd_reply_error(q->reply, status, text);
}

void request_mark_read(struct request *q, const struct db_freshness *fresh)
{
    enum db_route r = db_route(q->db);
    if (r == DB_ROUTE_PRIMARY && fresh->position.p != NULL) {
        db_close(q->db);
    }
    if (r != DB_ROUTE_UNKNOWN) {
        httpd_reply_header(q->reply, "Parkway-Route", "%s", db_route_text(r));
    }
}

void request_mark_write(struct request *q)
{
    char position[POSITION_TEXT_MAX];
    db_position(q->db, position);
    httpd_reply_header(q->reply, "Parkway-Route", "%s", db_route_text(DB_ROUTE_PRIMARY));
    if (position[0] != '\0') {
        httpd_reply_header(q->reply, "Parkway-Position", "%s", position);
    }
}

void request_forbid_cache(struct request *q)
{
    httpd_reply_header(q->reply, "Cache-Control", "no-store");
}

int request_show(struct request *q,
                 int (*look)(struct db *db, const struct db_freshness *fresh, struct str ref,
                             struct result **out, struct err *e),
                 void (*write)(struct json *j, const struct result *rows, size_t i))
{
    struct db_freshness fresh;
    struct result *rows = NULL;
    struct err e = ERR_INIT;
    int rc = request_freshness(q, &fresh, &e);
    bool asked = rc == 0;
    rc = asked ? look(q->db, &fresh, q->name, &rows, &e) : rc;
    if (rc == 0) {
        struct json j;
        json_init(&j, &q->reply->body, JSON_COMPACT);
        write(&j, rows, 0);
        result_free(rows);
    } else {
        request_fail(q, &e);
    }
    if (asked && (rc == 0 || rc == ERR_NOT_FOUND)) {
        request_mark_read(q, &fresh);
    }
    return rc;
}
