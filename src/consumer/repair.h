/* repair.h - repair messages: what some rows of a table are at this place of the log.
 *
 * The primary emits such a message (parkway.repair, prefix of the same name) while it holds the rows, so
 * what it says is true where it stands. The rows are deleted by their keys and put in anew, all deletes of a
 * message first, so that unique values may change places; then the replica has them so, whatever it had
 * before. On a replica that is right nothing changes. Parked changes of these keys are done with: they become
 * state 'repaired', with an audit row. The rows go the road of ordinary changes, so copies, parking and
 * views see nothing special; a row that is refused is parked. Tables without a key cannot be repaired so.
 * Thread: the consumer's. */
#ifndef PARKWAY_CONSUMER_REPAIR_H
#define PARKWAY_CONSUMER_REPAIR_H

#include "base/err.h"

struct apply;
struct batch;
struct batch_change;
struct repair;

/* repair_apply - the message ch with this content; a notice_act. One for another consumer, or of a table
 * that is not mirrored, is passed over; one that cannot be read is said and passed over. */
NODISCARD int repair_apply(struct apply *a, struct batch *b, const struct batch_change *ch,
                           struct str content, struct err *e);
void repair_free(struct repair *r); /* NULL is fine */

#endif
