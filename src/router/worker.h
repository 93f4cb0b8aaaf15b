/* worker.h - one thread of the router: a loop, the sessions that live on it, their servers'
 * connections, a cache of classified texts, and what is known about freshness.
 *
 * Nothing of a worker is touched by another thread but the mailbox (accepted sockets and cancel
 * requests, under a lock) and the counters (atomics that the owner alone writes). Stacks are 16 MB
 * because the SQL parser recurses (CLASSIFY_STACK_MIN). */
#ifndef PARKWAY_ROUTER_WORKER_H
#define PARKWAY_ROUTER_WORKER_H

#include "router/cache.h"
#include "router/target.h"
#include "router/users.h"
#include "router/wire.h"

#include <pthread.h>
#include <stdatomic.h>

struct backend;
struct fresh;
struct pool;
struct prep;
struct session;
struct router;

/* Counters of one worker. X(name, help); written by the owner with relaxed atomics, read by all. */
#define METER_LIST(X)                                                                          \
    X(clients_total, "connections accepted")                                                   \
    X(logins_total, "clients that logged in")                                                  \
    X(login_failures_total, "clients whose login failed")                                      \
    X(reads_replica_total, "reads served by a replica")                                        \
    X(reads_primary_total, "reads served by the primary")                                      \
    X(writes_total, "units other than reads, served by the primary")                           \
    X(router_answers_total, "units that the router answered itself")                           \
    X(replays_total, "units run again on the primary after a replica's error")                 \
    X(replay_too_late_total, "errors of a replica shown because part of the answer was out")   \
    X(stale_total, "reads that went to the primary because no replica was fresh in time")      \
    X(waits_total, "reads that waited for a replica to apply the session's position")          \
    X(wait_us_total, "time spent in such waits, microseconds")                                 \
    X(asks_total, "questions to the primary for its position")                                 \
    X(nudges_total, "messages committed to move an idle log forward")                          \
    X(moves_total, "read-only transactions moved from a replica to the primary")               \
    X(refusals_total, "transactions refused with 40001 on a replica")                          \
    X(cancels_total, "cancel requests carried out")                                            \
    X(lost_replica_total, "answers cut off by the loss of a replica")                          \
    X(sets_applied_total, "times session settings were applied to a replica's connection")     \
    X(backends_total, "connections opened to servers")                                         \
    X(bytes_to_clients_total, "bytes of answers, those of short reads on a replica left out")

struct meter {
#define X(name, help) _Atomic uint64_t name;
    METER_LIST(X)
#undef X
};
static inline void meter_add(_Atomic uint64_t *m, uint64_t n)
{
    /* one writer: no locked instruction needed */
    atomic_store_explicit(m, atomic_load_explicit(m, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

/* The connection on which a client's cancel request came; worker NULL: it was the router's own. */
struct cancel_from {
    struct worker *worker;
    uint32_t slot, secret;
};

/* What other threads put down for a worker. */
struct letter {
    struct letter *next;
    int fd;                /* an accepted socket, or -1 */
    uint32_t slot, secret; /* a cancel request for the session in that slot */
    bool done;             /* or the word that the one of that slot has been carried out */
    struct cancel_from from;
};

enum { WORKER_TICK_MS = 50, WORKER_SLOTS_MAX = 1 << 20 };

struct worker {
    struct router *router;
    uint32_t index;
    pthread_t thread;
    uv_loop_t loop;
    uv_async_t wake;
    uv_timer_t tick;
    struct wire_set wires;
    pthread_mutex_t mail_lock;
    struct letter *mail, **mail_tail;
    bool shut;        /* nobody opens letters any more; under mail_lock too */
    atomic_uint load; /* sessions, those in the mail included */
    struct meter meter;

    struct session **slots; /* by slot number; NULL free */
    uint32_t slot_count, slot_next;
    struct session *sessions;
    struct backend *backends;
    struct pool *pools;
    struct prep *preps; /* statements known to this worker, by text */
    uint64_t prep_next;
    uint64_t serial; /* of statements, connections */
    struct cache *cache;
    struct catalog *catalog; /* this worker's reference */
    struct fresh *fresh;
    double replay_tokens;
    int64_t replay_us;
    uint32_t closing; /* sessions not yet freed */
    bool stopping;
};

/* The catalogues are read so often; after so long, a reading has begun and ended. */
enum { CATALOG_EVERY_MS = 1000, CATALOG_SEEN_MS = 2 * CATALOG_EVERY_MS + 500 };

/* The whole router: shared, read-only after start but for what has its own lock. */
struct router {
    struct targets targets;
    struct users *users;
    struct catalog_slot *catalog;
    struct worker *workers;
    uint32_t worker_count;
    int64_t started_us;
};

void worker_start(struct worker *w, struct router *r, uint32_t index);
/* worker_stop - ask for the end and wait for the thread. Main thread. */
void worker_stop(struct worker *w);
/* worker_give - an accepted socket. Main thread. */
void worker_give(struct worker *w, int fd);
/* worker_cancel - a cancel request for slot; any thread. */
void worker_cancel(struct worker *w, uint32_t slot, uint32_t secret,
                   const struct cancel_from *from);
/* worker_cancelled - the cancel request of the session in slot was carried out; any thread. */
void worker_cancelled(struct worker *w, uint32_t slot, uint32_t secret);
/* worker_slot_take - a free slot for s, whose number goes into its key; UINT32_MAX when full. */
uint32_t worker_slot_take(struct worker *w, struct session *s);
void worker_slot_free(struct worker *w, uint32_t slot);

#endif
