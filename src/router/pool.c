/* pool.c - see pool.h. */
#include "router/pool.h"

#include "base/clock.h"
#include "base/log.h"
#include "router/fresh.h"
#include "router/router_conf.h"
#include "router/worker.h"

#include <stdio.h>
#include <stdlib.h>

struct pool {
    struct worker *worker;
    struct target *target;
    struct backend_login login;
    char *params;
    struct backend *idle; /* through pool_next, the last used first */
    uint32_t refs;        /* sessions that know it */
    uint32_t idle_count, used, opening;
    struct pool_wait *first, **last;
    uint32_t waiting;
    int64_t refused_until_us;
    bool said_refused;
    struct pool *next;
};

static const struct backend_ops pool_ops;

static bool same(const struct pool *p, const struct target *t, const struct backend_login *l)
{
    return p->target == t && strcmp(p->login.user, l->user) == 0 &&
           p->login.params_len == l->params_len &&
           (l->params_len == 0 || memcmp(p->params, l->params, l->params_len) == 0);
}

struct pool *pool_of(struct worker *w, struct target *t, const struct backend_login *login)
{
    struct pool *p = w->pools;
    while (p != NULL && !same(p, t, login)) {
        p = p->next;
    }
    if (p == NULL) {
        p = def_zalloc(1, sizeof *p);
        p->worker = w;
        p->target = t;
        p->login = *login;
        p->params = def_alloc(login->params_len);
        if (login->params_len > 0) {
            memcpy(p->params, login->params, login->params_len);
        }
        p->login.params = p->params;
        p->last = &p->first;
        p->next = w->pools;
        w->pools = p;
    } else if (memcmp(p->login.verifier.stored_key, login->verifier.stored_key, SCRAM_KEY) !=
               0) {
        /* the user has a new password */
        p->login.verifier = login->verifier;
        memcpy(p->login.client_key, login->client_key, SCRAM_KEY);
        p->refused_until_us = 0;
    }
    p->refs++;
    return p;
}

void pool_unref(struct pool *p)
{
    if (p != NULL) {
        p->refs--;
    }
}

bool pool_login_ok(const struct pool *p)
{
    return p->refused_until_us == 0 || clock_mono_us() > p->refused_until_us;
}

static uint32_t total(const struct worker *w, const struct target *t, bool used_only)
{
    uint32_t n = 0;
    for (const struct pool *p = w->pools; p != NULL; p = p->next) {
        if (p->target == t) {
            n += p->used + (used_only ? p->waiting : p->opening + p->idle_count);
        }
    }
    return n;
}

uint32_t pool_outstanding(const struct worker *w, const struct target *t)
{
    return total(w, t, true);
}

/* Closes the idle connection of any pool of this replica that was used longest ago. */
static bool evict(struct worker *w, const struct target *t)
{
    struct backend **oldest = NULL;
    struct pool *owner = NULL;
    for (struct pool *p = w->pools; p != NULL; p = p->next) {
        for (struct backend **at = &p->idle; p->target == t && *at != NULL;
             at = &(*at)->pool_next) {
            if (oldest == NULL || (*at)->used_us < (*oldest)->used_us) {
                oldest = at;
                owner = p;
            }
        }
    }
    if (oldest == NULL) {
        return false;
    }
    struct backend *b = *oldest;
    *oldest = b->pool_next;
    owner->idle_count--;
    backend_close(b);
    return true;
}

static struct pool_wait *shift(struct pool *p)
{
    struct pool_wait *x = p->first;
    p->first = x->next;
    if (p->first == NULL) {
        p->last = &p->first;
    }
    p->waiting--;
    x->pool = NULL;
    return x;
}

void pool_leave(struct pool_wait *x)
{
    struct pool *p = x->pool;
    if (p == NULL) {
        return;
    }
    struct pool_wait **at = &p->first;
    while (*at != x) {
        at = &(*at)->next;
    }
    *at = x->next;
    if (p->last == &x->next) {
        p->last = at;
    }
    p->waiting--;
    x->pool = NULL;
}

static void refuse_all(struct pool *p, const struct err *why)
{
    for (uint32_t n = p->waiting; n > 0 && p->first != NULL; n--) {
        struct pool_wait *x = shift(p);
        x->wake(x, NULL, why);
    }
}

/* Opens one more connection if somebody waits who has none on the way. */
static void grow(struct pool *p)
{
    struct worker *w = p->worker;
    if (p->waiting <= p->opening || w->stopping) {
        return;
    }
    if (total(w, p->target, false) >= (uint32_t)router_conf()->replica_connections &&
        !evict(w, p->target)) {
        return;
    }
    struct backend *b;
    struct err e = ERR_INIT;
    if (backend_open(&b, w, p->target, &p->login, &pool_ops, NULL, &e) != 0) {
        fresh_eject(w->fresh, p->target->index, e.text);
        refuse_all(p, &e);
        return;
    }
    b->pool = p;
    p->opening++;
    meter_add(&w->meter.backends_total, 1);
}

struct backend *pool_take(struct pool *p, struct pool_wait *x)
{
    if (p->idle != NULL) {
        struct backend *b = p->idle;
        p->idle = b->pool_next;
        b->pool_next = NULL;
        p->idle_count--;
        p->used++;
        return b;
    }
    x->pool = p;
    x->next = NULL;
    *p->last = x;
    p->last = &x->next;
    p->waiting++;
    grow(p);
    return NULL;
}

/* b is clean: to the next in line, or to the idle ones. */
static void offer(struct backend *b)
{
    struct pool *p = b->pool;
    if (p->first != NULL) {
        struct pool_wait *x = shift(p);
        p->used++;
        x->wake(x, b, NULL);
        return;
    }
    b->used_us = clock_mono_us();
    b->pool_next = p->idle;
    p->idle = b;
    p->idle_count++;
    for (struct pool *other = p->worker->pools; other != NULL; other = other->next) {
        if (other->target == p->target && other->waiting > other->opening) {
            grow(other);
            return;
        }
    }
}

/* Brings a returned connection to rest; true when it is. */
static bool settle(struct backend *b)
{
    if (b->ring_len > 0 || b->stream_left > 0 || b->cancels > 0) {
        return false;
    }
    if (b->tx != 'I') {
        backend_query(b, STR("ROLLBACK"), false, 0);
        return false;
    }
    if (b->called) {
        b->called = b->dirty = false;
        backend_query(b, STR("RESET ROLE; RESET ALL"), false, 0);
        return false;
    }
    if (b->dirty) {
        b->dirty = false;
        backend_query(b, STR("RESET ALL"), false, 0);
        return false;
    }
    return true;
}

void pool_put(struct backend *b)
{
    if (b->state == BACKEND_CLOSED) {
        return;
    }
    b->ops = &pool_ops;
    b->user = NULL;
    backend_hide(b);
    if (b->open || b->skipping) {
        backend_sync(b, false, 0); /* given back in the middle of a unit: its end */
    }
    if (b->wire.paused) {
        backend_resume(b);
        if (b->state == BACKEND_CLOSED) {
            return;
        }
    }
    if (settle(b)) {
        b->pool->used--;
        offer(b);
    }
}

static void on_ready(struct backend *b)
{
    struct pool *p = b->pool;
    p->opening--;
    b->used_us = clock_mono_us();
    p->said_refused = false;
    p->refused_until_us = 0;
    offer(b);
}

static void on_bytes(struct backend *b, const char *p, size_t n)
{
    UNUSED(b);
    UNUSED(p);
    UNUSED(n);
}

static bool is_idle(const struct pool *p, const struct backend *b)
{
    for (const struct backend *at = p->idle; at != NULL; at = at->pool_next) {
        if (at == b) {
            return true;
        }
    }
    return false;
}

static bool on_message(struct backend *b, const struct msg *m, const struct expect *x)
{
    if (m->type == 'Z' && x != NULL && settle(b)) {
        b->pool->used--;
        offer(b);
    }
    return true;
}

void pool_cancelled(struct backend *b)
{
    if (b->state != BACKEND_CLOSED && b->ops == &pool_ops && settle(b)) {
        b->pool->used--;
        offer(b);
    }
}

static void on_drained(struct backend *b)
{
    UNUSED(b);
}

/* The replica is well and refuses this login: the password, the rights, or what the client's startup
 * packet asks for. Only what tells of the server itself may eject it for everybody. */
static bool about_login(const struct backend *b, const struct err *why)
{
    static const char *const of_server[] = {"08", "53", "57", "58", "XX"};
    if (b->mismatch || why->code == ERR_AUTH) {
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(of_server); i++) {
        if (strncmp(why->sqlstate, of_server[i], 2) == 0) {
            return false;
        }
    }
    return why->sqlstate[0] != '\0';
}

static void on_lost(struct backend *b, const struct err *why)
{
    struct pool *p = b->pool;
    if (b->used_us == 0) {
        p->opening--;
        if (about_login(b, why)) {
            p->refused_until_us = clock_mono_us() + POOL_REFUSED_US;
            if (!p->said_refused) {
                log_warn("replica refuses the user's login, reads go to the primary replica=%s "
                         "user=%s reason=\"%s\" hint=\"parkway migrate copies the verifiers\"",
                         p->target->name, p->login.user, why->text);
                p->said_refused = true;
            }
        } else {
            fresh_eject(p->worker->fresh, p->target->index, why->text);
        }
        refuse_all(p, why);
        return;
    }
    if (is_idle(p, b)) {
        struct backend **at = &p->idle;
        while (*at != b) {
            at = &(*at)->pool_next;
        }
        *at = b->pool_next;
        p->idle_count--;
    } else {
        p->used--;
    }
    grow(p);
}

static const struct backend_ops pool_ops = {on_ready, on_bytes, on_message, on_drained,
                                            on_lost};

void pool_gone(struct backend *b)
{
    b->pool->used--;
    grow(b->pool);
}

static void drop(struct pool *p)
{
    explicit_bzero(p->login.client_key, sizeof p->login.client_key);
    free(p->params);
    free(p);
}

void pool_tick(struct worker *w, int64_t now_us)
{
    for (struct pool **link = &w->pools, *p; (p = *link) != NULL;) {
        struct backend **at = &p->idle;
        while (*at != NULL) {
            struct backend *b = *at;
            if (now_us - b->used_us > POOL_IDLE_US) {
                *at = b->pool_next;
                p->idle_count--;
                backend_close(b);
            } else {
                at = &b->pool_next;
            }
        }
        /* there are as many pools as startup packets differ, in a name with a number perhaps */
        if (p->refs + p->idle_count + p->used + p->opening + p->waiting == 0 &&
            now_us - p->refused_until_us > POOL_IDLE_US) {
            *link = p->next;
            drop(p);
        } else {
            link = &p->next;
        }
    }
}

void pool_close_all(struct worker *w)
{
    while (w->pools != NULL) {
        struct pool *p = w->pools;
        w->pools = p->next;
        while (p->idle != NULL) {
            struct backend *b = p->idle;
            p->idle = b->pool_next;
            backend_close(b);
        }
        drop(p);
    }
}

struct pool *pool_next(struct worker *w, struct pool *after, struct pool_counts *out)
{
    struct pool *p = after == NULL ? w->pools : after->next;
    if (p != NULL) {
        *out = (struct pool_counts){p->login.user, p->target,  p->idle_count,
                                    p->used,       p->opening, p->waiting};
    }
    return p;
}
