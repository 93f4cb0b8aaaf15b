/* own.c - see own.h. */
#include "router/own.h"

#include "base/log.h"
#include "router/router_conf.h"
#include "router/worker.h"

#include <stdio.h>

static void answer(struct own *o)
{
    struct own_query q = o->queue[o->first];
    o->first = (o->first + 1) % OWN_QUEUE_MAX;
    o->count--;
    o->asked_us = clock_mono_us();
    struct own_result r = o->result;
    o->result = (struct own_result){.ok = true};
    q.fn(q.ctx, &r);
}

static void fail_all(struct own *o, const struct err *why)
{
    uint32_t n = o->count;
    while (n-- > 0) {
        o->result = (struct own_result){.ok = false, .why = why};
        answer(o);
    }
    o->result = (struct own_result){.ok = true};
}

static void set_param(struct own *o, struct str name, struct str value)
{
    struct buf fresh = BUF_INIT;
    struct rd r = rd_of(buf_str(&o->params));
    while (rd_left(&r) > 0) {
        struct str n = rd_cstr(&r);
        struct str v = rd_cstr(&r);
        if (!str_eq(n, name)) {
            buf_add(&fresh, n.p, n.n + 1);
            buf_add(&fresh, v.p, v.n + 1);
        }
    }
    buf_addstr(&fresh, name);
    buf_u8(&fresh, 0);
    buf_addstr(&fresh, value);
    buf_u8(&fresh, 0);
    buf_fini(&o->params);
    o->params = fresh;
}

struct str own_param(const struct own *o, const char *name)
{
    struct rd r = rd_of(buf_str(&o->params));
    while (rd_left(&r) > 0) {
        struct str n = rd_cstr(&r);
        struct str v = rd_cstr(&r);
        if (str_eq(n, str_of(name))) {
            return v;
        }
    }
    return STR_NULL;
}

static void on_ready(struct backend *b)
{
    struct own *o = b->user;
    backoff_reset(&o->backoff);
    if (o->said_down) {
        log_info("connected again server=%s purpose=%s worker=%u", o->target->name, o->purpose,
                 o->worker->index);
        o->said_down = false;
    }
    o->up = true;
    if (o->changed != NULL) {
        o->changed(o->ctx, o);
    }
}

static void on_bytes(struct backend *b, const char *p, size_t n)
{
    UNUSED(b);
    UNUSED(p);
    UNUSED(n);
}

/* The first row's values into o->row. */
static void take_row(struct own *o, struct str body)
{
    struct msg_values values;
    struct str v;
    size_t at = 0;
    if (o->result.rows++ > 0 || !msg_values_open(body, &values)) {
        return;
    }
    for (size_t i = 0; i < OWN_COLUMNS_MAX && msg_values_next(&values, &v); i++) {
        if (v.p == NULL || v.n > sizeof o->row - at) {
            continue;
        }
        memcpy(o->row + at, v.p, v.n);
        o->result.values[i] = (struct str){o->row + at, v.n};
        at += v.n;
    }
}

static bool on_message(struct backend *b, const struct msg *m, const struct expect *x)
{
    struct own *o = b->user;
    UNUSED(x);
    if (m->type == 'S') {
        struct rd r = rd_of(m->body);
        struct str name = rd_cstr(&r);
        struct str value = rd_cstr(&r);
        if (!r.bad) {
            set_param(o, name, value);
        }
    } else if (m->type == 'D') {
        take_row(o, m->body);
    } else if (m->type == 'E') {
        o->result.ok = false;
        err_set(&o->error, ERR_SQL, "%.*s", STR_ARG(msg_field(m->body, 'M')));
        o->result.why = &o->error;
    } else if (m->type == 'Z' && o->count > 0) {
        answer(o);
    }
    return true;
}

static void on_drained(struct backend *b)
{
    UNUSED(b);
}

static void down(struct own *o, const struct err *why)
{
    o->backend = NULL;
    o->retry_us = clock_mono_us() + backoff_next_ms(&o->backoff) * 1000;
    bool was_up = o->up;
    o->up = false;
    if (!o->said_down) {
        log_warn("connection lost server=%s purpose=%s worker=%u reason=\"%s\"",
                 o->target->name, o->purpose, o->worker->index, why->text);
        o->said_down = true;
    }
    fail_all(o, why);
    if (o->changed != NULL && was_up) {
        o->changed(o->ctx, o);
    }
}

static void on_lost(struct backend *b, const struct err *why)
{
    down(b->user, why);
}

static const struct backend_ops own_ops = {on_ready, on_bytes, on_message, on_drained, on_lost};

static void try_open(struct own *o)
{
    struct backend_login login = {.password = o->target->own_password};
    char params[64];
    int n =
        snprintf(params, sizeof params, "application_name%cparkway router %s", 0, o->purpose);
    struct err e = ERR_INIT;
    snprintf(login.user, sizeof login.user, "%s", o->target->own_user);
    snprintf(login.dbname, sizeof login.dbname, "%s", o->target->dbname);
    login.params = params;
    login.params_len = (size_t)n + 1;
    if (backend_open(&o->backend, o->worker, o->target, &login, &own_ops, o, &e) != 0) {
        down(o, &e);
    }
}

void own_start(struct own *o, struct worker *w, struct target *t, const char *purpose,
               void (*changed)(void *ctx, struct own *o), void *ctx)
{
    *o = (struct own){.worker = w,
                      .target = t,
                      .purpose = purpose,
                      .changed = changed,
                      .ctx = ctx,
                      .result = {.ok = true}};
    try_open(o);
}

void own_stop(struct own *o)
{
    struct err e = ERR_INIT;
    err_set(&e, ERR_CLOSED, "shutting down");
    o->retry_us = INT64_MAX;
    if (o->backend != NULL) {
        backend_close(o->backend);
        o->backend = NULL;
    }
    o->up = false;
    fail_all(o, &e);
    buf_fini(&o->params);
}

bool own_ask(struct own *o, const char *text, own_fn *fn, void *ctx)
{
    if (!o->up || o->count == OWN_QUEUE_MAX) {
        return false;
    }
    o->queue[(o->first + o->count) % OWN_QUEUE_MAX] = (struct own_query){text, fn, ctx};
    if (o->count++ == 0) {
        o->asked_us = clock_mono_us();
    }
    backend_query(o->backend, str_of(text), false, 0);
    return true;
}

void own_tick(struct own *o, int64_t now_us)
{
    if (o->backend == NULL && now_us >= o->retry_us) {
        try_open(o);
    } else if (o->up && o->count > 0 &&
               now_us - o->asked_us > router_conf()->connect_ms * 1000) {
        struct err e = ERR_INIT;
        err_set(&e, ERR_TIMEOUT, "no answer for %d ms", (int)router_conf()->connect_ms);
        backend_close(o->backend);
        down(o, &e);
    }
}
