/* compare.c - see compare.h. */
#include "consumer/compare.h"

#include "base/clock.h"
#include "consumer/settle.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    RANGE_ROWS = 2000,   /* of the primary in one range */
    WINDOW = 8,          /* ranges of one wait for the replica */
    BUCKETS_MIN = 64,    /* of a table without a key */
    BUCKETS_MAX = 65536, /* whose sums fit in some MB */
    GROUPS_MAX = 20000,  /* listed at a time */
    NUDGE_US = 5000,     /* after so long the primary is given something to write */
    NUDGE_AGAIN_US = 1000000,
    SUM_MAX = 48,
};

struct range {
    struct str *upto; /* own memory; NULL: to the end */
    char sum[SUM_MAX];
};

/* --- positions --------------------------------------------------------------------------------- */

static const char position_sql[] =
    "SELECT lpad(to_hex(system_identifier), 16, '0') || '.' || ('x' ||"
    " left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::int,"
    " pg_current_wal_insert_lsn() FROM pg_control_system()";

static int ask_position(struct compare *c, struct err *e)
{
    struct rows *r = NULL;
    int rc = conn_query(c->primary, position_sql, 0, NULL, &r, e);
    if (rc == 0 && (!epoch_parse(rows_get(r, 0, 0), &c->at.epoch) ||
                    !lsn_parse(rows_get(r, 0, 1), &c->at.lsn))) {
        rc = err_set(e, ERR_PROTOCOL, "the primary's position is no position");
    }
    rows_free(r);
    return rc;
}

static int ask_applied(struct compare *c, struct position *at, struct err *e)
{
    struct rows *r = NULL;
    struct str name[1] = {str_of(c->o->consumer)};
    int rc = conn_query(c->replica, "SELECT epoch, lsn FROM parkway.cursor WHERE consumer = $1",
                        1, name, &r, e);
    if (rc == 0 && rows_count(r) == 0) {
        rc = err_set(e, ERR_NOT_FOUND, "the replica knows no consumer \"%s\"", c->o->consumer);
    } else if (rc == 0) {
        *at = (struct position){0};
        (void)!epoch_parse(rows_get(r, 0, 0), &at->epoch);
        (void)!lsn_parse(rows_get(r, 0, 1), &at->lsn);
    }
    rows_free(r);
    return rc;
}

/* What was written last may stand behind the last commit, or the log may be silent. */
static int nudge(struct compare *c, bool held, struct err *e)
{
    static const char sql[] = "SELECT pg_logical_emit_message(true, 'parkway.nudge', '')";
    if (!held) {
        return conn_exec(c->primary, sql, e);
    }
    int rc = c->nudger != NULL
                 ? 0
                 : conn_open(&c->nudger, c->o->primary_url,
                             &(struct conn_options){.application_name = c->o->name}, e);
    return rc == 0 ? conn_exec(c->nudger, sql, e) : rc;
}

int compare_go_on(const struct compare *c, struct err *e)
{
    return c->o->go_on == NULL || c->o->go_on(c->o->ctx)
               ? 0
               : err_set(e, ERR_FAIL, "the comparison was interrupted");
}

static int not_applied(const struct compare *c, const struct position *applied, struct err *e)
{
    char there[POSITION_TEXT_MAX];
    char here[POSITION_TEXT_MAX];
    position_text(*applied, there);
    position_text(c->at, here);
    bool other = applied->epoch.timeline != 0 && !epoch_eq(applied->epoch, c->at.epoch);
    return err_set(e, other ? ERR_LOST : ERR_TIMEOUT, "the replica stands still at %s%s, %s",
                   there, other ? ", in another epoch" : "", here);
}

int compare_catch_up(struct compare *c, bool held, int64_t patience_ms, struct err *e)
{
    struct position applied = {0};
    struct position before = {0};
    int64_t patience_us = (patience_ms > 0 ? patience_ms : c->o->patience_ms) * 1000;
    int64_t moved_us = clock_mono_us();
    int64_t nudged_us = moved_us + NUDGE_US - NUDGE_AGAIN_US;
    int64_t wait_us = 500;
    if (c->still) {
        return 0;
    }
    int rc = ask_position(c, e);
    for (;;) {
        rc = rc == 0 ? ask_applied(c, &applied, e) : rc;
        bool there = epoch_eq(applied.epoch, c->at.epoch) && applied.lsn >= c->at.lsn;
        if (rc != 0 || there) {
            return rc;
        }
        int64_t now_us = clock_mono_us();
        if (position_cmp(applied, before) != 0 && !held) {
            moved_us = now_us;
            before = applied;
        }
        if (now_us - moved_us > patience_us) {
            return not_applied(c, &applied, e);
        }
        if (now_us - nudged_us > NUDGE_AGAIN_US) {
            nudged_us = now_us;
            rc = nudge(c, held, e);
        }
        rc = rc == 0 ? compare_go_on(c, e) : rc;
        clock_sleep_us(wait_us);
        wait_us = wait_us < 20000 ? wait_us * 2 : wait_us;
    }
}

/* Counts rows read and holds the rate. */
static int pace(struct compare *c, int64_t rows, struct err *e)
{
    c->result.rows += rows;
    c->paced_rows += rows;
    int rc = compare_go_on(c, e);
    while (rc == 0 && c->o->rows_per_s > 0) {
        int64_t due_us = c->started_us + c->paced_rows * 1000000 / c->o->rows_per_s;
        int64_t left_us = due_us - clock_mono_us();
        if (left_us <= 0) {
            break;
        }
        clock_sleep_us(left_us < 50000 ? left_us : 50000);
        rc = compare_go_on(c, e);
    }
    return rc;
}

/* --- tables with a key --------------------------------------------------------------------------- */

static void key_free(struct str *key, size_t n)
{
    for (size_t i = 0; key != NULL && i < n; i++) {
        free((void *)(uintptr_t)key[i].p);
    }
    free(key);
}

static struct str *key_copy(const struct rows *r, size_t row, size_t n)
{
    struct str *key = def_zalloc(n, sizeof *key);
    for (size_t i = 0; i < n; i++) {
        struct str v = rows_get(r, row, i);
        key[i] = (struct str){def_strndup(v.p, v.n), v.n};
    }
    return key;
}

static struct str *key_dup(const struct str *from, size_t n)
{
    struct str *key = def_zalloc(n, sizeof *key);
    for (size_t i = 0; i < n; i++) {
        key[i] = (struct str){def_strndup(from[i].p, from[i].n), from[i].n};
    }
    return key;
}

/* A statement over (after, upto]; either may be NULL. */
static int ask_range(struct conn *db, struct buf *sql, size_t key_count,
                     const struct str *after, const struct str *upto, struct rows **out,
                     struct err *e)
{
    struct str *params = def_zalloc(2 * key_count, sizeof *params);
    size_t n = 0;
    for (size_t i = 0; after != NULL && i < key_count; i++) {
        params[n++] = after[i];
    }
    for (size_t i = 0; upto != NULL && i < key_count; i++) {
        params[n++] = upto[i];
    }
    int rc = conn_query(db, buf_cstr(sql), n, params, out, e);
    free(params);
    return rc;
}

static int find_edge(struct compare *c, const struct survey_table *t, const struct str *after,
                     struct str **out, struct err *e)
{
    const struct digest *d = &t->digest;
    struct buf sql = BUF_INIT;
    struct rows *r = NULL;
    digest_edge(&sql, d, &d->source, after != NULL, RANGE_ROWS);
    int rc = ask_range(c->primary, &sql, d->key_count, after, NULL, &r, e);
    *out = rc == 0 && rows_count(r) > 0 ? key_copy(r, 0, d->key_count) : NULL;
    rows_free(r);
    buf_fini(&sql);
    return rc;
}

static int ask_sum(struct conn *db, const struct digest *d, const struct digest_part *p,
                   const struct str *after, const struct str *upto, char *sum, int64_t *count,
                   struct err *e)
{
    struct buf sql = BUF_INIT;
    struct rows *r = NULL;
    digest_sum(&sql, d, p, (struct digest_range){after != NULL, upto != NULL});
    int rc = ask_range(db, &sql, d->key_count, after, upto, &r, e);
    if (rc == 0) {
        *count = rows_int(r, 0, 0);
        snprintf(sum, SUM_MAX, "%s %s", rows_text(r, 0, 0), rows_text(r, 0, 1));
    }
    rows_free(r);
    buf_fini(&sql);
    return rc;
}

static int list(struct conn *db, const struct digest *d, const struct digest_part *p,
                const struct str *after, const struct str *upto, struct rows **out,
                struct err *e)
{
    struct buf sql = BUF_INIT;
    digest_list(&sql, d, p, (struct digest_range){after != NULL, upto != NULL}, 2 * RANGE_ROWS);
    int rc = ask_range(db, &sql, d->key_count, after, upto, out, e);
    buf_fini(&sql);
    return rc;
}

/* --- suspects: what only one list has, or both have with another content -------------------------- */

struct entry {
    const struct rows *r;
    size_t row;
    size_t keys;
};

static int entry_cmp(const struct entry *a, const struct entry *b)
{
    for (size_t i = 0; i < a->keys; i++) {
        struct str x = rows_get(a->r, a->row, i);
        struct str y = rows_get(b->r, b->row, i);
        int order = memcmp(x.p, y.p, x.n < y.n ? x.n : y.n);
        order = order != 0 ? order : x.n < y.n ? -1 : x.n > y.n;
        if (order != 0) {
            return order;
        }
    }
    return 0;
}

static int entry_order(const void *a, const void *b)
{
    return entry_cmp(a, b);
}

static struct entry *entries(const struct rows *r, size_t keys)
{
    struct entry *all = def_zalloc(rows_count(r), sizeof *all);
    for (size_t i = 0; i < rows_count(r); i++) {
        all[i] = (struct entry){r, i, keys};
    }
    qsort(all, rows_count(r), sizeof *all, entry_order);
    return all;
}

struct suspects {
    struct str *keys; /* borrowed from the lists */
    size_t count;     /* names */
    size_t columns;
};

static void suspect(struct suspects *s, const struct entry *x)
{
    for (size_t i = 0; i < s->columns; i++) {
        s->keys[s->count * s->columns + i] = rows_get(x->r, x->row, i);
    }
    s->count++;
}

/* The content stands behind the name in both lists. */
static void merge(struct suspects *s, const struct rows *a, const struct rows *b)
{
    struct entry *x = entries(a, s->columns);
    struct entry *y = entries(b, s->columns);
    size_t i = 0;
    size_t k = 0;
    while (i < rows_count(a) || k < rows_count(b)) {
        int order = i == rows_count(a) ? 1 : k == rows_count(b) ? -1 : entry_cmp(&x[i], &y[k]);
        if (order < 0) {
            suspect(s, &x[i++]);
        } else if (order > 0) {
            suspect(s, &y[k++]);
        } else {
            if (!str_eq(rows_get(a, x[i].row, s->columns), rows_get(b, y[k].row, s->columns))) {
                suspect(s, &x[i]);
            }
            i++;
            k++;
        }
    }
    free(x);
    free(y);
}

static int settle_lists(struct compare *c, const struct survey_table *t, const struct rows *a,
                        const struct rows *b, struct err *e)
{
    size_t columns = digest_key_columns(&t->digest);
    struct suspects s = {.columns = columns};
    s.keys = def_zalloc((rows_count(a) + rows_count(b)) * columns, sizeof *s.keys);
    merge(&s, a, b);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < s.count; i += SETTLE_MAX) {
        size_t n = s.count - i < SETTLE_MAX ? s.count - i : SETTLE_MAX;
        rc = settle(c, t, s.keys + i * columns, n, e);
        rc = rc == 0 ? compare_go_on(c, e) : rc;
    }
    free(s.keys);
    return rc;
}

/* A range that differs, row by row; in pieces, because either side may have more rows there by now. */
static int look_into(struct compare *c, const struct survey_table *t, const struct str *after,
                     const struct str *upto, struct err *e)
{
    const struct digest *d = &t->digest;
    size_t n = d->key_count;
    struct str *from = after != NULL ? key_dup(after, n) : NULL;
    int rc = 0;
    for (bool more = true; rc == 0 && more;) {
        struct rows *a = NULL;
        struct rows *b = NULL;
        struct str *end = upto != NULL ? key_dup(upto, n) : NULL;
        more = false;
        rc = list(c->primary, d, &d->source, from, end, &a, e);
        if (rc == 0 && rows_count(a) == 2 * RANGE_ROWS) {
            key_free(end, n);
            end = key_copy(a, rows_count(a) - 1, n);
            more = true;
        }
        rc = rc == 0 ? compare_catch_up(c, false, 0, e) : rc;
        rc = rc == 0 ? list(c->replica, d, &d->target, from, end, &b, e) : rc;
        if (rc == 0 && rows_count(b) == 2 * RANGE_ROWS) {
            key_free(end, n);
            end = key_copy(b, rows_count(b) - 1, n);
            more = true;
            rows_free(a);
            a = NULL;
            rc = list(c->primary, d, &d->source, from, end, &a, e);
        }
        rc = rc == 0 ? settle_lists(c, t, a, b, e) : rc;
        rows_free(a);
        rows_free(b);
        key_free(from, n);
        from = end;
    }
    key_free(from, n);
    return rc;
}

/* The replica's sums of the window's ranges; those that differ are looked into. */
static int close_window(struct compare *c, const struct survey_table *t,
                        const struct str *after, const struct range *ranges, size_t count,
                        struct err *e)
{
    bool differs[WINDOW] = {false};
    const struct str *from = after;
    int rc = count > 0 ? compare_catch_up(c, false, 0, e) : 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        char sum[SUM_MAX];
        int64_t rows;
        rc = ask_sum(c->replica, &t->digest, &t->digest.target, from, ranges[i].upto, sum,
                     &rows, e);
        differs[i] = rc == 0 && strcmp(sum, ranges[i].sum) != 0;
        from = ranges[i].upto;
    }
    from = after;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = differs[i] ? look_into(c, t, from, ranges[i].upto, e) : 0;
        from = ranges[i].upto;
    }
    return rc;
}

static int compare_keyed(struct compare *c, const struct survey_table *t, struct err *e)
{
    size_t n = t->digest.key_count;
    struct str *start = NULL; /* of the window */
    int rc = 0;
    for (bool end = false; rc == 0 && !end;) {
        struct range ranges[WINDOW] = {0};
        size_t count = 0;
        const struct str *from = start;
        while (rc == 0 && !end && count < WINDOW) {
            struct range *g = &ranges[count];
            int64_t rows = 0;
            rc = find_edge(c, t, from, &g->upto, e);
            if (rc == 0) {
                rc = ask_sum(c->primary, &t->digest, &t->digest.source, from, g->upto, g->sum,
                             &rows, e);
            }
            count++;
            end = g->upto == NULL;
            from = g->upto;
            rc = rc == 0 ? pace(c, rows, e) : rc;
        }
        rc = rc == 0 ? close_window(c, t, start, ranges, count, e) : rc;
        key_free(start, n);
        start = NULL;
        for (size_t i = 0; i < count; i++) {
            if (i + 1 == count && rc == 0) {
                start = ranges[i].upto;
            } else {
                key_free(ranges[i].upto, n);
            }
        }
    }
    key_free(start, n);
    return rc;
}

/* --- tables without a key ------------------------------------------------------------------------- */

struct bucket {
    int64_t rows[2];
    char sums[2][SUM_MAX];
};

static int ask_buckets(struct conn *db, const struct digest *d, const struct digest_part *p,
                       uint32_t mask, struct bucket *buckets, size_t side, struct err *e)
{
    struct buf sql = BUF_INIT;
    struct rows *r = NULL;
    digest_buckets(&sql, d, p, mask);
    int rc = conn_query(db, buf_cstr(&sql), 0, NULL, &r, e);
    for (size_t i = 0; rc == 0 && i < rows_count(r); i++) {
        struct bucket *b = &buckets[(size_t)rows_int(r, i, 0) & mask];
        b->rows[side] = rows_int(r, i, 1);
        snprintf(b->sums[side], SUM_MAX, "%s", rows_text(r, i, 2));
    }
    rows_free(r);
    buf_fini(&sql);
    return rc;
}

static int list_groups(struct conn *db, const struct digest *d, const struct digest_part *p,
                       uint32_t mask, struct str buckets, struct rows **out, struct err *e)
{
    struct buf sql = BUF_INIT;
    digest_groups(&sql, d, p, mask);
    int rc = conn_query(db, buf_cstr(&sql), 1, &buckets, out, e);
    buf_fini(&sql);
    return rc;
}

static int look_into_buckets(struct compare *c, const struct survey_table *t, uint32_t mask,
                             struct str buckets, struct err *e)
{
    const struct digest *d = &t->digest;
    struct rows *a = NULL;
    struct rows *b = NULL;
    int rc = list_groups(c->primary, d, &d->source, mask, buckets, &a, e);
    rc = rc == 0 ? compare_catch_up(c, false, 0, e) : rc;
    rc = rc == 0 ? list_groups(c->replica, d, &d->target, mask, buckets, &b, e) : rc;
    rc = rc == 0 ? settle_lists(c, t, a, b, e) : rc;
    rows_free(a);
    rows_free(b);
    return rc;
}

/* Buckets that differ, as many at a time as have some thousand rows. */
static int close_buckets(struct compare *c, const struct survey_table *t, uint32_t mask,
                         const struct bucket *buckets, struct err *e)
{
    struct buf names = BUF_INIT;
    int64_t rows = 0;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i <= mask; i++) {
        const struct bucket *b = &buckets[i];
        if (b->rows[0] != b->rows[1] || strcmp(b->sums[0], b->sums[1]) != 0) {
            buf_addf(&names, "%s%zu", names.len > 0 ? "," : "{", i);
            rows += b->rows[0] > b->rows[1] ? b->rows[0] : b->rows[1];
        }
        if (names.len > 0 && (rows > GROUPS_MAX || i == mask)) {
            buf_adds(&names, "}");
            rc = look_into_buckets(c, t, mask, buf_str(&names), e);
            buf_reset(&names);
            rows = 0;
        }
    }
    buf_fini(&names);
    return rc;
}

static int compare_unkeyed(struct compare *c, const struct survey_table *t, struct err *e)
{
    uint32_t count = BUCKETS_MIN;
    while (count < BUCKETS_MAX && (int64_t)count * 256 < t->rows_estimated) {
        count *= 2;
    }
    struct bucket *buckets = def_zalloc(count, sizeof *buckets);
    int rc = ask_buckets(c->primary, &t->digest, &t->digest.source, count - 1, buckets, 0, e);
    int64_t rows = 0;
    for (size_t i = 0; i < count; i++) {
        rows += buckets[i].rows[0];
    }
    rc = rc == 0 ? pace(c, rows, e) : rc;
    rc = rc == 0 ? compare_catch_up(c, false, 0, e) : rc;
    if (rc == 0) {
        rc = ask_buckets(c->replica, &t->digest, &t->digest.target, count - 1, buckets, 1, e);
    }
    rc = rc == 0 ? close_buckets(c, t, count - 1, buckets, e) : rc;
    free(buckets);
    return rc;
}

/* --- the whole ---------------------------------------------------------------------------------- */

static bool wanted(const struct compare *c, const struct survey_table *t)
{
    return c->o->table == NULL || strcmp(c->o->table, t->source) == 0 ||
           strcmp(c->o->table, t->target) == 0;
}

static int compare_table(struct compare *c, const struct survey_table *t, struct err *e)
{
    c->result = (struct compare_result){0};
    int rc = 0;
    if (survey_comparable(t)) {
        rc = t->digest.key_count > 0 ? compare_keyed(c, t, e) : compare_unkeyed(c, t, e);
    }
    if (rc == 0 && c->o->on_table != NULL) {
        c->o->on_table(c->o->ctx, t, &c->result);
    }
    return rc == 0 ? 0 : err_add(e, "comparing %s", t->source);
}

static int open_side(struct conn **out, const struct compare_options *o, const char *url,
                     const char *side, struct err *e)
{
    struct conn_options co = {.application_name = o->name};
    int rc = conn_open(out, url, &co, e);
    if (rc == 0) {
        rc = conn_exec(*out, digest_session, e);
    }
    return rc == 0 ? 0 : err_add(e, "%s", side);
}

static int compare_each(struct compare *c, const struct survey *survey,
                        struct compare_result *sum, bool *any, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < survey->count; i++) {
        if (!wanted(c, &survey->tables[i])) {
            continue;
        }
        *any = true;
        rc = compare_table(c, &survey->tables[i], e);
        sum->rows += c->result.rows;
        sum->different += c->result.different;
        sum->unsettled += c->result.unsettled;
    }
    return rc;
}

static int compare_tables(struct compare *c, struct compare_result *sum, bool *any,
                          struct err *e)
{
    struct survey survey;
    int rc = survey_load(&survey, c->primary, c->replica, c->o->mirrors, c->o->publication,
                         c->o->consumer, e);
    if (rc == 0) {
        rc = compare_each(c, &survey, sum, any, e);
        survey_free(&survey);
    }
    return rc;
}

/* Under the settings that the views' own functions have (view_text.c). */
static const char view_session[] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
                                   " SET LOCAL search_path = public, pg_temp";

static int compare_views(struct compare *c, struct compare_result *sum, bool *any,
                         struct err *e)
{
    struct compare still = *c;
    struct survey survey = {0};
    still.primary = c->replica;
    still.still = true;
    int rc = conn_exec(c->replica, view_session, e);
    rc = rc == 0 ? survey_views(&survey, c->replica, c->o->consumer, e) : rc;
    rc = rc == 0 ? compare_each(&still, &survey, sum, any, e) : rc;
    survey_free(&survey);
    c->paced_rows = still.paced_rows;
    return rc == 0 ? conn_exec(c->replica, "COMMIT", e) : rc;
}

static int compare_all(struct compare *c, struct compare_result *sum, struct err *e)
{
    bool any = false;
    int rc = compare_tables(c, sum, &any, e);
    if (rc == 0 && c->o->views) {
        rc = compare_views(c, sum, &any, e);
    }
    return rc == 0 && !any && c->o->table != NULL
               ? err_set(e, ERR_NOT_FOUND, "no table \"%s\" is mirrored", c->o->table)
               : rc;
}

int compare_run(const struct compare_options *o, struct compare_result *sum,
                struct position *at, struct err *e)
{
    struct compare c = {.o = o, .started_us = clock_mono_us()};
    *sum = (struct compare_result){0};
    int rc = open_side(&c.primary, o, o->primary_url, "primary", e);
    if (rc == 0) {
        rc = open_side(&c.replica, o, o->replica_url, "replica", e);
    }
    if (rc == 0) {
        rc = compare_catch_up(&c, false, 0, e);
    }
    *at = c.at;
    if (rc == 0) {
        rc = compare_all(&c, sum, e);
    }
    conn_close(c.nudger);
    conn_close(c.replica);
    conn_close(c.primary);
    return rc;
}
