/* cancel.c - asking a server to stop what one of its connections runs.
 *
 * The protocol's CancelRequest travels on a connection of its own and is answered by closing it.
 * Until then nothing else may run on the connection it aims at, neither another session's statement
 * nor the next of the same: `cancels` counts. A server that does not close it in time is not waited
 * for. The client's own cancel connection is closed when the request has been carried out. */
#include "router/session.h"

#include <stdlib.h>

enum { SHOT_MS = 5000 };

struct shot {
    struct wire wire;
    uv_timer_t timer;
    struct backend *aim;
    uint32_t pid, secret;
    struct worker *worker;
    struct cancel_from from;
};

/* The backend may have been lost meanwhile; it is looked up among the worker's, never trusted. */
static struct backend *find(const struct shot *t)
{
    struct backend *b = t->worker->backends;
    while (b != NULL && (b != t->aim || b->pid != t->pid || b->secret != t->secret)) {
        b = b->next;
    }
    return b;
}

static void on_timer_closed(uv_handle_t *timer)
{
    free(timer->data);
}

static void on_closed(struct wire *w)
{
    struct shot *t = w->owner;
    uv_close((uv_handle_t *)&t->timer, on_timer_closed);
}

static void over(struct shot *t)
{
    struct backend *b = find(t);
    uv_timer_stop(&t->timer);
    wire_close(&t->wire, on_closed);
    cancel_done(t->worker, &t->from);
    if (b == NULL) {
        return;
    }
    b->cancels--;
    if (b->ops == &answer_ops) {
        route_step(b->user);
    } else if (b->pool != NULL) {
        pool_cancelled(b);
    }
}

static void on_timer(uv_timer_t *timer)
{
    over(timer->data);
}

static void on_wire(struct wire *w, enum wire_event ev, int code)
{
    struct shot *t = w->owner;
    UNUSED(code);
    if (ev == WIRE_CONNECTED) {
        msg_cancel(&w->out, t->pid, t->secret);
        wire_flush(w);
    } else if (ev == WIRE_EOF || ev == WIRE_FAILED) {
        over(t);
    }
}

void cancel_send(struct backend *b, const struct cancel_from *from)
{
    struct sockaddr_storage to;
    socklen_t len = target_address(b->target, &to);
    struct err e = ERR_INIT;
    struct shot *t = def_zalloc(1, sizeof *t);
    if (len == 0 || wire_connect(&t->wire, &b->worker->wires, (struct sockaddr *)&to, len,
                                 on_wire, t, &e) != 0) {
        free(t);
        cancel_done(b->worker, from);
        return;
    }
    t->aim = b;
    t->pid = b->pid;
    t->secret = b->secret;
    t->worker = b->worker;
    t->from = *from;
    uv_timer_init(&b->worker->loop, &t->timer);
    t->timer.data = t;
    uv_timer_start(&t->timer, on_timer, SHOT_MS, 0);
    b->cancels++;
    meter_add(&b->worker->meter.cancels_total, 1);
}

void cancel_done(struct worker *w, const struct cancel_from *from)
{
    if (from->worker != NULL && !w->stopping) {
        worker_cancelled(from->worker, from->slot, from->secret);
    }
}
