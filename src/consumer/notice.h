/* notice.h - the messages of the log on which the consumer acts, one row a prefix.
 *
 * A transactional message stands in the log at its place between the changes of its transaction. The batch
 * keeps those that are wanted; apply writes what came before, in the replica transaction that is open, then
 * the message acts in that same transaction, then what follows is written. So what a message does
 * is undone and done again together with the rows around it. Thread: the consumer's. */
#ifndef PARKWAY_CONSUMER_NOTICE_H
#define PARKWAY_CONSUMER_NOTICE_H

#include "base/err.h"

struct apply;
struct batch;
struct batch_change;

/* notice_wants - whether a message with this prefix is kept. Pure. */
bool notice_wants(struct str prefix);
/* notice_apply - lets the message ch (kind BATCH_MESSAGE) act; a replica transaction is open. Errors as of
 * apply.h: the transaction is gone then. */
NODISCARD int notice_apply(struct apply *a, struct batch *b, const struct batch_change *ch,
                           struct err *e);

#endif
