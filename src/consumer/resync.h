/* resync.h - makes the replica's tables equal to the primary's, whatever happened in between.
 *
 * For a break in the log: every published table is read from the primary in one exported snapshot into a
 * temporary table beside its target; rows that differ are deleted and put in anew, all in the replica
 * transaction that the caller opened, so readers see the repaired tables at once or not at all.
 * parkway.table_start remembers the snapshot's position, so that changes which the log brings again
 * are skipped. Targets of kind "append" cannot be repaired and are left as they are; one
 * that cannot hold the rows is blocked (alter.h). Thread: the consumer's. */
#ifndef PARKWAY_CONSUMER_RESYNC_H
#define PARKWAY_CONSUMER_RESYNC_H

#include "consumer/mirror.h"
#include "consumer/park.h"

/* resync_run - inside an open transaction of replica. epoch: the one that the log goes on in. *changed
 * becomes the number of rows deleted and inserted. ERR_UNAVAILABLE: the primary is away or already in
 * another epoch. */
NODISCARD int resync_run(struct conn *replica, const struct mirrors *mirrors, struct park *park,
                         struct epoch epoch, int64_t *changed, struct err *e);

#endif
