/* lag.c - how long a committed row takes to be visible on a replica, seen from one process.
 *
 *   lag latency <primary url> <replica url> <table> <count>
 *   lag bulk    <primary url> <replica url> <table> <rows> <rows per transaction>
 *   lag drain   <primary url> <replica url> <table> <slot> <id>
 *   lag wait    <replica url> <table> <id> <bound ms>
 *   lag stream  <broker url> <stream> <count> <pause us>
 *
 * The table is (id bigint primary key, filler text). latency commits rows 1, 2, … and asks the
 * replica for each, resting 100 us between two questions, until it sees it; the clock runs from the return of
 * the commit to the answer that has the row, so it holds a question, and half a rest. (Without a rest the
 * asking process and the server's that answers take a whole processor from what they measure.) bulk writes the rows in
 * so many transactions and waits for the last id; the clock runs from the first statement. drain waits until
 * somebody reads the slot; from then the clock runs until the id is visible. wait only waits for
 * an id. stream publishes messages of 200 bytes, one at a time, and reads them back from the
 * stream: the broker's own share of the way. Output: key=value on one line. All talk through the
 * project's wrappers, the same for every peer measured. */
#include "base/clock.h"
#include "mq/consume.h"
#include "mq/publish.h"
#include "mq/topology.h"
#include "pg/conn.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Between two questions whether a row is visible: of a bulk; of one row. */
enum { ASK_US = 2000, LATENCY_ASK_US = 100 };

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
        clock_sleep_us(pause_us);
    }
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void print_times(int64_t *us, int64_t count)
{
    qsort(us, (size_t)count, sizeof *us, by_value);
    printf("p50_us=%" PRId64 " p99_us=%" PRId64 " max_us=%" PRId64 "\n", us[count / 2],
           us[count * 99 / 100], us[count - 1]);
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
        rc = rc == 0 ? wait_visible(replica, table, i + 1, 30000, LATENCY_ASK_US, e) : rc;
        us[i] = clock_mono_us() - from;
    }
    if (rc == 0) {
        print_times(us, count);
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
    rc = rc == 0 ? wait_visible(replica, table, count, 600000, ASK_US, e) : rc;
    int64_t done = clock_mono_us();
    if (rc == 0) {
        printf("write_ms=%" PRId64 " visible_ms=%" PRId64 " rows_per_s=%.0f\n",
               (committed - from) / 1000, (done - from) / 1000,
               (double)count * 1e6 / (double)(done - from));
    }
    return rc;
}

static int wait_active(struct conn *primary, const char *slot, struct err *e)
{
    int64_t until = clock_mono_us() + 60000000;
    for (;;) {
        struct str params[1] = {str_of(slot)};
        struct rows *r = NULL;
        int rc = conn_query(
            primary, "select 1 from pg_replication_slots where slot_name = $1 and active", 1,
            params, &r, e);
        bool active = rc == 0 && rows_count(r) == 1;
        rows_free(r);
        if (rc != 0 || active) {
            return rc;
        }
        if (clock_mono_us() > until) {
            return err_set(e, ERR_TIMEOUT, "nobody reads slot %s", slot);
        }
        clock_sleep_us(ASK_US);
    }
}

static int drain(struct conn *primary, struct conn *replica, const char *table,
                 const char *slot, int64_t id, struct err *e)
{
    int rc = wait_active(primary, slot, e);
    int64_t from = clock_mono_us();
    rc = rc == 0 ? wait_visible(replica, table, id, 600000, ASK_US, e) : rc;
    if (rc == 0) {
        printf("visible_ms=%" PRId64 "\n", (clock_mono_us() - from) / 1000);
    }
    return rc;
}

/* --- the broker alone ------------------------------------------------------------------------------ */

/* Waits for the delivery of the message that was just sent. */
static int echo(struct link *out, struct link *in, uint64_t *acked, struct err *e)
{
    struct link_event ev = {.kind = LINK_NONE};
    int64_t until = clock_mono_us() + 10000000;
    int rc = 0;
    while (rc == 0 && ev.kind != LINK_DELIVER) {
        rc = link_next(in, 1000, &ev, e);
        if (rc == 0 && clock_mono_us() > until) {
            rc = err_set(e, ERR_TIMEOUT, "the message did not come back");
        }
    }
    if (rc == 0 && ev.tag - *acked >= 16) {
        *acked = ev.tag;
        rc = consume_ack(in, ev.tag, e);
    }
    struct link_event confirm = {.kind = LINK_ACK};
    while (rc == 0 && confirm.kind != LINK_NONE) {
        rc = link_next(out, 0, &confirm, e);
    }
    return rc;
}

static int stream(const char *url, const char *name, int64_t count, int64_t pause_us,
                  struct err *e)
{
    enum { BODY = 200 };
    char bytes[BODY] = {0};
    struct publish_message m = {.exchange = "",
                                .key = name,
                                .content_type = "application/octet-stream",
                                .body = {bytes, sizeof bytes}};
    int64_t *us = def_zalloc((size_t)count, sizeof *us);
    struct link_options lo = {.name = "bench"};
    struct link *out = NULL;
    struct link *in = NULL;
    uint64_t acked = 0;
    int rc = link_open(&out, url, &lo, e);
    rc = rc == 0 ? topology_stream(out, name, 10 << 20, 1, e) : rc;
    rc = rc == 0 ? publish_start(out, e) : rc;
    rc = rc == 0 ? link_open(&in, url, &lo, e) : rc;
    rc = rc == 0 ? consume_start(in, name, "bench", 64,
                                 (struct consume_place){.from = CONSUME_NEXT}, e)
                 : rc;
    for (int64_t i = 0; rc == 0 && i < count; i++) {
        int64_t from = clock_mono_us();
        rc = publish_send(out, &m, e);
        rc = rc == 0 ? echo(out, in, &acked, e) : rc;
        us[i] = clock_mono_us() - from;
        clock_sleep_us(pause_us);
    }
    link_close(in);
    link_close(out);
    if (rc == 0) {
        print_times(us, count);
    }
    free(us);
    return rc;
}

static int with_both(char **argv, struct err *e)
{
    struct conn *primary = NULL;
    struct conn *replica = NULL;
    const struct conn_options o = {.application_name = "bench"};
    int rc = conn_open(&primary, argv[2], &o, e);
    rc = rc == 0 ? conn_open(&replica, argv[3], &o, e) : rc;
    if (rc == 0 && strcmp(argv[1], "latency") == 0) {
        rc = latency(primary, replica, argv[4], atoll(argv[5]), e);
    } else if (rc == 0 && strcmp(argv[1], "bulk") == 0) {
        rc = bulk(primary, replica, argv[4], atoll(argv[5]), atoll(argv[6]), e);
    } else if (rc == 0) {
        rc = drain(primary, replica, argv[4], argv[5], atoll(argv[6]), e);
    }
    conn_close(primary);
    conn_close(replica);
    return rc;
}

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    if ((argc == 6 && strcmp(argv[1], "latency") == 0) ||
        (argc == 7 && strcmp(argv[1], "bulk") == 0) ||
        (argc == 7 && strcmp(argv[1], "drain") == 0)) {
        return with_both(argv, &e) == 0 ? 0 : die(&e);
    }
    if (argc == 6 && strcmp(argv[1], "stream") == 0) {
        int rc = stream(argv[2], argv[3], atoll(argv[4]), atoll(argv[5]), &e);
        return rc == 0 ? 0 : die(&e);
    }
    if (argc == 6 && strcmp(argv[1], "wait") == 0) {
        struct conn *c = NULL;
        int rc = conn_open(&c, argv[2], NULL, &e);
        rc =
            rc == 0 ? wait_visible(c, argv[3], atoll(argv[4]), atoll(argv[5]), ASK_US, &e) : rc;
        conn_close(c);
        return rc == 0 ? 0 : die(&e);
    }
    fprintf(stderr,
            "usage: lag latency|bulk|drain|wait|stream … (see the head of bench/lag.c)\n");
    return err_exit(ERR_USAGE);
}
