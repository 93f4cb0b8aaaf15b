/* alter.c - see alter.h. */
#include "consumer/alter.h"

#include "base/daemon.h"
#include "base/log.h"
#include "consumer/reshape.h"
#include "consumer/tally.h"
#include "consumer/seal.h"
#include "pg/ident.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    LOCK_TRIES =
        5, /* then the whole replica transaction is given up, which frees what it holds */
    LOCK_WAIT_MS = 200,
    LABEL_MAX = 160, /* two names of 63 bytes and a dot */
};

/* A mirror of the table, and what is about to happen to it. */
struct turn {
    struct apply *a;
    const struct batch_change *ch;
    struct arena arena;
    struct str content;
    struct layout_notice told;
    uint32_t oid;
    char was[LABEL_MAX], now[LABEL_MAX]; /* of the source; the same unless it was renamed */
    /* the target, unquoted */
    const char *schema, *name;
    char target[LABEL_MAX];
};

/* ---- the books ------------------------------------------------------------------------------------ */

int alter_count(struct conn *db, const char *consumer, struct err *e)
{
    struct rows *r = NULL;
    int rc = conn_query(db,
                        "SELECT count(*) FROM parkway.table_state"
                        " WHERE consumer = $1 AND state = 'blocked'",
                        1, (struct str[]){str_of(consumer)}, &r, e);
    if (rc == 0) {
        tally_set(TALLY_BLOCKED, rows_int(r, 0, 0));
        rows_free(r);
    }
    return rc;
}

/* Who reads it at this moment gets an error, which the router answers from the primary. */
static int close_to_readers(struct conn *db, const char *schema, const char *name,
                            struct err *e)
{
    struct rows *r = NULL;
    int rc = conn_query(db, "SELECT parkway.close_to_readers($1, $2)", 2,
                        (struct str[]){str_of(schema), str_of(name)}, &r, e);
    rows_free(r);
    return rc;
}

int alter_block(struct conn *db, const char *consumer, const char *relation, const char *schema,
                const char *name, const char *reason, struct err *e)
{
    char target[LABEL_MAX];
    snprintf(target, sizeof target, "%s.%s", schema, name);
    char hint[2 * LABEL_MAX];
    snprintf(hint, sizeof hint, "parkway bootstrap %s --table=%s --force", consumer, relation);
    log_error("table blocked relation=%s target=%s reason=\"%s\" hint=\"%s\"", relation, target,
              reason, hint);
    struct str params[5] = {str_of(consumer), str_of(relation), str_of(target), str_of(reason),
                            str_of(hint)};
    int rc =
        conn_query(db,
                   "INSERT INTO parkway.table_state AS s"
                   " (consumer, relation, target, state, reason, hint)"
                   " VALUES ($1, $2, $3, 'blocked', $4, $5)"
                   " ON CONFLICT (consumer, relation, target) DO UPDATE SET state = 'blocked',"
                   " reason = excluded.reason, hint = excluded.hint, since = now()",
                   ARRAY_LEN(params), params, NULL, e);
    if (rc == 0) {
        rc = alter_count(db, consumer, e);
    }
    return rc == 0 ? close_to_readers(db, schema, name, e) : rc;
}

/* The table stops here. In halt mode the consumer does, and what is open is given up. */
static int block(struct apply *a, const char *relation, const char *schema, const char *name,
                 const char *reason, struct err *e)
{
    if (a->halt_on_poison) {
        apply_abandon(a);
    }
    int rc = a->halt_on_poison ? 0 : apply_begin(a, e);
    if (rc == 0) {
        rc = alter_block(a->db, a->cursor->name, relation, schema, name, reason, e);
    }
    if (rc == 0 && a->halt_on_poison) {
        rc = err_sql(e, ERR_CONFLICT, "PKSHP", "table %s: %s", relation, reason);
    }
    return rc;
}

/* ---- whether a message is for us -------------------------------------------------------------------- */

static void identify(struct turn *t)
{
    const struct layout *now = t->told.table;
    const struct layout *was = t->told.was;
    const char *schema = now != NULL   ? now->schema
                         : was != NULL ? was->schema
                                       : t->told.failed_schema;
    const char *name = now != NULL ? now->name : was != NULL ? was->name : t->told.failed_name;
    t->oid = now != NULL ? now->oid : was != NULL ? was->oid : t->told.failed_oid;
    snprintf(t->now, sizeof t->now, "%s.%s", schema, name);
    snprintf(t->was, sizeof t->was, "%s.%s", was != NULL ? was->schema : schema,
             was != NULL ? was->name : name);
}

/* What the present copy of the table holds already, or its shape was recorded from, is skipped. */
static int is_past(struct turn *t, bool *past, struct err *e)
{
    char oid[16];
    char epoch[POSITION_TEXT_MAX];
    char lsn[POSITION_TEXT_MAX];
    snprintf(oid, sizeof oid, "%" PRIu32, t->oid);
    epoch_text(t->a->cursor->at.epoch, epoch);
    lsn_text(t->ch->commit_lsn, lsn);
    struct str params[6] = {str_of(t->a->cursor->name),
                            str_of(oid),
                            str_of(t->was),
                            str_of(t->now),
                            str_of(epoch),
                            str_of(lsn)};
    struct rows *r = NULL;
    int rc = conn_query(
        t->a->db,
        "SELECT EXISTS (SELECT FROM parkway.table_start WHERE consumer = $1"
        "               AND relation IN ($3, $4) AND lsn IS NULL),"
        "       EXISTS (SELECT FROM parkway.table_start WHERE consumer = $1"
        "               AND relation IN ($3, $4) AND epoch = $5 AND lsn > $6::text::pg_lsn)"
        "    OR EXISTS (SELECT FROM parkway.table_shape WHERE consumer = $1"
        "               AND oid = $2::text::bigint AND epoch = $5 AND lsn > $6::text::pg_lsn)",
        ARRAY_LEN(params), params, &r, e);
    if (rc != 0) {
        return rc;
    }
    if (rows_text(r, 0, 0)[0] == 't') {
        rc = err_set(e, ERR_UNAVAILABLE, "%s is being copied to the replica", t->now);
    }
    *past = rows_text(r, 0, 1)[0] == 't';
    rows_free(r);
    return rc;
}

/* ---- one target ---------------------------------------------------------------------------------- */

struct here {
    struct layout *layout;
    bool schema_exists;
    bool blocked;
    bool enrolled; /* its rows were copied, or it was empty when it came */
    const char **roles;
    size_t role_count;
};

static int look(struct turn *t, const char *schema, const char *name, struct here *h,
                struct err *e)
{
    struct rows *r = NULL;
    struct str params[5] = {str_of(schema), str_of(name), str_of(t->schema),
                            str_of(t->a->cursor->name), str_of(t->was)};
    int rc = conn_query(
        t->a->db,
        "SELECT parkway.shape_of($1, $2)::text,"
        " EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $3),"
        " EXISTS (SELECT FROM parkway.table_state WHERE consumer = $4 AND relation = $5"
        "         AND target = $1 || '.' || $2 AND state = 'blocked'),"
        " EXISTS (SELECT FROM parkway.table_start WHERE consumer = $4 AND relation = $5)",
        ARRAY_LEN(params), params, &r, e);
    if (rc != 0) {
        return rc;
    }
    h->layout = NULL;
    if (rows_get(r, 0, 0).p != NULL) {
        rc = layout_parse(rows_get(r, 0, 0), &t->arena, &h->layout, e);
    }
    h->schema_exists = rows_text(r, 0, 1)[0] == 't';
    h->blocked = rows_text(r, 0, 2)[0] == 't';
    h->enrolled = rows_text(r, 0, 3)[0] == 't';
    rows_free(r);
    return rc;
}

/* The logins of this server among those that may read on the primary. */
static int look_for_roles(struct turn *t, struct here *h, struct err *e)
{
    struct rows *r = NULL;
    int rc =
        conn_query(t->a->db,
                   "SELECT rolname FROM pg_catalog.pg_roles WHERE NOT rolsuper AND rolname IN"
                   " (SELECT jsonb_array_elements_text($1::text::jsonb->'table'->'readers'))",
                   1, &t->content, &r, e);
    if (rc != 0) {
        return rc;
    }
    h->role_count = rows_count(r);
    h->roles = arena_alloc(&t->arena, (h->role_count + 1) * sizeof *h->roles);
    for (size_t i = 0; i < h->role_count; i++) {
        struct str s = rows_get(r, i, 0);
        h->roles[i] = arena_copy(&t->arena, (struct str){rows_text(r, i, 0), s.n + 1}).p;
    }
    rows_free(r);
    return 0;
}

/* The statements in a savepoint of their own. ERR_SQL and not transient: refused, and undone. */
static int try_steps(struct turn *t, const char *const *sql, size_t count, struct err *e)
{
    struct conn *db = t->a->db;
    int rc = conn_exec(db, "SAVEPOINT parkway_shape; SET LOCAL lock_timeout = '300ms'", e);
    if (rc != 0) {
        return rc;
    }
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = conn_exec(db, sql[i], e);
    }
    if (rc == 0) {
        return conn_exec(db, "SET LOCAL lock_timeout = 0; RELEASE SAVEPOINT parkway_shape", e);
    }
    struct err undo = ERR_INIT;
    if (conn_alive(db) &&
        conn_exec(db, "ROLLBACK TO SAVEPOINT parkway_shape; RELEASE SAVEPOINT parkway_shape",
                  &undo) != 0) {
        *e = undo;
        return undo.code;
    }
    return rc;
}

/* Readers come first: the lock is asked for briefly, and again. Who waits longer holds up the readers behind it. */
static int run_steps(struct turn *t, const char *const *sql, size_t count, struct err *e)
{
    int rc = count > 0 ? try_steps(t, sql, count, e) : 0;
    for (int i = 1; rc == ERR_SQL && strcmp(e->sqlstate, "55P03") == 0 && i < LOCK_TRIES; i++) {
        daemon_wait_ms(LOCK_WAIT_MS);
        rc = try_steps(t, sql, count, e);
    }
    return rc;
}

static int stop_target(struct turn *t, const char *reason, struct err *e)
{
    return block(t->a, t->now, t->schema, t->name, reason, e);
}

/* A blocked table that is renamed keeps its entry under the new name. */
static int rename_state(struct turn *t, const char *target_was, struct err *e)
{
    struct str params[5] = {str_of(t->a->cursor->name), str_of(t->was), str_of(target_was),
                            str_of(t->now), str_of(t->target)};
    return conn_query(t->a->db,
                      "UPDATE parkway.table_state SET relation = $4, target = $5"
                      " WHERE consumer = $1 AND relation = $2 AND target = $3",
                      ARRAY_LEN(params), params, NULL, e);
}

/* Whether the server refuses it for good. Two who change the catalogue at a time meet as an internal error ("tuple
 * concurrently updated"), which a row never does. */
static bool refused(int rc, const struct err *e)
{
    return rc == ERR_SQL && apply_refused(rc, e) && strncmp(e->sqlstate, "XX", 2) != 0;
}

static int drop_target(struct turn *t, struct err *e)
{
    struct buf sql = BUF_INIT;
    buf_adds(&sql, "DROP TABLE IF EXISTS ");
    ident_quote(&sql, t->schema);
    buf_u8(&sql, '.');
    ident_quote(&sql, t->name);
    const char *text = buf_cstr(&sql);
    int rc = run_steps(t, &text, 1, e);
    buf_fini(&sql);
    if (refused(rc, e)) {
        struct err why = *e;
        return stop_target(t, why.text, e);
    }
    struct str params[3] = {str_of(t->a->cursor->name), str_of(t->now), str_of(t->target)};
    if (rc == 0) {
        rc = conn_query(t->a->db,
                        "DELETE FROM parkway.table_state"
                        " WHERE consumer = $1 AND relation = $2 AND target = $3",
                        ARRAY_LEN(params), params, NULL, e);
    }
    if (rc == 0) {
        log_info("table dropped relation=%s target=%s", t->now, t->target);
        rc = alter_count(t->a->db, t->a->cursor->name, e);
    }
    return rc;
}

static int reshape_target(struct turn *t, const char *schema_was, const char *name_was,
                          struct err *e)
{
    struct here h = {0};
    char target_was[LABEL_MAX];
    snprintf(target_was, sizeof target_was, "%s.%s", schema_was, name_was);
    int rc = look(t, schema_was, name_was, &h, e);
    if (rc == 0 && h.layout == NULL && strcmp(target_was, t->target) != 0) {
        rc = look(t, t->schema, t->name, &h, e); /* renamed already */
    }
    if (rc == 0) {
        rc = look_for_roles(t, &h, e);
    }
    if (rc != 0) {
        return rc;
    }
    struct reshape plan;
    struct reshape_input in = {.was = t->told.was,
                               .now = t->told.table,
                               .here = h.layout,
                               .schema = t->schema,
                               .name = t->name,
                               .schema_exists = h.schema_exists,
                               .roles = h.roles,
                               .role_count = h.role_count,
                               .told = &t->told};
    reshape_decide(&plan, &in, &t->arena);
    if (t->told.was == NULL && t->told.filled && !h.enrolled && plan.reason[0] == '\0') {
        /* added to the publication by hand */
        snprintf(plan.reason, sizeof plan.reason, "its rows have to be copied");
    }
    bool whole = !h.blocked && plan.reason[0] == '\0';
    rc = run_steps(t, plan.sql, whole ? plan.count : plan.always, e);
    if (refused(rc, e)) {
        struct err why = *e;
        return stop_target(t, why.text, e);
    }
    if (rc == 0 && h.blocked) {
        return rename_state(t, target_was, e);
    }
    if (rc == 0 && !whole) {
        return stop_target(t, plan.reason, e);
    }
    if (rc == 0 && plan.count > 0) {
        log_info("table altered relation=%s target=%s steps=%zu", t->now, t->target,
                 plan.count);
        tally_add(TALLY_ALTERED, 1);
    }
    return rc;
}

static int act_on(struct turn *t, const char *schema, const char *name, const char *schema_was,
                  const char *name_was, struct err *e)
{
    t->schema = schema;
    t->name = name;
    snprintf(t->target, sizeof t->target, "%s.%s", schema, name);
    if (t->told.failed != NULL) {
        return stop_target(t, t->told.failed, e);
    }
    if (t->told.table != NULL) {
        return reshape_target(t, schema_was, name_was, e);
    }
    return t->told.released ? stop_target(t, "the table is not captured any more", e)
                            : drop_target(t, e);
}

/* ---- the whole ---------------------------------------------------------------------------------- */

/* A mirror of the configuration follows its target's name, and stops when its source got another one. */
static int act_on_mirror(struct turn *t, const struct mirror *m, struct err *e)
{
    char source[LABEL_MAX];
    snprintf(source, sizeof source, "%s.%s", m->source_schema, m->source_name);
    bool from = strcmp(source, t->was) == 0;
    bool to = strcmp(source, t->now) == 0;
    if (m->append || m->column_count > 0 || (!from && !to)) {
        return 0;
    }
    if (from && to) {
        return act_on(t, m->target_schema, m->target_name, m->target_schema, m->target_name, e);
    }
    t->schema = m->target_schema;
    t->name = m->target_name;
    return stop_target(t,
                       from
                           ? "the source was renamed: change consumer.mirrors"
                           : "another table took the source's name: its rows have to be copied",
                       e);
}

static int act_on_all(struct turn *t, const struct mirrors *mirrors, struct err *e)
{
    int rc = 0;
    if (mirrors->all) {
        const struct layout *now = t->told.table;
        const struct layout *was = t->told.was;
        const char *schema = now != NULL   ? now->schema
                             : was != NULL ? was->schema
                                           : t->told.failed_schema;
        const char *name = now != NULL   ? now->name
                           : was != NULL ? was->name
                                         : t->told.failed_name;
        rc = act_on(t, schema, name, was != NULL ? was->schema : schema,
                    was != NULL ? was->name : name, e);
    }
    for (size_t i = 0; rc == 0 && i < mirrors->count; i++) {
        rc = act_on_mirror(t, &mirrors->items[i], e);
    }
    return rc;
}

static int record(struct turn *t, struct err *e)
{
    char oid[16];
    char epoch[POSITION_TEXT_MAX];
    char lsn[POSITION_TEXT_MAX];
    snprintf(oid, sizeof oid, "%" PRIu32, t->oid);
    epoch_text(t->a->cursor->at.epoch, epoch);
    lsn_text(t->ch->commit_lsn, lsn);
    struct str params[7] = {str_of(t->a->cursor->name),
                            str_of(oid),
                            str_of(t->now),
                            str_of(t->was),
                            str_of(epoch),
                            str_of(lsn),
                            t->content};
    const char *sql = t->told.table != NULL
                          ? "SELECT parkway.record_shape($1, $2::text::bigint, $3, $4, $5,"
                            " $6::text::pg_lsn, $7::text::jsonb)"
                          : "SELECT parkway.forget_shape($1, $2::text::bigint, $3)";
    return conn_query(t->a->db, sql, t->told.table != NULL ? 7 : 3, params, NULL, e);
}

/* What was looked up of the table before is not true any more. */
static void forget(struct batch *b, uint32_t oid)
{
    for (size_t i = 0; i < b->relations.count; i++) {
        struct relation *r = b->relations.items[i];
        for (size_t k = 0; r->oid == oid && k < r->sink_count; k++) {
            sink_forget(r->sinks[k]);
        }
    }
}

static int act(struct turn *t, struct batch *b, struct err *e)
{
    int rc = layout_notice_parse(t->content, &t->arena, &t->told, e);
    if (rc != 0) {
        return rc;
    }
    identify(t);
    bool past = false;
    rc = is_past(t, &past, e);
    if (rc != 0 || past) {
        return rc;
    }
    rc = act_on_all(t, b->mirrors, e);
    if (rc == 0 && t->told.failed == NULL) {
        rc = record(t, e);
    }
    forget(b, t->oid);
    return rc;
}

int alter_notice(struct apply *a, struct batch *b, const struct batch_change *ch,
                 struct str content, struct err *e)
{
    struct turn t = {.a = a, .ch = ch};
    bool good = false;
    int rc = seal_open(a->db, "parkway.shape", ch, content, &good, &t.content, e);
    if (rc == 0 && !good) {
        char lsn[POSITION_TEXT_MAX];
        lsn_text(ch->commit_lsn, lsn);
        log_warn("shape message without a valid seal ignored commit=%s hint=\"%s\"", lsn,
                 "parkway migrate carries the keys");
    }
    if (rc == 0 && good) {
        rc = act(&t, b, e);
    }
    arena_fini(&t.arena);
    return rc;
}

int alter_check(struct apply *a, const struct relation *r, struct sink *s, uint64_t commit_lsn,
                struct err *e)
{
    char oid[16];
    char target[LABEL_MAX];
    char epoch[POSITION_TEXT_MAX];
    char lsn[POSITION_TEXT_MAX];
    snprintf(oid, sizeof oid, "%" PRIu32, r->oid);
    snprintf(target, sizeof target, "%s.%s", s->schema, s->name);
    epoch_text(a->cursor->at.epoch, epoch);
    lsn_text(commit_lsn, lsn);
    struct str params[6] = {str_of(a->cursor->name), str_of(r->label),
                            str_of(target),          str_of(oid),
                            str_of(epoch),           str_of(lsn)};
    struct rows *rows = NULL;
    int rc = conn_query(
        a->db,
        "SELECT EXISTS (SELECT FROM parkway.table_state WHERE consumer = $1 AND relation = $2"
        "               AND target = $3 AND state = 'blocked'),"
        " (SELECT shape::text FROM parkway.table_shape WHERE consumer = $1 AND epoch = $5"
        "     AND oid = $4::text::bigint AND lsn <= $6::text::pg_lsn)",
        ARRAY_LEN(params), params, &rows, e);
    if (rc != 0) {
        return rc;
    }
    struct arena arena = {0};
    struct layout *known = NULL;
    char reason[256];
    char text[512];
    bool blocked = rows_text(rows, 0, 0)[0] == 't';
    bool plain = !s->append && s->wanted_count == 0;
    if (!blocked && plain && rows_get(rows, 0, 1).p != NULL) {
        rc = layout_parse(rows_get(rows, 0, 1), &arena, &known, e);
    }
    if (rc == 0 && blocked && a->halt_on_poison) {
        rc = err_sql(e, ERR_CONFLICT, "PKSHP", "table %s is blocked", r->label);
    } else if (rc == 0 && known != NULL && !layout_fits(known, r, reason, sizeof reason)) {
        snprintf(text, sizeof text, "its shape changed without an announcement: %s", reason);
        rc = block(a, r->label, s->schema, s->name, text, e);
        blocked = true;
    }
    if (rc == 0) {
        s->checked = true;
        s->start_lsn = blocked ? UINT64_MAX : s->start_lsn;
    }
    arena_fini(&arena);
    rows_free(rows);
    return rc;
}
