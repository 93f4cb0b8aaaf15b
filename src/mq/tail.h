/* tail.h - a short look into a stream or queue on a link that is used for other things too.
 *
 * For the relay: the last messages of its two streams, and the reports of the replicas. Deliveries
 * come out of link_next with the consumer tag given here. (The consumer's own reading, with its credit,
 * is consume.h.) */
#ifndef PARKWAY_MQ_TAIL_H
#define PARKWAY_MQ_TAIL_H

#include "mq/link.h"

/* tail_start - from_last: of a stream, from its last chunk on, which holds the last message and
 * perhaps some before it; false: a queue, or a stream's new messages. */
NODISCARD int tail_start(struct link *l, const char *queue, const char *consumer, bool from_last,
                         uint16_t prefetch, struct err *e);
/* tail_ack - this delivery and all before it; gives credit for more. */
NODISCARD int tail_ack(struct link *l, uint64_t tag, struct err *e);
/* tail_stop - cancels; deliveries that were on their way may still come. */
NODISCARD int tail_stop(struct link *l, const char *consumer, struct err *e);

#endif
