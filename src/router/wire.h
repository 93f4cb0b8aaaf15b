/* wire.h - one TCP socket on a worker's loop, with a bounded buffer each way.
 *
 * The socket is watched through uv_poll and read and written by hand, so that a buffer is owned by
 * one place, a full one simply stops reading (the peer's TCP window does the rest), and the usual
 * write is one send(2) with no allocation and no callback. Bytes appended to `out` leave at the end
 * of the turn that appended them (wire_set_flush), together: one system call for many messages.
 *
 * Owner: a session or a backend embeds it. Thread: the worker whose loop it is on, for life. The
 * memory may be released only from the `closed` callback (wire_close starts that). */
#ifndef PARKWAY_ROUTER_WIRE_H
#define PARKWAY_ROUTER_WIRE_H

#include "base/buf.h"
#include "base/err.h"

#include <sys/socket.h>
#include <uv.h>

enum {
    WIRE_READ_MIN = 8 << 10,   /* room offered to one recv(2) at first … */
    WIRE_READ_MAX = 128 << 10, /* … and when the peer keeps filling it */
    WIRE_IN_MAX = 256 << 10,   /* reading stops when this much is not consumed */
    WIRE_OUT_HIGH = 512 << 10, /* wire_full: the other side must stop being read … */
    WIRE_OUT_LOW = 128 << 10,  /* … until this little is left (WIRE_DRAINED) */
    WIRE_KEEP = 32 << 10,      /* memory kept by an idle buffer */
};

enum wire_event {
    WIRE_CONNECTED,
    WIRE_DATA,    /* bytes are in `in`; consume with buf_take */
    WIRE_DRAINED, /* after wire_full was true: there is room again */
    WIRE_EOF,     /* the peer will send no more; errno-like code 0 */
    WIRE_FAILED,  /* the socket is of no more use; code is an errno value */
};

struct wire;
typedef void wire_fn(struct wire *w, enum wire_event ev, int code);

/* The wires of one loop which have bytes to send. */
struct wire_set {
    uv_loop_t *loop;
    struct wire *dirty;
    uv_prepare_t before_poll;
};

struct wire {
    uv_poll_t poll;
    struct wire_set *set;
    int fd;
    int events; /* armed at present */
    struct buf in;
    struct buf out;
    size_t in_max;
    size_t room; /* offered to the next recv */
    bool open;
    bool connecting;
    bool paused; /* by the owner: no reading */
    bool eof;
    bool closing;
    bool was_full;
    bool queued;
    bool blocked; /* the last send found the socket full */
    struct wire *next;
    wire_fn *fn;
    void *owner;
    void (*closed)(struct wire *w);
};

void wire_set_init(struct wire_set *s, uv_loop_t *loop);
void wire_set_close(struct wire_set *s);
/* wire_set_flush - send what every wire has; at the end of a turn. */
void wire_set_flush(struct wire_set *s);

/* wire_open - take over a connected, non-blocking socket. */
NODISCARD int wire_open(struct wire *w, struct wire_set *s, int fd, wire_fn *fn, void *owner,
                        struct err *e);
/* wire_connect - start connecting; WIRE_CONNECTED or WIRE_FAILED follows. */
NODISCARD int wire_connect(struct wire *w, struct wire_set *s, const struct sockaddr *to,
                           socklen_t len, wire_fn *fn, void *owner, struct err *e);
/* wire_touch - bytes were appended to out: send them at the end of this turn. */
void wire_touch(struct wire *w);
/* wire_send - append bytes, or send them at once when they are many and nothing waits. */
void wire_send(struct wire *w, const char *p, size_t n);
void wire_flush(struct wire *w);
static inline bool wire_full(struct wire *w)
{
    if (w->out.len > WIRE_OUT_HIGH) {
        w->was_full = true;
    }
    return w->was_full;
}
void wire_pause(struct wire *w);
/* wire_resume - read again; bytes that are already in `in` are the owner's to look at. */
void wire_resume(struct wire *w);
/* wire_rearm - after `in` was consumed or in_max changed: read again if there is room. */
void wire_rearm(struct wire *w);
/* wire_close - stop everything, close the socket; closed(w) follows from the loop. */
void wire_close(struct wire *w, void (*closed)(struct wire *w));

#endif
