/* classify.c - what a decision costs: nanoseconds of processor time per text to lex its shape, to
 * parse it, to find it in the cache by text and by shape, to judge its names and to decide. One
 * thread, no servers. Prints a table. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "router/cache.h"
#include "router/decide.h"

#include "../tests/unit/catalog_fixture.h"

enum { ROUND_NS = 200000000 };

struct bench {
    struct catalog *cat;
    struct judge_scope scope;
    struct cache *cache;
    struct buf b;
    struct str text;
    unsigned n;
    char varied[4096];
};

typedef void (*bench_fn)(struct bench *b);

static void do_shape(struct bench *b)
{
    struct shape s;

    shape_scan(b->text, &b->b, &s);
}

static void do_parse(struct bench *b)
{
    classify_unref(classify_parse(b->text));
}

static void do_text(struct bench *b)
{
    struct cache_hit h;

    cache_get(b->cache, b->text, b->cat, &b->scope, &h);
}

/* Every text new, every shape known. */
static void do_shape_hit(struct bench *b)
{
    struct cache_hit h;
    int n = snprintf(b->varied, sizeof(b->varied), "%.*s -- %u", STR_ARG(b->text), b->n++);

    cache_get(b->cache, (struct str){b->varied, (size_t)n}, b->cat, &b->scope, &h);
}

static void do_judge(struct bench *b)
{
    struct cache_hit h;
    struct judge_verdict v;

    cache_get(b->cache, b->text, b->cat, &b->scope, &h);
    judge(h.text, b->cat, &b->scope, &v);
}

static void do_decide(struct bench *b)
{
    struct cache_hit h;
    struct decide_replica r = {
        .up = true, .login = true, .fresh = true, .side = 1, .weight = 1};
    struct decide_output out;

    cache_get(b->cache, b->text, b->cat, &b->scope, &h);
    decide(&(struct decide_input){.text = h.text,
                                  .verdict = h.verdict,
                                  .level = DECIDE_SESSION,
                                  .position_known = true,
                                  .primary_up = true,
                                  .replicas = &r,
                                  .replica_count = 1},
           &out);
}

static int64_t cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static double measure(struct bench *b, bench_fn f)
{
    int64_t start = cpu_ns();
    int64_t now = start;
    uint64_t n = 0;

    while (now - start < ROUND_NS) {
        for (int i = 0; i < 100; i++) {
            f(b);
        }
        n += 100;
        now = cpu_ns();
    }
    return (double)(now - start) / (double)n;
}

static void *run(void *arg)
{
    static const char *const texts[] = {
        "select 1",
        "SELECT abalance FROM pgbench_accounts WHERE aid = 4711;",
        "select uuid, name, status from parking_slots where uuid = $1",
        "UPDATE pgbench_accounts SET abalance = abalance + -120 WHERE aid = 77;",
        "select s.status, count(*), max(p.name) from parking_slots s join partitioned p using "
        "(uuid) "
        "where s.name like 'a%' and p.status in ('x', 'y', 'z') group by 1 having count(*) > 3 "
        "order by 2 desc limit 10",
        "begin",
        "set timezone = 'utc'",
    };
    static const struct {
        const char *name;
        bench_fn f;
    } columns[] = {{"shape", do_shape},        {"parse", do_parse}, {"by text", do_text},
                   {"by shape", do_shape_hit}, {"judge", do_judge}, {"decide", do_decide}};
    struct bench b = {.cat = fixture_catalog(1), .cache = cache_new(4096, 16 << 20)};

    judge_scope_init(&b.scope, "cqrs");
    printf("nanoseconds of processor time per text\n%7s", "bytes");
    for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
        printf(" %9s", columns[i].name);
    }
    printf("\n");
    for (size_t k = 0; k < ARRAY_LEN(texts); k++) {
        b.text = str_of(texts[k]);
        printf("%7zu", b.text.n);
        for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
            printf(" %9.0f", measure(&b, columns[i].f));
            fflush(stdout);
        }
        printf("  %.40s\n", texts[k]);
    }
    judge_scope_fini(&b.scope);
    cache_free(b.cache);
    catalog_unref(b.cat);
    buf_fini(&b.b);
    return arg;
}

int main(void)
{
    pthread_attr_t attr;
    pthread_t thread;

    pthread_attr_init(&attr);
    if (pthread_attr_setstacksize(&attr, CLASSIFY_STACK_MIN) != 0 ||
        pthread_create(&thread, &attr, run, NULL) != 0) {
        fprintf(stderr, "could not start a thread\n");
        return 1;
    }
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attr);
    return 0;
}
