/* engine.c - see engine.h.
 *
 *   begin; as owner_saga: inbox, saga's row (locked); as the subject's owner: its state (locked)
 *   saga_decide
 *   as the subject's owner: its new state, facts, commands; as owner_saga: the saga's row, its log
 *   commit
 *
 * The first line is one round trip for a fact, whose stream names the subject; the last two are one always: nothing in them is
 * needed to know the next. So what is refused there shows at the commit, which is skipped then.
 *
 * The order of locks is always saga, subject, so two engines cannot wait for each other. Times are the database's: the clocks
 * of two engines need not agree. A saga begins with its first row; when two engines begin the same one, the unique
 * stream refuses the second, whose input is tried again and then finds the row.
 *
 * A resume gives back the replies that were recorded while the saga was paused: each is decided in the same
 * transaction, on the state that the one before has left. */
#include "saga/engine.h"

#include "base/log.h"
#include "base/rand.h"
#include "event/member.h"
#include "event/setup.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { STREAM_MAX = 2 * SAGA_NAME_MAX, NUMBER_MAX = 18 };

/* A saga in hand: its row is locked. */
struct hand {
    const struct declarations *d;
    struct db *db;
    const struct saga *s;
    char id[UUID_TEXT_MAX];
    char stream[STREAM_MAX + 1];
    char number[NUMBER_MAX + 1]; /* the subject's key */
    int64_t now_us;
    bool fresh; /* it has no row yet */
    const struct saga *
        supposed; /* the saga that the stream's name speaks of, and its subject's state; or NULL */
    struct result *subject;
    struct saga_state state;
};

/* Times travel as microseconds since 1970; 0 is none. */
static const char columns_sql[] =
    "select saga_id, saga_type, stream, order_id, step, status, paused, "
    "(extract(epoch from paused_at) * 1000000)::bigint, attempt, "
    "(extract(epoch from deadline_at) * 1000000)::bigint, last_error, progress, held, "
    "(extract(epoch from clock_timestamp()) * 1000000)::bigint from saga_instances where ";
enum {
    C_ID,
    C_TYPE,
    C_STREAM,
    C_NUMBER,
    C_STEP,
    C_STATUS,
    C_PAUSED,
    C_PAUSED_AT,
    C_ATTEMPT,
    C_DEADLINE,
    C_ERROR,
    C_PROGRESS,
    C_HELD,
    C_NOW
};

/* ---- reading -------------------------------------------------------------------------------- */

static int begin(struct db *db, struct err *e)
{
    int rc = db_begin(db, e);
    return rc == 0 ? db_role(db, "owner_saga", e) : rc;
}

/* The transaction ends as rc says. */
static int end(struct db *db, int rc, struct err *e)
{
    if (rc == 0) {
        return db_commit(db, e);
    }
    db_rollback(db);
    return rc;
}

/* The saga's row by a condition, locked, with what comes next. */
static int look_row(struct db *db, const char *where, struct str value, struct result **out,
                    struct err *e)
{
    char sql[sizeof columns_sql + 160];
    int n = snprintf(sql, sizeof sql, "%s%s", columns_sql, where);
    ASSERT(n > 0 && (size_t)n < sizeof sql);
    return db_later(db, sql, value.p != NULL, &value, out, e);
}

/* The same at once; *out NULL: there is none. */
static int read_row(struct db *db, const char *where, struct str value, struct result **out,
                    struct err *e)
{
    int rc = look_row(db, where, value, out, e);
    rc = rc == 0 ? db_flush(db, e) : rc;
    if (rc == 0 && result_count(*out) == 0) {
        result_free(*out);
        *out = NULL;
    }
    return rc;
}

/* The state of a saga's subject, locked, with what comes next. */
static int look_subject(struct db *db, const struct saga *s, struct str number,
                        struct result **out, struct err *e)
{
    char sql[4 * SAGA_NAME_MAX + 64];
    snprintf(sql, sizeof sql, "select %s::text from %s where %s = $1::bigint for update",
             s->column, s->table, s->key);
    int rc = db_role(db, s->owner, e);
    return rc == 0 ? db_later(db, sql, 1, &number, out, e) : rc;
}

static bool same_subject(const struct saga *a, const struct saga *b)
{
    return strcmp(a->table, b->table) == 0 && strcmp(a->key, b->key) == 0 &&
           strcmp(a->column, b->column) == 0;
}

/* The subject's state, locked; from what was read of it already when that is of the saga's kind. */
static int subject_state(struct hand *h, int *state, struct err *e)
{
    struct result *r = NULL;
    int rc = 0;
    if (h->subject != NULL && same_subject(h->s, h->supposed)) {
        r = h->subject;
        h->subject = NULL;
    } else {
        rc = look_subject(h->db, h->s, str_of(h->number), &r, e);
        rc = rc == 0 ? db_flush(h->db, e) : rc;
    }
    if (rc != 0) {
        return rc;
    }
    if (result_count(r) == 0) {
        rc = err_set(e, ERR_NOT_FOUND, "%s %s of saga %s does not exist", h->s->table,
                     h->number, h->s->name);
    } else {
        *state = saga_state_find(h->s, result_text(r, 0, 0));
        if (*state < 0) {
            rc =
                err_set(e, ERR_INVALID, "%s %s is in state \"%s\", which saga %s does not know",
                        h->s->table, h->number, result_text(r, 0, 0), h->s->name);
        }
    }
    result_free(r);
    return rc;
}

static void keep(char *out, size_t size, struct str text)
{
    size_t n = text.n < size - 1 ? text.n : size - 1;
    memcpy(out, text.p, n);
    out[n] = '\0';
}

/* Takes the row in hand, and its subject with it. */
static int take_row(struct hand *h, const struct result *r, struct err *e)
{
    keep(h->id, sizeof h->id, result_get(r, 0, C_ID));
    keep(h->stream, sizeof h->stream, result_get(r, 0, C_STREAM));
    keep(h->number, sizeof h->number, result_get(r, 0, C_NUMBER));
    h->now_us = result_int(r, 0, C_NOW);
    h->s = declaration_saga(h->d, result_text(r, 0, C_TYPE));
    if (h->s == NULL) {
        return err_set(e, ERR_INVALID, "saga %s of %s is not declared",
                       result_text(r, 0, C_TYPE), h->stream);
    }
    int subject = 0;
    int rc = subject_state(h, &subject, e);
    if (rc != 0) {
        return rc;
    }
    struct str error = result_get(r, 0, C_ERROR);
    struct saga_row row = {.step = result_text(r, 0, C_STEP),
                           .status = result_text(r, 0, C_STATUS),
                           .subject = h->s->states[subject].name,
                           .paused = result_text(r, 0, C_PAUSED)[0] == 't',
                           .paused_at_us = result_int(r, 0, C_PAUSED_AT),
                           .attempt = result_int(r, 0, C_ATTEMPT),
                           .deadline_us = result_int(r, 0, C_DEADLINE),
                           .last_error = error.p,
                           .progress = result_get(r, 0, C_PROGRESS),
                           .held = result_get(r, 0, C_HELD)};
    return instance_read(h->s, &row, &h->state, e);
}

/* A stream of that saga's subjects: order-7. */
static bool split_stream(const struct saga *s, struct str stream, struct str *number)
{
    size_t n = strlen(s->stream);
    if (stream.n <= n + 1 || stream.n > STREAM_MAX || memcmp(stream.p, s->stream, n) != 0 ||
        stream.p[n] != '-' || stream.n - n - 1 > NUMBER_MAX) {
        return false;
    }
    *number = (struct str){stream.p + n + 1, stream.n - n - 1};
    for (size_t i = 0; i < number->n; i++) {
        if (number->p[i] < '0' || number->p[i] > '9') {
            return false;
        }
    }
    return true;
}

/* ---- writing -------------------------------------------------------------------------------- */

struct str engine_decimal(int64_t v, char out[24])
{
    int n = snprintf(out, 24, "%" PRId64, v);
    return (struct str){out, (size_t)n};
}

static struct str text_or_null(const char *text)
{
    return text[0] != '\0' ? str_of(text) : STR_NULL;
}

/* The subject into one state (NULL: it stays), by the declaration's function, or plainly. */
static int write_state(struct hand *h, const struct saga_input *in, struct str data,
                       const char *state, const struct saga_outcome *out, bool first,
                       struct err *e)
{
    char sql[4 * SAGA_NAME_MAX + 96];
    if (h->s->follow[0] == '\0') {
        if (state == NULL) {
            return 0;
        }
        snprintf(sql, sizeof sql, "update %s set %s = $2 where %s = $1::bigint", h->s->table,
                 h->s->column, h->s->key);
        const struct str params[] = {str_of(h->number), str_of(state)};
        return db_later(h->db, sql, ARRAY_LEN(params), params, NULL, e);
    }
    snprintf(sql, sizeof sql, "select %s($1::bigint, $2, $3::jsonb, $4, $5, $6::boolean)",
             h->s->follow);
    bool reply = first && in->kind == SAGA_IN_REPLY;
    const struct str params[] = {str_of(h->number),
                                 reply ? str_of(in->event) : STR_NULL,
                                 reply ? data : STR_NULL,
                                 str_of(state),
                                 first ? text_or_null(out->message) : STR_NULL,
                                 first && out->reply_message ? STR("true") : STR("false")};
    return db_later(h->db, sql, ARRAY_LEN(params), params, NULL, e);
}

static int write_subject(struct hand *h, const struct saga_input *in, struct str data,
                         const struct saga_outcome *out, struct err *e)
{
    bool told = in->kind == SAGA_IN_REPLY || out->message[0] != '\0';
    if (out->subject_count == 0) {
        return told ? write_state(h, in, data, NULL, out, true, e) : 0;
    }
    int rc = 0;
    for (int i = 0; rc == 0 && i < out->subject_count; i++) {
        rc = write_state(h, in, data, h->s->states[out->subject[i]].name, out, i == 0, e);
    }
    return rc;
}

/* id: of the reply that led to it, when that is a fact's. */
static int write_fact(struct hand *h, const struct saga_event *fact, const char *actor,
                      const char *cause, struct err *e)
{
    char sql[SAGA_NAME_MAX + 256];
    if (h->s->fact_data[0] != '\0') {
        snprintf(sql, sizeof sql,
                 "select event_append($1, $2, $3, %s($4::bigint, $2, $5), $6::uuid, $7::uuid)",
                 h->s->fact_data);
    } else {
        snprintf(
            sql, sizeof sql,
            "select event_append($1, $2, $3, jsonb_build_object('%s', $4::bigint, 'actor', "
            "$5::text), $6::uuid, $7::uuid)",
            h->s->key);
    }
    const struct str params[] = {str_of(h->stream), str_of(fact->type), str_of(fact->key),
                                 str_of(h->number), str_of(actor),      str_of(h->id),
                                 str_of(cause)};
    return db_later(h->db, sql, ARRAY_LEN(params), params, NULL, e);
}

static int64_t tries_of(const struct saga *s, const struct saga_command *c)
{
    const struct saga_step *step = &s->steps[c->step];
    return c->kind == SAGA_COMMAND_STEP   ? step->tries
           : c->kind == SAGA_COMMAND_UNDO ? step->undo_tries
                                          : 1;
}

static int write_command(struct hand *h, const struct saga_command *c, struct err *e)
{
    char sql[SAGA_NAME_MAX + 768];
    char function[SAGA_NAME_MAX + 160];
    if (h->s->command_data[0] != '\0') {
        snprintf(function, sizeof function, "%s($5::bigint, $3)", h->s->command_data);
    } else {
        snprintf(function, sizeof function,
                 "(select e.data from events e where e.stream = $10 and e.type = $11 order by "
                 "e.version limit 1)");
    }
    snprintf(
        sql, sizeof sql,
        "select pg_logical_emit_message(true, 'parkway.publish', json_build_object('exchange', "
        "'" COMMAND_EXCHANGE
        "', 'routing_key', $1::text, 'id', $2::text, 'data', json_build_object("
        "'id', $2::text, 'command', $3::text, 'sagaId', $4::text, 'orderId', $5::text, "
        "'stream', "
        "$10::text, 'step', $6::text, 'attempt', $7::bigint, 'tries', $8::bigint, 'deadline', "
        "$9::bigint, 'begun', $11::text, 'data', %s))::text)",
        function);
    uint8_t bytes[16];
    char id[UUID_TEXT_MAX];
    char attempt[24];
    char tries[24];
    char deadline[24];
    uuid_make(bytes);
    uuid_text(bytes, id);
    const struct str params[] = {
        str_of(c->call->queue),
        str_of(id),
        str_of(c->call->command),
        str_of(h->id),
        str_of(h->number),
        str_of(h->s->steps[c->step].name),
        engine_decimal(c->attempt, attempt),
        engine_decimal(tries_of(h->s, c), tries),
        c->deadline_us != 0 ? engine_decimal(c->deadline_us / 1000, deadline) : STR_NULL,
        str_of(h->stream),
        str_of(h->s->events[h->s->start].type)};
    return db_later(h->db, sql, ARRAY_LEN(params), params, NULL, e);
}

static int write_row(struct hand *h, struct err *e)
{
    static const char insert[] =
        "insert into saga_instances (saga_id, saga_type, stream, order_id, step, status, "
        "paused, "
        "paused_at, attempt, deadline_at, last_error, progress, held) values ($1::uuid, $11, "
        "$12, "
        "$13::bigint, $2, $3, $4::boolean, to_timestamp($5::bigint / 1000000.0), $6::bigint, "
        "to_timestamp($7::bigint / 1000000.0), $8, $9, $10)";
    static const char update[] =
        "update saga_instances set step = $2, status = $3, paused = $4::boolean, paused_at = "
        "to_timestamp($5::bigint / 1000000.0), attempt = $6::bigint, deadline_at = "
        "to_timestamp($7::bigint / 1000000.0), last_error = $8, progress = $9, held = $10, "
        "updated_at = clock_timestamp() where saga_id = $1::uuid";
    const struct saga_state *st = &h->state;
    struct buf progress = BUF_INIT;
    struct buf held = BUF_INIT;
    char paused_at[24];
    char attempt[24];
    char deadline[24];
    instance_progress(h->s, st, &progress);
    instance_held(h->s, st, &held);
    const struct str params[] = {
        str_of(h->id),
        str_of(h->s->steps[st->step].name),
        str_of(saga_status_text(st->status)),
        st->paused ? STR("true") : STR("false"),
        st->paused_at_us != 0 ? engine_decimal(st->paused_at_us, paused_at) : STR_NULL,
        engine_decimal(st->attempt, attempt),
        st->deadline_us != 0 ? engine_decimal(st->deadline_us, deadline) : STR_NULL,
        text_or_null(st->last_error),
        buf_str(&progress),
        buf_str(&held),
        str_of(h->s->name),
        str_of(h->stream),
        str_of(h->number)};
    int rc = db_later(h->db, h->fresh ? insert : update, h->fresh ? ARRAY_LEN(params) : 10,
                      params, NULL, e);
    buf_fini(&progress);
    buf_fini(&held);
    h->fresh = h->fresh && rc != 0;
    return rc;
}

static int write_log(struct hand *h, const struct saga_entry *l, struct err *e)
{
    const struct str params[] = {
        str_of(h->id),
        str_of(l->actor),
        l->from_step >= 0 ? str_of(h->s->steps[l->from_step].name) : STR_NULL,
        l->to_step >= 0 ? str_of(h->s->steps[l->to_step].name) : STR_NULL,
        str_of(saga_status_text(l->from_status)),
        str_of(saga_status_text(l->to_status)),
        str_of(l->detail)};
    return db_later(h->db,
                    "insert into saga_log (saga_id, actor, from_step, to_step, from_status, "
                    "to_status, detail) values ($1::uuid, $2, $3, $4, $5, $6, $7)",
                    ARRAY_LEN(params), params, NULL, e);
}

static int write_outcome(struct hand *h, const struct saga_input *in, struct str data,
                         const char *cause, const struct saga_outcome *out, struct err *e)
{
    int rc = db_role(h->db, h->s->owner, e);
    if (rc == 0 && out->verdict == SAGA_TAKEN) {
        rc = write_subject(h, in, data, out, e);
    }
    for (int i = 0; rc == 0 && i < out->fact_count; i++) {
        rc = write_fact(h, out->facts[i], out->log.actor, cause, e);
    }
    for (int i = 0; rc == 0 && i < out->command_count; i++) {
        rc = write_command(h, &out->commands[i], e);
    }
    rc = rc == 0 ? db_role(h->db, "owner_saga", e) : rc;
    if (rc == 0 && (out->verdict == SAGA_TAKEN || out->verdict == SAGA_HELD)) {
        rc = write_row(h, e);
    }
    return rc == 0 ? write_log(h, &out->log, e) : rc;
}

/* ---- deciding ------------------------------------------------------------------------------- */

static struct str reason_of(struct str data, struct buf *text)
{
    struct str raw = member_find(data, "reason");
    return raw.p != NULL && member_text(raw, text) ? buf_str(text) : STR_NULL;
}

static int decide(struct hand *h, const struct saga_input *in, struct str data,
                  const char *cause, struct saga_outcome *out, struct err *e)
{
    saga_decide(h->s, &h->state, in, out);
    if (out->verdict == SAGA_REFUSED) {
        return err_set(e, ERR_CONFLICT, "saga %s: %s", h->stream, out->log.detail);
    }
    h->state = out->state;
    return out->verdict == SAGA_NOTHING ? 0 : write_outcome(h, in, data, cause, out, e);
}

/* A reply that was recorded while the saga was paused: what it said is in the event store. */
static int replay_one(struct hand *h, const struct saga_held *held, struct err *e)
{
    struct result *r = NULL;
    struct str id = str_of(held->id);
    int rc = db_role(h->db, "owner_saga", e);
    rc = rc == 0 ? db_write(h->db, "select data from events where event_id = $1::uuid", 1, &id,
                            &r, e)
                 : rc;
    if (rc != 0) {
        return rc;
    }
    struct saga_outcome *out = def_zalloc(1, sizeof *out);
    struct buf text = BUF_INIT;
    struct str data = result_count(r) > 0 ? result_get(r, 0, 0) : STR("{}");
    const struct saga_input in = {.kind = SAGA_IN_REPLY,
                                  .now_us = h->now_us,
                                  .event = h->s->events[held->event].type,
                                  .id = held->id,
                                  .repeated = true,
                                  .reason = reason_of(data, &text)};
    rc = decide(h, &in, data, held->id, out, e);
    buf_fini(&text);
    free(out);
    result_free(r);
    return rc;
}

static int run(struct hand *h, const struct saga_input *in, struct str data, const char *cause,
               enum saga_verdict *verdict, struct err *e)
{
    struct saga_outcome *out = def_zalloc(1, sizeof *out);
    int rc = decide(h, in, data, cause, out, e);
    *verdict = out->verdict;
    for (int i = 0; rc == 0 && i < out->replay_count; i++) {
        rc = replay_one(h, &out->replay[i], e);
    }
    free(out);
    return rc;
}

/* ---- inputs --------------------------------------------------------------------------------- */

/* scheduledAt of the fact that begins it; 0: at once. */
static int scheduled(struct db *db, struct str data, int64_t *out, struct err *e)
{
    struct buf text = BUF_INIT;
    struct str raw = member_find(data, "scheduledAt");
    *out = 0;
    int rc = 0;
    if (raw.p != NULL && raw.p[0] == '"' && member_text(raw, &text)) {
        struct result *r = NULL;
        struct str at = buf_str(&text);
        rc = db_write(db, "select (extract(epoch from $1::timestamptz) * 1000000)::bigint", 1,
                      &at, &r, e);
        if (rc == 0) {
            *out = result_int(r, 0, 0);
            result_free(r);
        }
    }
    buf_fini(&text);
    return rc;
}

static int start(struct hand *h, const struct engine_fact *fact, const char *id,
                 enum saga_verdict *verdict, struct err *e)
{
    uint8_t bytes[16];
    int subject = 0;
    int64_t scheduled_us = 0;
    int rc = scheduled(h->db, fact->data, &scheduled_us, e);
    rc = rc == 0 ? subject_state(h, &subject, e) : rc;
    if (rc != 0) {
        return rc;
    }
    uuid_make(bytes);
    uuid_text(bytes, h->id);
    h->fresh = true;
    instance_new(subject, &h->state);
    const struct saga_input in = {
        .kind = SAGA_IN_START, .now_us = h->now_us, .id = id, .scheduled_us = scheduled_us};
    return run(h, &in, fact->data, id, verdict, e);
}

static int reply(struct hand *h, const struct engine_fact *fact, const char *type,
                 const char *id, bool repeated, enum saga_verdict *verdict, struct err *e)
{
    int event = saga_event_find(h->s, type);
    if (event < 0 || event == h->s->start) {
        return 0; /* it has begun */
    }
    struct buf reason = BUF_INIT;
    bool cancel = saga_facts_have(&h->s->cancel_facts, event);
    const struct saga_input in = {.kind = cancel ? SAGA_IN_CANCEL : SAGA_IN_REPLY,
                                  .now_us = h->now_us,
                                  .event = type,
                                  .id = id,
                                  .who = id,
                                  .repeated = repeated,
                                  .reason = reason_of(fact->data, &reason)};
    int rc = run(h, &in, fact->data, id, verdict, e);
    buf_fini(&reason);
    return rc;
}

/* Marks the fact as seen, with what comes next. Its row: was it not, and what is the time? */
static int note(struct db *db, const char *id, struct result **out, struct err *e)
{
    struct str param = str_of(id);
    return db_later(
        db,
        "with new as (insert into inbox (consumer, message_id) values ('" ENGINE_NAME
        "', $1) on conflict do nothing returning 1) select count(*), (extract(epoch "
        "from clock_timestamp()) * 1000000)::bigint from new",
        1, &param, out, e);
}

/* All that is known of the fact's saga, in one round trip. */
static int look(struct hand *h, const struct engine_fact *fact, const char *id,
                struct result **noted, struct result **row, struct err *e)
{
    struct str number;
    int rc = note(h->db, id, noted, e);
    rc = rc == 0 ? look_row(h->db, "stream = $1 for update", fact->stream, row, e) : rc;
    for (int i = 0; rc == 0 && h->supposed == NULL && i < h->d->saga_count; i++) {
        if (split_stream(&h->d->sagas[i], fact->stream, &number)) {
            h->supposed = &h->d->sagas[i];
            rc = look_subject(h->db, h->supposed, number, &h->subject, e);
        }
    }
    return rc == 0 ? db_flush(h->db, e) : rc;
}

static int take(struct hand *h, const struct engine_fact *fact, enum saga_verdict *verdict,
                struct err *e)
{
    char id[SAGA_ID_MAX + 1];
    char type[SAGA_NAME_MAX + 1];
    struct result *noted = NULL;
    struct result *row = NULL;
    keep(id, sizeof id, fact->id);
    keep(type, sizeof type, fact->type);
    int rc = look(h, fact, id, &noted, &row, e);
    if (rc != 0) {
        return rc;
    }
    bool repeated = result_int(noted, 0, 0) == 0;
    h->now_us = result_int(noted, 0, 1);
    result_free(noted);
    if (result_count(row) > 0) {
        rc = take_row(h, row, e);
        rc = rc == 0 ? reply(h, fact, type, id, repeated, verdict, e) : rc;
    } else {
        struct str number;
        h->s = declaration_started_by(h->d, type);
        if (h->s != NULL && split_stream(h->s, fact->stream, &number)) { /* else nobody's */
            keep(h->stream, sizeof h->stream, fact->stream);
            keep(h->number, sizeof h->number, number);
            rc = start(h, fact, id, verdict, e);
        }
    }
    result_free(row);
    return rc;
}

int engine_take(const struct declarations *d, struct db *db, const struct engine_fact *fact,
                enum saga_verdict *out, struct err *e)
{
    struct hand h = {.d = d, .db = db};
    *out = SAGA_NOTHING;
    int rc = begin(db, e);
    rc = rc == 0 ? take(&h, fact, out, e) : rc;
    result_free(h.subject);
    return end(db, rc, e);
}

/* A deadline that can never be handled (a row of other declarations, a subject that is gone): for an operator. */
static int put_aside(struct db *db, const char *saga, const struct err *why, struct err *e)
{
    const struct str params[] = {str_of(saga), str_of(why->text)};
    int rc = begin(db, e);
    rc = rc == 0
             ? db_write(
                   db,
                   "with s as (update saga_instances set status = 'FAILED', deadline_at = "
                   "null, last_error = left($2, 255), updated_at = clock_timestamp() where "
                   "saga_id = $1::uuid returning step), was as (select status from "
                   "saga_instances where saga_id = $1::uuid) insert into saga_log (saga_id, "
                   "actor, from_step, to_step, from_status, to_status, detail) select "
                   "$1::uuid, 'timer', s.step, s.step, was.status, 'FAILED', left($2, 500) "
                   "from s, was",
                   ARRAY_LEN(params), params, NULL, e)
             : rc;
    return end(db, rc, e);
}

int engine_due(const struct declarations *d, struct db *db, bool *more, struct err *e)
{
    struct hand h = {.d = d, .db = db};
    struct result *r = NULL;
    struct buf sagas = BUF_INIT;
    struct err why = ERR_INIT;
    *more = false;
    declaration_names(d, &sagas);
    int rc = begin(db, e);
    rc = rc == 0
             ? read_row(db,
                        "deadline_at <= clock_timestamp() and not paused and saga_type = any "
                        "($1::text[]) order by deadline_at limit 1 for update skip locked",
                        buf_str(&sagas), &r, e)
             : rc;
    buf_fini(&sagas);
    if (rc != 0 || r == NULL) {
        return end(db, rc, e);
    }
    enum saga_verdict verdict;
    *more = true;
    rc = take_row(&h, r, &why);
    result_free(r);
    const struct saga_input in = {.kind = SAGA_IN_TIMER, .now_us = h.now_us};
    rc = rc == 0 ? run(&h, &in, STR("{}"), NULL, &verdict, &why) : rc;
    rc = end(db, rc, &why);
    if (rc != 0 && err_retry(rc) == RETRY_NEVER) {
        log_error("saga put aside stream=%s reason=\"%s\"", h.stream, why.text);
        return put_aside(db, h.id, &why, e);
    }
    *e = rc != 0 ? why : *e;
    return rc;
}

int engine_ask(const struct declarations *d, struct db *db, struct str saga,
               enum saga_input_kind what, const char *who, struct err *e)
{
    struct hand h = {.d = d, .db = db};
    struct result *r = NULL;
    int rc = begin(db, e);
    rc = rc == 0 ? read_row(db, "saga_id = $1::uuid for update", saga, &r, e) : rc;
    if (rc == 0 && r == NULL) {
        rc = err_set(e, ERR_NOT_FOUND, "saga not found: %.*s", STR_ARG(saga));
    }
    if (rc == 0) {
        enum saga_verdict verdict;
        rc = take_row(&h, r, e);
        const struct saga_input in = {.kind = what, .now_us = h.now_us, .who = who};
        rc = rc == 0 ? run(&h, &in, STR("{}"), NULL, &verdict, e) : rc;
    }
    result_free(r);
    return end(db, rc, e);
}
