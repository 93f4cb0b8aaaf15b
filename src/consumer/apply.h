/* apply.h - writes a batch to the replica: set-wise, and row by row where that is refused.
 *
 * One replica transaction holds whole source transactions and the cursor. A batch that must not be
 * committed yet (it ends inside a source transaction) is written into the open transaction and its
 * memory is given back; readers see nothing of it until the commit. A set of statements that is
 * refused is rolled back to the mark before it and done again in halves, the small ones row by row in
 * source order (rowwise.h):
 * what is legal in that order passes, what is not is parked.
 *
 * Errors: ERR_SQL (a refusal that may pass later: deadlock, cancelled, out of space), ERR_CLOSED,
 * ERR_FENCED, ERR_UNAVAILABLE (a table is being copied), ERR_CONFLICT (on_poison = halt): the transaction is gone; the caller starts over from the
 * cursor. Thread: the consumer's. */
#ifndef PARKWAY_CONSUMER_APPLY_H
#define PARKWAY_CONSUMER_APPLY_H

#include "consumer/batch.h"
#include "consumer/cursor.h"
#include "consumer/park.h"
#include "consumer/traced.h"

struct apply {
    struct conn *db;       /* borrowed; NULL: none */
    struct cursor *cursor; /* borrowed */
    struct park *park;     /* borrowed */
    bool halt_on_poison;
    struct repair *repair; /* made at the first repair */
    struct arena arena;    /* of one run */
    struct buf scratch;
    int64_t patient_us; /* when refused work was last waited for; 0: never */
    bool patient;       /* it is being waited for */
    bool bloated;       /* libpq's buffers grew with a huge value: reopen the connection */
    bool open;          /* a replica transaction is open */
    bool may_seal; /* this run is the last of its transaction, nothing is to be waited for */
    bool sealed;   /* its COMMIT went along with the rows */
    bool
        immediate; /* deferred constraints refused the last COMMIT: they are checked with each statement */
    struct traced traced;
    uint64_t rows_open; /* changes written into it */
    uint64_t transactions_open;
};

void apply_init(struct apply *a);
void apply_fini(struct apply *a);
/* apply_attach - a new connection: forgets what belonged to the old one. */
void apply_attach(struct apply *a, struct conn *db);
/* apply_begin - opens the replica transaction, if none is open. */
NODISCARD int apply_begin(struct apply *a, struct err *e);
/* apply_chunk - writes the batch into the open transaction (opening one), commits nothing. */
NODISCARD int apply_chunk(struct apply *a, struct batch *b, struct err *e);
/* apply_commit - writes the batch, saves the cursor (whose at, offset, incarnation the caller set) and
 * commits. delay_ms: a test aid, waits before the commit. */
NODISCARD int apply_commit(struct apply *a, struct batch *b, int64_t delay_ms, struct err *e);
/* apply_abandon - rolls back what is open. */
void apply_abandon(struct apply *a);

/* apply_refused - what failed says something about the data: it is no use to try again. */
bool apply_refused(int rc, const struct err *e);

/* apply_know - loads the shapes and copies of the relation's sinks, for changes of that transaction. */
NODISCARD int apply_know(struct apply *a, struct relation *r, uint64_t commit_lsn,
                         struct err *e);

/* Shared with rowwise.c. */
/* apply_view_of - false: nothing to do for this sink. */
bool apply_view_of(struct apply *a, const struct batch_change *ch, struct sink *s,
                   struct sink_view *out);
/* apply_truncated - the sinks of a truncate's tables, in the arena. */
size_t apply_truncated(struct apply *a, struct batch *b, const struct batch_change *ch,
                       struct plan_table ***out);

#endif
