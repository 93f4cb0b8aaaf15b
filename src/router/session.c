/* session.c - see session.h: the machine around a client's connection. It is stepped by three kinds of
 * events: bytes from the client, answers of a server, something it waited for. Each ends in
 * session_step, which goes on until it has to wait again.
 *
 * Life: session_close lets go of everything at once and marks it CLOSED; the memory goes when the
 * loop has closed the socket, so code further up the stack may still look at `state`. */
#include "router/session.h"

#include "base/clock.h"
#include "base/log.h"
#include "router/router_conf.h"

#include <stdlib.h>

enum { LOGIN_US = 60 * 1000000 };

/* What may follow what; the invariant of session_move. */
static const uint8_t allowed[SESSION_CLOSED + 1] = {
    [SESSION_STARTUP] = 1 << SESSION_LOGIN | 1 << SESSION_CLOSED,
    [SESSION_LOGIN] = 1 << SESSION_IDLE | 1 << SESSION_CLOSED,
    [SESSION_IDLE] = 1 << SESSION_ROUTING | 1 << SESSION_CLOSED | 1 << SESSION_IDLE,
    [SESSION_ROUTING] = 1 << SESSION_RUNNING | 1 << SESSION_OPEN | 1 << SESSION_IDLE |
                        1 << SESSION_CLOSED | 1 << SESSION_ROUTING,
    [SESSION_RUNNING] = 1 << SESSION_IDLE | 1 << SESSION_ROUTING | 1 << SESSION_OPEN |
                        1 << SESSION_CLOSED | 1 << SESSION_RUNNING,
    [SESSION_OPEN] = 1 << SESSION_ROUTING | 1 << SESSION_IDLE | 1 << SESSION_RUNNING |
                     1 << SESSION_CLOSED | 1 << SESSION_OPEN,
};

void session_move(struct session *s, enum session_state to)
{
    ASSERT((allowed[s->state] & 1 << to) != 0);
    s->state = to;
}

static void on_closed(struct wire *w)
{
    struct session *s = w->owner;
    struct worker *worker = s->worker;
    unit_reset(s);
    free(s->unit.parts);
    session_drop_portals(s);
    free(s->portals);
    stmts_clear(worker, &s->stmts);
    vars_clear(s);
    judge_scope_fini(&s->scope);
    buf_fini(&s->params);
    buf_fini(&s->begin);
    buf_fini(&s->hold);
    buf_fini(&s->later);
    scram_free(s->scram);
    worker->closing--;
    explicit_bzero(s->client_key, sizeof s->client_key);
    free(s);
}

/* A unit is in flight on b: have it stopped. */
static void stop_serving(struct session *s)
{
    struct backend *b = s->serving;
    if (b != NULL && b->state == BACKEND_READY && b->ring_len > 0 &&
        (s->state == SESSION_RUNNING || s->state == SESSION_OPEN)) {
        cancel_send(b, &(struct cancel_from){NULL, 0, 0});
    }
}

void session_close(struct session *s)
{
    struct worker *w = s->worker;
    if (s->state == SESSION_CLOSED) {
        return;
    }
    fresh_leave(&s->wait);
    pool_leave(&s->pool_wait);
    stop_serving(s);
    session_release(s);
    s->state = SESSION_CLOSED;
    if (s->primary != NULL) {
        backend_close(s->primary);
        s->primary = NULL;
    }
    for (size_t i = 0; i < ARRAY_LEN(s->pools); i++) {
        pool_unref(s->pools[i]);
    }
    if (s->slot != UINT32_MAX) {
        worker_slot_free(w, s->slot);
    }
    if (s->prev != NULL) {
        s->prev->next = s->next;
    } else {
        w->sessions = s->next;
    }
    if (s->next != NULL) {
        s->next->prev = s->prev;
    }
    atomic_fetch_sub(&w->load, 1);
    w->closing++;
    wire_close(&s->wire, on_closed);
}

void session_fatal(struct session *s, const char *sqlstate, const char *text)
{
    if (s->state == SESSION_CLOSED) {
        return;
    }
    msg_error(&s->wire.out, 'E', "FATAL", sqlstate, text, NULL, NULL);
    session_close(s);
}

void session_drop_portals(struct session *s)
{
    for (uint32_t i = 0; i < s->portal_count; i++) {
        free(s->portals[i].name);
        stmt_unref(s->worker, s->portals[i].stmt);
    }
    s->portal_count = 0;
    s->portal_open = false;
}

void session_release(struct session *s)
{
    struct backend *b = s->replica;
    if (b == NULL) {
        return;
    }
    s->replica = NULL;
    if (s->serving == b) {
        s->serving = NULL;
    }
    pool_put(b);
}

void session_fail_tx(struct session *s)
{
    s->tx = DECIDE_TX_DEFERRED;
    s->tx_failed = true;
    s->tx_lost = false;
    s->status = 'E';
    session_drop_portals(s);
}

/* The unit's messages leave the client's buffer; the connection is ready for the next one. */
void session_end_unit(struct session *s)
{
    size_t n = s->unit.len < s->wire.in.len ? s->unit.len : s->wire.in.len;
    fresh_leave(&s->wait);
    pool_leave(&s->pool_wait);
    buf_take(&s->wire.in, n);
    unit_reset(s);
    s->serving = NULL;
    s->reached = false;
    s->cancelled = false;
    s->held = false;
    s->skipping = false;
    s->units++;
    if (s->status == 'I') {
        session_drop_portals(s);
    }
    session_move(s, SESSION_IDLE);
    session_shake(s);
}

void session_refuse(struct session *s, const char *sqlstate, const char *text, const char *hint)
{
    bool closed = s->unit.closed;
    const struct part *last = s->unit.count > 0 ? &s->unit.parts[s->unit.count - 1] : NULL;
    if (last != NULL && !last->whole && s->unit.sent < s->unit.count) {
        s->stream_left = last->size - (s->unit.len - last->at); /* dropped as it comes */
        s->stream_to = NULL;
    }
    stmts_forget_unconfirmed(s->worker, &s->stmts);
    answer_release_hold(s);
    msg_error(&s->wire.out, 'E', "ERROR", sqlstate, text, NULL, hint);
    if (closed) {
        msg_ready(&s->wire.out, s->status);
    }
    wire_touch(&s->wire);
    session_end_unit(s);
    s->skipping = !closed;
}

void session_error(struct session *s, const char *sqlstate, const char *text, const char *hint)
{
    session_release(s);
    if (s->status != 'I') {
        if (s->tx != DECIDE_TX_PRIMARY || s->primary == NULL) {
            session_fail_tx(s);
        }
        s->status = 'E';
    }
    session_refuse(s, sqlstate, text, hint);
}

void session_shake(struct session *s)
{
    wire_rearm(&s->wire);
}

/* After an error inside an open unit: everything up to Sync is dropped, unanswered. */
static bool skip(struct session *s)
{
    struct msg m;
    enum msg_step step = msg_head(buf_str(&s->wire.in), &m);
    if (step == MSG_BAD) {
        session_fatal(s, "08P01", "invalid message length");
        return false;
    }
    if (step == MSG_NEED) {
        return false;
    }
    if (m.type == 'X') {
        s->ending = true;
        return false;
    }
    size_t n = m.size < s->wire.in.len ? m.size : s->wire.in.len;
    s->stream_left = m.size - n;
    s->stream_to = NULL;
    buf_take(&s->wire.in, n);
    if (m.type == 'S') {
        s->skipping = false;
        msg_ready(&s->wire.out, s->status);
        wire_touch(&s->wire);
    }
    return true;
}

/* The rest of a message that is dropped. */
static bool skip_rest(struct session *s)
{
    size_t n = s->stream_left < s->wire.in.len ? s->stream_left : s->wire.in.len;
    buf_take(&s->wire.in, n);
    s->stream_left -= n;
    return s->stream_left == 0;
}

/* One step; false: it has to wait. */
static bool one_step(struct session *s)
{
    switch (s->state) {
    case SESSION_STARTUP:
    case SESSION_LOGIN: return login_feed(s);
    case SESSION_IDLE:
    case SESSION_OPEN:
        if (s->unit.copying) {
            send_copy(s);
            return s->state == SESSION_OPEN && !s->unit.copying;
        }
        if (s->stream_left > 0) {
            if (s->stream_to == NULL) {
                return skip_rest(s);
            }
            send_stream(s);
            return s->stream_left == 0;
        }
        if (s->skipping) {
            return skip(s);
        }
        if (s->serving != NULL && wire_full(&s->serving->wire)) {
            return false; /* the server is behind; on_drained of answer.c goes on */
        }
        if (!unit_collect(s)) {
            return false;
        }
        route_start(s);
        return true;
    case SESSION_RUNNING:
        if (s->unit.copying) {
            send_copy(s);
        } else if (s->stream_left > 0) {
            send_stream(s);
        }
        return false;
    case SESSION_ROUTING:
    case SESSION_CLOSED: return false;
    }
    return false;
}

void session_step(struct session *s)
{
    while (s->state != SESSION_CLOSED && one_step(s)) {
    }
    if (s->state == SESSION_CLOSED) {
        return;
    }
    if (s->ending && s->state == SESSION_IDLE) {
        session_close(s);
        return;
    }
    session_shake(s);
}

static void on_wire(struct wire *w, enum wire_event ev, int code)
{
    struct session *s = w->owner;
    UNUSED(code);
    switch (ev) {
    case WIRE_CONNECTED: break;
    case WIRE_DATA: session_step(s); break;
    case WIRE_DRAINED:
        if (s->serving != NULL && s->serving->wire.paused) {
            backend_resume(s->serving);
        }
        if (s->state != SESSION_CLOSED && s->primary != NULL && s->primary->wire.paused) {
            backend_resume(s->primary);
        }
        break;
    case WIRE_EOF:
    case WIRE_FAILED: session_close(s); break;
    }
}

/* The position has come, or waiting for a replica is over. */
static void on_fresh(struct fresh_wait *x)
{
    struct session *s = (struct session *)((char *)x - offsetof(struct session, wait));
    route_step(s);
}

static void on_pool(struct pool_wait *x, struct backend *b, const struct err *why)
{
    struct session *s = (struct session *)((char *)x - offsetof(struct session, pool_wait));
    if (b != NULL) {
        b->ops = &answer_ops;
        b->user = s;
        s->replica = b;
    } else {
        s->refusal = *why;
    }
    route_step(s);
}

void session_new(struct worker *w, int fd)
{
    struct session *s = def_zalloc(1, sizeof *s);
    struct err e = ERR_INIT;
    if (wire_open(&s->wire, &w->wires, fd, on_wire, s, &e) != 0) {
        log_error("could not take a client over: %s", e.text);
        atomic_fetch_sub(&w->load, 1);
        free(s);
        return;
    }
    s->worker = w;
    s->slot = UINT32_MAX;
    s->status = 'I';
    s->level = DECIDE_SESSION;
    s->wait_ms = -1;
    s->dirty = true;
    s->wait.wake = on_fresh;
    s->pool_wait.wake = on_pool;
    s->since_us = clock_mono_us();
    s->deadline_us = s->since_us + LOGIN_US;
    s->next = w->sessions;
    if (s->next != NULL) {
        s->next->prev = s;
    }
    w->sessions = s;
    meter_add(&w->meter.clients_total, 1);
}

void session_tick(struct session *s, int64_t now_us)
{
    if (s->deadline_us != 0 && now_us > s->deadline_us) {
        session_fatal(s, "08006", "login timeout");
    }
}

void session_cancel(struct session *s, const struct cancel_from *from)
{
    if (s->state == SESSION_ROUTING) {
        s->cancelled = true;
        cancel_done(s->worker, from);
        if (s->confirming || s->reporting) {
            return; /* over in a moment */
        }
        fresh_leave(&s->wait);
        pool_leave(&s->pool_wait);
        route_step(s);
    } else if (s->serving != NULL && s->serving->state == BACKEND_READY &&
               (s->state == SESSION_RUNNING || s->state == SESSION_OPEN)) {
        cancel_send(s->serving, from);
    } else {
        cancel_done(s->worker, from);
    }
}
