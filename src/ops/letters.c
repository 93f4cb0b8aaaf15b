/* letters.c - see letters.h.
 *
 * Letters are delivered without a bound on how many are unsettled, because those that stay must not come again while the others are
 * looked at; the broker has them on disk, and here is one at a time. A queue of more than 65,535 letters
 * is seen as far as that goes. */
#include "ops/letters.h"

#include "base/clock.h"
#include "base/daemon.h"
#include "event/member.h"
#include "event/setup.h"
#include "mq/consume.h"
#include "mq/topology.h"
#include "saga/declaration.h"
#include "saga/saga_conf.h"

#include <stdio.h>

enum {
    UNSETTLED_MAX = 65535,
    QUIET_MS = 2000,
    GIVEN_BACK_MS = 5000, /* a consumer that stays so long is no parkway dead */
    LOOK_US = 10000,
};

int letters_queues_load(struct letters_queues *out, struct err *e)
{
    struct buf path = BUF_INIT;
    *out = (struct letters_queues){0};
    saga_conf_path(&path);
    int rc = declaration_load(buf_cstr(&path), &out->declarations, e);
    buf_fini(&path);
    for (int i = 0;
         rc == 0 && i < out->declarations->worker_count && out->count < LETTERS_QUEUES_MAX - 1;
         i++) {
        out->names[out->count++] = out->declarations->workers[i].queue;
    }
    if (rc == 0) {
        out->names[out->count++] = saga_conf()->queue;
    }
    return rc;
}

void letters_queues_free(struct letters_queues *q)
{
    declaration_free(q->declarations);
    *q = (struct letters_queues){0};
}

static void name_of(const char *queue, const char *suffix, char out[256])
{
    snprintf(out, 256, "%s" TOPOLOGY_DEAD_SUFFIX "%s", queue, suffix);
}

/* A busy broker says that nothing is there when a quorum queue does not tell it in time: once is not believed. */
static int depth(struct link *l, const char *dead, int64_t *count, int64_t *consumers,
                 struct err *e)
{
    *count = *consumers = 0;
    int rc = topology_depth(l, dead, count, consumers, e);
    if (rc == 0 && *count + *consumers == 0) {
        rc = topology_depth(l, dead, count, consumers, e);
    }
    if (rc == ERR_NOT_FOUND) {
        *e = (struct err)ERR_INIT;
        rc = 0;
    }
    return rc;
}

int letters_count(struct link *l, const char *queue, int64_t *count, struct err *e)
{
    char dead[256];
    int64_t consumers;
    name_of(queue, "", dead);
    return depth(l, dead, count, &consumers, e);
}

static void describe(struct letter *out, const char *queue, const struct link_event *ev)
{
    struct link_death death;
    *out = (struct letter){.queue = queue, .event = ev, .id = STR("-"), .reason = STR("")};
    if (link_death(ev, &death)) {
        out->reason = death.reason;
        out->count = death.count;
        clock_text(death.time_s * 1000000, out->time);
    }
    if (ev->message_id.p != NULL && ev->message_id.n > 0) {
        out->id = ev->message_id;
    }
    if (member_check(ev->body)) {
        out->command = member_find(ev->body, "command");
        out->order = member_find(ev->body, "orderId");
    }
}

static int visit_all(struct link *in, const char *queue, int64_t count,
                     int (*visit)(void *, const struct letter *, enum letters_verdict *,
                                  struct err *),
                     void *ctx, int64_t *seen, struct err *e)
{
    int64_t until = clock_mono_us() + QUIET_MS * INT64_C(1000);
    enum letters_verdict verdict = LETTERS_KEEP;
    int rc = 0;
    while (rc == 0 && *seen < count && verdict != LETTERS_STOP && !daemon_stopping()) {
        struct link_event ev;
        rc = link_next(in, 100, &ev, e);
        if (rc == 0 && ev.kind == LINK_CANCEL) {
            rc = err_set(e, ERR_UNAVAILABLE, "the queue was deleted, or moved");
        } else if (rc == 0 && ev.kind == LINK_DELIVER) {
            struct letter l;
            describe(&l, queue, &ev);
            verdict = LETTERS_KEEP;
            rc = visit(ctx, &l, &verdict, e);
            ++*seen;
            if (rc == 0 && verdict == LETTERS_SETTLE) {
                rc = consume_ack_one(in, ev.tag, e);
            }
            until = clock_mono_us() + QUIET_MS * INT64_C(1000);
        } else if (rc == 0 && clock_mono_us() > until) {
            break; /* some are with somebody else */
        }
    }
    return rc;
}

/* Whose turn it is may be before the queue has got back what the one before held: that is so when its consumer is gone. */
static int wait_given_back(struct link *in, const char *dead, int64_t *count, struct err *e)
{
    int64_t until = clock_mono_us() + GIVEN_BACK_MS * INT64_C(1000);
    int64_t consumers;
    int rc = depth(in, dead, count, &consumers, e);
    while (rc == 0 && consumers > 0 && clock_mono_us() < until && !daemon_stopping()) {
        clock_sleep_us(LOOK_US);
        rc = depth(in, dead, count, &consumers, e);
    }
    return rc;
}

int letters_visit(const char *queue,
                  int (*visit)(void *ctx, const struct letter *l, enum letters_verdict *verdict,
                               struct err *e),
                  void *ctx, int64_t *seen, struct err *e)
{
    struct link_options o = {.name = "parkway dead"};
    struct link *in = NULL;
    char dead[256];
    char turn[256];
    int64_t count = 0, consumers = 0;
    *seen = 0;
    name_of(queue, "", dead);
    name_of(queue, ".turn", turn);
    int rc = link_open(&in, setup()->broker_url, &o, e);
    if (rc == 0) {
        rc = depth(in, dead, &count, &consumers, e);
    }
    if (rc == 0 && count + consumers > 0) {
        rc = topology_own(in, turn, 0, e);
        if (rc == ERR_CONFLICT) {
            rc = err_set(e, ERR_CONFLICT, "another parkway dead is at work on %s", queue);
        }
    }
    if (rc == 0 && count + consumers > 0) { /* again: the turn may have been somebody else's */
        rc = wait_given_back(in, dead, &count, e);
    }
    if (rc == 0 && count > 0) {
        rc = consume_start(in, dead, "dead", UNSETTLED_MAX,
                           (struct consume_place){.from = CONSUME_QUEUE}, e);
    }
    if (rc == 0) {
        rc = visit_all(in, queue, count, visit, ctx, seen, e);
    }
    link_close(in);
    return rc;
}
