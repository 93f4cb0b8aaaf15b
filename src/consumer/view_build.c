/* view_build.c - see view_build.h. */
#include "consumer/view_build.h"

#include "base/clock.h"
#include "base/daemon.h"
#include "base/log.h"
#include "pg/ident.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    FEW_KEYS = 100,     /* of the log: the rest is done with the sources' changes held up */
    ROUNDS_MAX = 50,    /* of catching up, before they are held up anyway */
    LOCK_WAIT_MS = 200, /* whoever comes behind a waiting lock waits too */
    LOCK_RETRY_MS = 100,
};

struct build {
    const struct view *v;
    const struct mirrors *mirrors;
    const char *consumer;
    struct conn *db;
    struct view_shape shape;
    int id;
    int64_t rows;
};

static int exec(struct conn *db, struct buf *sql, struct err *e)
{
    int rc = conn_exec(db, buf_cstr(sql), e);
    buf_reset(sql);
    return rc;
}

/* Ends the transaction; after an error it is rolled back and the error stays. */
static int close_tx(struct conn *db, int rc, struct err *e)
{
    struct err ignored = ERR_INIT;
    if (rc == 0) {
        return conn_exec(db, "COMMIT", e);
    }
    if (conn_alive(db)) {
        (void)!conn_exec(db, "ROLLBACK", &ignored);
    }
    return rc;
}

/* Whether others were in the way, so that it is worth another try; waits a moment before. */
static bool once_more(int rc, struct err *e)
{
    if (!conn_lock_busy(rc, e) || daemon_stopping()) {
        return false;
    }
    *e = (struct err)ERR_INIT;
    daemon_wait_ms(LOCK_RETRY_MS);
    return true;
}

/* A transaction that needs a strong lock gives up soon and comes again, until it gets through. */
static int patiently(struct build *b, int (*work)(struct build *, struct err *), struct err *e)
{
    int rc;
    do {
        char sql[64];
        snprintf(sql, sizeof sql, "BEGIN; SET LOCAL lock_timeout = %d", LOCK_WAIT_MS);
        rc = conn_exec(b->db, sql, e);
        if (rc == 0) {
            rc = close_tx(b->db, work(b, e), e);
        }
    } while (once_more(rc, e));
    return rc;
}

/* What asks for no lock that readers would feel, but meets those of others: a TRUNCATE of one source after the other. (check may make an index
 * of a source, which holds up its writers as long as that takes.) */
static int again(struct build *b, int (*work)(struct build *, struct err *), struct err *e)
{
    int rc;
    do {
        rc = work(b, e);
    } while (once_more(rc, e));
    return rc;
}

/* ---- a new generation ----------------------------------------------------------------------- */

/* The name must be free, or a view's. */
static int check_name(struct build *b, struct err *e)
{
    struct rows *r = NULL;
    int rc = conn_query(b->db,
                        "SELECT to_regclass($1) IS NULL OR EXISTS (SELECT FROM parkway.views"
                        " WHERE name = $2 AND state IN ('live', 'broken'))",
                        2, (struct str[]){str_of(b->v->table), str_of(b->v->label)}, &r, e);
    if (rc == 0 && rows_text(r, 0, 0)[0] != 't') {
        rc = err_set(
            e, ERR_CONFLICT,
            "view %s: the replica has a table of that name, which is no view of Parkway's",
            b->v->label);
    }
    rows_free(r);
    return rc;
}

static int insert_sources(struct build *b, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < b->v->source_count; i++) {
        char id[16];
        char number[24];
        snprintf(id, sizeof id, "%d", b->id);
        snprintf(number, sizeof number, "%zu", i);
        rc = conn_query(
            b->db,
            "INSERT INTO parkway.view_sources (view, number, relation) VALUES"
            " ($1::int, $2::int, $3)",
            3, (struct str[]){str_of(id), str_of(number), str_of(b->v->sources[i].table)}, NULL,
            e);
    }
    return rc;
}

static int create(struct build *b, struct err *e)
{
    const struct view *v = b->v;
    struct rows *r = NULL;
    int rc = conn_exec(b->db, "BEGIN; SET LOCAL search_path = public, pg_temp", e);
    if (rc == 0) {
        rc = conn_query(b->db,
                        "INSERT INTO parkway.views (consumer, name, hash, query, target, state)"
                        " VALUES ($1, $2, $3, $4, $5, 'building') RETURNING id",
                        5,
                        (struct str[]){str_of(b->consumer), str_of(v->label), str_of(v->hash),
                                       str_of(v->query), str_of(v->table)},
                        &r, e);
    }
    if (rc == 0) {
        b->id = (int)rows_int(r, 0, 0);
        rc = insert_sources(b, e);
    }
    rows_free(r);
    struct buf sql = BUF_INIT;
    view_text_tables(v, &b->shape, b->id, &sql);
    view_text_functions(v, &b->shape, b->id, &sql);
    if (rc == 0) {
        rc = exec(b->db, &sql, e);
    }
    buf_fini(&sql);
    return close_tx(b->db, rc, e);
}

/* The next source without triggers of this generation; rows becomes 0 when there is none. */
static int hook_one(struct build *b, struct err *e)
{
    struct rows *r = NULL;
    char id[16];
    snprintf(id, sizeof id, "%d", b->id);
    int rc = conn_query(
        b->db,
        "SELECT parkway.view_hook(s.view, s.number, s.relation::regclass)"
        "  FROM parkway.view_sources s WHERE s.view = $1::int"
        "   AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = s.relation::regclass"
        "                   AND t.tgname = format('parkway_view_%s_insert', s.view))"
        " ORDER BY s.number LIMIT 1",
        1, (struct str[]){str_of(id)}, &r, e);
    b->rows = rc == 0 ? (int64_t)rows_count(r) : 0;
    rows_free(r);
    return rc;
}

/* ---- its rows ------------------------------------------------------------------------------- */

static int ask_count(struct build *b, const char *function, int64_t *out, struct err *e)
{
    char sql[64];
    struct rows *r = NULL;
    snprintf(sql, sizeof sql, "SELECT parkway.view_%d_%s()", b->id, function);
    int rc = conn_query(b->db, sql, 0, NULL, &r, e);
    *out = rc == 0 ? rows_int(r, 0, 0) : 0;
    rows_free(r);
    return rc;
}

static int fill(struct build *b, struct err *e)
{
    struct buf sql = BUF_INIT;
    int rc = conn_exec(b->db, "BEGIN", e);
    if (rc == 0) {
        rc = ask_count(b, "load", &b->rows, e);
    }
    view_text_key(b->v, b->id, &sql);
    if (rc == 0) {
        rc = exec(b->db, &sql, e);
    }
    buf_fini(&sql);
    rc = close_tx(b->db, rc, e);
    if (rc == ERR_SQL && memcmp(e->sqlstate, "23", 2) == 0) {
        struct err why = *e;
        rc = err_set(e, ERR_INVALID, "view %s: its key does not tell its rows apart: %s",
                     b->v->label, why.text);
    }
    return rc;
}

static int catch_up(struct build *b, struct err *e)
{
    int64_t keys = FEW_KEYS;
    int rc = 0;
    for (int i = 0; rc == 0 && keys >= FEW_KEYS && i < ROUNDS_MAX; i++) {
        do {
            rc = ask_count(b, "catch_up", &keys, e);
        } while (once_more(rc, e));
    }
    return rc;
}

/* ---- the swap ------------------------------------------------------------------------------- */

int view_build_whole(struct conn *db, int id, struct err *e)
{
    struct rows *r = NULL;
    char text[16];
    snprintf(text, sizeof text, "%d", id);
    int rc = conn_query(
        db, "SELECT error FROM parkway.views WHERE id = $1::int AND state <> 'building'", 1,
        (struct str[]){str_of(text)}, &r, e);
    if (rc == 0 && rows_count(r) > 0) {
        rc = err_set(e, ERR_CONFLICT, "the touched keys could not be kept: %s",
                     rows_text(r, 0, 0));
    }
    rows_free(r);
    return rc;
}

/* Changes of the sources wait for this transaction at their end, readers of the view for the rename. */
static int swap(struct build *b, struct err *e)
{
    const struct view *v = b->v;
    int64_t keys = 0;
    struct buf sql = BUF_INIT;
    char id[16];
    char rows[24];
    snprintf(id, sizeof id, "%d", b->id);
    int rc = conn_exec(b->db,
                       "SELECT pg_advisory_xact_lock(hashtextextended('parkway.views', 0))", e);
    if (rc == 0) {
        rc = ask_count(b, "catch_up", &keys, e);
    }
    if (rc == 0) {
        rc = view_build_whole(b->db, b->id, e);
    }
    if (rc == 0) {
        rc = check_name(b, e);
    }
    buf_addf(&sql, "DROP TABLE IF EXISTS %s; ALTER TABLE parkway.view_%d SET SCHEMA ", v->table,
             b->id);
    ident_quote(&sql, v->schema);
    buf_adds(&sql, "; ALTER TABLE ");
    ident_quote(&sql, v->schema);
    buf_addf(&sql, ".view_%d RENAME TO ", b->id);
    ident_quote(&sql, v->name);
    buf_addf(&sql, "; DROP TABLE parkway.view_%d_log", b->id);
    if (rc == 0) {
        rc = exec(b->db, &sql, e);
    }
    buf_addf(&sql, "SELECT count(*) FROM %s", v->table);
    struct rows *r = NULL;
    if (rc == 0) {
        rc = conn_query(b->db, buf_cstr(&sql), 0, NULL, &r, e);
    }
    b->rows = rc == 0 ? rows_int(r, 0, 0) : 0;
    rows_free(r);
    buf_fini(&sql);
    snprintf(rows, sizeof rows, "%" PRId64, b->rows);
    if (rc == 0) {
        rc = conn_query(
            b->db,
            "WITH old AS (UPDATE parkway.views SET state = 'retired', since = now()"
            " WHERE name = $1 AND state IN ('live', 'broken') RETURNING id) SELECT FROM old",
            1, (struct str[]){str_of(v->label)}, NULL, e);
    }
    if (rc == 0) {
        rc = conn_query(
            b->db,
            "UPDATE parkway.views SET state = 'live', rows = $2::bigint, since = now()"
            " WHERE id = $1::int",
            2, (struct str[]){str_of(id), str_of(rows)}, NULL, e);
    }
    if (rc == 0) {
        rc = conn_query(b->db, "SELECT parkway.view_grant($1::int)", 1,
                        (struct str[]){str_of(id)}, NULL, e);
    }
    return rc;
}

/* ---- what is left lying --------------------------------------------------------------------- */

/* One object of a generation that serves nobody, or the generation itself when none is left. What hangs on the sources
 * goes first, so that nobody calls what is not there any more. */
static const char litter_sql[] =
    "SELECT w.id, coalesce("
    "  (SELECT format('DROP FUNCTION %s CASCADE', p.oid::regprocedure) FROM pg_proc p"
    "    WHERE p.pronamespace = 'parkway'::regnamespace AND p.proname ~ format('^view_%s_', "
    "w.id)"
    "    ORDER BY p.prorettype <> 'trigger'::regtype, p.proname ~ '_settle$', p.proname LIMIT "
    "1),"
    "  (SELECT format('DROP TABLE %s', c.oid::regclass) FROM pg_class c"
    "    WHERE c.relnamespace = 'parkway'::regnamespace AND c.relkind = 'r'"
    "      AND c.relname ~ format('^view_%s(_log)?$', w.id) LIMIT 1),"
    "  format('DELETE FROM parkway.view_sources WHERE view = %s;"
    " DELETE FROM parkway.views WHERE id = %1$s', w.id))"
    "  FROM parkway.views w WHERE w.state IN ('building', 'retired') ORDER BY w.id LIMIT 1";

static int sweep_one(struct build *b, struct err *e)
{
    struct rows *r = NULL;
    int rc = conn_query(b->db, litter_sql, 0, NULL, &r, e);
    b->rows = rc == 0 ? (int64_t)rows_count(r) : 0;
    if (rc == 0 && b->rows > 0) {
        rc = conn_exec(b->db, rows_text(r, 0, 1), e);
    }
    rows_free(r);
    return rc;
}

/* Nobody else is building: whoever does holds the lock. */
static int sweep(struct conn *db, struct err *e)
{
    struct build b = {.db = db};
    int rc = 0;
    do {
        rc = patiently(&b, sweep_one, e);
    } while (rc == 0 && b.rows > 0);
    return rc;
}

int view_build_begin(struct conn *db, struct err *e)
{
    struct rows *r = NULL;
    int rc =
        conn_query(db, "SELECT pg_try_advisory_lock(hashtextextended('parkway.view_build', 0))",
                   0, NULL, &r, e);
    if (rc == 0 && rows_text(r, 0, 0)[0] != 't') {
        rc = err_set(e, ERR_FENCED, "another process is building a view on this replica");
    }
    rows_free(r);
    return rc == 0 ? sweep(db, e) : rc;
}

int view_build_end(struct conn *db, struct err *e)
{
    if (!conn_alive(db)) {
        return err_set(e, ERR_CLOSED, "the replica is gone");
    }
    int rc = sweep(db, e);
    struct err ignored = ERR_INIT;
    if (conn_alive(db)) {
        (void)!conn_exec(db,
                         "SELECT pg_advisory_unlock(hashtextextended('parkway.view_build', 0))",
                         &ignored);
    }
    return rc;
}

int view_build_hook(struct conn *db, int id, struct err *e)
{
    struct build b = {.db = db, .id = id};
    int rc;
    do {
        rc = patiently(&b, hook_one, e);
    } while (rc == 0 && b.rows > 0);
    return rc;
}

/* ---- the whole ------------------------------------------------------------------------------ */

static int check(struct build *b, struct err *e)
{
    view_check_free(&b->shape);
    return view_check(b->v, b->mirrors, b->db, &b->shape, e);
}

static int build(struct build *b, struct err *e)
{
    int rc = check_name(b, e);
    if (rc == 0) {
        rc = again(b, check, e);
    }
    if (rc == 0) {
        rc = again(b, create, e);
    }
    if (rc == 0) {
        rc = view_build_hook(b->db, b->id, e);
    }
    if (rc == 0) {
        rc = again(b, fill, e);
    }
    if (rc == 0) {
        rc = catch_up(b, e);
    }
    return rc == 0 ? patiently(b, swap, e) : rc;
}

int view_build_one(const struct view *v, const struct mirrors *mirrors, const char *consumer,
                   struct conn *db, int64_t *rows, struct err *e)
{
    struct build b = {.v = v, .mirrors = mirrors, .consumer = consumer, .db = db};
    int rc = view_build_begin(db, e);
    if (rc != 0) {
        return rc;
    }
    struct err ended = ERR_INIT;
    rc = build(&b, e);
    int rc2 = view_build_end(db, rc == 0 ? e : &ended);
    view_check_free(&b.shape);
    *rows = b.rows;
    return rc != 0 ? rc : rc2;
}

static int is_live(const struct view *v, const char *consumer, struct conn *db, bool *out,
                   struct err *e)
{
    struct rows *r = NULL;
    int rc = conn_query(
        db,
        "SELECT FROM parkway.views WHERE consumer = $1 AND name = $2 AND hash = $3"
        " AND state = 'live' AND to_regclass(target) IS NOT NULL",
        3, (struct str[]){str_of(consumer), str_of(v->label), str_of(v->hash)}, &r, e);
    *out = rc == 0 && rows_count(r) > 0;
    rows_free(r);
    return rc;
}

/* Nobody keeps them up to date, so nobody may read them. */
static int take_away(const struct views *views, const char *consumer, struct conn *db,
                     struct err *e)
{
    struct rows *r = NULL;
    int rc = conn_query(db,
                        "SELECT id, name, target FROM parkway.views WHERE consumer = $1"
                        " AND state IN ('live', 'broken')",
                        1, (struct str[]){str_of(consumer)}, &r, e);
    for (size_t i = 0; rc == 0 && i < rows_count(r); i++) {
        if (views_find(views, rows_text(r, i, 1)) != NULL) {
            continue;
        }
        struct buf sql = BUF_INIT;
        buf_addf(
            &sql,
            "DROP TABLE IF EXISTS %s; UPDATE parkway.views SET state = 'retired' WHERE id = %s",
            rows_text(r, i, 2), rows_text(r, i, 0));
        rc = exec(db, &sql, e);
        buf_fini(&sql);
        if (rc == 0) {
            log_info("view taken away, it is not configured any more view=%s",
                     rows_text(r, i, 1));
            rc = view_build_begin(db, e);
        }
        if (rc == 0) {
            rc = view_build_end(db, e);
        }
    }
    rows_free(r);
    return rc;
}

/* Where no view was ever built the books may be missing: an older migration's replica. */
static int has_books(struct conn *db, bool *out, struct err *e)
{
    struct rows *r = NULL;
    int rc = conn_query(db, "SELECT to_regclass('parkway.views') IS NOT NULL", 0, NULL, &r, e);
    *out = rc == 0 && rows_text(r, 0, 0)[0] == 't';
    rows_free(r);
    return rc;
}

int view_build_missing(const struct views *views, const struct mirrors *mirrors,
                       const char *consumer, struct conn *db, size_t *refused, struct err *e)
{
    *refused = 0;
    bool books = true;
    int rc = views->count == 0 ? has_books(db, &books, e) : 0;
    if (rc == 0 && books) {
        rc = take_away(views, consumer, db, e);
    }
    for (size_t i = 0; rc == 0 && i < views->count; i++) {
        const struct view *v = &views->items[i];
        bool live = false;
        int64_t rows = 0;
        int64_t start = clock_mono_us();
        rc = is_live(v, consumer, db, &live, e);
        if (rc != 0 || live) {
            continue;
        }
        rc = view_build_one(v, mirrors, consumer, db, &rows, e);
        if (rc == 0) {
            log_info("view built view=%s rows=%" PRId64 " ms=%" PRId64, v->label, rows,
                     (clock_mono_us() - start) / 1000);
        } else if (conn_alive(db) && rc != ERR_FENCED) {
            log_error("view refused reason=\"%s\"", e->text);
            (*refused)++;
            *e = (struct err)ERR_INIT;
            rc = 0;
        }
    }
    return rc;
}
