/* audit.c - see audit.h. */
#include "consumer/audit.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/daemon.h"
#include "base/json.h"
#include "base/log.h"
#include "consumer/compare.h"
#include "consumer/tally.h"
#include "event/member.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    TURN_MS = 200,
    ASK_EVERY_US = 3000000, /* for what is incomplete */
    KEYS_MAX = 200,
    PATIENCE_MS = 60000,
    SAID_MAX = 20, /* differing rows named in the log by one comparison */
};

struct audit {
    struct audit_options o;
    pthread_t thread;
    _Atomic bool stop;
    int64_t parked;  /* TALLY_PARKED when the book was last read */
    int64_t heal_us; /* when it is to be read again; 0: when something is parked */
    int64_t compare_us;
    int64_t said;
    char reason[1024]; /* the last trouble logged, so that it is logged once */
};

static bool stopping(const struct audit *a)
{
    return atomic_load(&a->stop) || daemon_stopping();
}

static void trouble(struct audit *a, const char *what, const struct err *e)
{
    if (strncmp(a->reason, e->text, sizeof a->reason - 1) != 0) {
        snprintf(a->reason, sizeof a->reason, "%s", e->text);
        log_warn("could not %s, trying again reason=\"%s\"", what, e->text);
    }
}

/* --- what is incomplete --------------------------------------------------------------------------- */

/* Keys all of whose parked changes are incomplete or wait behind others, in tables that have an incomplete one. */
static const char incomplete_sql[] =
    "SELECT relation, key FROM parkway.parked AS p WHERE consumer = $1 AND state = 'parked'"
    " AND key <> '[]' AND EXISTS (SELECT FROM parkway.parked AS i WHERE i.consumer = $1"
    "   AND i.relation = p.relation AND i.state = 'parked' AND i.sqlstate = 'PKINC')"
    " GROUP BY relation, key HAVING bool_and(sqlstate IN ('PKINC', 'PKKEY'))"
    " ORDER BY relation, min(id) LIMIT 1000";

struct healer {
    struct audit *a;
    struct conn *primary;
    struct conn *replica;
    struct survey survey;
};

static const struct survey_table *table_of(const struct healer *h, struct str target)
{
    for (size_t i = 0; i < h->survey.count; i++) {
        const struct survey_table *t = &h->survey.tables[i];
        if (str_eq(str_of(t->target), target)) {
            return survey_comparable(t) && t->sink->plan.mode == PLAN_BY_KEY ? t : NULL;
        }
    }
    return NULL;
}

/* The key, a JSON array of texts in the order of the sink's, as the object that parkway.repair takes. */
static bool add_key(struct json *j, const struct survey_table *t, struct str key)
{
    struct buf text = BUF_INIT;
    struct str item;
    size_t at = 0;
    size_t n = 0;
    bool ok = member_check(key);
    json_object(j);
    while (ok && n < t->sink->plan.key_count && member_item(key, &at, &item)) {
        int source = t->sink->columns[t->sink->key[n]].source;
        buf_reset(&text);
        ok = source >= 0 && member_text(item, &text);
        if (ok) {
            json_key_text(j, t->relation->columns[source].name, buf_str(&text));
            n++;
        }
    }
    json_object_end(j);
    buf_fini(&text);
    return ok && n == t->sink->plan.key_count;
}

/* Rows [from, to) of the book, of one table. */
static int ask(struct healer *h, const struct rows *r, size_t from, size_t to, struct err *e)
{
    const struct survey_table *t = table_of(h, rows_get(r, from, 0));
    struct buf keys = BUF_INIT;
    struct json j;
    bool ok = t != NULL;
    json_init(&j, &keys, JSON_COMPACT);
    json_array(&j);
    for (size_t i = from; ok && i < to; i++) {
        ok = add_key(&j, t, rows_get(r, i, 1));
    }
    json_array_end(&j);
    int rc = 0;
    if (ok) {
        struct str params[3] = {str_of(h->a->o.consumer), str_of(t->source), buf_str(&keys)};
        rc = conn_query(h->primary, "SELECT parkway.repair($1, $2, $3::json)", 3, params, NULL,
                        e);
    }
    if (ok && rc == 0) {
        log_info("incomplete rows asked for relation=%s rows=%zu", t->source, to - from);
    }
    buf_fini(&keys);
    return rc;
}

static int ask_all(struct healer *h, const struct rows *r, struct err *e)
{
    int rc = survey_load(&h->survey, h->primary, h->replica, h->a->o.mirrors,
                         h->a->o.publication, h->a->o.consumer, e);
    if (rc != 0) {
        return rc;
    }
    for (size_t from = 0; rc == 0 && from < rows_count(r);) {
        size_t to = from + 1;
        while (to < rows_count(r) && to - from < KEYS_MAX &&
               str_eq(rows_get(r, to, 0), rows_get(r, from, 0))) {
            to++;
        }
        rc = ask(h, r, from, to, e);
        from = to;
    }
    survey_free(&h->survey);
    return rc;
}

static int open_side(struct conn **out, const char *url, struct err *e)
{
    int rc =
        conn_open(out, url, &(struct conn_options){.application_name = "parkway audit"}, e);
    return rc == 0 ? conn_exec(*out, digest_session, e) : rc;
}

/* *left: something is incomplete. */
static int heal(struct audit *a, bool *left, struct err *e)
{
    struct healer h = {.a = a};
    struct rows *r = NULL;
    struct str name[1] = {str_of(a->o.consumer)};
    int rc = open_side(&h.replica, a->o.replica_url, e);
    rc = rc == 0 ? conn_query(h.replica, incomplete_sql, 1, name, &r, e) : rc;
    *left = rc != 0 || rows_count(r) > 0;
    if (rc == 0 && *left) {
        rc = open_side(&h.primary, a->o.primary_url, e);
        rc = rc == 0 ? ask_all(&h, r, e) : rc;
    }
    rows_free(r);
    conn_close(h.primary);
    conn_close(h.replica);
    return rc;
}

static void look_after_incomplete(struct audit *a)
{
    int64_t now_us = clock_mono_us();
    int64_t parked = metric_get(&tally_table[TALLY_PARKED]);
    if (parked == a->parked && (a->heal_us == 0 || now_us < a->heal_us)) {
        return;
    }
    struct err e = ERR_INIT;
    bool left = false;
    a->parked = parked;
    if (heal(a, &left, &e) != 0) {
        trouble(a, "heal incomplete rows", &e);
    }
    a->heal_us = left ? clock_mono_us() + ASK_EVERY_US : 0;
}

/* --- continuous comparing -------------------------------------------------------------------------- */

static bool go_on(void *ctx)
{
    struct audit *a = ctx;
    if (stopping(a)) {
        return false;
    }
    look_after_incomplete(a);
    return true;
}

static void on_row(void *ctx, const struct compare_row *r)
{
    struct audit *a = ctx;
    static const char *const kinds[] = {"missing", "extra", "changed"};
    if (a->said++ < SAID_MAX) {
        log_warn("row differs table=%s row=%s columns=%zu parked=%s "
                 "first_column=%s",
                 r->table->source, kinds[r->kind], r->value_count, r->parked ? "yes" : "no",
                 r->value_count > 0 ? r->values[0].name : "");
    }
}

static void finished(struct audit *a, const struct compare_result *sum, struct position at,
                     int64_t begun_us)
{
    char text[POSITION_TEXT_MAX];
    position_text(at, text);
    bool clean = sum->different == 0 && sum->unsettled == 0;
    tally_set(TALLY_VERIFIED_DIFFERENT, sum->different);
    tally_add(TALLY_VERIFIED_ROWS, sum->rows);
    tally_add(TALLY_VERIFIED, 1);
    if (clean) {
        tally_set(TALLY_VERIFIED_CLEAN_US, clock_wall_us());
        tally_set(TALLY_VERIFIED_CLEAN_LSN, (int64_t)at.lsn);
    }
    log_line(clean ? LOG_INFO : LOG_WARN,
             "compared with the primary consumer=%s position=%s rows=%" PRId64
             " different=%" PRId64 " unsettled=%" PRId64 " seconds=%.1f%s",
             a->o.consumer, text, sum->rows, sum->different, sum->unsettled,
             (double)(clock_mono_us() - begun_us) * 1e-6,
             clean ? "" : " hint=\"parkway resync repairs\"");
}

/* What was found, for whoever looks at the replica later. */
static int write_down(struct audit *a, const struct compare_result *sum, struct position at,
                      struct err *e)
{
    struct conn *replica = NULL;
    char position[POSITION_TEXT_MAX];
    char rows[24];
    char different[24];
    char unsettled[24];
    position_text(at, position);
    snprintf(rows, sizeof rows, "%" PRId64, sum->rows);
    snprintf(different, sizeof different, "%" PRId64, sum->different);
    snprintf(unsettled, sizeof unsettled, "%" PRId64, sum->unsettled);
    struct str params[5] = {str_of(a->o.consumer), str_of(position), str_of(rows),
                            str_of(different), str_of(unsettled)};
    int rc = open_side(&replica, a->o.replica_url, e);
    if (rc == 0) {
        rc = conn_query(
            replica,
            "INSERT INTO parkway.verified AS v (consumer, position, rows, different, unsettled,"
            " clean_at, clean_position) SELECT $1, $2, $3::bigint, $4::bigint, $5::bigint,"
            " CASE WHEN $4::bigint + $5::bigint = 0 THEN now() END,"
            " CASE WHEN $4::bigint + $5::bigint = 0 THEN $2 END"
            " ON CONFLICT (consumer) DO UPDATE SET at = now(), position = excluded.position,"
            " rows = excluded.rows, different = excluded.different,"
            " unsettled = excluded.unsettled,"
            " clean_at = coalesce(excluded.clean_at, v.clean_at),"
            " clean_position = coalesce(excluded.clean_position, v.clean_position)",
            ARRAY_LEN(params), params, NULL, e);
    }
    conn_close(replica);
    return rc;
}

static void compare(struct audit *a)
{
    struct err e = ERR_INIT;
    struct compare_result sum;
    struct position at;
    struct compare_options o = {.name = "parkway audit",
                                .primary_url = a->o.primary_url,
                                .replica_url = a->o.replica_url,
                                .publication = a->o.publication,
                                .consumer = a->o.consumer,
                                .mirrors = a->o.mirrors,
                                .views = true,
                                .rows_per_s = a->o.rows_per_s,
                                .patience_ms = PATIENCE_MS,
                                .ctx = a,
                                .go_on = go_on,
                                .on_row = on_row};
    int64_t begun_us = clock_mono_us();
    a->said = 0;
    int rc = compare_run(&o, &sum, &at, &e);
    if (rc == 0) {
        finished(a, &sum, at, begun_us);
        rc = write_down(a, &sum, at, &e);
        a->reason[0] = '\0';
    }
    if (rc != 0 && !stopping(a)) {
        trouble(a, "compare with the primary", &e);
    }
}

/* --- the thread ------------------------------------------------------------------------------------ */

static void *run(void *arg)
{
    struct audit *a = arg;
    while (!stopping(a)) {
        look_after_incomplete(a);
        if (a->o.interval_s > 0 && clock_mono_us() >= a->compare_us) {
            compare(a);
            a->compare_us = clock_mono_us() + a->o.interval_s * 1000000;
        }
        daemon_wait_ms(TURN_MS);
    }
    return NULL;
}

struct audit *audit_start(const struct audit_options *o)
{
    struct audit *a = def_zalloc(1, sizeof *a);
    a->o = *o;
    a->parked = -1; /* the book is read once at the start */
    a->compare_us = clock_mono_us() + o->interval_s * 1000000;
    int rc = pthread_create(&a->thread, NULL, run, a);
    ASSERT(rc == 0);
    return a;
}

void audit_stop(struct audit *a)
{
    if (a != NULL) {
        atomic_store(&a->stop, true);
        pthread_join(a->thread, NULL);
        free(a);
    }
}
