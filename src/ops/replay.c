/* replay.c - parkway replay: fills a view or a mirror anew beside the live one and exchanges them.
 *
 *   parkway replay VIEW|MIRROR|all      (all: every mirror, then every view)
 *
 * The live one serves readers meanwhile, the consumer goes on, and nothing that it applies is missed: see
 * consumer/view_build.h, ops/remirror.h and ops/refill.h. A view is made from the replica's mirrors, by its present
 * definition in the configuration; a mirror of all columns from the primary, one that picks its columns from the primary
 * and the log, a history from the log. Prints "replayed <n> rows into <name>" for each. Exit status: 0; 2 a
 * view is refused; 3 no such view or mirror; 4 it cannot be done in that state, or another replay is under
 * way; 5 a server is away, or the log does not hold what is needed; 6 the consumer does not advance. */
#include "base/daemon.h"
#include "base/err.h"
#include "consumer/consumer_conf.h"
#include "consumer/view_build.h"
#include "event/setup.h"
#include "ops/ops.h"
#include "ops/refill.h"
#include "ops/remirror.h"

#include <inttypes.h>
#include <stdio.h>

enum { LABEL_MAX = 160 }; /* two names of 63 bytes and a dot */

struct replay {
    struct conn *replica;
    struct mirrors mirrors;
    struct views views;
    struct captured captured;
    bool found;
};

static const char public_schema[] = "public.";

/* A name without a schema stands for one in public. */
static bool is_named(const char *label, const char *name)
{
    size_t n = sizeof public_schema - 1;
    return strcmp(name, "all") == 0 || strcmp(label, name) == 0 ||
           (strncmp(label, public_schema, n) == 0 && strcmp(label + n, name) == 0);
}

static void say(const char *name, int64_t rows)
{
    size_t n = sizeof public_schema - 1;
    printf("replayed %" PRId64 " rows into %s\n", rows,
           strncmp(name, public_schema, n) == 0 ? name + n : name);
    fflush(stdout);
}

static int load_captured(struct replay *r, struct err *e)
{
    struct conn *primary = NULL;
    int rc = conn_open(&primary, setup()->primary_url,
                       &(struct conn_options){.application_name = "parkway replay"}, e);
    if (rc == 0) {
        rc = captured_load(&r->captured, primary, e);
    }
    conn_close(primary);
    return rc != 0 ? err_add(e, "primary") : 0;
}

static int replay_mirrors(struct replay *r, const char *name, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < r->captured.mirror_count; i++) {
        const struct captured_mirror *m = &r->captured.mirrors[i];
        int64_t rows = 0;
        if (!is_named(m->target, name)) {
            continue;
        }
        r->found = true;
        rc = remirror(r->replica, m, consumer_conf()->name, &rows, e);
        if (rc == 0) {
            say(m->target, rows);
        }
    }
    return rc;
}

static int replay_views(struct replay *r, const char *name, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < r->views.count; i++) {
        const struct view *v = &r->views.items[i];
        int64_t rows = 0;
        if (!is_named(v->label, name)) {
            continue;
        }
        r->found = true;
        rc = view_build_one(v, &r->mirrors, consumer_conf()->name, r->replica, &rows, e);
        if (rc == 0) {
            say(v->label, rows);
        }
    }
    return rc;
}

/* Mirrors that the primary's rows alone do not give. */
static int replay_picked(struct replay *r, const char *name, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < r->mirrors.count; i++) {
        const struct mirror *m = &r->mirrors.items[i];
        char label[LABEL_MAX];
        int64_t rows = 0;
        snprintf(label, sizeof label, "%s.%s", m->target_schema, m->target_name);
        if ((!m->append && m->column_count == 0) || !is_named(label, name)) {
            continue;
        }
        r->found = true;
        rc = refill(m, consumer_conf()->name, &rows, e);
        if (rc == 0) {
            say(label, rows);
        }
    }
    return rc;
}

static int replay(struct replay *r, const char *name, struct err *e)
{
    int rc = mirrors_load(&r->mirrors, consumer_conf(), e);
    if (rc == 0) {
        rc = views_load(&r->views, consumer_conf(), e);
    }
    if (rc == 0) {
        rc = conn_open(&r->replica, setup()->replica_url,
                       &(struct conn_options){.application_name = "parkway replay"}, e);
    }
    if (rc == 0) {
        rc = conn_exec(r->replica,
                       "set statement_timeout = 0; set client_min_messages = error;"
                       " set session_replication_role = replica",
                       e);
    }
    bool all = strcmp(name, "all") == 0;
    if (rc == 0 && !all) { /* no need of the primary for a view */
        rc = replay_views(r, name, e);
    }
    if (rc == 0 && !r->found) {
        rc = load_captured(r, e);
        rc = rc == 0 ? replay_mirrors(r, name, e) : rc;
    }
    if (rc == 0 && (all || !r->found)) {
        rc = replay_picked(r, name, e);
    }
    if (rc == 0 && all) {
        rc = replay_views(r, name, e);
    }
    return rc == 0 && !r->found && !all
               ? err_set(e, ERR_NOT_FOUND, "there is no view or mirror \"%s\"", name)
               : rc;
}

int replay_main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct replay r = {0};
    int rc = argc == 2 && argv[1][0] != '-'
                 ? 0
                 : err_set(&e, ERR_USAGE, "usage: parkway replay VIEW|MIRROR|all");
    if (rc == 0) {
        daemon_init(); /* an interrupt ends it in order */
        rc = replay(&r, argv[1], &e);
    }
    conn_close(r.replica);
    captured_free(&r.captured);
    views_free(&r.views);
    mirrors_free(&r.mirrors);
    if (rc != 0) {
        fprintf(stderr, "error: %s\n", e.text);
    }
    return rc == 0 ? 0 : err_exit(rc);
}
