/* forecast.h - how fast the WAL that the slot keeps back grows, and when it reaches its bound: pure.
 *
 * The growth is taken over the last minutes, so that one busy second is no forecast; a slot that gives back as
 * much as is written has none. Owned by one thread. */
#ifndef PARKWAY_RELAY_FORECAST_H
#define PARKWAY_RELAY_FORECAST_H

#include "base/def.h"

enum {
    FORECAST_SAMPLES = 32,
    FORECAST_WINDOW_MS = 300000, /* the oldest sample that counts */
};

/* All zero: nothing is known. */
struct forecast {
    struct {
        int64_t us;
        uint64_t held_bytes;
    } sample[FORECAST_SAMPLES];
    size_t first, count;
};

/* forecast_add - what the slot holds at this moment. Samples that come closer together than a window's
 * share replace the one before. */
void forecast_add(struct forecast *f, int64_t now_us, uint64_t held_bytes);
/* forecast_rate - growth in bytes a second; 0 or less: it does not grow, or too little is known. */
int64_t forecast_rate(const struct forecast *f);
/* forecast_left_s - until held_bytes reaches limit_bytes at that rate; 0: it has; -1: it does not grow. */
int64_t forecast_left_s(int64_t rate, uint64_t held_bytes, uint64_t limit_bytes);

/* What bounds the WAL that the slot may hold. */
struct forecast_bounds {
    uint64_t held_bytes;
    uint64_t budget_bytes; /* relay.wal_budget_bytes; 0: none */
    int64_t safe_bytes;    /* that the primary may still write before it removes the slot's WAL
                              (pg_replication_slots.safe_wal_size); negative: no bound */
};
/* forecast_limit - the lower of the two, as a bound of held_bytes; UINT64_MAX: none. */
uint64_t forecast_limit(const struct forecast_bounds *b);

#endif
