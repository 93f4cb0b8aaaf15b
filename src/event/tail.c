/* tail.c - see tail.h. Messages are acknowledged when the next one is asked for, so at most `prefetch` of them are on their
 * way however slow the reader is. */
#include "event/tail.h"

#include "base/clock.h"
#include "event/pattern.h"
#include "event/setup.h"
#include "mq/topology.h"

#include <stdlib.h>
#include <time.h>

enum {
    ACK_PART = 4,       /* of the prefetch: how often credit is given back */
    END_PREFETCH = 500, /* the end comes from the beginning of its chunk on */
    END_FIRST_MS = 10000,
    END_EMPTY_MS = 500,
    END_QUIET_MS = 500,
    END_MAX_MS = 2000, /* somebody goes on writing: what was there has come by then */
};

struct tail {
    struct link *link;
    struct tail_place place;
    const char *key;
    uint64_t taken, acked, ack_every;
};

bool tail_place_parse(const char *text, struct tail_place *out)
{
    struct tm tm = {0};
    char *end;
    *out = (struct tail_place){.in = {.from = CONSUME_FIRST}};
    if (strcmp(text, "first") == 0) {
        return true;
    }
    if (strcmp(text, "last") == 0 || strcmp(text, "next") == 0) {
        out->in.from = CONSUME_NEXT;
        return true;
    }
    if (strncmp(text, "offset:", 7) == 0) {
        out->in.from = CONSUME_OFFSET;
        out->in.offset = strtoull(text + 7, &end, 10);
        return end != text + 7 && *end == '\0';
    }
    if (position_parse(str_of(text), &out->from)) {
        return true;
    }
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    out->in.from = CONSUME_TIME;
    out->from_s = out->in.time_s = rest != NULL ? timegm(&tm) : 0;
    return rest != NULL && (*rest == '\0' || strcmp(rest, "Z") == 0);
}

/* An event of another epoch is not to be compared: it is wanted. */
static bool is_before(const struct tail_place *p, const struct link_event *m)
{
    struct position at;
    if (p->from.lsn == 0 || m->message_id.p == NULL || !position_parse(m->message_id, &at) ||
        (p->from.epoch.timeline != 0 && !epoch_eq(at.epoch, p->from.epoch))) {
        return false;
    }
    int order = position_cmp(at, p->from);
    return order < 0 || (order == 0 && p->behind);
}

static bool is_wanted(const struct tail *t, const struct link_event *m)
{
    struct str when;
    if ((t->key != NULL && !pattern_match(str_of(t->key), m->key)) || is_before(&t->place, m)) {
        return false;
    }
    if (t->place.from_s != 0 && link_header_text(m, "cloudEvents:time", &when) &&
        when.n >= 19) {
        struct tm tm = {0};
        char text[20];
        memcpy(text, when.p, 19);
        text[19] = '\0';
        return strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) == NULL ||
               timegm(&tm) >= t->place.from_s;
    }
    return true;
}

/* The last chunk, which comes in one run. */
static int read_end(struct link *l, int64_t depth, int64_t *offset, struct err *e)
{
    int64_t now_us = clock_mono_us();
    int64_t until_us = now_us + (depth > 0 ? END_FIRST_MS : END_EMPTY_MS) * INT64_C(1000);
    int64_t first_us = 0;
    int rc = 0;
    while (rc == 0 && now_us < until_us) {
        struct link_event ev;
        uint64_t at;
        rc = link_next(l, END_QUIET_MS / 5, &ev, e);
        if (rc == 0 && ev.kind == LINK_CANCEL) {
            rc = err_set(e, ERR_UNAVAILABLE, "the stream was deleted, or moved");
        } else if (rc == 0 && ev.kind == LINK_DELIVER) {
            if (consume_offset(&ev, &at) && (int64_t)at > *offset) {
                *offset = (int64_t)at;
            }
            first_us = first_us == 0 ? clock_mono_us() : first_us;
            until_us = clock_mono_us() + END_QUIET_MS * INT64_C(1000);
            if (until_us > first_us + END_MAX_MS * INT64_C(1000)) {
                until_us = first_us + END_MAX_MS * INT64_C(1000);
            }
            rc = consume_ack(l, ev.tag, e);
        }
        now_us = clock_mono_us();
    }
    if (rc == 0 && *offset < 0 && depth > 0) {
        rc = err_set(e, ERR_TIMEOUT, "the broker did not show the end of %s in %d s",
                     setup()->events_stream, END_FIRST_MS / 1000);
    }
    return rc;
}

int tail_end(const char *name, int64_t *offset, struct err *e)
{
    struct link_options o = {.name = name};
    struct link *l = NULL;
    int64_t depth = 0;
    *offset = -1;
    int rc = link_open(&l, setup()->broker_url, &o, e);
    if (rc == 0) {
        rc = topology_depth(l, setup()->events_stream, &depth, NULL, e);
    }
    if (rc == 0) {
        rc = consume_start(l, setup()->events_stream, "end", END_PREFETCH,
                           (struct consume_place){.from = CONSUME_LAST}, e);
    }
    rc = rc == 0 ? read_end(l, depth, offset, e) : rc;
    link_close(l);
    return rc;
}

int tail_open(struct tail **out, const struct tail_options *o, struct err *e)
{
    struct link_options lo = {.name = o->name};
    struct tail *t = def_zalloc(1, sizeof *t);
    t->place = o->place;
    t->key = o->key;
    t->ack_every = o->prefetch > ACK_PART ? o->prefetch / ACK_PART : 1;
    int rc = link_open(&t->link, setup()->broker_url, &lo, e);
    if (rc == 0) {
        rc = consume_start(t->link, setup()->events_stream, "events", o->prefetch, o->place.in,
                           e);
    }
    if (rc != 0) {
        tail_close(t);
        return rc;
    }
    *out = t;
    return 0;
}

void tail_close(struct tail *t)
{
    if (t != NULL) {
        link_close(t->link);
        free(t);
    }
}

int tail_next(struct tail *t, int timeout_ms, struct link_event *ev, bool *wanted,
              struct err *e)
{
    int rc = 0;
    *wanted = false;
    if (t->taken - t->acked >= t->ack_every) {
        rc = consume_ack(t->link, t->taken, e);
        t->acked = t->taken;
    }
    rc = rc == 0 ? link_next(t->link, timeout_ms, ev, e) : rc;
    if (rc == 0 && ev->kind == LINK_CANCEL) {
        return err_set(e, ERR_UNAVAILABLE, "the stream was deleted, or moved");
    }
    if (rc == 0 && ev->kind == LINK_DELIVER) {
        t->taken = ev->tag;
        *wanted = is_wanted(t, ev);
    } else if (rc == 0) {
        ev->kind = LINK_NONE; /* alarms concern publishers */
    }
    return rc;
}

bool tail_pending(const struct tail *t)
{
    return link_pending(t->link);
}

int tail_socket(const struct tail *t)
{
    return link_socket(t->link);
}
