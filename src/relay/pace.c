/* pace.c - see pace.h. */
#include "relay/pace.h"

enum {
    SPAN_US = 20000,
    MESSAGES_PER_COMMIT = 25, /* that many rows are as dear as a commit of its own */
    LOW_RATE = 2000,          /* a second; up to it there is no pause */
    HIGH_RATE = 5000,         /* from it on the longest */
    PAUSE_MAX_US = 2000,
};

int64_t pace_note(struct pace *p, int64_t now_us, uint64_t commits, uint64_t messages)
{
    p->commits += commits;
    p->messages += messages;
    int64_t span = now_us - p->since_us;
    if (span >= SPAN_US) {
        uint64_t work = p->commits + p->messages / MESSAGES_PER_COMMIT;
        int64_t rate = (int64_t)(work * 1000000 / (uint64_t)span);
        int64_t over = rate < LOW_RATE ? 0 : (rate < HIGH_RATE ? rate : HIGH_RATE) - LOW_RATE;
        p->pause_us = over * PAUSE_MAX_US / (HIGH_RATE - LOW_RATE);
        p->since_us = now_us;
        p->commits = p->messages = 0;
    }
    return p->pause_us;
}
