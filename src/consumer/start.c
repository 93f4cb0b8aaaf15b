/* start.c - see start.h. */
#include "consumer/start.h"

#include "consumer/batch.h"
#include "consumer/chunk.h"
#include "consumer/cursor.h"
#include "consumer/plan.h"
#include "consumer/statement.h"
#include "pg/pipeline.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

struct start {
    uint64_t lowest, highest; /* 0: never copied */
    uint64_t *regions;        /* positions, in the key's order; none when there is only one */
    size_t region_count;
    struct sink_statement find; /* takes keys, gives the number of the region of each */
};

void start_free(struct start *s)
{
    if (s != NULL) {
        free(s->find.params);
        free(s->regions);
        free(s);
    }
}

uint64_t start_lowest(const struct start *s)
{
    return s->lowest;
}

/* --- loading -------------------------------------------------------------------------------------- */

/* Row i of the answer is piece i; the bound is text for ROW(…). */
static const char chunks_sql[] =
    "SELECT c.lsn, (SELECT string_agg(quote_literal(x.b) || '::' || x.t, ', ' ORDER BY x.i)"
    "                 FROM unnest(c.lower, s.casts) WITH ORDINALITY AS x(b, t, i))"
    "  FROM parkway.table_chunk c JOIN parkway.table_start s USING (consumer, relation)"
    " WHERE c.consumer = $1 AND c.relation = $2 AND c.lsn IS NOT NULL ORDER BY c.chunk";

static const char key_sql[] = "SELECT x.k, x.t FROM parkway.table_start s, unnest(s.key, "
                              "s.casts) WITH ORDINALITY AS x(k, t, i)"
                              " WHERE s.consumer = $1 AND s.relation = $2 ORDER BY x.i";

static int column_of(const struct relation *r, const char *name)
{
    for (size_t i = 0; i < r->column_count; i++) {
        if (strcmp(r->columns[i].name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

/* The parameters and the text of s->find. */
static int make_find(struct start *s, const struct relation *r, const struct rows *key,
                     const struct rows *chunks, const size_t *first, struct buf *sql,
                     struct err *e)
{
    struct buf keys = BUF_INIT;
    struct buf arrays = BUF_INIT;
    struct buf names = BUF_INIT;
    size_t count = rows_count(key);
    s->find.params = def_zalloc(count + 1, sizeof *s->find.params);
    s->find.param_count = count;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        int column = column_of(r, rows_text(key, i, 0));
        if (column < 0 || (r->identity != 'n' && !r->columns[column].key)) {
            rc = err_set(e, ERR_UNAVAILABLE,
                         "the key of %s was changed while it was copied: run parkway bootstrap "
                         "--table=%s",
                         r->label, r->label);
            break;
        }
        s->find.params[i] = (struct sink_param){false, (uint16_t)column};
        buf_addf(&keys, "%sk.a%zu::%s", i > 0 ? ", " : "", i, rows_text(key, i, 1));
        buf_addf(&arrays, "%s$%zu::text[]", i > 0 ? ", " : "", i + 1);
        buf_addf(&names, "a%zu, ", i);
    }
    buf_adds(sql, "SELECT CASE");
    for (size_t i = 1; i < s->region_count; i++) {
        buf_addf(sql, " WHEN ROW(%s) < ROW(%s) THEN %zu", buf_cstr(&keys),
                 rows_text(chunks, first[i], 1), i - 1);
    }
    buf_addf(sql, " ELSE %zu END FROM unnest(%s) WITH ORDINALITY AS k(%si) ORDER BY k.i",
             s->region_count - 1, buf_cstr(&arrays), buf_cstr(&names));
    buf_fini(&names);
    buf_fini(&arrays);
    buf_fini(&keys);
    return rc;
}

static int load_regions(struct start *s, const struct relation *r, struct conn *c,
                        const struct str *params, struct err *e)
{
    struct rows *chunks = NULL;
    struct rows *key = NULL;
    struct buf sql = BUF_INIT;
    int rc = conn_query(c, chunks_sql, 2, params, &chunks, e);
    if (rc == 0) {
        rc = conn_query(c, key_sql, 2, params, &key, e);
    }
    size_t count = rc == 0 ? rows_count(chunks) : 0;
    uint64_t *lsns = def_zalloc(count + 1, sizeof *lsns);
    size_t *first = def_zalloc(count + 1, sizeof *first);
    for (size_t i = 0; i < count; i++) {
        (void)!lsn_parse(rows_get(chunks, i, 0), &lsns[i]);
        s->lowest = lsns[i] < s->lowest ? lsns[i] : s->lowest;
        s->highest = lsns[i] > s->highest ? lsns[i] : s->highest;
    }
    size_t regions = chunk_regions(lsns, count, first);
    if (rc == 0 && regions > 1) {
        static _Atomic unsigned long serial;
        s->region_count = regions;
        s->regions = def_zalloc(regions, sizeof *s->regions);
        for (size_t i = 0; i < regions; i++) {
            s->regions[i] = lsns[first[i]];
        }
        rc = make_find(s, r, key, chunks, first, &sql, e);
        snprintf(s->find.name, sizeof s->find.name, "start%lu", atomic_fetch_add(&serial, 1));
        if (rc == 0) {
            rc = pipeline_prepare(c, s->find.name, buf_cstr(&sql), e);
        }
    }
    buf_fini(&sql);
    free(first);
    free(lsns);
    rows_free(key);
    rows_free(chunks);
    return rc;
}

int start_load(struct relation *r, const struct cursor *cursor, struct conn *c, struct err *e)
{
    if (r->start != NULL) {
        return 0;
    }
    struct str params[2] = {str_of(cursor->name), str_of(r->label)};
    struct rows *rows = NULL;
    int rc = conn_query(c,
                        "SELECT epoch, lsn FROM parkway.table_start"
                        " WHERE consumer = $1 AND relation = $2",
                        2, params, &rows, e);
    if (rc != 0) {
        return rc;
    }
    struct start *s = def_zalloc(1, sizeof *s);
    struct epoch epoch;
    if (rows_count(rows) > 0 && rows_get(rows, 0, 1).p == NULL) {
        rc = err_set(e, ERR_UNAVAILABLE, "%s is being copied to the replica", r->label);
    } else if (rows_count(rows) > 0 && epoch_parse(rows_get(rows, 0, 0), &epoch) &&
               epoch_eq(epoch, cursor->at.epoch) &&
               lsn_parse(rows_get(rows, 0, 1), &s->highest)) {
        s->lowest = s->highest; /* the cursor's place is no guide: it is where the batch ends */
        rc = load_regions(s, r, c, params, e);
    }
    rows_free(rows);
    if (rc != 0) {
        start_free(s);
        return rc;
    }
    r->start = s;
    return 0;
}

/* --- judging -------------------------------------------------------------------------------------- */

static bool is_split(const struct batch_change *ch)
{
    const struct start *s = ch->kind == BATCH_ROW ? ch->relation->start : NULL;
    return s != NULL && s->region_count > 1 && ch->commit_lsn >= s->lowest &&
           ch->commit_lsn < s->highest;
}

/* The change's rows, complete as far as the key goes. An update that keeps its key names no old row. */
static void rows_of(const struct batch_change *ch, struct arena *arena, const struct str **old,
                    const struct str **neu)
{
    struct pgoutput_msg m;
    struct err e = ERR_INIT;
    int rc = pgoutput_parse(ch->msg, &m, &e);
    ASSERT(rc == 0); /* the batch parsed it before */
    struct str *o = NULL;
    struct str *n = NULL;
    if (m.u.change.old.present) {
        o = relation_row(ch->relation, &m.u.change.old, arena);
    }
    if (m.u.change.neu.present) {
        n = relation_row(ch->relation, &m.u.change.neu, arena);
        for (size_t i = 0; o != NULL && i < ch->relation->column_count; i++) {
            n[i] = plan_is_unchanged(n[i]) ? o[i] : n[i];
        }
    }
    *old = o != NULL ? o : n;
    *neu = n != NULL ? n : o;
}

static int find_regions(const struct start *s, const struct plan_row *keys, size_t count,
                        struct conn *c, struct buf *scratch, struct rows **out, struct err *e)
{
    int rc = pipeline_begin(c, e);
    if (rc != 0) {
        return rc;
    }
    rc = statement_send(&s->find, keys, count, c, scratch, e);
    struct err ended = ERR_INIT;
    int rc2 = pipeline_end(c, rc == 0, NULL, out, NULL, rc == 0 ? e : &ended);
    return rc != 0 ? rc : rc2;
}

/* All changes of r in the range: two keys each, old and new. */
static int judge_relation(struct batch *b, size_t from, size_t to, const struct relation *r,
                          struct conn *c, struct arena *arena, struct buf *scratch,
                          struct err *e)
{
    struct plan_row *keys = arena_alloc(arena, (to - from) * 2 * sizeof *keys);
    size_t count = 0;
    for (size_t i = from; i < to; i++) {
        struct batch_change *ch = &b->changes[i];
        if (ch->kind == BATCH_ROW && ch->relation == r && is_split(ch)) {
            rows_of(ch, arena, &keys[count].neu, &keys[count + 1].neu);
            count += 2;
        }
    }
    struct rows *found = NULL;
    int rc = find_regions(r->start, keys, count, c, scratch, &found, e);
    if (rc != 0) {
        return rc;
    }
    if (found == NULL || rows_count(found) != count) {
        rows_free(found);
        return err_set(e, ERR_PROTOCOL, "the replica did not place every key of %s", r->label);
    }
    size_t at = 0;
    for (size_t i = from; i < to; i++) {
        struct batch_change *ch = &b->changes[i];
        if (ch->kind == BATCH_ROW && ch->relation == r && is_split(ch)) {
            const uint64_t *lsns = r->start->regions;
            ch->held = (uint8_t)chunk_held(ch->commit_lsn, lsns[rows_int(found, at, 0)],
                                           lsns[rows_int(found, at + 1, 0)]);
            at += 2;
        }
    }
    rows_free(found);
    return 0;
}

int start_judge(struct batch *b, size_t from, size_t to, struct conn *c, struct arena *arena,
                struct buf *scratch, struct err *e)
{
    int rc = 0;
    for (size_t i = from; rc == 0 && i < to; i++) {
        if (!is_split(&b->changes[i])) {
            continue;
        }
        const struct relation *r = b->changes[i].relation;
        size_t before = from; /* its first change judges all */
        while (before < i &&
               !(b->changes[before].relation == r && is_split(&b->changes[before]))) {
            before++;
        }
        if (before == i) {
            rc = judge_relation(b, from, to, r, c, arena, scratch, e);
        }
    }
    return rc;
}
