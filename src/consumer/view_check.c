/* view_check.c - see view_check.h.
 *
 * The server itself analyses the SELECT: it is made a temporary view, whose rule then names every
 * relation (pg_depend) and every function (the rule's tree, because dependencies on the server's own
 * functions are not recorded). What a restriction to keys reads is taken from EXPLAIN with the settings
 * that the functions of the view will have. */
#include "consumer/view_check.h"

#include <stdio.h>
#include <stdlib.h>

static const char settings_sql[] =
    "SET LOCAL search_path = public, pg_temp; SET LOCAL enable_seqscan = off;"
    " SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off;"
    " SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL jit = off;"
    " SET LOCAL plan_cache_mode = force_generic_plan";

static int refuse(const struct view *v, struct err *e, const char *what, const char *name)
{
    return err_set(e, ERR_INVALID, "view %s: %s%s", v->label, what, name);
}

/* One statement alone: more, or a parenthesis too many, is refused by the server. */
static int run(struct conn *db, struct buf *sql, struct rows **out, struct err *e)
{
    return conn_query(db, buf_cstr(sql), 0, NULL, out, e);
}

/* ---- the SELECT ----------------------------------------------------------------------------- */

static int make_view(const struct view *v, struct conn *db, const char *query, struct err *e)
{
    struct buf sql = BUF_INIT;
    buf_addf(&sql, "CREATE TEMPORARY VIEW parkway_check AS SELECT * FROM (%s\n) AS v", query);
    int rc = run(db, &sql, NULL, e);
    buf_fini(&sql);
    if (rc == ERR_SQL && !conn_lock_busy(rc, e)) {
        struct err why = *e;
        rc = refuse(v, e, "", why.text);
    }
    return rc;
}

/* $1: schema.name of the mirrors' targets, blank-separated and quoted as regclass does; NULL: all tables. */
static const char reads_sql[] =
    "SELECT c.oid, format('%I.%I', n.nspname, c.relname),"
    "       c.relkind IN ('r', 'p') AND n.nspname NOT IN ('parkway', 'pg_catalog', "
    "'information_schema')"
    "         AND has_table_privilege(c.oid, 'INSERT')"
    "         AND NOT EXISTS (SELECT FROM parkway.views w"
    "                         WHERE to_regclass(w.target) = c.oid AND w.hash <> ''),"
    "       (length(r.ev_action::text)"
    "        - length(replace(r.ev_action::text, format(' :relid %s ', c.oid), ''))) /"
    "       length(format(' :relid %s ', c.oid))"
    "  FROM pg_rewrite r"
    "  JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid"
    "   AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> r.ev_class"
    "  JOIN pg_class c ON c.oid = d.refobjid"
    "  JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE r.ev_class = 'pg_temp.parkway_check'::regclass GROUP BY 1, 2, 3, 4 ORDER BY 2";

/* Functions, also behind operators and aggregates: none may be volatile; of the server's own stable ones
 * none that tells the time, the session or the server; of others only immutable ones, since a
 * function's text may read any table. */
static const char calls_sql[] =
    "WITH tree AS (SELECT ev_action::text AS t FROM pg_rewrite"
    "               WHERE ev_class = 'pg_temp.parkway_check'::regclass),"
    " calls(oid) AS ("
    "  SELECT (regexp_matches(t, ':(?:funcid|aggfnoid|winfnoid) (\\d+)', 'g'))[1]::oid FROM "
    "tree"
    "  UNION SELECT o.oprcode FROM tree, LATERAL regexp_matches(t, ':opno (\\d+)', 'g') m"
    "   JOIN pg_operator o ON o.oid = m[1]::oid)"
    " SELECT p.oid::regprocedure::text FROM calls JOIN pg_proc p USING (oid)"
    "  WHERE p.provolatile = 'v' OR (p.oid >= 16384 AND p.provolatile <> 'i')"
    "     OR (p.provolatile = 's' AND (p.proname ~"
    "         "
    "'^(pg_|current_|inet_|txid_|has_|to_reg|row_security|version$|now$|age$|query_to_|table_"
    "to_|schema_to_"
    "|database_to_|cursor_to_|currtid|obj_description|col_description|shobj_description|format_"
    "type)'"
    "         OR p.proname IN ('transaction_timestamp', 'statement_timestamp', 'session_user', "
    "'user', 'getdatabaseencoding')))"
    "    AND NOT (p.proname = 'age' AND p.pronargs = 2)"
    " UNION ALL SELECT 'CURRENT_DATE, CURRENT_USER and the like' FROM tree WHERE t LIKE "
    "'%{SQLVALUEFUNCTION %'"
    " UNION ALL SELECT 'TABLESAMPLE' FROM tree WHERE t LIKE '%{TABLESAMPLECLAUSE %'"
    " UNION ALL SELECT 'FOR UPDATE' FROM tree WHERE t LIKE '%:hasForUpdate true%'";

static bool is_mirror(const struct mirrors *m, const char *label)
{
    for (size_t i = 0; i < m->count; i++) {
        struct buf b = BUF_INIT;
        buf_addf(&b, "%s.%s", m->items[i].target_schema, m->items[i].target_name);
        bool same = strcmp(buf_cstr(&b), label) == 0;
        buf_fini(&b);
        if (same) {
            return true;
        }
    }
    return m->all;
}

/* The source of that table, as the server writes its name; NULL. */
static const struct view_source *source_of(const struct view *v, struct conn *db,
                                           const char *table, struct err *e, int *rc)
{
    for (size_t i = 0; i < v->source_count; i++) {
        struct rows *r = NULL;
        *rc = conn_query(db, "SELECT $1::text::regclass = $2::text::regclass", 2,
                         (struct str[]){str_of(v->sources[i].table), str_of(table)}, &r, e);
        bool same = *rc == 0 && rows_text(r, 0, 0)[0] == 't';
        rows_free(r);
        if (*rc != 0 || same) {
            return same ? &v->sources[i] : NULL;
        }
    }
    return NULL;
}

static int check_reads(const struct view *v, const struct mirrors *mirrors, struct conn *db,
                       bool declared, struct err *e)
{
    enum { OID, NAME, KEPT };
    struct rows *r = NULL;
    int rc = conn_query(db, reads_sql, 0, NULL, &r, e);
    for (size_t i = 0; rc == 0 && i < rows_count(r); i++) {
        const char *name = rows_text(r, i, NAME);
        const struct view_source *s = source_of(v, db, name, e, &rc);
        if (rc != 0) {
            break;
        }
        if (rows_text(r, i, KEPT)[0] != 't' || (s != NULL && !is_mirror(mirrors, s->label))) {
            rc = refuse(v, e, name, " is not a table that this consumer mirrors");
        } else if (declared && s == NULL) {
            rc = refuse(
                v, e, name,
                " is read but not among the sources: say which rows of the view a row of it"
                " belongs to");
        }
    }
    rows_free(r);
    return rc;
}

static int check_calls(const struct view *v, struct conn *db, struct err *e)
{
    struct rows *r = NULL;
    int rc = conn_query(db, calls_sql, 0, NULL, &r, e);
    if (rc == 0 && rows_count(r) > 0) {
        rc = refuse(v, e, rows_text(r, 0, 0),
                    " does not give the same for the same rows every time");
    }
    rows_free(r);
    return rc;
}

static int take_columns(const struct view *v, struct conn *db, struct view_shape *s,
                        struct err *e)
{
    struct rows *r = NULL;
    int rc = conn_query(db,
                        "SELECT attname, quote_ident(attname), format_type(atttypid, -1)"
                        "  FROM pg_attribute WHERE attrelid = 'pg_temp.parkway_check'::regclass"
                        "   AND attnum > 0 ORDER BY attnum",
                        0, NULL, &r, e);
    if (rc != 0) {
        return rc;
    }
    s->columns = def_zalloc(rows_count(r), sizeof *s->columns);
    for (size_t i = 0; i < rows_count(r); i++) {
        s->columns[s->column_count++] = def_strdup(rows_text(r, i, 1));
        for (size_t k = 0; k < v->key_count; k++) {
            if (strcmp(rows_text(r, i, 0), v->keys[k]) == 0) {
                free(s->key_types[k]);
                s->key_types[k] = def_strdup(rows_text(r, i, 2));
            }
        }
    }
    rows_free(r);
    for (size_t k = 0; rc == 0 && k < v->key_count; k++) {
        if (s->key_types[k] == NULL) {
            rc = err_set(e, ERR_INVALID, "view %s: key column \"%s\" is not in its SELECT",
                         v->label, v->keys[k]);
        }
    }
    return rc;
}

static int check_select(const struct view *v, const struct mirrors *mirrors, struct conn *db,
                        struct view_shape *s, struct err *e)
{
    int rc = make_view(v, db, v->query, e);
    if (rc == 0) {
        rc = check_reads(v, mirrors, db, true, e);
    }
    if (rc == 0) {
        rc = check_calls(v, db, e);
    }
    if (rc == 0) {
        rc = take_columns(v, db, s, e);
    }
    return rc == 0 ? conn_exec(db, "DROP VIEW pg_temp.parkway_check", e) : rc;
}

/* ---- the sources ---------------------------------------------------------------------------- */

/* A query that reads its own table sees it after a statement only, and would miss what its rows
 * were before. */
static int check_own_table(const struct view *v, const struct view_source *s, struct conn *db,
                           struct err *e)
{
    struct rows *r = NULL;
    int rc = conn_query(db, reads_sql, 0, NULL, &r, e);
    for (size_t i = 0; rc == 0 && i < rows_count(r); i++) {
        struct rows *same = NULL;
        rc = conn_query(db, "SELECT $1::text::regclass = $2::text::oid", 2,
                        (struct str[]){str_of(s->table), rows_get(r, i, 0)}, &same, e);
        if (rc == 0 && rows_text(same, 0, 0)[0] == 't' && rows_int(r, i, 3) > 1) {
            rc = refuse(v, e, s->label, ": its query may read it as \"touched\" only");
        }
        rows_free(same);
    }
    rows_free(r);
    return rc;
}

static int check_mapping(const struct view *v, const struct mirrors *mirrors, struct conn *db,
                         const struct view_source *s, struct err *e)
{
    struct buf sql = BUF_INIT;
    buf_addf(&sql, "WITH touched AS (SELECT * FROM %s) ", s->table);
    view_text_mapped(v, s, &sql);
    int rc = make_view(v, db, buf_cstr(&sql), e);
    if (rc != 0) {
        rc = err_add(e, "source %s", s->label);
    }
    if (rc == 0) {
        rc = check_reads(v, mirrors, db, false, e);
    }
    if (rc == 0) {
        rc = check_calls(v, db, e);
    }
    if (rc == 0) {
        rc = check_own_table(v, s, db, e);
    }
    struct rows *r = NULL;
    if (rc == 0) {
        rc = conn_query(db,
                        "SELECT count(*) FROM pg_attribute WHERE attnum > 0"
                        " AND attrelid = 'pg_temp.parkway_check'::regclass",
                        0, NULL, &r, e);
    }
    if (rc == 0 && rows_int(r, 0, 0) != (int64_t)v->key_count) {
        rc = err_set(e, ERR_INVALID, "view %s: source %s gives %lld columns, the key has %zu",
                     v->label, s->label, (long long)rows_int(r, 0, 0), v->key_count);
    }
    rows_free(r);
    buf_fini(&sql);
    return rc == 0 ? conn_exec(db, "DROP VIEW pg_temp.parkway_check", e) : rc;
}

static int check_sources(const struct view *v, const struct mirrors *mirrors, struct conn *db,
                         struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < v->source_count; i++) {
        const struct view_source *s = &v->sources[i];
        struct rows *r = NULL;
        rc = conn_query(db, "SELECT to_regclass($1) IS NOT NULL", 1,
                        (struct str[]){str_of(s->table)}, &r, e);
        if (rc == 0 && rows_text(r, 0, 0)[0] != 't') {
            rc = err_set(e, ERR_NOT_FOUND, "view %s: the replica has no table %s", v->label,
                         s->label);
        }
        rows_free(r);
    }
    for (size_t i = 0; rc == 0 && i < v->source_count; i++) {
        rc = check_mapping(v, mirrors, db, &v->sources[i], e);
    }
    return rc;
}

/* ---- how far a restriction reaches ---------------------------------------------------------- */

/* Tables that a plan reads without a condition on an index, each with the columns that it is searched by
 * there, as far as the plan tells. $1: EXPLAIN's JSON.
 *
 * Of a table that had one row when it was last analysed, or one value in a column, every condition is believed to hold for all
 * of it, and then the server makes no bitmap scan at all. It is not counted when an index begins with a column that it is
 * searched by: the index is used as soon as the statistics know of more. */
static const char scans_sql[] =
    "WITH n AS (SELECT DISTINCT n FROM jsonb_path_query($1::text::jsonb, '$.**') n"
    "            WHERE jsonb_typeof(n) = 'object' AND n ? 'Node Type'),"
    " conds AS (SELECT string_agg(c.value #>> '{}', ' ') AS t FROM n, jsonb_each(n.n) c"
    "            WHERE c.key ~ '(Filter|Cond)$')"
    " SELECT DISTINCT format('%I.%I', n->>'Schema', n->>'Relation Name'), n->>'Relation Name',"
    "        coalesce((SELECT string_agg(DISTINCT m[1], ', ') FROM conds,"
    "          regexp_matches(conds.t, '\\m' || (n->>'Alias') || '\\.([a-z_0-9]+|\"[^\"]+\")', "
    "'g') m), '…')"
    "   FROM n WHERE n ? 'Relation Name' AND NOT n ? 'Index Cond' AND NOT n ? 'Recheck Cond'"
    "    AND n->>'Alias' <> 'parkway_touched'"
    "    AND NOT EXISTS (SELECT FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace"
    "      JOIN pg_index i ON i.indrelid = c.oid AND i.indisvalid AND i.indpred IS NULL"
    "      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]"
    "      LEFT JOIN pg_stats t ON t.schemaname = s.nspname AND t.tablename = c.relname"
    "       AND t.attname = a.attname, conds"
    "      WHERE s.nspname = n->>'Schema' AND c.relname = n->>'Relation Name'"
    "       AND (c.reltuples BETWEEN 0 AND 1 OR t.n_distinct = 1)"
    "       AND strpos(conds.t, (n->>'Alias') || '.' || quote_ident(a.attname)) > 0) ORDER BY "
    "1";

/* Rows: table, its bare name, columns. */
static int find_scans(struct conn *db, const char *types, struct buf *select, size_t params,
                      struct rows **out, struct err *e)
{
    struct buf sql = BUF_INIT;
    struct rows *plan = NULL;
    buf_addf(&sql, "PREPARE parkway_scan%s AS %s", types, buf_cstr(select));
    int rc = run(db, &sql, NULL, e);
    buf_reset(&sql);
    buf_adds(&sql, "EXPLAIN (FORMAT JSON, VERBOSE) EXECUTE parkway_scan");
    for (size_t i = 0; i < params; i++) {
        buf_adds(&sql, i == 0 ? "(NULL" : ", NULL");
    }
    buf_adds(&sql, params > 0 ? ")" : "");
    if (rc == 0) {
        rc = run(db, &sql, &plan, e);
    }
    if (rc == 0) {
        rc = conn_query(db, scans_sql, 1, (struct str[]){rows_get(plan, 0, 0)}, out, e);
    }
    rows_free(plan);
    buf_fini(&sql);
    return rc == 0 ? conn_exec(db, "DEALLOCATE parkway_scan", e) : rc;
}

static int select_scans(const struct view *v, struct view_shape *s, struct conn *db,
                        struct rows **out, struct err *e)
{
    struct buf select = BUF_INIT;
    struct buf types = BUF_INIT;
    for (size_t i = 0; i < v->key_count; i++) {
        buf_addf(&types, "%s%s%s", i == 0 ? "(" : ", ", s->key_types[i],
                 s->reach == VIEW_REACH_SET ? "[]" : "");
    }
    buf_adds(&types, ")");
    view_text_restricted(v, s->reach, &select);
    int rc = find_scans(db, buf_cstr(&types), &select, v->key_count, out, e);
    buf_fini(&types);
    buf_fini(&select);
    return rc;
}

static int mapping_scans(const struct view *v, const struct view_source *s, struct conn *db,
                         struct rows **out, struct err *e)
{
    struct buf select = BUF_INIT;
    buf_addf(&select,
             "WITH touched AS MATERIALIZED (SELECT * FROM %s AS parkway_touched LIMIT 1) ",
             s->table);
    view_text_mapped(v, s, &select);
    int rc = find_scans(db, "", &select, 0, out, e);
    buf_fini(&select);
    return rc;
}

static int refuse_scan(const struct view *v, const struct rows *scans, const char *who,
                       struct err *e)
{
    struct buf others = BUF_INIT;
    for (size_t i = 1; i < rows_count(scans); i++) {
        buf_addf(&others, "%s%s", i > 1 ? ", " : ", and of ", rows_text(scans, i, 0));
    }
    int rc =
        err_set(e, ERR_INVALID,
                "view %s: %s reads all of %s for each change%s: CREATE INDEX ON %s (%s) on the "
                "replica, or restrict it by the key, or set scan = true",
                v->label, who, rows_text(scans, 0, 0), buf_cstr(&others),
                rows_text(scans, 0, 0), rows_text(scans, 0, 2));
    buf_fini(&others);
    return rc;
}

/* The columns of a source that stand for the key are what the SELECT most likely needs an index on. */
static int make_index(const struct view *v, struct conn *db, const struct rows *scans,
                      bool *made, struct err *e)
{
    *made = false;
    for (size_t i = 0; i < rows_count(scans); i++) {
        int rc = 0;
        const struct view_source *s = source_of(v, db, rows_text(scans, i, 0), e, &rc);
        if (rc != 0) {
            return rc;
        }
        if (s == NULL || s->columns == NULL) {
            continue;
        }
        struct buf columns = BUF_INIT;
        for (size_t k = 0; k < v->key_count; k++) {
            buf_addf(&columns, "%s%s", k > 0 ? ", " : "", s->columns[k]);
        }
        struct rows *r = NULL;
        rc = conn_query(db, "SELECT parkway.view_index($1::text::regclass, $2)", 2,
                        (struct str[]){str_of(s->table), buf_str(&columns)}, &r, e);
        *made = *made || (rc == 0 && rows_text(r, 0, 0)[0] == 't');
        rows_free(r);
        buf_fini(&columns);
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

/* Prefers many keys at once; key by key where only that keeps the server from reading whole tables. */
static int choose_reach(const struct view *v, struct conn *db, struct view_shape *s,
                        bool *again, struct err *e)
{
    static const enum view_reach tries[] = {VIEW_REACH_SET, VIEW_REACH_ROW};
    struct rows *scans = NULL;
    int rc = 0;
    for (size_t i = v->key_count > 1; rc == 0 && i < ARRAY_LEN(tries); i++) {
        rows_free(scans);
        scans = NULL;
        s->reach = tries[i];
        rc = select_scans(v, s, db, &scans, e);
        if (rc == 0 && rows_count(scans) == 0) {
            break;
        }
    }
    *again = false;
    if (rc == 0 && rows_count(scans) > 0) {
        s->reach = v->key_count > 1 ? VIEW_REACH_ROW : VIEW_REACH_SET; /* few scans, if any */
        rc = make_index(v, db, scans, again, e);
        if (rc == 0 && !*again && !v->scan) {
            rc = refuse_scan(v, scans, "its SELECT", e);
        }
    }
    rows_free(scans);
    return rc;
}

static int check_reach(const struct view *v, struct conn *db, struct view_shape *s,
                       struct err *e)
{
    bool again = true;
    int rc = 0;
    while (rc == 0 && again) {
        rc = choose_reach(v, db, s, &again, e);
    }
    for (size_t i = 0; rc == 0 && i < v->source_count && !v->scan; i++) {
        struct rows *scans = NULL;
        if (v->sources[i].query == NULL) {
            continue;
        }
        rc = mapping_scans(v, &v->sources[i], db, &scans, e);
        if (rc == 0 && rows_count(scans) > 0) {
            rc = refuse_scan(v, scans, "the query of a source", e);
        }
        rows_free(scans);
    }
    return rc;
}

/* ---- the whole ------------------------------------------------------------------------------ */

int view_check(const struct view *v, const struct mirrors *mirrors, struct conn *db,
               struct view_shape *out, struct err *e)
{
    *out = (struct view_shape){0};
    int rc = conn_exec(db, "BEGIN", e);
    if (rc == 0) {
        rc = conn_exec(db, settings_sql, e);
    }
    if (rc == 0) {
        rc = check_sources(v, mirrors, db, e);
    }
    if (rc == 0) {
        rc = check_select(v, mirrors, db, out, e);
    }
    if (rc == 0) {
        rc = check_reach(v, db, out, e);
    }
    if (rc == 0) {
        return conn_exec(db, "COMMIT", e);
    }
    struct err ignored = ERR_INIT;
    if (conn_alive(db)) { /* a prepared statement outlives the transaction */
        (void)!conn_exec(db, "ROLLBACK", &ignored);
        (void)!conn_exec(db, "DEALLOCATE parkway_scan", &ignored);
    }
    return rc;
}

void view_check_free(struct view_shape *s)
{
    for (size_t i = 0; i < s->column_count; i++) {
        free(s->columns[i]);
    }
    for (size_t i = 0; i < VIEW_KEYS_MAX; i++) {
        free(s->key_types[i]);
    }
    free(s->columns);
    *s = (struct view_shape){0};
}
