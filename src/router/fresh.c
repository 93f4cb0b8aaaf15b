/* fresh.c - see fresh.h. */
#include "router/fresh.h"

#include "base/clock.h"
#include "base/log.h"
#include "router/own.h"
#include "router/router_conf.h"
#include "router/worker.h"

#include <stdio.h>
#include <stdlib.h>

enum { PAGE = 8192, SHORT_HEADER = 24, LONG_HEADER = 40 };

struct watch {
    struct fresh *fresh;
    struct own own;
    struct fresh_replica seen;
    bool asking;
    int64_t asked_us;
    struct backoff eject;
    char query[256];
};

struct fresh {
    struct worker *worker;
    struct own primary; /* questions */
    struct own nudger;
    uint64_t segment_bytes;
    struct epoch epoch;
    bool ready; /* epoch and segment size are known since the last connect */
    bool asking, nudging;
    int64_t asked_us, seen_us;
    struct fresh_wait *queued, *flying, *waiters;
    struct watch watches[TARGET_MAX];
    uint32_t count; /* targets */
    uv_timer_t poll;
    bool polling;
};

uint64_t fresh_settle(uint64_t lsn, uint64_t segment_bytes)
{
    uint64_t in_page = lsn % PAGE;
    bool first = segment_bytes != 0 && lsn % segment_bytes == in_page;
    return in_page == (first ? LONG_HEADER : SHORT_HEADER) ? lsn - in_page : lsn;
}

bool fresh_covers(struct position applied, struct position need)
{
    if (need.lsn == 0) {
        return true;
    }
    return applied.epoch.timeline != 0 && epoch_eq(applied.epoch, need.epoch) &&
           applied.lsn >= need.lsn;
}

/* ---- lists ---- */

static void join(struct fresh_wait **list, struct fresh_wait *x)
{
    ASSERT(x->list == NULL);
    x->list = list;
    x->prev = NULL;
    x->next = *list;
    if (x->next != NULL) {
        x->next->prev = x;
    }
    *list = x;
}

void fresh_leave(struct fresh_wait *x)
{
    if (x->list == NULL) {
        return;
    }
    if (x->prev != NULL) {
        x->prev->next = x->next;
    } else {
        *x->list = x->next;
    }
    if (x->next != NULL) {
        x->next->prev = x->prev;
    }
    x->list = NULL;
}

/* Wakes all of a list; those that join it again meanwhile stay. */
static void wake_all(struct fresh_wait **list)
{
    struct fresh_wait *mine = NULL;
    while (*list != NULL) {
        struct fresh_wait *x = *list;
        fresh_leave(x);
        join(&mine, x);
    }
    while (mine != NULL) {
        struct fresh_wait *x = mine;
        fresh_leave(x);
        x->wake(x);
    }
}

/* ---- the primary ---- */

static void send_question(struct fresh *f);

static void on_position(void *ctx, const struct own_result *r)
{
    struct fresh *f = ctx;
    struct position p = {.epoch = f->epoch};
    f->asking = false;
    bool ok = r->ok && r->rows == 1 && f->ready && lsn_parse(r->values[0], &p.lsn);
    p.lsn = fresh_settle(p.lsn, f->segment_bytes);
    for (struct fresh_wait *x = f->flying; x != NULL; x = x->next) {
        x->answered = ok;
        x->answer = p;
    }
    wake_all(&f->flying);
    send_question(f);
}

static void send_question(struct fresh *f)
{
    if (f->asking || f->queued == NULL) {
        return;
    }
    if (!f->ready || !own_ask(&f->primary, "select pg_catalog.pg_current_wal_insert_lsn()",
                              on_position, f)) {
        for (struct fresh_wait *x = f->queued; x != NULL; x = x->next) {
            x->answered = false;
        }
        wake_all(&f->queued);
        return;
    }
    f->asking = true;
    f->asked_us = clock_mono_us();
    meter_add(&f->worker->meter.asks_total, 1);
    while (f->queued != NULL) {
        struct fresh_wait *x = f->queued;
        fresh_leave(x);
        join(&f->flying, x);
    }
}

void fresh_ask(struct fresh *f, struct fresh_wait *x)
{
    x->since_us = clock_mono_us();
    join(&f->queued, x);
    /* sent at once when the line is free; a refusal wakes from the tick, not from here */
    if (f->ready && !f->asking) {
        send_question(f);
    }
}

static void on_epoch(void *ctx, const struct own_result *r)
{
    struct fresh *f = ctx;
    uint64_t system = 0, segment = 0;
    uint32_t timeline = 0;
    if (!r->ok || r->rows != 1) {
        log_warn("could not read the primary's epoch: %s", r->ok ? "no row" : r->why->text);
        return;
    }
    char text[OWN_ROW_MAX];
    snprintf(text, sizeof text, "%.*s", STR_ARG(r->values[0]));
    system = strtoull(text, NULL, 10);
    /* the timeline is what the name of the WAL file that is being written begins with */
    snprintf(text, sizeof text, "%.8s", r->values[1].n >= 8 ? r->values[1].p : "00000000");
    timeline = (uint32_t)strtoul(text, NULL, 16);
    snprintf(text, sizeof text, "%.*s", STR_ARG(r->values[2]));
    segment = strtoull(text, NULL, 10);
    struct epoch e = {system, timeline};
    char name[POSITION_TEXT_MAX];
    if (f->epoch.timeline != 0 && !epoch_eq(f->epoch, e)) {
        epoch_text(e, name);
        log_warn("the primary's epoch changed epoch=%s", name);
    }
    f->epoch = e;
    f->segment_bytes = segment;
    f->ready = true;
    send_question(f);
    wake_all(&f->waiters);
}

static const char epoch_query[] =
    "select system_identifier, "
    "pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), "
    "pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_segment_size')) "
    "from pg_catalog.pg_control_system()";

static void on_primary(void *ctx, struct own *o)
{
    struct fresh *f = ctx;
    f->ready = false;
    if (o->up) {
        own_ask(o, epoch_query, on_epoch, f);
    } else {
        wake_all(&f->waiters); /* they decide again, knowing that the primary is gone */
    }
}

/* ---- replicas ---- */

static void moved(struct fresh *f)
{
    wake_all(&f->waiters);
}

static void on_cursor(void *ctx, const struct own_result *r)
{
    struct watch *w = ctx;
    struct fresh_replica *s = &w->seen;
    bool was_up = s->up;
    struct position before = s->applied;
    struct position p = {0};
    w->asking = false;
    s->seen_us = clock_mono_us();
    if (!r->ok || r->rows == 0) {
        s->up = false;
        snprintf(s->state, sizeof s->state, "%s", r->ok ? "no cursor" : "down");
    } else {
        snprintf(s->state, sizeof s->state, "%.*s", STR_ARG(r->values[2]));
        bool known = lsn_parse(r->values[1], &p.lsn);
        if (w->own.target->kind == TARGET_IS_STANDBY) {
            p.epoch = w->fresh->epoch;
        } else {
            known = epoch_parse(r->values[0], &p.epoch) && known;
        }
        if (before.epoch.timeline != 0 && known &&
            (!epoch_eq(before.epoch, p.epoch) || p.lsn < before.lsn)) {
            s->returns++;
            log_warn("replica went back name=%s worker=%u", w->own.target->name,
                     w->own.worker->index);
        }
        s->running = strcmp(s->state, "running") == 0;
        s->up = s->running && known;
        s->applied = p;
    }
    if (s->up != was_up) {
        log_info("replica %s name=%s worker=%u state=\"%s\"",
                 s->up ? "in service" : "out of service", w->own.target->name,
                 w->own.worker->index, s->state);
    }
    if (s->up != was_up || before.lsn != s->applied.lsn ||
        !epoch_eq(before.epoch, s->applied.epoch)) {
        moved(w->fresh);
    }
}

static void look(struct watch *w, int64_t now_us)
{
    if (!w->asking && w->own.up && own_ask(&w->own, w->query, on_cursor, w)) {
        w->asking = true;
        w->asked_us = now_us;
    }
}

static void on_replica(void *ctx, struct own *o)
{
    struct watch *w = ctx;
    w->asking = false;
    if (o->up) {
        backoff_reset(&w->eject);
        w->seen.returns++; /* what it had before is not known to be there still */
        w->seen.ejected_until_us = 0;
        look(w, clock_mono_us());
    } else {
        if (w->seen.up) {
            log_info("replica out of service name=%s worker=%u state=down", o->target->name,
                     o->worker->index);
        }
        w->seen.up = false;
        snprintf(w->seen.state, sizeof w->seen.state, "down");
        moved(w->fresh);
    }
}

void fresh_eject(struct fresh *f, uint32_t target, const char *why)
{
    struct watch *w = &f->watches[target];
    int64_t now = clock_mono_us();
    if (w->seen.ejected_until_us > now) {
        return;
    }
    int64_t ms = backoff_next_ms(&w->eject);
    w->seen.failures++;
    w->seen.ejected_until_us = now + ms * 1000;
    log_warn("replica ejected name=%s worker=%u ms=%d reason=\"%s\"", w->own.target->name,
             f->worker->index, (int)ms, why);
}

/* ---- waiting for a replica ---- */

static void on_nudged(void *ctx, const struct own_result *r)
{
    struct fresh *f = ctx;
    f->nudging = false;
    for (struct fresh_wait *x = f->waiters; x != NULL && !r->ok; x = x->next) {
        x->nudged = false;
    }
}

/* Somebody has waited long enough that the log seems idle: the position may lie behind the last
 * commit (another session's open transaction wrote there), where no replica's cursor ever stands.
 * One nudge serves everybody who waits now, for it is committed behind all their positions; more of
 * them would only be further work for a replica that is late already. */
static void nudge(struct fresh *f, int64_t now)
{
    bool wanted = false;
    for (const struct fresh_wait *x = f->waiters; x != NULL && !wanted; x = x->next) {
        wanted = !x->nudged && now - x->since_us > FRESH_NUDGE_US;
    }
    if (wanted && !f->nudging &&
        own_ask(&f->nudger,
                "select pg_catalog.pg_logical_emit_message(true, 'parkway.nudge', '')",
                on_nudged, f)) {
        f->nudging = true;
        for (struct fresh_wait *x = f->waiters; x != NULL; x = x->next) {
            x->nudged = true;
        }
        meter_add(&f->worker->meter.nudges_total, 1);
    }
}

static void on_poll(uv_timer_t *timer)
{
    struct fresh *f = timer->data;
    int64_t now = clock_mono_us();
    for (struct fresh_wait *x = f->waiters, *next; x != NULL; x = next) {
        next = x->next;
        if (now >= x->deadline_us) {
            fresh_leave(x);
            x->wake(x);
            next = f->waiters; /* the list may have changed: begin again */
        }
    }
    if (f->waiters == NULL) {
        uv_timer_stop(timer);
        f->polling = false;
        return;
    }
    for (uint32_t i = 1; i < f->count; i++) {
        look(&f->watches[i], now);
    }
    nudge(f, now);
    wire_set_flush(&f->worker->wires);
}

void fresh_await(struct fresh *f, struct fresh_wait *x)
{
    int64_t now = clock_mono_us();
    x->since_us = now;
    join(&f->waiters, x);
    for (uint32_t i = 1; i < f->count; i++) {
        look(&f->watches[i], now);
    }
    if (!f->polling) {
        f->polling = true;
        uv_timer_start(&f->poll, on_poll, FRESH_POLL_MS, FRESH_POLL_MS);
    }
}

/* ---- life ---- */

struct fresh *fresh_new(struct worker *w)
{
    struct fresh *f = def_zalloc(1, sizeof *f);
    struct targets *t = &w->router->targets;
    f->worker = w;
    f->count = t->count;
    uv_timer_init(&w->loop, &f->poll);
    f->poll.data = f;
    own_start(&f->primary, w, &t->list[TARGET_PRIMARY], "position", on_primary, f);
    own_start(&f->nudger, w, &t->list[TARGET_PRIMARY], "nudge", NULL, NULL);
    for (uint32_t i = 1; i < f->count; i++) {
        struct watch *one = &f->watches[i];
        struct target *target = &t->list[i];
        one->fresh = f;
        if (target->kind == TARGET_IS_STANDBY) {
            snprintf(one->query, sizeof one->query,
                     "select null, pg_catalog.pg_last_wal_replay_lsn(), 'running'");
        } else {
            snprintf(one->query, sizeof one->query,
                     "select epoch, lsn, state from parkway.cursor where consumer = '%s'",
                     target->consumer);
        }
        own_start(&one->own, w, target, "watch", on_replica, one);
    }
    return f;
}

void fresh_free(struct fresh *f)
{
    uv_close((uv_handle_t *)&f->poll, NULL);
    own_stop(&f->primary);
    own_stop(&f->nudger);
    for (uint32_t i = 1; i < f->count; i++) {
        own_stop(&f->watches[i].own);
    }
}

void fresh_tick(struct fresh *f, int64_t now_us)
{
    int64_t every = router_conf()->health_ms * 1000;
    own_tick(&f->primary, now_us);
    own_tick(&f->nudger, now_us);
    if (f->queued != NULL && !f->asking) {
        send_question(f); /* the primary is away: they are told so */
    }
    if (f->ready && f->primary.count == 0 && now_us - f->seen_us > every) {
        f->seen_us = now_us; /* alive, and still in the same epoch? */
        own_ask(&f->primary, epoch_query, on_epoch, f);
    }
    for (uint32_t i = 1; i < f->count; i++) {
        struct watch *w = &f->watches[i];
        own_tick(&w->own, now_us);
        if (now_us - w->asked_us > every) {
            look(w, now_us);
        }
    }
}

bool fresh_primary_up(const struct fresh *f)
{
    return f->ready;
}

struct epoch fresh_epoch(const struct fresh *f)
{
    return f->epoch;
}

const struct fresh_replica *fresh_replica(const struct fresh *f, uint32_t target)
{
    return &f->watches[target].seen;
}

struct str fresh_param(const struct fresh *f, const char *name)
{
    struct str v = own_param(&f->primary, name);
    for (uint32_t i = 1; i < f->count && v.p == NULL; i++) {
        v = own_param(&f->watches[i].own, name);
    }
    return v;
}
