/* retry.c - see retry.h. */
#include "relay/retry.h"

#include "base/log.h"
#include "event/setup.h"

#include <stdlib.h>

enum {
    TRIES = 3,         /* of an event that a queue refuses */
    CALM_US = 5000000, /* without a refusal: that is over */
    FIRST_US = 200000,
    MAX_US = 10000000,
};

static int64_t wait_us(unsigned tries)
{
    int64_t us = FIRST_US;
    for (unsigned i = 0; i < tries && us < MAX_US; i++) {
        us *= 2;
    }
    return us < MAX_US ? us : MAX_US;
}

static void count(struct metric *m)
{
    if (m != NULL) {
        metric_inc(m);
    }
}

static size_t bytes_of(const struct event *ev)
{
    return ev->body.len + ev->texts.len;
}

bool retry_is_full(const struct retry *r)
{
    return r->count >= r->count_max || r->bytes >= RETRY_MAX_BYTES;
}

/* One that is on its way again leaves a gap for a moment: that is no end of it. */
static void judge_full(struct retry *r, int64_t now_us)
{
    bool relaxed = r->count < (r->count_max + 1) / 2 && r->bytes < RETRY_MAX_BYTES / 2;
    if (r->full_us == 0 && retry_is_full(r)) {
        r->full_us = now_us;
        log_warn("too many refused messages wait, publishing waits for them count=%zu "
                 "hint=\"queues are full, or commands have none\"",
                 r->count);
    } else if (r->full_us != 0 && relaxed) {
        r->full_us = 0;
        log_info("publishing goes on, few refused messages wait count=%zu", r->count);
    }
}

int retry_refused(struct retry *r, const struct retry_counters *n, struct event *ev,
                  uint64_t safe_lsn, int64_t now_us, struct err *e)
{
    if (ev->exchange[0] == '\0') {
        event_free(ev);
        return err_set(e, ERR_UNAVAILABLE, "the broker refused an event for its stream");
    }
    count(n->refused);
    r->refused_us = now_us;
    if (!r->refusing) {
        r->refusing = true;
        log_warn("a queue refuses events, trying again key=%s id=%s", ev->key, ev->message_id);
    }
    struct retry_entry *entry = def_zalloc(1, sizeof *entry);
    *entry = (struct retry_entry){NULL, ev, safe_lsn, now_us + wait_us(ev->tries)};
    struct retry_entry **at = &r->first;
    while (*at != NULL && (*at)->due_us <= entry->due_us) {
        at = &(*at)->next;
    }
    entry->next = *at;
    *at = entry;
    r->count++;
    r->bytes += bytes_of(ev);
    judge_full(r, now_us);
    return 0;
}

struct event *retry_take(struct retry *r, const struct retry_counters *n, int64_t now_us,
                         uint64_t *safe_lsn)
{
    struct retry_entry *entry = r->first;
    if (entry == NULL || entry->due_us > now_us) {
        return NULL;
    }
    struct event *ev = entry->event;
    *safe_lsn = entry->safe_lsn;
    r->first = entry->next;
    r->count--;
    r->bytes -= bytes_of(ev);
    judge_full(r, now_us);
    free(entry);
    ev->tries++;
    if (ev->tries > TRIES && strcmp(ev->exchange, setup()->events_exchange) == 0) {
        count(n->diverted);
        if (!r->diverting) {
            r->diverting = true;
            log_warn("refused events go to the stream alone key=%s id=%s", ev->key,
                     ev->message_id);
        }
        ev->exchange[0] = '\0';
    }
    return ev;
}

void retry_calm(struct retry *r, int64_t now_us)
{
    if (r->refusing && r->count == 0 && now_us - r->refused_us > CALM_US) {
        r->refusing = false;
        r->diverting = false;
        log_info("no queue refuses events any more");
    }
}

uint64_t retry_safe_lsn(const struct retry *r)
{
    uint64_t lsn = UINT64_MAX;
    for (const struct retry_entry *n = r->first; n != NULL; n = n->next) {
        lsn = n->safe_lsn < lsn ? n->safe_lsn : lsn;
    }
    return lsn;
}

void retry_fini(struct retry *r)
{
    while (r->first != NULL) {
        struct retry_entry *entry = r->first;
        r->first = entry->next;
        event_free(entry->event);
        free(entry);
    }
    r->count = 0;
    r->bytes = 0;
}
