/* pool.h - a worker's connections to replicas, shared by the sessions of one user.
 *
 * A pool is one (replica, user, startup parameters): connections made with the same parameters
 * start from the same settings, so that only what a session SETs later has to be applied and taken
 * back around a use. All pools of a worker together hold at most router.replica_connections
 * connections to one replica; a session that finds none free waits in line, and an idle connection
 * of another pool is closed to make room.
 *
 * A connection comes back clean or not at all: outstanding answers are drained unseen, an open
 * transaction is rolled back, settings are reset, and while a cancel request for it is under way
 * nobody else gets it (it could hit the next user's statement). Thread: the worker's. */
#ifndef PARKWAY_ROUTER_POOL_H
#define PARKWAY_ROUTER_POOL_H

#include "router/backend.h"

enum { POOL_IDLE_US = 60 * 1000000, POOL_REFUSED_US = 5 * 1000000 };

struct pool;

/* A session's place in line; embedded. b NULL: no connection can be had, why tells. */
struct pool_wait {
    struct pool *pool; /* NULL: not waiting */
    struct pool_wait *next;
    void (*wake)(struct pool_wait *x, struct backend *b, const struct err *why);
};

/* pool_of - the pool for a login, made when there is none; it stays until pool_unref, and as long as
 * it has connections. */
struct pool *pool_of(struct worker *w, struct target *t, const struct backend_login *login);
void pool_unref(struct pool *p); /* NULL is fine */
/* pool_login_ok - false while the replica refuses this user. */
bool pool_login_ok(const struct pool *p);
uint32_t pool_outstanding(const struct worker *w, const struct target *t);
/* pool_take - a free connection now, or NULL: then x waits, and x->wake follows later. The taker
 * sets ops and user. */
struct backend *pool_take(struct pool *p, struct pool_wait *x);
void pool_leave(struct pool_wait *x); /* harmless when not waiting */
/* pool_put - the session is done with b, whatever state it is in. */
void pool_put(struct backend *b);
/* pool_gone - b, in use, was lost. */
void pool_gone(struct backend *b);
/* pool_cancelled - one cancel request for b has been carried out. */
void pool_cancelled(struct backend *b);
void pool_tick(struct worker *w, int64_t now_us);
void pool_close_all(struct worker *w);

struct pool_counts {
    const char *user;
    const struct target *target;
    uint32_t idle, used, opening, waiting;
};
struct pool *pool_next(struct worker *w, struct pool *after, struct pool_counts *out);

#endif
