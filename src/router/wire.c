/* wire.c - see wire.h. A partial read ends the turn (the next poll tells whether there is more), so
 * no connection can keep the loop for itself. Events are armed only when they change: the usual
 * connection is watched for reading from its first to its last moment, without a system call. */
#include "router/wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

static void on_poll(uv_poll_t *handle, int status, int events);

static void arm(struct wire *w)
{
    if (!w->open || w->closing) {
        return;
    }
    int want = 0;
    if (w->connecting || w->blocked) {
        want |= UV_WRITABLE;
    }
    if (!w->connecting && !w->paused && !w->eof && w->in.len < w->in_max) {
        want |= UV_READABLE;
    }
    if (want == w->events) {
        return;
    }
    w->events = want;
    if (want == 0) {
        uv_poll_stop(&w->poll);
    } else {
        uv_poll_start(&w->poll, want, on_poll);
    }
}

static void fail(struct wire *w, int code)
{
    if (!w->closing) {
        w->eof = true;
        w->blocked = false;
        arm(w);
        w->fn(w, WIRE_FAILED, code);
    }
}

static void on_readable(struct wire *w)
{
    char *to = buf_reserve(&w->in, w->room);
    ssize_t n = recv(w->fd, to, w->room, 0);
    if (n > 0) {
        buf_commit(&w->in, (size_t)n);
        if ((size_t)n == w->room && w->room < WIRE_READ_MAX) {
            w->room *= 2;
        }
        w->fn(w, WIRE_DATA, 0);
        if (w->closing) {
            return;
        }
        if (w->in.len == 0 && (size_t)n < WIRE_READ_MIN && w->room > WIRE_READ_MIN) {
            w->room = WIRE_READ_MIN;
            buf_shrink(&w->in, WIRE_KEEP);
        }
        arm(w);
    } else if (n == 0) {
        w->eof = true;
        arm(w);
        w->fn(w, WIRE_EOF, 0);
    } else if (errno != EAGAIN && errno != EINTR) {
        fail(w, errno);
    }
}

static void on_connected(struct wire *w)
{
    int code = 0;
    socklen_t len = sizeof code;
    if (getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &code, &len) != 0) {
        code = errno;
    }
    w->connecting = false;
    if (code != 0) {
        fail(w, code);
        return;
    }
    w->fn(w, WIRE_CONNECTED, 0);
    arm(w);
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
    struct wire *w = handle->data;
    struct wire_set *set = w->set;
    if (w->connecting) {
        on_connected(w);
    } else if (status < 0) {
        fail(w, -status);
    } else {
        if ((events & UV_WRITABLE) != 0) {
            w->blocked = false;
            wire_flush(w);
        }
        if ((events & UV_READABLE) != 0 && !w->closing && !w->paused && !w->eof) {
            on_readable(w);
        }
    }
    wire_set_flush(set);
}

static int adopt(struct wire *w, struct wire_set *s, int fd, wire_fn *fn, void *owner,
                 struct err *e)
{
    int on = 1, idle_s = 60, every_s = 10, probes = 3;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    /* a peer whose machine is gone is noticed after a minute and a half, not after hours */
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every_s, sizeof every_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
    *w = (struct wire){.set = s,
                       .fd = fd,
                       .in_max = WIRE_IN_MAX,
                       .room = WIRE_READ_MIN,
                       .fn = fn,
                       .owner = owner};
    int rc = uv_poll_init(s->loop, &w->poll, fd);
    if (rc != 0) {
        close(fd);
        w->fd = -1;
        return err_set(e, ERR_FAIL, "could not watch a socket: %s", uv_strerror(rc));
    }
    w->poll.data = w;
    w->open = true;
    return 0;
}

int wire_open(struct wire *w, struct wire_set *s, int fd, wire_fn *fn, void *owner,
              struct err *e)
{
    int rc = adopt(w, s, fd, fn, owner, e);
    if (rc == 0) {
        arm(w);
    }
    return rc;
}

int wire_connect(struct wire *w, struct wire_set *s, const struct sockaddr *to, socklen_t len,
                 wire_fn *fn, void *owner, struct err *e)
{
    int fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return err_set(e, ERR_UNAVAILABLE, "could not create a socket: %s", strerror(errno));
    }
    if (connect(fd, to, len) != 0 && errno != EINPROGRESS) {
        int code = errno;
        close(fd);
        return err_set(e, ERR_UNAVAILABLE, "could not connect: %s", strerror(code));
    }
    int rc = adopt(w, s, fd, fn, owner, e);
    if (rc == 0) {
        w->connecting = true;
        arm(w);
    }
    return rc;
}

void wire_touch(struct wire *w)
{
    if (!w->queued && !w->closing && w->open) {
        w->queued = true;
        w->next = w->set->dirty;
        w->set->dirty = w;
    }
}

/* Sends what the socket takes; nobody is told, so that it may be called from anywhere. */
static void send_out(struct wire *w)
{
    if (!w->open || w->closing || w->connecting || w->blocked) {
        return;
    }
    while (w->out.len > 0) {
        ssize_t n = send(w->fd, buf_data(&w->out), w->out.len, MSG_NOSIGNAL);
        if (n > 0) {
            buf_take(&w->out, (size_t)n);
            continue;
        }
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 && errno != EAGAIN) {
            /* the reading side tells the owner; here nothing is known about what arrived */
            buf_reset(&w->out);
            break;
        }
        w->blocked = true;
        break;
    }
    if (w->out.len == 0 && w->out.cap > WIRE_KEEP) {
        buf_shrink(&w->out, WIRE_KEEP);
    }
    arm(w);
}

void wire_flush(struct wire *w)
{
    send_out(w);
    if (w->was_full && w->out.len <= WIRE_OUT_LOW && w->open && !w->closing) {
        w->was_full = false;
        w->fn(w, WIRE_DRAINED, 0);
    }
}

void wire_send(struct wire *w, const char *p, size_t n)
{
    if (n >= WIRE_READ_MIN && w->open && !w->closing && !w->connecting && !w->blocked) {
        if (w->out.len > 0) {
            send_out(w);
        }
        if (w->out.len == 0 && !w->blocked) {
            ssize_t sent = send(w->fd, p, n, MSG_NOSIGNAL);
            if (sent > 0) {
                p += sent;
                n -= (size_t)sent;
            }
        }
    }
    buf_add(&w->out, p, n);
    wire_touch(w);
}

void wire_pause(struct wire *w)
{
    w->paused = true;
    arm(w);
}

void wire_resume(struct wire *w)
{
    w->paused = false;
    arm(w);
}

void wire_rearm(struct wire *w)
{
    arm(w);
}

static void on_closed(uv_handle_t *handle)
{
    struct wire *w = handle->data;
    buf_fini(&w->in);
    buf_fini(&w->out);
    w->open = false;
    w->closed(w);
}

void wire_close(struct wire *w, void (*closed)(struct wire *w))
{
    if (w->closing) {
        return;
    }
    send_out(w);
    w->closing = true;
    w->closed = closed;
    if (w->queued) {
        struct wire **at = &w->set->dirty;
        while (*at != w) {
            at = &(*at)->next;
        }
        *at = w->next;
        w->queued = false;
    }
    uv_close((uv_handle_t *)&w->poll,
             on_closed); /* takes the descriptor out of the loop, then … */
    close(w->fd);        /* … its number may be another thread's */
    w->fd = -1;
}

void wire_set_flush(struct wire_set *s)
{
    while (s->dirty != NULL) {
        struct wire *w = s->dirty;
        s->dirty = w->next;
        w->queued = false;
        wire_flush(w);
    }
}

static void on_prepare(uv_prepare_t *handle)
{
    wire_set_flush(handle->data);
}

void wire_set_init(struct wire_set *s, uv_loop_t *loop)
{
    *s = (struct wire_set){.loop = loop};
    uv_prepare_init(loop, &s->before_poll);
    s->before_poll.data = s;
    uv_prepare_start(&s->before_poll, on_prepare);
}

void wire_set_close(struct wire_set *s)
{
    uv_prepare_stop(&s->before_poll);
    uv_close((uv_handle_t *)&s->before_poll, NULL);
}
