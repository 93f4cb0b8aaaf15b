/* fresh.h - what this worker knows about positions: the primary's, asked for when somebody needs
 * it, and how far each replica has applied.
 *
 * A session that was served by the primary is dirty: it does not know which position holds its
 * writes. When it next reads, fresh_ask puts it on a list; one question at a time goes to the
 * primary, and its answer serves every session that was on the list before the question left. The
 * answer is pg_current_wal_insert_lsn(), which is at or behind every commit the session has seen,
 * taken back to the start of the page when it stands just behind a page header (a record that ends
 * at the page's edge has the edge as its end, fresh_settle). A session that waits for a replica is
 * on a second list, looked at whenever a replica is seen to have moved. While somebody waits, the
 * replicas are asked every millisecond; else only for health.
 *
 * Pure part: fresh_settle, fresh_covers. The rest: the worker's thread. */
#ifndef PARKWAY_ROUTER_FRESH_H
#define PARKWAY_ROUTER_FRESH_H

#include "event/position.h"
#include "router/target.h"

struct worker;
struct fresh;

enum { FRESH_POLL_MS = 1, FRESH_NUDGE_US = 2000 };

/* A waiter embeds this. wake is called once, from the loop or from within fresh_*; never before
 * the call that queued it has returned. */
struct fresh_wait {
    struct fresh_wait *prev, *next;
    struct fresh_wait **list; /* NULL: not waiting */
    void (*wake)(struct fresh_wait *f);
    int64_t since_us, deadline_us;
    bool
        nudged; /* a nudge was sent for it; the caller clears it when it waits for a new position */
    /* out, of fresh_ask */
    bool answered; /* false: the primary could not be asked */
    struct position answer;
};

struct fresh_replica {
    bool up; /* answers, and its cursor row says running */
    bool running;
    struct position applied; /* epoch {0,0}: not known */
    uint32_t
        returns; /* times it may have gone back, or was seen to: crashed, restored, rebuilt */
    int64_t seen_us;
    uint32_t failures; /* logins or queries of sessions that failed since */
    int64_t ejected_until_us;
    char state[24];
};

struct fresh *fresh_new(struct worker *w);
void fresh_free(struct fresh *f);
void fresh_tick(struct fresh *f, int64_t now_us);
/* fresh_ask - have the primary's position asked for. */
void fresh_ask(struct fresh *f, struct fresh_wait *x);
/* fresh_await - be woken when a replica has moved, or at x->deadline_us. */
void fresh_await(struct fresh *f, struct fresh_wait *x);
void fresh_leave(struct fresh_wait *x); /* harmless when not waiting */

bool fresh_primary_up(const struct fresh *f);
/* fresh_epoch - of the primary as last seen; {0,0} when never. */
struct epoch fresh_epoch(const struct fresh *f);
/* fresh_replica - by target index (1…). */
const struct fresh_replica *fresh_replica(const struct fresh *f, uint32_t target);
/* fresh_eject - a session could not use this replica: leave it alone for a while. */
void fresh_eject(struct fresh *f, uint32_t target, const char *why);
/* fresh_param - a parameter of the primary (or of a replica while it never answered). */
struct str fresh_param(const struct fresh *f, const char *name);

/* fresh_settle - the insert position as the end of the last record before it. */
uint64_t fresh_settle(uint64_t lsn, uint64_t segment_bytes);
/* fresh_covers - has a replica at `applied` everything up to `need`? need with epoch {0,0} and LSN
 * 0 is covered by everything; another epoch by nothing. */
bool fresh_covers(struct position applied, struct position need);

#endif
