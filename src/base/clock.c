/* clock.c - see clock.h. */
#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

static int64_t read_us(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t clock_mono_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

int64_t clock_wall_us(void)
{
    return read_us(CLOCK_REALTIME);
}

void clock_text(int64_t wall_us, char *out)
{
    time_t s = (time_t)(wall_us / 1000000);
    struct tm tm;
    gmtime_r(&s, &tm);
    size_t n = strftime(out, CLOCK_TEXT_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + n, CLOCK_TEXT_MAX - n, ".%03dZ", (int)(wall_us / 1000 % 1000));
}

void clock_sleep_us(int64_t us)
{
    struct timespec ts = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    while (nanosleep(&ts, &ts) != 0 && errno == EINTR) {
    }
}

void backoff_reset(struct backoff *b)
{
    b->tries = 0;
}

int64_t backoff_next_ms(struct backoff *b)
{
    enum { FIRST_MS = 200, CEILING_MS = 10000 };
    if (b->seed == 0) {
        b->seed = (uint64_t)clock_mono_us() | 1;
    }
    /* xorshift64: jitter needs no more */
    b->seed ^= b->seed << 13;
    b->seed ^= b->seed >> 7;
    b->seed ^= b->seed << 17;
    int64_t wait = FIRST_MS;
    for (unsigned i = 0; i < b->tries && wait < CEILING_MS; i++) {
        wait *= 2;
    }
    wait = wait > CEILING_MS ? CEILING_MS : wait;
    b->tries++;
    return wait / 2 + (int64_t)(b->seed % (uint64_t)(wait / 2 + 1));
}
