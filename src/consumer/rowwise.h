/* rowwise.h - changes one by one in source order, each in its own savepoint.
 *
 * The slow way, for what was refused as a set: a row that is already there or missing is put right and
 * counted; a change that is refused here too is tried again after a short wait with a fresh look at
 * the table's shape, and then parked (or halts the consumer). Thread: the consumer's. */
#ifndef PARKWAY_CONSUMER_ROWWISE_H
#define PARKWAY_CONSUMER_ROWWISE_H

#include "consumer/apply.h"

/* rowwise_apply - changes [from, to) of the batch, inside the open transaction. Errors as apply.h. */
NODISCARD int rowwise_apply(struct apply *a, struct batch *b, size_t from, size_t to,
                            struct err *e);

#endif
