/* applied.c - the thread with the reading link: reports of the replicas, bindings, and whether
 * parkway.events really holds what was confirmed.
 *
 * That last check exists because `mandatory` cannot see it: while some other queue takes an event, a
 * missing binding of the stream goes unnoticed. Every event carries a running number (parkway:seq) of its
 * session. Twice a second, while events flow, the end of the stream is read: the last confirmed number must
 * be there, and the stream's offsets must have grown by as many as numbers were given out. When they have
 * grown by more, because others publish too, what came since the last check is read and the numbers themselves are
 * looked at (gapless.h). Only events that were seen so are released; a gap ends the session, and the next one sends
 * everything since the last check again (same message ids). How far nothing is missing is also
 * remembered on the primary now and then, for the next relay. */
#include "relay/forecast.h"
#include "relay/registry.h"
#include "relay/relay_conf.h"
#include "relay/resume.h"
#include "relay/roll.h"
#include "relay/session.h"

#include "base/clock.h"
#include "base/log.h"
#include "event/member.h"
#include "event/setup.h"
#include "mq/consume.h"
#include "mq/topology.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    BIND_US = 5000000,
    REPLICAS_US = 1000000,
    UNKNOWN_US = 500000, /* an unknown name makes us look again, at most this often */
    VERIFY_US = 500000,
    VERIFY_QUIET_US = 2000000, /* the awaited event has not come for this long: a gap */
    EVENTS_US = 3000000,       /* how far the events are whole, into parkway.relay */
    WRITE_US = 5000000,  /* applied positions into parkway.replicas, and only after rows */
    RESEND_US = 2000000, /* a session lives at least this long before a resend */
    WATCH_US = 1000000,  /* the slot's state */
    REMEMBER_US = 10000000,
    COMMANDS_US = 1000000, /* after commands their floor is written sooner, */
    COMMANDS_BYTES =
        16 << 20,    /* and whenever it has moved so far: a restart reads no more for them */
    OWN_US = 250000, /* between two tries to get the queue of reports */
    PREFETCH = 500,
    READ_HEARTBEAT_S = 3, /* this link is no lock: patience with a busy broker is worth more */
    QUEUE_MAX = 10000,    /* reports; the newest of a replica is all that counts */
};

enum { NEAR_S = 600 }; /* to the slot's bound: this is worth a warning */

static const char REPORTS[] = "parkway.reports";
static const char VERIFY[] = "parkway.verify";
static const char COUNT[] = "parkway.count";

struct applied {
    struct session *s;
    struct link *link;
    int64_t began_us;
    int64_t bind_us, replicas_us, write_us, watch_us, beat_us, remember_us;
    int unbound; /* queues of events.bindings that could not be bound */
    bool lost;   /* a registered replica has no row in the table */
    bool resend_wanted;
    bool settled; /* the row on the primary */
    struct forecast forecast;
    bool near_loss;
    uint64_t remembered_lsn; /* the floor of commands as written last */
    uint64_t remembered_commands;
    /* the check of the events stream */
    bool verifying;
    bool asked; /* the broker has answered a question since the stream went quiet */
    uint64_t target;
    uint64_t refused;
    int64_t verify_us;   /* when it began, or the last event came */
    struct gapless seen; /* the event of the last successful check */
    uint64_t seen_refused;
    bool counting; /* what came since is being read, up to this event */
    struct gapless counted, end;
    bool events_news; /* seen is further than what the primary knows */
    int64_t events_us;
};

/* --- replicas ---------------------------------------------------------------------------------- */

static int read_replicas(struct applied *a, struct err *e)
{
    struct session *s = a->s;
    struct rows *rows;
    a->replicas_us = clock_mono_us();
    int rc = registry_replicas(s->conn, &rows, e);
    if (rc != 0) {
        return rc;
    }
    size_t count = rows_count(rows);
    struct str *names = def_zalloc(count, sizeof *names);
    for (size_t i = 0; i < count; i++) {
        names[i] = rows_get(rows, i, 0);
    }
    pthread_mutex_lock(&s->lock);
    const struct str *lost = roll_call(s, names, count);
    int64_t heard = 0;
    for (size_t i = 0; i < s->replica_count; i++) {
        heard += s->replicas[i].registered && s->replicas[i].reported;
    }
    s->replicas_known = lost == NULL;
    atomic_fetch_add(&s->replicas_version, 1);
    pthread_mutex_unlock(&s->lock);
    if (lost != NULL && !a->lost) {
        log_error(
            "replica %.*s has no place, nothing is released: at most %d may be registered, "
            "with names of %d bytes hint=\"parkway replica drop\"",
            STR_ARG(*lost), SESSION_REPLICAS_MAX, SESSION_NAME_MAX - 1);
    }
    a->lost = lost != NULL;
    metric_set(session_metric(s, SESSION_REPLICAS), (int64_t)count);
    metric_set(session_metric(s, SESSION_REPLICAS_HEARD), heard);
    free(names);
    rows_free(rows);
    return 0;
}

static void on_report(struct applied *a, struct str body)
{
    struct session *s = a->s;
    metric_inc(session_metric(s, SESSION_REPORTS));
    if (!member_check(body)) {
        return;
    }
    struct buf name = BUF_INIT;
    struct buf epoch_in = BUF_INIT;
    struct buf lsn_in = BUF_INIT;
    struct epoch epoch = {0};
    uint64_t lsn = 0;
    bool ok = member_text(member_find(body, "replica"), &name) &&
              member_text(member_find(body, "epoch"), &epoch_in) &&
              member_text(member_find(body, "lsn"), &lsn_in) &&
              epoch_parse(buf_str(&epoch_in), &epoch) && lsn_parse(buf_str(&lsn_in), &lsn);
    if (ok) {
        pthread_mutex_lock(&s->lock);
        struct session_replica *r = roll_report(s, buf_str(&name));
        bool known = r != NULL && r->registered;
        if (r != NULL) {
            r->reported = true;
            r->epoch = epoch;
            r->lsn = lsn;
            atomic_fetch_add(&s->replicas_version, 1);
        }
        pthread_mutex_unlock(&s->lock);
        if (!known && clock_mono_us() - a->replicas_us > UNKNOWN_US) {
            a->replicas_us = 0; /* perhaps it was registered just now: look again at once */
        }
        if (str_eq(member_find(body, "resend"), STR("true"))) {
            a->resend_wanted = true;
            s->resend_at = (struct position){.epoch = epoch, .lsn = lsn};
        }
    }
    buf_fini(&name);
    buf_fini(&epoch_in);
    buf_fini(&lsn_in);
}

/* What the replicas have applied, for `parkway status`. Only until a replica has the last rows, so
 * that the write itself, which moves the primary's position, does not cause the next one. */
static int write_reports(struct applied *a, struct err *e)
{
    struct session *s = a->s;
    uint64_t data_lsn = atomic_load(&s->data_lsn);
    int64_t now = clock_mono_us();
    if (now - a->write_us < WRITE_US) {
        return 0;
    }
    a->write_us = now;
    struct session_replica copy[SESSION_REPLICAS_MAX];
    pthread_mutex_lock(&s->lock);
    size_t count = s->replica_count;
    for (size_t i = 0; i < count; i++) {
        struct session_replica *r = &s->replicas[i];
        copy[i] = *r;
        if (r->written_lsn < data_lsn) {
            r->written_lsn = r->lsn;
        }
    }
    pthread_mutex_unlock(&s->lock);
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++) {
        if (copy[i].registered && copy[i].reported && copy[i].written_lsn < data_lsn &&
            copy[i].written_lsn != copy[i].lsn) {
            rc = registry_report(s->conn, copy[i].name, copy[i].epoch, copy[i].lsn, e);
        }
    }
    return rc;
}

/* --- the slot, and what a restart needs -------------------------------------------------------- */

static void say_near_loss(struct applied *a, const struct registry_slot *slot, int64_t left_s)
{
    bool near_loss = slot->wal >= REGISTRY_UNRESERVED || (left_s >= 0 && left_s < NEAR_S);
    if (near_loss == a->near_loss) {
        return;
    }
    a->near_loss = near_loss;
    if (near_loss) {
        log_warn("the slot is near its bound held_bytes=%llu left_s=%lld hint=\"parkway status "
                 "names the replica that holds it\"",
                 (unsigned long long)slot->held_bytes, (long long)left_s);
    } else {
        log_info("the slot is not near its bound any more");
    }
}

static int watch_slot(struct applied *a, struct err *e)
{
    struct session *s = a->s;
    struct registry_slot slot;
    int64_t now = clock_mono_us();
    if (now - a->watch_us < WATCH_US) {
        return 0;
    }
    a->watch_us = now;
    int rc = registry_slot(s->conn, &slot, e);
    if (rc != 0) {
        return rc;
    }
    atomic_store(&s->asked_lsn, slot.wal_lsn);
    forecast_add(&a->forecast, now, slot.held_bytes);
    struct forecast_bounds bounds = {.held_bytes = slot.held_bytes,
                                     .budget_bytes = (uint64_t)relay_conf()->wal_budget_bytes,
                                     .safe_bytes = slot.safe_bytes};
    int64_t rate = forecast_rate(&a->forecast);
    int64_t left_s = forecast_left_s(rate, slot.held_bytes, forecast_limit(&bounds));
    metric_set(session_metric(s, SESSION_WAL_BUDGET), relay_conf()->wal_budget_bytes);
    metric_set(session_metric(s, SESSION_WAL_SAFE), slot.safe_bytes);
    metric_set(session_metric(s, SESSION_WAL_GROWTH), rate);
    metric_set(session_metric(s, SESSION_WAL_LEFT), left_s);
    metric_set(session_metric(s, SESSION_SLOT_STATE), (int64_t)slot.wal);
    say_near_loss(a, &slot, left_s);
    return 0;
}

/* The floor of commands: soon after there were some, and before a restart would have to read much for it.
 * Without heartbeats nothing is written on an idle system, because the write would be the next thing to
 * travel. */
static int remember(struct applied *a, struct err *e)
{
    struct session *s = a->s;
    int64_t now = clock_mono_us();
    uint64_t lsn = atomic_load(&s->commands_lsn);
    uint64_t commands = atomic_load(&s->commands);
    uint64_t moved = lsn > a->remembered_lsn ? lsn - a->remembered_lsn : 0;
    bool due = (relay_conf()->heartbeat_ms > 0 && now - a->remember_us >= REMEMBER_US) ||
               moved >= COMMANDS_BYTES ||
               (commands != a->remembered_commands && now - a->remember_us >= COMMANDS_US);
    if (!due || moved == 0) {
        return 0;
    }
    a->remember_us = now;
    a->remembered_lsn = lsn;
    a->remembered_commands = commands;
    return registry_remember(s->conn, lsn, forecast_rate(&a->forecast), e);
}

static int beat(struct applied *a, struct err *e)
{
    struct session *s = a->s;
    int64_t every_us = relay_conf()->heartbeat_ms * 1000;
    int64_t now = clock_mono_us();
    if (every_us == 0 || now - a->beat_us < every_us ||
        now - atomic_load(&s->moved_us) < every_us) {
        return 0;
    }
    a->beat_us = now;
    metric_inc(session_metric(s, SESSION_HEARTBEATS));
    return registry_beat(s->conn, e);
}

/* --- the check of the events stream ------------------------------------------------------------ */

static int verify_begin(struct applied *a, struct err *e)
{
    struct session *s = a->s;
    uint64_t refused = atomic_load(&s->refused_count);
    uint64_t target = atomic_load(&s->confirmed_seq);
    int64_t now = clock_mono_us();
    if (target <= atomic_load(&s->verified_seq) || now - a->verify_us < VERIFY_US) {
        return 0;
    }
    a->verifying = true;
    a->asked = false;
    a->target = target;
    a->refused = refused;
    a->verify_us = now;
    return consume_start(a->link, setup()->events_stream, VERIFY, PREFETCH,
                         (struct consume_place){.from = CONSUME_LAST}, e);
}

static int gap(struct applied *a, const char *what, struct err *e)
{
    a->verifying = false;
    metric_inc(session_metric(a->s, SESSION_GAPS));
    err_set(e, ERR_UNAVAILABLE,
            "stream %s misses events (%s); its binding to %s was missing, sending them again",
            setup()->events_stream, what, setup()->events_exchange);
    session_fail(a->s, SESSION_END_GAP, e);
    return 0;
}

static void verified(struct applied *a, const struct gapless *end)
{
    a->verifying = false;
    a->seen = *end;
    a->seen_refused = a->refused;
    a->events_news = true;
    atomic_store(&a->s->verified_seq, end->seq);
}

/* One of those since the last check. What somebody else put into the stream has no number of ours. */
static int on_count(struct applied *a, const struct link_event *ev, struct err *e)
{
    struct gapless one;
    if (!a->counting) {
        return 0; /* on its way when the counting ended */
    }
    a->verify_us = clock_mono_us();
    if (resume_number(ev, &one) && str_eq(str_of(one.run), str_of(a->s->run))) {
        gapless_feed(&a->counted, str_of(one.run), one.seq, one.offset, one.at);
    }
    if (a->counted.seq < a->end.seq && !a->counted.gap) {
        return consume_ack(a->link, ev->tag, e);
    }
    a->counting = false;
    int rc = consume_stop(a->link, COUNT, e);
    if (rc != 0) {
        return rc;
    }
    if (a->counted.gap) {
        return gap(a, "a number is missing", e);
    }
    verified(a, &a->end);
    return 0;
}

static int on_verify(struct applied *a, const struct link_event *ev, struct err *e)
{
    struct session *s = a->s;
    struct gapless end;
    if (!a->verifying || a->counting) {
        return 0; /* on its way when the check ended */
    }
    a->verify_us = clock_mono_us();
    a->asked = false;
    if (!resume_number(ev, &end) || !str_eq(str_of(end.run), str_of(s->run)) ||
        end.seq < a->target) {
        return consume_ack(a->link, ev->tag, e);
    }
    int rc = consume_stop(a->link, VERIFY, e);
    if (rc != 0) {
        return rc;
    }
    uint64_t numbers = end.seq - a->seen.seq;
    /* a redelivered older offset cannot happen: the awaited number is new */
    uint64_t room = end.offset > a->seen.offset ? (uint64_t)(end.offset - a->seen.offset) : 0;
    if (room + (a->refused - a->seen_refused) < numbers) {
        return gap(a, "fewer than were confirmed", e);
    }
    if (room <= numbers) {
        verified(a, &end);
        return 0;
    }
    a->counting = true;
    a->end = end;
    a->counted = a->seen;
    return consume_start(a->link, setup()->events_stream, COUNT, PREFETCH,
                         (struct consume_place){.from = CONSUME_OFFSET,
                                                .offset = (uint64_t)(a->seen.offset + 1)},
                         e);
}

/* The awaited event has not come. */
static int verify_quiet(struct applied *a, struct err *e)
{
    if (clock_mono_us() - a->verify_us < VERIFY_QUIET_US) {
        return 0;
    }
    if (!a->asked) {
        /* is it the broker that is slow? let it answer something first */
        int64_t depth;
        int rc = topology_depth(a->link, setup()->events_stream, &depth, NULL, e);
        a->asked = true;
        a->verify_us = clock_mono_us() - VERIFY_QUIET_US / 2;
        return rc;
    }
    return gap(a, "the last confirmed one is not there", e);
}

/* --- the loop ---------------------------------------------------------------------------------- */

/* The queue of reports is this connection's own: it needs no disk, because every replica repeats itself, and
 * a node of a cluster that dies takes nothing along that is missed. That of a relay before may live for a
 * moment after its lock. */
static int own_reports(struct applied *a, struct err *e)
{
    int rc;
    while ((rc = topology_own(a->link, setup()->log_applied_queue, QUEUE_MAX, e)) ==
               ERR_CONFLICT &&
           !session_stopping(a->s)) {
        struct link_event ignored;
        rc = link_next(a->link, OWN_US / 1000, &ignored, e);
        if (rc != 0) {
            break;
        }
    }
    return rc;
}

static int start_reports(struct applied *a, struct err *e)
{
    a->verifying = false;
    a->counting = false;
    return consume_start(a->link, setup()->log_applied_queue, REPORTS, PREFETCH,
                         (struct consume_place){.from = CONSUME_QUEUE}, e);
}

static int assert_bindings(struct applied *a, struct err *e)
{
    struct resume_unbound unbound;
    a->bind_us = clock_mono_us();
    int rc = resume_bind(a->link, &unbound, e);
    if (rc == 0 && unbound.count > 0) {
        rc = start_reports(a, e); /* the refusal cost the channel */
    }
    if (rc == 0 && unbound.count != a->unbound) {
        a->unbound = unbound.count;
        metric_set(session_metric(a->s, SESSION_BINDINGS_MISSING), unbound.count);
        if (unbound.count > 0) {
            log_warn("queues of events.bindings cannot be bound count=%d first=\"%s\"",
                     unbound.count, unbound.first);
        } else {
            log_info("all queues of events.bindings are bound");
        }
    }
    return rc;
}

/* What the primary must be told or asked, now and then. */
static int serve_primary(struct applied *a, struct err *e)
{
    struct session *s = a->s;
    int rc = 0;
    if (clock_mono_us() - a->replicas_us >= REPLICAS_US) {
        rc = read_replicas(a, e);
    }
    bool due = s->is_break ? atomic_load(&s->break_confirmed) : s->settle;
    if (rc == 0 && due && !a->settled) {
        rc = registry_settle(s->conn, s->epoch, s->slot_lsn, s->incarnation, e);
        a->settled = true;
    }
    if (rc == 0 && a->events_news && clock_mono_us() - a->events_us >= EVENTS_US) {
        a->events_us = clock_mono_us();
        a->events_news = false;
        rc = registry_events(s->conn, &a->seen, e);
    }
    if (rc == 0) {
        rc = watch_slot(a, e);
    }
    if (rc == 0) {
        rc = remember(a, e);
    }
    if (rc == 0) {
        rc = beat(a, e);
    }
    return rc == 0 ? write_reports(a, e) : rc;
}

static void serve_resend(struct applied *a)
{
    struct session *s = a->s;
    if (!a->resend_wanted) {
        return;
    }
    if (s->replayed_to > 0) {
        a->resend_wanted = false; /* this session is one */
        if (atomic_load(&s->log_lsn) < s->replayed_to) {
            return;
        }
        s->replayed_to = 0;
        return;
    }
    if (clock_mono_us() - a->began_us >= RESEND_US) {
        a->resend_wanted = false;
        struct err e = ERR_INIT;
        err_set(&e, ERR_UNAVAILABLE, "a replica asked for the log again");
        session_fail(s, SESSION_END_RESEND, &e);
    }
}

static int serve_broker(struct applied *a, struct err *e)
{
    struct link_event ev;
    int rc = link_next(a->link, 50, &ev, e);
    if (rc != 0) {
        return rc;
    }
    if (ev.kind == LINK_DELIVER && str_eq(ev.consumer, STR(REPORTS))) {
        on_report(a, ev.body);
        return consume_ack(a->link, ev.tag, e);
    }
    if (ev.kind == LINK_DELIVER && str_eq(ev.consumer, STR(COUNT))) {
        return on_count(a, &ev, e);
    }
    if (ev.kind == LINK_DELIVER) {
        return on_verify(a, &ev, e);
    }
    if (ev.kind == LINK_CANCEL) {
        return err_set(e, ERR_UNAVAILABLE, "the broker cancelled a consumer");
    }
    return 0;
}

void *applied_main(void *arg)
{
    struct session *s = arg;
    struct applied a = {.s = s,
                        .began_us = clock_mono_us(),
                        .bind_us = clock_mono_us(),
                        .remember_us = clock_mono_us(),
                        .remembered_lsn = s->commands_from_lsn};
    struct link_options o = {.name = "parkway relay applied",
                             .heartbeat_s = READ_HEARTBEAT_S,
                             .turn = &s->broker_turn};
    struct err e = ERR_INIT;
    bool primary = false;
    gapless_set(&a.seen, str_of(s->run), 0, s->events_offset, s->events_have);
    int rc = link_open(&a.link, setup()->broker_url, &o, &e);
    if (rc == 0) {
        atomic_store(&s->read_link, a.link);
        rc = own_reports(&a, &e);
    }
    if (rc == 0) {
        rc = start_reports(&a, &e);
    }
    while (rc == 0 && !session_stopping(s)) {
        atomic_store(&s->turn_us, clock_mono_us());
        rc = serve_broker(&a, &e);
        if (rc == 0) {
            rc = a.verifying ? verify_quiet(&a, &e) : verify_begin(&a, &e);
        }
        if (rc == 0 && clock_mono_us() - a.bind_us >= BIND_US) {
            rc = assert_bindings(&a, &e);
        }
        if (rc == 0) {
            serve_resend(&a);
            rc = serve_primary(&a, &e);
            primary = rc != 0;
        }
    }
    if (rc != 0) {
        session_fail(s, primary ? SESSION_END_PRIMARY : SESSION_END_BROKER, &e);
    }
    pthread_mutex_lock(&s->lock);
    atomic_store(&s->read_link, NULL);
    pthread_mutex_unlock(&s->lock);
    link_close(a.link);
    return NULL;
}
