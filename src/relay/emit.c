/* emit.c - the thread that owns the publishing link: takes what was captured, lets it become frames and
 * events, publishes both, and decides with every confirm what may be released.
 *
 * Both lanes share one channel, so a tag names a message of either. A frame that is not full goes out
 * when none is unconfirmed and no more input is at hand: alone on an idle system at once, in company on a
 * busy one. A full frame goes out at once, as far as the window allows.
 *
 * What cannot be published:
 *   link lost, frame refused     the session ends; the next one reads the streams' tails and continues
 *   frame or event returned      likewise, after saying so: the next session declares the topology
 *   no word about it for 20 s    likewise
 *   event refused by a queue     retry.h
 *   alarm                        publishing waits; reading and reports to the primary go on
 *
 * Memory: the window (count and bytes), what waits to be sent again (likewise), one frame, the chunk being
 * read. */
#include "relay/assemble.h"
#include "relay/relay_conf.h"
#include "relay/release.h"
#include "relay/retry.h"
#include "relay/session.h"
#include "relay/window.h"

#include "base/clock.h"
#include "base/log.h"
#include "event/setup.h"
#include "mq/publish.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    PROGRESS_US = 50000,   /* a progress frame at most this often */
    RELEASE_US = 2000,     /* the frontier is computed at most this often */
    PUMP_EVERY = 32,       /* messages between two looks at what the broker sends */
    DRAIN_US = 1000000,    /* for the last confirms of a session */
    CONFIRM_US = 20000000, /* a message is given so long, on a connection that is not blocked */
    BATCH_MAX_BYTES = 256 << 10,
    FRAME_OVERHEAD_BYTES = 512,
};

struct emit {
    struct session *s;
    struct link *link;
    struct assemble *assemble;
    struct window *window;
    struct retry retries;
    struct window_marks *marks;
    struct intake_chunk *chunk;
    struct event *held;         /* a batch being collected */
    char trace[TRACE_TEXT_MAX]; /* of the transaction whose commit LSN is trace_lsn */
    uint64_t trace_lsn;
    uint64_t sending_lsn; /* of an event that waits for room; UINT64_MAX: none does */
    uint64_t seq;         /* of the last event for the stream */
    uint64_t acked_seq;
    uint64_t progress_lsn;
    int64_t frame_us; /* when the last frame was sent */
    int64_t release_us;
    unsigned since_pump;
    int64_t unblocked_us;
    bool blocked;
    bool paused;
    bool serving; /* inside serve_retries */
    struct release release;
    bool at_boundary; /* the last frame sent ends with a transaction */
};

static struct metric *metric(struct emit *m, enum session_metric which)
{
    return session_metric(m->s, which);
}

/* --- release ----------------------------------------------------------------------------------- */

static uint64_t min_lsn(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t events_unconfirmed(const struct emit *m)
{
    uint64_t lsn =
        min_lsn(window_safe_lsn(m->window, WINDOW_EVENTS), retry_safe_lsn(&m->retries));
    lsn = min_lsn(lsn, m->sending_lsn);
    return m->held != NULL ? min_lsn(lsn, m->held->batch_lsn) : lsn;
}

/* Every event before it was taken by all its queues. */
static uint64_t events_done(struct emit *m)
{
    uint64_t seen = assemble_seen_lsn(m->assemble);
    if (!assemble_in_transaction(m->assemble) && m->progress_lsn > seen) {
        seen = m->progress_lsn;
    }
    seen = seen > m->s->start_lsn ? seen : m->s->start_lsn;
    return min_lsn(seen, events_unconfirmed(m));
}

static uint64_t log_safe(const struct emit *m)
{
    uint64_t lsn = window_safe_lsn(m->window, WINDOW_LOG);
    return lsn != UINT64_MAX ? lsn : assemble_last(m->assemble).lsn;
}

static void pause_or_not(struct emit *m)
{
    /* never inside a transaction: a replica may wait for its end before it applies anything */
    bool paused = m->release.too_far && m->at_boundary;
    if (paused != m->paused) {
        m->paused = paused;
        metric_set(metric(m, SESSION_PAUSED), paused);
        log_info(paused ? "publishing waits for the slowest replica ahead_bytes=%lld"
                        : "publishing goes on ahead_bytes=%lld",
                 (long long)metric_get(metric(m, SESSION_AHEAD)));
    }
}

/* What may be forgotten now; computed not too often. */
static void release(struct emit *m)
{
    int64_t us = clock_mono_us();
    if (us - m->release_us < RELEASE_US) {
        return;
    }
    m->release_us = us;
    uint64_t done = events_done(m);
    uint64_t unverified = window_marks_safe_lsn(m->marks, atomic_load(&m->s->verified_seq));
    struct release_in in = {.log_lsn = log_safe(m),
                            .events_lsn = min_lsn(done, unverified),
                            .last_lsn = assemble_last(m->assemble).lsn};
    release_decide(&m->release, m->s, &in);
    uint64_t first_seq = window_first_seq(m->window);
    atomic_store(&m->s->confirmed_seq, min_lsn(m->acked_seq, first_seq - 1));
    metric_set(metric(m, SESSION_WINDOW),
               (int64_t)(window_count(m->window, WINDOW_LOG) +
                         window_count(m->window, WINDOW_EVENTS) + m->retries.count));
    metric_set(metric(m, SESSION_WINDOW_BYTES), (int64_t)window_bytes(m->window));
    atomic_store(&m->s->commands_lsn, done);
    atomic_store(&m->s->unconfirmed_us,
                 m->retries.full_us != 0 ? m->retries.full_us : window_sent_us(m->window));
    pause_or_not(m);
    retry_calm(&m->retries, us);
}

/* --- what the broker says ---------------------------------------------------------------------- */

static struct retry_counters counters(struct emit *m)
{
    return (struct retry_counters){metric(m, SESSION_NACKS), metric(m, SESSION_DIVERTED)};
}

static int on_refused(struct emit *m, struct window_entry *entry, struct err *e)
{
    if (entry->lane == WINDOW_LOG) {
        return err_set(e, ERR_UNAVAILABLE, "the broker refused a frame of the log");
    }
    atomic_fetch_add(&m->s->refused_count, entry->seq > 0 ? 1 : 0);
    struct retry_counters n = counters(m);
    return retry_refused(&m->retries, &n, entry->event, entry->safe_lsn, clock_mono_us(), e);
}

/* A confirm of one tag. */
static int on_confirm(struct emit *m, uint64_t tag, bool ok, int64_t now_us, struct err *e)
{
    struct window_entry entry;
    if (!window_take(m->window, tag, &entry)) {
        return 0;
    }
    if (!ok || entry.returned) {
        return on_refused(m, &entry, e);
    }
    metric_inc(metric(m, SESSION_CONFIRMS));
    metric_observe(metric(m, SESSION_CONFIRM_US), now_us - entry.sent_us);
    if (entry.lane == WINDOW_LOG) {
        if (entry.is_break) {
            atomic_store(&m->s->break_confirmed, true);
        }
        return 0;
    }
    if (entry.seq > m->acked_seq) {
        m->acked_seq = entry.seq;
    }
    event_free(entry.event);
    return 0;
}

static int on_confirms(struct emit *m, const struct link_event *ev, struct err *e)
{
    bool ok = ev->kind == LINK_ACK;
    int64_t now_us = clock_mono_us();
    if (!ev->multiple) {
        return on_confirm(m, ev->tag, ok, now_us, e);
    }
    for (uint64_t tag = window_first(m->window); tag != 0 && tag <= ev->tag;
         tag = window_first(m->window)) {
        int rc = on_confirm(m, tag, ok, now_us, e);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

static int on_return(struct emit *m, const struct link_event *ev, struct err *e)
{
    metric_inc(metric(m, SESSION_RETURNS));
    struct window_entry *entry = NULL;
    if (ev->exchange.n > 0 && !str_eq(ev->exchange, str_of(setup()->events_exchange))) {
        entry = window_find_event(m->window, ev->message_id);
    }
    if (entry != NULL) {
        entry->returned = true; /* a command whose queue is not there yet */
        return 0;
    }
    return err_set(e, ERR_UNAVAILABLE,
                   "the broker returned a message: %.*s (exchange \"%.*s\", key \"%.*s\")",
                   STR_ARG(ev->text), STR_ARG(ev->exchange), STR_ARG(ev->key));
}

static int on_link_event(struct emit *m, const struct link_event *ev, struct err *e)
{
    switch (ev->kind) {
    case LINK_ACK:
    case LINK_NACK: return on_confirms(m, ev, e);
    case LINK_RETURN: return on_return(m, ev, e);
    case LINK_BLOCKED:
    case LINK_UNBLOCKED:
        if (link_blocked(m->link) != m->blocked) {
            m->blocked = link_blocked(m->link);
            metric_set(metric(m, SESSION_BLOCKED), m->blocked);
            if (m->blocked) {
                log_warn("the broker blocks publishing reason=\"%.*s\"", STR_ARG(ev->text));
            } else {
                m->unblocked_us = clock_mono_us();
                log_info("the broker lets publishing go on");
            }
        }
        return 0;
    case LINK_DELIVER:
    case LINK_CANCEL:
    case LINK_NONE: return 0;
    }
    return 0;
}

/* Takes what the broker has sent, waiting up to timeout_ms for the first of it. */
static int pump(struct emit *m, int timeout_ms, struct err *e)
{
    m->since_pump = 0;
    for (;;) {
        struct link_event ev;
        int rc = link_next(m->link, timeout_ms, &ev, e);
        if (rc == 0 && ev.kind != LINK_NONE) {
            rc = on_link_event(m, &ev, e);
        }
        if (rc != 0) {
            return rc;
        }
        if (ev.kind == LINK_NONE) {
            break;
        }
        timeout_ms = 0;
    }
    release(m);
    return 0;
}

/* --- publishing -------------------------------------------------------------------------------- */

static int serve_retries(struct emit *m, struct err *e);

static int wait_room(struct emit *m, enum window_lane lane, struct err *e)
{
    int rc = 0;
    if (++m->since_pump >= PUMP_EVERY) {
        rc = pump(m, 0, e);
    }
    while (rc == 0 &&
           (!window_has_room(m->window) || (!m->serving && retry_is_full(&m->retries)) ||
            window_bytes(m->window) >= (size_t)relay_conf()->window_bytes ||
            link_blocked(m->link) || (lane == WINDOW_LOG && m->paused))) {
        if (session_stopping(m->s)) {
            return err_set(e, ERR_CLOSED, "stopping");
        }
        rc = pump(m, 50, e);
        if (rc == 0 && !m->serving) {
            rc = serve_retries(m, e);
        }
    }
    return rc;
}

static int on_frame(void *ctx, const struct frame_head *head, struct str body, struct err *e)
{
    struct emit *m = ctx;
    int rc = wait_room(m, WINDOW_LOG, e);
    if (rc != 0) {
        return rc;
    }
    char id[POSITION_TEXT_MAX];
    position_text(head->last, id);
    uint64_t before_lsn = head->kind == FRAME_BREAK ? m->s->slot_lsn : head->prev.lsn;
    struct window_entry entry = {.lane = WINDOW_LOG,
                                 .safe_lsn = before_lsn,
                                 .bytes = body.n + FRAME_OVERHEAD_BYTES,
                                 .sent_us = clock_mono_us(),
                                 .last = head->last,
                                 .is_break = head->kind == FRAME_BREAK};
    window_push(m->window, &entry);
    ahead_add(&m->release.ahead, before_lsn, entry.bytes, (uint64_t)setup()->log_max_bytes);
    m->at_boundary = head->last.ordinal == 0 && head->last.part == 0;
    m->paused = m->paused && m->at_boundary;
    m->frame_us = entry.sent_us;
    metric_inc(metric(m, SESSION_FRAMES));
    metric_add(metric(m, SESSION_FRAME_BYTES), (int64_t)body.n);
    if (head->kind == FRAME_PROGRESS) {
        metric_inc(metric(m, SESSION_PROGRESS));
    } else if (head->kind == FRAME_DATA) {
        atomic_store(&m->s->data_lsn, head->last.lsn);
        atomic_store(&m->s->moved_us, entry.sent_us);
        metric_observe(metric(m, SESSION_FRAME_SIZE), (int64_t)body.n);
    }
    struct publish_message msg = {
        .exchange = "",
        .key = setup()->log_stream,
        .content_type = "application/octet-stream",
        .type = "parkway.frame",
        .message_id = id,
        .body = body,
    };
    return publish_send(m->link, &msg, e);
}

/* Publishes an event; takes it over. */
static int send_event(struct emit *m, struct event *ev, uint64_t safe_lsn, struct err *e)
{
    uint64_t outer_lsn = m->sending_lsn; /* waiting for room may send others again */
    m->sending_lsn = min_lsn(outer_lsn, safe_lsn);
    int rc = wait_room(m, WINDOW_EVENTS, e);
    if (rc != 0) {
        event_free(ev); /* sending_lsn stays: it is not confirmed */
        return rc;
    }
    m->sending_lsn = outer_lsn;
    bool direct = ev->exchange[0] == '\0';
    struct window_entry entry = {.lane = WINDOW_EVENTS,
                                 .safe_lsn = safe_lsn,
                                 .bytes = ev->body.len + ev->texts.len + FRAME_OVERHEAD_BYTES,
                                 .sent_us = clock_mono_us(),
                                 .event = ev};
    if (direct || strcmp(ev->exchange, setup()->events_exchange) == 0) {
        entry.seq = ++m->seq;
        window_mark(m->marks, entry.seq, safe_lsn);
    } else {
        atomic_fetch_add(&m->s->commands, 1);
    }
    struct publish_header headers[EVENT_HEADERS_MAX + 2];
    size_t n = 0;
    for (; n < ev->header_count; n++) {
        headers[n] = (struct publish_header){.name = ev->headers[n].name,
                                             .text = event_header_text(ev, n)};
    }
    headers[n++] = (struct publish_header){.name = "parkway:run", .text = str_of(m->s->run)};
    headers[n++] = (struct publish_header){.name = "parkway:seq", .number = (int64_t)entry.seq};
    struct publish_message msg = {
        .exchange = ev->exchange,
        .key = direct ? setup()->events_stream : ev->key,
        .content_type =
            ev->batch_count > 1 ? "application/cloudevents-batch+json" : "application/json",
        .message_id = ev->message_id,
        .headers = headers,
        .header_count = n,
        .body = buf_str(&ev->body),
    };
    window_push(m->window, &entry);
    metric_inc(metric(m, SESSION_EVENTS));
    metric_observe(metric(m, SESSION_BATCH_SIZE), ev->batch_count > 1 ? ev->batch_count : 1);
    return publish_send(m->link, &msg, e);
}

static int flush_held(struct emit *m, struct err *e)
{
    struct event *ev = m->held;
    m->held = NULL;
    if (ev == NULL) {
        return 0;
    }
    uint64_t safe_lsn = ev->batch_lsn;
    event_batch_end(ev);
    return send_event(m, ev, safe_lsn, e);
}

/* Publishes an event now, or collects it with its neighbours where its topic allows that. */
static int give_event(struct emit *m, struct event *ev, struct err *e)
{
    if (m->held != NULL) {
        if (m->held->body.len < BATCH_MAX_BYTES && event_batch_add(m->held, ev)) {
            event_free(ev);
            return 0;
        }
        int rc = flush_held(m, e);
        if (rc != 0) {
            event_free(ev);
            return rc;
        }
    }
    if (ev->batch) {
        ev->batch_lsn = ev->at.lsn;
        m->held = ev;
        return 0;
    }
    return send_event(m, ev, ev->at.lsn, e);
}

static int one_event(struct emit *m, const struct assemble_change *c,
                     const struct event_relation *r, struct position at, struct err *e)
{
    /* what the stream holds is not sent again; commands are not in it, but have a floor of their own */
    bool is_message = c->msg->type == PGOUTPUT_MESSAGE;
    if (!is_message && (r == NULL || r->route == EVENT_LOG_ONLY)) {
        return 0;
    }
    bool have = position_cmp(at, m->s->events_have) <= 0;
    bool taken = at.lsn < m->s->commands_from_lsn;
    if (have && (taken || !is_message)) {
        return 0;
    }
    struct event *ev = def_zalloc(1, sizeof *ev);
    struct err why = ERR_INIT;
    int rc = is_message ? event_from_message(ev, c->msg, at, c->commit_us, &why)
             : c->msg->type == PGOUTPUT_TRUNCATE
                 ? event_from_truncate(ev, r, at, c->commit_us, &why)
                 : event_from_change(ev, r, c->msg, at, c->commit_us, &why);
    if (rc == ERR_INVALID) {
        metric_inc(metric(m, SESSION_EVENTS_INVALID));
        char where[POSITION_TEXT_MAX];
        position_text(at, where);
        log_warn("could not make an event of a change: %s position=%s", why.text, where);
    }
    if (rc != 0 || (strcmp(ev->exchange, setup()->events_exchange) == 0 ? have : taken)) {
        event_free(ev);
        return 0;
    }
    if (m->trace_lsn == c->at.lsn) {
        event_trace(ev, m->trace);
    }
    return give_event(m, ev, e);
}

static int on_change(void *ctx, const struct assemble_change *c, struct err *e)
{
    struct emit *m = ctx;
    metric_inc(metric(m, SESSION_CHANGES));
    if (event_trace_of(c->msg, m->trace)) {
        m->trace_lsn = c->at.lsn;
        return 0;
    }
    if (c->msg->type != PGOUTPUT_TRUNCATE) {
        return one_event(m, c, c->relation_count > 0 ? c->relations[0] : NULL, c->at, e);
    }
    for (size_t i = 0; i < c->relation_count; i++) {
        struct position at = c->at;
        if (i + 1 < c->relation_count) {
            at = c->before;
            at.part = (uint32_t)i + 1;
        }
        int rc = one_event(m, c, c->relations[i], at, e);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

/* --- the loop ---------------------------------------------------------------------------------- */

static int serve_retries(struct emit *m, struct err *e)
{
    struct retry_counters n = counters(m);
    int rc = 0;
    m->serving = true;
    while (rc == 0 && window_has_room(m->window) && !link_blocked(m->link)) {
        uint64_t safe_lsn;
        struct event *ev = retry_take(&m->retries, &n, clock_mono_us(), &safe_lsn);
        if (ev == NULL) {
            break;
        }
        rc = send_event(m, ev, safe_lsn, e);
    }
    m->serving = false;
    return rc;
}

/* Sends what waits for company, now that nothing more is at hand. */
static int settle(struct emit *m, struct err *e)
{
    int rc = flush_held(m, e);
    if (rc != 0 || window_count(m->window, WINDOW_LOG) > 0 ||
        assemble_in_transaction(m->assemble) || m->paused) {
        return rc;
    }
    if (!assemble_is_empty(m->assemble)) {
        return assemble_close(m->assemble, e);
    }
    if (m->progress_lsn > assemble_last(m->assemble).lsn &&
        clock_mono_us() - m->frame_us >= PROGRESS_US) {
        return assemble_progress(m->assemble, m->progress_lsn, e);
    }
    return 0;
}

/* Works through one chunk; *worked tells whether there was one. */
static int digest(struct emit *m, bool *worked, struct err *e)
{
    m->chunk = intake_take(m->s->intake);
    *worked = m->chunk != NULL;
    struct intake_record r;
    int rc = 0;
    while (rc == 0 && m->chunk != NULL && intake_next(m->chunk, &r)) {
        if (r.is_progress) {
            m->progress_lsn = r.wal > m->progress_lsn ? r.wal : m->progress_lsn;
            continue;
        }
        if (r.msg.n > 0 && r.msg.p[0] == PGOUTPUT_COMMIT) {
            metric_inc(metric(m, SESSION_TRANSACTIONS));
        }
        rc = assemble_feed(m->assemble, r.wal, r.msg, e);
        if (rc == 0 && m->release.too_far && !m->at_boundary &&
            !assemble_in_transaction(m->assemble)) {
            rc = assemble_close(m->assemble, e);
            pause_or_not(
                m); /* now: what follows may be inside a transaction again before the next release */
        }
    }
    if (m->chunk != NULL) {
        intake_done(m->s->intake, m->chunk);
        m->chunk = NULL;
    }
    return rc;
}

static void wait_turn(struct emit *m)
{
    if (link_pending(m->link)) {
        return;
    }
    int timeout_ms = 100;
    if (m->retries.first != NULL || m->progress_lsn > assemble_last(m->assemble).lsn) {
        timeout_ms = 10;
    }
    struct pollfd p[2] = {{.fd = link_socket(m->link), .events = POLLIN},
                          {.fd = intake_fd(m->s->intake), .events = POLLIN}};
    /* while publishing is barred, only the link can change that */
    poll(p, m->blocked || m->paused ? 1 : 2, timeout_ms);
}

/* A broker may lose a message without a word, as when a stream's leader dies under it and the connection is another node's.
 * The next session sends again what is not confirmed, perhaps by another node. */
static int check_confirms(const struct emit *m, struct err *e)
{
    int64_t since_us = window_sent_us(m->window);
    since_us = since_us != 0 && since_us < m->unblocked_us ? m->unblocked_us : since_us;
    if (m->blocked || since_us == 0 || clock_mono_us() - since_us < CONFIRM_US) {
        return 0;
    }
    return err_set(e, ERR_TIMEOUT, "the broker has not confirmed a message for %d s",
                   CONFIRM_US / 1000000);
}

static int run(struct emit *m, struct err *e)
{
    struct session *s = m->s;
    int rc = 0;
    if (s->is_break) {
        rc = assemble_break(m->assemble, s->break_from, s->log_have, e);
    }
    while (rc == 0 && !session_stopping(s)) {
        rc = pump(m, 0, e);
        if (rc == 0) {
            rc = serve_retries(m, e);
        }
        bool worked = false;
        if (rc == 0 && !m->blocked && !m->paused) {
            rc = digest(m, &worked, e);
            if (rc == 0) {
                rc = settle(m, e);
            }
        }
        if (rc == 0 && !worked) {
            release(m);
            wait_turn(m);
        }
        rc = rc == 0 ? check_confirms(m, e) : rc;
    }
    /* what is under way is waited for, so that the next session need not send it again */
    int64_t until = clock_mono_us() + DRAIN_US;
    while (rc == 0 && window_first(m->window) != 0 && clock_mono_us() < until) {
        rc = pump(m, 50, e);
    }
    return rc;
}

void *emit_main(void *arg)
{
    struct session *s = arg;
    struct emit *m = def_zalloc(1, sizeof *m);
    struct err e = ERR_INIT;
    m->s = s;
    m->sending_lsn = UINT64_MAX;
    m->marks = def_zalloc(1, sizeof *m->marks);
    m->window = window_new((size_t)relay_conf()->window);
    m->retries.count_max = (size_t)relay_conf()->window;
    struct assemble_options o = {.frame_max_bytes = (size_t)relay_conf()->frame_max_bytes,
                                 .epoch = s->epoch,
                                 .have = s->log_have};
    memcpy(o.incarnation, s->incarnation, sizeof o.incarnation);
    struct assemble_sink sink = {.ctx = m, .frame = on_frame, .change = on_change};
    m->assemble = assemble_new(&o, &sink);
    m->at_boundary = s->log_have.ordinal == 0 && s->log_have.part == 0;
    m->link = s->publisher;
    s->publisher = NULL;
    atomic_store(&s->publish_link, m->link);
    int rc = publish_start(m->link, &e);
    bool is_stream_fault = false;
    if (rc == 0) {
        rc = run(m, &e);
        is_stream_fault = rc == ERR_PROTOCOL && link_alive(m->link);
    }
    if (rc != 0) {
        session_fail(s, is_stream_fault ? SESSION_END_PRIMARY : SESSION_END_BROKER, &e);
    }
    s->unconfirmed_lsn = events_unconfirmed(m);
    s->unverified_lsn = min_lsn(s->unconfirmed_lsn,
                                window_marks_safe_lsn(m->marks, atomic_load(&s->verified_seq)));
    pthread_mutex_lock(&s->lock);
    atomic_store(&s->publish_link, NULL);
    pthread_mutex_unlock(&s->lock);
    atomic_store(&s->emit_done, true);
    link_close(m->link);
    assemble_free(m->assemble);
    window_free(m->window);
    retry_fini(&m->retries);
    free(m->marks);
    event_free(m->held);
    free(m);
    return NULL;
}
