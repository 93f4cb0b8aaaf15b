/* queue.c - see queue.h. */
#include "saga/queue.h"

#include "base/clock.h"
#include "base/daemon.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/rand.h"
#include "event/setup.h"
#include "mq/consume.h"
#include "mq/topology.h"
#include "router/router_conf.h"
#include "saga/saga_conf.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    PREFETCH = 8,
    DELIVERY_LIMIT = 100, /* only a message that ends its worker comes back so often */
    TRIES = 3,
    TRY_PAUSE_MS = 50,
    DATABASE_WAIT_MS = 10000,
    AGAIN_EVERY_US = 10 * 1000000,
    STEADY_US = 5 * 1000000, /* a connection that lasts so long was one */
};

struct queue {
    struct queue_options o;
    char url[ROUTER_URL_MAX];
    pthread_t thread;
    struct db *db;
    struct link *link;
    unsigned turn;
    bool told;        /* that it does not work; once */
    bool told_others; /* that a queue could not be declared; once */
};

static bool transient(int rc)
{
    return err_retry(rc) != RETRY_NEVER;
}

/* ---- a message ------------------------------------------------------------------------------ */

/* 0: acknowledged or rejected; else what ends the connection. */
static int settle(struct queue *q, const struct link_event *ev, struct err *e)
{
    struct backoff wait = {.seed = rand_u64()};
    int64_t until_us = clock_mono_us() + DATABASE_WAIT_MS * INT64_C(1000);
    for (int tries = 1;; tries++) {
        struct err why = ERR_INIT;
        int rc = q->o.handle(q->o.ctx, q->db, ev->body, &why);
        if (rc == 0) {
            return consume_ack_one(q->link, ev->tag, e);
        }
        metric_inc(q->o.retries);
        if (transient(rc)) {
            if (clock_mono_us() >= until_us || daemon_wait_ms(backoff_next_ms(&wait))) {
                *e = why;
                return rc;
            }
            tries = 0;
        } else if (tries >= TRIES) {
            log_error("message goes to the dead letters queue=%s id=%.*s reason=\"%s\"",
                      q->o.name, STR_ARG(ev->message_id), why.text);
            metric_inc(q->o.dead);
            return consume_reject(q->link, ev->tag, false, e);
        } else if (daemon_wait_ms(TRY_PAUSE_MS * tries)) {
            *e = why;
            return rc;
        }
    }
}

/* ---- a connection --------------------------------------------------------------------------- */

static int declare_commands(struct queue *q, const char *name, struct err *e)
{
    int rc = topology_exchange(q->link, COMMAND_EXCHANGE, "direct", e);
    rc = rc == 0 ? topology_queue(q->link, name, DELIVERY_LIMIT, e) : rc;
    return rc == 0 ? topology_bind(q->link, name, COMMAND_EXCHANGE, name, e) : rc;
}

static int declare_facts(struct queue *q, struct err *e)
{
    int rc = topology_exchange(q->link, q->o.exchange, "topic", e);
    rc = rc == 0 ? topology_queue(q->link, q->o.name, DELIVERY_LIMIT, e) : rc;
    for (size_t i = 0; rc == 0 && i < q->o.key_count; i++) {
        rc = topology_bind(q->link, q->o.name, q->o.exchange, q->o.keys[i].p, e);
    }
    return rc;
}

/* What is sent to before its worker ever ran: a command without a queue waits in the relay, which keeps the primary's WAL for
 * it. A queue that is somebody else's to declare (his alone, or not this user's to configure) keeps nobody from the others. */
static int declare_others(struct queue *q, struct err *e)
{
    for (size_t i = 0; i < q->o.sends_to_count; i++) {
        struct err why = ERR_INIT;
        int rc = declare_commands(q, q->o.sends_to[i], &why);
        if (rc != 0 && !link_alive(q->link)) {
            *e = why;
            return rc;
        }
        if (rc != 0 && !q->told_others) {
            log_warn("a queue of commands is not declared here queue=%s reason=\"%s\"",
                     q->o.sends_to[i], why.text);
            q->told_others = true;
        }
    }
    return 0;
}

static int declare(struct queue *q, struct err *e)
{
    int rc = declare_others(q, e);
    if (rc != 0) {
        return rc;
    }
    return q->o.exchange != NULL ? declare_facts(q, e) : declare_commands(q, q->o.name, e);
}

/* The database first: what is taken while it is away only goes back, and a message may go back DELIVERY_LIMIT times. */
static int open_both(struct queue *q, struct err *e)
{
    char name[128];
    snprintf(name, sizeof name, "parkway saga %s", q->o.name);
    const struct link_options o = {.name = name, .turn = &q->turn};
    int rc =
        db_write(q->db, "select from inbox limit 0", 0, NULL, NULL, e); /* on the primary */
    rc = rc == 0 ? link_open(&q->link, setup()->broker_url, &o, e) : rc;
    rc = rc == 0 ? declare(q, e) : rc;
    return rc == 0 ? consume_start(q->link, q->o.name, q->o.name, PREFETCH,
                                   (struct consume_place){.from = CONSUME_QUEUE}, e)
                   : rc;
}

static int serve(struct queue *q, struct err *e)
{
    int64_t due_us = 0;
    bool fresh = true;
    int rc = 0;
    while (rc == 0 && !daemon_stopping()) {
        struct link_event ev = {.kind = LINK_NONE};
        bool more = false;
        if (q->o.look != NULL && clock_mono_us() >= due_us) {
            rc = q->o.look(q->o.ctx, q->db, fresh, &more, e);
            due_us = clock_mono_us() + (more ? 0 : AGAIN_EVERY_US);
            fresh = false;
        }
        do { /* when there is more to look for, what the queue has at hand comes in between */
            rc = rc == 0 ? link_next(q->link, more ? 0 : 100, &ev, e) : rc;
            if (rc == 0 && ev.kind == LINK_DELIVER) {
                rc = settle(q, &ev, e);
            } else if (rc == 0 && ev.kind == LINK_CANCEL) {
                rc = err_set(e, ERR_CLOSED, "the broker ended the subscription of %s",
                             q->o.name);
            }
        } while (rc == 0 && more && ev.kind != LINK_NONE && !daemon_stopping());
    }
    return rc;
}

static void *run(void *arg)
{
    struct queue *q = arg;
    struct backoff wait = {.seed = rand_u64()};
    while (!daemon_stopping()) {
        struct err e = ERR_INIT;
        int rc = open_both(q, &e);
        if (rc == 0) {
            log_info("%s queue=%s", q->told ? "taking messages again" : "taking messages",
                     q->o.name);
            q->told = false;
            int64_t from_us = clock_mono_us();
            metric_inc(q->o.connected);
            rc = serve(q, &e);
            metric_add(q->o.connected, -1);
            if (clock_mono_us() - from_us > STEADY_US) {
                backoff_reset(&wait);
            }
        }
        link_close(q->link);
        q->link = NULL;
        if (rc != 0 && !daemon_stopping()) {
            if (!q->told) {
                log_warn("not taking messages queue=%s reason=\"%s\"", q->o.name, e.text);
                q->told = true;
            }
            daemon_wait_ms(backoff_next_ms(&wait));
        }
    }
    db_close(q->db);
    return NULL;
}

/* ---- public --------------------------------------------------------------------------------- */

int queue_start(struct queue **out, const struct queue_options *o, struct err *e)
{
    struct queue *q = def_zalloc(1, sizeof *q);
    char name[128];
    q->o = *o;
    snprintf(name, sizeof name, "parkway saga %s", o->name);
    router_conf_url(saga_conf()->url, q->url);
    q->db = db_new(q->url, name);
    db_stop_on(q->db, o->stop_fd);
    if (pthread_create(&q->thread, NULL, run, q) != 0) {
        db_free(q->db);
        free(q);
        *out = NULL;
        return err_set(e, ERR_FAIL, "could not start a thread for queue %s", o->name);
    }
    *out = q;
    return 0;
}

void queue_stop(struct queue *q)
{
    if (q != NULL) {
        pthread_join(q->thread, NULL);
        db_free(q->db);
        free(q);
    }
}
