/* topology.h - what must exist on the broker: exchanges, streams, queues, bindings.
 *
 * Declaring is idempotent: what exists is left as it is (a policy or an older size bound of a
 * stream is not an error), what is missing is made. The caller's thread and link; errors as in
 * link.h (after a refused declaration the link has a fresh channel or is dead). */
#ifndef PARKWAY_MQ_TOPOLOGY_H
#define PARKWAY_MQ_TOPOLOGY_H

#include "mq/link.h"

/* topology_exchange - durable; type "topic" or "direct". */
NODISCARD int topology_exchange(struct link *l, const char *name, const char *type,
                                struct err *e);
/* topology_passage - a topic exchange for one program's use, gone with the broker's restart at the latest;
 * topology_passage_end deletes it and its bindings. */
NODISCARD int topology_passage(struct link *l, const char *name, struct err *e);
NODISCARD int topology_passage_end(struct link *l, const char *name, struct err *e);
/* topology_stream - a durable stream keeping max_bytes on that many nodes of a cluster (0: on all). */
NODISCARD int topology_stream(struct link *l, const char *name, int64_t max_bytes,
                              int64_t members, struct err *e);
/* The direct exchange behind which every worker queue's dead letters wait. */
#define TOPOLOGY_DEAD_EXCHANGE "CQRS_DLX"
/* What the dead letters' queue of a worker queue is called: its name and this. */
#define TOPOLOGY_DEAD_SUFFIX ".dead"

/* topology_queue - a worker queue: a quorum queue of which one consumer at a time gets messages, in order.
 * A message that was rejected, or came back delivery_limit times, goes through CQRS_DLX to the quorum queue
 * <name>.dead, and leaves this queue only when it is there; a full queue refuses the publisher instead of
 * dropping what it has. Queue, exchange, <name>.dead and its binding are declared, the binding each time.
 * name            at most 240 bytes.     delivery_limit  deliveries that may fail before it is dead; 1 or more.
 * Source  RabbitMQ 3.10, "Quorum Queues": poison messages, at-least-once dead lettering. */
NODISCARD int topology_queue(struct link *l, const char *name, int64_t delivery_limit,
                             struct err *e);
/* topology_own - a queue that is this connection's alone and ends with it: what another one holds is
 * refused with ERR_CONFLICT, so it is a lock as well. A durable queue of that name, which an older
 * version declared, is deleted. max_length 0: no bound. */
NODISCARD int topology_own(struct link *l, const char *name, int64_t max_length, struct err *e);
/* topology_bind - ERR_NOT_FOUND when queue or exchange is missing (the channel is renewed). */
NODISCARD int topology_bind(struct link *l, const char *queue, const char *exchange,
                            const char *key, struct err *e);
/* topology_depth - messages in a queue or stream that nobody holds, and its consumers (may be NULL);
 * ERR_NOT_FOUND (the channel is renewed). */
NODISCARD int topology_depth(struct link *l, const char *queue, int64_t *messages,
                             int64_t *consumers, struct err *e);

#endif
