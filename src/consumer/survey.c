/* survey.c - see survey.h. */
#include "consumer/survey.h"
#include "pg/ident.h"

#include <stdlib.h>

/* The published tables and columns as the log would describe them, one row a column. */
static const char published_sql[] =
    "SELECT c.oid, n.nspname, c.relname, c.relreplident, a.attname, a.atttypid, a.atttypmod,"
    "       c.relreplident = 'f' OR EXISTS (SELECT FROM pg_catalog.pg_index i"
    "           WHERE i.indrelid = c.oid AND a.attnum = ANY (i.indkey::int2[])"
    "             AND CASE c.relreplident WHEN 'd' THEN i.indisprimary"
    "                 WHEN 'i' THEN i.indisreplident ELSE false END),"
    "       pt.rowfilter, c.relkind, greatest(c.reltuples, 0)::bigint,"
    "       format('%I.%I', tn.nspname, t.typname), format_type(a.atttypid, a.atttypmod)"
    "  FROM pg_catalog.pg_publication_tables pt"
    "  JOIN pg_catalog.pg_namespace n ON n.nspname = pt.schemaname"
    "  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = pt.tablename"
    "  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0"
    "   AND NOT a.attisdropped AND a.attgenerated = '' AND a.attname = ANY (pt.attnames)"
    "  JOIN pg_catalog.pg_type t ON t.oid = a.atttypid"
    "  JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace"
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
    PUB_FILTER,
    PUB_KIND,
    PUB_ROWS,
    PUB_TYPE_NAME,
    PUB_TYPE_TEXT,
};

/* Columns of the target: name, type with its length, whether the type is built in, kind of the table. */
static const char target_sql[] =
    "SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.atttypid < 16384, c.relkind"
    "  FROM pg_catalog.pg_attribute a"
    "  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid"
    "  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname = $1 AND c.relname = $2 AND a.attnum > 0 AND NOT a.attisdropped";

enum { TARGET_NAME, TARGET_TYPE, TARGET_BUILT_IN, TARGET_KIND };

/* The columns of each index that finds one row, in the index's order; one row a column. */
static const char indexes_sql[] =
    "SELECT i.indexrelid, a.attname FROM pg_catalog.pg_index i,"
    "       unnest((i.indkey::int2[])[0:i.indnkeyatts - 1]) WITH ORDINALITY AS k(num, n),"
    "       pg_catalog.pg_attribute a"
    " WHERE i.indrelid = $1::oid AND i.indisunique AND i.indisvalid AND i.indimmediate"
    "   AND i.indpred IS NULL AND i.indexprs IS NULL AND a.attrelid = i.indrelid"
    "   AND a.attnum = k.num"
    " ORDER BY i.indisprimary DESC, i.indexrelid, k.n";

static const char state_sql[] =
    "SELECT state, reason FROM parkway.table_state"
    " WHERE consumer = $1 AND relation = $2 AND target = $3 AND state <> 'ok'"
    " UNION ALL SELECT 'copying', 'its rows are being copied' FROM parkway.table_start"
    " WHERE consumer = $1 AND relation = $2 AND lsn IS NULL";

bool survey_comparable(const struct survey_table *t)
{
    return strcmp(t->state, "ok") == 0;
}

const char *survey_key_name(const struct survey_table *t, size_t key)
{
    return t->sink != NULL ? t->sink->columns[t->key[key]].target
                           : t->digest.names[t->key[key]];
}

/* The Relation message of rows [from, to) of the catalogue's answer. */
static void describe(struct buf *out, const struct rows *cat, size_t from, size_t to)
{
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

static void set_state(struct survey_table *t, const char *state, const char *reason)
{
    free(t->state);
    free(t->reason);
    t->state = def_strdup(state);
    t->reason = def_strdup(reason);
}

static char *qualified(const char *schema, const char *name, bool quote, const char *prefix)
{
    struct buf b = BUF_INIT;
    buf_adds(&b, prefix);
    if (quote) {
        ident_quote(&b, schema);
        buf_u8(&b, '.');
        ident_quote(&b, name);
    } else {
        buf_addf(&b, "%s.%s", schema, name);
    }
    char *text = def_strdup(buf_cstr(&b));
    buf_fini(&b);
    return text;
}

/* --- the columns ------------------------------------------------------------------------------- */

struct view {
    const struct rows *cat; /* published_sql's answer, of this table from row `from` on */
    size_t from;
    const struct rows *target;
};

static long find(const struct rows *r, size_t column, const char *name)
{
    for (size_t i = 0; i < rows_count(r); i++) {
        if (strcmp(rows_text(r, i, column), name) == 0) {
            return (long)i;
        }
    }
    return -1;
}

/* The source's column as the target holds it: where the types differ, by way of the text. */
static char *source_column(const struct view *v, const struct sink_column *c)
{
    size_t row = v->from + (size_t)c->source;
    long at = find(v->target, TARGET_NAME, c->target);
    struct buf b = BUF_INIT;
    buf_adds(&b, "t.");
    ident_quote(&b, rows_text(v->cat, row, PUB_COLUMN));
    if (at >= 0 && rows_text(v->target, (size_t)at, TARGET_BUILT_IN)[0] == 't' &&
        strcmp(rows_text(v->target, (size_t)at, TARGET_TYPE),
               rows_text(v->cat, row, PUB_TYPE_TEXT)) != 0) {
        buf_addf(&b, "::text::%s", rows_text(v->target, (size_t)at, TARGET_TYPE));
    }
    char *text = def_strdup(buf_cstr(&b));
    buf_fini(&b);
    return text;
}

static char *target_column(const struct sink_column *c)
{
    struct buf b = BUF_INIT;
    buf_addf(&b, "t.%s", c->quoted);
    char *text = def_strdup(buf_cstr(&b));
    buf_fini(&b);
    return text;
}

static void add_columns(struct survey_table *t, const struct view *v)
{
    struct digest *d = &t->digest;
    const struct sink *s = t->sink;
    d->names = def_zalloc(s->plan.column_count, sizeof *d->names);
    d->source.columns = def_zalloc(s->plan.column_count, sizeof *d->source.columns);
    d->target.columns = def_zalloc(s->plan.column_count, sizeof *d->target.columns);
    for (size_t i = 0; i < s->plan.column_count; i++) {
        if (s->columns[i].source < 0) {
            continue; /* $position and the like are known of changes alone */
        }
        d->names[d->column_count] = def_strdup(s->columns[i].target);
        d->source.columns[d->column_count] = source_column(v, &s->columns[i]);
        d->target.columns[d->column_count++] = target_column(&s->columns[i]);
    }
}

static void add_key(struct survey_table *t, const struct view *v, size_t column)
{
    struct digest *d = &t->digest;
    const struct sink_column *c = &t->sink->columns[column];
    size_t row = v->from + (size_t)c->source;
    struct buf b = BUF_INIT;
    ident_quote(&b, rows_text(v->cat, row, PUB_COLUMN));
    d->source.keys[d->key_count] = def_strdup(buf_cstr(&b));
    d->source.types[d->key_count] = def_strdup(rows_text(v->cat, row, PUB_TYPE_NAME));
    d->target.keys[d->key_count] = def_strdup(c->quoted);
    d->target.types[d->key_count] = def_strdup(c->type);
    t->key[d->key_count++] = (uint16_t)column;
    buf_fini(&b);
}

/* The sink's key column that is fed by this column of the source, or -1. */
static long key_column(const struct survey_table *t, const char *source_name)
{
    const struct sink *s = t->sink;
    for (size_t i = 0; i < s->plan.key_count; i++) {
        int source = s->columns[s->key[i]].source;
        if (source >= 0 && strcmp(t->relation->columns[source].name, source_name) == 0) {
            return s->key[i];
        }
    }
    return -1;
}

/* The index at rows [from, to) has exactly the columns of the sink's key. */
static bool same_key(const struct survey_table *t, const struct rows *indexes, size_t from,
                     size_t to)
{
    bool same = to - from == t->sink->plan.key_count;
    for (size_t i = from; same && i < to; i++) {
        same = key_column(t, rows_text(indexes, i, 1)) >= 0;
    }
    return same;
}

/* A key is used when both sides have an index for it that finds one row. */
static int choose_key(struct survey_table *t, const struct view *v, struct conn *primary,
                      struct err *e)
{
    struct digest *d = &t->digest;
    const struct sink *s = t->sink;
    if (s->plan.mode != PLAN_BY_KEY || !s->unique) {
        return 0;
    }
    struct rows *indexes = NULL;
    struct str oid[1] = {str_of(rows_text(v->cat, v->from, PUB_OID))};
    int rc = conn_query(primary, indexes_sql, 1, oid, &indexes, e);
    if (rc != 0) {
        return rc;
    }
    size_t n = s->plan.key_count;
    t->key = def_zalloc(n, sizeof *t->key);
    d->source.keys = def_zalloc(n, sizeof(char *));
    d->source.types = def_zalloc(n, sizeof(char *));
    d->target.keys = def_zalloc(n, sizeof(char *));
    d->target.types = def_zalloc(n, sizeof(char *));
    for (size_t from = 0; d->key_count == 0 && from < rows_count(indexes);) {
        size_t to = from + 1;
        while (to < rows_count(indexes) &&
               rows_int(indexes, to, 0) == rows_int(indexes, from, 0)) {
            to++;
        }
        bool same = same_key(t, indexes, from, to);
        for (size_t i = from; same && i < to; i++) {
            add_key(t, v, (size_t)key_column(t, rows_text(indexes, i, 1)));
        }
        from = to;
    }
    rows_free(indexes);
    return 0;
}

/* --- one table --------------------------------------------------------------------------------- */

static int judge(struct survey_table *t, struct conn *replica, const char *consumer,
                 struct err *e)
{
    const struct sink *s = t->sink;
    set_state(t, "ok", "");
    if (s->append) {
        set_state(t, "other", "it shows changes, not the present rows");
        return 0;
    }
    struct str params[3] = {str_of(consumer), str_of(t->source), str_of(t->target)};
    struct rows *r = NULL;
    int rc = conn_query(replica, state_sql, ARRAY_LEN(params), params, &r, e);
    if (rc == 0 && rows_count(r) > 0) {
        set_state(t, rows_text(r, 0, 0), rows_text(r, 0, 1));
    } else if (rc == 0 && s->broken.code != 0) {
        set_state(t, "blocked", s->broken.text);
    }
    rows_free(r);
    return rc;
}

static int one_sink(struct survey_table *t, const struct rows *cat, size_t from,
                    struct conn *primary, struct conn *replica, const char *consumer,
                    struct err *e)
{
    struct sink *s = t->sink;
    t->source = def_strdup(t->relation->label);
    t->target = qualified(s->schema, s->name, false, "");
    t->rows_estimated = rows_int(cat, from, PUB_ROWS);
    int rc = sink_know(s, replica, e);
    if (rc == 0) {
        rc = judge(t, replica, consumer, e);
    }
    if (rc != 0 || !survey_comparable(t)) {
        return rc;
    }
    struct view v = {.cat = cat, .from = from};
    struct rows *target = NULL;
    rc = conn_query(replica, target_sql, 2, (struct str[]){str_of(s->schema), str_of(s->name)},
                    &target, e);
    v.target = target;
    if (rc == 0) {
        struct digest *d = &t->digest;
        bool part = rows_text(cat, from, PUB_KIND)[0] == 'p';
        bool target_part =
            rows_count(target) > 0 && rows_text(target, 0, TARGET_KIND)[0] == 'p';
        d->source.from =
            qualified(t->relation->schema, t->relation->name, true, part ? "" : "ONLY ");
        d->target.from = qualified(s->schema, s->name, true, target_part ? "" : "ONLY ");
        d->source.filter = def_strdup(rows_text(cat, from, PUB_FILTER));
        d->target.filter = def_strdup("");
        d->source.versioned = d->target.versioned = true;
        add_columns(t, &v);
        rc = choose_key(t, &v, primary, e);
    }
    rows_free(target);
    return rc;
}

static struct survey_table *add_table(struct survey *s)
{
    s->tables = def_realloc(s->tables, (s->count + 1) * sizeof *s->tables);
    s->tables[s->count] = (struct survey_table){0};
    return &s->tables[s->count++];
}

static int one_relation(struct survey *s, const struct mirrors *mirrors, const struct rows *cat,
                        size_t from, size_t to, struct relation **out, struct err *e)
{
    struct buf msg = BUF_INIT;
    bool changed;
    describe(&msg, cat, from, to);
    int rc = relations_take(&s->relations, buf_str(&msg), mirrors, &changed, e);
    buf_fini(&msg);
    *out = relations_find(&s->relations, (uint32_t)rows_int(cat, from, PUB_OID));
    return rc;
}

int survey_load(struct survey *s, struct conn *primary, struct conn *replica,
                const struct mirrors *mirrors, const char *publication, const char *consumer,
                struct err *e)
{
    *s = (struct survey){0};
    struct rows *cat = NULL;
    int rc =
        conn_query(primary, published_sql, 1, (struct str[]){str_of(publication)}, &cat, e);
    for (size_t from = 0; rc == 0 && from < rows_count(cat);) {
        size_t to = from + 1;
        while (to < rows_count(cat) &&
               rows_int(cat, to, PUB_OID) == rows_int(cat, from, PUB_OID)) {
            to++;
        }
        struct relation *r = NULL;
        rc = one_relation(s, mirrors, cat, from, to, &r, e);
        for (size_t i = 0; rc == 0 && i < r->sink_count; i++) {
            struct survey_table *t = add_table(s);
            t->relation = r;
            t->sink = r->sinks[i];
            rc = one_sink(t, cat, from, primary, replica, consumer, e);
        }
        from = to;
    }
    rows_free(cat);
    if (rc != 0) {
        survey_free(s);
    }
    return rc;
}

/* --- views ------------------------------------------------------------------------------------- */

/* The views and their tables' columns, one row a column; the last one is its place in the key. */
static const char views_sql[] =
    "SELECT v.name, v.query, v.target::regclass, v.state, v.error, a.attname,"
    "       format('%I.%I', tn.nspname, t.typname), coalesce(array_position("
    "           (SELECT i.indkey::int2[] FROM pg_catalog.pg_index i"
    "             WHERE i.indrelid = a.attrelid AND i.indisprimary), a.attnum), -1),"
    "       greatest(c.reltuples, 0)::bigint"
    "  FROM parkway.views v"
    "  JOIN pg_catalog.pg_class c ON c.oid = v.target::regclass"
    "  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT "
    "a.attisdropped"
    "  JOIN pg_catalog.pg_type t ON t.oid = a.atttypid"
    "  JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace"
    " WHERE v.consumer = $1 AND v.state IN ('live', 'broken') ORDER BY v.name, a.attnum";

enum {
    VIEW_NAME,
    VIEW_QUERY,
    VIEW_TARGET,
    VIEW_STATE,
    VIEW_ERROR,
    VIEW_COLUMN,
    VIEW_TYPE,
    VIEW_KEY,
    VIEW_ROWS
};

static char *formatted(const char *before, const char *text, const char *behind)
{
    struct buf b = BUF_INIT;
    buf_addf(&b, "%s%s%s", before, text, behind);
    char *out = def_strdup(buf_cstr(&b));
    buf_fini(&b);
    return out;
}

static void view_part(struct digest_part *p, char *from, const struct rows *r, size_t first,
                      size_t count)
{
    *p = (struct digest_part){.from = from,
                              .filter = def_strdup(""),
                              .columns = def_zalloc(count, sizeof(char *)),
                              .keys = def_zalloc(count, sizeof(char *)),
                              .types = def_zalloc(count, sizeof(char *))};
    for (size_t i = 0; i < count; i++) {
        struct buf b = BUF_INIT;
        ident_quote(&b, rows_text(r, first + i, VIEW_COLUMN));
        p->columns[i] = formatted("t.", buf_cstr(&b), "");
        int64_t place = rows_int(r, first + i, VIEW_KEY); /* indkey counts from 0 */
        if (place >= 0 && (size_t)place < count) {
            p->keys[place] = def_strdup(buf_cstr(&b));
            p->types[place] = def_strdup(rows_text(r, first + i, VIEW_TYPE));
        }
        buf_fini(&b);
    }
}

static void one_view(struct survey_table *t, const struct rows *r, size_t from, size_t to)
{
    struct digest *d = &t->digest;
    size_t count = to - from;
    t->source = def_strdup(rows_text(r, from, VIEW_NAME));
    t->target = def_strdup(t->source);
    t->rows_estimated = rows_int(r, from, VIEW_ROWS);
    bool live = strcmp(rows_text(r, from, VIEW_STATE), "live") == 0;
    set_state(t, live ? "ok" : "blocked", rows_text(r, from, VIEW_ERROR));
    t->key = def_zalloc(count, sizeof *t->key);
    d->names = def_zalloc(count, sizeof *d->names);
    d->column_count = count;
    for (size_t i = 0; i < count; i++) {
        d->names[i] = def_strdup(rows_text(r, from + i, VIEW_COLUMN));
        int64_t place = rows_int(r, from + i, VIEW_KEY);
        if (place >= 0) {
            t->key[place] = (uint16_t)i;
            d->key_count++;
        }
    }
    view_part(&d->source, formatted("(", rows_text(r, from, VIEW_QUERY), "\n)"), r, from,
              count);
    view_part(&d->target, def_strdup(rows_text(r, from, VIEW_TARGET)), r, from, count);
}

int survey_views(struct survey *s, struct conn *replica, const char *consumer, struct err *e)
{
    *s = (struct survey){0};
    struct rows *r = NULL;
    int rc = conn_query(replica, views_sql, 1, (struct str[]){str_of(consumer)}, &r, e);
    for (size_t from = 0; rc == 0 && from < rows_count(r);) {
        size_t to = from + 1;
        while (to < rows_count(r) &&
               strcmp(rows_text(r, to, VIEW_NAME), rows_text(r, from, VIEW_NAME)) == 0) {
            to++;
        }
        one_view(add_table(s), r, from, to);
        from = to;
    }
    rows_free(r);
    return rc;
}

void survey_free(struct survey *s)
{
    for (size_t i = 0; i < s->count; i++) {
        struct survey_table *t = &s->tables[i];
        digest_fini(&t->digest);
        free(t->source);
        free(t->target);
        free(t->state);
        free(t->reason);
        free(t->key);
    }
    free(s->tables);
    relations_reset(&s->relations);
    *s = (struct survey){0};
}
