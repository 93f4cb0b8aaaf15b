/* mend.c - parkway resync: makes a replica equal to the primary by repairing only what differs.
 *
 *   parkway resync [--table=SCHEMA.NAME] [--consumer=NAME] [--rate=ROWS] [--dry-run]
 *
 * Compares like parkway verify; for each row that differs the primary is asked to say in the log what it is
 * (parkway.repair), and the consumer makes it so, at that place of the log, while everything goes on. A table that
 * had differences is compared again until it has none; what is refused by the replica stays parked, and
 * the table different. A table without a key is copied anew (as parkway bootstrap --table). --dry-run: says
 * what would be repaired. Exit status: 0 equal now, 1 something still differs (or, dry, differs), others as
 * of parkway verify. A row whose JSON text exceeds 1 GB cannot be repaired so: copy its table anew. */
#include "base/clock.h"
#include "base/json.h"
#include "consumer/compare.h"
#include "event/setup.h"
#include "ops/migrate.h"
#include "ops/ops.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    PATIENCE_MS = 60000,
    KEYS_MAX = 200,  /* of one request */
    PASSES_MAX = 5,  /* over one table */
    LOCK_TRIES = 20, /* of one request whose rows are locked by others */
    LOCK_WAIT_US = 200000,
};

struct mend {
    struct compare_options o;
    struct conn *primary;
    bool dry;
    char *table;     /* of the keys below: its source */
    struct buf keys; /* JSON elements */
    struct json json;
    size_t key_count;
    int64_t asked;   /* rows repaired, of this table */
    bool unkeyed;    /* this table has no key */
    bool uncompared; /* blocked, being copied */
    char **again;    /* tables that had differences */
    size_t again_count;
    struct err failed; /* of the first request that failed */
};

/* --- asking for repairs ---------------------------------------------------------------------------- */

static void ask(struct mend *m)
{
    struct err e = ERR_INIT;
    if (m->key_count == 0) {
        return;
    }
    json_array_end(&m->json);
    struct str params[3] = {str_of(m->o.consumer), str_of(m->table), buf_str(&m->keys)};
    int rc = m->failed.code;
    for (int i = 0; rc == 0 && i < LOCK_TRIES; i++) {
        rc = conn_query(m->primary, "SELECT parkway.repair($1, $2, $3::json)", 3, params, NULL,
                        &e);
        if (!conn_lock_busy(rc, &e)) {
            break;
        }
        clock_sleep_us(LOCK_WAIT_US);
        rc = i + 1 < LOCK_TRIES ? 0 : rc;
    }
    if (rc != 0 && m->failed.code == 0) {
        m->failed = e;
    }
    m->asked += (int64_t)m->key_count;
    m->key_count = 0;
}

static void on_row(void *ctx, const struct compare_row *r)
{
    struct mend *m = ctx;
    const struct survey_table *t = r->table;
    m->unkeyed = r->key == NULL;
    if (m->dry || m->unkeyed) {
        return;
    }
    if (m->key_count == 0) {
        free(m->table);
        m->table = def_strdup(t->source);
        buf_reset(&m->keys);
        json_init(&m->json, &m->keys, JSON_COMPACT);
        json_array(&m->json);
    }
    json_object(&m->json);
    for (size_t i = 0; i < t->digest.key_count; i++) {
        int source = t->sink->columns[t->key[i]].source;
        json_key_text(&m->json, t->relation->columns[source].name, r->key[i]);
    }
    json_object_end(&m->json);
    if (++m->key_count == KEYS_MAX) {
        ask(m);
    }
}

static void remember(struct mend *m, const char *table)
{
    for (size_t i = 0; i < m->again_count; i++) {
        if (strcmp(m->again[i], table) == 0) {
            return;
        }
    }
    m->again = def_realloc(m->again, (m->again_count + 1) * sizeof *m->again);
    m->again[m->again_count++] = def_strdup(table);
}

static void on_table(void *ctx, const struct survey_table *t, const struct compare_result *r)
{
    struct mend *m = ctx;
    ask(m);
    if (!survey_comparable(t)) {
        m->uncompared = m->uncompared || strcmp(t->state, "other") != 0;
        printf("%s: not compared, %s%s%s\n", t->source, t->state,
               t->reason[0] != '\0' ? ": " : "", t->reason);
    } else if (r->different > 0 || r->unsettled > 0) {
        const char *what = m->unkeyed ? (m->dry ? "would be copied anew" : "is copied anew")
                                      : (m->dry ? "would be repaired" : "repaired");
        printf("%s: %" PRId64 " of %" PRId64 " rows differ, %s\n", t->source, r->different,
               r->rows, what);
        remember(m, t->source);
    } else {
        printf("%s: %" PRId64 " rows, equal\n", t->source, r->rows);
    }
    fflush(stdout);
}

/* --- the whole ---------------------------------------------------------------------------------- */

static void note(const char *text)
{
    fprintf(stderr, "resync: %s\n", text);
}

static int copy_anew(const char *table, struct err *e)
{
    struct enroll_options o = {.note = note, .table = table, .force = true};
    struct buf summary = BUF_INIT;
    int rc = migrate_apply(&o, true, &summary, e);
    if (rc == 0) {
        printf("%s: %s\n", table, buf_cstr(&summary));
    }
    buf_fini(&summary);
    return rc;
}

static int pass(struct mend *m, const char *table, struct compare_result *sum, struct err *e)
{
    struct position at;
    m->o.table = table;
    m->asked = 0;
    m->unkeyed = false;
    int rc = compare_run(&m->o, sum, &at, e);
    if (rc == 0 && m->failed.code != 0) {
        *e = m->failed;
        rc = m->failed.code;
    }
    return rc;
}

/* Until the table has no difference; *equal says whether that came. */
static int finish(struct mend *m, const char *table, bool *equal, struct err *e)
{
    struct compare_result sum = {0};
    int rc = 0;
    *equal = false;
    for (int i = 0; rc == 0 && !*equal && i < PASSES_MAX; i++) {
        rc = pass(m, table, &sum, e);
        *equal = sum.different == 0 && sum.unsettled == 0;
        if (rc == 0 && m->unkeyed && !*equal) {
            rc = copy_anew(table, e);
        }
    }
    return rc;
}

static int run(struct mend *m, bool *equal, struct err *e)
{
    struct compare_result sum;
    int rc = pass(m, m->o.table, &sum, e);
    *equal = sum.different == 0 && sum.unsettled == 0;
    if (m->dry || rc != 0) {
        return rc;
    }
    *equal = true;
    for (size_t i = 0; rc == 0 && i < m->again_count; i++) {
        bool one = false;
        rc = finish(m, m->again[i], &one, e);
        *equal = *equal && one;
    }
    return rc;
}

static int read_arguments(struct mend *m, int argc, char **argv, struct err *e)
{
    for (int i = 1; i < argc; i++) {
        char *end = NULL;
        if (strcmp(argv[i], "--dry-run") == 0) {
            m->dry = true;
        } else if (strncmp(argv[i], "--table=", 8) == 0 && argv[i][8] != '\0') {
            m->o.table = argv[i] + 8;
        } else if (strncmp(argv[i], "--consumer=", 11) == 0 && argv[i][11] != '\0') {
            m->o.consumer = argv[i] + 11;
        } else if (strncmp(argv[i], "--rate=", 7) == 0 &&
                   (m->o.rows_per_s = strtoll(argv[i] + 7, &end, 10)) > 0 && *end == '\0') {
            continue;
        } else {
            return err_set(e, ERR_USAGE,
                           "usage: parkway resync [--table=SCHEMA.NAME] [--consumer=NAME] "
                           "[--rate=ROWS] [--dry-run]");
        }
    }
    return 0;
}

static int open_primary(struct mend *m, struct err *e)
{
    struct conn_options co = {.application_name = m->o.name};
    return conn_open(&m->primary, m->o.primary_url, &co, e);
}

int mend_main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct mirrors mirrors = {0};
    bool equal = false;
    struct mend m = {.o = {.name = "parkway resync",
                           .primary_url = setup()->primary_url,
                           .replica_url = setup()->replica_url,
                           .publication = setup()->capture_publication,
                           .consumer = consumer_conf()->name,
                           .mirrors = &mirrors,
                           .patience_ms = PATIENCE_MS,
                           .on_row = on_row,
                           .on_table = on_table}};
    m.o.ctx = &m;
    int rc = read_arguments(&m, argc, argv, &e);
    rc = rc == 0 ? mirrors_load(&mirrors, consumer_conf(), &e) : rc;
    rc = rc == 0 ? open_primary(&m, &e) : rc;
    rc = rc == 0 ? run(&m, &equal, &e) : rc;
    conn_close(m.primary);
    mirrors_free(&mirrors);
    for (size_t i = 0; i < m.again_count; i++) {
        free(m.again[i]);
    }
    free(m.again);
    free(m.table);
    buf_fini(&m.keys);
    if (rc != 0) {
        fprintf(stderr, "error: %s\n", e.text);
        return err_exit(rc) != 1 ? err_exit(rc) : err_exit(ERR_UNAVAILABLE);
    }
    return equal && !m.uncompared ? 0 : 1;
}
