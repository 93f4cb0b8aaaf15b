/* aside.h - which changes of a run are parked before anything is tried.
 *
 * A change whose table does not fit, or whose key a parked change holds, needs no attempt: it is put aside
 * (park.h) and the rest of the run is written as a set. So a broken table or a long queue behind a
 * parked key costs no more than a set. Thread: the consumer's. */
#ifndef PARKWAY_CONSUMER_ASIDE_H
#define PARKWAY_CONSUMER_ASIDE_H

#include "consumer/apply.h"

/* aside_wants - the change cannot be applied now. */
bool aside_wants(struct apply *a, const struct sink_view *v);
/* aside_put - parks it, with the cause. */
void aside_put(struct apply *a, const struct sink_view *v);
/* aside_patience - waits before refused work is tried again for the tries-th time (from 0); false: enough. */
bool aside_patience(struct apply *a, size_t tries);
/* aside_settle - opens the transaction; looks again at tables that did not fit (a little patience lets a
 * half-done change of a table's shape settle) and asks which of the changes' keys are held. */
NODISCARD int aside_settle(struct apply *a, struct batch *b, size_t from, size_t to,
                           struct err *e);

#endif
