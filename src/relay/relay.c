/* relay.c - `parkway relay`: reads each committed change once from the primary's WAL and publishes it in two
 * lanes, the log for replicas and events for everybody else.
 *
 *   primary ──replication──▶ capture ──intake──▶ emit ──▶ parkway.log, CQRS_EVENT_STORE
 *      ▲                        │ feedback          ▲
 *      └────────────────────────┘                   └── applied ◀── parkway.applied
 *
 * The main thread runs sessions (session.h): prepare, start three threads, wait for the first failure, end
 * them, wait a backoff, again. What a session needs to know it reads from the primary (slot, row) and from the
 * broker (the ends of both streams), so a killed relay and a failed session are the same case. Several relays
 * may run: one is at work, the others stand by (claim.h).
 *
 * `parkway relay skip --to=LSN` gives up history that cannot be decoded (a value above 1 GB as text): it moves
 * the slot while the relay cannot stream, and the relay then writes a break.
 *
 * Exit status: 0 after SIGTERM; 1 for arguments, configuration or a busy port. A peer that is down is
 * waited for. */
#include "relay/relay.h"

#include "base/clock.h"
#include "base/daemon.h"
#include "base/log.h"
#include "base/opspage.h"
#include "base/rand.h"
#include "event/setup.h"
#include "relay/claim.h"
#include "relay/health.h"
#include "relay/origin.h"
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
/* What a session's threads get for an orderly end. */
#define FAREWELL_US INT64_C(1500000)
enum {
    STANDBY_MS = 200,       /* between two looks at the locks */
    STANDBY_SAID_MS = 1000, /* standing by for longer than this is worth a line */
    ANSWER_MS = 10000,      /* a primary that leaves a question open so long is hung */
};

enum { RELAY_HISTOGRAMS = 3 };

struct relay {
    struct metric metrics[SESSION_METRIC_COUNT];
    struct metric_histogram histograms[RELAY_HISTOGRAMS];
    struct backoff backoff;
    /* what the last session said about the next one */
    bool replace_slot; /* its history cannot be decoded */
    struct origin_debt debt;
    unsigned broker_turn;
    int last_pid; /* the walsender of the last session */
    /* reports outlive a session: an idle replica has nothing new to say */
    struct session_replica replicas[SESSION_REPLICAS_MAX];
    size_t replica_count;
    /* one line per state change */
    bool primary_up, broker_up;
    char primary_text[256], broker_text[256];
    /* for /readyz, from the http thread */
    _Atomic int64_t down_since_us; /* 0: a session runs */
    atomic_bool standby;
    _Atomic int64_t unconfirmed_us, heard_us, turn_us, paused_us;
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

/* What another relay has done meanwhile is known to it alone: nothing of the last session counts. */
static void stand_by(struct relay *r)
{
    r->debt.resend = false;
    r->replace_slot = false;
    r->debt.events_from_lsn = UINT64_MAX;
    r->replica_count = 0;
    atomic_store(&r->standby, true);
    metric_set(&r->metrics[SESSION_STANDBY], 1);
}

static void stand_up(struct relay *r, int64_t waited_us, bool said)
{
    atomic_store(&r->standby, false);
    metric_set(&r->metrics[SESSION_STANDBY], 0);
    if (said) {
        log_info("taking over from the other relay slot=%s stood_by_ms=%lld",
                 setup()->capture_slot, (long long)(waited_us / 1000));
    }
}

/* Waits until this relay has both locks. On failure *at_broker tells whose it was. */
static int await_turn(struct relay *r, struct session *s, bool *at_broker, struct err *e)
{
    int64_t began_us = clock_mono_us();
    bool said = false;
    for (;;) {
        int pid = 0;
        int rc = claim_slot(s->conn, &pid, e);
        *at_broker = rc == 0 && pid == 0;
        if (*at_broker) {
            rc = claim_log(&s->publisher, &s->broker_turn, e);
        }
        int64_t waited_us = clock_mono_us() - began_us;
        if (*at_broker && rc == 0) {
            stand_up(r, waited_us, said);
            return 0;
        }
        if (rc != 0 && rc != ERR_CONFLICT) {
            return rc;
        }
        if (daemon_stopping()) {
            return err_set(e, ERR_CLOSED, "stopping");
        }
        if (pid != 0 && pid != r->last_pid) { /* not our own last session, which is ending */
            stand_by(r);
        }
        if (!said && waited_us > STANDBY_SAID_MS * 1000) {
            said = true;
            log_info("standing by: another relay is at work slot=%s", setup()->capture_slot);
        }
        daemon_wait_ms(STANDBY_MS);
    }
}

static int prepare_primary(struct relay *r, struct session *s, struct registry *reg,
                           struct err *e)
{
    int rc = repl_open(&s->repl, setup()->primary_url, (int)relay_conf()->sender_timeout_ms, e);
    r->last_pid = rc == 0 ? repl_server_pid(s->repl) : r->last_pid;
    if (rc == 0) {
        rc = repl_memory(s->repl, relay_conf()->decoding_bytes, e);
    }
    return rc == 0 ? registry_open(reg, s->conn, s->repl, r->replace_slot, e) : rc;
}

/* An old primary that came back tells a history which replicas have left behind. So does one that was set back inside
 * its timeline, and its positions come a second time: no break could tell the two histories apart. */
static int check_history(const struct registry *reg, const struct resume *res, struct err *e)
{
    if (!res->log_found) {
        return 0;
    }
    if (epoch_cmp(reg->epoch, res->log_last.epoch) == -1) {
        return err_set(
            e, ERR_CONFLICT,
            "this primary is at timeline %u, the log is at timeline %u already: it was "
            "failed over, and this is the old one",
            reg->epoch.timeline, res->log_last.epoch.timeline);
    }
    if (epoch_eq(reg->epoch, res->log_last.epoch) && res->log_last.lsn > reg->wal_lsn) {
        char here[POSITION_TEXT_MAX];
        char there[POSITION_TEXT_MAX];
        lsn_text(reg->wal_lsn, here);
        lsn_text(res->log_last.lsn, there);
        return err_set(e, ERR_CONFLICT,
                       "this primary is at %s, the log is at %s already: it was set back to an "
                       "older state "
                       "hint=\"begin a new timeline: standby.signal, start, pg_promote\"",
                       here, there);
    }
    return 0;
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
    struct conn_options o = {.application_name = "parkway relay",
                             .answer_timeout_ms = ANSWER_MS};
    *at_broker = false;
    int rc = conn_open(&s->conn, setup()->primary_url, &o, e);
    if (rc == 0) {
        /* a synchronous standby that is away must not stop our own books and heartbeats */
        rc = conn_exec(s->conn, "SET synchronous_commit = local", e);
    }
    if (rc == 0) {
        rc = await_turn(r, s, at_broker, e);
    }
    if (rc != 0) {
        return rc;
    }
    *at_broker = false;
    rc = prepare_primary(r, s, &reg, e);
    if (rc != 0) {
        return rc;
    }
    r->replace_slot = false;
    primary_up(r);
    rc = resume_declare(s->publisher, e);
    if (rc == 0) {
        rc = resume_read(s->publisher, &reg.events, &res, e);
    }
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
    rc = check_history(&reg, &res, e);
    if (rc != 0) {
        return rc;
    }
    if (res.events_gap) {
        char whole[POSITION_TEXT_MAX];
        position_text(res.events_last, whole);
        metric_inc(&r->metrics[SESSION_GAPS]);
        log_error("stream %s misses events behind %s, sending them again",
                  setup()->events_stream, whole);
    }
    origin_decide(s, &reg, &res, &r->debt);
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

/* What /readyz judges, from another thread and longer than a session lives. */
static void note_health(struct relay *r, struct session *s)
{
    bool paused = metric_get(&r->metrics[SESSION_PAUSED]) != 0;
    if (!paused || atomic_load(&r->paused_us) == 0) {
        atomic_store(&r->paused_us, paused ? clock_mono_us() : 0);
    }
    atomic_store(&r->unconfirmed_us, atomic_load(&s->unconfirmed_us));
    atomic_store(&r->heard_us, atomic_load(&s->heard_us));
    atomic_store(&r->turn_us, atomic_load(&s->turn_us));
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
        note_health(r, s);
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
    r->debt.resend = false;
    r->debt.events_from_lsn = origin_due(s, s->unconfirmed_lsn);
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
        r->debt.events_from_lsn = origin_due(s, s->unverified_lsn);
        break;
    case SESSION_END_RESEND:
        log_info("sending the log again from the slot's confirmed position: %s",
                 s->end_err.text);
        metric_inc(&r->metrics[SESSION_RESENDS]);
        r->debt.resend = true;
        r->debt.resend_at = s->resend_at;
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
    s->broker_turn = r->broker_turn;
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
        atomic_store(&s->heard_us, began);
        atomic_store(&s->turn_us, began);
        note_health(r, s);
        atomic_store(&r->down_since_us, 0);
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
    r->broker_turn = s->broker_turn;
    repl_close(s->repl);
    conn_close(s->conn);
    link_close(s->publisher);
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

static void give_histograms(struct relay *r)
{
    static const struct {
        enum session_metric metric;
        int64_t first; /* the lowest bound */
        double scale;
    } rows[RELAY_HISTOGRAMS] = {
        {SESSION_CONFIRM_US, 100, 1e-6}, /* 0.1 ms to 13 s */
        {SESSION_FRAME_SIZE, 256, 0},    /* bytes, to 32 MB */
        {SESSION_BATCH_SIZE, 1, 0},
    };
    for (size_t i = 0; i < RELAY_HISTOGRAMS; i++) {
        r->histograms[i].first = rows[i].first;
        r->metrics[rows[i].metric].histogram = &r->histograms[i];
        r->metrics[rows[i].metric].scale = rows[i].scale;
    }
}

static bool ready(void *ctx, char *reason, size_t size)
{
    struct relay *r = ctx;
    struct health_in in = {
        .now_us = clock_mono_us(),
        .standby = atomic_load(&r->standby),
        .blocked = metric_get(&r->metrics[SESSION_BLOCKED]) != 0,
        .down_us = atomic_load(&r->down_since_us),
        .unconfirmed_us = atomic_load(&r->unconfirmed_us),
        .heard_us = atomic_load(&r->heard_us),
        .turn_us = atomic_load(&r->turn_us),
        .paused_us = atomic_load(&r->paused_us),
    };
    struct health_out out = health_decide(&in);
    if (out.since_us != 0) {
        snprintf(reason, size, "%s, for %lld s", health_text(out.health),
                 (long long)((in.now_us - out.since_us) / 1000000));
    } else {
        snprintf(reason, size, "%s", health_text(out.health));
    }
    return out.health == HEALTH_READY;
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
    give_histograms(r);
    r->debt.events_from_lsn = UINT64_MAX;
    atomic_store(&r->down_since_us, clock_mono_us());
    struct opspage ops = {
        .metrics = r->metrics, .metric_count = SESSION_METRIC_COUNT, .ready = ready, .ctx = r};
    struct httpd *http;
    struct err e = ERR_INIT;
    if (opspage_start(&http, "127.0.0.1", (int)relay_conf()->http_port, &ops, &e) != 0) {
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
