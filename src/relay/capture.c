/* capture.c - the thread that owns the replication connection: reads what the primary sends, hands it
 * on, and tells the primary what it may forget.
 *
 * It never waits for the broker. While the intake is full it stops reading the socket (the primary then
 * waits, its WAL is the buffer) and still reports twice a second, so that neither side takes the other for
 * dead. A report asks for an answer when nothing was heard for half a second: the answer carries
 * the primary's position, which is progress, and silence means a dead peer.
 *
 * Under load it reads in gulps: when the socket runs dry it lets the sender work for a while instead of
 * taking the next crumb (pace.h says how long). */
#include "relay/pace.h"
#include "relay/session.h"

#include "base/clock.h"
#include "pg/pgoutput.h"

#include <poll.h>

enum {
    REPORT_US = 500000,      /* at least this often */
    RELEASE_US = 100000,     /* a new release travels at most this late */
    SILENCE_US = 10000000,   /* unanswered this long: dead */
    LARGE_BYTES = 256 << 10, /* handed over without a copy */
    TURN_MESSAGES = 4096,    /* per turn, then the reports are looked at */
};

struct capture {
    struct session *s;
    uint64_t received_lsn; /* everything before it was received */
    uint64_t progress_lsn; /* last place handed on as progress */
    uint64_t told_lsn;     /* released, as reported last */
    int64_t told_us;
    int64_t heard_us;
    bool reply_wanted;
    bool in_transaction;
    int64_t commit_us;     /* of the transaction being read, the server's clock */
    struct pace_read gulp; /* the last one */
    struct pace pace;
};

/* What pacing wants to know of a message. */
static void look(struct capture *c, char type, const struct repl_event *ev)
{
    struct pgoutput_msg m;
    struct err ignored = ERR_INIT;
    switch (type) {
    case PGOUTPUT_BEGIN:
        if (pgoutput_parse(ev->msg, &m, &ignored) == 0) {
            c->commit_us = m.u.begin.commit_time + PGOUTPUT_EPOCH_US;
        }
        return;
    case PGOUTPUT_COMMIT: c->gulp.commits++; break;
    default: c->gulp.rows++; break;
    }
    c->gulp.behind_us = ev->sent_us - c->commit_us;
}

/* Returns how many messages were read; negative on failure. */
static int read_gulp(struct capture *c, struct err *e)
{
    struct session *s = c->s;
    int count = 0;
    c->gulp = (struct pace_read){0};
    while (count < TURN_MESSAGES && intake_has_room(s->intake)) {
        struct repl_event ev;
        int rc = repl_next(s->repl, &ev, e);
        if (rc != 0) {
            return rc;
        }
        if (ev.kind == REPL_NONE) {
            break;
        }
        count++;
        if (ev.wal_end > c->received_lsn) {
            c->received_lsn = ev.wal_end;
        }
        if (ev.kind == REPL_KEEPALIVE) {
            c->reply_wanted = c->reply_wanted || ev.reply_wanted;
            if (!c->in_transaction && ev.wal_end > c->progress_lsn) {
                c->progress_lsn = ev.wal_end;
                intake_add_progress(s->intake, ev.wal_end);
            }
            repl_event_free(&ev);
            continue;
        }
        metric_add(session_metric(s, SESSION_RECEIVED), (int64_t)ev.msg.n);
        char type = ev.msg.n > 0 ? ev.msg.p[0] : '\0';
        look(c, type, &ev);
        c->in_transaction = type == 'B' || (c->in_transaction && type != 'C');
        if (ev.msg.n >= LARGE_BYTES) {
            intake_add_large(s->intake, ev.wal_start, ev.msg, ev.mem);
        } else {
            intake_add(s->intake, ev.wal_start, ev.msg);
            repl_event_free(&ev);
        }
    }
    if (count > 0) {
        intake_flush(s->intake);
        c->heard_us = clock_mono_us();
        atomic_store(&s->heard_lsn, c->received_lsn);
        metric_add(session_metric(s, SESSION_MESSAGES), count);
        metric_set(session_metric(s, SESSION_CAPTURED_LSN), (int64_t)c->received_lsn);
    }
    atomic_store(&s->heard_us, c->heard_us);
    metric_set(session_metric(s, SESSION_INTAKE), (int64_t)intake_bytes(s->intake));
    return count;
}

static int report(struct capture *c, int64_t now, struct err *e)
{
    struct session *s = c->s;
    uint64_t released = atomic_load(&s->released_lsn);
    if (released > c->received_lsn) {
        released = c->received_lsn; /* never more than was received */
    }
    bool due = now - c->told_us >= REPORT_US ||
               (released > c->told_lsn && now - c->told_us >= RELEASE_US);
    if (!due && !c->reply_wanted) {
        return 0;
    }
    bool ask = now - c->heard_us >= REPORT_US;
    c->reply_wanted = false;
    c->told_lsn = released;
    c->told_us = now;
    metric_set(session_metric(s, SESSION_RELEASED_LSN), (int64_t)released);
    metric_set(session_metric(s, SESSION_WAL_HELD),
               c->received_lsn > released ? (int64_t)(c->received_lsn - released) : 0);
    return repl_feedback(s->repl, c->received_lsn, released, ask, e);
}

/* Waits for the socket or, when the intake is full, for room; or lets the sender gather. */
static void wait_turn(struct capture *c, int read_count)
{
    struct session *s = c->s;
    int64_t pause_us = pace_note(&c->pace, clock_mono_us(), &c->gulp);
    if (!intake_has_room(s->intake)) {
        intake_clear_room(s->intake);
        if (!intake_has_room(s->intake)) {
            struct pollfd p = {.fd = intake_room_fd(s->intake), .events = POLLIN};
            poll(&p, 1, 100);
        }
        /* what lies unread is no silence */
        c->heard_us = clock_mono_us();
        return;
    }
    if (read_count >= TURN_MESSAGES) {
        return; /* there is more at hand */
    }
    if (pause_us > 0) {
        clock_sleep_us(pause_us);
    } else if (read_count == 0) {
        struct pollfd p = {.fd = repl_socket(s->repl), .events = POLLIN};
        poll(&p, 1, 100);
    }
}

void *capture_main(void *arg)
{
    struct session *s = arg;
    struct capture c = {.s = s, .heard_us = clock_mono_us()};
    c.pace.local = repl_is_local(s->repl);
    c.received_lsn = s->log_have.lsn < s->slot_lsn ? s->slot_lsn : s->log_have.lsn;
    c.told_lsn = s->slot_lsn;
    struct err e = ERR_INIT;
    int rc = 0;
    while (!session_stopping(s)) {
        rc = read_gulp(&c, &e);
        int read_count = rc;
        if (rc >= 0) {
            int64_t now = clock_mono_us();
            rc = report(&c, now, &e);
            if (rc == 0 && now - c.heard_us > SILENCE_US) {
                rc = err_set(&e, ERR_TIMEOUT, "the primary does not answer");
            }
        }
        if (rc < 0) {
            /* 42704: an object of the stream does not exist, which can only be the publication */
            bool lost = rc == ERR_SQL && strcmp(e.sqlstate, "42704") == 0;
            session_fail(s, lost ? SESSION_END_LOSS : SESSION_END_PRIMARY, &e);
            break;
        }
        wait_turn(&c, read_count);
    }
    if (rc >= 0) {
        /* the last word: what was released until now. Should it not arrive, a little more WAL stays */
        c.reply_wanted = true;
        int ignored = report(&c, clock_mono_us(), &e);
        UNUSED(ignored);
    }
    return NULL;
}
