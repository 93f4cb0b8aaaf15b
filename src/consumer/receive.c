/* receive.c - see receive.h. */
#include "consumer/receive.h"

#include "base/clock.h"
#include "base/daemon.h"
#include "base/log.h"
#include "consumer/tally.h"
#include "mq/consume.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* A broker that is silent for two of them is given up. */
enum { HEARTBEAT_S = 1 };

struct waiting {
    struct waiting *next;
    struct receive_event ev;
    uint64_t tag; /* of a frame, on that connection */
    uint64_t connection;
};

struct receive {
    struct receive_options o;
    pthread_t thread;
    int wake_fd; /* tells the reader: another place, credit to give back, or the end */
    pthread_mutex_t lock;
    pthread_cond_t arrived;
    /* under lock */
    bool stop;
    struct consume_place place; /* CONSUME_QUEUE: none yet */
    uint64_t generation;        /* counts places; what an older one brought is dropped */
    struct waiting *head, **tail;
    uint64_t connection; /* counts them; tags mean something on one alone */
    uint64_t taken_tag;  /* newest delivery of this connection that was popped */
    uint64_t acked_tag;
};

static void queue_clear(struct receive *r)
{
    while (r->head != NULL) {
        struct waiting *w = r->head;
        r->head = w->next;
        free(w->ev.mem);
        free(w);
    }
    r->tail = &r->head;
}

static void wake(struct receive *r)
{
    uint64_t one = 1;
    while (write(r->wake_fd, &one, sizeof one) < 0 && errno == EINTR) {
    }
}

static void place_set(struct receive *r, struct consume_place place)
{
    pthread_mutex_lock(&r->lock);
    r->place = place;
    r->generation++;
    queue_clear(r);
    pthread_mutex_unlock(&r->lock);
    wake(r);
}

void receive_first(struct receive *r)
{
    place_set(r, (struct consume_place){.from = CONSUME_FIRST});
}

void receive_offset(struct receive *r, uint64_t offset)
{
    place_set(r, (struct consume_place){.from = CONSUME_OFFSET, .offset = offset});
}

void receive_pop(struct receive *r, int timeout_ms, struct receive_event *ev)
{
    *ev = (struct receive_event){.kind = RECEIVE_NONE};
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)timeout_ms % 1000 * 1000000;
    until.tv_sec += timeout_ms / 1000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    bool credit = false;
    pthread_mutex_lock(&r->lock);
    while (r->head == NULL && timeout_ms > 0 &&
           pthread_cond_timedwait(&r->arrived, &r->lock, &until) == 0) {
    }
    struct waiting *w = r->head;
    if (w != NULL) {
        r->head = w->next;
        if (r->head == NULL) {
            r->tail = &r->head;
        }
        *ev = w->ev;
        if (w->ev.kind == RECEIVE_FRAME && w->connection == r->connection) {
            r->taken_tag = w->tag;
            credit = r->taken_tag - r->acked_tag > (r->o.prefetch - 1u) / 4u;
        }
    }
    pthread_mutex_unlock(&r->lock);
    free(w);
    if (credit) {
        wake(r);
    }
}

/* --- the reader's thread ------------------------------------------------------------------------- */

/* False when the reader is to stop or to read from elsewhere. */
static bool current(struct receive *r, uint64_t generation)
{
    pthread_mutex_lock(&r->lock);
    bool yes = !r->stop && r->generation == generation;
    pthread_mutex_unlock(&r->lock);
    return yes;
}

static bool push(struct receive *r, uint64_t generation, struct receive_event ev, uint64_t tag)
{
    struct waiting *w = def_zalloc(1, sizeof *w);
    w->ev = ev;
    w->tag = tag;
    pthread_mutex_lock(&r->lock);
    bool wanted = !r->stop && r->generation == generation;
    w->connection = r->connection;
    if (wanted) {
        *r->tail = w;
        r->tail = &w->next;
        if (ev.kind == RECEIVE_FRAME) { /* where to go on after a lost connection */
            r->place = (struct consume_place){.from = CONSUME_OFFSET, .offset = ev.offset};
        }
        pthread_cond_signal(&r->arrived);
    }
    pthread_mutex_unlock(&r->lock);
    if (!wanted) {
        free(ev.mem);
        free(w);
    }
    return wanted;
}

static int give_credit(struct receive *r, struct link *l, struct err *e)
{
    pthread_mutex_lock(&r->lock);
    uint64_t tag = r->taken_tag - r->acked_tag > (r->o.prefetch - 1u) / 4u ? r->taken_tag : 0;
    if (tag != 0) {
        r->acked_tag = tag;
    }
    pthread_mutex_unlock(&r->lock);
    return tag != 0 ? consume_ack(l, tag, e) : 0;
}

static int deliver(struct receive *r, uint64_t generation, const struct link_event *in,
                   struct err *e)
{
    struct receive_event ev = {.kind = RECEIVE_FRAME, .size = in->body.n};
    if (!consume_offset(in, &ev.offset)) {
        return err_set(e, ERR_PROTOCOL, "a delivery of \"%s\" has no stream offset",
                       r->o.stream);
    }
    ev.mem = def_alloc(in->body.n);
    if (in->body.n > 0) {
        memcpy(ev.mem, in->body.p, in->body.n);
    }
    tally_add(TALLY_FRAMES, 1);
    push(r, generation, ev, in->tag);
    return 0;
}

/* Waits for the socket or for a word from the consumer. */
static void wait_for(struct receive *r, const struct link *l)
{
    enum { BEAT_MS = 500 }; /* often enough for heartbeats */
    struct pollfd fds[2] = {{.fd = r->wake_fd, .events = POLLIN},
                            {.fd = l != NULL ? link_socket(l) : -1, .events = POLLIN}};
    bool pending = l != NULL && link_pending(l);
    if (poll(fds, l != NULL ? 2 : 1, pending ? 0 : BEAT_MS) > 0 &&
        (fds[0].revents & POLLIN) != 0) {
        uint64_t count;
        while (read(r->wake_fd, &count, sizeof count) < 0 && errno == EINTR) {
        }
    }
}

/* Reads until another place is wanted (0) or the subscription is lost (an error). */
static int pump(struct receive *r, struct link *l, uint64_t generation, struct err *e)
{
    int rc = 0;
    while (rc == 0 && current(r, generation)) {
        wait_for(r, l);
        rc = give_credit(r, l, e);
        struct link_event ev = {.kind = LINK_NONE};
        do {
            rc = rc == 0 ? link_next(l, 0, &ev, e) : rc;
            if (rc == 0 && ev.kind == LINK_DELIVER) {
                rc = deliver(r, generation, &ev, e);
            } else if (rc == 0 && ev.kind == LINK_CANCEL) {
                pthread_mutex_lock(&r->lock);
                if (r->generation == generation) {
                    r->place = (struct consume_place){.from = CONSUME_FIRST};
                }
                pthread_mutex_unlock(&r->lock);
                rc = err_set(e, ERR_CLOSED, "the broker cancelled the subscription");
            }
        } while (rc == 0 && ev.kind != LINK_NONE && link_pending(l));
    }
    return rc;
}

static int subscribe(struct receive *r, struct consume_place place, unsigned *turn,
                     struct link **out, struct err *e)
{
    char name[128];
    snprintf(name, sizeof name, "parkway consumer %s", r->o.name);
    struct link_options lo = {.name = name, .heartbeat_s = HEARTBEAT_S, .turn = turn};
    int rc = link_open(out, r->o.url, &lo, e);
    if (rc == 0) {
        pthread_mutex_lock(&r->lock);
        r->connection++;
        r->taken_tag = r->acked_tag = 0;
        pthread_mutex_unlock(&r->lock);
        rc = consume_start(*out, r->o.stream, "parkway", r->o.prefetch, place, e);
    }
    if (rc != 0) {
        link_close(*out);
        *out = NULL;
    }
    return rc;
}

static void *reader(void *arg)
{
    struct receive *r = arg;
    struct backoff backoff = {0};
    bool said = false; /* that the broker is away */
    unsigned turn = 0;
    uint64_t connections = 0;
    for (;;) {
        pthread_mutex_lock(&r->lock);
        struct consume_place place = r->place;
        uint64_t generation = r->generation;
        bool stop = r->stop;
        pthread_mutex_unlock(&r->lock);
        if (stop) {
            break;
        }
        if (place.from == CONSUME_QUEUE) {
            wait_for(r, NULL);
            continue;
        }
        struct err e = ERR_INIT;
        struct link *l = NULL;
        int rc = subscribe(r, place, &turn, &l, &e);
        if (rc == 0) {
            tally_set(TALLY_CONNECTED, 1);
            tally_add(TALLY_RECONNECTS, connections++ > 0);
            if (said) {
                log_info("log subscribed again stream=%s", r->o.stream);
            }
            said = false;
            backoff_reset(&backoff);
            push(r, generation,
                 (struct receive_event){.kind = RECEIVE_SUBSCRIBED,
                                        .from_first = place.from == CONSUME_FIRST},
                 0);
            rc = pump(r, l, generation, &e);
            link_close(l);
            tally_set(TALLY_CONNECTED, 0);
        }
        if (rc != 0) {
            if (!said) {
                log_warn("log not readable, retrying stream=%s reason=\"%s\"", r->o.stream,
                         e.text);
            }
            said = true;
            push(r, generation, (struct receive_event){.kind = RECEIVE_LOST}, 0);
            int64_t until = clock_mono_us() + backoff_next_ms(&backoff) * 1000;
            while (clock_mono_us() < until && current(r, generation)) {
                struct timespec nap = {0, 20 * 1000000};
                nanosleep(&nap, NULL);
            }
        }
    }
    return NULL;
}

struct receive *receive_new(const struct receive_options *o)
{
    struct receive *r = def_zalloc(1, sizeof *r);
    r->o = *o;
    r->tail = &r->head;
    r->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    ASSERT(r->wake_fd >= 0);
    pthread_mutex_init(&r->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&r->arrived, &attr);
    pthread_condattr_destroy(&attr);
    int rc = pthread_create(&r->thread, NULL, reader, r);
    ASSERT(rc == 0);
    return r;
}

void receive_free(struct receive *r)
{
    if (r == NULL) {
        return;
    }
    pthread_mutex_lock(&r->lock);
    r->stop = true;
    pthread_mutex_unlock(&r->lock);
    wake(r);
    pthread_join(r->thread, NULL);
    queue_clear(r);
    close(r->wake_fd);
    pthread_cond_destroy(&r->arrived);
    pthread_mutex_destroy(&r->lock);
    free(r);
}
