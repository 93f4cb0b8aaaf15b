/* captured.c - see captured.h.
 *
 * Names are quoted by the server that they come from (quote_ident), so no quoting is written here. What
 * is published of a table (columns, row filter) is read from pg_publication_tables, the same
 * place that pgoutput decides by, so a copy holds what the stream would have carried. */
#include "ops/captured.h"

#include "base/buf.h"
#include "consumer/consumer_conf.h"
#include "event/setup.h"

#include <stdlib.h>
#include <string.h>

enum { GRANT_TRIES = 5 };

/* ---- looking up ----------------------------------------------------------------------------- */

static int look_up(struct conn *primary, const char *name, struct captured_table *t,
                   struct err *e)
{
    struct rows *r;
    int rc = conn_query(primary,
                        "select format('%I.%I', n.nspname, c.relname) from pg_class c "
                        "join pg_namespace n on n.oid = c.relnamespace "
                        "where n.nspname || '.' || c.relname = $1 and c.relkind in ('r', 'p')",
                        1, (struct str[]){str_of(name)}, &r, e);
    if (rc != 0) {
        return rc;
    }
    if (rows_count(r) == 0) {
        rc = err_set(e, ERR_NOT_FOUND,
                     "captured table \"%s\" does not exist on the primary (capture.tables)",
                     name);
    } else {
        t->name = def_strdup(name);
        t->source = def_strdup(rows_text(r, 0, 0));
    }
    rows_free(r);
    return rc;
}

static bool is_plain(const struct consumer_mirror *m)
{
    return strcmp(m->kind, "append") != 0 && m->columns[0] == '\0';
}

/* "schema.name" quoted; a name without a dot stands in public. */
static int quote(struct conn *c, const char *name, char **out, struct err *e)
{
    const char *dot = strchr(name, '.');
    struct str schema = dot != NULL ? (struct str){name, (size_t)(dot - name)} : STR("public");
    struct str table = str_of(dot != NULL ? dot + 1 : name);
    struct rows *r;
    int rc = conn_query(c, "select format('%I.%I', $1::text, $2::text)", 2,
                        (struct str[]){schema, table}, &r, e);
    if (rc == 0) {
        *out = def_strdup(rows_text(r, 0, 0));
        rows_free(r);
    }
    return rc;
}

static void add_mirror(struct captured *c, const struct captured_table *t, char *target)
{
    c->mirrors = def_realloc(c->mirrors, (c->mirror_count + 1) * sizeof *c->mirrors);
    c->mirrors[c->mirror_count++] = (struct captured_mirror){t, target};
}

static int load_mirrors(struct captured *c, const struct captured_table *t,
                        struct conn *primary, struct err *e)
{
    const struct conf_groups *groups = &consumer_conf()->mirrors;
    if (groups->count == 0) {
        add_mirror(c, t, def_strdup(t->source));
        return 0;
    }
    const struct consumer_mirror *m = groups->items;
    for (size_t i = 0; i < groups->count; i++) {
        if (strcmp(m[i].source, t->name) != 0 || !is_plain(&m[i])) {
            continue;
        }
        char *target;
        int rc = quote(primary, m[i].target[0] != '\0' ? m[i].target : t->name, &target, e);
        if (rc != 0) {
            return rc;
        }
        add_mirror(c, t, target);
    }
    return 0;
}

static int add_table(struct captured *out, const char *name, struct conn *primary,
                     struct err *e)
{
    for (size_t i = 0; i < out->table_count; i++) {
        if (strcmp(out->tables[i].name, name) == 0) {
            return 0;
        }
    }
    out->tables = def_realloc(out->tables, (out->table_count + 1) * sizeof *out->tables);
    out->tables[out->table_count] = (struct captured_table){0};
    int rc = look_up(primary, name, &out->tables[out->table_count], e);
    out->table_count += rc == 0;
    return rc;
}

/* Every table that fits the pattern and exists by now; later ones are the event trigger's. */
static int add_matching(struct captured *out, const char *pattern, struct conn *primary,
                        struct err *e)
{
    struct rows *r;
    int rc =
        conn_query(primary,
                   "select n.nspname || '.' || c.relname from parkway.matching(array[$1]) m "
                   "join pg_class c on c.oid = m join pg_namespace n on n.oid = "
                   "c.relnamespace order by 1",
                   1, (struct str[]){str_of(pattern)}, &r, e);
    if (rc != 0) {
        return rc;
    }
    for (size_t i = 0; rc == 0 && i < rows_count(r); i++) {
        rc = add_table(out, rows_text(r, i, 0), primary, e);
    }
    rows_free(r);
    return rc;
}

int captured_load(struct captured *out, struct conn *primary, struct err *e)
{
    const struct conf_strings *names = &setup()->capture_tables;
    *out = (struct captured){0};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < names->count; i++) {
        rc = setup_is_pattern(names->items[i]) ? add_matching(out, names->items[i], primary, e)
                                               : add_table(out, names->items[i], primary, e);
    }
    /* mirrors point to their tables, which stay where they are from here on */
    for (size_t i = 0; rc == 0 && i < out->table_count; i++) {
        rc = load_mirrors(out, &out->tables[i], primary, e);
    }
    if (rc != 0) {
        captured_free(out);
    }
    return rc;
}

void captured_free(struct captured *c)
{
    for (size_t i = 0; i < c->table_count; i++) {
        free(c->tables[i].name);
        free(c->tables[i].source);
    }
    for (size_t i = 0; i < c->mirror_count; i++) {
        free(c->mirrors[i].target);
    }
    free(c->tables);
    free(c->mirrors);
    *c = (struct captured){0};
}

/* ---- publishing ----------------------------------------------------------------------------- */

/* One statement whose text the server itself formats from the parameters. */
static int exec_formatted(struct conn *c, const char *format, size_t count,
                          const struct str *params, struct err *e)
{
    struct rows *r;
    int rc = conn_query(c, format, count, params, &r, e);
    if (rc == 0) {
        rc = conn_exec(c, rows_text(r, 0, 0), e);
        rows_free(r);
    }
    return rc;
}

static int publication_exists(struct conn *primary, bool *out, struct err *e)
{
    struct rows *r;
    int rc = conn_query(primary, "select 1 from pg_publication where pubname = $1", 1,
                        (struct str[]){str_of(setup()->capture_publication)}, &r, e);
    if (rc == 0) {
        *out = rows_count(r) > 0;
        rows_free(r);
    }
    return rc;
}

static const struct setup_columns *columns_of(const char *table)
{
    const struct setup_columns *c = setup()->capture_columns.items;
    for (size_t i = 0; i < setup()->capture_columns.count; i++) {
        if (strcmp(c[i].table, table) == 0) {
            return &c[i];
        }
    }
    return NULL;
}

/* What left the primary once is on the replicas, and what did not is missing there: that is the operator's to change. */
static int check_columns(struct conn *primary, const struct captured_table *t,
                         const struct setup_columns *wanted, struct err *e)
{
    struct rows *r;
    int rc = conn_query(
        primary,
        "select array_to_string(p.attnames, ' '), (select array_agg(a order by a) from "
        "unnest(p.attnames::text[]) a) = (select array_agg(a order by a) from "
        "unnest(regexp_split_to_array(trim($3), '[\\s,]+')) a) from pg_publication_tables p "
        "where pubname = $1 and schemaname || '.' || tablename = $2",
        3,
        (struct str[]){str_of(setup()->capture_publication), str_of(t->name),
                       str_of(wanted->columns)},
        &r, e);
    if (rc == 0 && rows_text(r, 0, 1)[0] != 't') {
        rc = err_set(e, ERR_CONFLICT,
                     "the published columns are \"%s\", capture.columns says \"%s\": take the "
                     "table out of publication %s and run migrate and bootstrap --table again",
                     rows_text(r, 0, 0), wanted->columns, setup()->capture_publication);
    }
    rows_free(r);
    return rc;
}

static int look_up_published(struct conn *primary, struct captured_table *t, struct err *e)
{
    struct rows *r;
    int rc = conn_query(
        primary,
        "select 1 from pg_publication_tables "
        "where pubname = $1 and schemaname || '.' || tablename = $2",
        2, (struct str[]){str_of(setup()->capture_publication), str_of(t->name)}, &r, e);
    if (rc == 0) {
        t->published = rows_count(r) > 0;
        rows_free(r);
    }
    return rc;
}

/* For the event triggers: which publication is ours, which new tables belong in it, and with which columns. */
static int tell_patterns(struct conn *primary, struct err *e)
{
    const struct conf_strings *names = &setup()->capture_tables;
    struct str name = str_of(setup()->capture_publication);
    int rc =
        conn_query(primary,
                   "insert into parkway.capture (publication) values ($1) "
                   "on conflict (publication) do update set patterns = '{}', columns = '{}'",
                   1, &name, NULL, e);
    for (size_t i = 0; rc == 0 && i < names->count; i++) {
        if (setup_is_pattern(names->items[i])) {
            rc = conn_query(primary,
                            "update parkway.capture set patterns = patterns || $2::text "
                            "where publication = $1",
                            2, (struct str[]){name, str_of(names->items[i])}, NULL, e);
        }
    }
    const struct setup_columns *c = setup()->capture_columns.items;
    for (size_t i = 0; rc == 0 && i < setup()->capture_columns.count; i++) {
        rc = conn_query(
            primary,
            "update parkway.capture set columns = columns || jsonb_build_object($2::text, "
            "to_jsonb(regexp_split_to_array(trim($3), '[\\s,]+'))) where publication = $1",
            3, (struct str[]){name, str_of(c[i].table), str_of(c[i].columns)}, NULL, e);
    }
    return rc;
}

/* A partitioned table is one table to replicas, whatever its partitions are. */
static int make_publication(struct conn *primary, struct err *e)
{
    struct str name = str_of(setup()->capture_publication);
    bool exists = false;
    int rc = publication_exists(primary, &exists, e);
    if (rc != 0) {
        return rc;
    }
    rc = exec_formatted(
        primary,
        exists ? "select case when p.pubviaroot then 'select' else format('alter publication "
                 "%I set "
                 "(publish_via_partition_root = true)', p.pubname) end from pg_publication p "
                 "where p.pubname = $1"
               : "select format('create publication %I with "
                 "(publish_via_partition_root = true)', $1::text)",
        1, &name, e);
    return rc == 0 ? tell_patterns(primary, e) : rc;
}

int captured_announce(struct conn *primary, const struct captured_table *t, struct err *e)
{
    int rc = conn_query(primary, "select parkway.announce($1::text::regclass, true)", 1,
                        (struct str[]){str_of(t->source)}, NULL, e);
    return rc != 0 ? err_add(e, "could not announce the shape of %s", t->name) : 0;
}

/* parkway reads what it captures, to check and repair replicas. Said once: a GRANT may meet a TRUNCATE of the application, and one
 * of the two loses. */
static int let_read(struct conn *primary, const struct captured_table *t, struct err *e)
{
    static const char sql[] =
        "select concat_ws('; ', 'select',"
        " case when not has_schema_privilege('parkway', n.oid, 'usage')"
        "  then format('grant usage on schema %I to parkway', n.nspname) end,"
        " case when not has_table_privilege('parkway', c.oid, 'select')"
        "  then format('grant select on %s to parkway', c.oid::regclass) end)"
        " from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where c.oid = $1::text::regclass";
    int rc = exec_formatted(primary, sql, 1, (struct str[]){str_of(t->source)}, e);
    for (int i = 1; conn_lock_busy(rc, e) && i < GRANT_TRIES; i++) {
        *e = (struct err)ERR_INIT;
        rc = exec_formatted(primary, sql, 1, (struct str[]){str_of(t->source)}, e);
    }
    return rc;
}

int captured_publish(struct conn *primary, struct captured *c, struct err *e)
{
    struct str name = str_of(setup()->capture_publication);
    int rc = make_publication(primary, e);
    for (size_t i = 0; rc == 0 && i < c->table_count; i++) {
        struct captured_table *t = &c->tables[i];
        const struct setup_columns *columns = columns_of(t->name);
        rc = look_up_published(primary, t, e);
        if (rc == 0 && !t->published) {
            rc = exec_formatted(primary,
                                "select format('alter publication %I add table %s', $1::text, "
                                "parkway.publish_as($1, $2::text::regclass))",
                                2, (struct str[]){name, str_of(t->source)}, e);
        } else if (rc == 0 && columns != NULL) {
            rc = check_columns(primary, t, columns, e);
        }
        if (rc == 0) {
            rc = let_read(primary, t, e);
        }
        if (rc != 0) {
            return err_add(e, "could not publish %s", t->name);
        }
    }
    return rc == 0 ? conn_exec(primary, "select parkway.announce_all()", e) : rc;
}

/* ---- making the mirror ---------------------------------------------------------------------- */

/* Types of one's own are not carried over: each must be there under the same name. */
static int refuse_missing_types(struct conn *primary, struct conn *replica,
                                const struct captured_table *t, struct err *e)
{
    struct rows *r;
    int rc =
        conn_query(primary,
                   "select attname, format_type(atttypid, null) from pg_attribute "
                   "where attrelid = $1::text::regclass and attnum > 0 and not attisdropped "
                   "and atttypid >= 16384 order by attnum",
                   1, (struct str[]){str_of(t->source)}, &r, e);
    if (rc != 0) {
        return rc;
    }
    for (size_t i = 0; rc == 0 && i < rows_count(r); i++) {
        struct rows *there = NULL;
        rc = conn_query(replica, "select to_regtype($1) is not null", 1,
                        (struct str[]){rows_get(r, i, 1)}, &there, e);
        if (rc == 0 && rows_text(there, 0, 0)[0] != 't') {
            rc = err_set(e, ERR_INVALID,
                         "column %s of %s has type %s, which the replica does not have: make "
                         "the type there",
                         rows_text(r, i, 0), t->name, rows_text(r, i, 1));
        }
        rows_free(there);
    }
    rows_free(r);
    return rc;
}

/* The columns that are published, and generated ones, which the replica computes itself. Nullability
 * and defaults stay with the primary, which decides what a row may hold. */
static const char columns_sql[] =
    "select string_agg(format('%I %s%s%s', a.attname, format_type(a.atttypid, a.atttypmod), "
    " case when a.attcollation <> t.typcollation "
    "      then ' collate ' || a.attcollation::regcollation::text else '' end, "
    " case when a.attgenerated <> '' "
    "      then format(' generated always as (%s) stored', pg_get_expr(d.adbin, d.adrelid)) "
    "      else '' end), ', ' order by a.attnum) "
    "from pg_attribute a join pg_type t on t.oid = a.atttypid "
    "left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum "
    "join pg_publication_tables p on p.pubname = $2 "
    "  and format('%I.%I', p.schemaname, p.tablename) = $1 "
    "where a.attrelid = $1::text::regclass and a.attnum > 0 and not a.attisdropped "
    "and (a.attname = any (p.attnames) or a.attgenerated <> '')";

static const char primary_key_sql[] = "select pg_get_constraintdef(oid) from pg_constraint "
                                      "where conrelid = $1::text::regclass and contype = 'p'";

/* Every other index: its definition without UNIQUE and name, on the target. The replica identity's own index
 * keeps its uniqueness (it is what rows are found by). */
static const char indexes_sql[] =
    "select 'create ' || case when indisreplident then 'unique ' else '' end || 'index on ' || "
    "$2::text || ' using ' || "
    "regexp_replace(pg_get_indexdef(indexrelid), '^.*? USING ', '') "
    "from pg_index where indrelid = $1::text::regclass and not indisprimary and indisvalid "
    "order by indexrelid";

static int create_indexes(struct conn *primary, struct conn *replica,
                          const struct captured_mirror *m, struct err *e)
{
    struct rows *r;
    int rc = conn_query(primary, indexes_sql, 2,
                        (struct str[]){str_of(m->table->source), str_of(m->target)}, &r, e);
    if (rc != 0) {
        return rc;
    }
    for (size_t i = 0; rc == 0 && i < rows_count(r); i++) {
        rc = conn_exec(replica, rows_text(r, i, 0), e);
    }
    rows_free(r);
    return rc;
}

static int create_table(struct conn *primary, struct conn *replica,
                        const struct captured_mirror *m, struct err *e)
{
    struct rows *columns = NULL;
    struct rows *key = NULL;
    struct str source = str_of(m->table->source);
    int rc =
        conn_query(primary, columns_sql, 2,
                   (struct str[]){source, str_of(setup()->capture_publication)}, &columns, e);
    if (rc == 0) {
        rc = conn_query(primary, primary_key_sql, 1, &source, &key, e);
    }
    if (rc == 0) {
        struct buf sql = BUF_INIT;
        bool keyed = rows_count(key) > 0;
        const char *dot = strchr(m->target, '.');
        buf_addf(
            &sql,
            "create schema if not exists %.*s; create table %s (%s%s%s); "
            "alter table %s owner to parkway; grant usage, create on schema %.*s to parkway",
            (int)(dot - m->target), m->target, m->target, rows_text(columns, 0, 0),
            keyed ? ", " : "", keyed ? rows_text(key, 0, 0) : "", m->target,
            (int)(dot - m->target), m->target);
        rc = conn_exec(replica, buf_cstr(&sql), e);
        buf_fini(&sql);
    }
    rows_free(key);
    rows_free(columns);
    return rc;
}

static int target_exists(struct conn *replica, const struct captured_mirror *m, bool *out,
                         struct err *e)
{
    struct rows *r;
    int rc = conn_query(replica, "select to_regclass($1) is not null", 1,
                        (struct str[]){str_of(m->target)}, &r, e);
    if (rc == 0) {
        *out = rows_text(r, 0, 0)[0] == 't';
        rows_free(r);
    }
    return rc;
}

int captured_check(struct conn *primary, struct conn *replica, const struct captured_mirror *m,
                   struct err *e)
{
    bool exists = false;
    int rc = target_exists(replica, m, &exists, e);
    return rc != 0 || exists ? rc : refuse_missing_types(primary, replica, m->table, e);
}

int captured_create(struct conn *primary, struct conn *replica, const struct captured_mirror *m,
                    struct err *e)
{
    bool exists = false;
    int rc = target_exists(replica, m, &exists, e);
    if (rc != 0 || exists) {
        return rc;
    }
    rc = create_table(primary, replica, m, e);
    if (rc == 0) {
        rc = create_indexes(primary, replica, m, e);
    }
    return rc != 0 ? err_add(e, "could not make %s on the replica", m->target) : 0;
}
