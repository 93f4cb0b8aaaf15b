/* worker.c - see worker.h. */
#include "router/worker.h"

#include "base/clock.h"
#include "base/daemon.h"
#include "base/log.h"
#include "router/backend.h"
#include "router/catalog.h"
#include "router/fresh.h"
#include "router/pool.h"
#include "router/router_conf.h"
#include "router/session.h"

#include <stdlib.h>
#include <unistd.h>

enum { STACK_BYTES = CLASSIFY_STACK_MIN, SLOTS_FIRST = 256, CACHE_BYTES = 64 << 20 };

static void refresh_catalog(struct worker *w)
{
    struct catalog_slot *slot = w->router->catalog;
    uint64_t have = w->catalog != NULL ? catalog_version(w->catalog) : 0;
    if (catalog_slot_version(slot) != have) {
        struct catalog *neu = catalog_slot_get(slot);
        catalog_unref(w->catalog);
        w->catalog = neu;
    }
}

static void open_letters(struct worker *w)
{
    pthread_mutex_lock(&w->mail_lock);
    struct letter *mail = w->mail;
    w->mail = NULL;
    w->mail_tail = &w->mail;
    pthread_mutex_unlock(&w->mail_lock);
    while (mail != NULL) {
        struct letter *l = mail;
        mail = l->next;
        if (l->fd >= 0) {
            session_new(w, l->fd);
        } else {
            bool known = l->slot < w->slot_count && w->slots[l->slot] != NULL &&
                         w->slots[l->slot]->secret == l->secret;
            if (known && l->done) {
                session_close(w->slots[l->slot]);
            } else if (known) {
                session_cancel(w->slots[l->slot], &l->from);
            } else if (!l->done) {
                cancel_done(w, &l->from);
            }
        }
        free(l);
    }
}

static void begin_stop(struct worker *w)
{
    w->stopping = true;
    while (w->sessions != NULL) {
        session_fatal(w->sessions, "57P01",
                      "terminating connection due to administrator command");
    }
    pool_close_all(w);
    fresh_free(w->fresh);
    while (w->backends != NULL) {
        backend_close(w->backends);
    }
    uv_timer_stop(&w->tick);
    uv_close((uv_handle_t *)&w->tick, NULL);
    pthread_mutex_lock(&w->mail_lock);
    w->shut = true;
    uv_close((uv_handle_t *)&w->wake, NULL);
    pthread_mutex_unlock(&w->mail_lock);
    wire_set_close(&w->wires);
}

static void on_wake(uv_async_t *handle)
{
    struct worker *w = handle->data;
    open_letters(w);
    if (daemon_stopping() && !w->stopping) {
        begin_stop(w);
        return;
    }
    wire_set_flush(&w->wires);
}

static void on_tick(uv_timer_t *timer)
{
    struct worker *w = timer->data;
    int64_t now = clock_mono_us();
    if (daemon_stopping()) {
        begin_stop(w);
        return;
    }
    refresh_catalog(w);
    fresh_tick(w->fresh, now);
    for (struct backend *b = w->backends, *next; b != NULL; b = next) {
        next = b->next;
        backend_tick(b, now);
    }
    for (struct session *s = w->sessions, *next; s != NULL; s = next) {
        next = s->next;
        session_tick(s, now);
    }
    pool_tick(w, now);
    wire_set_flush(&w->wires);
}

static void *run(void *arg)
{
    struct worker *w = arg;
    uv_run(&w->loop, UV_RUN_DEFAULT);
    return NULL;
}

void worker_start(struct worker *w, struct router *r, uint32_t index)
{
    *w = (struct worker){.router = r, .index = index};
    pthread_mutex_init(&w->mail_lock, NULL);
    w->mail_tail = &w->mail;
    ASSERT(uv_loop_init(&w->loop) == 0);
    ASSERT(uv_async_init(&w->loop, &w->wake, on_wake) == 0);
    ASSERT(uv_timer_init(&w->loop, &w->tick) == 0);
    w->wake.data = w;
    w->tick.data = w;
    wire_set_init(&w->wires, &w->loop);
    w->slot_count = SLOTS_FIRST;
    w->slots = def_zalloc(w->slot_count, sizeof *w->slots);
    w->cache = cache_new((size_t)router_conf()->cache_entries, CACHE_BYTES);
    w->fresh = fresh_new(w);
    refresh_catalog(w);
    uv_timer_start(&w->tick, on_tick, WORKER_TICK_MS, WORKER_TICK_MS);
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    ASSERT(pthread_attr_setstacksize(&attr, STACK_BYTES) == 0);
    ASSERT(pthread_create(&w->thread, &attr, run, w) == 0);
    pthread_attr_destroy(&attr);
}

void worker_stop(struct worker *w)
{
    pthread_mutex_lock(&w->mail_lock);
    if (!w->shut) {
        uv_async_send(&w->wake);
    }
    pthread_mutex_unlock(&w->mail_lock);
    pthread_join(w->thread, NULL);
    ASSERT(uv_loop_close(&w->loop) == 0);
    while (w->mail != NULL) {
        struct letter *l = w->mail;
        w->mail = l->next;
        if (l->fd >= 0) {
            close(l->fd);
        }
        free(l);
    }
    cache_free(w->cache);
    catalog_unref(w->catalog);
    free(w->fresh);
    free(w->slots);
    pthread_mutex_destroy(&w->mail_lock);
}

static void post(struct worker *w, struct letter *l)
{
    pthread_mutex_lock(&w->mail_lock);
    l->next = NULL;
    *w->mail_tail = l;
    w->mail_tail = &l->next;
    if (!w->shut) {
        uv_async_send(&w->wake);
    }
    pthread_mutex_unlock(&w->mail_lock);
}

void worker_give(struct worker *w, int fd)
{
    struct letter *l = def_zalloc(1, sizeof *l);
    l->fd = fd;
    atomic_fetch_add(&w->load, 1);
    post(w, l);
}

void worker_cancel(struct worker *w, uint32_t slot, uint32_t secret,
                   const struct cancel_from *from)
{
    struct letter *l = def_zalloc(1, sizeof *l);
    l->fd = -1;
    l->slot = slot;
    l->secret = secret;
    l->from = *from;
    post(w, l);
}

void worker_cancelled(struct worker *w, uint32_t slot, uint32_t secret)
{
    struct letter *l = def_zalloc(1, sizeof *l);
    l->fd = -1;
    l->slot = slot;
    l->secret = secret;
    l->done = true;
    post(w, l);
}

uint32_t worker_slot_take(struct worker *w, struct session *s)
{
    for (uint32_t i = 0; i < w->slot_count; i++) {
        uint32_t at = (w->slot_next + i) % w->slot_count;
        if (w->slots[at] == NULL) {
            w->slots[at] = s;
            w->slot_next = at + 1;
            return at;
        }
    }
    if (w->slot_count >= WORKER_SLOTS_MAX) {
        return UINT32_MAX;
    }
    uint32_t at = w->slot_count;
    w->slots = def_realloc(w->slots, 2 * (size_t)w->slot_count * sizeof *w->slots);
    memset(w->slots + w->slot_count, 0, w->slot_count * sizeof *w->slots);
    w->slot_count *= 2;
    w->slots[at] = s;
    w->slot_next = at + 1;
    return at;
}

void worker_slot_free(struct worker *w, uint32_t slot)
{
    w->slots[slot] = NULL;
}
