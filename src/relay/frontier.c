/* frontier.c - see frontier.h. */
#include "relay/frontier.h"

const char *frontier_hold_name(enum frontier_hold h)
{
    switch (h) {
    case FRONTIER_NOTHING: return "nothing";
    case FRONTIER_LOG: return "log";
    case FRONTIER_EVENTS: return "events";
    case FRONTIER_REPLICA: return "replica";
    case FRONTIER_UNKNOWN: return "unknown replicas";
    }
    return "";
}

/* How far a replica lets the release go; 0 when nothing is known of it in this epoch. */
static uint64_t replica_lsn(const struct frontier_replica *r, struct epoch epoch)
{
    return r->reported && epoch_eq(r->epoch, epoch) ? r->lsn : 0;
}

struct frontier_out frontier_decide(const struct frontier_in *in)
{
    struct frontier_out out = {.release = in->log_lsn, .hold = FRONTIER_NOTHING};
    if (in->wal_lsn > in->log_lsn) {
        out.hold = FRONTIER_LOG;
    }
    if (in->events_lsn < out.release) {
        out.release = in->events_lsn;
        out.hold = FRONTIER_EVENTS;
    }
    uint64_t confirmed = out.release;
    if (in->applied) {
        if (!in->replicas_known) {
            out.release = 0;
            out.hold = FRONTIER_UNKNOWN;
        }
        for (size_t i = 0; i < in->replica_count; i++) {
            uint64_t lsn = replica_lsn(&in->replicas[i], in->epoch);
            if (lsn < out.release) {
                out.release = lsn;
                out.hold = FRONTIER_REPLICA;
                out.replica = i;
            }
        }
    }
    if (out.release < in->released) {
        out.release = in->released;
    }
    bool behind = confirmed > out.release;
    if (behind && in->wal_budget > 0 && in->wal_lsn > out.release &&
        in->wal_lsn - out.release > in->wal_budget) {
        out.release = confirmed;
        out.over_budget = true;
    }
    return out;
}
