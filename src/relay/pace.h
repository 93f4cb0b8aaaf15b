/* pace.h - how long the reader of the primary's stream lets it gather before it reads on. Pure.
 *
 * Each wake-up of a reader costs both sides, and each small read becomes a small frame, which costs the
 * relay, the broker, the consumer and the replica together about 250 us of processor time, whatever it
 * holds. At a low rate nobody minds and nothing waits. At a high rate those costs slow everything,
 * the primary's own clients too, so the reader pauses: longer with the rate, some milliseconds at
 * most. It also pauses when the stream is well behind the commits that it tells of: then a quarter of
 * the time by which it is, up to a bound. What the server sends meanwhile must fit the sockets' buffers: on TCP they
 * grow to megabytes, on a local socket some hundred messages fill them, whatever their size. */
#ifndef PARKWAY_RELAY_PACE_H
#define PARKWAY_RELAY_PACE_H

#include "base/def.h"

struct pace {
    bool local;       /* the connection is a local socket's */
    int64_t since_us; /* the span being measured began */
    uint64_t commits, rows;
    int64_t rate_pause_us;
};

/* One read: what it brought (nothing, perhaps), and how old its transaction was when the server sent
 * the last of it, by the server's own clock. */
struct pace_read {
    uint64_t commits, rows;
    int64_t behind_us;
};

/* pace_note - returns the pause before the next read; 0: wait for the socket. */
int64_t pace_note(struct pace *p, int64_t now_us, const struct pace_read *read);

#endif
