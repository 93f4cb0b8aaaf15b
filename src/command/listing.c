/* listing.c - see listing.h. The first page is read by the handler, so an error of it is an answer; a list that fits into it is
 * a whole answer, too. Behind it the producer reads page by page on whatever worker calls it, with that worker's own connection. */
#include "command/listing.h"

#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>

enum { KEY_MAX = 256, POSITION_KEPT = 256 };

struct state {
    const struct listing *l;
    struct db *(*db)(void *service);
    void *service;
    struct db_freshness fresh;
    char position[POSITION_KEPT]; /* what fresh points to */
    char *of; /* the path's variable segment, when the list is one of several */
    char after[KEY_MAX];
};

static void release(void *ctx)
{
    struct state *s = ctx;
    free(s->of);
    free(s);
}

static int read_page(const struct listing *l, struct db *db, const struct db_freshness *fresh,
                     struct str of, struct str after, struct result **out, struct err *e)
{
    return l->page_of != NULL ? l->page_of(db, fresh, of, after, out, e)
                              : l->page(db, fresh, after, out, e);
}

/* first: nothing was written of the list. */
static void write_rows(const struct listing *l, const struct result *rows, bool first,
                       struct buf *out)
{
    for (size_t i = 0; i < result_count(rows); i++) {
        struct json j;
        json_init(&j, out, JSON_COMPACT);
        if (l->open != NULL && (i > 0 || !first)) {
            buf_u8(out, ',');
        }
        l->write(&j, rows, i);
        if (l->open == NULL) {
            buf_u8(out, '\n');
        }
    }
}

/* Where the next page begins; false: there is none. */
static bool keep_place(const struct listing *l, const struct result *rows, char after[KEY_MAX])
{
    size_t count = result_count(rows);
    if (count < l->page_rows) {
        return false;
    }
    struct str key = l->key(rows, count - 1);
    ASSERT(key.n < KEY_MAX);
    memcpy(after, key.p, key.n);
    after[key.n] = '\0';
    return true;
}

static enum httpd_turn next(void *ctx, struct buf *out, int64_t *wait_ms)
{
    UNUSED(wait_ms);
    struct state *s = ctx;
    struct result *rows = NULL;
    struct err e = ERR_INIT;
    if (read_page(s->l, s->db(s->service), &s->fresh, str_of(s->of), str_of(s->after), &rows,
                  &e) != 0) {
        log_warn("list given up reason=\"%s\"", e.text);
        return HTTPD_FAILED;
    }
    write_rows(s->l, rows, false, out);
    bool more = keep_place(s->l, rows, s->after);
    result_free(rows);
    if (!more && s->l->close != NULL) {
        buf_adds(out, s->l->close);
    }
    return more ? HTTPD_MORE : HTTPD_END;
}

void listing_serve(struct request *q, const struct listing *l)
{
    struct db_freshness fresh;
    struct result *rows = NULL;
    struct err e = ERR_INIT;
    int rc = request_freshness(q, &fresh, &e);
    if (rc == 0) {
        rc = read_page(l, q->db, &fresh, q->name, STR_NULL, &rows, &e);
    }
    if (rc != 0) {
        request_fail(q, &e);
        if (rc == ERR_NOT_FOUND) {
            request_mark_read(q, &fresh);
        }
        return;
    }
    char after[KEY_MAX];
    if (l->open != NULL) {
        buf_adds(&q->reply->body, l->open);
    }
    write_rows(l, rows, true, &q->reply->body);
    bool more = keep_place(l, rows, after);
    result_free(rows);
    request_mark_read(q, &fresh);
    if (l->open == NULL) {
        q->reply->content_type = "application/x-ndjson";
    }
    if (!more && l->close != NULL) {
        buf_adds(&q->reply->body, l->close);
    }
    if (more) {
        struct state *s = def_zalloc(1, sizeof *s);
        s->l = l;
        s->db = q->db_of;
        s->service = q->service;
        s->fresh = fresh;
        s->of = q->name.p != NULL ? def_strndup(q->name.p, q->name.n) : NULL;
        if (fresh.position.p != NULL) { /* its text is the request's */
            snprintf(s->position, sizeof s->position, "%.*s", STR_ARG(fresh.position));
            s->fresh.position = str_of(s->position);
        }
        memcpy(s->after, after, sizeof after);
        (void)httpd_reply_stream(q->reply, next, release, s);
    }
}
