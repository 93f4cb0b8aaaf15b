/* release.c - see release.h. */
#include "relay/release.h"

#include "base/log.h"
#include "event/setup.h"
#include "relay/relay_conf.h"

static void take_replicas(struct release *r, struct session *s)
{
    unsigned version = atomic_load(&s->replicas_version);
    if (version == r->replicas_version) {
        return;
    }
    pthread_mutex_lock(&s->lock);
    r->replicas_version = atomic_load(&s->replicas_version);
    r->replicas_known = s->replicas_known;
    r->replica_count = 0;
    for (size_t i = 0; i < s->replica_count; i++) {
        if (s->replicas[i].registered) {
            r->replicas[r->replica_count++] = s->replicas[i];
        }
    }
    pthread_mutex_unlock(&s->lock);
}

static void say_budget(struct release *r, struct session *s, const struct frontier_out *out)
{
    /* once over, it is over until the replicas have caught up: releasing alone makes room */
    bool behind = out->hold == FRONTIER_REPLICA || out->hold == FRONTIER_UNKNOWN;
    bool over = out->over_budget || (r->over_budget && behind);
    metric_set(session_metric(s, SESSION_OVER_BUDGET), over);
    if (over == r->over_budget) {
        return;
    }
    r->over_budget = over;
    if (over) {
        log_warn("WAL budget exceeded, releasing past replicas that lag "
                 "hint=\"bring the replica back, or parkway replica drop\"");
    } else {
        log_info("all replicas have caught up with what was released");
    }
}

void release_decide(struct release *r, struct session *s, const struct release_in *in)
{
    take_replicas(r, s);
    struct frontier_replica replicas[SESSION_REPLICAS_MAX];
    uint64_t slowest = UINT64_MAX;
    for (size_t i = 0; i < r->replica_count; i++) {
        const struct session_replica *one = &r->replicas[i];
        replicas[i] = (struct frontier_replica){one->name, one->reported, one->epoch, one->lsn};
        uint64_t lsn = one->reported && epoch_eq(one->epoch, s->epoch) ? one->lsn : 0;
        slowest = lsn < slowest ? lsn : slowest;
    }
    bool applied = strcmp(relay_conf()->release, "applied") == 0;
    /* while publishing waits for a replica nothing is read, and the budget counts what is written meanwhile */
    uint64_t heard_lsn = atomic_load(&s->heard_lsn);
    uint64_t asked_lsn = atomic_load(&s->asked_lsn);
    struct frontier_in f = {
        .released = atomic_load(&s->released_lsn),
        .log_lsn = in->log_lsn,
        .events_lsn = in->events_lsn,
        .applied = applied,
        .epoch = s->epoch,
        .replicas = replicas,
        .replica_count = r->replica_count,
        .replicas_known = r->replicas_known,
        .wal_lsn = heard_lsn > asked_lsn ? heard_lsn : asked_lsn,
        .wal_budget = (uint64_t)relay_conf()->wal_budget_bytes,
    };
    struct frontier_out out = frontier_decide(&f);
    atomic_store(&s->released_lsn, out.release);
    atomic_store(&s->log_lsn, f.log_lsn);
    metric_set(session_metric(s, SESSION_HOLD), out.hold);
    metric_set(session_metric(s, SESSION_PUBLISHED_LSN), (int64_t)f.log_lsn);
    metric_set(session_metric(s, SESSION_LAG),
               f.wal_lsn > f.log_lsn ? (int64_t)(f.wal_lsn - f.log_lsn) : 0);
    uint64_t ahead =
        applied && r->replica_count > 0 ? ahead_bytes(&r->ahead, slowest, in->last_lsn) : 0;
    metric_set(session_metric(s, SESSION_AHEAD), (int64_t)ahead);
    r->too_far =
        ahead > (uint64_t)setup()->log_max_bytes / 2 && !r->over_budget && !out.over_budget;
    say_budget(r, s, &out);
}
