/* statement.c - see statement.h. Source: PostgreSQL 15, array_send's form (src/include/utils/array.h
 * describes the header), COPY's text format. */
#include "consumer/statement.h"

#include "pg/pipeline.h"

#include <stdatomic.h>
#include <stdio.h>

enum { TEXT_OID = 25, ARRAY_HEADER = 20 };

/* --- texts --------------------------------------------------------------------------------------- */

static void add_param(struct sink_statement *st, bool old, size_t column)
{
    st->params = def_realloc(st->params, (st->param_count + 1) * sizeof *st->params);
    st->params[st->param_count++] = (struct sink_param){old, (uint16_t)column};
}

/* "u.a<n>::type" of the parameter for (old, column); adds it when it is new. */
static void add_value(struct buf *b, const struct sink *s, struct sink_statement *st, bool old,
                      size_t column)
{
    size_t n = 0;
    while (n < st->param_count &&
           (st->params[n].old != old || st->params[n].column != column)) {
        n++;
    }
    if (n == st->param_count) {
        add_param(st, old, column);
    }
    buf_addf(b, "u.a%zu::%s", n, s->columns[column].type);
}

static void add_unnest(struct buf *b, const struct sink_statement *st)
{
    buf_adds(b, "unnest(");
    for (size_t i = 0; i < st->param_count; i++) {
        buf_addf(b, "%s$%zu::text[]", i > 0 ? ", " : "", i + 1);
    }
    buf_adds(b, ") AS u(");
    for (size_t i = 0; i < st->param_count; i++) {
        buf_addf(b, "%sa%zu", i > 0 ? ", " : "", i);
    }
    buf_adds(b, ")");
}

static void add_key_match(struct buf *b, const struct sink *s, struct sink_statement *st,
                          bool old)
{
    for (size_t i = 0; i < s->plan.key_count; i++) {
        size_t column = s->key[i];
        buf_addf(b, "%st.%s = ", i > 0 ? " AND " : "", s->columns[column].quoted);
        add_value(b, s, st, old, column);
    }
}

/* Whole rows are compared as text, both sides cast the same way: some types have no equality. */
static void add_row_match(struct buf *b, const struct sink *s, struct sink_statement *st)
{
    for (size_t i = 0; i < s->plan.column_count; i++) {
        buf_addf(b, "%ss.%s::text IS NOT DISTINCT FROM ", i > 0 ? " AND " : "",
                 s->columns[i].quoted);
        add_value(b, s, st, true, i);
        buf_adds(b, "::text");
    }
}

/* One of the rows that match, found by its place in the table (of a partitioned one: in which partition). */
static void add_one_row(struct buf *b, const struct sink *s, const struct sink_statement *st,
                        const char *match)
{
    buf_adds(b, "(SELECT u.*, s.ctid AS place, s.tableoid AS part FROM ");
    add_unnest(b, st);
    buf_addf(b,
             ", %s AS s WHERE %s LIMIT 1) AS u WHERE t.ctid = u.place AND t.tableoid = u.part",
             s->target, match);
}

static bool is_key(const struct sink *s, size_t column)
{
    for (size_t i = 0; i < s->plan.key_count; i++) {
        if (s->key[i] == column) {
            return true;
        }
    }
    return false;
}

/* "c = value, …" of all columns that an update sets; false when there is none. */
static bool add_assignments(struct buf *b, const struct sink *s, struct sink_statement *st,
                            bool from_excluded)
{
    bool any = false;
    for (size_t i = 0; i < s->plan.column_count; i++) {
        if (is_key(s, i) || s->columns[i].identity || st->mask[i] == '~') {
            continue;
        }
        buf_addf(b, "%s%s = ", any ? ", " : "", s->columns[i].quoted);
        if (from_excluded) {
            buf_addf(b, "excluded.%s", s->columns[i].quoted);
        } else {
            add_value(b, s, st, false, i);
        }
        any = true;
    }
    return any;
}

static void text_update(struct buf *out, const struct sink *s, struct sink_statement *st)
{
    struct buf set = BUF_INIT;
    struct buf where = BUF_INIT;
    bool any = add_assignments(&set, s, st, false);
    if (st->op == SINK_UPDATE_ROW) {
        add_row_match(&where, s, st);
    } else {
        add_key_match(&where, s, st, false);
    }
    if (!any) { /* nothing to set: only count the rows that are there */
        bool by_key = st->op == SINK_UPDATE;
        buf_addf(out, "SELECT FROM %s AS %s, ", s->target, by_key ? "t" : "s");
        add_unnest(out, st);
        buf_addf(out, " WHERE %s%s", buf_cstr(&where), by_key ? "" : " LIMIT 1");
    } else if (st->op == SINK_UPDATE) {
        buf_addf(out, "UPDATE %s AS t SET %s FROM ", s->target, buf_cstr(&set));
        add_unnest(out, st);
        buf_addf(out, " WHERE %s", buf_cstr(&where));
    } else {
        buf_addf(out, "UPDATE %s AS t SET %s FROM ", s->target, buf_cstr(&set));
        add_one_row(out, s, st, buf_cstr(&where));
    }
    buf_fini(&set);
    buf_fini(&where);
}

static void text_delete(struct buf *out, const struct sink *s, struct sink_statement *st)
{
    struct buf where = BUF_INIT;
    if (st->op == SINK_DELETE) {
        add_key_match(&where, s, st, true);
    } else {
        add_row_match(&where, s, st);
    }
    buf_addf(out, "DELETE FROM %s AS t USING ", s->target);
    if (st->op == SINK_DELETE) {
        add_unnest(out, st);
        buf_addf(out, " WHERE %s", buf_cstr(&where));
    } else {
        add_one_row(out, s, st, buf_cstr(&where));
    }
    buf_fini(&where);
}

static void text_insert(struct buf *out, const struct sink *s, struct sink_statement *st)
{
    struct buf values = BUF_INIT;
    for (size_t i = 0; i < s->plan.column_count; i++) {
        buf_adds(&values, i > 0 ? ", " : "");
        add_value(&values, s, st, false, i);
    }
    buf_addf(out, "INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM ", s->target,
             s->column_list, buf_cstr(&values));
    add_unnest(out, st);
    if (s->unique) {
        buf_adds(out, " ON CONFLICT (");
        for (size_t i = 0; i < s->plan.key_count; i++) {
            buf_addf(out, "%s%s", i > 0 ? ", " : "", s->columns[s->key[i]].quoted);
        }
        struct buf set = BUF_INIT;
        if (st->op == SINK_UPSERT && add_assignments(&set, s, st, true)) {
            buf_addf(out, ") DO UPDATE SET %s", buf_cstr(&set));
        } else {
            buf_adds(out, ") DO NOTHING");
        }
        buf_fini(&set);
    }
    buf_fini(&values);
}

static void text_move(struct buf *out, const struct sink *s, struct sink_statement *st)
{
    struct buf where = BUF_INIT;
    struct buf values = BUF_INIT;
    struct buf columns = BUF_INIT;
    for (size_t i = 0; i < s->plan.column_count; i++) {
        buf_addf(&columns, "%s%s", i > 0 ? ", " : "", s->columns[i].quoted);
        buf_adds(&values, i > 0 ? ", " : "");
        if (st->mask[i] == '~') {
            buf_addf(&values, "o.%s", s->columns[i].quoted);
        } else {
            add_value(&values, s, st, false, i);
        }
    }
    for (size_t i = 0; i < s->extra_count; i++) {
        buf_addf(&columns, ", %s", s->extra[i]);
        buf_addf(&values, ", o.%s", s->extra[i]);
    }
    add_key_match(&where, s, st, true);
    buf_adds(out, "WITH u AS MATERIALIZED (SELECT * FROM ");
    add_unnest(out, st);
    buf_addf(out,
             "), o AS (DELETE FROM %s AS t USING u WHERE %s RETURNING t.*)"
             " INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM o, u",
             s->target, buf_cstr(&where), s->target, buf_cstr(&columns), buf_cstr(&values));
    buf_fini(&where);
    buf_fini(&values);
    buf_fini(&columns);
}

/* The division by the number of rows fails when there is none. */
static void make_sure(struct buf *sql)
{
    struct buf whole = BUF_INIT;
    bool changes = strncmp(buf_cstr(sql), "SELECT", 6) != 0;
    buf_addf(&whole, "WITH w AS (%s%s) SELECT 1 / count(*) FROM w", buf_cstr(sql),
             changes ? " RETURNING 1" : "");
    buf_reset(sql);
    buf_addstr(sql, buf_str(&whole));
    buf_fini(&whole);
}

int statement_prepare(struct sink *s, struct sink_statement *st, struct conn *c, struct err *e)
{
    static _Atomic unsigned long serial; /* names stay unique on every connection */
    struct buf sql = BUF_INIT;
    switch (st->op) {
    case SINK_DELETE:
    case SINK_DELETE_ROW: text_delete(&sql, s, st); break;
    case SINK_UPDATE:
    case SINK_UPDATE_ROW: text_update(&sql, s, st); break;
    case SINK_INSERT:
    case SINK_UPSERT: text_insert(&sql, s, st); break;
    case SINK_MOVE: text_move(&sql, s, st); break;
    }
    if (st->sure) {
        make_sure(&sql);
    }
    snprintf(st->name, sizeof st->name, "s%lu", atomic_fetch_add(&serial, 1));
    int rc = st->param_count <= PIPELINE_PARAMS_MAX
                 ? pipeline_prepare(c, st->name, buf_cstr(&sql), e)
                 : err_sql(e, ERR_SQL, "54011", "table %s has too many columns", s->target);
    buf_fini(&sql);
    return rc;
}

/* --- parameters ------------------------------------------------------------------------------------ */

static struct str value_of(const struct plan_row *r, struct sink_param p)
{
    return (p.old ? r->old : r->neu)[p.column];
}

static void add_array(struct buf *b, const struct plan_row *rows, size_t count,
                      struct sink_param p)
{
    bool nulls = false;
    for (size_t i = 0; i < count && !nulls; i++) {
        nulls = value_of(&rows[i], p).p == NULL;
    }
    buf_u32(b, 1); /* dimensions */
    buf_u32(b, nulls);
    buf_u32(b, TEXT_OID);
    buf_u32(b, (uint32_t)count);
    buf_u32(b, 1); /* lower bound */
    for (size_t i = 0; i < count; i++) {
        struct str v = value_of(&rows[i], p);
        buf_u32(b, v.p != NULL ? (uint32_t)v.n : UINT32_MAX);
        buf_addstr(b, v);
    }
}

int statement_send(const struct sink_statement *st, const struct plan_row *rows, size_t count,
                   struct conn *c, struct buf *scratch, struct err *e)
{
    size_t total = 0;
    for (size_t k = 0; k < st->param_count; k++) {
        total += ARRAY_HEADER + 4 * count;
        for (size_t i = 0; i < count; i++) {
            total += value_of(&rows[i], st->params[k]).n;
        }
    }
    buf_reset(scratch);
    buf_reserve(scratch, total);
    size_t ends[PIPELINE_PARAMS_MAX];
    for (size_t k = 0; k < st->param_count; k++) {
        add_array(scratch, rows, count, st->params[k]);
        ends[k] = scratch->len;
    }
    struct pipeline_param params[PIPELINE_PARAMS_MAX];
    size_t at = 0;
    for (size_t k = 0; k < st->param_count; k++) {
        params[k] = (struct pipeline_param){{buf_data(scratch) + at, ends[k] - at}, true};
        at = ends[k];
    }
    return pipeline_send_prepared(c, st->name, st->param_count, params, e);
}

/* --- COPY -------------------------------------------------------------------------------------- */

static void add_escaped(struct buf *b, struct str v)
{
    char *out = buf_reserve(b, v.n * 2);
    size_t n = 0;
    for (size_t i = 0; i < v.n; i++) {
        char ch = v.p[i];
        if (ch == '\\' || ch == '\n' || ch == '\r' || ch == '\t') {
            out[n++] = '\\';
            ch = ch == '\n' ? 'n' : ch == '\r' ? 'r' : ch == '\t' ? 't' : ch;
        }
        out[n++] = ch;
    }
    buf_commit(b, n);
}

/* A long value goes out in pieces, so that the buffer never holds twice of it. */
static int copy_value(struct conn *c, struct buf *b, struct str v, struct err *e)
{
    enum { PIECE = 32 * 1024 };
    while (v.n > 0) {
        size_t n = v.n < PIECE ? v.n : PIECE;
        add_escaped(b, (struct str){v.p, n});
        v.p += n;
        v.n -= n;
        if (b->len >= PIECE) {
            int rc = pipeline_copy_data(c, buf_str(b), e);
            if (rc != 0) {
                return rc;
            }
            buf_reset(b);
        }
    }
    return 0;
}

static int copy_rows(const struct sink *s, const struct plan_row *rows, size_t count,
                     struct conn *c, struct buf *b, struct err *e)
{
    buf_reset(b);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < s->plan.column_count; k++) {
            struct str v = rows[i].neu[k];
            if (v.p == NULL) {
                buf_add(b, "\\N", 2);
            } else {
                int rc = copy_value(c, b, v, e);
                if (rc != 0) {
                    return rc;
                }
            }
            buf_u8(b, k + 1 < s->plan.column_count ? '\t' : '\n');
        }
    }
    return pipeline_copy_data(c, buf_str(b), e);
}

int statement_copy(const struct sink *s, const struct plan_row *rows, size_t count,
                   struct conn *c, struct buf *scratch, int64_t *copied, struct err *e)
{
    buf_reset(scratch);
    buf_addf(scratch, "COPY %s (%s) FROM STDIN", s->target, s->column_list);
    int rc = pipeline_copy_begin(c, buf_cstr(scratch), e);
    if (rc != 0) {
        return rc;
    }
    rc = copy_rows(s, rows, count, c, scratch, e);
    struct err ended = ERR_INIT;
    int rc2 = pipeline_copy_end(c, rc == 0, copied, rc == 0 ? e : &ended);
    return rc != 0 ? rc : rc2;
}

void statement_truncate(struct plan_table *const *tables, size_t count, struct buf *out)
{
    for (size_t i = 0; i < count; i++) {
        const struct sink *s = tables[i]->owner;
        buf_addf(out, "%s%s%s", i > 0 ? ", " : "TRUNCATE ", s->partitioned ? "" : "ONLY ",
                 s->target);
    }
}
