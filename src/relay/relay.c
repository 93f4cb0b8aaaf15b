/* relay.c - `parkway relay`: reads each committed change once from the primary's WAL and publishes it in two
 * lanes, the log for replicas and events for everybody else.
 *
 *   primary ──replication──▶ capture ──intake──▶ emit ──▶ parkway.log, CQRS_EVENT_STORE
 *      ▲                        │ feedback          ▲
 *      └────────────────────────┘                   └── applied ◀── parkway.applied
 *
 * The main thread runs sessions (session.h): prepare, start three threads, wait for the first failure, end
 * them, wait a backoff, again. What a session needs to know it reads from the primary (slot, row) and from the
 * broker (the ends of both streams), so a killed relay and a failed session are the same case.
 *
 * `parkway relay skip --to=LSN` gives up history that cannot be decoded (a value above 1 GB as text): it moves
 * the slot while the relay cannot stream, and the relay then writes a break.
 *
 * Exit status: 0 after SIGTERM; 1 for arguments, configuration or a busy port. A peer that is down is
 * waited for. */
#include "relay/relay.h"

#include "base/clock.h"
#include "base/daemon.h"
#include "base/httpd.h"
#include "base/log.h"
#include "base/rand.h"
#include "event/setup.h"
#include "relay/registry.h"
#include "relay/relay_conf.h"
#include "relay/resume.h"
#include "relay/session.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* A session that lived this long ends the backoff. */
#define STEADY_US INT64_C(1000000)
/* Commands leave no trace in parkway.events: one that waited for its queue when the relay was killed is
 * found again only by reading from the slot's position. That is done as long as it is cheap; further
 * back the slot is held by a replica, not by a command. */
#define COMMANDS_REACH_BYTES (UINT64_C(64) << 20)
/* What a session's threads get for an orderly end. */
#define FAREWELL_US INT64_C(1500000)
/* /readyz: a session that has been failing for this long, or publishing that stands still. */
#define STALL_US INT64_C(15000000)

struct relay {
    struct metric metrics[SESSION_METRIC_COUNT];
    struct backoff backoff;
    /* what the last session said about the next one */
    bool replace_slot; /* its history cannot be decoded */
    bool resend;       /* log lane from the slot's confirmed position */
    uint64_t
        events_from_lsn; /* events at or after it are due; UINT64_MAX: as the stream says */
    /* reports outlive a session: an idle replica has nothing new to say */
    struct session_replica replicas[SESSION_REPLICAS_MAX];
    size_t replica_count;
    /* one line per state change */
    bool primary_up, broker_up;
    char primary_text[256], broker_text[256];
    /* for /readyz, from the http thread */
    _Atomic int64_t down_since_us; /* 0: a session runs */
    _Atomic int64_t still_since_us;
    uint64_t still_lsn;
};

/* --- saying what changed ------------------------------------------------------------------------ */

static void peer_up(bool *up, char *text, struct metric *m, const char *name)
{
    if (!*up) {
        log_info("connected to the %s", name);
    }
    *up = true;
    text[0] = '\0';
    metric_set(m, 1);
}

static void peer_down(bool *up, char *text, size_t size, struct metric *m, const char *name,
                      const struct err *e)
{
    metric_set(m, 0);
    if (strncmp(text, e->text, size - 1) != 0 || text[0] == '\0') {
        log_warn("%s: %s%s%s", name, e->text, e->sqlstate[0] != '\0' ? " sqlstate=" : "",
                 e->sqlstate);
        snprintf(text, size, "%.*s", (int)size - 1, e->text);
    }
    *up = false;
}

static void primary_up(struct relay *r)
{
    peer_up(&r->primary_up, r->primary_text, &r->metrics[SESSION_UP_PRIMARY], "primary");
}

static void broker_up(struct relay *r)
{
    peer_up(&r->broker_up, r->broker_text, &r->metrics[SESSION_UP_BROKER], "broker");
}

static void primary_down(struct relay *r, const struct err *e)
{
    metric_inc(&r->metrics[SESSION_FAIL_PRIMARY]);
    peer_down(&r->primary_up, r->primary_text, sizeof r->primary_text,
              &r->metrics[SESSION_UP_PRIMARY], "primary unavailable", e);
}

static void broker_down(struct relay *r, const struct err *e)
{
    metric_inc(&r->metrics[SESSION_FAIL_BROKER]);
    peer_down(&r->broker_up, r->broker_text, sizeof r->broker_text,
              &r->metrics[SESSION_UP_BROKER], "broker unavailable", e);
}

/* --- a session ---------------------------------------------------------------------------------- */

void session_fail(struct session *s, enum session_end end, const struct err *e)
{
    int running = SESSION_RUNNING;
    pthread_mutex_lock(&s->lock);
    if (atomic_compare_exchange_strong(&s->end, &running, (int)end)) {
        s->end_err = *e;
    }
    pthread_mutex_unlock(&s->lock);
    atomic_store(&s->stop, true);
    uint64_t one = 1;
    ssize_t ignored = write(s->wake_fd, &one, sizeof one);
    UNUSED(ignored);
}

static int prepare_primary(struct relay *r, struct session *s, struct registry *reg,
                           struct err *e)
{
    struct conn_options o = {.application_name = "parkway relay"};
    int rc = repl_open(&s->repl, setup()->primary_url, (int)relay_conf()->sender_timeout_ms, e);
    if (rc == 0) {
        rc = conn_open(&s->conn, setup()->primary_url, &o, e);
    }
    return rc == 0 ? registry_open(reg, s->conn, s->repl, r->replace_slot, e) : rc;
}

static int prepare_broker(struct resume *res, struct err *e)
{
    struct link *l;
    struct link_options o = {.name = "parkway relay resume"};
    int rc = link_open(&l, setup()->broker_url, &o, e);
    if (rc != 0) {
        return rc;
    }
    rc = resume_declare(l, e);
    if (rc == 0) {
        rc = resume_read(l, res, e);
    }
    link_close(l);
    return rc;
}

/* The lowest place of a registered replica behind which the slot has forgotten history: the budget was
 * exceeded, or release is "confirmed". A resend cannot reach back that far. */
static bool left_behind(const struct relay *r, struct position slot, struct position *at)
{
    bool any = false;
    *at = slot;
    for (size_t i = 0; i < r->replica_count; i++) {
        const struct session_replica *one = &r->replicas[i];
        if (one->registered && one->reported && epoch_eq(one->epoch, slot.epoch) &&
            one->lsn < at->lsn) {
            at->lsn = one->lsn;
            any = true;
        }
    }
    return any;
}

/* Where both lanes continue, from what primary and broker said. */
static void place(struct relay *r, struct session *s, const struct registry *reg,
                  const struct resume *res)
{
    struct position slot = {.epoch = reg->epoch, .lsn = reg->slot_lsn};
    s->epoch = reg->epoch;
    s->slot_lsn = reg->slot_lsn;
    s->log_have = slot;
    s->events_have = slot;
    s->events_offset = res->events_offset;
    bool same = res->log_found && epoch_eq(res->log_last.epoch, reg->epoch);
    if (res->log_empty || (!res->log_found && !reg->has_incarnation)) {
        uuid_make(s->incarnation);
    } else if (res->log_found) {
        memcpy(s->incarnation, res->incarnation, sizeof s->incarnation);
    } else {
        memcpy(s->incarnation, reg->incarnation, sizeof s->incarnation);
    }
    /* A break is due when the log does not reach the slot's position, or goes beyond the primary's:
     * then it tells another history. One that was written before is not due again. */
    bool short_of = same && res->log_last.lsn < slot.lsn;
    bool beyond = same && res->log_last.lsn > reg->wal_lsn;
    s->is_break = res->log_found ? !same || short_of || beyond : reg->lost;
    s->settle = reg->lost;
    struct position behind;
    if (s->is_break) {
        s->break_from = res->log_found ? res->log_last : slot;
    } else if (r->resend && left_behind(r, slot, &behind)) {
        /* who asked for what the slot has forgotten must resync; to all others the break is a repeat,
         * because they stand at or behind the slot's position */
        s->is_break = true;
        s->break_from = behind;
        s->replayed_to = same ? res->log_last.lsn : 0;
    } else if (same && r->resend) {
        s->replayed_to = res->log_last.lsn;
    } else if (same) {
        s->log_have = res->log_last;
    }
    if (res->events_found && epoch_eq(res->events_last.epoch, reg->epoch) &&
        position_cmp(res->events_last, slot) > 0) {
        s->events_have = res->events_last;
    }
    if (r->events_from_lsn < s->events_have.lsn) {
        uint64_t from = r->events_from_lsn > slot.lsn ? r->events_from_lsn : slot.lsn;
        s->events_have = (struct position){.epoch = reg->epoch, .lsn = from};
    }
    s->start_lsn = s->log_have.lsn < s->events_have.lsn ? s->log_have.lsn : s->events_have.lsn;
    if (s->start_lsn - s->slot_lsn <= COMMANDS_REACH_BYTES) {
        s->start_lsn = s->slot_lsn;
    }
    atomic_store(&s->released_lsn, s->slot_lsn);
    atomic_store(&s->heard_lsn, reg->wal_lsn);
    atomic_store(&s->log_lsn, s->log_have.lsn);
}

static void say_start(struct relay *r, struct session *s, const struct registry *reg)
{
    char start[POSITION_TEXT_MAX];
    char log[POSITION_TEXT_MAX];
    char slot[POSITION_TEXT_MAX];
    lsn_text(s->start_lsn, start);
    position_text(s->log_have, log);
    lsn_text(s->slot_lsn, slot);
    if (reg->lost_now) {
        metric_inc(&r->metrics[SESSION_LOSSES]);
        log_error("history was lost, a new slot was started: %s slot=%s lsn=%s", reg->why,
                  setup()->capture_slot, slot);
    }
    if (s->is_break) {
        char from[POSITION_TEXT_MAX];
        position_text(s->break_from, from);
        log_warn("writing a break into the log from=%s to=%s hint=\"replicas resync\"", from,
                 log);
    }
    log_info("streaming slot=%s from=%s log=%s confirmed=%s", setup()->capture_slot, start, log,
             slot);
}

/* Everything before the threads. On failure *at_broker tells whose it was. */
static int prepare(struct relay *r, struct session *s, bool *at_broker, struct err *e)
{
    struct registry reg;
    struct resume res;
    *at_broker = false;
    int rc = prepare_primary(r, s, &reg, e);
    if (rc != 0) {
        return rc;
    }
    r->replace_slot = false;
    primary_up(r);
    rc = prepare_broker(&res, e);
    if (rc != 0) {
        *at_broker = true;
        if (reg.lost_now) {
            log_error("history was lost, a new slot was started: %s slot=%s", reg.why,
                      setup()->capture_slot);
            metric_inc(&r->metrics[SESSION_LOSSES]);
        }
        return rc;
    }
    broker_up(r);
    place(r, s, &reg, &res);
    rc = registry_incarnation(s->conn, s->incarnation, e);
    if (rc == 0) {
        rc = repl_start(s->repl, setup()->capture_slot, setup()->capture_publication,
                        s->start_lsn, e);
    }
    if (rc == 0) {
        say_start(r, s, &reg);
    } else if (rc == ERR_SQL && strcmp(e->sqlstate, "42704") == 0) {
        r->replace_slot = true;
    }
    return rc;
}

/* /readyz knows a stall by the log standing still while the primary is ahead. */
static void watch_stall(struct relay *r, struct session *s)
{
    uint64_t log = atomic_load(&s->log_lsn);
    int64_t now = clock_mono_us();
    if (log != r->still_lsn || log >= atomic_load(&s->heard_lsn)) {
        r->still_lsn = log;
        atomic_store(&r->still_since_us, now);
    }
}

static void interrupt_session(struct session *s)
{
    pthread_mutex_lock(&s->lock);
    struct link *p = atomic_load(&s->publish_link);
    struct link *a = atomic_load(&s->read_link);
    if (p != NULL) {
        link_interrupt(p);
    }
    if (a != NULL) {
        link_interrupt(a);
    }
    pthread_mutex_unlock(&s->lock);
    /* a query of the applied thread that a stopped server does not answer */
    shutdown(conn_socket(s->conn), SHUT_RDWR);
}

static void run_session(struct relay *r, struct session *s)
{
    pthread_t capture;
    pthread_t emit;
    pthread_t applied;
    int failed = pthread_create(&emit, NULL, emit_main, s);
    failed = failed != 0 ? failed : pthread_create(&applied, NULL, applied_main, s);
    failed = failed != 0 ? failed : pthread_create(&capture, NULL, capture_main, s);
    ASSERT(failed == 0);
    struct pollfd p = {.fd = s->wake_fd, .events = POLLIN};
    while (!session_stopping(s) && !daemon_stopping()) {
        poll(&p, 1, 100);
        watch_stall(r, s);
    }
    if (daemon_stopping()) {
        struct err none = ERR_INIT;
        session_fail(s, SESSION_STOPPED, &none);
    }
    /* capture sends its last feedback, emit collects the last confirms; both by themselves, but a
     * link may hang in a blocked broker */
    pthread_join(capture, NULL);
    int64_t until = clock_mono_us() + FAREWELL_US;
    while (!atomic_load(&s->emit_done) && clock_mono_us() < until) {
        clock_sleep_us(5000);
    }
    interrupt_session(s);
    pthread_join(emit, NULL);
    pthread_join(applied, NULL);
}

/* What the end of a session means for the next one. */
static void judge(struct relay *r, struct session *s)
{
    r->resend = false;
    r->events_from_lsn = s->unconfirmed_lsn;
    memcpy(r->replicas, s->replicas, sizeof r->replicas);
    r->replica_count = s->replica_count;
    switch ((enum session_end)atomic_load(&s->end)) {
    case SESSION_END_PRIMARY:
        primary_down(r, &s->end_err);
        /* class XX: the server cannot decode what is next, and will not the next time either */
        if (strncmp(s->end_err.sqlstate, "XX", 2) == 0) {
            log_error("the primary cannot decode its own history hint=\"parkway relay skip "
                      "--to=LSN gives up what is before LSN, replicas resync\"");
        }
        break;
    case SESSION_END_BROKER: broker_down(r, &s->end_err); break;
    case SESSION_END_LOSS:
        primary_down(r, &s->end_err);
        r->replace_slot = true;
        break;
    case SESSION_END_GAP:
        log_error("%s", s->end_err.text);
        r->events_from_lsn = s->unverified_lsn;
        break;
    case SESSION_END_RESEND:
        log_info("sending the log again from the slot's confirmed position: %s",
                 s->end_err.text);
        metric_inc(&r->metrics[SESSION_RESENDS]);
        r->resend = true;
        break;
    case SESSION_RUNNING:
    case SESSION_STOPPED: break;
    }
}

/* Returns how long the session lived; 0 when it did not begin. */
static int64_t attend(struct relay *r)
{
    struct session *s = def_zalloc(1, sizeof *s);
    struct err e = ERR_INIT;
    bool at_broker;
    uint8_t run[16];
    int64_t lived_us = 0;
    s->metrics = r->metrics;
    s->unconfirmed_lsn = UINT64_MAX;
    s->unverified_lsn = UINT64_MAX;
    s->intake = intake_new(repl_free);
    s->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    ASSERT(s->wake_fd >= 0);
    pthread_mutex_init(&s->lock, NULL);
    uuid_make(run);
    uuid_text(run, s->run);
    memcpy(s->replicas, r->replicas, sizeof s->replicas);
    s->replica_count = r->replica_count;
    int rc = prepare(r, s, &at_broker, &e);
    if (rc == 0) {
        int64_t began = clock_mono_us();
        metric_inc(&r->metrics[SESSION_SESSIONS]);
        atomic_store(&r->down_since_us, 0);
        atomic_store(&r->still_since_us, began);
        run_session(r, s);
        judge(r, s);
        lived_us = clock_mono_us() - began;
    } else if (at_broker) {
        broker_down(r, &e);
    } else {
        primary_down(r, &e);
    }
    if (!daemon_stopping() && atomic_load(&r->down_since_us) == 0) {
        atomic_store(&r->down_since_us, clock_mono_us());
    }
    repl_close(s->repl);
    conn_close(s->conn);
    intake_free(s->intake);
    close(s->wake_fd);
    pthread_mutex_destroy(&s->lock);
    free(s);
    return lived_us;
}

/* --- the daemon --------------------------------------------------------------------------------- */

static const struct metric metrics_initial[SESSION_METRIC_COUNT] = {
#define X(id, text, type, why) {.name = "parkway_relay_" text, .kind = (type), .help = (why)},
    SESSION_METRICS(X)
#undef X
};

static bool ready(void *ctx, char *reason, size_t size)
{
    struct relay *r = ctx;
    int64_t now = clock_mono_us();
    int64_t down = atomic_load(&r->down_since_us);
    int64_t still = atomic_load(&r->still_since_us);
    if (down != 0) {
        snprintf(reason, size, "no stream from primary to broker for %lld s",
                 (long long)((now - down) / 1000000));
        return false;
    }
    if (metric_get(&r->metrics[SESSION_BLOCKED]) != 0) {
        snprintf(reason, size, "the broker blocks publishing");
        return false;
    }
    if (now - still > STALL_US) {
        snprintf(reason, size, "the log stands still for %lld s",
                 (long long)((now - still) / 1000000));
        return false;
    }
    return true;
}

static int skip(const char *text)
{
    static const char prefix[] = "--to=";
    struct err e = ERR_INIT;
    uint64_t lsn = 0;
    uint64_t at = 0;
    struct conn *c = NULL;
    struct conn_options o = {.application_name = "parkway relay skip"};
    int rc = 0;
    if (strncmp(text, prefix, sizeof prefix - 1) != 0 ||
        !lsn_parse(str_of(text + sizeof prefix - 1), &lsn) || lsn == 0) {
        rc = err_set(&e, ERR_USAGE, "parkway relay skip needs --to=LSN");
    }
    if (rc == 0) {
        rc = conn_open(&c, setup()->primary_url, &o, &e);
    }
    if (rc == 0) {
        rc = registry_skip(c, lsn, &at, &e);
    }
    if (rc != 0) {
        fprintf(stderr, "error: %s\n", e.text);
    } else {
        char out[POSITION_TEXT_MAX];
        lsn_text(at, out);
        printf("slot %s skipped to %s; the relay writes a break\n", setup()->capture_slot, out);
    }
    conn_close(c);
    return err_exit(rc);
}

int relay_main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "skip") == 0) {
        return skip(argv[2]);
    }
    if (argc > 1) {
        fprintf(stderr, "error: usage: parkway relay [skip --to=LSN]\n");
        return err_exit(ERR_USAGE);
    }
    daemon_init();
    struct relay *r = def_zalloc(1, sizeof *r);
    memcpy(r->metrics, metrics_initial, sizeof r->metrics);
    r->events_from_lsn = UINT64_MAX;
    atomic_store(&r->down_since_us, clock_mono_us());
    struct httpd_ops ops = {
        .metrics = r->metrics, .metric_count = SESSION_METRIC_COUNT, .ready = ready, .ctx = r};
    struct httpd *http;
    struct err e = ERR_INIT;
    if (httpd_start_ops(&http, "127.0.0.1", (int)relay_conf()->http_port, &ops, &e) != 0) {
        log_error("%s", e.text);
        free(r);
        return err_exit(ERR_FAIL);
    }
    log_info("relay starts");
    while (!daemon_stopping()) {
        if (attend(r) >= STEADY_US) {
            backoff_reset(&r->backoff);
        }
        if (!daemon_stopping()) {
            daemon_wait_ms(backoff_next_ms(&r->backoff));
        }
    }
    log_info("relay stops");
    httpd_stop(http);
    free(r);
    return 0;
}
