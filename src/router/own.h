/* own.h - a worker's own connection to a server, under Parkway's login: it stays open, reconnects
 * with backoff, and runs short queries of the router's one after the other.
 *
 * Used for what serves nobody in particular: the primary's position, the replicas' cursors, nudges.
 * Thread: the worker's. */
#ifndef PARKWAY_ROUTER_OWN_H
#define PARKWAY_ROUTER_OWN_H

#include "base/clock.h"
#include "router/backend.h"

enum { OWN_COLUMNS_MAX = 4, OWN_QUEUE_MAX = 16, OWN_ROW_MAX = 512 };

/* The first row of an answer, or why there is none. Borrowed during the call. */
struct own_result {
    bool ok;
    uint32_t rows;
    struct str values[OWN_COLUMNS_MAX];
    const struct err *why;
};
typedef void own_fn(void *ctx, const struct own_result *r);

struct own_query {
    const char *text; /* static */
    own_fn *fn;
    void *ctx;
};

struct own {
    struct worker *worker;
    struct target *target;
    const char *purpose;
    struct backend *backend; /* NULL while waiting for the next try */
    bool up;
    bool said_down;
    int64_t asked_us; /* since when the present query is unanswered */
    struct backoff backoff;
    int64_t retry_us;
    struct own_query queue[OWN_QUEUE_MAX];
    uint32_t first, count;
    char row[OWN_ROW_MAX];
    struct own_result result;
    struct err error;
    void (*changed)(void *ctx, struct own *o); /* went up or down; may be NULL */
    void *ctx;
    /* parameters the server reported: name NUL value NUL … */
    struct buf params;
};

void own_start(struct own *o, struct worker *w, struct target *t, const char *purpose,
               void (*changed)(void *ctx, struct own *o), void *ctx);
void own_stop(struct own *o);
/* own_ask - queue a query; text must be static. False: the connection is down, or the queue full;
 * fn is then not called. Otherwise fn is called once. */
bool own_ask(struct own *o, const char *text, own_fn *fn, void *ctx);
/* own_tick - connect again when it is time; give up a server that has not answered for
 * router.connect_ms. */
void own_tick(struct own *o, int64_t now_us);
/* own_param - a parameter the server reported last, or {NULL,0}. */
struct str own_param(const struct own *o, const char *name);

#endif
