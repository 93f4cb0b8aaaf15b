/* retry.h - events that a queue refused: when each is tried again, and when it is given up for that queue.
 *
 * An event of the events exchange is sent again three times with growing waits, then into parkway.events
 * alone (its exchange becomes empty): a full queue of somebody else holds nothing back for ever. Commands, on
 * every other exchange, are tried for ever: nobody else has them. What waits here holds the release. Pure but for
 * counters and log lines; owned by the emitting thread. */
#ifndef PARKWAY_RELAY_RETRY_H
#define PARKWAY_RELAY_RETRY_H

#include "base/metric.h"
#include "event/event.h"

struct retry_entry {
    struct retry_entry *next;
    struct event *event;
    uint64_t safe_lsn;
    int64_t due_us;
};

/* What is counted; each may be NULL. */
struct retry_counters {
    struct metric *refused;
    struct metric *diverted;
};

/* Bodies that may wait: a message may have 100 MB, and nobody knows how long. */
enum { RETRY_MAX_BYTES = 64 << 20 };

/* All zero but count_max: nothing was refused. */
struct retry {
    struct retry_entry *first; /* in order of due_us */
    size_t count, count_max;
    size_t bytes;
    int64_t full_us; /* since when too much waits; 0: it does not */
    bool refusing;   /* some queue refused an event lately; diverting: and kept refusing */
    bool diverting;
    int64_t refused_us;
};

/* retry_refused - the broker refused an event, which is taken over. ERR_UNAVAILABLE: even for the
 * stream alone; the event is dropped then, and the session cannot go on. */
NODISCARD int retry_refused(struct retry *r, const struct retry_counters *n, struct event *ev,
                            uint64_t safe_lsn, int64_t now_us, struct err *e);
/* retry_take - one that is due, ready to be published; NULL: none. The caller owns it. */
struct event *retry_take(struct retry *r, const struct retry_counters *n, int64_t now_us,
                         uint64_t *safe_lsn);
/* retry_calm - says once when nothing has been refused for a while. */
void retry_calm(struct retry *r, int64_t now_us);
bool retry_is_full(const struct retry *r);
uint64_t retry_safe_lsn(const struct retry *r); /* of what waits; UINT64_MAX: nothing does */
void retry_fini(struct retry *r);

#endif
