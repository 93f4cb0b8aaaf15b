/* report.c - see report.h. */
#include "consumer/report.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/rand.h"
#include "mq/publish.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { SPACING_MS = 100, REPEAT_MS = 1000 };

struct report {
    struct report_options o;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* under lock */
    struct link *link; /* for the interrupt at the end */
    bool stop;
    bool news;
    bool known;
    bool resend;
    struct position at;
    uint8_t incarnation[16];
    bool has_incarnation;
};

void report_applied(struct report *r, struct position at, const uint8_t *incarnation)
{
    pthread_mutex_lock(&r->lock);
    r->at = at;
    r->has_incarnation = incarnation != NULL;
    if (incarnation != NULL) {
        memcpy(r->incarnation, incarnation, sizeof r->incarnation);
    }
    r->known = true;
    r->news = true;
    pthread_cond_signal(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

void report_resend(struct report *r)
{
    pthread_mutex_lock(&r->lock);
    r->resend = true;
    r->news = true;
    pthread_cond_signal(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

/* The message of this moment; false when nothing is known yet. Call with the lock held. */
static bool compose(struct report *r, struct buf *out)
{
    char epoch[POSITION_TEXT_MAX];
    char lsn[POSITION_TEXT_MAX];
    char incarnation[UUID_TEXT_MAX] = "";
    if (!r->known) {
        return false;
    }
    epoch_text(r->at.epoch, epoch);
    lsn_text(r->at.lsn, lsn);
    if (r->has_incarnation) {
        uuid_text(r->incarnation, incarnation);
    }
    struct json j;
    buf_reset(out);
    json_init(&j, out, JSON_COMPACT);
    json_object(&j);
    json_key_text(&j, "replica", str_of(r->o.replica));
    json_key_text(&j, "epoch", str_of(epoch));
    json_key_text(&j, "lsn", str_of(lsn));
    json_key_text(&j, "incarnation", r->has_incarnation ? str_of(incarnation) : STR_NULL);
    json_key(&j, "resend");
    json_bool(&j, r->resend);
    json_object_end(&j);
    return true;
}

static int drain(struct link *l, struct err *e)
{
    struct link_event ev;
    int rc;
    do { /* confirms; a message that comes back finds its queue at the next try */
        rc = link_next(l, 0, &ev, e);
    } while (rc == 0 && ev.kind != LINK_NONE);
    return rc;
}

/* Waits for news or for the time of a repetition; false when it is time to stop. */
static bool wait_news(struct report *r, int64_t sent_us)
{
    pthread_mutex_lock(&r->lock);
    for (;;) {
        int64_t due = sent_us + (int64_t)(r->news ? SPACING_MS : REPEAT_MS) * 1000;
        int64_t left = due - clock_mono_us();
        if (r->stop || left <= 0) {
            break;
        }
        struct timespec until = {due / 1000000, due % 1000000 * 1000};
        pthread_cond_timedwait(&r->changed, &r->lock, &until);
    }
    bool go_on = !r->stop;
    pthread_mutex_unlock(&r->lock);
    return go_on;
}

static int send_once(struct report *r, struct link *l, struct buf *body, struct err *e)
{
    pthread_mutex_lock(&r->lock);
    bool any = compose(r, body);
    bool resend = any && r->resend;
    if (any) {
        r->news = false;
        r->resend = false;
    }
    pthread_mutex_unlock(&r->lock);
    int rc = drain(l, e);
    if (rc == 0 && any) {
        struct publish_message m = {.exchange = "",
                                    .key = r->o.queue,
                                    .content_type = "application/json",
                                    .type = "parkway.applied",
                                    .body = buf_str(body)};
        rc = publish_send(l, &m, e);
    }
    if (rc != 0 && resend) {
        report_resend(r);
    }
    return rc;
}

static void publish_link(struct report *r, struct link *l)
{
    pthread_mutex_lock(&r->lock);
    r->link = l;
    pthread_mutex_unlock(&r->lock);
}

static void *reporter(void *arg)
{
    struct report *r = arg;
    struct backoff backoff = {0};
    struct buf body = BUF_INIT;
    struct link *l = NULL;
    bool said = false;
    int64_t sent_us = 0;
    char name[128];
    snprintf(name, sizeof name, "parkway consumer %s report", r->o.replica);
    unsigned turn = 0;
    struct link_options lo = {.name = name, .turn = &turn};
    while (wait_news(r, sent_us)) {
        struct err e = ERR_INIT;
        int rc = 0;
        if (l == NULL) {
            rc = link_open(&l, r->o.url, &lo, &e);
            if (rc == 0) {
                publish_link(r, l);
                rc = publish_start(l, &e);
            }
        }
        if (rc == 0) {
            rc = send_once(r, l, &body, &e);
        }
        sent_us = clock_mono_us();
        if (rc == 0) {
            said = false;
            backoff_reset(&backoff);
            continue;
        }
        if (!said) {
            log_warn("applied position not reported, retrying reason=\"%s\"", e.text);
        }
        said = true;
        publish_link(r, NULL);
        link_close(l);
        l = NULL;
        sent_us += backoff_next_ms(&backoff) * 1000;
    }
    publish_link(r, NULL);
    link_close(l);
    buf_fini(&body);
    return NULL;
}

struct report *report_new(const struct report_options *o)
{
    struct report *r = def_zalloc(1, sizeof *r);
    r->o = *o;
    pthread_mutex_init(&r->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&r->changed, &attr);
    pthread_condattr_destroy(&attr);
    int rc = pthread_create(&r->thread, NULL, reporter, r);
    ASSERT(rc == 0);
    return r;
}

void report_free(struct report *r)
{
    if (r == NULL) {
        return;
    }
    pthread_mutex_lock(&r->lock);
    r->stop = true;
    if (r->link != NULL) {
        link_interrupt(r->link);
    }
    pthread_cond_signal(&r->changed);
    pthread_mutex_unlock(&r->lock);
    pthread_join(r->thread, NULL);
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->lock);
    free(r);
}
