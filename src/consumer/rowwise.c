/* rowwise.c - see rowwise.h. */
#include "consumer/rowwise.h"

#include "base/log.h"
#include "consumer/aside.h"
#include "consumer/tally.h"
#include "consumer/statement.h"
#include "pg/pipeline.h"

#include <stdio.h>

static int once(struct apply *a, struct sink *s, enum sink_op op, const struct sink_view *v,
                int64_t *affected, struct err *e)
{
    struct sink_statement *st;
    bool masked = op == SINK_UPDATE || op == SINK_MOVE || op == SINK_UPDATE_ROW;
    int rc = sink_statement(s, a->db, op, false, masked ? v->neu : NULL, &st, e);
    if (rc != 0) {
        return rc;
    }
    struct plan_row row = {v->old, v->neu};
    rc = pipeline_begin(a->db, e);
    if (rc != 0) {
        return rc;
    }
    rc = statement_send(st, &row, 1, a->db, &a->scratch, e);
    struct err ended = ERR_INIT;
    int rc2 = pipeline_end(a->db, rc == 0, affected, NULL, NULL, rc == 0 ? e : &ended);
    return rc != 0 ? rc : rc2;
}

/* The row was not there: put the new one in its place. */
static int heal(struct apply *a, const struct sink_view *v, struct err *e)
{
    if (!plan_complete(&v->sink->plan, v->neu)) {
        return sink_incomplete(e);
    }
    int64_t affected = 0;
    int rc = once(a, v->sink, SINK_UPSERT, v, &affected, e);
    tally_add(TALLY_HEALED, rc == 0);
    return rc;
}

static int change(struct apply *a, const struct sink_view *v, struct err *e)
{
    struct sink *s = v->sink;
    if (sink_refuses(v, e)) {
        return e->code;
    }
    bool by_row = s->plan.mode == PLAN_BY_ROW;
    bool moved = v->op == PLAN_OP_UPDATE && !by_row && v->old != NULL &&
                 !plan_same_key(&s->plan, v->old, v->neu);
    enum sink_op op = v->op == PLAN_OP_INSERT   ? SINK_INSERT
                      : v->op == PLAN_OP_DELETE ? (by_row ? SINK_DELETE_ROW : SINK_DELETE)
                      : by_row                  ? SINK_UPDATE_ROW
                      : moved                   ? SINK_MOVE
                                                : SINK_UPDATE;
    int64_t affected = 0;
    int rc = once(a, s, op, v, &affected, e);
    if (rc != 0 || affected > 0) {
        return rc;
    }
    if (v->op == PLAN_OP_DELETE) {
        tally_add(TALLY_HEALED, 1); /* gone already */
        return 0;
    }
    return heal(a, v, e);
}

static int in_savepoint(struct apply *a, const struct sink_view *v, struct err *e)
{
    int rc = conn_exec(a->db, "SAVEPOINT parkway_row", e);
    if (rc != 0) {
        return rc;
    }
    rc = change(a, v, e);
    if (rc == 0) {
        return conn_exec(a->db, "RELEASE SAVEPOINT parkway_row", e);
    }
    if (conn_alive(a->db)) {
        struct err undo = ERR_INIT;
        int rc2 = conn_exec(
            a->db, "ROLLBACK TO SAVEPOINT parkway_row; RELEASE SAVEPOINT parkway_row", &undo);
        if (rc2 != 0) {
            *e = undo;
            return rc2;
        }
    }
    return rc;
}

/* What becomes of a change that is refused for good. */
static int dispose(struct apply *a, const struct sink_view *v, const struct err *why,
                   struct err *e)
{
    if (!a->halt_on_poison) {
        park_put(a->park, v, why);
        return 0;
    }
    char position[POSITION_TEXT_MAX];
    bool skip = false;
    int rc = park_skips(a->park, a->db, v, &skip, e);
    if (rc != 0) {
        return rc;
    }
    position_text(v->at, position);
    if (skip) {
        log_warn("change skipped relation=%s.%s position=%s", v->sink->schema, v->sink->name,
                 position);
        return 0;
    }
    park_halt(a->park, v, why);
    char text[sizeof why->text];
    park_cause(why, text, sizeof text);
    return err_sql(e, ERR_CONFLICT, why->sqlstate, "change of %s.%s at %s: %s", v->sink->schema,
                   v->sink->name, position, text);
}

/* The table is not what it was; being forbidden says nothing about it. */
static bool another_table(const struct err *why)
{
    return memcmp(why->sqlstate, "42", 2) == 0 && strcmp(why->sqlstate, "42501") != 0;
}

static int one(struct apply *a, const struct batch_change *ch, struct sink *s, struct err *e)
{
    struct sink_view v;
    if (!apply_view_of(a, ch, s, &v)) {
        return 0;
    }
    if (park_any(a->park) && park_holds(a->park, &v)) {
        struct err why = ERR_INIT;
        err_sql(&why, ERR_SQL, "PKKEY", "an earlier change of the same key is parked");
        return dispose(a, &v, &why, e);
    }
    int rc = in_savepoint(a, &v, e);
    for (size_t tries = 0; apply_refused(rc, e) && aside_patience(a, tries); tries++) {
        sink_forget(s);
        rc = sink_know(s, a->db, e);
        if (rc == 0 && apply_view_of(a, ch, s, &v)) {
            rc = in_savepoint(a, &v, e);
        }
    }
    if (apply_refused(rc, e)) {
        struct err why = *e;
        rc = dispose(a, &v, &why, e);
        if (rc == 0 && another_table(&why)) {
            sink_forget(s);
            rc = sink_know(s, a->db, e);
        }
        return rc;
    }
    if (rc == 0) {
        park_pass(a->park, &v);
    }
    return rc;
}

/* TRUNCATE is refused where another table of the replica refers to one of these, or for want of the right. */
static int empty(struct apply *a, struct plan_table *const *tables, size_t count, struct err *e)
{
    int rc = conn_exec(a->db, "SAVEPOINT parkway_row", e);
    if (rc != 0) {
        return rc;
    }
    buf_reset(&a->scratch);
    statement_truncate(tables, count, &a->scratch);
    rc = conn_exec(a->db, buf_cstr(&a->scratch), e);
    if (rc == 0) {
        return conn_exec(a->db, "RELEASE SAVEPOINT parkway_row", e);
    }
    if (!apply_refused(rc, e)) {
        return rc;
    }
    rc =
        conn_exec(a->db, "ROLLBACK TO SAVEPOINT parkway_row; RELEASE SAVEPOINT parkway_row", e);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        const struct sink *s = tables[i]->owner;
        buf_reset(&a->scratch);
        buf_addf(&a->scratch, "DELETE FROM %s%s", s->partitioned ? "" : "ONLY ", s->target);
        rc = conn_exec(a->db, buf_cstr(&a->scratch), e);
    }
    return rc;
}

/* A table that does not fit is emptied like any other, one that is missing is empty; nothing of either needs to
 * wait any more. */
static int truncate(struct apply *a, struct batch *b, const struct batch_change *ch,
                    struct err *e)
{
    struct plan_table **tables;
    size_t count = apply_truncated(a, b, ch, &tables);
    size_t there = 0;
    int rc = park_flush(a->park, a->db, e);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct sink *s = tables[i]->owner;
        sink_forget(s);
        rc = sink_know(s, a->db, e);
        if (rc == 0) {
            rc = park_clear(a->park, a->db, s, e);
        }
        if (strcmp(s->broken.sqlstate, "42P01") != 0) {
            tables[there++] = tables[i];
        }
    }
    if (rc != 0 || there == 0) {
        return rc;
    }
    return empty(a, tables, there, e);
}

int rowwise_apply(struct apply *a, struct batch *b, size_t from, size_t to, struct err *e)
{
    /* a deferrable constraint of the replica may be violated between two rows of one statement */
    int rc = a->immediate ? 0 : conn_exec(a->db, "SET CONSTRAINTS ALL DEFERRED", e);
    arena_reset(&a->arena);
    park_drop(a->park);
    if (rc == 0 && park_any(a->park)) {
        rc = aside_settle(a, b, from, to, e);
        arena_reset(&a->arena);
    }
    for (size_t i = from; rc == 0 && i < to; i++) {
        const struct batch_change *ch = &b->changes[i];
        if (ch->kind == BATCH_TRUNCATE) {
            rc = truncate(a, b, ch, e);
            continue;
        }
        for (size_t k = 0; rc == 0 && k < ch->relation->sink_count; k++) {
            rc = one(a, ch, ch->relation->sinks[k], e);
        }
        if (a->arena.held_bytes > 4 * 1024 * 1024) {
            arena_reset(&a->arena);
        }
    }
    return rc == 0 ? park_flush(a->park, a->db, e) : rc;
}
