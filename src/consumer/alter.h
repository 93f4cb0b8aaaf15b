/* alter.h - brings the replica's tables into the shapes that the primary announces, and stops tables that cannot
 * follow.
 *
 * A parkway.shape message stands in the log between the rows of the old shape and those of the new one. Its seal is
 * checked (anybody may write messages into the log), the steps of reshape.h are carried out in the replica transaction
 * that is open, under a short lock_timeout with a few tries, and the shape is recorded in parkway.table_shape with its
 * position. Once more is harmless: what is there needs no step.
 *
 * Only plain mirrors (kind row, all columns under their names) are changed. What cannot be done safely blocks that table: its
 * later changes are dropped, readers lose SELECT on it in the same transaction (the router then asks the primary),
 * parkway.table_state says why and what repairs it. The repair copies the table anew, so nothing is lost by dropping. With
 * consumer.on_poison = "halt" the consumer stops in front of the message instead.
 *
 * A Relation message that the recorded shape does not fit was not announced, and blocks the table before its first row.
 * Thread: the consumer's. */
#ifndef PARKWAY_CONSUMER_ALTER_H
#define PARKWAY_CONSUMER_ALTER_H

#include "consumer/apply.h"

/* alter_notice - acts on the message ch, whose text is content. Errors as of notice_apply; ERR_UNAVAILABLE: the table is
 * being copied. */
NODISCARD int alter_notice(struct apply *a, struct batch *b, const struct batch_change *ch,
                           struct str content, struct err *e);
/* alter_check - before the first change of s that is to be applied (its transaction commits at commit_lsn): sets
 * s->start_lsn to UINT64_MAX when the table is blocked, or must be. */
NODISCARD int alter_check(struct apply *a, const struct relation *r, struct sink *s,
                          uint64_t commit_lsn, struct err *e);
/* alter_block - books a table as blocked and takes it from its readers; relation: its source. In the transaction that is
 * open, or at once. */
NODISCARD int alter_block(struct conn *db, const char *consumer, const char *relation,
                          const char *schema, const char *name, const char *reason,
                          struct err *e);
/* alter_count - sets the metric of blocked tables from the books. */
NODISCARD int alter_count(struct conn *db, const char *consumer, struct err *e);

#endif
