/* eventpage.c - see eventpage.h. Source: HTML Living Standard, 9.2 "Server-sent events".
 *
 * A stream is a tail of the broker's stream and the producer that writes it. The producer takes what is there and never waits: with
 * nothing there it says HTTPD_WAIT, and a thread of the page, the watcher, looks at the sockets of all streams that wait and wakes
 * the one whose socket can be read. So an idle stream costs a connection and no worker, and an event is
 * on its way at once. A stream is in one of three states:
 *
 *   BUSY     the producer has it (or a worker is about to); nobody else touches its link
 *   WAITING  the watcher looks at its socket; it wakes it once and then leaves it alone
 *   WOKEN    the producer will come
 *
 * The link goes from one worker to the next with the producer's turns, which httpd puts in order. The lock is for the states and
 * the list; a release takes a stream out of the list under it, so that the watcher never wakes one that has gone. Once a second
 * the producer comes by itself, for the link's heartbeats.
 *
 * Looking for a position reads the stream from its first message: that is done in turns of SKIP_MAX messages, so that a
 * worker is never held for long. */
#include "command/eventpage.h"

#include "base/clock.h"
#include "base/log.h"
#include "command/command_conf.h"
#include "event/member.h"
#include "event/tail.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    PREFETCH = 64,
    SKIP_MAX = 2000, /* messages that are not wanted, in one turn */
    LOOK_MS = 1000,  /* heartbeats of the link */
    COMMENT_US = 15000000,
    STREAMS_MAX = 1024,
};

enum stream_state { STREAM_BUSY, STREAM_WAITING, STREAM_WOKEN };

struct stream {
    struct eventpage *page;
    struct httpd_stream *http;
    struct tail *tail;
    char *key;
    int socket;
    int64_t said_us;         /* when something was written last */
    enum stream_state state; /* under the page's lock, as are the two: */
    struct stream *next, **link;
};

struct eventpage {
    int streams_max;
    pthread_mutex_t lock;
    struct stream *first; /* all streams */
    int count;            /* and those that are being opened */
    bool stopping;
    int wake_fd; /* eventfd: the list has changed */
    pthread_t watcher;
};

static void kick(struct eventpage *p)
{
    uint64_t one = 1;
    ssize_t n = write(p->wake_fd, &one, sizeof one);
    ASSERT(n == sizeof one);
}

/* ---- the watcher --------------------------------------------------------------------------------- */

/* Those that wait, under the lock; [0] is the eventfd. */
static size_t collect(struct eventpage *p, struct pollfd *fds)
{
    size_t n = 0;
    fds[n++] = (struct pollfd){.fd = p->wake_fd, .events = POLLIN};
    for (struct stream *s = p->first; s != NULL && n <= STREAMS_MAX; s = s->next) {
        if (s->state == STREAM_WAITING) {
            fds[n++] = (struct pollfd){.fd = s->socket, .events = POLLIN};
        }
    }
    return n;
}

/* A descriptor may have been closed and used again since it was looked at: then a stream is woken for nothing. */
static void wake_ready(struct eventpage *p, const struct pollfd *fds, size_t n)
{
    for (struct stream *s = p->first; s != NULL; s = s->next) {
        for (size_t i = 1; i < n && s->state == STREAM_WAITING; i++) {
            if (fds[i].fd == s->socket && fds[i].revents != 0) {
                s->state = STREAM_WOKEN;
                httpd_wake(s->http);
            }
        }
    }
}

static void *watch(void *arg)
{
    struct eventpage *p = arg;
    struct pollfd *fds = def_zalloc(STREAMS_MAX + 1, sizeof *fds);
    pthread_mutex_lock(&p->lock);
    while (!p->stopping) {
        size_t n = collect(p, fds);
        pthread_mutex_unlock(&p->lock);
        (void)!poll(fds, n, -1);
        if (fds[0].revents != 0) {
            uint64_t ignored;
            (void)!read(p->wake_fd, &ignored, sizeof ignored);
        }
        pthread_mutex_lock(&p->lock);
        wake_ready(p, fds, n);
    }
    pthread_mutex_unlock(&p->lock);
    free(fds);
    return NULL;
}

struct eventpage *eventpage_new(int streams_max)
{
    struct eventpage *p = def_zalloc(1, sizeof *p);
    p->streams_max = streams_max < STREAMS_MAX ? streams_max : STREAMS_MAX;
    p->wake_fd = eventfd(0, EFD_CLOEXEC);
    pthread_mutex_init(&p->lock, NULL);
    ASSERT(p->wake_fd >= 0);
    int rc = pthread_create(&p->watcher, NULL, watch, p);
    ASSERT(rc == 0);
    return p;
}

void eventpage_free(struct eventpage *p)
{
    pthread_mutex_lock(&p->lock);
    ASSERT(p->first == NULL);
    p->stopping = true;
    pthread_mutex_unlock(&p->lock);
    kick(p);
    pthread_join(p->watcher, NULL);
    pthread_mutex_destroy(&p->lock);
    close(p->wake_fd);
    free(p);
}

/* ---- an event ------------------------------------------------------------------------------------ */

/* A line break in the text of a field would end it: each line is a field of its own. JSON has none but between its
 * tokens. */
static void add_data(struct buf *out, struct str text)
{
    size_t from = 0;
    for (size_t i = 0; i <= text.n; i++) {
        if (i == text.n || text.p[i] == '\n' || text.p[i] == '\r') {
            buf_addf(out, "data: %.*s\n", (int)(i - from), text.p + from);
            from = i + 1;
        }
    }
}

static void add_event(struct buf *out, const struct link_event *m)
{
    struct buf text = BUF_INIT;
    struct json j;
    struct str time = STR_NULL;
    (void)link_header_text(m, "cloudEvents:time", &time);
    json_init(&j, &text, JSON_COMPACT);
    json_object(&j);
    json_key_text(&j, "position", m->message_id);
    json_key_text(&j, "key", m->key);
    json_key_text(&j, "time", time);
    json_key(&j, "data");
    if (member_check(m->body)) {
        json_raw(&j, m->body);
    } else {
        json_text(&j, m->body);
    }
    json_object_end(&j);
    if (m->message_id.p != NULL) {
        buf_addf(out, "id: %.*s\n", STR_ARG(m->message_id));
    }
    add_data(out, buf_str(&text));
    buf_u8(out, '\n');
    buf_fini(&text);
}

/* ---- a stream ------------------------------------------------------------------------------------ */

/* What is there, as far as a chunk goes; *empty: the link has nothing more for now. */
static int take(struct stream *s, struct buf *out, bool *empty, struct err *e)
{
    int rc = 0;
    *empty = false;
    for (int skipped = 0; rc == 0 && out->len < HTTPD_CHUNK && skipped < SKIP_MAX;) {
        struct link_event m;
        bool wanted;
        rc = tail_next(s->tail, 0, &m, &wanted, e);
        if (rc == 0 && m.kind == LINK_NONE) {
            *empty = true;
            break;
        }
        if (rc == 0 && wanted) {
            add_event(out, &m);
        }
        skipped += !wanted;
    }
    return rc;
}

static enum httpd_turn next(void *ctx, struct buf *out, int64_t *wait_ms)
{
    struct stream *s = ctx;
    struct eventpage *p = s->page;
    struct err e = ERR_INIT;
    bool empty;
    pthread_mutex_lock(&p->lock);
    s->state = STREAM_BUSY;
    pthread_mutex_unlock(&p->lock);
    if (take(s, out, &empty, &e) != 0) {
        log_warn("events given up reason=\"%s\"", e.text);
        return HTTPD_FAILED;
    }
    int64_t now = clock_mono_us();
    if (out->len == 0 && now - s->said_us >= COMMENT_US) {
        buf_adds(out, ":\n\n");
    }
    if (out->len > 0) {
        s->said_us = now;
        return HTTPD_MORE;
    }
    *wait_ms = LOOK_MS;
    pthread_mutex_lock(&p->lock);
    if (empty && !tail_pending(s->tail)) {
        s->state = STREAM_WAITING;
    } else {
        s->state = STREAM_WOKEN;
        httpd_wake(s->http);
    }
    pthread_mutex_unlock(&p->lock);
    kick(p);
    return HTTPD_WAIT;
}

static void leave(struct eventpage *p)
{
    pthread_mutex_lock(&p->lock);
    p->count--;
    pthread_mutex_unlock(&p->lock);
}

static void release(void *ctx)
{
    struct stream *s = ctx;
    struct eventpage *p = s->page;
    pthread_mutex_lock(&p->lock);
    *s->link = s->next;
    if (s->next != NULL) {
        s->next->link = s->link;
    }
    p->count--;
    pthread_mutex_unlock(&p->lock);
    kick(p); /* its socket is looked at no more */
    tail_close(s->tail);
    free(s->key);
    free(s);
}

static bool enter(struct eventpage *p)
{
    pthread_mutex_lock(&p->lock);
    bool room = p->count < p->streams_max;
    p->count += room;
    pthread_mutex_unlock(&p->lock);
    return room;
}

/* From where on: the last id that the client has seen wins over `from`. */
static int place_of(struct request *q, struct tail_place *out, struct err *e)
{
    const char *last = httpd_header(q->http, "Last-Event-ID");
    const char *from = httpd_query(q->http, "from");
    if (last != NULL && last[0] != '\0') {
        if (!tail_place_parse(last, out) || out->from.lsn == 0) {
            return err_set(e, ERR_INVALID, "Last-Event-ID is no position: %s", last);
        }
        out->behind = true;
    } else if (!tail_place_parse(from != NULL ? from : "next", out)) {
        return err_set(e, ERR_INVALID,
                       "from is first, last, next, a position, offset:N or a time, not %s",
                       from);
    }
    return 0;
}

static void begin(struct request *q, struct stream *s)
{
    struct eventpage *p = s->page;
    q->reply->content_type = "text/event-stream";
    httpd_reply_header(q->reply, "Cache-Control", "no-store");
    buf_adds(&q->reply->body, "retry: 1000\n\n");
    s->said_us = clock_mono_us();
    s->http = httpd_reply_stream(q->reply, next, release, s);
    pthread_mutex_lock(&p->lock);
    s->state = STREAM_BUSY;
    s->next = p->first;
    s->link = &p->first;
    if (s->next != NULL) {
        s->next->link = &s->next;
    }
    p->first = s;
    pthread_mutex_unlock(&p->lock);
}

void eventpage_live(struct request *q)
{
    struct eventpage *p = q->events;
    struct tail_options o = {.name = "parkway command (events)", .prefetch = PREFETCH};
    struct err e = ERR_INIT;
    if (place_of(q, &o.place, &e) != 0) {
        request_fail(q, &e);
        return;
    }
    if (!enter(p)) {
        httpd_reply_header(q->reply, "Retry-After", "5");
        request_refuse(q, 503, "%d streams of events are open already (command.event_streams)",
                       p->streams_max);
        return;
    }
    const char *key = httpd_query(q->http, "key");
    struct stream *s = def_zalloc(1, sizeof *s);
    s->page = p;
    s->key = key != NULL && key[0] != '\0' ? def_strdup(key) : NULL;
    o.key = s->key;
    if (tail_open(&s->tail, &o, &e) != 0) {
        e.code = ERR_UNAVAILABLE; /* also without the stream, which the relay makes */
        request_fail(q, &e);
        free(s->key);
        free(s);
        leave(p);
        return;
    }
    s->socket = tail_socket(s->tail);
    begin(q, s);
}
