/* parked.c - parkway parked: changes that a replica refused, and what becomes of them.
 *
 *   parkway parked [list] [--consumer=NAME] [--relation=SCHEMA.NAME] [--json]
 *   parkway parked show ID [--json]
 *   parkway parked retry|skip|drop ID…|--relation=SCHEMA.NAME|--all
 *                        [--consumer=NAME] [--reason=TEXT] [--force] [--no-wait]
 *
 * retry  the changes of the named changes' keys are applied again in the order of the log; what is refused
 *        again stays. A skipped change is applied with its stored values, when no later change of
 *        its key was applied since (--force: also then).
 * skip   the change is set aside and kept; later changes of its key go on. Of a change that halts a consumer
 *        (on_poison = halt): the consumer skips it when it next meets it.
 * drop   the change is removed; later changes of its key go on.
 *
 * The command changes the books of the replica alone; the running consumer does the rest in its own
 * transaction, within about a second, and the command waits for that. Everything is written to
 * parkway.parked_audit. Exit status: 0; 1 refused again; 2 usage; 3 no such change; 4 it cannot be done
 * in that state; 6 the consumer did not get to it in time. */
#include "ops/ops.h"

#include "base/clock.h"
#include "base/daemon.h"
#include "base/json.h"
#include "consumer/consumer_conf.h"
#include "event/setup.h"
#include "pg/conn.h"

#include <getopt.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { WAIT_MS = 30000, LOOK_MS = 100 };

struct request {
    const char *action;
    const char *consumer; /* NULL: any */
    const char *relation;
    const char *reason;
    bool all, force, json, no_wait;
    struct buf ids; /* "{1,2}" */
    size_t id_count;
};

/* Which rows a command is about: $1 ids, $2 relation, $3 consumer. */
#define CHOSEN                                                                                 \
    "($1::bigint[] IS NULL OR id = ANY ($1::bigint[]))"                                        \
    " AND ($2::text IS NULL OR relation = $2) AND ($3::text IS NULL OR consumer = $3)"

static void chosen(const struct request *q, struct str params[3])
{
    params[0] = q->id_count > 0 ? buf_str(&q->ids) : STR_NULL;
    params[1] = str_of(q->relation);
    params[2] = str_of(q->consumer);
}

/* --- printing -------------------------------------------------------------------------------------- */

static void print_buf(struct buf *out)
{
    fwrite(buf_data(out), 1, out->len, stdout);
    buf_fini(out);
}

/* Rows as a JSON array of objects; a column called change is JSON already. */
static void print_json(const struct rows *r, const char *const *names, size_t count)
{
    struct buf out = BUF_INIT;
    struct json j;
    json_init(&j, &out, JSON_CLI);
    json_array(&j);
    for (size_t i = 0; i < rows_count(r); i++) {
        json_object(&j);
        for (size_t k = 0; k < count; k++) {
            struct str v = rows_get(r, i, k);
            json_key(&j, names[k]);
            if (v.p == NULL) {
                json_null(&j);
            } else if (strcmp(names[k], "change") == 0 || strcmp(names[k], "id") == 0 ||
                       strcmp(names[k], "tries") == 0 || strcmp(names[k], "audit") == 0) {
                json_raw(&j, v);
            } else {
                json_text(&j, v);
            }
        }
        json_object_end(&j);
    }
    json_array_end(&j);
    buf_u8(&out, '\n');
    print_buf(&out);
}

/* One line: blanks for what would break it. */
static void print_line(struct str v)
{
    for (size_t i = 0; i < v.n; i++) {
        putchar((unsigned char)v.p[i] < ' ' ? ' ' : v.p[i]);
    }
}

static int list(struct conn *db, const struct request *q, struct err *e)
{
    static const char *const names[] = {"id",        "state",    "consumer", "relation",
                                        "key",       "op",       "position", "tries",
                                        "parked_at", "sqlstate", "error"};
    struct str params[3];
    struct rows *r = NULL;
    chosen(q, params);
    int rc = conn_query(
        db,
        "SELECT id, state, consumer, relation, key, op, position, tries,"
        " to_char(parked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),"
        " sqlstate, error FROM parkway.parked WHERE op <> 'moved' AND " CHOSEN " ORDER BY id",
        3, params, &r, e);
    if (rc == 0 && q->json) {
        print_json(r, names, ARRAY_LEN(names));
    }
    for (size_t i = 0; rc == 0 && !q->json && i < rows_count(r); i++) {
        printf("%s  %-8s %s %s %s %s tries=%s since=%s %s ", rows_text(r, i, 0),
               rows_text(r, i, 1), rows_text(r, i, 2), rows_text(r, i, 3), rows_text(r, i, 4),
               rows_text(r, i, 5), rows_text(r, i, 7), rows_text(r, i, 8), rows_text(r, i, 9));
        print_line(rows_get(r, i, 10));
        putchar('\n');
    }
    rows_free(r);
    return rc;
}

static int show(struct conn *db, const struct request *q, struct err *e)
{
    static const char *const names[] = {"id",          "state",  "overtaken", "consumer",
                                        "relation",    "key",    "op",        "position",
                                        "commit_time", "tries",  "parked_at", "sqlstate",
                                        "error",       "change", "audit"};
    struct str params[3];
    struct rows *r = NULL;
    chosen(q, params);
    int rc =
        conn_query(db,
                   "SELECT id, state, overtaken, consumer, relation, key, op, position,"
                   " to_timestamp(commit_us / 1e6), tries, parked_at, sqlstate, error, change,"
                   " (SELECT json_agg(json_build_object('at', at, 'who', who, 'action', action,"
                   "   'reason', reason) ORDER BY a.id) FROM parkway.parked_audit AS a"
                   "   WHERE a.parked_id = p.id)"
                   " FROM parkway.parked AS p WHERE " CHOSEN " ORDER BY id",
                   3, params, &r, e);
    if (rc == 0 && rows_count(r) == 0) {
        rc = err_set(e, ERR_NOT_FOUND, "no such parked change");
    } else if (rc == 0 && q->json) {
        print_json(r, names, ARRAY_LEN(names));
    }
    for (size_t i = 0; rc == 0 && !q->json && i < rows_count(r); i++) {
        for (size_t k = 0; k < ARRAY_LEN(names); k++) {
            printf("%-12s ", names[k]);
            print_line(rows_get(r, i, k));
            putchar('\n');
        }
    }
    rows_free(r);
    return rc;
}

/* --- acting ---------------------------------------------------------------------------------------- */

static void who(char *out, size_t size)
{
    char host[128] = "";
    char room[1024];
    struct passwd entry;
    struct passwd *me = NULL;
    (void)!getpwuid_r(getuid(), &entry, room, sizeof room, &me);
    gethostname(host, sizeof host - 1);
    snprintf(out, size, "%s@%s", me != NULL ? me->pw_name : "?", host);
}

/* Why some of the chosen changes cannot be treated like that; rows: id, reason. */
static const char refusals_sql[] =
    "SELECT id, CASE"
    " WHEN state = 'halted' AND $4 <> 'skip' THEN 'it halts its consumer: skip it, or repair"
    " the replica and it goes on by itself'"
    " WHEN op = 'moved' THEN 'it stands for the old key of a change that moved a row: name "
    "that one'"
    " WHEN state = 'skipped' AND $4 = 'skip' THEN 'it is skipped already'"
    " WHEN state = 'skipped' AND $4 = 'retry' AND overtaken AND NOT $5::boolean"
    "  THEN 'a later change of its key was applied since: --force applies it all the same'"
    " WHEN message IS NULL AND $4 = 'retry' THEN 'it was too large to be kept: drop it and"
    " repair its key by parkway resync'"
    " END FROM parkway.parked WHERE " CHOSEN " AND ($1::bigint[] IS NOT NULL OR op <> 'moved')";

/* A key change has two rows, at one position; so may have other changes, those of a repair message. What waited behind
 * a change that goes away is tried again. */
static const char act_sql[] =
    "WITH chosen AS (SELECT * FROM parkway.parked WHERE op <> 'moved' AND " CHOSEN "),"
    " said AS (INSERT INTO parkway.parked_audit"
    "  (who, action, consumer, parked_id, relation, key, position, reason)"
    "  SELECT $5::text, $4::text, consumer, id, relation, key, position, $6::text FROM chosen),"
    " rows AS (SELECT id, state FROM chosen UNION ALL"
    "  SELECT p.id, p.state FROM parkway.parked AS p JOIN chosen AS c ON p.op = 'moved' AND"
    "   (p.consumer, p.relation, p.position) = (c.consumer, c.relation, c.position)),"
    " gone AS (DELETE FROM parkway.parked AS p USING rows AS r WHERE p.id = r.id"
    "  AND $4 = 'drop' RETURNING p.*),"
    " kept AS (UPDATE parkway.parked AS p SET overtaken = false, state = CASE"
    "   WHEN $4 = 'retry' THEN 'retry' WHEN p.state = 'halted' THEN 'skip' ELSE 'skipped' END"
    "  FROM rows AS r WHERE p.id = r.id AND $4 <> 'drop' RETURNING p.*),"
    " freed AS (SELECT * FROM gone UNION ALL SELECT * FROM kept WHERE $4 = 'skip'),"
    " behind AS (UPDATE parkway.parked AS p SET state = 'retry' FROM (SELECT DISTINCT"
    "   consumer, relation, key FROM freed) AS f WHERE p.state = 'parked'"
    "   AND (p.consumer, p.relation, p.key) = (f.consumer, f.relation, f.key)"
    "   AND p.id NOT IN (SELECT id FROM rows) RETURNING p.id)"
    " SELECT id FROM chosen";

static int refuse(struct conn *db, const struct request *q, struct err *e)
{
    struct str params[5];
    struct rows *r = NULL;
    chosen(q, params); /* $4 and $5 are the action and --force */
    params[3] = str_of(q->action);
    params[4] = q->force ? STR("true") : STR("false");
    int rc = conn_query(db, refusals_sql, ARRAY_LEN(params), params, &r, e);
    if (rc == 0 && rows_count(r) < q->id_count) {
        rc = err_set(e, ERR_NOT_FOUND, "no such parked change");
    }
    for (size_t i = 0; rc == 0 && q->id_count > 0 && i < rows_count(r); i++) {
        if (rows_get(r, i, 1).p != NULL) {
            rc = err_set(e, ERR_CONFLICT, "%s: %s", rows_text(r, i, 0), rows_text(r, i, 1));
        }
    }
    rows_free(r);
    return rc;
}

/* Without ids only what can be treated like that is chosen. */
static void narrow(struct buf *sql, const struct request *q)
{
    buf_adds(sql, act_sql);
    if (q->id_count == 0) {
        const char *only = strcmp(q->action, "drop") == 0
                               ? " AND state IN ('parked', 'retry', 'skipped', 'repaired')"
                           : strcmp(q->action, "retry") == 0
                               ? " AND state IN ('parked', 'retry') AND message IS NOT NULL"
                               : " AND state IN ('parked', 'retry')";
        const char *end = strstr(act_sql, CHOSEN) + sizeof CHOSEN - 1;
        buf_reset(sql);
        buf_add(sql, act_sql, (size_t)(end - act_sql));
        buf_adds(sql, only);
        buf_adds(sql, end);
    }
}

/* In one transaction, with the table to itself: the consumer parks nothing meanwhile. *touched becomes the ids. */
static int act(struct conn *db, const struct request *q, struct rows **touched, struct err *e)
{
    char me[256];
    struct str params[6];
    struct buf sql = BUF_INIT;
    who(me, sizeof me);
    chosen(q, params);
    params[3] = str_of(q->action);
    int rc = conn_exec(db,
                       "BEGIN; SET LOCAL lock_timeout = '30s';"
                       " LOCK TABLE parkway.parked IN SHARE ROW EXCLUSIVE MODE",
                       e);
    if (rc == 0) {
        rc = refuse(db, q, e);
    }
    narrow(&sql, q);
    if (rc == 0) {
        params[4] = str_of(me);
        params[5] = str_of(q->reason);
        rc = conn_query(db, buf_cstr(&sql), ARRAY_LEN(params), params, touched, e);
    }
    buf_fini(&sql);
    return rc == 0 ? conn_exec(db, "COMMIT", e) : rc;
}

/* Waits until the consumer has tried what was asked for, also what waited behind. */
static int await(struct conn *db, const struct request *q, struct err *e)
{
    int64_t until = clock_mono_us() + WAIT_MS * INT64_C(1000);
    for (;;) {
        struct rows *r = NULL;
        int rc = conn_query(db,
                            "SELECT count(*) FROM parkway.parked WHERE state = 'retry'"
                            " AND ($1::text IS NULL OR consumer = $1)",
                            1, (struct str[]){str_of(q->consumer)}, &r, e);
        bool done = rc == 0 && rows_int(r, 0, 0) == 0;
        rows_free(r);
        if (rc != 0 || done) {
            return rc;
        }
        if (clock_mono_us() > until || daemon_wait_ms(LOOK_MS)) {
            return err_set(e, ERR_TIMEOUT,
                           "the consumer has not got to it yet: it will when it runs");
        }
    }
}

/* What became of the changes: of a retry the exit status. */
static int outcome(struct conn *db, const struct request *q, const struct rows *touched,
                   struct err *e)
{
    struct buf ids = BUF_INIT;
    for (size_t i = 0; i < rows_count(touched); i++) {
        buf_addf(&ids, "%s%s", i > 0 ? "," : "{", rows_text(touched, i, 0));
    }
    buf_adds(&ids, rows_count(touched) > 0 ? "}" : "{}");
    struct str params[1] = {buf_str(&ids)};
    struct rows *r = NULL;
    int rc = conn_query(db,
                        "SELECT count(*) FROM parkway.parked WHERE id = ANY ($1::bigint[])"
                        " AND state = 'parked'",
                        1, params, &r, e);
    if (rc == 0 && strcmp(q->action, "retry") == 0) {
        int64_t again = rows_int(r, 0, 0);
        printf("applied: %" PRId64 "\nparked again: %" PRId64 "\n",
               (int64_t)rows_count(touched) - again, again);
        rc = again > 0
                 ? err_set(e, ERR_FAIL, "the replica refused %" PRId64 " of them again", again)
                 : 0;
    } else if (rc == 0) {
        printf("%s: %zu\n", strcmp(q->action, "skip") == 0 ? "skipped" : "dropped",
               rows_count(touched));
    }
    rows_free(r);
    buf_fini(&ids);
    return rc;
}

static int change(struct conn *db, const struct request *q, struct err *e)
{
    struct rows *touched = NULL;
    int rc = act(db, q, &touched, e);
    if (rc == 0 && q->no_wait) {
        printf("asked for: %zu\n", rows_count(touched));
    } else if (rc == 0) {
        rc = await(db, q, e);
        rc = rc == 0 ? outcome(db, q, touched, e) : rc;
    }
    rows_free(touched);
    return rc;
}

/* --- arguments --------------------------------------------------------------------------------------- */

static int usage(void)
{
    fprintf(stderr,
            "usage: parkway parked [list] [--consumer=NAME] [--relation=SCHEMA.NAME] [--json]\n"
            "       parkway parked show ID [--json]\n"
            "       parkway parked retry|skip|drop ID...|--relation=SCHEMA.NAME|--all\n"
            "                      [--consumer=NAME] [--reason=TEXT] [--force] [--no-wait]\n");
    return err_exit(ERR_USAGE);
}

static bool read_options(int argc, char **argv, struct request *q)
{
    static const struct option options[] = {
        {"consumer", required_argument, NULL, 'c'}, {"relation", required_argument, NULL, 'r'},
        {"reason", required_argument, NULL, 'w'},   {"all", no_argument, NULL, 'a'},
        {"force", no_argument, NULL, 'f'},          {"json", no_argument, NULL, 'j'},
        {"no-wait", no_argument, NULL, 'n'},        {NULL, 0, NULL, 0},
    };
    int o;
    optind = 1;
    while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (o) {
        case 'c': q->consumer = optarg; break;
        case 'r': q->relation = optarg; break;
        case 'w': q->reason = optarg; break;
        case 'a': q->all = true; break;
        case 'f': q->force = true; break;
        case 'j': q->json = true; break;
        case 'n': q->no_wait = true; break;
        default: return false;
        }
    }
    int at = optind;
    q->action = at < argc ? argv[at++] : "list";
    for (; at < argc; at++) {
        char *end;
        unsigned long long id = strtoull(argv[at], &end, 10);
        if (end == argv[at] || *end != '\0') {
            return false;
        }
        buf_addf(&q->ids, "%s%llu", q->id_count++ > 0 ? "," : "{", id);
    }
    buf_adds(&q->ids, "}");
    return true;
}

static bool sensible(struct request *q)
{
    if (strcmp(q->action, "list") == 0) {
        return q->id_count == 0 && !q->all;
    }
    if (strcmp(q->action, "show") == 0) {
        return q->id_count == 1;
    }
    bool known = strcmp(q->action, "retry") == 0 || strcmp(q->action, "skip") == 0 ||
                 strcmp(q->action, "drop") == 0;
    if (q->id_count == 0 && q->consumer == NULL) {
        q->consumer = consumer_conf()->name;
    }
    return known && (q->id_count > 0) + (q->relation != NULL) + q->all == 1;
}

int parked_main(int argc, char **argv)
{
    struct request q = {0};
    struct err e = ERR_INIT;
    struct conn *db = NULL;
    if (!read_options(argc, argv, &q) || !sensible(&q)) {
        buf_fini(&q.ids);
        return usage();
    }
    daemon_init();
    struct conn_options o = {.application_name = "parkway parked"};
    int rc = conn_open(&db, setup()->replica_url, &o, &e);
    if (rc == 0) {
        rc = strcmp(q.action, "list") == 0   ? list(db, &q, &e)
             : strcmp(q.action, "show") == 0 ? show(db, &q, &e)
                                             : change(db, &q, &e);
    }
    if (rc != 0) {
        fflush(stdout);
        fprintf(stderr, "error: %s\n", e.text);
    }
    conn_close(db);
    buf_fini(&q.ids);
    return rc == 0 ? 0 : err_exit(rc);
}
