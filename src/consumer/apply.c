/* apply.c - see apply.h.
 *
 * A run is a stretch of the batch whose tables keep their shape, without a message in it; a message acts
 * (notice.h) when everything before it is written, in the same replica transaction. Its plan's statements go out in one
 * pipeline (with BEGIN in front and the cursor's save behind, where they belong), which costs two round trips: everything,
 * then COMMIT. Between the two the counts are looked at. A few lone rows need one only: their statements
 * themselves fail when they meet no row, so COMMIT goes along behind them and is not executed then. A set
 * that met fewer rows than it should is as good as refused, and a COMMIT that a deferred constraint refuses is tried again
 * with constraints checked at each statement. COPY, which no pipeline carries, is used
 * for many new rows or long ones. */
#include "consumer/apply.h"

#include "base/clock.h"
#include "base/daemon.h"
#include "base/log.h"
#include "consumer/aside.h"
#include "consumer/chunk.h"
#include "consumer/alter.h"
#include "consumer/notice.h"
#include "consumer/repair.h"
#include "consumer/tally.h"
#include "consumer/rowwise.h"
#include "consumer/start.h"
#include "consumer/statement.h"
#include "pg/pipeline.h"

#include <stdlib.h>

enum {
    SEAL_STEPS = 4,      /* statements of a row each that COMMIT goes along with */
    SPLIT_MIN = 16,      /* a refused set of more changes is halved, of fewer done row by row */
    COPY_ROWS_MIN = 100, /* below, one INSERT is quicker than COPY's round trips */
    COPY_BYTES_MIN = 256 * 1024,    /* COPY streams what an INSERT would have to hold twice */
    SCRATCH_KEEP = 8 * 1024 * 1024, /* of the parameters' buffer after a run */
    BLOATED_BYTES =
        24 * 1024 * 1024, /* parameters beyond it leave libpq's own buffer as large */
};

static const char check_at_once[] = "SET CONSTRAINTS ALL IMMEDIATE";
static const char mark_failed[] = "PKWAY"; /* SQLSTATE of our own: a count that does not fit */

void apply_init(struct apply *a)
{
    *a = (struct apply){0};
}

void apply_fini(struct apply *a)
{
    repair_free(a->repair);
    arena_fini(&a->arena);
    buf_fini(&a->scratch);
}

void apply_attach(struct apply *a, struct conn *db)
{
    repair_free(a->repair);
    a->repair = NULL;
    a->db = db;
    a->open = false;
    a->bloated = false;
    a->rows_open = 0;
    a->transactions_open = 0;
}

/* A refusal that says nothing about the data. */
static bool transient(const struct err *e)
{
    static const char *const classes[] = {"40", "530", "531", "532",   "533",   "55006",
                                          "57", "58",  "08",  "XX001", "XX002", "25"};
    for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
        if (strncmp(e->sqlstate, classes[i], strlen(classes[i])) == 0) {
            return true;
        }
    }
    return e->sqlstate[0] == '\0' || conn_lock_busy(ERR_SQL, e);
}

int apply_begin(struct apply *a, struct err *e)
{
    if (a->open) {
        return 0;
    }
    int rc = conn_exec(a->db, "BEGIN", e);
    a->open = rc == 0;
    return rc == 0 && a->immediate ? conn_exec(a->db, check_at_once, e) : rc;
}

bool apply_refused(int rc, const struct err *e)
{
    return rc == ERR_TOO_LARGE || (rc == ERR_SQL && !transient(e));
}

/* --- changes as sinks see them -------------------------------------------------------------------- */

int apply_know(struct apply *a, struct relation *r, uint64_t commit_lsn, struct err *e)
{
    int rc = r->sink_count > 0 ? start_load(r, a->cursor, a->db, e) : 0;
    for (size_t i = 0; rc == 0 && i < r->sink_count; i++) {
        struct sink *s = r->sinks[i];
        if (!s->known) {
            s->start_lsn = s->append ? 0 : start_lowest(r->start); /* start.h */
            rc = sink_know(s, a->db, e);
        }
        if (rc == 0 && !s->checked && commit_lsn >= s->start_lsn) {
            rc = alter_check(a, r, s, commit_lsn, e);
        }
    }
    return rc;
}

/* Columns that the new row leaves out and the old one has. */
static void fill(const struct relation *r, char old_kind, const struct str *old,
                 struct str *neu)
{
    for (size_t i = 0; i < r->column_count; i++) {
        if (plan_is_unchanged(neu[i]) && (old_kind == 'O' || r->columns[i].key)) {
            neu[i] = old[i];
        }
    }
}

bool apply_view_of(struct apply *a, const struct batch_change *ch, struct sink *s,
                   struct sink_view *out)
{
    /* the commit's end is not known before the commit; no other transaction ends between the two */
    unsigned held = s->append ? 0 : ch->held;
    if (ch->commit_lsn < s->start_lsn || held == (CHUNK_OLD | CHUNK_NEW)) {
        return false;
    }
    struct pgoutput_msg m;
    struct err e = ERR_INIT;
    int rc = pgoutput_parse(ch->msg, &m, &e);
    ASSERT(rc == 0); /* the batch parsed it before */
    struct str *old = NULL;
    struct str *neu = NULL;
    if (m.u.change.old.present) {
        old = relation_row(ch->relation, &m.u.change.old, &a->arena);
    }
    if (m.u.change.neu.present) {
        neu = relation_row(ch->relation, &m.u.change.neu, &a->arena);
        if (old != NULL) {
            fill(ch->relation, m.u.change.old_kind, old, neu);
        }
    }
    static const char *const ops[] = {"create", "update", "delete"};
    enum plan_op op = m.type == PGOUTPUT_INSERT   ? PLAN_OP_INSERT
                      : m.type == PGOUTPUT_UPDATE ? PLAN_OP_UPDATE
                                                  : PLAN_OP_DELETE;
    struct position at = {a->cursor->at.epoch, ch->commit_lsn, ch->ordinal, 0};
    struct sink_change as = {.at = at, .commit_us = ch->commit_us, .op = ops[op]};
    *out = (struct sink_view){.sink = s,
                              .op = op,
                              .at = at,
                              .commit_us = ch->commit_us,
                              .msg = ch->msg,
                              .half = held != 0};
    if (s->plan.mode == PLAN_APPEND) {
        out->op = PLAN_OP_INSERT;
        out->neu = sink_row(s, neu != NULL ? neu : old, &as, &a->arena);
    } else {
        out->old = (held & CHUNK_OLD) != 0 ? NULL : sink_row(s, old, &as, &a->arena);
        out->neu = (held & CHUNK_NEW) != 0 ? NULL : sink_row(s, neu, &as, &a->arena);
        out->op = (held & CHUNK_OLD) != 0   ? PLAN_OP_INSERT
                  : (held & CHUNK_NEW) != 0 ? PLAN_OP_DELETE
                                            : op;
    }
    return true;
}

size_t apply_truncated(struct apply *a, struct batch *b, const struct batch_change *ch,
                       struct plan_table ***out)
{
    struct pgoutput_msg m;
    struct err e = ERR_INIT;
    int rc = pgoutput_parse(ch->msg, &m, &e);
    ASSERT(rc == 0);
    size_t count = 0;
    size_t cap = 0;
    struct plan_table **tables = NULL;
    while (rd_left(&m.u.truncate.oids) > 0) {
        struct relation *r =
            relations_find_at(&b->relations, rd_u32(&m.u.truncate.oids), ch->shape);
        for (size_t i = 0; r != NULL && i < r->sink_count; i++) {
            if (r->sinks[i]->append || ch->commit_lsn < r->sinks[i]->start_lsn) {
                continue;
            }
            if (count == cap) {
                cap = cap > 0 ? cap * 2 : 8;
                struct plan_table **more = arena_alloc(&a->arena, cap * sizeof(void *));
                memcpy(more, tables != NULL ? tables : more, count * sizeof(void *));
                tables = more;
            }
            tables[count++] = &r->sinks[i]->plan;
        }
    }
    *out = tables;
    return count;
}

static int know_all(struct apply *a, struct batch *b, size_t from, size_t to, struct err *e)
{
    int rc = 0;
    for (size_t i = from; rc == 0 && i < to; i++) {
        struct batch_change *ch = &b->changes[i];
        if (ch->kind == BATCH_ROW) {
            rc = apply_know(a, ch->relation, ch->commit_lsn, e);
            continue;
        }
        struct pgoutput_msg m;
        rc = pgoutput_parse(ch->msg, &m, e);
        while (rc == 0 && rd_left(&m.u.truncate.oids) > 0) {
            struct relation *r =
                relations_find_at(&b->relations, rd_u32(&m.u.truncate.oids), ch->shape);
            rc = r != NULL ? apply_know(a, r, ch->commit_lsn, e) : 0;
        }
    }
    return rc == 0 ? start_judge(b, from, to, a->db, &a->arena, &a->scratch, e) : rc;
}

/* --- a plan's statements -------------------------------------------------------------------------- */

struct sent {
    int64_t expected; /* rows; -1: whatever */
    bool cursor;
};

struct sender {
    struct apply *a;
    bool seal; /* COMMIT goes along */
    struct sent *sent;
    int64_t *affected;
    size_t count; /* in the open pipeline */
    bool piping;
};

static int sender_open(struct sender *s, struct err *e)
{
    if (s->piping) {
        return 0;
    }
    int rc = pipeline_begin(s->a->db, e);
    s->piping = rc == 0;
    s->count = 0;
    if (rc == 0 && !s->a->open) {
        rc = pipeline_send(s->a->db, "BEGIN", e);
        s->sent[s->count++] = (struct sent){-1, false};
        s->a->open = true;
        if (rc == 0 && s->a->immediate) {
            rc = pipeline_send(s->a->db, check_at_once, e);
            s->sent[s->count++] = (struct sent){-1, false};
        }
    }
    return rc;
}

/* Waits for everything sent and compares the counts. */
static int sender_sync(struct sender *s, struct err *e)
{
    if (!s->piping) {
        return 0;
    }
    s->piping = false;
    int rc = pipeline_end(s->a->db, s->count, s->affected, NULL, NULL, e);
    for (size_t i = 0; rc == 0 && i < s->count; i++) {
        if (s->sent[i].cursor && s->affected[i] != 1) {
            rc = err_set(e, ERR_FENCED, "the cursor of consumer \"%s\" was taken over",
                         s->a->cursor->name);
        } else if (s->sent[i].expected >= 0 && s->affected[i] != s->sent[i].expected) {
            rc = err_sql(e, ERR_SQL, mark_failed, "%lld rows changed instead of %lld",
                         (long long)s->affected[i], (long long)s->sent[i].expected);
        }
    }
    return rc;
}

static enum sink_op op_of(enum plan_kind kind)
{
    switch (kind) {
    case PLAN_DELETE: return SINK_DELETE;
    case PLAN_UPDATE: return SINK_UPDATE;
    case PLAN_INSERT: return SINK_INSERT;
    case PLAN_MOVE: return SINK_MOVE;
    case PLAN_DELETE_ROW: return SINK_DELETE_ROW;
    default: return SINK_UPDATE_ROW;
    }
}

static bool wants_copy(const struct plan_step *st)
{
    const struct sink *s = st->table->owner;
    if (st->kind != PLAN_INSERT) {
        return false;
    }
    size_t bytes = 0;
    for (size_t i = 0; i < st->count && st->count < COPY_ROWS_MIN && bytes < COPY_BYTES_MIN;
         i++) {
        for (size_t k = 0; k < s->plan.column_count; k++) {
            bytes += st->rows[i].neu[k].n;
        }
    }
    return st->count >= COPY_ROWS_MIN || bytes >= COPY_BYTES_MIN;
}

static int step_statement(struct apply *a, const struct plan_step *st, bool sure,
                          struct sink_statement **out, struct err *e)
{
    const struct str *mask =
        st->kind == PLAN_UPDATE || st->kind == PLAN_MOVE || st->kind == PLAN_UPDATE_ROW
            ? st->rows[0].neu
            : NULL;
    return sink_statement(st->table->owner, a->db, op_of(st->kind),
                          sure && st->kind != PLAN_DELETE, mask, out, e);
}

/* Preparing asks the server, so it comes before anything is sent. */
static int prepare_steps(struct apply *a, const struct plan *p, bool seal, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < p->step_count; i++) {
        struct sink_statement *st;
        if (p->steps[i].kind != PLAN_TRUNCATE && !wants_copy(&p->steps[i])) {
            rc = step_statement(a, &p->steps[i], seal, &st, e);
        }
    }
    return rc;
}

static int send_rows(struct sender *s, const struct sink_statement *st,
                     const struct plan_row *rows, size_t count, bool exact, struct err *e)
{
    int rc = sender_open(s, e);
    if (rc == 0) {
        s->sent[s->count++] = (struct sent){exact ? (int64_t)count : -1, false};
        rc = statement_send(st, rows, count, s->a->db, &s->a->scratch, e);
        s->a->bloated = s->a->bloated || s->a->scratch.len > BLOATED_BYTES;
    }
    return rc;
}

static int send_copy(struct sender *s, const struct plan_step *st, struct err *e)
{
    int rc = sender_open(s, e); /* for its BEGIN */
    if (rc == 0) {
        rc = sender_sync(s, e);
    }
    int64_t copied = 0;
    if (rc == 0) {
        rc = statement_copy(st->table->owner, st->rows, st->count, s->a->db, &s->a->scratch,
                            &copied, e);
    }
    return rc;
}

static int send_step(struct sender *s, const struct plan_step *st, struct err *e)
{
    if (st->kind == PLAN_TRUNCATE) {
        int rc = sender_open(s, e);
        buf_reset(&s->a->scratch);
        statement_truncate(st->tables, st->table_count, &s->a->scratch);
        if (rc == 0) {
            s->sent[s->count++] = (struct sent){-1, false};
            rc = pipeline_send(s->a->db, buf_cstr(&s->a->scratch), e);
        }
        return rc;
    }
    tally_add(TALLY_WRITTEN, (int64_t)st->count);
    if (wants_copy(st)) {
        return send_copy(s, st, e);
    }
    struct sink_statement *sql;
    int rc = step_statement(s->a, st, s->seal, &sql, e);
    bool one_by_one = st->kind == PLAN_DELETE_ROW || st->kind == PLAN_UPDATE_ROW;
    for (size_t i = 0; rc == 0 && one_by_one && i < st->count; i++) {
        rc = send_rows(s, sql, &st->rows[i], 1, true, e);
    }
    if (rc == 0 && !one_by_one) {
        rc = send_rows(s, sql, st->rows, st->count, st->kind != PLAN_DELETE, e);
    }
    return rc;
}

/* Whether the plan is a few lone rows. */
static bool is_brief(const struct plan *p)
{
    bool brief = p->step_count > 0 && p->step_count <= SEAL_STEPS;
    for (size_t i = 0; brief && i < p->step_count; i++) {
        const struct plan_step *st = &p->steps[i];
        brief =
            (st->kind == PLAN_INSERT || st->kind == PLAN_UPDATE || st->kind == PLAN_DELETE) &&
            st->count == 1 && !wants_copy(st);
    }
    return brief;
}

/* Everything of the plan and, when save is set, the cursor; with seal the COMMIT. */
static int send_plan(struct apply *a, const struct plan *p, bool save, bool seal, struct err *e)
{
    size_t most = 4; /* BEGIN, constraints, cursor, COMMIT */
    for (size_t i = 0; i < p->step_count; i++) {
        most += p->steps[i].count + 1;
    }
    struct sender s = {.a = a, .seal = seal};
    s.sent = arena_alloc(&a->arena, most * sizeof *s.sent);
    s.affected = arena_zalloc(&a->arena, most * sizeof *s.affected);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < p->step_count; i++) {
        rc = send_step(&s, &p->steps[i], e);
    }
    if (rc == 0 && save) {
        rc = sender_open(&s, e);
    }
    if (rc == 0 && save) {
        s.sent[s.count++] = (struct sent){-1, true};
        rc = cursor_send(a->cursor, seal, a->db, e);
    }
    if (rc == 0 && seal) {
        s.sent[s.count++] = (struct sent){-1, false};
        rc = pipeline_send(a->db, "COMMIT", e);
    }
    if (rc != 0 && s.piping) { /* leave the pipeline; what it says now no longer matters */
        struct err ignored = ERR_INIT;
        (void)!sender_sync(&s, &ignored);
        return rc;
    }
    return rc == 0 ? sender_sync(&s, e) : rc;
}

/* --- runs and transactions ---------------------------------------------------------------------- */

/* settled: changes that cannot be applied now are put aside; otherwise they make the run one that needs care. */
static int plan_run(struct apply *a, struct batch *b, size_t from, size_t to, bool settled,
                    struct plan *p, bool *careful, struct err *e)
{
    int rc = know_all(a, b, from, to, e);
    if (rc != 0) {
        return rc;
    }
    plan_init(p, &a->arena);
    park_drop(a->park);
    *careful = false;
    for (size_t i = from; i < to && !*careful; i++) {
        struct batch_change *ch = &b->changes[i];
        if (ch->kind == BATCH_TRUNCATE) {
            struct plan_table **tables;
            size_t count = apply_truncated(a, b, ch, &tables);
            for (size_t k = 0; k < count; k++) {
                const struct sink *s = tables[k]->owner;
                *careful = *careful || s->broken.code != 0 || park_any(a->park);
            }
            if (count > 0) {
                plan_truncate(p, tables, count);
            }
            continue;
        }
        for (size_t k = 0; k < ch->relation->sink_count && !*careful; k++) {
            struct sink *s = ch->relation->sinks[k];
            struct sink_view v;
            if (!apply_view_of(a, ch, s, &v)) {
                continue;
            }
            if (!aside_wants(a, &v)) {
                park_pass(a->park, &v);
                plan_change(p, &s->plan, v.op, v.old, v.neu);
            } else if (settled) {
                aside_put(a, &v);
            } else {
                *careful = true;
            }
        }
    }
    plan_finish(p);
    return 0;
}

static int run_set(struct apply *a, const struct plan *p, bool save, struct err *e)
{
    bool was_open = a->open;
    bool seal = save && !was_open && a->may_seal && !park_any(a->park) && is_brief(p);
    int rc = was_open ? conn_exec(a->db, "SAVEPOINT parkway_run", e) : 0;
    if (rc != 0) {
        return rc;
    }
    rc = prepare_steps(a, p, seal, e);
    if (rc == 0) {
        rc = send_plan(a, p, save, seal, e);
    }
    if (rc == 0) {
        a->sealed = seal;
        return was_open ? conn_exec(a->db, "RELEASE SAVEPOINT parkway_run", e) : 0;
    }
    if (apply_refused(rc, e)) {
        struct err undo = ERR_INIT;
        int rc2 = conn_exec(a->db,
                            was_open ? "ROLLBACK TO SAVEPOINT parkway_run;"
                                       " RELEASE SAVEPOINT parkway_run"
                                     : "ROLLBACK",
                            &undo);
        a->open = was_open;
        if (rc2 != 0) {
            *e = undo;
            return rc2;
        }
    }
    return rc;
}

/* *saved: the cursor went along. A refused run, or one that needs care, is halved, so that one refused row among thousands costs
 * a few sets more and not thousands of single rows. */
static int apply_run(struct apply *a, struct batch *b, size_t from, size_t to, bool save,
                     bool *saved, struct err *e)
{
    arena_reset(&a->arena);
    struct plan p;
    bool careful;
    int rc = plan_run(a, b, from, to, false, &p, &careful, e);
    if (rc == 0 && careful && !a->halt_on_poison) {
        rc = aside_settle(a, b, from, to, e);
        arena_reset(&a->arena);
        rc = rc == 0 ? plan_run(a, b, from, to, true, &p, &careful, e) : rc;
    }
    if (rc != 0) {
        return rc;
    }
    tally_add(TALLY_CHUNKS, 1);
    if (!careful) {
        rc = run_set(a, &p, save, e);
        if (!apply_refused(rc, e)) {
            *saved = rc == 0 && save;
            return rc == 0 ? park_flush(a->park, a->db, e) : rc;
        }
        tally_add(TALLY_FALLBACKS, 1);
        log_debug("set refused rows=%zu sqlstate=%s reason=\"%s\"", to - from, e->sqlstate,
                  e->text);
    }
    if (to - from > SPLIT_MIN) { /* most of it may be fine */
        size_t middle = from + (to - from) / 2;
        rc = apply_run(a, b, from, middle, false, saved, e);
        return rc == 0 ? apply_run(a, b, middle, to, save, saved, e) : rc;
    }
    rc = apply_begin(a, e);
    if (rc == 0) {
        rc = rowwise_apply(a, b, from, to, e);
    }
    return rc;
}

static int apply_message(struct apply *a, struct batch *b, const struct batch_change *ch,
                         struct err *e)
{
    int rc = apply_begin(a, e);
    if (rc == 0) {
        rc = notice_apply(a, b, ch, e);
    }
    return rc;
}

static int apply_runs(struct apply *a, struct batch *b, bool save, bool *saved, struct err *e)
{
    int rc = 0;
    *saved = false;
    for (size_t from = 0; rc == 0 && from < b->count;) {
        size_t to = from + 1;
        bool message = b->changes[from].kind == BATCH_MESSAGE;
        while (!message && to < b->count && b->changes[to].kind != BATCH_MESSAGE &&
               b->changes[to].shape == b->changes[from].shape) {
            to++;
        }
        rc = message ? apply_message(a, b, &b->changes[from], e)
                     : apply_run(a, b, from, to, save && to == b->count, saved, e);
        from = to;
    }
    buf_shrink(&a->scratch, SCRATCH_KEEP);
    arena_reset(&a->arena);
    a->rows_open += b->count;
    a->transactions_open += b->transactions;
    return rc;
}

int apply_chunk(struct apply *a, struct batch *b, struct err *e)
{
    bool saved;
    int rc = apply_runs(a, b, false, &saved, e);
    if (rc == 0) {
        batch_clear(b);
    }
    return rc;
}

static void count_commit(struct apply *a)
{
    tally_add(TALLY_ROWS, (int64_t)a->rows_open);
    tally_add(TALLY_TXNS, (int64_t)a->transactions_open);
    tally_add(TALLY_BATCHES, a->rows_open > 0);
    a->rows_open = 0;
    a->transactions_open = 0;
    traced_say(a);
}

/* What a deferred constraint of the target's refuses cannot be told from the other changes any more: the transaction is given
 * up, and in the next one constraints are checked with each statement, so that the change itself is refused. */
static int commit(struct apply *a, struct err *e)
{
    int rc = conn_exec(a->db, "COMMIT", e);
    if (apply_refused(rc, e) && !a->immediate) {
        a->immediate = true;
        log_warn("COMMIT refused, again with constraints checked at each change sqlstate=%s "
                 "reason=\"%s\"",
                 e->sqlstate, e->text);
    }
    return rc;
}

int apply_commit(struct apply *a, struct batch *b, int64_t delay_ms, struct err *e)
{
    bool saved;
    a->sealed = false;
    a->may_seal = delay_ms == 0;
    int rc = apply_runs(a, b, true, &saved, e);
    a->may_seal = false;
    if (rc == 0 && delay_ms > 0) {
        daemon_wait_ms(delay_ms);
    }
    if (rc == 0 && !a->open) {
        rc = cursor_save(a->cursor, a->db, e); /* nothing but the place changed */
    } else if (rc == 0 && !a->sealed) {
        rc = saved ? 0 : cursor_save(a->cursor, a->db, e);
        rc = rc == 0 ? commit(a, e) : rc;
    }
    if (rc == 0) {
        a->open = false;
        a->immediate = false;
        count_commit(a);
        batch_clear(b);
    }
    return rc;
}

void apply_abandon(struct apply *a)
{
    struct err ignored = ERR_INIT;
    if (a->open && conn_alive(a->db)) {
        (void)!conn_exec(a->db, "ROLLBACK", &ignored);
    }
    a->open = false;
    a->rows_open = 0;
    a->traced.count = 0;
    a->transactions_open = 0;
}
