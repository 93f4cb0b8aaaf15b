/* resync.c - see resync.h. The rows go through as COPY's text, unread. */
#include "consumer/resync.h"

#include "base/log.h"
#include "consumer/alter.h"
#include "consumer/sink.h"
#include "event/setup.h"
#include "pg/pipeline.h"
#include "pg/repl.h"
#include "pg/ident.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct resync {
    struct conn *primary;
    struct conn *replica;
    struct repl *repl; /* holds the snapshot */
    struct park *park;
    struct relations relations;
    char epoch[POSITION_TEXT_MAX];
    char lsn[POSITION_TEXT_MAX];
    int64_t changed;
    /* of the table at hand: what stands in front of its name, and its row filter or "" */
    const char *only;
    const char *filter;
};

/* The published tables and columns as the log would describe them, one row a column. */
static const char published_sql[] =
    "SELECT c.oid, n.nspname, c.relname, c.relreplident, a.attname, a.atttypid, a.atttypmod,"
    "       c.relreplident = 'f' OR EXISTS (SELECT FROM pg_catalog.pg_index i"
    "           WHERE i.indrelid = c.oid AND a.attnum = ANY (i.indkey::int2[])"
    "             AND CASE c.relreplident WHEN 'd' THEN i.indisprimary"
    "                 WHEN 'i' THEN i.indisreplident ELSE false END),"
    "       CASE c.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END, pt.rowfilter"
    "  FROM pg_catalog.pg_publication_tables pt"
    "  JOIN pg_catalog.pg_namespace n ON n.nspname = pt.schemaname"
    "  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = pt.tablename"
    "  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0"
    "   AND NOT a.attisdropped AND a.attgenerated = '' AND a.attname = ANY (pt.attnames)"
    " WHERE pt.pubname = $1 ORDER BY n.nspname, c.relname, a.attnum";

enum {
    PUB_OID,
    PUB_SCHEMA,
    PUB_NAME,
    PUB_IDENTITY,
    PUB_COLUMN,
    PUB_TYPE,
    PUB_MOD,
    PUB_KEY,
    PUB_ONLY,
    PUB_FILTER
};

/* Comparing whole tables wants the plans that single rows must not have. */
static const char plans_sql[] = "SET LOCAL enable_seqscan = on; SET LOCAL enable_hashjoin = "
                                "on; SET LOCAL enable_mergejoin = on;"
                                " SET LOCAL timezone = 'UTC'";

static int take_snapshot(struct resync *r, struct epoch epoch, struct err *e)
{
    struct repl_system system;
    char snapshot[REPL_SNAPSHOT_MAX];
    char slot[64];
    uint64_t at = 0;
    int rc = repl_open(&r->repl, setup()->primary_url, 0, e);
    if (rc == 0) {
        rc = repl_identify(r->repl, &system, e);
    }
    if (rc == 0 && !epoch_eq((struct epoch){system.system, system.timeline}, epoch)) {
        rc = err_set(e, ERR_UNAVAILABLE,
                     "the primary is not in the epoch that the log goes on in");
    }
    if (rc == 0) {
        snprintf(slot, sizeof slot, "parkway_resync_%d", (int)getpid());
        rc = repl_slot_export(r->repl, slot, true, &at, snapshot, e);
    }
    if (rc != 0) {
        return rc;
    }
    epoch_text(epoch, r->epoch);
    lsn_text(at, r->lsn);
    struct conn_options o = {.application_name = "parkway resync",
                             .options = CONN_EXACT_TEXTS
                             " -c timezone=UTC -c statement_timeout=0 -c row_security=off"};
    rc = conn_open(&r->primary, setup()->primary_url, &o, e);
    char sql[192];
    snprintf(sql, sizeof sql,
             "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT '%s'",
             snapshot);
    return rc == 0 ? conn_exec(r->primary, sql, e) : rc;
}

/* The Relation message of rows [from, to) of the catalogue's answer. */
static void describe(struct buf *out, const struct rows *cat, size_t from, size_t to)
{
    buf_reset(out);
    buf_u8(out, PGOUTPUT_RELATION);
    buf_u32(out, (uint32_t)rows_int(cat, from, PUB_OID));
    buf_addz(out, rows_text(cat, from, PUB_SCHEMA));
    buf_addz(out, rows_text(cat, from, PUB_NAME));
    buf_u8(out, (uint8_t)rows_text(cat, from, PUB_IDENTITY)[0]);
    buf_u16(out, (uint16_t)(to - from));
    for (size_t i = from; i < to; i++) {
        buf_u8(out, rows_text(cat, i, PUB_KEY)[0] == 't');
        buf_addz(out, rows_text(cat, i, PUB_COLUMN));
        buf_u32(out, (uint32_t)rows_int(cat, i, PUB_TYPE));
        buf_u32(out, (uint32_t)rows_int(cat, i, PUB_MOD));
    }
}

static int run_sql(struct resync *r, struct buf *sql, struct err *e)
{
    struct rows *rows = NULL;
    int rc = conn_query(r->replica, buf_cstr(sql), 0, NULL, &rows, e);
    if (rc == 0) {
        r->changed += rows_affected(rows);
    }
    rows_free(rows);
    return rc;
}

/* The source's rows into the temporary table "wanted", which has the target's types. */
static int fetch(struct resync *r, const struct sink *s, struct err *e)
{
    struct buf sql = BUF_INIT;
    buf_addf(&sql,
             "CREATE TEMPORARY TABLE wanted ON COMMIT DROP AS SELECT %s FROM %s WITH NO DATA",
             s->column_list, s->target);
    int rc = conn_exec(r->replica, buf_cstr(&sql), e);
    buf_reset(&sql);
    buf_addf(&sql, "COPY wanted (%s) FROM STDIN", s->column_list);
    if (rc == 0) {
        rc = pipeline_copy_begin(r->replica, buf_cstr(&sql), e);
    }
    if (rc != 0) {
        buf_fini(&sql);
        return rc;
    }
    buf_reset(&sql);
    buf_adds(&sql, "COPY (SELECT ");
    for (size_t i = 0; i < s->plan.column_count; i++) {
        buf_adds(&sql, i > 0 ? ", " : "");
        ident_quote(&sql, s->relation->columns[s->columns[i].source].name);
    }
    buf_addf(&sql, " FROM %s", r->only);
    ident_quote(&sql, s->relation->schema);
    buf_u8(&sql, '.');
    ident_quote(&sql, s->relation->name);
    buf_addf(&sql, "%s%s) TO STDOUT", r->filter[0] != '\0' ? " WHERE " : "", r->filter);
    rc = pipeline_copy_out(r->primary, buf_cstr(&sql), e);
    struct str row = STR_NULL;
    while (rc == 0) {
        rc = pipeline_copy_row(r->primary, &row, e);
        if (rc != 0 || row.p == NULL) {
            break;
        }
        rc = pipeline_copy_data(r->replica, row, e);
    }
    struct err ended = ERR_INIT;
    int rc2 = pipeline_copy_end(r->replica, rc == 0, NULL, rc == 0 ? e : &ended);
    buf_fini(&sql);
    return rc != 0 ? rc : rc2;
}

static void add_row(struct buf *sql, const struct sink *s, const char *alias)
{
    buf_adds(sql, "ROW(");
    for (size_t i = 0; i < s->plan.column_count; i++) {
        buf_addf(sql, "%s%s.%s::text", i > 0 ? ", " : "", alias, s->columns[i].quoted);
    }
    buf_adds(sql, ")");
}

static void add_same_key(struct buf *sql, const struct sink *s)
{
    for (size_t i = 0; i < s->plan.key_count; i++) {
        const char *column = s->columns[s->key[i]].quoted;
        buf_addf(sql, "%sw.%s = t.%s", i > 0 ? " AND " : "", column, column);
    }
}

/* Rows that are not wanted, or not so, go; what is missing then comes. Both at once would trip over
 * unique values that changed places. */
static int repair(struct resync *r, const struct sink *s, struct err *e)
{
    struct buf sql = BUF_INIT;
    bool keyed = s->plan.mode == PLAN_BY_KEY;
    int rc = conn_exec(r->replica, "ANALYZE wanted", e);
    buf_addf(&sql, "DELETE FROM %s AS t", s->target);
    if (keyed) {
        buf_adds(&sql, " WHERE NOT EXISTS (SELECT FROM wanted AS w WHERE ");
        add_same_key(&sql, s);
        buf_adds(&sql, " AND ");
        add_row(&sql, s, "w");
        buf_adds(&sql, " IS NOT DISTINCT FROM ");
        add_row(&sql, s, "t");
        buf_adds(&sql, ")");
    }
    if (rc == 0) {
        rc = run_sql(r, &sql, e);
    }
    buf_reset(&sql);
    buf_addf(&sql, "INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM wanted AS w",
             s->target, s->column_list, s->column_list);
    if (keyed) {
        buf_addf(&sql, " WHERE NOT EXISTS (SELECT FROM %s AS t WHERE ", s->target);
        add_same_key(&sql, s);
        buf_adds(&sql, ")");
    }
    if (rc == 0) {
        rc = run_sql(r, &sql, e);
    }
    buf_fini(&sql);
    return rc == 0 ? conn_exec(r->replica, "DROP TABLE wanted", e) : rc;
}

static int remember(struct resync *r, const struct relation *rel, struct err *e)
{
    struct str params[4] = {str_of(consumer_conf()->name), str_of(rel->label), str_of(r->epoch),
                            str_of(r->lsn)};
    return conn_query(r->replica,
                      "WITH gone AS (DELETE FROM parkway.table_chunk"
                      "               WHERE consumer = $1 AND relation = $2)"
                      " INSERT INTO parkway.table_start (consumer, relation, epoch, lsn)"
                      " VALUES ($1, $2, $3, $4::text::pg_lsn) ON CONFLICT (consumer, relation)"
                      " DO UPDATE SET epoch = excluded.epoch, lsn = excluded.lsn",
                      ARRAY_LEN(params), params, NULL, e);
}

/* It cannot hold the rows, so what the log lost of them cannot be put right. */
static int block(struct resync *r, const struct relation *rel, const struct sink *s,
                 struct err *e)
{
    struct buf reason = BUF_INIT;
    buf_addf(&reason, "what the log lost was not repaired: %s", s->broken.text);
    int rc = alter_block(r->replica, consumer_conf()->name, rel->label, s->schema, s->name,
                         buf_cstr(&reason), e);
    buf_fini(&reason);
    return rc;
}

/* *compared: its rows are those of the snapshot now. */
static int one_sink(struct resync *r, const struct relation *rel, struct sink *s,
                    bool *compared, struct err *e)
{
    int rc = sink_know(s, r->replica, e);
    if (rc != 0) {
        return rc;
    }
    bool rows_only = true; /* no pseudo-columns: they are known of changes alone */
    for (size_t i = 0; i < s->plan.column_count; i++) {
        rows_only = rows_only && s->columns[i].source >= 0;
    }
    if (s->append || !rows_only) {
        log_warn("table not compared target=%s.%s reason=\"it does not show the present rows\"",
                 s->schema, s->name);
        return 0;
    }
    if (s->broken.code != 0) {
        return block(r, rel, s, e);
    }
    *compared = true;
    int64_t before = r->changed;
    rc = fetch(r, s, e);
    if (rc == 0) {
        rc = repair(r, s, e);
    }
    if (rc == 0) {
        rc = park_clear(r->park, r->replica, s, e);
    }
    if (rc == 0) {
        log_info("table compared target=%s.%s rows_changed=%" PRId64, s->schema, s->name,
                 r->changed - before);
    }
    return rc == 0 ? 0 : err_add(e, "comparing %s.%s", s->schema, s->name);
}

static int one_table(struct resync *r, const struct mirrors *mirrors, const struct rows *cat,
                     size_t from, size_t to, struct err *e)
{
    struct buf msg = BUF_INIT;
    bool changed;
    bool compared = false; /* a target, at least */
    describe(&msg, cat, from, to);
    r->only = rows_text(cat, from, PUB_ONLY);
    r->filter = rows_text(cat, from, PUB_FILTER);
    int rc = relations_take(&r->relations, buf_str(&msg), mirrors, &changed, e);
    buf_fini(&msg);
    struct relation *rel =
        relations_find(&r->relations, (uint32_t)rows_int(cat, from, PUB_OID));
    for (size_t i = 0; rc == 0 && i < rel->sink_count; i++) {
        rc = one_sink(r, rel, rel->sinks[i], &compared, e);
    }
    return rc == 0 && compared ? remember(r, rel, e) : rc;
}

/* A copy in the middle: its rows are not ours to compare. */
static int refuse_copies(struct resync *r, struct err *e)
{
    struct str name = str_of(consumer_conf()->name);
    struct rows *rows = NULL;
    int rc = conn_query(r->replica,
                        "SELECT relation FROM parkway.table_start WHERE consumer = $1"
                        " AND lsn IS NULL LIMIT 1",
                        1, &name, &rows, e);
    if (rc == 0 && rows_count(rows) > 0) {
        rc = err_set(e, ERR_UNAVAILABLE, "%s is being copied to the replica",
                     rows_text(rows, 0, 0));
    }
    rows_free(rows);
    return rc;
}

static int all_tables(struct resync *r, const struct mirrors *mirrors, struct err *e)
{
    struct rows *cat = NULL;
    struct str params[1] = {str_of(setup()->capture_publication)};
    int rc = conn_query(r->primary, published_sql, 1, params, &cat, e);
    for (size_t from = 0; rc == 0 && from < rows_count(cat);) {
        size_t to = from + 1;
        while (to < rows_count(cat) &&
               rows_int(cat, to, PUB_OID) == rows_int(cat, from, PUB_OID)) {
            to++;
        }
        rc = one_table(r, mirrors, cat, from, to, e);
        from = to;
    }
    rows_free(cat);
    return rc;
}

int resync_run(struct conn *replica, const struct mirrors *mirrors, struct park *park,
               struct epoch epoch, int64_t *changed, struct err *e)
{
    struct resync r = {.replica = replica, .park = park};
    int rc = refuse_copies(&r, e);
    if (rc == 0) {
        rc = take_snapshot(&r, epoch, e);
    }
    if (rc == 0) {
        rc = conn_exec(replica, plans_sql, e);
    }
    if (rc == 0) {
        rc = all_tables(&r, mirrors, e);
    }
    relations_reset(&r.relations);
    conn_close(r.primary);
    repl_close(r.repl);
    *changed = r.changed;
    return rc == ERR_CLOSED && conn_alive(replica) ? err_set(e, ERR_UNAVAILABLE, "primary lost")
                                                   : rc;
}
