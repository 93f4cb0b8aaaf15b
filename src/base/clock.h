/* clock.h - time: monotonic for waits, wall for what people read. Units: microseconds. */
#ifndef PARKWAY_BASE_CLOCK_H
#define PARKWAY_BASE_CLOCK_H

#include "base/def.h"

#define CLOCK_TEXT_MAX 32

int64_t clock_mono_us(void); /* since some fixed moment; never goes back */
int64_t clock_wall_us(void); /* since 1970-01-01 UTC */
/* clock_text - "YYYY-MM-DDTHH:MM:SS.mmmZ" of wall time into out[CLOCK_TEXT_MAX]. */
void clock_text(int64_t wall_us, char *out);
void clock_sleep_us(int64_t us); /* for retry loops of single-threaded daemons only */

/* backoff - waits between tries: first within 1 s, doubling with jitter, ceiling 10 s. */
struct backoff {
    unsigned tries;
    uint64_t seed;
};
void backoff_reset(struct backoff *b);
/* backoff_next_ms - the wait before the next try; counts the try. Pure but for b. */
int64_t backoff_next_ms(struct backoff *b);

#endif
