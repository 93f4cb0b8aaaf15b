/* engine.h - one input of one saga: read, decided and written in one transaction of the primary.
 *
 * An input is a fact (the one that begins a saga, a reply, a cancel), a deadline that has passed, or what an operator asks
 * for. The engine locks the saga's row and its subject's, lets saga_decide say what happens, and writes all of it: subject,
 * facts, commands, saga, log. So any number of engines may run side by side, and one that is killed leaves nothing half done:
 * its input comes again. What the queue has lost is found in the event store (engine_missed).
 *
 * All functions run on the caller's thread over its database handle, outside a transaction. The inbox knows the engine as ENGINE_NAME.
 * Errors besides those of db.h: ERR_INVALID, ERR_NOT_FOUND: the input can never be taken (a subject that does not exist, a row
 * written under another declaration). */
#ifndef PARKWAY_SAGA_ENGINE_H
#define PARKWAY_SAGA_ENGINE_H

#include "domain/db.h"
#include "saga/saga_decide.h"

#define ENGINE_NAME "saga"

/* A fact: a row of events. Borrowed. */
struct engine_fact {
    struct str id;     /* event_id */
    struct str type;   /* TICKET_CREATED */
    struct str stream; /* order-7 */
    struct str data;   /* JSON */
};

/* engine_fact_read - from the JSON of a row of events; values that are quoted in it are written to texts. false: it is none. */
bool engine_fact_read(struct str json, struct buf *texts, struct engine_fact *out);

/* engine_decimal - a number as a parameter of a statement; the text is in out. */
struct str engine_decimal(int64_t v, char out[24]);

/* engine_awaits - whether an engine has to see facts of that type. */
bool engine_awaits(const struct declarations *d, int event);

/* engine_take - a fact. *out is what came of it; SAGA_NOTHING also when no saga knows its stream. */
NODISCARD int engine_take(const struct declarations *d, struct db *db,
                          const struct engine_fact *fact, enum saga_verdict *out,
                          struct err *e);
/* engine_due - the saga whose deadline has passed for longest, if any that no other engine has in hand. *more: there was one. One
 * that can never be handled becomes FAILED, with the reason. */
NODISCARD int engine_due(const struct declarations *d, struct db *db, bool *more,
                         struct err *e);
/* engine_missed - takes facts of the last within_s seconds that are older than older_s and were never taken: their messages were
 * lost, or are still under way. 100 at once, from after_seq (of table events) on; more: call again for those behind. One that
 * can never be taken is logged, and holds up no other. */
struct engine_missed {
    int64_t older_s, within_s;
    int64_t after_seq; /* 0: from the first; set to the last one seen */
    int64_t taken;     /* counted up */
    bool more;
};
NODISCARD int engine_missed(const struct declarations *d, struct db *db,
                            struct engine_missed *m, struct err *e);
/* engine_ask - what people ask for: SAGA_IN_PAUSE, _RESUME, _RETRY. saga: its saga_id; who: the log's actor. ERR_NOT_FOUND: no
 * such saga; ERR_CONFLICT with the reason: not in this state. */
NODISCARD int engine_ask(const struct declarations *d, struct db *db, struct str saga,
                         enum saga_input_kind what, const char *who, struct err *e);

#endif
