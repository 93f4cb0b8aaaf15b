/* release.h - what the slot may forget: joins the confirmed prefixes of both lanes with the replicas' reports
 * (frontier.h decides) and says when that state changes. Owned by the emitting thread. */
#ifndef PARKWAY_RELAY_RELEASE_H
#define PARKWAY_RELAY_RELEASE_H

#include "relay/ahead.h"
#include "relay/session.h"

/* All zero: nothing is known of the replicas. */
struct release {
    struct ahead ahead;
    bool over_budget; /* WAL is released past a replica */
    bool too_far;     /* the log is too far ahead of a replica: publishing should pause */
    /* the registered replicas as last seen */
    struct session_replica replicas[SESSION_REPLICAS_MAX];
    size_t replica_count;
    bool replicas_known;
    unsigned replicas_version;
};

struct release_in {
    uint64_t log_lsn;    /* the lanes' longest confirmed prefixes */
    uint64_t events_lsn; /* as struct frontier_in has them */
    uint64_t last_lsn;   /* the end of what was published to the log */
};

/* release_decide - computes the frontier and publishes it for capture (s->released_lsn). */
void release_decide(struct release *r, struct session *s, const struct release_in *in);

#endif
