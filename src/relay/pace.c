/* pace.c - see pace.h. */
#include "relay/pace.h"

enum {
    SPAN_US = 20000,
    ROWS_PER_COMMIT =
        10,          /* read one by one, so many rows are as dear as the frame of a commit */
    LOW_RATE = 2000, /* a second; 2 us of pause for each above it */
    RATE_PAUSE_MAX_US = 12000,
    BEHIND_MIN_US = 20000,
    BEHIND_SHARE = 4,
    PAUSE_MAX_US = 20000,
    LOCAL_MAX_US = 2000,
};

int64_t pace_note(struct pace *p, int64_t now_us, const struct pace_read *read)
{
    p->commits += read->commits;
    p->rows += read->rows;
    int64_t span = now_us - p->since_us;
    if (span >= SPAN_US) {
        uint64_t work = p->commits + p->rows / ROWS_PER_COMMIT;
        int64_t rate = (int64_t)(work * 1000000 / (uint64_t)span);
        int64_t more = rate > LOW_RATE ? (rate - LOW_RATE) * 2 : 0;
        p->rate_pause_us = more < RATE_PAUSE_MAX_US ? more : RATE_PAUSE_MAX_US;
        p->since_us = now_us;
        p->commits = p->rows = 0;
    }
    bool late = read->commits + read->rows > 0 && read->behind_us >= BEHIND_MIN_US;
    int64_t pause = late ? read->behind_us / BEHIND_SHARE : 0;
    pause = pause > p->rate_pause_us ? pause : p->rate_pause_us;
    int64_t most = p->local ? LOCAL_MAX_US : PAUSE_MAX_US;
    return pause < most ? pause : most;
}
