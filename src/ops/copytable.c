/* copytable.c - see copytable.h. Names and literals are quoted by the servers. */
#include "ops/copytable.h"

#include "base/buf.h"
#include "consumer/chunk.h"
#include "event/setup.h"
#include "ops/bootstrap_conf.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    CHUNK_BYTES = 64 * 1024 * 1024, /* a piece of wide rows holds about so much */
    SAMPLE_EACH =
        2000, /* rows looked at for each piece: its size is right within some percent */
};

/* ---- shape ---------------------------------------------------------------------------------- */

/* The files of the table: its own, or those of all its partitions. */
#define TREE_SQL                                                                               \
    "with tree as (select $1::text::regclass::oid as oid union "                               \
    "  select relid::oid from pg_partition_tree($1::text::regclass) where isleaf) "

#define SHAPE_SQL                                                                              \
    "md5(concat_ws('|', c.oid, c.relkind, c.relreplident, c.relnatts, p.attnames, "            \
    "p.rowfilter, "                                                                            \
    " (select string_agg(concat_ws(' ', a.attnum, a.xmin, a.attname, a.atttypid, "             \
    "a.atttypmod, "                                                                            \
    "     a.attcollation, a.attgenerated), ',' order by a.attnum) from pg_attribute a "        \
    "   where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped), "                   \
    " (select string_agg(concat_ws(' ', i.indexrelid, i.indkey), ',' order by i.indexrelid) "  \
    "   from pg_index i where i.indrelid = c.oid and (i.indisprimary or i.indisreplident)), "  \
    " (select string_agg(t.oid || ':' || coalesce(pg_relation_filenode(t.oid), 0), ',' "       \
    "   order by t.oid) from tree t)))"

#define FROM_SQL                                                                               \
    " from pg_class c join pg_publication_tables p on p.pubname = $2 "                         \
    "  and format('%I.%I', p.schemaname, p.tablename) = $1 where c.oid = $1::text::regclass"

static const char shape_sql[] = TREE_SQL "select " SHAPE_SQL FROM_SQL;

/* fresh: the files are those that the snapshot knows. Sizes are of now, rows by the last ANALYZE's density. */
static const char inspect_sql[] = TREE_SQL
    "select " SHAPE_SQL ", "
    " (select bool_and(k.oid is not null and "
    "    coalesce(k.relfilenode, 0) = coalesce(pg_relation_filenode(t.oid), 0)) "
    "   from tree t left join pg_class k on k.oid = t.oid) as fresh, "
    " l.columns, l.names, coalesce(p.rowfilter, ''), "
    " case c.relkind when 'r' then 'only ' else '' end || $1, "
    " s.rows, s.bytes"
    " from pg_class c join pg_publication_tables p on p.pubname = $2 "
    "  and format('%I.%I', p.schemaname, p.tablename) = $1, "
    " lateral (select string_agg(quote_ident(attname), ', ' order by attnum) as columns, "
    "   array_agg(attname::text order by attnum)::text as names from pg_attribute "
    "   where attrelid = c.oid and attnum > 0 and attgenerated = '' "
    "   and attname = any (p.attnames)) l, "
    " lateral (select coalesce(sum(case when k.reltuples > 0 and k.relpages > 0 "
    "   then k.reltuples / k.relpages * (pg_relation_size(k.oid) "
    "        / current_setting('block_size')::int) "
    "   else pg_relation_size(k.oid) / 64 end), 0)::bigint as rows, "
    "   coalesce(sum(pg_table_size(k.oid)), 0)::bigint as bytes "
    "   from tree t join pg_class k on k.oid = t.oid where k.relkind <> 'p') s "
    " where c.oid = $1::text::regclass";

static int lock(const struct copytable *t, struct conn *primary, struct err *e)
{
    struct buf sql = BUF_INIT;
    buf_addf(&sql, "lock table %s in access share mode", t->from);
    int rc = conn_exec(primary, buf_cstr(&sql), e);
    buf_fini(&sql);
    return rc;
}

static int ask(struct conn *c, const char *sql, const struct copytable *t, struct rows **out,
               struct err *e)
{
    struct str params[2] = {str_of(t->table->source), str_of(setup()->capture_publication)};
    return conn_query(c, sql, 2, params, out, e);
}

int copytable_same(const struct copytable *t, struct conn *primary, bool *out, struct err *e)
{
    struct rows *r = NULL;
    int rc = lock(t, primary, e);
    if (rc == 0) {
        rc = ask(primary, shape_sql, t, &r, e);
    }
    *out = rc == 0 && rows_count(r) > 0 && strcmp(rows_text(r, 0, 0), t->shape) == 0;
    rows_free(r);
    return rc;
}

static void replace(char **text, const char *with)
{
    free(*text);
    *text = def_strdup(with);
}

/* ---- the key -------------------------------------------------------------------------------- */

/* The facts by which a collation orders. */
#define FACTS_SQL                                                                              \
    "coalesce(case when co.collprovider = 'd' then "                                           \
    "  (select concat_ws('|', datlocprovider, datcollate, daticulocale, "                      \
    "     pg_database_collation_actual_version(oid)) from pg_database "                        \
    "   where datname = current_database()) "                                                  \
    " else concat_ws('|', co.collprovider, co.collcollate, co.colliculocale, "                 \
    "   co.collisdeterministic, pg_collation_actual_version(co.oid)) end "                     \
    " || '|' || pg_encoding_to_char((select encoding from pg_database "                        \
    "   where datname = current_database())), '')"

/* One row a key column. usable: it is in the log, and its type is built in and no name of an object (those are numbers,
 * which differ) and no money (whose text is the session's). */
static const char key_sql[] =
    "select quote_ident(a.attname), a.attname, "
    " format('%I.%I', tn.nspname, ty.typname) || case when co.oid is null then '' "
    "   else format(' collate %I.%I', cn.nspname, co.collname) end, "
    " case when co.oid is null then '' else format('%I.%I', cn.nspname, co.collname) end, "
    " " FACTS_SQL ", "
    " ty.oid < 16384 and ty.typname !~ '^_?(reg|money$)' and a.attgenerated = '' "
    "  and a.attname = any (p.attnames) "
    "from pg_class c join pg_index i on i.indrelid = c.oid and i.indisvalid and "
    "  case c.relreplident when 'i' then i.indisreplident else i.indisprimary end "
    "join pg_publication_tables p on p.pubname = $2 "
    "  and format('%I.%I', p.schemaname, p.tablename) = $1, "
    "unnest(i.indkey::int2[]) with ordinality as k(attnum, n), "
    "lateral (select * from pg_attribute where attrelid = c.oid and attnum = k.attnum) a "
    "left join pg_collation co on co.oid = a.attcollation "
    "left join pg_namespace cn on cn.oid = co.collnamespace, "
    "lateral (with recursive b as (select oid, typbasetype from pg_type where oid = a.atttypid "
    "   union all select d.oid, d.typbasetype from b join pg_type d on d.oid = b.typbasetype) "
    "  select d.* from b join pg_type d on d.oid = b.oid where b.typbasetype = 0) ty "
    "join pg_namespace tn on tn.oid = ty.typnamespace "
    "where c.oid = $1::text::regclass and k.n <= i.indnkeyatts order by k.n";

enum { KEY_QUOTED, KEY_NAME, KEY_CAST, KEY_COLLATION, KEY_FACTS, KEY_USABLE };

static const char collation_sql[] =
    "select " FACTS_SQL
    " from pg_collation co join pg_namespace cn on cn.oid = co.collnamespace "
    "where format('%I.%I', cn.nspname, co.collname) = $1 and co.collencoding in (-1, "
    "  (select encoding from pg_database where datname = current_database()))";

/* Whether the replica orders texts of this collation as the primary does. */
static int same_order(struct conn *replica, const struct rows *key, size_t i, bool *out,
                      struct err *e)
{
    const char *collation = rows_text(key, i, KEY_COLLATION);
    struct rows *r = NULL;
    *out = collation[0] == '\0';
    if (*out) {
        return 0;
    }
    int rc = conn_query(replica, collation_sql, 1, (struct str[]){str_of(collation)}, &r, e);
    if (rc == 0) {
        *out =
            rows_count(r) == 1 && strcmp(rows_text(r, 0, 0), rows_text(key, i, KEY_FACTS)) == 0;
        rows_free(r);
    }
    return rc;
}

/* An array's element, quoted always. */
static void add_element(struct buf *b, const char *text)
{
    buf_adds(b, b->len > 1 ? ",\"" : "\"");
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') {
            buf_u8(b, '\\');
        }
        buf_u8(b, (uint8_t)*text);
    }
    buf_u8(b, '"');
}

static int find_key(struct copytable *t, struct conn *primary, struct conn *replica,
                    struct err *e)
{
    struct rows *r = NULL;
    struct buf columns = BUF_INIT;
    struct buf texts = BUF_INIT;
    struct buf key = BUF_INIT;
    struct buf casts = BUF_INIT;
    int rc = ask(primary, key_sql, t, &r, e);
    bool usable = rc == 0 && rows_count(r) > 0;
    buf_adds(&key, "{");
    buf_adds(&casts, "{");
    for (size_t i = 0; rc == 0 && usable && i < rows_count(r); i++) {
        usable = rows_text(r, i, KEY_USABLE)[0] == 't';
        if (usable) {
            rc = same_order(replica, r, i, &usable, e);
        }
        buf_addf(&columns, "%s%s", i > 0 ? ", " : "", rows_text(r, i, KEY_QUOTED));
        buf_addf(&texts, "%s%s::text", i > 0 ? ", " : "", rows_text(r, i, KEY_QUOTED));
        add_element(&key, rows_text(r, i, KEY_NAME));
        add_element(&casts, rows_text(r, i, KEY_CAST));
    }
    buf_adds(&key, "}");
    buf_adds(&casts, "}");
    replace(&t->key_columns, usable ? buf_cstr(&columns) : "");
    replace(&t->key_texts, usable ? buf_cstr(&texts) : "");
    replace(&t->key, usable ? buf_cstr(&key) : "{}");
    replace(&t->casts, usable ? buf_cstr(&casts) : "{}");
    buf_fini(&casts);
    buf_fini(&key);
    buf_fini(&texts);
    buf_fini(&columns);
    rows_free(r);
    return rc;
}

/* ---- the form ------------------------------------------------------------------------------- */

/* For each name the type, through domains, as a number that both sides share; 0 where binary cannot be trusted. */
static const char types_sql[] =
    "select coalesce(string_agg(coalesce(ty.safe, 0)::text, ',' order by n.i), ''), "
    " coalesce(bool_and(a.attname is not null), true), "
    " coalesce(string_agg(format_type(a.atttypid, a.atttypmod), ',' order by n.i), '') "
    "from unnest($2::text[]) with ordinality as n(name, i) "
    "left join pg_attribute a on a.attrelid = $1::text::regclass and a.attname = n.name "
    "  and not a.attisdropped and a.attgenerated = '' and a.attnum > 0 "
    "left join lateral (with recursive b as (select oid, typbasetype from pg_type "
    "    where oid = a.atttypid union all select d.oid, d.typbasetype from b "
    "    join pg_type d on d.oid = b.typbasetype) "
    "  select case when d.oid < 16384 and d.typname !~ '^_?reg' and d.typsend <> 0 "
    "    and d.typreceive <> 0 and (d.typelem = 0 or x.typsend <> 0 and x.typreceive <> 0) "
    "    then d.oid::int else 0 end as safe "
    "  from b join pg_type d on d.oid = b.oid left join pg_type x on x.oid = d.typelem "
    "  where b.typbasetype = 0) ty on true";

static int types_of(const struct copytable *t, struct conn *c, const char *relation,
                    struct rows **out, struct err *e)
{
    return conn_query(c, types_sql, 2, (struct str[]){str_of(relation), str_of(t->names)}, out,
                      e);
}

static bool all_binary(const char *numbers)
{
    for (const char *p = numbers; p != NULL;
         p = strchr(p, ',') != NULL ? strchr(p, ',') + 1 : NULL) {
        if (*p == '0' || *p == '\0') {
            return false;
        }
    }
    return true;
}

static int choose_form(struct copytable *t, struct conn *primary, struct conn *replica,
                       struct err *e)
{
    struct rows *source = NULL;
    int rc = types_of(t, primary, t->table->source, &source, e);
    for (size_t i = 0; rc == 0 && i < t->target_count; i++) {
        struct rows *target = NULL;
        rc = types_of(t, replica, t->targets[i].mirror->target, &target, e);
        t->targets[i].binary = rc == 0 && all_binary(rows_text(source, 0, 0)) &&
                               strcmp(rows_text(source, 0, 0), rows_text(target, 0, 0)) == 0;
        rows_free(target);
    }
    rows_free(source);
    return rc;
}

int copytable_fits(const struct copytable *t, struct conn *primary, struct conn *replica,
                   bool *fits, bool *missing, struct err *e)
{
    struct rows *source = NULL;
    int rc = types_of(t, primary, t->table->source, &source, e);
    *fits = true;
    *missing = false;
    for (size_t i = 0; rc == 0 && i < t->target_count; i++) {
        struct rows *target = NULL;
        rc = types_of(t, replica, t->targets[i].mirror->target, &target, e);
        if (rc == 0) {
            *missing = *missing || rows_text(target, 0, 1)[0] != 't';
            *fits = *fits && !*missing &&
                    strcmp(rows_text(source, 0, 2), rows_text(target, 0, 2)) == 0;
        }
        rows_free(target);
    }
    rows_free(source);
    return rc;
}

int copytable_inspect(struct copytable *t, struct conn *primary, struct conn *replica,
                      struct err *e)
{
    enum { SHAPE, FRESH, COLUMNS, NAMES, FILTER, FROM, ROWS, BYTES };
    struct rows *r = NULL;
    replace(&t->from, t->table->source);
    int rc = lock(t, primary, e);
    if (rc == 0) {
        rc = ask(primary, inspect_sql, t, &r, e);
    }
    if (rc != 0) {
        return err_add(e, "could not look at %s", t->table->name);
    }
    if (rows_count(r) == 0) {
        rows_free(r);
        return err_set(e, ERR_CONFLICT, "%s was taken out of the publication meanwhile",
                       t->table->name);
    }
    t->stale = rows_text(r, 0, FRESH)[0] != 't';
    replace(&t->shape, rows_text(r, 0, SHAPE));
    replace(&t->columns, rows_text(r, 0, COLUMNS));
    replace(&t->names, rows_text(r, 0, NAMES));
    replace(&t->filter, rows_text(r, 0, FILTER));
    replace(&t->from, rows_text(r, 0, FROM));
    t->rows_estimated = rows_int(r, 0, ROWS);
    t->bytes_estimated = rows_int(r, 0, BYTES);
    rows_free(r);
    rc = find_key(t, primary, replica, e);
    if (rc == 0) {
        rc = choose_form(t, primary, replica, e);
    }
    return rc;
}

/* ---- pieces --------------------------------------------------------------------------------- */

void copytable_fini(struct copytable *t)
{
    for (size_t i = 0; i < t->chunk_count; i++) {
        free(t->chunks[i].lower);
    }
    free(t->chunks);
    free(t->targets);
    char *texts[] = {t->shape, t->stored_shape, t->columns,   t->names, t->filter,
                     t->from,  t->key_columns,  t->key_texts, t->key,   t->casts};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        free(texts[i]);
    }
    *t = (struct copytable){0};
}

/* The first key of each piece but the first, as text[]s. The pages of a sample are read whole, so a table that was filled in
 * the order of its key gives runs of neighbours; many pages make that harmless. */
static int sample(const struct copytable *t, struct conn *primary, size_t wanted,
                  struct rows **out, struct err *e)
{
    struct buf sql = BUF_INIT;
    double percent = 100.0 * SAMPLE_EACH * (double)wanted / (double)t->rows_estimated;
    buf_addf(&sql, "with s as (select %s from %s", t->key_columns, t->from);
    if (percent < 50) {
        buf_addf(&sql, " tablesample system (%f)", percent);
    }
    buf_addf(
        &sql,
        "%s%s), o as (select *, row_number() over (order by %s) as \"$r\", "
        "count(*) over () as \"$c\" from s) select array[%s]::text from o where \"$r\" > 1 "
        "and (\"$r\" - 1) * %zu / \"$c\" > (\"$r\" - 2) * %zu / \"$c\" order by \"$r\"",
        t->filter[0] != '\0' ? " where " : "", t->filter, t->key_columns, t->key_texts, wanted,
        wanted);
    int rc = conn_query(primary, buf_cstr(&sql), 0, NULL, out, e);
    buf_fini(&sql);
    return rc;
}

/* What was parked of a target is behind the rows that are about to come; nothing needs to wait for it. */
static int clear_parked(struct conn *replica, const char *consumer, const char *target,
                        struct err *e)
{
    return conn_query(replica,
                      "with gone as (delete from parkway.parked where consumer = $1 "
                      "and relation = array_to_string(parse_ident($2), '.') "
                      "and state in ('parked', 'retry', 'skipped') returning *) "
                      "insert into parkway.parked_audit "
                      "(who, action, consumer, parked_id, relation, key, position) "
                      "select 'bootstrap', 'cleared', consumer, id, relation, key, position "
                      "from gone where op <> 'moved'",
                      2, (struct str[]){str_of(consumer), str_of(target)}, NULL, e);
}

static int empty_targets(const struct copytable *t, struct conn *replica, const char *consumer,
                         struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < t->target_count; i++) {
        const char *target = t->targets[i].mirror->target;
        struct buf sql = BUF_INIT;
        buf_addf(&sql, "truncate %s", target);
        rc = conn_exec(replica, buf_cstr(&sql), e);
        buf_fini(&sql);
        rc = rc == 0 ? clear_parked(replica, consumer, target, e) : rc;
    }
    return rc;
}

static int book_chunk(const struct copytable *t, struct conn *replica, const char *consumer,
                      size_t number, const char *lower, int64_t estimated, struct err *e)
{
    char chunk[24];
    char rows[24];
    snprintf(chunk, sizeof chunk, "%zu", number);
    snprintf(rows, sizeof rows, "%" PRId64, estimated);
    struct str params[] = {str_of(consumer), str_of(t->table->name), str_of(chunk),
                           str_of(lower), str_of(rows)};
    return conn_query(replica,
                      "insert into parkway.table_chunk (consumer, relation, chunk, lower, "
                      "rows_estimated) values ($1, $2, $3::int, $4::text[], $5::bigint)",
                      ARRAY_LEN(params), params, NULL, e);
}

/* Two runs that are both at this wait for each other at the row of parkway.table_start. */
static int book(const struct copytable *t, struct conn *replica, const char *consumer,
                const struct rows *bounds, size_t count, struct err *e)
{
    struct str params[] = {str_of(consumer), str_of(t->table->name), str_of(t->shape),
                           str_of(t->key), str_of(t->casts)};
    int rc =
        conn_query(replica,
                   "update parkway.table_start set epoch = '', lsn = null, shape = $3, "
                   "key = $4::text[], casts = $5::text[] where consumer = $1 and relation = $2",
                   ARRAY_LEN(params), params, NULL, e);
    if (rc == 0) {
        rc = conn_query(replica,
                        "delete from parkway.table_chunk where consumer = $1 and relation = $2",
                        2, params, NULL, e);
    }
    rc = rc == 0 ? empty_targets(t, replica, consumer, e) : rc;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = book_chunk(t, replica, consumer, i, i > 0 ? rows_text(bounds, i - 1, 0) : NULL,
                        t->rows_estimated / (int64_t)count, e);
    }
    return rc;
}

int copytable_plan(struct copytable *t, struct conn *primary, struct conn *replica,
                   const char *consumer, struct err *e)
{
    struct rows *bounds = NULL;
    int rc = 0;
    size_t wanted =
        t->key_columns[0] == '\0'
            ? 1
            : chunk_wanted((uint64_t)t->rows_estimated, (uint64_t)t->bytes_estimated,
                           (uint64_t)bootstrap_conf()->chunk_rows, CHUNK_BYTES);
    if (wanted > 1) {
        rc = sample(t, primary, wanted, &bounds, e);
    }
    if (rc == 0) {
        rc = conn_exec(replica, "begin", e);
    }
    if (rc == 0) {
        rc = book(t, replica, consumer, bounds, 1 + (bounds != NULL ? rows_count(bounds) : 0),
                  e);
    }
    if (rc == 0) {
        rc = conn_exec(replica, "commit", e);
    }
    rows_free(bounds);
    return rc == 0 ? copytable_load(t, replica, consumer, e)
                   : err_add(e, "could not plan the copy of %s", t->table->name);
}

int copytable_load(struct copytable *t, struct conn *replica, const char *consumer,
                   struct err *e)
{
    enum { SHAPE, MADE, NUMBER, LOWER, ESTIMATED, ROWS, BYTES, DONE };
    struct rows *r = NULL;
    struct str params[] = {str_of(consumer), str_of(t->table->name)};
    int rc =
        conn_query(replica,
                   "select s.shape, s.made, c.chunk, (select string_agg(quote_literal(x.b) || "
                   "  '::' || x.t, ', ' order by x.i) from unnest(c.lower, s.casts) "
                   "  with ordinality as x(b, t, i)), c.rows_estimated, c.rows, c.bytes, "
                   "  c.lsn is not null "
                   "from parkway.table_start s join parkway.table_chunk c "
                   "using (consumer, relation) where consumer = $1 and relation = $2 "
                   "order by c.chunk",
                   ARRAY_LEN(params), params, &r, e);
    if (rc != 0) {
        return rc;
    }
    for (size_t i = 0; i < t->chunk_count; i++) {
        free(t->chunks[i].lower);
    }
    t->chunk_count = rows_count(r);
    t->chunks = def_realloc(t->chunks, (t->chunk_count + 1) * sizeof *t->chunks);
    t->missing = 0;
    t->next = 0;
    replace(&t->stored_shape, t->chunk_count > 0 ? rows_text(r, 0, SHAPE) : "");
    t->made = t->chunk_count > 0 ? rows_text(r, 0, MADE)[0] == 't' : t->made;
    for (size_t i = 0; i < t->chunk_count; i++) {
        bool first = rows_get(r, i, LOWER).p == NULL;
        t->chunks[i] =
            (struct copychunk){.number = rows_int(r, i, NUMBER),
                               .lower = first ? NULL : def_strdup(rows_text(r, i, LOWER)),
                               .rows_estimated = rows_int(r, i, ESTIMATED),
                               .rows = rows_int(r, i, ROWS),
                               .bytes = rows_int(r, i, BYTES),
                               .done = rows_text(r, i, DONE)[0] == 't'};
        t->missing += !t->chunks[i].done;
    }
    rows_free(r);
    return 0;
}

void copytable_statements(const struct copytable *t, size_t chunk, const struct copytarget *to,
                          struct buf *out, struct buf *in)
{
    const char *lower = t->chunks[chunk].lower;
    const char *upper = chunk + 1 < t->chunk_count ? t->chunks[chunk + 1].lower : NULL;
    const char *form = to->binary ? " with (format binary)" : "";
    const char *and = " where ";
    buf_addf(out, "copy (select %s from %s", t->columns, t->from);
    if (t->filter[0] != '\0') {
        buf_addf(out, "%s(%s)", and, t->filter);
        and = " and ";
    }
    if (lower != NULL) {
        buf_addf(out, "%srow(%s) >= row(%s)", and, t->key_columns, lower);
        and = " and ";
    }
    if (upper != NULL) {
        buf_addf(out, "%srow(%s) < row(%s)", and, t->key_columns, upper);
    }
    buf_addf(out, ") to stdout%s", form);
    buf_addf(in, "copy %s (%s) from stdin%s", to->mirror->target, t->columns, form);
}
