/* settle.c - see settle.h. */
#include "consumer/settle.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/json.h"
#include "consumer/suspect.h"

#include <stdlib.h>

enum {
    ROUNDS = 5,              /* of looks, before rows are held still */
    HOLD_ROUNDS = 4,         /* tries to hold them */
    HOLD_MAX = 20,           /* rows held at a time */
    HOLD_PATIENCE_MS = 2000, /* how long at most */
    WRITERS_MS = 3000,       /* transactions that write are waited for so long */
};

/* One suspect; the texts of a look are those of the answer that it came from. */
struct case_file {
    const struct str *key;
    struct suspect_looks looks;
    size_t first_row, replica_row; /* in the answers */
    bool alias; /* another suspect is this row under the primary's text of its key */
    enum suspect_verdict verdict;
};

struct round {
    struct compare *c;
    const struct survey_table *t;
    struct case_file **cases;
    size_t count;
    struct rows *first, *replica, *second, *later;
};

/* The columns of digest_rows' answer. */
enum { ROW_N, ROW_CONTENT, ROW_VERSION, ROW_EXACT, ROW_VALUES };

/* --- looking ------------------------------------------------------------------------------------ */

/* The names of the round's suspects, as one array a key column. */
static int ask_rows(const struct round *r, struct conn *db, const struct digest_part *p,
                    bool values, struct rows **out, struct err *e)
{
    const struct digest *d = &r->t->digest;
    size_t columns = digest_key_columns(d);
    struct str *texts = def_zalloc(r->count, sizeof *texts);
    struct str *params = def_zalloc(columns, sizeof *params);
    struct buf arrays = BUF_INIT;
    struct buf sql = BUF_INIT;
    size_t *ends = def_zalloc(columns, sizeof *ends);
    for (size_t k = 0; k < columns; k++) {
        for (size_t i = 0; i < r->count; i++) {
            texts[i] = r->cases[i]->key[k];
        }
        digest_array(&arrays, texts, r->count);
        ends[k] = arrays.len;
    }
    for (size_t k = 0; k < columns; k++) {
        size_t from = k > 0 ? ends[k - 1] : 0;
        params[k] = (struct str){buf_data(&arrays) + from, ends[k] - from};
    }
    digest_rows(&sql, d, p, values);
    int rc = conn_query(db, buf_cstr(&sql), columns, params, out, e);
    free(ends);
    buf_fini(&sql);
    buf_fini(&arrays);
    free(params);
    free(texts);
    return rc;
}

static struct suspect_view view_of(const struct rows *r, size_t row)
{
    return (struct suspect_view){true, rows_get(r, row, ROW_CONTENT),
                                 rows_get(r, row, ROW_VERSION)};
}

static void take_first(struct round *r)
{
    for (size_t i = 0; i < r->count; i++) {
        r->cases[i]->looks = (struct suspect_looks){0};
        r->cases[i]->alias = false;
    }
    for (size_t row = 0; row < rows_count(r->first); row++) {
        struct case_file *f = r->cases[rows_int(r->first, row, ROW_N) - 1];
        f->looks.first = view_of(r->first, row);
        f->first_row = row;
        f->alias = rows_text(r->first, row, ROW_EXACT)[0] != 't';
    }
    for (size_t row = 0; row < rows_count(r->replica); row++) {
        struct case_file *f = r->cases[rows_int(r->replica, row, ROW_N) - 1];
        f->looks.replica = view_of(r->replica, row);
        f->replica_row = row;
    }
}

static void take_second(struct round *r)
{
    for (size_t row = 0; row < rows_count(r->second); row++) {
        r->cases[rows_int(r->second, row, ROW_N) - 1]->looks.second = view_of(r->second, row);
    }
}

static void take_later(struct round *r)
{
    for (size_t row = 0; row < rows_count(r->later); row++) {
        r->cases[rows_int(r->later, row, ROW_N) - 1]->looks.later = view_of(r->later, row);
    }
    for (size_t i = 0; i < r->count; i++) {
        r->cases[i]->looks.has_later = true;
    }
}

/* Transactions that wrote to the table, or to a part of it, and have not ended. One that waits for its client has not
 * begun to commit. */
static const char writers_sql[] =
    "SELECT DISTINCT virtualtransaction FROM pg_locks AS l WHERE locktype = 'relation'"
    "   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    "   AND (relation = $1::oid OR relation IN (SELECT relid FROM pg_partition_tree($1::oid)))"
    "   AND mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock',"
    "                'AccessExclusiveLock')"
    "   AND granted AND pid IS DISTINCT FROM pg_backend_pid()"
    "   AND ($2::text[] IS NULL OR virtualtransaction = ANY ($2::text[]))"
    "   AND NOT EXISTS (SELECT FROM pg_stat_activity AS a WHERE a.pid = l.pid"
    "                   AND a.state LIKE 'idle in transaction%')";

/* *gone: the transactions that were writing when this was called have ended. */
static int wait_writers(const struct round *r, bool *gone, struct err *e)
{
    char oid[16];
    struct buf names = BUF_INIT;
    int64_t until_us = clock_mono_us() + WRITERS_MS * 1000;
    int64_t wait_us = 500;
    int rc = 0;
    struct buf text = BUF_INIT;
    buf_addf(&text, "%u", r->t->relation != NULL ? r->t->relation->oid : 0);
    memcpy(oid, buf_cstr(&text), text.len + 1);
    buf_fini(&text);
    *gone = r->c->still;
    while (rc == 0 && !*gone && clock_mono_us() < until_us) {
        struct str params[2] = {str_of(oid), names.len > 0 ? buf_str(&names) : STR_NULL};
        struct rows *left = NULL;
        rc = conn_query(r->c->primary, writers_sql, 2, params, &left, e);
        *gone = rc == 0 && rows_count(left) == 0;
        if (rc == 0 && !*gone) {
            struct str *texts = def_zalloc(rows_count(left), sizeof *texts);
            for (size_t i = 0; i < rows_count(left); i++) {
                texts[i] = rows_get(left, i, 0);
            }
            buf_reset(&names);
            digest_array(&names, texts, rows_count(left));
            free(texts);
            clock_sleep_us(wait_us);
            wait_us = wait_us < 20000 ? wait_us * 2 : wait_us;
            rc = compare_go_on(r->c, e);
        }
        rows_free(left);
    }
    buf_fini(&names);
    return rc;
}

static bool any_later(struct round *r)
{
    bool any = false;
    bool group = r->t->digest.key_count == 0;
    for (size_t i = 0; i < r->count; i++) {
        r->cases[i]->verdict =
            r->cases[i]->alias ? SUSPECT_EQUAL : suspect_decide(&r->cases[i]->looks, group);
        any = any || r->cases[i]->verdict == SUSPECT_LATER;
    }
    return any;
}

static bool any_unequal(const struct round *r)
{
    for (size_t i = 0; i < r->count; i++) {
        if (!suspect_same(&r->cases[i]->looks.first, &r->cases[i]->looks.replica)) {
            return true;
        }
    }
    return false;
}

/* --- reporting ---------------------------------------------------------------------------------- */

static struct str value_at(const struct rows *r, size_t row, size_t column, bool present)
{
    return present ? rows_get(r, row, column) : STR_NULL;
}

static int is_parked(struct compare *c, const struct survey_table *t, const struct str *key,
                     bool *out, struct err *e)
{
    struct buf text = BUF_INIT;
    struct json j;
    const struct sink *s = t->sink;
    *out = false;
    if (s == NULL) { /* a view: nothing of it is parked */
        return 0;
    }
    json_init(&j, &text, JSON_COMPACT);
    json_array(&j); /* in the order of the sink's key, as park.c writes it */
    for (size_t i = 0; i < s->plan.key_count; i++) {
        for (size_t k = 0; k < t->digest.key_count; k++) {
            if (t->key[k] == s->key[i]) {
                json_text(&j, key[k]);
            }
        }
    }
    json_array_end(&j);
    struct str params[3] = {str_of(c->o->consumer), str_of(t->target), buf_str(&text)};
    struct rows *r = NULL;
    int rc = conn_query(c->replica,
                        "SELECT FROM parkway.parked WHERE consumer = $1 AND relation = $2"
                        " AND key IN ($3, '[]') AND state IN ('parked', 'retry') LIMIT 1",
                        3, params, &r, e);
    *out = rc == 0 && rows_count(r) > 0;
    rows_free(r);
    buf_fini(&text);
    return rc;
}

/* The columns that differ; of a row that one side lacks, all that the other one has. */
static size_t differing(const struct round *r, const struct case_file *f,
                        struct compare_value *values)
{
    const struct digest *d = &r->t->digest;
    size_t n = 0;
    if (d->key_count == 0) {
        const struct rows *side = f->looks.first.present ? r->first : r->replica;
        size_t row = f->looks.first.present ? f->first_row : f->replica_row;
        struct str none = STR("0");
        struct str text = rows_get(side, row, ROW_VALUES);
        values[n++] = (struct compare_value){"row", f->looks.first.present ? text : STR_NULL,
                                             f->looks.replica.present ? text : STR_NULL};
        values[n++] = (struct compare_value){
            "count", f->looks.first.present ? f->looks.first.content : none,
            f->looks.replica.present ? f->looks.replica.content : none};
        return n;
    }
    for (size_t i = 0; i < d->column_count; i++) {
        struct str a = value_at(r->first, f->first_row, ROW_VALUES + i, f->looks.first.present);
        struct str b =
            value_at(r->replica, f->replica_row, ROW_VALUES + i, f->looks.replica.present);
        if ((a.p == NULL) != (b.p == NULL) || !str_eq(a, b)) {
            values[n++] = (struct compare_value){d->names[i], a, b};
        }
    }
    return n;
}

static int report(const struct round *r, const struct case_file *f, struct err *e)
{
    struct compare *c = r->c;
    const struct digest *d = &r->t->digest;
    struct compare_value *values = def_zalloc(d->column_count + 2, sizeof *values);
    struct compare_row row = {.table = r->t,
                              .kind = !f->looks.replica.present ? COMPARE_MISSING
                                      : !f->looks.first.present ? COMPARE_EXTRA
                                                                : COMPARE_CHANGED,
                              .key = d->key_count > 0 ? f->key : NULL,
                              .values = values};
    row.value_count = differing(r, f, values);
    c->result.different++;
    int rc = d->key_count > 0 ? is_parked(c, r->t, f->key, &row.parked, e) : 0;
    if (rc == 0 && c->o->on_row != NULL) {
        c->o->on_row(c->o->ctx, &row);
    }
    free(values);
    return rc;
}

static void forget(struct round *r)
{
    rows_free(r->first);
    rows_free(r->replica);
    rows_free(r->second);
    rows_free(r->later);
    r->first = r->replica = r->second = r->later = NULL;
}

/* --- rounds ------------------------------------------------------------------------------------- */

static int look_round(struct round *r, struct err *e)
{
    struct compare *c = r->c;
    const struct digest *d = &r->t->digest;
    bool gone = true;
    int rc = ask_rows(r, c->primary, &d->source, true, &r->first, e);
    rc = rc == 0 ? compare_catch_up(c, false, 0, e) : rc;
    rc = rc == 0 ? ask_rows(r, c->replica, &d->target, true, &r->replica, e) : rc;
    if (rc != 0) {
        return rc;
    }
    take_first(r);
    if (any_unequal(r)) {
        rc = wait_writers(r, &gone, e);
        rc = rc == 0 ? ask_rows(r, c->primary, &d->source, false, &r->second, e) : rc;
        if (rc == 0) {
            take_second(r);
        }
    }
    if (rc == 0 && any_later(r)) {
        rc = compare_catch_up(c, false, 0, e);
        rc = rc == 0 ? ask_rows(r, c->replica, &d->target, false, &r->later, e) : rc;
        if (rc == 0) {
            take_later(r);
            (void)any_later(r);
        }
    }
    for (size_t i = 0; rc == 0 && i < r->count; i++) {
        struct case_file *f = r->cases[i];
        if (f->verdict == SUSPECT_DIFFERENT && !gone) {
            f->verdict = SUSPECT_AGAIN; /* it may be one of theirs */
        }
        rc = f->verdict == SUSPECT_DIFFERENT ? report(r, f, e) : 0;
    }
    return rc;
}

/* Nobody can change them until the transaction ends, so one look at each side is enough. */
static int look_held(struct round *r, struct err *e)
{
    struct compare *c = r->c;
    const struct digest *d = &r->t->digest;
    int rc = ask_rows(r, c->primary, &d->source, true, &r->first, e);
    rc = rc == 0 ? compare_catch_up(c, true, HOLD_PATIENCE_MS, e) : rc;
    rc = rc == 0 ? ask_rows(r, c->replica, &d->target, true, &r->replica, e) : rc;
    if (rc != 0) {
        return rc;
    }
    take_first(r);
    for (size_t i = 0; rc == 0 && i < r->count; i++) {
        struct case_file *f = r->cases[i];
        bool same = f->alias || suspect_same(&f->looks.first, &f->looks.replica);
        f->verdict = same ? SUSPECT_EQUAL : SUSPECT_DIFFERENT;
        rc = same ? 0 : report(r, f, e);
    }
    return rc;
}

static void add_names(struct buf *out, const struct round *r)
{
    struct json j;
    json_init(&j, out, JSON_COMPACT);
    json_array(&j);
    for (size_t i = 0; i < r->count && r->t->digest.key_count > 0; i++) {
        json_object(&j);
        for (size_t k = 0; k < r->t->digest.key_count; k++) {
            int source = r->t->sink->columns[r->t->key[k]].source;
            json_key_text(&j, r->t->relation->columns[source].name, r->cases[i]->key[k]);
        }
        json_object_end(&j);
    }
    json_array_end(&j);
}

static int hold_round(struct round *r, struct err *e)
{
    struct compare *c = r->c;
    struct buf names = BUF_INIT;
    struct rows *held = NULL;
    add_names(&names, r);
    struct str params[2] = {str_of(r->t->source), buf_str(&names)};
    int rc = conn_exec(c->primary, "BEGIN", e);
    if (rc == 0) {
        rc = conn_query(c->primary, "SELECT parkway.hold($1, $2::json)", 2, params, &held, e);
    }
    rc = rc == 0 ? look_held(r, e) : rc;
    rows_free(held);
    buf_fini(&names);
    struct err ended = ERR_INIT;
    int rc2 = conn_alive(c->primary) ? conn_exec(c->primary, "ROLLBACK", &ended) : 0;
    bool busy = rc == ERR_TIMEOUT || conn_lock_busy(rc, e);
    return busy ? rc2 : rc;
}

/* The cases among all that are still to be looked at. */
static void gather(struct round *r, struct case_file *all, size_t count, size_t max)
{
    r->count = 0;
    for (size_t i = 0; i < count && r->count < max; i++) {
        if (all[i].verdict == SUSPECT_AGAIN) {
            r->cases[r->count++] = &all[i];
        }
    }
}

static int hold_all(struct round *r, struct case_file *all, size_t count, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i += HOLD_MAX) {
        size_t n = count - i < HOLD_MAX ? count - i : HOLD_MAX;
        for (int k = 0; rc == 0 && k < HOLD_ROUNDS; k++) {
            gather(r, all + i, n, n);
            rc = r->count > 0 ? hold_round(r, e) : 0;
            forget(r);
        }
        gather(r, all + i, n, n);
        r->c->result.unsettled += (int64_t)r->count;
    }
    return rc;
}

int settle(struct compare *c, const struct survey_table *t, const struct str *keys,
           size_t count, struct err *e)
{
    size_t columns = digest_key_columns(&t->digest);
    struct case_file *all = def_zalloc(count, sizeof *all);
    struct round r = {.c = c, .t = t};
    r.cases = def_zalloc(count, sizeof(struct case_file *));
    for (size_t i = 0; i < count; i++) {
        all[i] = (struct case_file){.key = keys + i * columns, .verdict = SUSPECT_AGAIN};
    }
    int rc = 0;
    for (int i = 0; rc == 0 && i < ROUNDS; i++) {
        gather(&r, all, count, count);
        rc = r.count > 0 ? look_round(&r, e) : 0;
        forget(&r);
    }
    rc = rc == 0 ? hold_all(&r, all, count, e) : rc;
    free(r.cases);
    free(all);
    return rc;
}
