/* router.c - the daemon: workers, the thread that keeps the catalogues current, metrics, and the accept
 * loop. See docs/architecture.md, "Routing"; session.h for what happens to a client. */
#include "router/router.h"

#include "base/clock.h"
#include "base/daemon.h"
#include "base/log.h"
#include "base/opspage.h"
#include "event/setup.h"
#include "pg/conn.h"
#include "router/catalog.h"
#include "router/listen.h"
#include "router/meter.h"
#include "router/router_conf.h"
#include "router/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { RESOLVE_EVERY_US = 5000000 };

/* ---- the catalogues ---- */

struct librarian {
    struct router *router;
    pthread_t thread;
    struct conn *conns[TARGET_MAX];
    struct catalog *last;
    struct catalog_stamps seen;
    bool said;
};

static struct conn *reach(struct librarian *l, uint32_t i)
{
    char url[1024];
    struct err e = ERR_INIT;
    struct conn_options o = {.application_name = "parkway router catalogue",
                             .connect_timeout_s = 2,
                             .options = "-c statement_timeout=10000"};
    if (l->conns[i] != NULL && conn_alive(l->conns[i])) {
        return l->conns[i];
    }
    conn_close(l->conns[i]);
    l->conns[i] = NULL;
    target_own_url(&l->router->targets.list[i], url, sizeof url);
    if (conn_open(&l->conns[i], url, &o, &e) != 0) {
        l->conns[i] = NULL;
    }
    return l->conns[i];
}

static void read_catalogues(struct librarian *l)
{
    struct targets *t = &l->router->targets;
    struct conn *replicas[TARGET_MAX] = {NULL};
    size_t count = 0;
    struct catalog *neu = NULL;
    struct err e = ERR_INIT;
    struct conn *primary = reach(l, TARGET_PRIMARY);
    for (uint32_t i = 1; i < t->count; i++) {
        if (t->list[i].kind == TARGET_IS_EVENT) {
            replicas[count++] = reach(l, i);
        }
    }
    if (primary == NULL && l->last == NULL) {
        return; /* nothing is known of the primary: nothing is a read */
    }
    if (catalog_load(&neu, primary, replicas, count, setup()->capture_publication, l->last,
                     &l->seen, &e) != 0) {
        if (!l->said) {
            log_warn("could not read the catalogues: %s", e.text);
        }
        l->said = true;
        return;
    }
    l->said = false;
    if (neu == l->last) {
        catalog_unref(neu);
        return;
    }
    log_info("catalogues read version=%llu", (unsigned long long)catalog_version(neu));
    catalog_unref(l->last);
    catalog_ref(neu);
    l->last = neu;
    catalog_slot_put(l->router->catalog, neu);
}

static void *keep_catalogues(void *arg)
{
    struct librarian *l = arg;
    while (!daemon_stopping()) {
        read_catalogues(l);
        daemon_wait_ms(CATALOG_EVERY_MS);
    }
    for (uint32_t i = 0; i < TARGET_MAX; i++) {
        conn_close(l->conns[i]);
    }
    catalog_unref(l->last);
    return NULL;
}

static void start_librarian(struct librarian *l, struct router *r)
{
    pthread_attr_t attr;
    *l = (struct librarian){.router = r};
    pthread_attr_init(&attr);
    /* views are parsed there */
    ASSERT(pthread_attr_setstacksize(&attr, CLASSIFY_STACK_MIN) == 0);
    ASSERT(pthread_create(&l->thread, &attr, keep_catalogues, l) == 0);
    pthread_attr_destroy(&attr);
}

/* ---- main ---- */

static void serve(struct router *r, int fd)
{
    int64_t resolved = clock_mono_us();
    while (!daemon_stopping()) {
        listen_accept(fd, r, 100);
        if (daemon_take_reload()) {
            struct err e = ERR_INIT;
            if (users_load(r->users, &e) != 0) {
                log_warn("could not read users: %s", e.text);
            }
        }
        if (clock_mono_us() - resolved > RESOLVE_EVERY_US) {
            for (uint32_t i = 0; i < r->targets.count; i++) {
                target_resolve(&r->targets.list[i]);
            }
            resolved = clock_mono_us();
        }
    }
}

static int fail(const struct err *e)
{
    fprintf(stderr, "error: %s\n", e->text);
    return err_exit(e->code) != 0 ? 1 : 0;
}

int router_main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct router r = {.started_us = clock_mono_us()};
    struct librarian librarian;
    struct httpd *http = NULL;
    int fd;
    UNUSED(argv);
    if (argc > 1) {
        fprintf(stderr, "usage: parkway router\n");
        return err_exit(ERR_USAGE);
    }
    daemon_init();
    if (targets_init(&r.targets, &e) != 0 ||
        listen_open(router_conf()->listen, (int)router_conf()->port, &fd, &e) != 0) {
        return fail(&e);
    }
    r.users = users_new(router_conf_users_file());
    if (users_load(r.users, &e) != 0) {
        log_warn("could not read users: %s hint=\"parkway migrate writes the file\"", e.text);
    }
    r.catalog = catalog_slot_new();
    r.worker_count = (uint32_t)router_conf()->threads;
    r.workers = def_zalloc(r.worker_count, sizeof *r.workers);
    struct opspage ops = meter_ops(&r);
    if (opspage_start(&http, "127.0.0.1", (int)router_conf()->http_port, &ops, &e) != 0) {
        return fail(&e);
    }
    start_librarian(&librarian, &r);
    for (uint32_t i = 0; i < r.worker_count; i++) {
        worker_start(&r.workers[i], &r, i);
    }
    log_info("router listens address=%s port=%d threads=%u replicas=%u", router_conf()->listen,
             (int)router_conf()->port, r.worker_count, r.targets.count - 1);
    serve(&r, fd);
    log_info("router stops");
    close(fd);
    httpd_stop(http);
    for (uint32_t i = 0; i < r.worker_count; i++) {
        worker_stop(&r.workers[i]);
    }
    pthread_join(librarian.thread, NULL);
    catalog_slot_free(r.catalog);
    users_free(r.users);
    free(r.workers);
    return 0;
}
