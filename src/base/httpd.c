/* httpd.c - see httpd.h.
 *
 * One I/O thread accepts (acceptor.c) and drives libmicrohttpd's epoll from outside, so that every
 * connection's state is touched by that thread only; worker threads (jobs.c) run the handlers and producers, which block on
 * the database. A connection that waits for a worker, or for news, is suspended: the library does not look at it. What must
 * stay so:
 *  - a request is handed to the workers only when its body is whole, and a worker never touches it again
 *    after hand_back;
 *  - the order of a connection's answers is the order of its requests: the library reads the next one only after on_completed;
 *  - memory: connections_max times (body_max_bytes, or a stream's chunk) and 32 KiB of the library's;
 *  - time: libmicrohttpd only times silence, and a client that sends a byte now and then would hold its connection for ever.
 *    So a request has to arrive whole within twice the timeout of the previous answer (or the connect),
 *    and each chunk of a stream must be taken within the same time. A whole answer is timed by silence only.
 *
 *   RECEIVING -> HANDLING -> ANSWERED -> SENDING -> (completed)         the library reads | a worker's | ready | the library sends
 *                                         |  ^  \
 *                                         v  |   v
 *                                      FILLING <- PARKED                a worker asks the producer | waits for news
 *
 *   RECEIVING, SENDING    the connection is the library's; its peer's clock runs (SENDING: of a stream)
 *   HANDLING, FILLING     suspended; counted in `away`; ends by hand_back
 *   PARKED                suspended; in the list `parked`; ends by unpark (news, time) or by give_up (client gone, stop)
 *   RELEASING             no connection any more; a worker releases the producer's context and frees the request
 *
 * libmicrohttpd waits for an edge of epoll after every short read, and the end of the client's side that came with the last bytes has
 * none: half a request would keep its connection until the timeout, so sweep looks for those.
 *
 * libmicrohttpd panics when it is stopped with a suspended connection: the I/O thread ends only when `away` is 0 and nothing is
 * parked. Requests that are no HTTP at all (a garbage request line, headers over 32 KiB, a wrong Content-Length) the library
 * answers by itself, as text, and closes; a client of HTTP/1.0 cannot tell a stream that failed from a short one, since its
 * body ends with the connection. RFC 9110, RFC 9112. */
#include "base/httpd.h"

#include "base/acceptor.h"
#include "base/clock.h"
#include "base/jobs.h"
#include "base/peers.h"
#include "base/percent.h"

#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CONNECTIONS_DEFAULT = 256,
    BODY_MAX_DEFAULT = 1 << 20,
    TIMEOUT_DEFAULT_MS = 15000,
    WAIT_DEFAULT_MS = 15000,
    /* A body over the bound is read and dropped up to this many times the bound, so that a
     * client which only reads after sending sees its 413; beyond it the connection is closed.
     */
    DISCARD_FACTOR = 16,
    SWEEP_MS = 500,
    ACCEPT_MAX = 32, /* a turn */
    STOP_GRACE_US = 3000000,
    STOP_LAST_US = 1000000, /* for the library to see the connections closed */
    STOP_POLL_MS = 20,
};

#define FULL_BODY                                                                              \
    "{\"code\":\"Service Unavailable\",\"message\":\"too many connections are open\"}"
static const char full_answer[] = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: "
                                  "application/json\r\nContent-Length: 72\r\n"
                                  "Retry-After: 1\r\nConnection: close\r\n\r\n" FULL_BODY;
_Static_assert(sizeof FULL_BODY - 1 == 72, "Content-Length of full_answer");

enum request_state {
    REQUEST_RECEIVING,
    REQUEST_HANDLING,
    REQUEST_ANSWERED,
    REQUEST_SENDING,
    REQUEST_FILLING,
    REQUEST_PARKED,
    REQUEST_RELEASING
};

struct httpd_stream {
    httpd_producer *next;
    httpd_release *release;
    void *ctx;
    _Atomic(struct httpd *) server; /* NULL until the handler has returned */
    atomic_bool woken;
    struct buf chunk; /* what the library has not taken yet */
    enum httpd_turn turn;
    int64_t wait_ms;
};

struct request {
    struct job job; /* first: what the workers get */
    struct httpd *server;
    struct MHD_Connection *connection;
    enum request_state state;
    bool started; /* on_access saw the header */
    bool too_large;
    bool gone; /* of a stream: end it */
    size_t discarded;
    struct buf path;
    struct buf body;
    const char *method;
    struct httpd_reply reply;
    /* PARKED */
    struct request *next_parked;
    struct request **parked_link;
    int64_t due_us;
};

struct httpd {
    struct MHD_Daemon *daemon;
    struct acceptor *acceptor; /* NULL: the end has begun */
    struct jobs *jobs;
    httpd_handler *handler;
    void (*hurry)(void *ctx);
    void *ctx;
    int connections_max;
    size_t body_max;
    int64_t timeout_ms;
    int wake; /* eventfd of the I/O thread: an answer is ready, a stream was woken, or stop */
    /* A request ended: the next one of its connection may be in the library's buffer already
     * (pipelining), of which neither epoll nor MHD_get_timeout tells. I/O thread. */
    bool again;
    bool cut; /* the grace of the stop is over: streams end */
    struct peers peers;
    struct request *parked;
    atomic_int away;   /* requests HANDLING or FILLING */
    atomic_bool woken; /* a stream was: look for it among the parked */
    atomic_bool ended; /* httpd_stop was called */
    pthread_t io;
};

/* --- what handlers use ----------------------------------------------------------------------
 */

const char *httpd_header(const struct httpd_request *q, const char *name)
{
    return MHD_lookup_connection_value(q->peer, MHD_HEADER_KIND, name);
}

const char *httpd_query(const struct httpd_request *q, const char *name)
{
    return MHD_lookup_connection_value(q->peer, MHD_GET_ARGUMENT_KIND, name);
}

struct httpd_stream *httpd_reply_stream(struct httpd_reply *r, httpd_producer *next,
                                        httpd_release *release, void *ctx)
{
    ASSERT(r->stream == NULL);
    r->stream = def_zalloc(1, sizeof *r->stream);
    r->stream->next = next;
    r->stream->release = release;
    r->stream->ctx = ctx;
    r->stream->turn = HTTPD_MORE;
    return r->stream;
}

const char *httpd_reason(int status)
{
    return MHD_get_reason_phrase_for((unsigned)status);
}

/* Driven from outside, the library does not wake anybody on a resume. */
static void wake_io(struct httpd *h)
{
    uint64_t one = 1;
    ssize_t written = write(h->wake, &one, sizeof one);
    ASSERT(written == sizeof one);
}

void httpd_wake(struct httpd_stream *s)
{
    atomic_store(&s->woken, true);
    struct httpd *h = atomic_load(&s->server);
    if (h != NULL) {
        atomic_store(&h->woken, true);
        wake_io(h);
    }
}

int httpd_connections(const struct httpd *h)
{
    return peers_count(&h->peers);
}

/* --- workers --------------------------------------------------------------------------------
 */

/* The request is the I/O thread's from the resume on. */
static void hand_back(struct request *q)
{
    struct httpd *h = q->server;
    MHD_resume_connection(q->connection);
    atomic_fetch_sub(&h->away, 1);
    wake_io(h);
}

static void run_handler(struct job *j)
{
    struct request *q = (struct request *)j;
    struct httpd_request view = {
        .method = q->method,
        .path = buf_str(&q->path),
        .body = buf_str(&q->body),
        .peer = q->connection,
    };
    q->reply.status = 200;
    q->server->handler(q->server->ctx, &view, &q->reply);
    if (q->reply.stream != NULL) {
        q->reply.stream->chunk = q->reply.body;
        q->reply.body = (struct buf)BUF_INIT;
        atomic_store(&q->reply.stream->server, q->server);
    }
    q->state = REQUEST_ANSWERED;
    hand_back(q);
}

static void run_producer(struct job *j)
{
    struct request *q = (struct request *)j;
    struct httpd_stream *s = q->reply.stream;
    atomic_store(&s->woken, false);
    s->wait_ms = WAIT_DEFAULT_MS;
    s->turn = s->next(s->ctx, &s->chunk, &s->wait_ms);
    hand_back(q);
}

/* A body may hold what nobody shall find in this process's memory afterwards. */
static void wipe(struct buf *b)
{
    if (b->mem != NULL) {
        explicit_bzero(b->mem, b->cap);
    }
    buf_fini(b);
}

/* As buf_add, but nothing is left where the bytes were before they had to move. */
static void keep_body(struct buf *b, const char *data, size_t n)
{
    if (b->len + n > b->cap) {
        struct buf larger = BUF_INIT;
        buf_reserve(&larger, b->len > n ? 2 * b->len : b->len + n);
        buf_addstr(&larger, buf_str(b));
        wipe(b);
        *b = larger;
    }
    buf_add(b, data, n);
}

static void free_request(struct job *j)
{
    struct request *q = (struct request *)j;
    struct httpd_stream *s = q->reply.stream;
    if (s != NULL) {
        s->release(s->ctx);
        buf_fini(&s->chunk);
        free(s);
    }
    buf_fini(&q->path);
    wipe(&q->body);
    buf_fini(&q->reply.body);
    free(q);
}

/* The connection is suspended, or becomes so here. */
static void give_to_workers(struct request *q, enum request_state state,
                            void (*run)(struct job *j))
{
    struct httpd *h = q->server;
    if (q->state != REQUEST_PARKED) {
        MHD_suspend_connection(q->connection);
    }
    q->state = state;
    q->job = (struct job){.run = run, .may_lapse = state == REQUEST_HANDLING};
    atomic_fetch_add(&h->away, 1);
    jobs_put(h->jobs, &q->job);
}

/* Answers what waits for a worker since before that time, because none will take it. */
static void refuse_waiting(struct httpd *h, int64_t before_us, const char *why)
{
    struct job *j;
    while ((j = jobs_withdraw(h->jobs, before_us)) != NULL) {
        struct request *q = (struct request *)j;
        httpd_reply_header(&q->reply, "Retry-After", "1");
        httpd_reply_error(&q->reply, MHD_HTTP_SERVICE_UNAVAILABLE, why);
        q->state = REQUEST_ANSWERED;
        hand_back(q);
    }
}

/* --- requests -------------------------------------------------------------------------------
 */

static struct peer *peer_of(struct MHD_Connection *c)
{
    const union MHD_ConnectionInfo *i =
        MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    ASSERT(i != NULL && i->socket_context != NULL);
    return i->socket_context;
}

static void *on_uri(void *cls, const char *uri, struct MHD_Connection *c)
{
    struct request *q = def_zalloc(1, sizeof *q);
    q->server = cls;
    q->connection = c;
    percent_decode((struct str){uri, strcspn(uri, "?#")}, &q->path);
    return q;
}

static void on_completed(void *cls, struct MHD_Connection *c, void **con_cls,
                         enum MHD_RequestTerminationCode why)
{
    UNUSED(why);
    struct httpd *h = cls;
    h->again = true;
    struct request *q = *con_cls;
    *con_cls = NULL;
    struct peer *p = peer_of(c);
    p->answering = false;
    peers_time(p);
    if (h->acceptor == NULL) {
        peers_end(p);
    }
    if (q != NULL && q->reply.stream != NULL) {
        q->state = REQUEST_RELEASING;
        q->job = (struct job){.run = free_request};
        jobs_put(h->jobs, &q->job);
    } else if (q != NULL) {
        free_request(&q->job);
    }
}

static void on_connection(void *cls, struct MHD_Connection *c, void **socket_context,
                          enum MHD_ConnectionNotificationCode what)
{
    struct httpd *h = cls;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *i =
            MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
        ASSERT(i != NULL);
        *socket_context = peers_add(&h->peers, i->connect_fd);
    } else if (*socket_context != NULL) {
        peers_remove(&h->peers, *socket_context);
        *socket_context = NULL;
    }
}

/* --- streams --------------------------------------------------------------------------------
 */

static void park(struct request *q)
{
    struct httpd *h = q->server;
    MHD_suspend_connection(q->connection);
    q->state = REQUEST_PARKED;
    q->due_us = clock_mono_us() + q->reply.stream->wait_ms * 1000;
    q->next_parked = h->parked;
    q->parked_link = &h->parked;
    if (q->next_parked != NULL) {
        q->next_parked->parked_link = &q->next_parked;
    }
    h->parked = q;
}

static void unlink_parked(struct request *q)
{
    *q->parked_link = q->next_parked;
    if (q->next_parked != NULL) {
        q->next_parked->parked_link = q->parked_link;
    }
}

static void unpark(struct request *q)
{
    unlink_parked(q);
    give_to_workers(q, REQUEST_FILLING, run_producer);
}

static void give_up(struct request *q)
{
    unlink_parked(q);
    q->gone = true;
    q->state = REQUEST_SENDING;
    MHD_resume_connection(q->connection);
    q->server->again = true;
}

static void wake_parked(struct httpd *h)
{
    struct request *next;
    for (struct request *q = h->parked; q != NULL; q = next) {
        next = q->next_parked;
        if (atomic_load(&q->reply.stream->woken)) {
            unpark(q);
        }
    }
}

static void sweep_parked(struct httpd *h, int64_t now_us)
{
    struct request *next;
    for (struct request *q = h->parked; q != NULL; q = next) {
        next = q->next_parked;
        /* A client that closed its side of a live stream has gone: one that means to read on does not. */
        if (h->acceptor == NULL || peers_left(peer_of(q->connection))) {
            give_up(q);
        } else if (now_us >= q->due_us) {
            unpark(q);
        }
    }
}

/* The library asks for the next bytes of a stream. 0: none yet, the connection is suspended. */
static ssize_t read_stream(void *cls, uint64_t at, char *out, size_t max)
{
    UNUSED(at);
    struct request *q = cls;
    struct httpd *h = q->server;
    struct httpd_stream *s = q->reply.stream;
    struct peer *p = peer_of(q->connection);
    if (h->cut || q->gone) {
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    if (s->chunk.len > 0) {
        if (q->state != REQUEST_SENDING) {
            peers_time(p);
        }
        q->state = REQUEST_SENDING;
        size_t n = s->chunk.len < max ? s->chunk.len : max;
        memcpy(out, buf_data(&s->chunk), n);
        buf_take(&s->chunk, n);
        return (ssize_t)n;
    }
    buf_shrink(&s->chunk, HTTPD_CHUNK * 2);
    if (s->turn == HTTPD_END) {
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    bool waits = s->turn == HTTPD_WAIT && !atomic_load(&s->woken);
    if (s->turn == HTTPD_FAILED || (waits && h->acceptor == NULL)) {
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    p->timed = false;
    if (waits) {
        park(q);
    } else {
        give_to_workers(q, REQUEST_FILLING, run_producer);
    }
    return 0;
}

/* --- answers --------------------------------------------------------------------------------
 */

static struct MHD_Response *make_response(struct request *q)
{
    struct buf *b = &q->reply.body;
    if (q->reply.stream != NULL) {
        return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, HTTPD_CHUNK / 2, read_stream,
                                                 q, NULL);
    }
    if (b->len > 0 && b->head == 0) {
        char *mem = b->mem;
        size_t n = b->len;
        struct MHD_Response *m = MHD_create_response_from_buffer(n, mem, MHD_RESPMEM_MUST_FREE);
        if (m != NULL) {
            *b = (struct buf)BUF_INIT;
        }
        return m;
    }
    struct str s = buf_str(b);
    return MHD_create_response_from_buffer(s.n, (void *)(uintptr_t)s.p, MHD_RESPMEM_MUST_COPY);
}

static enum MHD_Result send_reply(struct request *q)
{
    struct httpd_reply *r = &q->reply;
    struct MHD_Response *m = make_response(q);
    if (m == NULL) {
        return MHD_NO;
    }
    MHD_add_response_header(m, MHD_HTTP_HEADER_CONTENT_TYPE,
                            r->content_type != NULL ? r->content_type : "application/json");
    for (size_t i = 0; i < r->header_count; i++) {
        MHD_add_response_header(m, r->headers[i].name, r->headers[i].value);
    }
    if (q->server->acceptor == NULL) {
        MHD_add_response_header(m, MHD_HTTP_HEADER_CONNECTION, "close");
    }
    enum MHD_Result sent = MHD_queue_response(q->connection, (unsigned)r->status, m);
    MHD_destroy_response(m);
    return sent;
}

static enum MHD_Result send_too_large(struct request *q)
{
    char text[64];
    snprintf(text, sizeof text, "the body is larger than %zu bytes", q->server->body_max);
    httpd_reply_error(&q->reply, MHD_HTTP_CONTENT_TOO_LARGE, text);
    return send_reply(q);
}

/* The header is here: refuse at once what announces a body over the bound when the client waits
 * for a "100 Continue", or when reading it only to drop it would be too much. */
static enum MHD_Result on_header(struct request *q)
{
    struct httpd *h = q->server;
    const char *length =
        MHD_lookup_connection_value(q->connection, MHD_HEADER_KIND, "Content-Length");
    unsigned long long n = length != NULL ? strtoull(length, NULL, 10) : 0;
    if (n > h->body_max) {
        q->too_large = true;
        if (n / DISCARD_FACTOR > h->body_max ||
            MHD_lookup_connection_value(q->connection, MHD_HEADER_KIND, "Expect") != NULL) {
            return send_too_large(q);
        }
    }
    return MHD_YES;
}

static enum MHD_Result on_body(struct request *q, const char *data, size_t *n)
{
    struct httpd *h = q->server;
    if (!q->too_large && q->body.len + *n <= h->body_max) {
        keep_body(&q->body, data, *n);
        *n = 0;
        return MHD_YES;
    }
    q->too_large = true;
    wipe(&q->body);
    q->discarded += *n;
    *n = 0;
    return q->discarded / DISCARD_FACTOR > h->body_max ? MHD_NO : MHD_YES;
}

static enum MHD_Result on_access(void *cls, struct MHD_Connection *c, const char *url,
                                 const char *method, const char *version, const char *data,
                                 size_t *n, void **con_cls)
{
    UNUSED(cls);
    UNUSED(url);
    UNUSED(version);
    struct request *q = *con_cls;
    if (q == NULL) {
        return MHD_NO;
    }
    if (!q->started) {
        q->started = true;
        q->method = method;
        return on_header(q);
    }
    if (*n > 0) {
        return on_body(q, data, n);
    }
    struct peer *p = peer_of(c);
    p->answering = true;
    p->timed = false;
    if (q->too_large) {
        return send_too_large(q);
    }
    if (q->state == REQUEST_RECEIVING) {
        give_to_workers(q, REQUEST_HANDLING, run_handler);
        return MHD_YES;
    }
    return q->state == REQUEST_ANSWERED ? send_reply(q) : MHD_YES;
}

/* --- the I/O thread -------------------------------------------------------------------------
 */

static void take_connections(struct httpd *h)
{
    for (int i = 0; i < ACCEPT_MAX; i++) {
        struct sockaddr_storage at;
        socklen_t size;
        bool full = peers_count(&h->peers) >= h->connections_max;
        int fd = acceptor_take(h->acceptor, full, &at, &size);
        if (fd < 0) {
            break;
        }
        /* The library closes what it cannot take. */
        MHD_add_connection(h->daemon, fd, (struct sockaddr *)&at, size);
    }
}

/* Ends connections whose request does not get complete, or whose chunk is not taken; the library sees the end of
 * file and tidies up through the callbacks. */
static void sweep(struct httpd *h, int64_t now_us)
{
    peers_expire(&h->peers, now_us, h->timeout_ms * 2);
    if (!h->again) { /* else whole requests may be in the library's buffers */
        peers_end_cut(&h->peers);
    }
    refuse_waiting(h, now_us - h->timeout_ms * 1000,
                   "the service is busy: no worker was free in time");
    sweep_parked(h, now_us);
    if (h->acceptor != NULL) {
        acceptor_tidy(h->acceptor, now_us);
    }
}

static void begin_stop(struct httpd *h)
{
    acceptor_close(h->acceptor);
    h->acceptor = NULL;
    refuse_waiting(h, INT64_MAX, "the service is stopping");
    sweep_parked(h, clock_mono_us());
    peers_end_all(&h->peers, false);
}

static void cut_all(struct httpd *h)
{
    h->cut = true;
    if (h->hurry != NULL) {
        h->hurry(h->ctx);
    }
    peers_end_all(&h->peers, true);
}

/* One look at everything; returns after at most wait_ms, or when something happened. */
static void turn(struct httpd *h, int wait_ms)
{
    const union MHD_DaemonInfo *i = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    struct pollfd fds[2 + ACCEPTOR_PLACES_MAX] = {{.fd = i->epoll_fd, .events = POLLIN},
                                                  {.fd = h->wake, .events = POLLIN}};
    size_t count = 2;
    if (h->acceptor != NULL) {
        count += acceptor_watch(h->acceptor, fds + 2);
    }
    MHD_UNSIGNED_LONG_LONG due_ms = 0;
    if (h->again) {
        wait_ms = 0;
    } else if (wait_ms > 0 && MHD_get_timeout(h->daemon, &due_ms) == MHD_YES &&
               due_ms < (unsigned)wait_ms) {
        wait_ms = (int)due_ms;
    }
    h->again = false;
    poll(fds, count, wait_ms);
    uint64_t wakes;
    if ((fds[1].revents & POLLIN) != 0 && read(h->wake, &wakes, sizeof wakes) < 0) {
        ASSERT(errno == EAGAIN);
    }
    for (size_t k = 2; k < count; k++) {
        if (fds[k].revents != 0) {
            take_connections(h);
            break;
        }
    }
    if (atomic_exchange(&h->woken, false)) {
        wake_parked(h);
    }
    MHD_run(h->daemon);
}

static void *io_main(void *arg)
{
    struct httpd *h = arg;
    int64_t swept_us = clock_mono_us();
    int64_t cut_us = INT64_MAX;
    for (;;) {
        if (atomic_load(&h->ended) && h->acceptor != NULL) {
            begin_stop(h);
            cut_us = clock_mono_us() + STOP_GRACE_US;
        }
        int64_t now_us = clock_mono_us();
        if (now_us > cut_us && !h->cut) {
            cut_all(h);
        }
        bool held = atomic_load(&h->away) > 0 || h->parked != NULL;
        if (h->acceptor == NULL && !held &&
            (peers_count(&h->peers) == 0 || now_us > cut_us + STOP_LAST_US)) {
            return NULL;
        }
        if (now_us - swept_us > SWEEP_MS * 1000) {
            sweep(h, now_us);
            swept_us = now_us;
        }
        bool idle =
            peers_count(&h->peers) == 0 && h->acceptor != NULL && acceptor_idle(h->acceptor);
        turn(h, idle ? -1 : h->acceptor == NULL ? STOP_POLL_MS : SWEEP_MS);
    }
}

/* --- start and stop -------------------------------------------------------------------------
 */

/* Everything but the I/O thread, which has ended or never was. The library first: its last callbacks give
 * the workers what is to be released. */
static void release(struct httpd *h)
{
    if (h->daemon != NULL) {
        MHD_stop_daemon(h->daemon);
    }
    jobs_stop(h->jobs);
    acceptor_close(h->acceptor);
    if (h->wake >= 0) {
        close(h->wake);
    }
    free(h);
}

static int start_all(struct httpd *h, const struct httpd_options *o, struct err *e)
{
    struct str refusal = {full_answer, sizeof full_answer - 1};
    int rc = acceptor_open(&h->acceptor, o->places, o->place_count, o->port, refusal, e);
    if (rc == 0) {
        rc = jobs_start(&h->jobs, o->threads, e);
    }
    if (rc != 0) {
        return rc;
    }
    h->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    unsigned timeout_s = (unsigned)((h->timeout_ms + 999) / 1000);
    /* The limit is kept by take_connections; the library's own only has to stand above it. */
    h->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
        on_access, h, MHD_OPTION_CONNECTION_LIMIT, (unsigned)h->connections_max + ACCEPT_MAX,
        MHD_OPTION_CONNECTION_TIMEOUT, timeout_s, MHD_OPTION_URI_LOG_CALLBACK, on_uri, h,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, h, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, h, MHD_OPTION_END);
    if (h->wake < 0 || h->daemon == NULL || pthread_create(&h->io, NULL, io_main, h) != 0) {
        return err_set(e, ERR_FAIL, "could not start the http server");
    }
    return 0;
}

int httpd_start(struct httpd **out, const struct httpd_options *o, httpd_handler *handler,
                void *ctx, struct err *e)
{
    struct httpd *h = def_zalloc(1, sizeof *h);
    h->handler = handler;
    h->hurry = o->hurry;
    h->ctx = ctx;
    h->connections_max = o->connections_max != 0 ? o->connections_max : CONNECTIONS_DEFAULT;
    h->body_max = o->body_max_bytes != 0 ? o->body_max_bytes : BODY_MAX_DEFAULT;
    h->timeout_ms = o->timeout_ms != 0 ? o->timeout_ms : TIMEOUT_DEFAULT_MS;
    h->wake = -1;
    *out = h; /* handlers may run before this returns */
    int rc = start_all(h, o, e);
    if (rc != 0) {
        *out = NULL;
        release(h);
    }
    return rc;
}

void httpd_stop(struct httpd *h)
{
    if (h == NULL) {
        return;
    }
    atomic_store(&h->ended, true);
    wake_io(h);
    pthread_join(h->io, NULL);
    release(h);
}
