/* gapless.h - whether the stream of events misses none.
 *
 * Every event carries the run of the relay that sent it (a session) and a number, from 1 without a gap within
 * that run. So a reader of the stream sees what is not there, whatever other publishers put between. A
 * place up to which nothing is missing is remembered on the primary now and then: a relay that starts goes on from
 * there, because the one before may have died before it looked. Pure; owned by its caller. */
#ifndef PARKWAY_RELAY_GAPLESS_H
#define PARKWAY_RELAY_GAPLESS_H

#include "event/position.h"

enum { GAPLESS_RUN_MAX = 40 };

/* The last event before which none is missing. */
struct gapless {
    bool known;
    bool gap; /* found: what was fed since is not part of it */
    char run[GAPLESS_RUN_MAX];
    uint64_t seq;
    int64_t offset; /* in the stream */
    struct position at;
};

/* gapless_set - nothing is missing up to this event. */
void gapless_set(struct gapless *g, struct str run, uint64_t seq, int64_t offset,
                 struct position at);
/* gapless_feed - the next event of the stream, in the stream's order. */
void gapless_feed(struct gapless *g, struct str run, uint64_t seq, int64_t offset,
                  struct position at);
/* gapless_reaches - whether it is plain, without reading what lies between, that nothing is missing up
 * to this event: as many messages came as numbers were given out. */
bool gapless_reaches(const struct gapless *g, struct str run, uint64_t seq, int64_t offset);

#endif
