/* missed.c - facts for the engine: reading one, which ones it waits for, and those that its queue did not bring; see engine.h.
 *
 * A fact was missed when the inbox does not have it, and it begins a saga that is not there, or belongs to one that is open. Both are
 * found by indexes: the facts of a time by theirs, those of open sagas by their streams. */
#include "base/log.h"
#include "event/member.h"
#include "saga/engine.h"

#include <inttypes.h>
#include <stdio.h>

enum { MISSED_AT_ONCE = 100 }; /* what is done while the broker waits for a heartbeat */

bool engine_fact_read(struct str json, struct buf *texts, struct engine_fact *out)
{
    static const char *const names[] = {"event_id", "type", "stream"};
    struct str *const fields[] = {&out->id, &out->type, &out->stream};
    if (!member_check(json) ||
        member_texts(json, names, ARRAY_LEN(names), texts, fields) < ARRAY_LEN(names)) {
        return false;
    }
    out->data = member_find(json, "data");
    return out->data.p != NULL && out->id.n > 0 && out->id.n <= SAGA_ID_MAX &&
           out->type.n <= SAGA_NAME_MAX;
}

bool engine_awaits(const struct declarations *d, int event)
{
    for (int i = 0; i < d->saga_count; i++) {
        const struct saga *s = &d->sagas[i];
        if (s->start == event || saga_awaits(s, event) ||
            saga_facts_have(&s->cancel_facts, event)) {
            return true;
        }
    }
    return false;
}

/* An SQL array of the types that chosen() picks. */
static void types(const struct declarations *d, bool starts, struct buf *out)
{
    const char *comma = "{";
    for (int i = 0; i < d->event_count; i++) {
        bool start = declaration_started_by(d, d->events[i].type) != NULL;
        if (starts ? start : engine_awaits(d, i) && !start) {
            buf_addf(out, "%s\"%s\"", comma, d->events[i].type);
            comma = ",";
        }
    }
    buf_adds(out, comma[0] == '{' ? "{}" : "}");
}

static int find(const struct declarations *d, struct db *db, const struct engine_missed *m,
                struct result **out, struct err *e)
{
    struct buf starts = BUF_INIT;
    struct buf awaited = BUF_INIT;
    struct buf sagas = BUF_INIT;
    char age[24];
    char within[24];
    char most[24];
    char after[24];
    types(d, true, &starts);
    types(d, false, &awaited);
    declaration_names(d, &sagas);
    const struct str params[] = {buf_str(&starts),
                                 buf_str(&awaited),
                                 engine_decimal(m->older_s, age),
                                 engine_decimal(MISSED_AT_ONCE, most),
                                 buf_str(&sagas),
                                 engine_decimal(m->within_s, within),
                                 engine_decimal(m->after_seq, after)};
    /* clang-format off */
    int rc = db_write(db,
        "select m.event_id, m.type, m.stream, m.data, m.seq from ("
        "  select e.* from events e"
        "   where e.type = any ($1::text[]) and e.occurred_at > now() - $6::bigint * interval '1 s'"
        "     and not exists (select from saga_instances i where i.stream = e.stream)"
        "  union all"
        "  select e.* from saga_instances i join events e on e.stream = i.stream and e.type = any ($2::text[])"
        "   where i.saga_type = any ($5::text[]) and i.status not in ('SUCCEEDED', 'COMPENSATED')"
        "     and e.occurred_at > now() - $6::bigint * interval '1 s') m"
        " where m.occurred_at < now() - $3::int * interval '1 s' and m.seq > $7::bigint"
        "   and not exists (select from inbox b where b.consumer = '" ENGINE_NAME "' and b.message_id = m.event_id::text)"
        " order by m.seq limit $4::int",
        ARRAY_LEN(params), params, out, e);
    /* clang-format on */
    buf_fini(&starts);
    buf_fini(&awaited);
    buf_fini(&sagas);
    return rc;
}

int engine_missed(const struct declarations *d, struct db *db, struct engine_missed *m,
                  struct err *e)
{
    struct result *r = NULL;
    int rc = find(d, db, m, &r, e);
    m->more = rc == 0 && result_count(r) == MISSED_AT_ONCE;
    for (size_t i = 0; rc == 0 && i < result_count(r); i++) {
        enum saga_verdict verdict;
        const struct engine_fact fact = {result_get(r, i, 0), result_get(r, i, 1),
                                         result_get(r, i, 2), result_get(r, i, 3)};
        m->after_seq = result_int(r, i, 4);
        rc = engine_take(d, db, &fact, &verdict, e);
        if (rc != 0 && err_retry(rc) == RETRY_NEVER) {
            log_error("a fact cannot be taken id=%.*s type=%.*s stream=%.*s reason=\"%s\"",
                      STR_ARG(fact.id), STR_ARG(fact.type), STR_ARG(fact.stream), e->text);
            rc = 0; /* the others can */
        } else {
            m->taken += rc == 0;
        }
    }
    result_free(r);
    return rc;
}
