/* consumer.c - see consumer.h.
 *
 *   parkway consumer
 *
 * Keeps one connection to the replica, one for reading and one for reporting to the broker, each opened
 * again with backoff when it is lost. Exits 0 on SIGTERM; exits otherwise only for a configuration
 * that cannot work. Whatever goes wrong in between, the replica's cursor says where to go on. */
#include "consumer/consumer.h"

#include "base/clock.h"
#include "base/daemon.h"
#include "base/log.h"
#include "base/opspage.h"
#include "consumer/audit.h"
#include "consumer/follow.h"
#include "consumer/tally.h"
#include "consumer/view_build.h"
#include "event/setup.h"

#include <malloc.h>
#include <stdio.h>

/* The writer's session. Replication role: no triggers, no foreign keys checked twice. Commits do not wait
 * for the disk: what a crash of the replica loses is lost together with the cursor and read again, and
 * only positions known to be flushed are reported upstream. Plans must not depend on what the table
 * looked like when they were made: rows are always found through the index. Keepalives let the
 * server notice a consumer's machine that vanished, whose lock would block the next one. */
static const char session_sql[] =
    "SET session_replication_role = replica; SET synchronous_commit = off;"
    " SET default_transaction_isolation = 'read committed'; SET default_transaction_read_only "
    "= off;"
    " " CONN_EXACT_TEXTS_SQL
    " SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;"
    " SET plan_cache_mode = force_generic_plan; SET jit = off;"
    " SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout "
    "= 0;"
    " SET client_min_messages = error; SET tcp_keepalives_idle = 5; SET "
    "tcp_keepalives_interval = 2;"
    " SET tcp_keepalives_count = 4; SET tcp_user_timeout = 15000";

/* A view that was refused may be possible later: its tables may be on their way. */
enum { VIEWS_RETRY_US = 60000000, VIEWS_BUSY_US = 2000000 };

/* A turn takes at most 100 ms of waiting and a commit; one that takes this long hangs in the replica. */
#define SILENT_US INT64_C(2000000)

struct consumer {
    _Atomic int64_t turn_us; /* when the present turn began; read by the http thread */
    struct mirrors mirrors;
    struct views views;
    int64_t views_due_us; /* when to look whether they are as configured; 0: they are */
    struct receive *receive;
    struct report *report;
    struct follow follow;
    struct audit *audit;
    struct backoff backoff;
    bool fenced;     /* the last trouble was another consumer */
    char said[1024]; /* the last trouble logged, so that it is logged once */
};

/* How old the replica is: computed when it is asked for, so that it grows while nothing arrives. */
static void write_age(void *ctx, struct buf *out)
{
    UNUSED(ctx);
    int64_t commit_us = metric_get(&tally_table[TALLY_COMMIT_US]);
    int64_t age_us = clock_wall_us() - commit_us;
    if (commit_us != 0) {
        buf_addf(
            out,
            "# HELP parkway_consumer_heartbeat_age_seconds Age of the newest transaction or "
            "heartbeat of the primary that the replica has\n"
            "# TYPE parkway_consumer_heartbeat_age_seconds gauge\n"
            "parkway_consumer_heartbeat_age_seconds %.6f\n",
            age_us > 0 ? (double)age_us * 1e-6 : 0);
    }
}

static bool ready(void *ctx, char *reason, size_t size)
{
    struct consumer *c = ctx;
    const char *why = NULL;
    bool silent = clock_mono_us() - atomic_load(&c->turn_us) > SILENT_US;
    if (metric_get(&tally_table[TALLY_HALTED]) != 0) {
        why = "halted by a refused change";
    } else if (metric_get(&tally_table[TALLY_BLOCKED]) != 0) {
        why = "a table is blocked (parkway status)";
    } else if (metric_get(&tally_table[TALLY_REPLICA]) == 0) {
        why = "replica not connected";
    } else if (metric_get(&tally_table[TALLY_CONNECTED]) == 0) {
        why = "log not subscribed";
    } else if (silent) {
        why = "the replica does not answer, or one transaction takes long";
    }
    if (why != NULL) {
        snprintf(reason, size, "%s", why);
    }
    return why == NULL;
}

static int connect_replica(struct consumer *c, struct err *e)
{
    struct conn_options o = {.application_name = "parkway consumer"};
    struct conn *db = NULL;
    int rc = conn_open(&db, setup()->replica_url, &o, e);
    if (rc == 0) {
        rc = conn_exec(db, session_sql, e);
    }
    if (rc != 0) {
        conn_close(db);
        return rc;
    }
    return follow_start(&c->follow, db, e);
}

/* Nothing is applied meanwhile; what serves readers goes on. */
static int settle_views(struct consumer *c, struct err *e)
{
    size_t refused = 0;
    if (c->views_due_us == 0 || c->views_due_us > clock_mono_us() || c->follow.apply.open) {
        return 0;
    }
    int rc = view_build_missing(&c->views, &c->mirrors, consumer_conf()->name, c->follow.db,
                                &refused, e);
    if (rc == ERR_FENCED) { /* by a replay, which may wait for what is applied here */
        c->views_due_us = clock_mono_us() + VIEWS_BUSY_US;
        return 0;
    }
    if (rc == 0) {
        tally_set(TALLY_VIEWS_REFUSED, (int64_t)refused);
        c->views_due_us = refused > 0 ? clock_mono_us() + VIEWS_RETRY_US : 0;
    }
    return rc;
}

static void trouble(struct consumer *c, int rc, const struct err *e)
{
    tally_set(TALLY_REPLICA, 0);
    if (rc == ERR_CONFLICT) {
        tally_set(TALLY_HALTED, 1);
    }
    follow_stop(&c->follow);
    c->fenced = rc == ERR_FENCED;
    if (strncmp(c->said, e->text, sizeof c->said - 1) != 0) {
        snprintf(c->said, sizeof c->said, "%s", e->text);
        if (rc == ERR_FENCED) {
            log_info("waiting for the other consumer name=%s reason=\"%s\"",
                     consumer_conf()->name, e->text);
        } else if (rc == ERR_CONFLICT) {
            log_error("change refused, halted sqlstate=%s reason=\"%s\"", e->sqlstate, e->text);
        } else {
            log_warn("could not apply, retrying sqlstate=%s reason=\"%s\"", e->sqlstate,
                     e->text);
        }
    }
    /* taking over from another consumer should not take seconds */
    daemon_wait_ms(rc == ERR_FENCED ? 500 : backoff_next_ms(&c->backoff));
}

/* Once for each trouble: a consumer that is refused again and again starts over each time. */
static void say_following(const struct consumer *c)
{
    if (c->said[0] == '\0' || c->fenced) {
        char at[POSITION_TEXT_MAX];
        position_text(c->follow.cursor.at, at);
        log_info("following the log consumer=%s position=%s state=%s", consumer_conf()->name,
                 at, c->follow.cursor.state);
    }
}

/* The replica moves: whatever was wrong is not any more. */
static void over(struct consumer *c)
{
    if (c->said[0] != '\0' && !c->fenced) {
        log_info("applying again consumer=%s", consumer_conf()->name);
    }
    c->said[0] = '\0';
    backoff_reset(&c->backoff);
    tally_set(TALLY_HALTED, 0);
}

static void run(struct consumer *c)
{
    uint64_t connections = 0;
    while (!daemon_stopping()) {
        struct err e = ERR_INIT;
        int rc = 0;
        atomic_store(&c->turn_us, clock_mono_us());
        if (c->follow.db == NULL) {
            rc = connect_replica(c, &e);
            if (rc == 0) {
                tally_set(TALLY_REPLICA, 1);
                tally_add(TALLY_RECONNECTS, connections++ > 0);
                say_following(c);
            }
        }
        if (rc == 0) {
            rc = settle_views(c, &e);
        }
        if (rc == 0) {
            int64_t applied = metric_get(&tally_table[TALLY_APPLIED]);
            rc = follow_turn(&c->follow, &e);
            if (rc == 0 && metric_get(&tally_table[TALLY_APPLIED]) != applied) {
                over(c);
            }
        }
        if (rc != 0) {
            trouble(c, rc, &e);
        } else if (c->follow.apply.bloated && !c->follow.apply.open) {
            follow_stop(&c->follow); /* gives libpq's grown buffers back */
        }
    }
}

static int start(struct consumer *c, struct err *e)
{
    int rc = mirrors_load(&c->mirrors, consumer_conf(), e);
    if (rc == 0) {
        rc = views_load(&c->views, consumer_conf(), e);
    }
    if (rc != 0) {
        return rc;
    }
    c->views_due_us = 1;
    struct receive_options in = {.url = setup()->broker_url,
                                 .stream = setup()->log_stream,
                                 .name = consumer_conf()->name,
                                 .prefetch = (uint16_t)consumer_conf()->prefetch};
    struct report_options out = {.url = setup()->broker_url,
                                 .queue = setup()->log_applied_queue,
                                 .replica = consumer_conf()->name};
    c->receive = receive_new(&in);
    c->report = report_new(&out);
    follow_init(&c->follow, c->receive, c->report, &c->mirrors);
    struct audit_options audit = {.primary_url = setup()->primary_url,
                                  .replica_url = setup()->replica_url,
                                  .publication = setup()->capture_publication,
                                  .consumer = consumer_conf()->name,
                                  .mirrors = &c->mirrors,
                                  .interval_s = consumer_conf()->verify_interval,
                                  .rows_per_s = consumer_conf()->verify_rate};
    c->audit = audit_start(&audit);
    return 0;
}

int consumer_main(int argc, char **argv)
{
    if (argc > 1) {
        fprintf(stderr, "error: unknown argument \"%s\"\n", argv[1]);
        return err_exit(ERR_USAGE);
    }
    daemon_init();
    /* frames are allocated by one thread and freed by another: one arena wastes less */
    mallopt(M_ARENA_MAX, 1);
    struct err e = ERR_INIT;
    struct httpd *http = NULL;
    struct consumer c = {0};
    atomic_store(&c.turn_us, clock_mono_us());
    struct opspage ops = {.metrics = tally_table,
                          .metric_count = TALLY_COUNT,
                          .more = write_age,
                          .ready = ready,
                          .ctx = &c};
    int rc = opspage_start(&http, "127.0.0.1", (int)consumer_conf()->http_port, &ops, &e);
    if (rc == 0) {
        rc = start(&c, &e);
    }
    if (rc != 0) {
        log_error("%s", e.text);
        httpd_stop(http);
        return 1;
    }
    run(&c);
    audit_stop(c.audit);
    follow_fini(&c.follow);
    receive_free(c.receive);
    report_free(c.report);
    mirrors_free(&c.mirrors);
    views_free(&c.views);
    httpd_stop(http);
    log_info("stopped");
    return 0;
}
