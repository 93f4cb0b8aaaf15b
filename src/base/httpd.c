/* httpd.c - see httpd.h. One I/O thread drives libmicrohttpd's epoll from outside, so that
 * every connection's state is touched by that thread only; with threads > 1 a complete request
 * is suspended, handed to a worker and resumed with its reply, so a handler that waits for a
 * database delays nobody else. A request has to arrive whole within twice the idle timeout of
 * the previous reply (or the connect): libmicrohttpd itself only times silence, and a client
 * that sends a byte now and then would hold its connection for ever. RFC 9110, RFC 9112. */
#include "base/httpd.h"

#include "base/clock.h"
#include "base/metric.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    /* Bounds the request queue and, times body_max, the memory that bodies can take. */
    CONNECTIONS_MAX = 256,
    THREADS_MAX = 256,
    BODY_MAX_DEFAULT = 1 << 20,
    TIMEOUT_DEFAULT_MS = 15000,
    /* A body over the bound is read and dropped up to this many times the bound, so that a
     * client which only reads after sending sees its 413; beyond it the connection is closed.
     */
    DISCARD_FACTOR = 16,
    SWEEP_MS = 500,
    LISTEN_BACKLOG = 128,
};

/* A request lives from its request line (on_uri) to the end of its reply (on_completed).
 * RECEIVING -> WAITING -> (worker) -> DONE -> reply queued. With one thread WAITING is skipped.
 */
enum request_state { REQUEST_RECEIVING, REQUEST_WAITING, REQUEST_DONE };

struct request {
    struct httpd *server;
    struct MHD_Connection *connection;
    struct request *next; /* in the server's queue, under its lock */
    enum request_state state;
    bool started; /* the handler saw the header */
    bool too_large;
    size_t discarded;
    struct buf path;
    struct buf body;
    const char *method;
    struct httpd_reply reply;
};

/* One per TCP connection, in a list of the I/O thread. */
struct peer {
    struct peer *next;
    struct peer **link;
    int fd;
    bool busy; /* its request is whole and being answered */
    int64_t since_us;
};

struct httpd {
    struct MHD_Daemon *daemon;
    httpd_handler *handler;
    void *ctx;
    size_t body_max;
    int64_t timeout_ms;
    int wake; /* eventfd of the I/O thread: a reply is ready, or stop */
    /* A request ended: the next one of its connection may be in the library's buffer already
     * (pipelining), of which neither epoll nor MHD_get_timeout tells. I/O thread. */
    bool again;
    atomic_bool stopping; /* the workers' */
    atomic_bool ended;    /* the I/O thread's */
    pthread_t io;
    struct peer *peers;
    /* the worker pool; empty with one thread */
    int worker_count;
    pthread_t workers[THREADS_MAX];
    pthread_mutex_t lock;
    pthread_cond_t ready;
    struct request *head;
    struct request **tail;
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

void httpd_reply_header(struct httpd_reply *r, const char *name, const char *fmt, ...)
{
    ASSERT(r->header_count < ARRAY_LEN(r->headers));
    struct httpd_header_line *h = &r->headers[r->header_count++];
    snprintf(h->name, sizeof h->name, "%s", name);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(h->value, sizeof h->value, fmt, ap);
    va_end(ap);
    for (char *c = h->value; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ') {
            *c = ' '; /* no header splitting, whatever the value came from */
        }
    }
}

const char *httpd_reason(int status)
{
    return MHD_get_reason_phrase_for((unsigned)status);
}

/* --- requests -------------------------------------------------------------------------------
 */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The path is decoded here and not by the library, whose C strings end at a %00. A broken
 * escape stays as it is. */
static void decode_path(const char *uri, struct buf *out)
{
    size_t n = strcspn(uri, "?#");
    for (size_t i = 0; i < n; i++) {
        int high = uri[i] == '%' && i + 2 < n ? hex_digit(uri[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(uri[i + 2]) : -1;
        if (low >= 0) {
            buf_u8(out, (uint8_t)(high * 16 + low));
            i += 2;
        } else {
            buf_u8(out, (uint8_t)uri[i]);
        }
    }
}

static struct peer *peer_of(struct MHD_Connection *c)
{
    const union MHD_ConnectionInfo *i =
        MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return i != NULL ? i->socket_context : NULL;
}

static void *on_uri(void *cls, const char *uri, struct MHD_Connection *c)
{
    struct request *q = def_zalloc(1, sizeof *q);
    q->server = cls;
    q->connection = c;
    decode_path(uri, &q->path);
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
    if (p != NULL) {
        p->busy = false;
        p->since_us = clock_mono_us();
    }
    if (q != NULL) {
        buf_fini(&q->path);
        buf_fini(&q->body);
        buf_fini(&q->reply.body);
        free(q);
    }
}

static void on_connection(void *cls, struct MHD_Connection *c, void **socket_context,
                          enum MHD_ConnectionNotificationCode what)
{
    struct httpd *h = cls;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *i =
            MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
        struct peer *p = def_zalloc(1, sizeof *p);
        p->fd = i != NULL ? i->connect_fd : -1;
        p->since_us = clock_mono_us();
        p->next = h->peers;
        p->link = &h->peers;
        if (p->next != NULL) {
            p->next->link = &p->next;
        }
        h->peers = p;
        *socket_context = p;
        return;
    }
    struct peer *p = *socket_context;
    *socket_context = NULL;
    if (p != NULL) {
        *p->link = p->next;
        if (p->next != NULL) {
            p->next->link = p->link;
        }
        free(p);
    }
}

/* Ends connections whose request does not get complete; the library sees the end of file and
 * tidies up through the callbacks. */
static void sweep(struct httpd *h, int64_t now_us)
{
    for (struct peer *p = h->peers; p != NULL; p = p->next) {
        if (!p->busy && p->fd >= 0 && now_us - p->since_us > h->timeout_ms * 2000) {
            shutdown(p->fd, SHUT_RDWR);
        }
    }
}

static void call_handler(struct request *q)
{
    struct httpd_request view = {
        .method = q->method,
        .path = buf_str(&q->path),
        .body = buf_str(&q->body),
        .peer = q->connection,
    };
    q->reply.status = 200;
    q->server->handler(q->server->ctx, &view, &q->reply);
}

static enum MHD_Result send_reply(struct MHD_Connection *c, struct httpd_reply *r)
{
    struct buf *b = &r->body;
    struct MHD_Response *m;
    if (b->len > 0 && b->head == 0) {
        m = MHD_create_response_from_buffer(b->len, b->mem, MHD_RESPMEM_MUST_FREE);
        *b = (struct buf)BUF_INIT;
    } else {
        struct str s = buf_str(b);
        m = MHD_create_response_from_buffer(s.n, (void *)(uintptr_t)s.p, MHD_RESPMEM_MUST_COPY);
    }
    if (m == NULL) {
        return MHD_NO;
    }
    MHD_add_response_header(m, MHD_HTTP_HEADER_CONTENT_TYPE,
                            r->content_type != NULL ? r->content_type : "application/json");
    for (size_t i = 0; i < r->header_count; i++) {
        MHD_add_response_header(m, r->headers[i].name, r->headers[i].value);
    }
    enum MHD_Result sent = MHD_queue_response(c, (unsigned)r->status, m);
    MHD_destroy_response(m);
    return sent;
}

static enum MHD_Result send_too_large(struct MHD_Connection *c, size_t body_max)
{
    struct httpd_reply r = {.status = MHD_HTTP_CONTENT_TOO_LARGE};
    buf_addf(
        &r.body,
        "{\"code\":\"Content Too Large\",\"message\":\"the body is larger than %zu bytes\"}",
        body_max);
    enum MHD_Result sent = send_reply(c, &r);
    buf_fini(&r.body);
    return sent;
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
            return send_too_large(q->connection, h->body_max);
        }
    }
    return MHD_YES;
}

static enum MHD_Result on_body(struct request *q, const char *data, size_t *n)
{
    struct httpd *h = q->server;
    if (!q->too_large && q->body.len + *n <= h->body_max) {
        buf_add(&q->body, data, *n);
        *n = 0;
        return MHD_YES;
    }
    q->too_large = true;
    buf_fini(&q->body);
    q->discarded += *n;
    *n = 0;
    return q->discarded / DISCARD_FACTOR > h->body_max ? MHD_NO : MHD_YES;
}

static void enqueue(struct httpd *h, struct request *q)
{
    q->state = REQUEST_WAITING;
    MHD_suspend_connection(q->connection);
    pthread_mutex_lock(&h->lock);
    q->next = NULL;
    *h->tail = q;
    h->tail = &q->next;
    pthread_cond_signal(&h->ready);
    pthread_mutex_unlock(&h->lock);
}

static enum MHD_Result on_access(void *cls, struct MHD_Connection *c, const char *url,
                                 const char *method, const char *version, const char *data,
                                 size_t *n, void **con_cls)
{
    UNUSED(url);
    UNUSED(version);
    struct httpd *h = cls;
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
    if (p != NULL) {
        p->busy = true;
    }
    if (q->too_large) {
        return send_too_large(c, h->body_max);
    }
    if (q->state == REQUEST_RECEIVING) {
        if (h->worker_count > 0) {
            enqueue(h, q);
            return MHD_YES;
        }
        call_handler(q);
        q->state = REQUEST_DONE;
    }
    return q->state == REQUEST_DONE ? send_reply(c, &q->reply) : MHD_YES;
}

/* --- threads --------------------------------------------------------------------------------
 */

/* Driven from outside, the library does not wake anybody on a resume. */
static void wake_io(struct httpd *h)
{
    uint64_t one = 1;
    ssize_t written = write(h->wake, &one, sizeof one);
    ASSERT(written == sizeof one);
}

static void *worker_main(void *arg)
{
    struct httpd *h = arg;
    pthread_mutex_lock(&h->lock);
    for (;;) {
        while (h->head == NULL && !atomic_load(&h->stopping)) {
            pthread_cond_wait(&h->ready, &h->lock);
        }
        struct request *q = h->head;
        if (q == NULL) {
            break; /* stopping, and every accepted request is answered */
        }
        h->head = q->next;
        if (h->head == NULL) {
            h->tail = &h->head;
        }
        pthread_mutex_unlock(&h->lock);
        call_handler(q);
        q->state = REQUEST_DONE;
        MHD_resume_connection(q->connection); /* q belongs to the I/O thread from here */
        wake_io(h);
        pthread_mutex_lock(&h->lock);
    }
    pthread_mutex_unlock(&h->lock);
    return NULL;
}

static void *io_main(void *arg)
{
    struct httpd *h = arg;
    const union MHD_DaemonInfo *i = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    ASSERT(i != NULL);
    struct pollfd fds[2] = {{.fd = i->epoll_fd, .events = POLLIN},
                            {.fd = h->wake, .events = POLLIN}};
    int64_t swept_us = clock_mono_us();
    while (!atomic_load(&h->ended)) {
        int wait_ms = h->peers == NULL ? -1 : SWEEP_MS;
        MHD_UNSIGNED_LONG_LONG due_ms = 0;
        if (h->again) {
            wait_ms = 0;
        } else if (wait_ms > 0 && MHD_get_timeout(h->daemon, &due_ms) == MHD_YES &&
                   due_ms < SWEEP_MS) {
            wait_ms = (int)due_ms;
        }
        h->again = false;
        poll(fds, ARRAY_LEN(fds), wait_ms);
        uint64_t wakes;
        if ((fds[1].revents & POLLIN) != 0 && read(h->wake, &wakes, sizeof wakes) < 0) {
            ASSERT(errno == EAGAIN);
        }
        MHD_run(h->daemon);
        int64_t now_us = clock_mono_us();
        if (now_us - swept_us > SWEEP_MS * 1000) {
            sweep(h, now_us);
            swept_us = now_us;
        }
    }
    return NULL;
}

/* --- start and stop -------------------------------------------------------------------------
 */

static int listen_on(const char *address, int port, struct err *e)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    bool is_v4 = inet_pton(AF_INET, address, &v4.sin_addr) == 1;
    if (!is_v4 && inet_pton(AF_INET6, address, &v6.sin6_addr) != 1) {
        return err_set(e, ERR_INVALID, "could not listen on \"%s\": not an IP address",
                       address);
    }
    int fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return err_set(e, ERR_UNAVAILABLE, "could not create a socket: %s", strerror(errno));
    }
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    int bound = is_v4 ? bind(fd, (struct sockaddr *)&v4, sizeof v4)
                      : bind(fd, (struct sockaddr *)&v6, sizeof v6);
    if (bound != 0 || listen(fd, LISTEN_BACKLOG) != 0) {
        int code = err_set(e, ERR_UNAVAILABLE, "could not listen on %s:%d: %s", address, port,
                           strerror(errno));
        close(fd);
        return code;
    }
    return fd;
}

static int start_threads(struct httpd *h, int threads, struct err *e)
{
    for (int i = 0; threads > 1 && i < threads; i++) {
        if (pthread_create(&h->workers[i], NULL, worker_main, h) != 0) {
            return err_set(e, ERR_FAIL, "could not start an http thread");
        }
        h->worker_count++;
    }
    if (pthread_create(&h->io, NULL, io_main, h) != 0) {
        return err_set(e, ERR_FAIL, "could not start an http thread");
    }
    return 0;
}

/* Everything but the I/O thread, which has ended or never was. */
static void release(struct httpd *h)
{
    pthread_mutex_lock(&h->lock);
    atomic_store(&h->stopping, true);
    pthread_cond_broadcast(&h->ready);
    pthread_mutex_unlock(&h->lock);
    for (int i = 0; i < h->worker_count; i++) {
        pthread_join(h->workers[i], NULL);
    }
    if (h->daemon != NULL) {
        MHD_run(h->daemon); /* resumes what the workers just answered */
        MHD_run(h->daemon); /* and sends it */
        MHD_stop_daemon(h->daemon);
    }
    close(h->wake);
    pthread_cond_destroy(&h->ready);
    pthread_mutex_destroy(&h->lock);
    free(h);
}

int httpd_start(struct httpd **out, const struct httpd_options *o, httpd_handler *handler,
                void *ctx, struct err *e)
{
    *out = NULL;
    int fd = listen_on(o->address, o->port, e);
    if (fd < 0) {
        return fd;
    }
    struct httpd *h = def_zalloc(1, sizeof *h);
    h->handler = handler;
    h->ctx = ctx;
    h->body_max = o->body_max_bytes != 0 ? o->body_max_bytes : BODY_MAX_DEFAULT;
    h->timeout_ms = o->timeout_ms != 0 ? o->timeout_ms : TIMEOUT_DEFAULT_MS;
    h->tail = &h->head;
    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->ready, NULL);
    h->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    unsigned timeout_s = (unsigned)((h->timeout_ms + 999) / 1000);
    h->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_access, h,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
        MHD_OPTION_CONNECTION_TIMEOUT, timeout_s, MHD_OPTION_URI_LOG_CALLBACK, on_uri, h,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, h, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, h, MHD_OPTION_END);
    int rc;
    if (h->wake < 0 || h->daemon == NULL) {
        rc = err_set(e, ERR_FAIL, "could not start the http server on %s:%d", o->address,
                     o->port);
        if (h->daemon == NULL) {
            close(fd);
        }
    } else {
        rc = start_threads(h, o->threads > THREADS_MAX ? THREADS_MAX : o->threads, e);
    }
    if (rc != 0) {
        release(h);
        return rc;
    }
    *out = h;
    return 0;
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

/* --- the operations page --------------------------------------------------------------------
 */

static void ops_handler(void *ctx, const struct httpd_request *q, struct httpd_reply *r)
{
    const struct httpd_ops *ops = ctx;
    r->content_type = "text/plain; charset=utf-8";
    bool metrics = str_eq(q->path, STR("/metrics"));
    bool ready = str_eq(q->path, STR("/readyz"));
    if (!metrics && !ready && !str_eq(q->path, STR("/healthz"))) {
        r->status = MHD_HTTP_NOT_FOUND;
        buf_adds(&r->body, "not found: try /metrics, /healthz or /readyz\n");
        return;
    }
    if (strcmp(q->method, "GET") != 0 && strcmp(q->method, "HEAD") != 0) {
        r->status = MHD_HTTP_METHOD_NOT_ALLOWED;
        httpd_reply_header(r, "Allow", "GET, HEAD");
        buf_adds(&r->body, "method not allowed\n");
        return;
    }
    if (metrics) {
        r->content_type = "text/plain; version=0.0.4; charset=utf-8";
        metric_write(ops->metrics, ops->metric_count, &r->body);
        if (ops->more != NULL) {
            ops->more(ops->ctx, &r->body);
        }
        return;
    }
    char reason[256] = "";
    if (ready && ops->ready != NULL && !ops->ready(ops->ctx, reason, sizeof reason)) {
        r->status = MHD_HTTP_SERVICE_UNAVAILABLE;
        buf_addf(&r->body, "%s\n", reason);
        return;
    }
    buf_adds(&r->body, "ok\n");
}

int httpd_start_ops(struct httpd **out, const char *address, int port,
                    const struct httpd_ops *ops, struct err *e)
{
    *out = NULL;
    if (port == 0) {
        return 0;
    }
    struct httpd_options o = {.address = address, .port = port};
    return httpd_start(out, &o, ops_handler, (void *)(uintptr_t)ops, e);
}
