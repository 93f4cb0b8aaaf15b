/* reapply.h - parked changes that an operator asked to try again (`parkway parked retry|skip|drop`).
 *
 * They go the road on which they came: all changes of the keys asked for, and of keys joined to them by key
 * changes, are taken out of the way, put into a batch of their own in the order of the log, and applied,
 * in one replica transaction that also proves the cursor is still ours. What is refused again parks
 * again, under its old number, with the new cause and one more try; the rest of its key behind it.
 * New changes of these keys that arrive meanwhile wait for that transaction, because the same thread
 * applies them. Every outcome is written to parkway.parked_audit.
 *
 * Whether there is anything to do is asked at most once a second, between source transactions.
 * Thread: the consumer's. */
#ifndef PARKWAY_CONSUMER_REAPPLY_H
#define PARKWAY_CONSUMER_REAPPLY_H

#include "consumer/apply.h"

struct reapply {
    struct batch batch;  /* relations and changes of one target table */
    struct mirrors some; /* those that feed it; what they hold is borrowed */
    int64_t asked_us;
};

void reapply_init(struct reapply *r);
void reapply_fini(struct reapply *r);
/* reapply_turn - asks, and tries one table's changes again when somebody wants that. Only when no replica transaction
 * is open. at: the main batch, empty. Errors as of apply.h. */
NODISCARD int reapply_turn(struct reapply *r, struct apply *a, struct batch *main,
                           struct err *e);

#endif
