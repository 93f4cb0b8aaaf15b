/* sagaworker.c - see sagaworker.h. */
#include "saga/sagaworker.h"

#include "base/log.h"
#include "domain/participants.h"
#include "event/member.h"

#include <stdio.h>
#include <stdlib.h>

/* The members of a command that the runtime itself needs; texts in one buffer. */
struct command {
    struct str id, name, saga, stream, step; /* texts */
    struct str attempt, deadline;            /* raw numbers; deadline ms since 1970, or null */
    struct buf texts;
};

static int read_command(struct command *c, struct str body, struct err *e)
{
    static const char *const names[] = {"id", "command", "sagaId", "stream", "step"};
    struct str *const fields[] = {&c->id, &c->name, &c->saga, &c->stream, &c->step};
    if (!member_check(body)) {
        return err_set(e, ERR_INVALID, "the command is no JSON");
    }
    size_t there = member_texts(body, names, ARRAY_LEN(names), &c->texts, fields);
    if (there < ARRAY_LEN(names)) {
        return err_set(e, ERR_INVALID, "the command has no text \"%s\"", names[there]);
    }
    c->attempt = member_find(body, "attempt");
    c->deadline = member_find(body, "deadline");
    if (c->deadline.p == NULL || str_eq(c->deadline, STR("null"))) {
        c->deadline = STR_NULL;
    }
    return c->attempt.p != NULL ? 0 : err_set(e, ERR_INVALID, "the command has no \"attempt\"");
}

/* ---- what has been done --------------------------------------------------------------------- */

/* Commands of one stream take turns, even with two workers at a change of the active one. */
static int look(const struct saga_worker *w, struct db *db, const struct command *c,
                struct result **out, struct err *e)
{
    const struct str params[] = {str_of(w->name), c->id,      c->stream,  c->step,
                                 c->name,         c->attempt, c->deadline};
    int rc = db_later(db, "select pg_advisory_xact_lock(hashtextextended($1 || $2, 0))", 2,
                      (const struct str[]){params[0], params[2]}, NULL, e);
    return rc == 0
               ? db_write(
                     db,
                     "with seen as (insert into inbox (consumer, message_id) values ($1, $2) "
                     "on conflict do nothing) "
                     "select o.event_id, o.stream is not null, coalesce($7::bigint < "
                     "extract(epoch from clock_timestamp()) * 1000, false) "
                     "from (select) one left join saga_outcomes o on o.stream = $3 and o.step "
                     "= $4 and o.command = $5 and (o.final or o.attempt = $6::bigint) limit 1",
                     ARRAY_LEN(params), params, out, e)
               : rc;
}

static int say_again(struct db *db, struct str event_id, struct err *e)
{
    return event_id.p == NULL
               ? 0
               : db_write(db,
                          "select pg_logical_emit_message(true, 'parkway.publish', "
                          "event_message(e)) from events e where e.event_id = $1::uuid",
                          1, &event_id, NULL, e);
}

/* ---- doing it ------------------------------------------------------------------------------- */

static int call(const struct saga_worker *w, struct db *db, struct str body,
                struct str settings, struct result **out, struct err *e)
{
    char sql[SAGA_NAME_MAX + 48];
    snprintf(sql, sizeof sql, "select %s($1::jsonb, $2::jsonb)::text", w->function);
    const struct str params[] = {body, settings};
    return db_write(db, sql, ARRAY_LEN(params), params, out, e);
}

/* The function's answer; when it asks for an effect, what it answers to that. */
static int answer(const struct saga_worker *w, struct db *db, struct str body,
                  struct result **out, struct err *e)
{
    struct buf settings = BUF_INIT;
    participants_settings(w->name, &settings);
    int rc = call(w, db, body, buf_str(&settings), out, e);
    if (rc == 0 && member_find(result_get(*out, 0, 0), "effect").p != NULL) {
        struct buf again = BUF_INIT;
        buf_add(&again, body.p, body.n - 1); /* without the closing brace */
        buf_adds(&again, ",\"effect\":");
        participants_effect(result_get(*out, 0, 0), &again);
        buf_adds(&again, "}");
        result_free(*out);
        *out = NULL;
        rc = call(w, db, buf_str(&again), buf_str(&settings), out, e);
        buf_fini(&again);
    }
    buf_fini(&settings);
    return rc;
}

/* The outcome, and the fact that tells of it when type is not NULL; both travel with the commit. */
static int write_outcome(struct db *db, const struct command *c, bool final,
                         const struct saga_event *type, struct str data, struct err *e)
{
    static const char outcome[] = "insert into saga_outcomes (stream, step, command, attempt, "
                                  "final, event_id) select $1, $2, $3, $4::bigint, $5::boolean";
    char sql[sizeof outcome + 128];
    snprintf(sql, sizeof sql, "%s, %s", outcome,
             type != NULL
                 ? "(event_append($1, $6, $7, $8::jsonb, $9::uuid, $10::uuid)).event_id"
                 : "null");
    const struct str params[] = {c->stream,
                                 c->step,
                                 c->name,
                                 c->attempt,
                                 final ? STR("true") : STR("false"),
                                 type != NULL ? str_of(type->type) : STR_NULL,
                                 type != NULL ? str_of(type->key) : STR_NULL,
                                 data,
                                 c->saga,
                                 c->id};
    return db_later(db, sql, type != NULL ? ARRAY_LEN(params) : 5, params, NULL, e);
}

static int act(const struct declarations *d, const struct saga_worker *w, struct db *db,
               struct str body, const struct command *c, struct err *e)
{
    struct result *said = NULL;
    int rc = answer(w, db, body, &said, e);
    if (rc != 0) {
        return rc;
    }
    struct str reply = result_get(said, 0, 0);
    if (reply.p == NULL || str_eq(reply, STR("null"))) {
        rc = write_outcome(db, c, true, NULL, STR_NULL, e);
    } else {
        struct buf type = BUF_INIT;
        struct str raw = member_find(reply, "type");
        struct str data = member_find(reply, "data");
        const struct saga_event *event = NULL;
        if (raw.p != NULL && member_text(raw, &type)) {
            event = declaration_event(d, buf_cstr(&type));
        }
        rc = event == NULL || data.p == NULL
                 ? err_set(e, ERR_INVALID,
                           "the answer to %.*s has no data, or no type that is declared: %.*s",
                           STR_ARG(c->name), (int)(reply.n < 200 ? reply.n : 200), reply.p)
                 : write_outcome(db, c, !str_eq(member_find(reply, "final"), STR("false")),
                                 event, data, e);
        buf_fini(&type);
    }
    result_free(said);
    return rc;
}

static int take(const struct declarations *d, const struct saga_worker *w, struct db *db,
                struct str body, const struct command *c, enum worker_result *out,
                struct err *e)
{
    struct result *r = NULL;
    int rc = look(w, db, c, &r, e);
    if (rc != 0) {
        return rc;
    }
    bool done = result_text(r, 0, 1)[0] == 't';
    bool late = result_text(r, 0, 2)[0] == 't';
    *out = done ? WORKER_REPEATED : late ? WORKER_EXPIRED : WORKER_DONE;
    if (done) {
        rc = say_again(db, result_get(r, 0, 0), e);
    } else if (late) {
        log_info("command dropped, its deadline has passed worker=%s stream=%.*s command=%.*s "
                 "attempt=%.*s",
                 w->name, STR_ARG(c->stream), STR_ARG(c->name), STR_ARG(c->attempt));
    } else {
        rc = act(d, w, db, body, c, e);
    }
    result_free(r);
    return rc;
}

int worker_take(const struct declarations *d, const struct saga_worker *w, struct db *db,
                struct str body, enum worker_result *out, struct err *e)
{
    struct command c = {.texts = BUF_INIT};
    int rc = read_command(&c, body, e);
    if (rc == 0) {
        rc = db_begin(db, e);
        rc = rc == 0 ? db_role(db, w->owner, e) : rc;
        rc = rc == 0 ? take(d, w, db, body, &c, out, e) : rc;
        if (rc == 0) {
            rc = db_commit(db, e);
        } else {
            db_rollback(db);
        }
    }
    buf_fini(&c.texts);
    return rc;
}
