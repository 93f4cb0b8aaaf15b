/* ahead.h - how many bytes of the log lie ahead of the slowest replica: pure.
 *
 * Remembers a few places of the log with the bytes that were published before each, so the answer is coarse:
 * too high by at most a 64th of the log's bound. Owned by the emitting thread. */
#ifndef PARKWAY_RELAY_AHEAD_H
#define PARKWAY_RELAY_AHEAD_H

#include "base/def.h"

enum { AHEAD_MARKS = 64 };

/* All zero: nothing was published. */
struct ahead {
    struct {
        uint64_t lsn;
        uint64_t bytes;
    } mark[AHEAD_MARKS];
    size_t first, count;
    uint64_t bytes; /* published in all */
};

/* ahead_add - a frame of that size was published behind before_lsn. max_bytes: the log's bound. */
void ahead_add(struct ahead *a, uint64_t before_lsn, size_t bytes, uint64_t max_bytes);
/* ahead_bytes - what a replica at applied_lsn has still to read. applied_lsn never goes back by
 * more than a mark. last_lsn: the end of the log. */
uint64_t ahead_bytes(struct ahead *a, uint64_t applied_lsn, uint64_t last_lsn);

#endif
