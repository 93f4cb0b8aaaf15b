/* saga.c - parkway saga: the saga engine and the workers.
 *
 *   parkway saga [--engine] [--workers=NAME,…]     neither: the engine and every worker
 *   parkway saga --check [FILE]                    are the declarations right, and what do they say?
 *
 * The engine has two threads: one takes the facts that its queue brings, one looks for deadlines that have passed. Each worker
 * has one. They share nothing but the declarations, so any number of these processes may run; of those that take
 * from one queue, the broker serves one at a time, and the next when it ends. Nothing is kept in memory: a process that
 * is killed loses nothing, what it had in hand comes again.
 *
 * --check reads FILE, or the file of the configuration, and prints its sagas, one line a step, on stdout; a mistake is one
 * line on stderr. Nothing is connected to. Exit status: 0; 2 usage, or a mistake in the file; 3 no such file. */
#include "saga/saga.h"

#include "base/clock.h"
#include "base/daemon.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/opspage.h"
#include "base/rand.h"
#include "event/setup.h"
#include "router/router_conf.h"
#include "saga/engine.h"
#include "saga/queue.h"
#include "saga/saga_conf.h"
#include "saga/sagaworker.h"

#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    MISSED_OLDER_S = 5,
    MISSED_WITHIN_S = 600,
    STORE_DAYS = 6, /* how far back a new connection looks; the inbox remembers longer */
    KEEP_DAYS = 7,
    COUNT_EVERY_US = 5000000,
    PURGE_EVERY_US = 60000000,
};

enum {
    M_TAKEN,
    M_HELD,
    M_IGNORED,
    M_NOTHING,
    M_TIMERS,
    M_MISSED,
    M_COMMANDS,
    M_REPEATED,
    M_EXPIRED,
    M_RETRIES,
    M_DEAD,
    M_OPEN,
    M_FAILED,
    M_CONNECTED,
    M_COUNT
};

#define FACTS(label)                                                                           \
    {                                                                                          \
        .name = "parkway_saga_facts_total", .kind = METRIC_COUNTER,                            \
        .help = "Facts that the engine saw, by what came of them.",                            \
        .labels = "result=\"" label "\""                                                       \
    }
#define COMMANDS(label)                                                                        \
    {                                                                                          \
        .name = "parkway_saga_commands_total", .kind = METRIC_COUNTER,                         \
        .help = "Commands that workers saw, by what came of them.",                            \
        .labels = "result=\"" label "\""                                                       \
    }

static struct metric metrics[M_COUNT] = {
    [M_TAKEN] = FACTS("taken"),
    [M_HELD] = FACTS("held"),
    [M_IGNORED] = FACTS("ignored"),
    [M_NOTHING] = FACTS("nothing"),
    [M_TIMERS] = {.name = "parkway_saga_timers_total",
                  .kind = METRIC_COUNTER,
                  .help = "Deadlines that passed."},
    [M_MISSED] = {.name = "parkway_saga_missed_total",
                  .kind = METRIC_COUNTER,
                  .help = "Facts that the queue did not bring and the event store had."},
    [M_COMMANDS] = COMMANDS("done"),
    [M_REPEATED] = COMMANDS("repeated"),
    [M_EXPIRED] = COMMANDS("expired"),
    [M_RETRIES] = {.name = "parkway_saga_retries_total",
                   .kind = METRIC_COUNTER,
                   .help = "Tries of a message that failed."},
    [M_DEAD] = {.name = "parkway_saga_dead_letters_total",
                .kind = METRIC_COUNTER,
                .help = "Messages that were given up."},
    [M_OPEN] = {.name = "parkway_saga_open",
                .kind = METRIC_GAUGE,
                .help = "Sagas that have not ended."},
    [M_FAILED] = {.name = "parkway_saga_failed",
                  .kind = METRIC_GAUGE,
                  .help = "Sagas that wait for an operator."},
    [M_CONNECTED] = {.name = "parkway_saga_queues_connected",
                     .kind = METRIC_GAUGE,
                     .help = "Queues that are being taken from."},
};

struct work {
    const struct declarations *d;
    const struct saga_worker *worker; /* NULL: the engine */
    struct engine_missed missed;      /* where it is in the event store */
};

struct daemon {
    const struct declarations *d;
    bool engine;
    int stop_fd;
    struct str *keys; /* of the engine's queue */
    size_t key_count;
    const char **sends_to; /* queues of the sagas' commands, each once */
    size_t sends_to_count;
    struct work *work; /* a worker each */
    struct queue **queues;
    size_t queue_count;
    pthread_t timer;
};

/* ---- what is taken -------------------------------------------------------------------------- */

static int take_fact(void *ctx, struct db *db, struct str body, struct err *e)
{
    static const int counters[] = {[SAGA_TAKEN] = M_TAKEN,
                                   [SAGA_HELD] = M_HELD,
                                   [SAGA_IGNORED] = M_IGNORED,
                                   [SAGA_NOTHING] = M_NOTHING,
                                   [SAGA_REFUSED] = M_NOTHING};
    const struct work *w = ctx;
    struct buf texts = BUF_INIT;
    struct engine_fact fact;
    enum saga_verdict verdict = SAGA_NOTHING;
    int rc = engine_fact_read(body, &texts, &fact)
                 ? engine_take(w->d, db, &fact, &verdict, e)
                 : err_set(e, ERR_INVALID, "the message is no row of the event store");
    if (rc == 0) {
        metric_inc(&metrics[counters[verdict]]);
    }
    buf_fini(&texts);
    return rc;
}

/* Facts from before the queue was bound come from the store alone; later ones may still be under way in it. What a fresh look has
 * taken may have begun sagas that wait for facts it has passed: it ends with a round that takes nothing. */
static int find_missed(void *ctx, struct db *db, bool fresh, bool *more, struct err *e)
{
    struct work *w = ctx;
    struct engine_missed *m = &w->missed;
    if (fresh) {
        *m = (struct engine_missed){.within_s = STORE_DAYS * INT64_C(86400)};
    } else if (!m->more) {
        *m = (struct engine_missed){.older_s = MISSED_OLDER_S, .within_s = MISSED_WITHIN_S};
    }
    int64_t before = m->taken;
    int rc = engine_missed(w->d, db, m, e);
    metric_add(&metrics[M_MISSED], m->taken - before);
    if (rc == 0 && m->taken > 0 && !m->more) {
        log_info("facts that the queue did not bring were taken from the event store "
                 "count=%" PRId64,
                 m->taken);
        if (m->older_s == 0) {
            *m = (struct engine_missed){.within_s = m->within_s, .more = true};
        }
    }
    *more = m->more;
    return rc;
}

static int take_command(void *ctx, struct db *db, struct str body, struct err *e)
{
    static const int counters[] = {[WORKER_DONE] = M_COMMANDS,
                                   [WORKER_REPEATED] = M_REPEATED,
                                   [WORKER_EXPIRED] = M_EXPIRED};
    const struct work *w = ctx;
    enum worker_result result = WORKER_DONE;
    int rc = worker_take(w->d, w->worker, db, body, &result, e);
    if (rc == 0) {
        metric_inc(&metrics[counters[result]]);
    }
    return rc;
}

/* ---- deadlines ------------------------------------------------------------------------------ */

static int count_open(struct db *db, struct err *e)
{
    struct result *r = NULL;
    int rc = db_write(db,
                      "select count(*), count(*) filter (where status = 'FAILED') from "
                      "saga_instances where status not in ('SUCCEEDED', 'COMPENSATED')",
                      0, NULL, &r, e);
    if (rc == 0) {
        metric_set(&metrics[M_OPEN], result_int(r, 0, 0));
        metric_set(&metrics[M_FAILED], result_int(r, 0, 1));
        result_free(r);
    }
    return rc;
}

/* What no queue can bring again is forgotten. */
static int purge(struct db *db, struct err *e)
{
    char days[16];
    bool alone;
    int n = snprintf(days, sizeof days, "%d", KEEP_DAYS);
    struct str param = {days, (size_t)n};
    int rc = db_act_as(db, "owner_saga", &alone, e);
    if (rc != 0) {
        return rc;
    }
    rc = db_write(
        db,
        "delete from inbox b where b.processed_at < now() - $1::int * interval '1 day' "
        "and not exists (select from events e join saga_instances i using (stream) where "
        "e.event_id::text = b.message_id and i.status not in ('SUCCEEDED', "
        "'COMPENSATED'))",
        1, &param, NULL, e);
    return db_act_end(db, alone, rc, e);
}

static int look(const struct daemon *s, struct db *db, struct err *e)
{
    bool more = true;
    int rc = 0;
    while (rc == 0 && more && !daemon_stopping()) {
        rc = engine_due(s->d, db, &more, e);
        metric_add(&metrics[M_TIMERS], rc == 0 && more);
    }
    return rc;
}

static void *timers(void *arg)
{
    const struct daemon *s = arg;
    char url[ROUTER_URL_MAX];
    router_conf_url(saga_conf()->url, url);
    struct db *db = db_new(url, "parkway saga timers");
    db_stop_on(db, s->stop_fd);
    struct backoff wait = {.seed = rand_u64()};
    int64_t count_us = 0;
    int64_t purge_us = clock_mono_us() + PURGE_EVERY_US;
    bool told = false;
    while (!daemon_stopping()) {
        struct err e = ERR_INIT;
        int64_t now_us = clock_mono_us();
        int rc = look(s, db, &e);
        if (rc == 0 && now_us >= count_us) {
            rc = count_open(db, &e);
            count_us = now_us + COUNT_EVERY_US;
        }
        if (rc == 0 && now_us >= purge_us) {
            rc = purge(db, &e);
            purge_us = now_us + PURGE_EVERY_US;
        }
        if (rc != 0 && !told && !daemon_stopping()) {
            log_warn("deadlines are not looked at reason=\"%s\"", e.text);
        } else if (rc == 0 && told) {
            log_info("deadlines are looked at again");
        }
        told = rc != 0;
        if (rc == 0) {
            backoff_reset(&wait);
        }
        daemon_wait_ms(rc == 0 ? saga_conf()->timer_ms : backoff_next_ms(&wait));
    }
    db_free(db);
    return NULL;
}

/* ---- the daemon ----------------------------------------------------------------------------- */

static bool ready(void *ctx, char *reason, size_t size)
{
    const struct daemon *s = ctx;
    int64_t connected = metric_get(&metrics[M_CONNECTED]);
    snprintf(reason, size, "%" PRId64 " of %zu queues are taken from", connected,
             s->queue_count);
    return connected == (int64_t)s->queue_count;
}

static int start_queue(struct daemon *s, struct queue_options *o, struct err *e)
{
    o->stop_fd = s->stop_fd;
    o->dead = &metrics[M_DEAD];
    o->retries = &metrics[M_RETRIES];
    o->connected = &metrics[M_CONNECTED];
    int rc = queue_start(&s->queues[s->queue_count], o, e);
    s->queue_count += rc == 0;
    return rc;
}

static void send_to(struct daemon *s, const struct saga_call *call)
{
    if (call->command == NULL) {
        return;
    }
    for (size_t i = 0; i < s->sends_to_count; i++) {
        if (strcmp(s->sends_to[i], call->queue) == 0) {
            return;
        }
    }
    s->sends_to = def_realloc(s->sends_to, (s->sends_to_count + 1) * sizeof *s->sends_to);
    s->sends_to[s->sends_to_count++] = call->queue;
}

static void send_to_all(struct daemon *s)
{
    for (int i = 0; i < s->d->saga_count; i++) {
        for (int k = 0; k < s->d->sagas[i].step_count; k++) {
            const struct saga_step *step = &s->d->sagas[i].steps[k];
            send_to(s, &step->call);
            for (int u = 0; u < step->undo_count; u++) {
                send_to(s, &step->undo[u].call);
            }
            for (int c = 0; c < step->side_count; c++) {
                send_to(s, &step->sides[c]);
            }
        }
    }
}

static int start_engine(struct daemon *s, struct err *e)
{
    send_to_all(s);
    s->keys = def_zalloc((size_t)s->d->event_count, sizeof *s->keys);
    for (int i = 0; i < s->d->event_count; i++) {
        if (engine_awaits(s->d, i)) {
            s->keys[s->key_count++] = str_of(s->d->events[i].key);
        }
    }
    s->work[0].d = s->d;
    struct queue_options o = {.name = saga_conf()->queue,
                              .exchange = setup()->events_exchange,
                              .keys = s->keys,
                              .key_count = s->key_count,
                              .sends_to = s->sends_to,
                              .sends_to_count = s->sends_to_count,
                              .handle = take_fact,
                              .look = find_missed,
                              .ctx = &s->work[0]};
    int rc = start_queue(s, &o, e);
    if (rc == 0 && pthread_create(&s->timer, NULL, timers, s) != 0) {
        rc = err_set(e, ERR_FAIL, "could not start a thread for deadlines");
    }
    s->engine = rc == 0;
    return rc;
}

static int start_worker(struct daemon *s, const struct saga_worker *w, struct err *e)
{
    struct work *work = &s->work[1 + (w - s->d->workers)];
    *work = (struct work){.d = s->d, .worker = w};
    struct queue_options o = {.name = w->queue, .handle = take_command, .ctx = work};
    return start_queue(s, &o, e);
}

/* Whether name stands in the list, a,b,c. */
static bool listed(const char *list, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = list; *at != '\0'; at += strcspn(at, ",")) {
        at += *at == ',';
        if (strncmp(at, name, n) == 0 && (at[n] == ',' || at[n] == '\0')) {
            return true;
        }
    }
    return false;
}

static int check_list(const struct declarations *d, const char *list, struct err *e)
{
    char name[SAGA_NAME_MAX + 1];
    for (const char *at = list; *at != '\0';) {
        size_t n = strcspn(at, ",");
        bool known = false;
        snprintf(name, sizeof name, "%.*s", (int)n, at);
        for (int i = 0; i < d->worker_count; i++) {
            known = known || strcmp(d->workers[i].name, name) == 0;
        }
        if (!known) {
            return err_set(e, ERR_USAGE,
                           "no worker is called \"%s\"; \"parkway saga --check\" lists them",
                           name);
        }
        at += n + (at[n] == ',');
    }
    return 0;
}

static int start(struct daemon *s, bool engine, const char *workers, struct err *e)
{
    int rc = workers != NULL ? check_list(s->d, workers, e) : 0;
    if (rc == 0 && (engine || workers == NULL)) {
        rc = start_engine(s, e);
    }
    for (int i = 0; rc == 0 && i < s->d->worker_count; i++) {
        const struct saga_worker *w = &s->d->workers[i];
        if (workers != NULL ? listed(workers, w->name) : !engine) {
            rc = start_worker(s, w, e);
        }
    }
    return rc;
}

static void stop(struct daemon *s)
{
    uint64_t one = 1;
    daemon_stop();
    ssize_t written = write(s->stop_fd, &one, sizeof one);
    ASSERT(written == sizeof one);
    for (size_t i = 0; i < s->queue_count; i++) {
        queue_stop(s->queues[i]);
    }
    if (s->engine) {
        pthread_join(s->timer, NULL);
    }
}

static int serve(const struct declarations *d, bool engine, const char *workers)
{
    struct err e = ERR_INIT;
    struct httpd *http = NULL;
    struct daemon s = {.d = d, .stop_fd = eventfd(0, EFD_CLOEXEC)};
    s.work = def_zalloc((size_t)d->worker_count + 1, sizeof *s.work);
    s.queues = def_zalloc((size_t)d->worker_count + 1, sizeof *s.queues);
    const struct opspage ops = {
        .metrics = metrics, .metric_count = M_COUNT, .ready = ready, .ctx = &s};
    daemon_init();
    int rc = s.stop_fd < 0 ? err_set(&e, ERR_FAIL, "could not create an eventfd") : 0;
    rc =
        rc == 0 ? opspage_start(&http, "127.0.0.1", (int)saga_conf()->http_port, &ops, &e) : rc;
    if (rc == 0) {
        rc = start(&s, engine, workers, &e);
        if (rc == 0) {
            log_info("saga engine starts engine=%s workers=%zu", s.engine ? "yes" : "no",
                     s.queue_count - s.engine);
        }
        while (rc == 0 && !daemon_wait_ms(1000)) {
        }
        stop(&s);
    }
    httpd_stop(http);
    if (rc != 0) {
        log_error("%s", e.text);
    } else {
        log_info("stopped");
    }
    close(s.stop_fd);
    free(s.keys);
    free(s.sends_to);
    free(s.work);
    free(s.queues);
    return err_exit(rc);
}

/* ---- the command ---------------------------------------------------------------------------- */

static int check(const struct declarations *d)
{
    struct buf out = BUF_INIT;
    saga_print(d, &out);
    bool ok = fwrite(buf_data(&out), 1, out.len, stdout) == out.len && fflush(stdout) == 0;
    buf_fini(&out);
    return ok ? 0 : err_exit(ERR_FAIL);
}

static int usage(void)
{
    fprintf(stderr, "usage: parkway saga [--engine] [--workers=NAME,...]\n"
                    "       parkway saga --check [FILE]\n");
    return err_exit(ERR_USAGE);
}

int saga_main(int argc, char **argv)
{
    static const struct option options[] = {{"check", no_argument, NULL, 'c'},
                                            {"engine", no_argument, NULL, 'e'},
                                            {"workers", required_argument, NULL, 'w'},
                                            {NULL, 0, NULL, 0}};
    bool wanted = false;
    bool engine = false;
    const char *workers = NULL;
    int o;
    optind = 1;
    while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (o) {
        case 'c': wanted = true; break;
        case 'e': engine = true; break;
        case 'w': workers = optarg; break;
        default: return usage();
        }
    }
    if (argc - optind > (wanted ? 1 : 0) || (wanted && (engine || workers != NULL))) {
        return usage();
    }
    struct buf path = BUF_INIT;
    if (optind < argc) {
        buf_adds(&path, argv[optind]);
    } else {
        saga_conf_path(&path);
    }
    const struct declarations *d = NULL;
    struct err e = ERR_INIT;
    int rc = declaration_load(buf_cstr(&path), &d, &e);
    buf_fini(&path);
    if (rc != 0) {
        fprintf(stderr, "error: %s\n", e.text);
        return err_exit(rc);
    }
    rc = wanted ? check(d) : serve(d, engine, workers);
    declaration_free(d);
    return rc;
}
