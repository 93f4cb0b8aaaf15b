/* replica.c - parkway replica: the replicas for which the primary keeps WAL.
 *
 *   parkway replica list [--json]
 *   parkway replica drop NAME
 *
 * list  one line each: how far it has applied, how much WAL lies behind that, when it last reported.
 * drop  the primary keeps nothing for it any more: the slot is released past it at once (the relay looks
 *       every second). Its database is not touched, and its consumer, if it still runs, goes on as
 *       long as the log reaches back to its place; after that it compares itself with the primary. To
 *       register it again: parkway bootstrap or migrate.
 *
 * Exit status: 0; 2 usage; 3 no such replica; 5 the primary is down. */
#include "base/json.h"
#include "event/setup.h"
#include "ops/ops.h"
#include "pg/conn.h"

#include <stdio.h>

enum { COLUMNS = 5 };

static const char *const names[COLUMNS] = {"replica", "applied", "behind_bytes", "reported_s",
                                           "registered"};

/* The position is the primary's own when the epoch is; of another epoch nothing is known. */
static const char list_sql[] =
    "SELECT name, applied_epoch || ':' || applied_lsn,"
    " CASE WHEN applied_epoch = relay.epoch"
    "  THEN greatest(pg_current_wal_lsn() - applied_lsn, 0)::bigint END,"
    " extract(epoch FROM now() - reported_at)::bigint,"
    " to_char(registered_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
    " FROM parkway.replicas LEFT JOIN parkway.relay ON relay.slot = $1"
    " ORDER BY 3 DESC NULLS FIRST, name";

static int print_json(const struct rows *r)
{
    struct buf out = BUF_INIT;
    struct json j;
    json_init(&j, &out, JSON_COMPACT);
    json_array(&j);
    for (size_t i = 0; i < rows_count(r); i++) {
        json_object(&j);
        for (size_t k = 0; k < COLUMNS; k++) {
            struct str v = rows_get(r, i, k);
            bool number = k == 2 || k == 3;
            if (number && v.p != NULL) {
                json_key(&j, names[k]);
                json_raw(&j, v);
            } else {
                json_key_text(&j, names[k], v);
            }
        }
        json_object_end(&j);
    }
    json_array_end(&j);
    printf("%.*s\n", STR_ARG(buf_str(&out)));
    buf_fini(&out);
    return 0;
}

static int list(struct conn *c, bool json, struct err *e)
{
    struct str slot = str_of(setup()->capture_slot);
    struct rows *r;
    int rc = conn_query(c, list_sql, 1, &slot, &r, e);
    if (rc != 0) {
        return rc;
    }
    if (json) {
        print_json(r);
    } else {
        printf("%-20s %-34s %14s %10s  %s\n", names[0], names[1], names[2], names[3], names[4]);
        for (size_t i = 0; i < rows_count(r); i++) {
            const char *text[COLUMNS];
            for (size_t k = 0; k < COLUMNS; k++) {
                text[k] = rows_get(r, i, k).p != NULL ? rows_text(r, i, k) : "never";
            }
            printf("%-20s %-34s %14s %10s  %s\n", text[0], text[1],
                   rows_get(r, i, 2).p != NULL ? text[2] : "unknown", text[3], text[4]);
        }
    }
    rows_free(r);
    return 0;
}

static int drop(struct conn *c, const char *name, struct err *e)
{
    struct str param = str_of(name);
    struct rows *r;
    int rc = conn_query(c, "DELETE FROM parkway.replicas WHERE name = $1", 1, &param, &r, e);
    if (rc != 0) {
        return rc;
    }
    bool found = rows_affected(r) > 0;
    rows_free(r);
    if (!found) {
        return err_set(e, ERR_NOT_FOUND, "no replica \"%s\" is registered", name);
    }
    printf("replica %s dropped: the primary keeps no WAL for it any more; its database is as "
           "it was\n",
           name);
    return 0;
}

int replica_main(int argc, char **argv)
{
    bool is_list = argc >= 2 && strcmp(argv[1], "list") == 0;
    bool json = is_list && argc == 3 && strcmp(argv[2], "--json") == 0;
    bool is_drop = argc == 3 && strcmp(argv[1], "drop") == 0;
    if (!(is_list && (argc == 2 || json)) && !is_drop) {
        fprintf(stderr, "error: usage: parkway replica list [--json] | drop NAME\n");
        return err_exit(ERR_USAGE);
    }
    struct conn *c = NULL;
    struct err e = ERR_INIT;
    struct conn_options o = {.application_name = "parkway replica"};
    int rc = conn_open(&c, setup()->primary_url, &o, &e);
    if (rc == 0) {
        rc = is_drop ? drop(c, argv[2], &e) : list(c, json, &e);
    }
    if (rc != 0) {
        fprintf(stderr, "error: %s\n", e.text);
    }
    conn_close(c);
    return err_exit(rc);
}
