/* health.h - whether the relay does its work, and what keeps it from it: pure.
 *
 * Judged from times alone, so that a thread that hangs in a dead peer is seen by its silence. */
#ifndef PARKWAY_RELAY_HEALTH_H
#define PARKWAY_RELAY_HEALTH_H

#include "base/def.h"

/* Longer than anything but trouble takes, and short enough to be told within 3 s. */
enum { HEALTH_PATIENCE_MS = 2000 };

enum health {
    HEALTH_READY,
    HEALTH_STANDBY,     /* another relay is at work */
    HEALTH_DOWN,        /* no session */
    HEALTH_BLOCKED,     /* the broker has an alarm */
    HEALTH_UNCONFIRMED, /* the broker does not confirm */
    HEALTH_SILENT,      /* the primary sends nothing, not even an answer */
    HEALTH_STUCK,       /* the primary does not answer a query, or the broker one */
    HEALTH_PAUSED,      /* the slowest replica is too far behind */
};

/* Times of clock_mono_us; 0: not so. */
struct health_in {
    int64_t now_us;
    bool standby;
    bool blocked;
    int64_t down_us;        /* since when there is no session */
    int64_t unconfirmed_us; /* when the oldest unconfirmed message was sent */
    int64_t heard_us;       /* of the primary's stream, last */
    int64_t turn_us;        /* when the thread that asks primary and broker was last free */
    int64_t paused_us;      /* since when publishing waits for a replica */
};

struct health_out {
    enum health health;
    int64_t since_us; /* 0: unknown */
};

struct health_out health_decide(const struct health_in *in);
/* health_text - what it is, for people: "the broker has not confirmed for". */
const char *health_text(enum health h);

#endif
