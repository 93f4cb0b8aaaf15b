/* routing.c - parkway route "<sql>" [--why] [--user=NAME] [--search-path=LIST]: where a
 * statement goes.
 *
 * The router's own decision, made for a new session of that user outside a transaction, with
 * both servers in service and the replica up to date, over the catalogues as they are now.
 * Prints "primary" or "replica", with --why the reason on a second line. Exit status: 0; 2
 * usage; 5 a server does not answer. Nothing is executed. */
#include "ops/ops.h"

#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "event/setup.h"
#include "pg/conn.h"
#include "router/decide.h"

struct route {
    struct str sql;
    const char *user;
    const char *path;
    bool why;
    struct err e;
    int rc;
};

static int open_both(struct conn **primary, struct conn **replica, struct err *e)
{
    struct conn_options o = {.application_name = "parkway route"};
    int rc = conn_open(primary, setup()->primary_url, &o, e);

    if (rc != 0) {
        err_add(e, "primary");
        return rc;
    }
    rc = conn_open(replica, setup()->replica_url, &o, e);
    if (rc != 0) {
        err_add(e, "replica");
    }
    return rc;
}

static void show(const struct route *r, const struct catalog *cat)
{
    struct judge_scope scope;
    struct judge_verdict verdict;
    struct classification *text = classify_parse(r->sql);
    struct decide_replica replica = {
        .up = true, .login = true, .fresh = true, .side = 1, .weight = 1};
    struct decide_input in = {.text = text,
                              .verdict = &verdict,
                              .level = DECIDE_SESSION,
                              .position_known = true,
                              .primary_up = true,
                              .replicas = &replica,
                              .replica_count = 1};
    struct decide_output out;
    char reason[REASON_TEXT_MAX];

    judge_scope_init(&scope, r->user);
    if (r->path != NULL) {
        judge_scope_path(&scope, str_of(r->path));
    }
    judge(text, cat, &scope, &verdict);
    decide(&in, &out);
    printf("%s\n", out.target == DECIDE_REPLICA ? "replica" : "primary");
    if (r->why) {
        /* The router itself answers BEGIN and sends it with what follows; alone it binds nothing. */
        printf("%s\n", reason_text(out.target == DECIDE_REPLICA ? REASON_READ : out.why,
                                   out.detail, reason));
    }
    judge_scope_fini(&scope);
    classify_unref(text);
}

static void *work(void *arg)
{
    struct route *r = arg;
    struct conn *primary = NULL;
    struct conn *replica = NULL;
    struct catalog *cat = NULL;

    r->rc = open_both(&primary, &replica, &r->e);
    if (r->rc == 0) {
        r->rc = catalog_load(&cat, primary, &replica, 1, setup()->capture_publication, NULL,
                             NULL, &r->e);
    }
    if (r->rc == 0) {
        show(r, cat);
    }
    catalog_unref(cat);
    conn_close(primary);
    conn_close(replica);
    return NULL;
}

/* The parser recurses on deep texts, so it gets a stack of the router's size. */
static int run(struct route *r)
{
    pthread_attr_t attr;
    pthread_t thread;
    int rc;

    pthread_attr_init(&attr);
    rc = pthread_attr_setstacksize(&attr, CLASSIFY_STACK_MIN);
    if (rc == 0) {
        rc = pthread_create(&thread, &attr, work, r);
    }
    pthread_attr_destroy(&attr);
    if (rc != 0) {
        return err_set(&r->e, ERR_FAIL, "could not start a thread: %s", strerror(rc));
    }
    pthread_join(thread, NULL);
    return r->rc;
}

static int usage(void)
{
    fprintf(stderr,
            "usage: parkway route \"<sql>\" [--why] [--user=NAME] [--search-path=LIST]\n");
    return err_exit(ERR_USAGE);
}

int routing_main(int argc, char **argv)
{
    static const struct option options[] = {
        {"why", no_argument, NULL, 'w'},
        {"user", required_argument, NULL, 'u'},
        {"search-path", required_argument, NULL, 'p'},
        {NULL, 0, NULL, 0},
    };
    struct route r = {.user = "cqrs", .e = ERR_INIT};
    int o;

    optind = 1;
    while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (o) {
        case 'w': r.why = true; break;
        case 'u': r.user = optarg; break;
        case 'p': r.path = optarg; break;
        default: return usage();
        }
    }
    if (argc - optind != 1) {
        return usage();
    }
    r.sql = str_of(argv[optind]);
    if (run(&r) != 0) {
        fprintf(stderr, "error: %s\n", r.e.text);
        return err_exit(r.e.code);
    }
    return 0;
}
