/* consume.h - reading a stream from a place on, or a queue, over a link.
 *
 * A queue's message stays the queue's until it is settled: acknowledged or rejected by its tag, on the channel
 * that it came over. What a link that ends has not settled is delivered again.
 *
 * Deliveries come out of link_next as LINK_DELIVER; LINK_CANCEL says that the broker ended the
 * consumer (queue deleted, leader moved). Acknowledging a stream's message only gives credit: at most
 * `prefetch` messages are under way without it, and nothing is ever delivered again because an ack
 * is missing. Thread: the link's.
 * Source: AMQP 0-9-1 basic.qos, basic.consume, basic.ack, basic.reject; RabbitMQ 3.10, "Streams": x-stream-offset. */
#ifndef PARKWAY_MQ_CONSUME_H
#define PARKWAY_MQ_CONSUME_H

#include "mq/link.h"

enum consume_from {
    CONSUME_QUEUE, /* not a stream: no place */
    CONSUME_FIRST, /* the oldest message still kept */
    CONSUME_LAST,  /* the last chunk: its first message, so read on to the end */
    CONSUME_NEXT,  /* what is published from now on */
    CONSUME_OFFSET, /* this offset; when it is gone the broker begins at the oldest, silently; when it
                       lies beyond the end nothing is delivered, silently */
    CONSUME_TIME, /* seconds since 1970, at chunk boundaries */
};

struct consume_place {
    enum consume_from from;
    uint64_t offset;
    int64_t time_s;
};

/* consume_start - on the link's present channel. ERR_NOT_FOUND: no such queue (the channel is closed:
 * link_channel_open). A stream demands a prefetch. */
NODISCARD int consume_start(struct link *l, const char *queue, const char *tag,
                            uint16_t prefetch, struct consume_place place, struct err *e);
/* consume_ack - everything up to and including the delivery tag. */
NODISCARD int consume_ack(struct link *l, uint64_t tag, struct err *e);
/* consume_ack_one - this delivery alone, whatever is under way before it. */
NODISCARD int consume_ack_one(struct link *l, uint64_t tag, struct err *e);
/* consume_reject - gives one delivery back: to its place in the queue, from which it is delivered again
 * (redelivered, and counted against the queue's delivery limit), or, not requeued, to where the queue's dead
 * letters go. A queue without such a place drops it. Never for a stream. */
NODISCARD int consume_reject(struct link *l, uint64_t tag, bool requeue, struct err *e);
/* consume_stop - cancels; deliveries under way still come out of link_next. */
NODISCARD int consume_stop(struct link *l, const char *tag, struct err *e);
/* consume_offset - a delivery's place in its stream; false when it came from no stream. */
bool consume_offset(const struct link_event *ev, uint64_t *out);

#endif
