/* receive.h - the reader of the log: a thread that owns the broker's connection and a short queue of
 * frames between it and the consumer.
 *
 * The thread keeps the connection alive (heartbeats, however long the replica takes), reconnects with
 * backoff, and goes on behind the last frame that it handed over; a cancelled subscription begins again
 * at the stream's first frame. It judges nothing: frames come out as bytes with their offset. What
 * may wait here is bounded by the credit (prefetch) that the broker gets back as frames are taken.
 * receive_* are called by the consumer's thread. */
#ifndef PARKWAY_CONSUMER_RECEIVE_H
#define PARKWAY_CONSUMER_RECEIVE_H

#include "base/err.h"

struct receive;

struct receive_options {
    const char *url; /* texts are borrowed for the reader's life */
    const char *stream;
    const char *name; /* of the consumer, for the broker's list of connections */
    uint16_t prefetch;
};

enum receive_kind {
    RECEIVE_NONE,
    RECEIVE_SUBSCRIBED, /* from_first says where */
    RECEIVE_FRAME,      /* mem (the taker frees), size, offset */
    RECEIVE_LOST,       /* the connection is gone; the reader tries again */
};

struct receive_event {
    enum receive_kind kind;
    bool from_first;
    void *mem;
    size_t size;
    uint64_t offset;
};

struct receive *
receive_new(const struct receive_options *o); /* starts the thread; reads nothing yet */
void receive_free(struct receive *r);
/* receive_first, receive_offset - drop what waits and read from there. */
void receive_first(struct receive *r);
void receive_offset(struct receive *r, uint64_t offset);
/* receive_pop - the next event, waiting up to timeout_ms. */
void receive_pop(struct receive *r, int timeout_ms, struct receive_event *ev);

#endif
