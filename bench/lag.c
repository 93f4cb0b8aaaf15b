/* lag.c - how long a committed row takes to be visible on a replica, seen from one process.
 *
 *   lag latency <primary url> <replica url> <table> <count>
 *   lag bulk    <primary url> <replica url> <table> <rows> <rows per transaction>
 *   lag wait    <replica url> <table> <id> <bound ms>
 *
 * The table is (id bigint primary key, filler text) and empty at the start. latency commits one
 * row and asks the replica in a tight loop until it sees it; the clock runs from the return of
 * the commit to the answer that has the row, so it holds half a round trip of the question.
 * bulk writes rows by generate_series, as many transactions as the division gives, and waits
 * for the last id; the clock runs from the first statement. wait only waits for an id. Output:
 * key=value on one line. It talks libpq through the project's wrapper, the same for every peer
 * measured. */
#include "base/clock.h"
#include "pg/conn.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static int die(const struct err *e)
{
    fprintf(stderr, "error: %s\n", e->text);
    return err_exit(e->code);
}

static int visible(struct conn *c, const char *table, int64_t id, bool *seen, struct err *e)
{
    char sql[256];
    struct rows *r = NULL;
    snprintf(sql, sizeof sql, "select 1 from %s where id = %" PRId64, table, id);
    int rc = conn_query(c, sql, 0, NULL, &r, e);
    if (rc == 0) {
        *seen = rows_count(r) == 1;
        rows_free(r);
    }
    return rc;
}

static int wait_visible(struct conn *c, const char *table, int64_t id, int64_t bound_ms,
                        int64_t pause_us, struct err *e)
{
    int64_t until = clock_mono_us() + bound_ms * 1000;
    for (;;) {
        bool seen = false;
        int rc = visible(c, table, id, &seen, e);
        if (rc != 0 || seen) {
            return rc;
        }
        if (clock_mono_us() > until) {
            return err_set(e, ERR_TIMEOUT,
                           "id %" PRId64 " of %s is not visible after %" PRId64 " ms", id,
                           table, bound_ms);
        }
        if (pause_us > 0) {
            clock_sleep_us(pause_us);
        }
    }
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int latency(struct conn *primary, struct conn *replica, const char *table, int64_t count,
                   struct err *e)
{
    int64_t *us = def_zalloc((size_t)count, sizeof *us);
    int rc = 0;
    for (int64_t i = 0; rc == 0 && i < count; i++) {
        char sql[256];
        snprintf(sql, sizeof sql, "insert into %s values (%" PRId64 ", 'x')", table, i + 1);
        rc = conn_exec(primary, sql, e);
        int64_t from = clock_mono_us();
        rc = rc == 0 ? wait_visible(replica, table, i + 1, 30000, 0, e) : rc;
        us[i] = clock_mono_us() - from;
    }
    if (rc == 0) {
        qsort(us, (size_t)count, sizeof *us, by_value);
        printf("p50_us=%" PRId64 " p99_us=%" PRId64 " max_us=%" PRId64 "\n", us[count / 2],
               us[count * 99 / 100], us[count - 1]);
    }
    free(us);
    return rc;
}

static int bulk(struct conn *primary, struct conn *replica, const char *table, int64_t count,
                int64_t per, struct err *e)
{
    int64_t from = clock_mono_us();
    int rc = 0;
    for (int64_t at = 0; rc == 0 && at < count; at += per) {
        char sql[256];
        snprintf(sql, sizeof sql,
                 "insert into %s select i, 'filler of about forty bytes, row ' || i"
                 " from generate_series(%" PRId64 ", %" PRId64 ") i",
                 table, at + 1, at + per < count ? at + per : count);
        rc = conn_exec(primary, sql, e);
    }
    int64_t committed = clock_mono_us();
    rc = rc == 0 ? wait_visible(replica, table, count, 600000, 2000, e) : rc;
    int64_t done = clock_mono_us();
    if (rc == 0) {
        printf("rows=%" PRId64 " write_ms=%" PRId64 " visible_ms=%" PRId64 " rows_per_s=%.0f\n",
               count, (committed - from) / 1000, (done - from) / 1000,
               (double)count * 1e6 / (double)(done - from));
    }
    return rc;
}

static int with_both(int argc, char **argv, struct err *e)
{
    struct conn *primary = NULL;
    struct conn *replica = NULL;
    const struct conn_options o = {.application_name = "bench"};
    int rc = conn_open(&primary, argv[2], &o, e);
    rc = rc == 0 ? conn_open(&replica, argv[3], &o, e) : rc;
    if (rc == 0 && strcmp(argv[1], "latency") == 0) {
        rc = latency(primary, replica, argv[4], atoll(argv[5]), e);
    } else if (rc == 0) {
        rc = bulk(primary, replica, argv[4], atoll(argv[5]), argc > 6 ? atoll(argv[6]) : 1, e);
    }
    conn_close(primary);
    conn_close(replica);
    return rc;
}

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    if (argc >= 6 && (strcmp(argv[1], "latency") == 0 || strcmp(argv[1], "bulk") == 0)) {
        return with_both(argc, argv, &e) == 0 ? 0 : die(&e);
    }
    if (argc == 6 && strcmp(argv[1], "wait") == 0) {
        struct conn *c = NULL;
        int rc = conn_open(&c, argv[2], NULL, &e);
        rc = rc == 0 ? wait_visible(c, argv[3], atoll(argv[4]), atoll(argv[5]), 2000, &e) : rc;
        conn_close(c);
        return rc == 0 ? 0 : die(&e);
    }
    fprintf(stderr, "usage: lag latency|bulk|wait … (see the head of bench/lag.c)\n");
    return err_exit(ERR_USAGE);
}
