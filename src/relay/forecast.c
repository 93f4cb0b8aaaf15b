/* forecast.c - see forecast.h. */
#include "relay/forecast.h"

static size_t at(const struct forecast *f, size_t i)
{
    return (f->first + i) % FORECAST_SAMPLES;
}

void forecast_add(struct forecast *f, int64_t now_us, uint64_t held_bytes)
{
    const int64_t window_us = (int64_t)FORECAST_WINDOW_MS * 1000;
    while (f->count > 0 && now_us - f->sample[f->first].us > window_us) {
        f->first = at(f, 1);
        f->count--;
    }
    /* the newest one moves with the time until it is a share away from the one before it */
    bool close = f->count > 1 && now_us - f->sample[at(f, f->count - 2)].us <
                                     window_us / (FORECAST_SAMPLES / 2);
    if (!close) {
        f->count++;
    }
    ASSERT(f->count <= FORECAST_SAMPLES);
    f->sample[at(f, f->count - 1)].us = now_us;
    f->sample[at(f, f->count - 1)].held_bytes = held_bytes;
}

int64_t forecast_rate(const struct forecast *f)
{
    if (f->count < 2) {
        return 0;
    }
    size_t last = at(f, f->count - 1);
    int64_t us = f->sample[last].us - f->sample[f->first].us;
    double grown = (double)f->sample[last].held_bytes - (double)f->sample[f->first].held_bytes;
    return us > 0 ? (int64_t)(grown * 1e6 / (double)us) : 0;
}

int64_t forecast_left_s(int64_t rate, uint64_t held_bytes, uint64_t limit_bytes)
{
    if (held_bytes >= limit_bytes) {
        return 0;
    }
    if (rate <= 0 || limit_bytes == UINT64_MAX) {
        return -1;
    }
    uint64_t left = (limit_bytes - held_bytes) / (uint64_t)rate;
    return left < INT64_MAX ? (int64_t)left : INT64_MAX;
}

uint64_t forecast_limit(const struct forecast_bounds *b)
{
    uint64_t limit = b->budget_bytes > 0 ? b->budget_bytes : UINT64_MAX;
    if (b->safe_bytes >= 0) {
        uint64_t lost = b->held_bytes + (uint64_t)b->safe_bytes;
        limit = lost < limit ? lost : limit;
    }
    return limit;
}
