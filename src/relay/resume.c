/* resume.c - see resume.h. A stream is read from its last chunk on; the chunk may hold several
 * messages, so reading goes on until the broker has nothing more for a moment. Should that moment come too
 * early, the place read is too low, which costs repeats and loses nothing. */
#include "relay/resume.h"

#include "base/clock.h"
#include "event/frame.h"
#include "event/setup.h"
#include "mq/consume.h"
#include "mq/topology.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    FIRST_MS = 10000,    /* for the first message of a stream that is not empty */
    EMPTY_MS = 500,      /* of one that says it is */
    QUIET_MS = 200,      /* after the last one */
    TAIL_MAX_MS = 30000, /* somebody else keeps writing there */
    PREFETCH = 1000,
};

static void unbound(struct resume_unbound *u, const char *binding, const char *why)
{
    if (u->count++ == 0) {
        snprintf(u->first, sizeof u->first, "%.120s: %.240s", binding, why);
    }
}

/* One of events.bindings. What is wrong with it is no reason to end a session. */
static int bind_one(struct link *l, const char *binding, struct resume_unbound *u,
                    struct err *e)
{
    const char *key = strchr(binding, '=');
    if (key == NULL) {
        unbound(u, binding, "not \"queue=routing key\"");
        return 0;
    }
    char *queue = def_strndup(binding, (size_t)(key - binding));
    int rc = topology_bind(l, queue, setup()->events_exchange, key + 1, e);
    free(queue);
    /* not there, somebody's own, not permitted: the channel was renewed */
    if (rc == ERR_NOT_FOUND || rc == ERR_CONFLICT || rc == ERR_AUTH) {
        if (!link_channel_alive(l)) {
            return rc;
        }
        unbound(u, binding, e->text);
        rc = 0;
    }
    return rc;
}

int resume_bind(struct link *l, struct resume_unbound *out, struct err *e)
{
    const struct setup *c = setup();
    *out = (struct resume_unbound){.count = 0};
    int rc = topology_bind(l, c->events_stream, c->events_exchange, "#", e);
    for (size_t i = 0; rc == 0 && i < c->events_bindings.count; i++) {
        rc = bind_one(l, c->events_bindings.items[i], out, e);
    }
    return rc;
}

int resume_declare(struct link *l, struct err *e)
{
    const struct setup *c = setup();
    int rc = topology_exchange(l, c->events_exchange, "topic", e);
    if (rc == 0) {
        rc = topology_exchange(l, COMMAND_EXCHANGE, "direct", e);
    }
    if (rc == 0) {
        rc = topology_stream(l, c->log_stream, c->log_max_bytes, c->broker_members, e);
    }
    if (rc == 0) {
        rc = topology_stream(l, c->events_stream, c->events_max_bytes, c->broker_members, e);
    }
    struct resume_unbound later; /* told when they are looked at again */
    return rc == 0 ? resume_bind(l, &later, e) : rc;
}

typedef void tail_message(struct resume *out, const struct link_event *ev);

static void on_frame(struct resume *out, const struct link_event *ev)
{
    struct frame_head head;
    struct rd items;
    struct err ignored = ERR_INIT; /* somebody else's message: not a frame */
    if (frame_decode(ev->body, &head, &items, &ignored) == 0) {
        out->log_found = true;
        out->log_last = head.last;
        memcpy(out->incarnation, head.incarnation, sizeof out->incarnation);
    }
}

bool resume_number(const struct link_event *ev, struct gapless *out)
{
    struct str run;
    struct position at;
    int64_t seq = 0;
    int64_t offset = 0;
    bool ours = link_header_text(ev, "parkway:run", &run) &&
                link_header_int(ev, "parkway:seq", &seq) &&
                link_header_int(ev, "x-stream-offset", &offset) && ev->message_id.p != NULL &&
                position_parse(ev->message_id, &at);
    if (ours) {
        gapless_set(out, run, (uint64_t)seq, offset, at);
    }
    return ours;
}

static void on_event(struct resume *out, const struct link_event *ev)
{
    struct str run;
    struct position at;
    if (link_header_text(ev, "parkway:run", &run) && ev->message_id.p != NULL &&
        position_parse(ev->message_id, &at)) {
        out->events_found = true;
        out->events_last = at;
        resume_number(ev, &out->events_end);
    }
    int64_t offset;
    if (link_header_int(ev, "x-stream-offset", &offset) && offset > out->events_offset) {
        out->events_offset = offset;
    }
}

/* Reads from the place known to be whole to the end that the tail showed. What is not read in time counts as
 * missing, which costs repeats. */
static int look_for_gap(struct link *l, const struct gapless *whole, struct resume *out,
                        struct err *e)
{
    struct gapless g = *whole;
    int64_t began = clock_mono_us();
    bool cut = out->events_end.offset < g.offset; /* the stream was made anew */
    bool reached = false;
    if (cut) {
        g.offset = -1;
    }
    struct consume_place place = {.from = cut ? CONSUME_FIRST : CONSUME_OFFSET,
                                  .offset = cut ? 0 : (uint64_t)g.offset + 1};
    int rc = consume_start(l, setup()->events_stream, "parkway.look", PREFETCH, place, e);
    while (rc == 0 && !g.gap && !reached &&
           clock_mono_us() - began < TAIL_MAX_MS * INT64_C(1000)) {
        struct link_event ev;
        rc = link_next(l, QUIET_MS, &ev, e);
        if (rc == 0 && ev.kind == LINK_DELIVER && str_eq(ev.consumer, STR("parkway.look"))) {
            struct gapless one;
            if (resume_number(&ev, &one)) {
                gapless_feed(&g, str_of(one.run), one.seq, one.offset, one.at);
                reached = one.offset >= out->events_end.offset;
            }
            rc = consume_ack(l, ev.tag, e);
        } else if (rc == 0 && ev.kind == LINK_CANCEL) {
            rc = err_set(e, ERR_UNAVAILABLE, "the broker cancelled the reading of %s",
                         setup()->events_stream);
        }
    }
    if (rc == 0 && (g.gap || !reached)) {
        out->events_gap = true;
        out->events_last = g.at;
    }
    return rc == 0 ? consume_stop(l, "parkway.look", e) : rc;
}

/* Reads the tail of one stream; *seen: anything at all came. */
static int read_tail(struct link *l, const char *stream, tail_message *take, struct resume *out,
                     bool *seen, struct err *e)
{
    int64_t depth = 0;
    int rc = topology_depth(l, stream, &depth, NULL, e);
    if (rc == 0) {
        rc = consume_start(l, stream, stream, PREFETCH,
                           (struct consume_place){.from = CONSUME_LAST}, e);
    }
    int64_t began = clock_mono_us();
    int64_t wait_ms = depth > 0 ? FIRST_MS : EMPTY_MS;
    int64_t last = began;
    *seen = false;
    while (rc == 0 && clock_mono_us() - began < TAIL_MAX_MS * INT64_C(1000)) {
        struct link_event ev;
        rc = link_next(l, QUIET_MS / 2, &ev, e);
        if (rc != 0) {
            break;
        }
        if (ev.kind == LINK_DELIVER && str_eq(ev.consumer, str_of(stream))) {
            uint64_t tag = ev.tag;
            *seen = true;
            last = clock_mono_us();
            wait_ms = QUIET_MS;
            take(out, &ev);
            rc = consume_ack(l, tag, e);
        } else if (ev.kind == LINK_CANCEL) {
            rc = err_set(e, ERR_UNAVAILABLE, "the broker cancelled the reading of %s", stream);
        } else if (clock_mono_us() - last >= wait_ms * 1000) {
            break;
        }
    }
    if (rc == 0) {
        rc = consume_stop(l, stream, e);
    }
    if (rc == 0 && !*seen && depth > 0) {
        rc = err_set(e, ERR_TIMEOUT, "could not read the end of %s in %d s", stream,
                     FIRST_MS / 1000);
    }
    return rc;
}

int resume_read(struct link *l, const struct gapless *whole, struct resume *out, struct err *e)
{
    *out = (struct resume){.events_offset = -1};
    bool seen = false;
    int rc = read_tail(l, setup()->log_stream, on_frame, out, &seen, e);
    out->log_empty = !seen;
    if (rc == 0) {
        rc = read_tail(l, setup()->events_stream, on_event, out, &seen, e);
    }
    const struct gapless *end = &out->events_end;
    if (rc == 0 && whole->known && end->known &&
        !gapless_reaches(whole, str_of(end->run), end->seq, end->offset)) {
        rc = look_for_gap(l, whole, out, e);
    }
    return rc;
}
