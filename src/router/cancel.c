/* cancel.c - asking a server to stop what one of its connections runs.
 *
 * The protocol's CancelRequest travels on a connection of its own and is answered by closing it.
 * Until then the connection it aims at must not pass to another session: `cancels` counts. */
#include "base/clock.h"
#include "router/session.h"

#include <stdlib.h>

struct shot {
    struct wire wire;
    struct backend *aim;
    uint32_t pid, secret;
    struct worker *worker;
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

static void on_closed(struct wire *w)
{
    free(w->owner);
}

static void on_wire(struct wire *w, enum wire_event ev, int code)
{
    struct shot *t = w->owner;
    UNUSED(code);
    if (ev == WIRE_CONNECTED) {
        msg_cancel(&w->out, t->pid, t->secret);
        wire_touch(w);
    } else if (ev == WIRE_EOF || ev == WIRE_FAILED) {
        struct backend *b = find(t);
        wire_close(w, on_closed);
        if (b != NULL && b->pool != NULL) {
            pool_cancelled(b);
        }
    }
}

void cancel_send(struct backend *b)
{
    struct sockaddr_storage to;
    socklen_t len = target_address(b->target, &to);
    struct err e = ERR_INIT;
    struct shot *t = def_zalloc(1, sizeof *t);
    if (len == 0 || wire_connect(&t->wire, &b->worker->wires, (struct sockaddr *)&to, len,
                                 on_wire, t, &e) != 0) {
        free(t);
        return;
    }
    t->aim = b;
    t->pid = b->pid;
    t->secret = b->secret;
    t->worker = b->worker;
    if (b->pool != NULL) {
        b->cancels++;
    }
    meter_add(&b->worker->meter.cancels_total, 1);
}
