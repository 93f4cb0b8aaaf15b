/* digest.c - see digest.h. */
#include "consumer/digest.h"

#include "pg/conn.h"

#include <stdlib.h>

/* Row security would hide rows silently; off, it makes an error. */
const char digest_session[] = CONN_EXACT_TEXTS_SQL
    " SET timezone = 'UTC'; SET search_path = pg_catalog, public; SET row_security = off;"
    " SET default_transaction_isolation = 'read committed'; SET default_transaction_read_only "
    "= off;"
    " SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout "
    "= 0;"
    " SET jit = off; SET client_min_messages = error";

enum { SHOWN_MAX = 64, ROW_SHOWN_MAX = 300 }; /* characters of a value, of a row */

static void part_fini(struct digest_part *p, size_t columns, size_t keys)
{
    for (size_t i = 0; p->columns != NULL && i < columns; i++) {
        free(p->columns[i]);
    }
    for (size_t i = 0; i < keys; i++) {
        free(p->keys[i]);
        free(p->types[i]);
    }
    free(p->columns);
    free(p->keys);
    free(p->types);
    free(p->from);
    free(p->filter);
}

void digest_fini(struct digest *d)
{
    part_fini(&d->source, d->column_count, d->key_count);
    part_fini(&d->target, d->column_count, d->key_count);
    for (size_t i = 0; d->names != NULL && i < d->column_count; i++) {
        free(d->names[i]);
    }
    free(d->names);
    *d = (struct digest){0};
}

size_t digest_key_columns(const struct digest *d)
{
    return d->key_count > 0 ? d->key_count : 1;
}

void digest_array(struct buf *out, const struct str *texts, size_t count)
{
    buf_u8(out, '{');
    for (size_t i = 0; i < count; i++) {
        buf_adds(out, i > 0 ? ",\"" : "\"");
        for (size_t k = 0; k < texts[i].n; k++) {
            if (texts[i].p[k] == '"' || texts[i].p[k] == '\\') {
                buf_u8(out, '\\');
            }
            buf_u8(out, (uint8_t)texts[i].p[k]);
        }
        buf_u8(out, '"');
    }
    buf_u8(out, '}');
}

static void add_row(struct buf *out, const struct digest *d, const struct digest_part *p)
{
    buf_adds(out, "ROW(");
    for (size_t i = 0; i < d->column_count; i++) {
        buf_addf(out, "%s%s", i > 0 ? ", " : "", p->columns[i]);
    }
    buf_adds(out, ")::text");
}

static void add_hash(struct buf *out, const struct digest *d, const struct digest_part *p)
{
    buf_adds(out, "hashtextextended(");
    add_row(out, d, p);
    buf_adds(out, ", 0)");
}

static void add_version(struct buf *out, const struct digest_part *p)
{
    buf_adds(out,
             p->versioned ? "format('%s/%s/%s', t.tableoid::oid, t.xmin, t.ctid)" : "''::text");
}

/* "t.a, t.b" */
static void add_keys(struct buf *out, const struct digest *d, const struct digest_part *p,
                     const char *cast)
{
    for (size_t i = 0; i < d->key_count; i++) {
        buf_addf(out, "%st.%s%s", i > 0 ? ", " : "", p->keys[i], cast);
    }
}

static void add_bound(struct buf *out, const struct digest *d, const struct digest_part *p,
                      const char *op, size_t first)
{
    buf_adds(out, "(");
    add_keys(out, d, p, "");
    buf_addf(out, ") %s (", op);
    for (size_t i = 0; i < d->key_count; i++) {
        buf_addf(out, "%s$%zu::text::%s", i > 0 ? ", " : "", first + i, p->types[i]);
    }
    buf_adds(out, ")");
}

static void add_from(struct buf *out, const struct digest *d, const struct digest_part *p,
                     struct digest_range r)
{
    const char *word = " WHERE ";
    buf_addf(out, " FROM %s AS t", p->from);
    if (p->filter[0] != '\0') {
        buf_addf(out, "%s(%s)", word, p->filter);
        word = " AND ";
    }
    if (r.above) {
        buf_adds(out, word);
        add_bound(out, d, p, ">", 1);
        word = " AND ";
    }
    if (r.upto) {
        buf_adds(out, word);
        add_bound(out, d, p, "<=", r.above ? d->key_count + 1 : 1);
    }
}

void digest_edge(struct buf *out, const struct digest *d, const struct digest_part *p,
                 bool above, size_t rows)
{
    buf_adds(out, "SELECT ");
    add_keys(out, d, p, "::text");
    add_from(out, d, p, (struct digest_range){above, false});
    buf_adds(out, " ORDER BY ");
    add_keys(out, d, p, "");
    buf_addf(out, " OFFSET %zu LIMIT 1", rows - 1);
}

void digest_sum(struct buf *out, const struct digest *d, const struct digest_part *p,
                struct digest_range r)
{
    buf_adds(out, "SELECT count(*), coalesce(sum(");
    add_hash(out, d, p);
    buf_adds(out, "), 0)");
    add_from(out, d, p, r);
}

void digest_list(struct buf *out, const struct digest *d, const struct digest_part *p,
                 struct digest_range r, size_t max)
{
    buf_adds(out, "SELECT ");
    add_keys(out, d, p, "::text");
    buf_adds(out, ", ");
    add_hash(out, d, p);
    add_from(out, d, p, r);
    buf_adds(out, " ORDER BY ");
    add_keys(out, d, p, "");
    buf_addf(out, " LIMIT %zu", max);
}

/* "(SELECT hash AS h …) AS q" */
static void add_hashes(struct buf *out, const struct digest *d, const struct digest_part *p,
                       bool versions, bool values)
{
    buf_adds(out, "(SELECT ");
    add_hash(out, d, p);
    buf_adds(out, " AS h");
    if (versions) {
        buf_adds(out, ", ");
        add_version(out, p);
        buf_adds(out, " AS v");
    }
    if (values) {
        buf_adds(out, ", ");
        add_row(out, d, p);
        buf_adds(out, " AS r");
    }
    add_from(out, d, p, (struct digest_range){false, false});
    buf_adds(out, ") AS q");
}

void digest_buckets(struct buf *out, const struct digest *d, const struct digest_part *p,
                    uint32_t mask)
{
    buf_addf(out, "SELECT h & %u, count(*), sum(h) FROM ", mask);
    add_hashes(out, d, p, false, false);
    buf_adds(out, " GROUP BY 1");
}

void digest_groups(struct buf *out, const struct digest *d, const struct digest_part *p,
                   uint32_t mask)
{
    buf_adds(out, "SELECT h, count(*) FROM ");
    add_hashes(out, d, p, false, false);
    buf_addf(out, " WHERE h & %u = ANY ($1::bigint[]) GROUP BY 1", mask);
}

/* The text of a value, cut; what was cut off leaves its length and checksum. */
static void add_shown(struct buf *out, const char *expression)
{
    buf_addf(
        out,
        "CASE WHEN %s IS DISTINCT FROM NULL THEN (SELECT CASE WHEN length(x) <= %d THEN x"
        " ELSE format('%%s… (%%s characters, md5 %%s)', left(x, %d), length(x), md5(x)) END"
        " FROM (SELECT concat(%s)) AS v(x)) END",
        expression, SHOWN_MAX, SHOWN_MAX - 16, expression);
}

static void rows_by_key(struct buf *out, const struct digest *d, const struct digest_part *p,
                        bool values)
{
    buf_adds(out, "SELECT u.parkway_n, ");
    add_hash(out, d, p);
    buf_adds(out, ", ");
    add_version(out, p);
    for (size_t i = 0; i < d->key_count; i++) {
        buf_addf(out, "%st.%s::text = u.parkway_%zu", i > 0 ? " AND " : ", ", p->keys[i], i);
    }
    for (size_t i = 0; values && i < d->column_count; i++) {
        buf_adds(out, ", ");
        add_shown(out, p->columns[i]);
    }
    buf_adds(out, " FROM unnest(");
    for (size_t i = 0; i < d->key_count; i++) {
        buf_addf(out, "%s$%zu::text[]", i > 0 ? ", " : "", i + 1);
    }
    buf_adds(out, ") WITH ORDINALITY AS u(");
    for (size_t i = 0; i < d->key_count; i++) {
        buf_addf(out, "parkway_%zu, ", i);
    }
    buf_addf(out, "parkway_n) JOIN %s AS t ON ", p->from);
    for (size_t i = 0; i < d->key_count; i++) {
        buf_addf(out, "%st.%s = u.parkway_%zu::%s", i > 0 ? " AND " : "", p->keys[i], i,
                 p->types[i]);
    }
    if (p->filter[0] != '\0') {
        buf_addf(out, " WHERE (%s)", p->filter);
    }
}

void digest_rows(struct buf *out, const struct digest *d, const struct digest_part *p,
                 bool values)
{
    if (d->key_count > 0) {
        rows_by_key(out, d, p, values);
        return;
    }
    buf_adds(out, "SELECT u.n, q.count, q.v, true");
    buf_adds(out, values ? ", q.r" : "");
    buf_adds(out, " FROM (SELECT h, count(*), sum(hashtextextended(v, 0)) AS v");
    if (values) {
        buf_addf(out, ", min(left(r, %d)) AS r", ROW_SHOWN_MAX);
    }
    buf_adds(out, " FROM ");
    add_hashes(out, d, p, true, values);
    buf_adds(out, " WHERE h = ANY ($1::text[]::bigint[]) GROUP BY h) AS q"
                  " JOIN unnest($1::text[]) WITH ORDINALITY AS u(h, n) ON q.h = u.h::bigint");
}
