/* tail.h - reading the stream of events from a place on: for `parkway events` and for GET /events.
 *
 * A place is written as first, last or next (both: the end of the stream), a position of the primary (events at or
 * behind it), offset:N of the stream, or a time as 2026-01-31T12:00:00Z (events of commits at or after it). A
 * position is looked for from the stream's first message on: the broker knows offsets and times only.
 *
 * A tail owns a link and belongs to one thread at a time. Source: docs/log-format.md, "Events". */
#ifndef PARKWAY_EVENT_TAIL_H
#define PARKWAY_EVENT_TAIL_H

#include "event/position.h"
#include "mq/consume.h"

struct tail_place {
    struct consume_place in; /* where the broker begins */
    struct position from;    /* lsn 0: anywhere */
    bool behind;             /* from itself is not wanted */
    int64_t from_s;          /* 0: any time */
};

/* tail_place_parse - false: text is no place. */
bool tail_place_parse(const char *text, struct tail_place *out);

struct tail_options {
    const char *name; /* the connection's; texts are borrowed during tail_open */
    struct tail_place place;
    const char *key; /* a binding key; NULL: every event. Borrowed for the tail's life */
    uint16_t prefetch;
};

/* tail_end - *offset: of the last message that the stream holds at this moment; -1: of none. ERR_TIMEOUT: it holds some, and the broker does
 * not show them; otherwise as tail_open. */
NODISCARD int tail_end(const char *name, int64_t *offset, struct err *e);

struct tail;

/* tail_open - ERR_NOT_FOUND: there is no such stream; otherwise as link_open. */
NODISCARD int tail_open(struct tail **out, const struct tail_options *o, struct err *e);
void tail_close(struct tail *t); /* NULL is fine */
/* tail_next - the next message, waiting up to timeout_ms for it: 0 with ev->kind LINK_NONE or LINK_DELIVER; *wanted: it is
 * at or behind the place and its key fits. Its texts are borrowed until the next call. Call it at least every few
 * seconds. ERR_UNAVAILABLE: the stream was deleted, or moved; otherwise as link_next. */
NODISCARD int tail_next(struct tail *t, int timeout_ms, struct link_event *ev, bool *wanted,
                        struct err *e);
/* tail_pending - there may be a message without the socket being readable; tail_socket - to wait on. */
bool tail_pending(const struct tail *t);
int tail_socket(const struct tail *t);

#endif
