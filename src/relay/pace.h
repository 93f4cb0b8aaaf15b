/* pace.h - how long the reader of the primary's stream lets it gather before it reads on. Pure.
 *
 * Each wake-up of a reader costs both sides, and each small read becomes a small frame, which costs the
 * broker, the consumer and the replica as much as a large one (together about 250 us of processor
 * time). At a low rate nobody minds and nothing waits. At a high rate those costs are what slows
 * everything, the primary's own clients too, so the reader pauses: longer with the rate, a few
 * milliseconds at most. The rate is measured over short spans: commits, and rows at a
 * fraction of one, because a large transaction in the middle is a rate too. */
#ifndef PARKWAY_RELAY_PACE_H
#define PARKWAY_RELAY_PACE_H

#include "base/def.h"

struct pace {
    int64_t since_us; /* the span being measured began */
    uint64_t commits, messages;
    int64_t pause_us;
};

/* pace_note - one read at now_us that brought so much (nothing, perhaps). Returns the pause before the
 * next read; 0: wait for the socket. */
int64_t pace_note(struct pace *p, int64_t now_us, uint64_t commits, uint64_t messages);

#endif
