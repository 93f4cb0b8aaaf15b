/* probe.c - see probe.h. Each peer is asked by a login of its own, because a server that accepts
 * connections need not be one that answers. */
#include "command/probe.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "event/setup.h"
#include "mq/link.h"
#include "pg/conn.h"

#include <pthread.h>
#include <stdlib.h>

enum { PROBE_KEEP_MS = 1000, PROBE_TIMEOUT_S = 2 };

struct probe {
    pthread_mutex_t lock;
    int64_t asked_us; /* 0: never */
    bool up;
};

struct probe *probe_new(void)
{
    struct probe *p = def_zalloc(1, sizeof *p);
    pthread_mutex_init(&p->lock, NULL);
    p->up = true;
    return p;
}

void probe_free(struct probe *p)
{
    pthread_mutex_destroy(&p->lock);
    free(p);
}

static bool ask_database(const char *name, const char *url, struct err *e)
{
    struct conn_options o = {.application_name = "parkway command health",
                             .connect_timeout_s = PROBE_TIMEOUT_S};
    struct conn *c = NULL;
    int rc = conn_open(&c, url, &o, e);
    conn_close(c);
    if (rc != 0) {
        err_add(e, "%s", name);
    }
    return rc == 0;
}

static bool ask_broker(struct err *e)
{
    struct link_options o = {.name = "parkway command health",
                             .connect_timeout_ms = PROBE_TIMEOUT_S * 1000};
    struct link *l = NULL;
    int rc = link_open(&l, setup()->broker_url, &o, e);
    link_close(l);
    if (rc != 0) {
        err_add(e, "broker");
    }
    return rc == 0;
}

bool probe_up(struct probe *p)
{
    pthread_mutex_lock(&p->lock);
    int64_t now_us = clock_mono_us();
    if (p->asked_us == 0 || now_us - p->asked_us > PROBE_KEEP_MS * 1000) {
        struct err e = ERR_INIT;
        bool up = ask_database("primary", setup()->primary_url, &e) &&
                  ask_database("replica", setup()->replica_url, &e) && ask_broker(&e);
        if (up != p->up) {
            log_info("health changed status=%s reason=\"%s\"", up ? "UP" : "DOWN", e.text);
        }
        p->up = up;
        p->asked_us = clock_mono_us();
    }
    bool up = p->up;
    pthread_mutex_unlock(&p->lock);
    return up;
}
