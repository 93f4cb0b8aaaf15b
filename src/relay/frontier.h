/* frontier.h - which position may be released: pure.
 *
 * The slot may forget what both lanes have confirmed and, by default, what every registered replica
 * has applied. Positions here are LSNs that are safe to restart from: everything that ended before
 * them is done, the transaction that commits at them is not. */
#ifndef PARKWAY_RELAY_FRONTIER_H
#define PARKWAY_RELAY_FRONTIER_H

#include "event/position.h"

struct frontier_replica {
    const char *name;
    bool reported; /* since this relay started */
    struct epoch epoch;
    uint64_t lsn; /* end LSN of what it has applied */
};

struct frontier_in {
    uint64_t released;   /* so far; never goes back */
    uint64_t log_lsn;    /* the log lane's longest confirmed prefix */
    uint64_t events_lsn; /* the events lane's, read back from parkway.events */
    bool applied;        /* relay.release = "applied" */
    struct epoch epoch;
    const struct frontier_replica *replicas;
    size_t replica_count;
    bool replicas_known; /* the list was read from the primary */
    uint64_t wal_lsn;    /* the primary's position, as last heard */
    uint64_t wal_budget; /* bytes a replica may hold; 0: no bound */
};

/* What keeps the release from going further. */
enum frontier_hold {
    FRONTIER_NOTHING, /* everything known is released */
    FRONTIER_LOG,
    FRONTIER_EVENTS,
    FRONTIER_REPLICA, /* replica: which one */
    FRONTIER_UNKNOWN, /* the list of replicas is not known yet */
};

struct frontier_out {
    uint64_t release;
    enum frontier_hold hold;
    size_t replica;
    bool over_budget; /* a replica was left behind: its WAL would exceed the budget */
};

struct frontier_out frontier_decide(const struct frontier_in *in);
const char *frontier_hold_name(enum frontier_hold h);

#endif
