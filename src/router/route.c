/* route.c - the way of a unit: what decide() needs to know is gathered, what it says is done.
 *
 * route_step may be entered again and again for one unit, each time something it waited for has
 * come (the primary's position, a replica that moved, a connection, the settings' values, the end
 * of a transaction on a replica); every time the decision is made anew from what is known then, so
 * no half-made choice has to be remembered. It ends by sending the unit, or by an answer. */
#include "base/clock.h"
#include "base/log.h"
#include "router/router_conf.h"
#include "router/session.h"

#include <stdio.h>

/* How long a read may wait for a replica. */
static int64_t wait_ms(const struct session *s)
{
    return s->wait_ms >= 0 ? s->wait_ms : router_conf()->wait_ms;
}

/* What SHOW parkway.route will tell of this unit; as text only when somebody asks. */
static void note(struct session *s)
{
    s->last = s->unit.decision;
    s->noted = true;
}

const char *route_text(const struct session *s, const char **why, char out[REASON_TEXT_MAX])
{
    *why = "";
    if (!s->noted) {
        return "";
    }
    *why = reason_text(s->last.why, s->last.detail, out);
    return s->last.target == DECIDE_REPLICA
               ? s->worker->router->targets.list[s->last.replica + 1].name
               : decide_target_text(s->last.target);
}

/* ---- servers ---- */

/* The session's own connection to the primary: true when it can be used now. */
static bool have_primary(struct session *s)
{
    if (s->primary != NULL) {
        return s->primary_ready;
    }
    struct backend_login login = login_for(s, &s->worker->router->targets.list[TARGET_PRIMARY]);
    struct err e = ERR_INIT;
    s->primary_ready = false;
    int rc =
        backend_open(&s->primary, s->worker, &s->worker->router->targets.list[TARGET_PRIMARY],
                     &login, &answer_ops, s, &e);
    if (rc != 0) {
        s->primary = NULL;
        session_error(s, "08001", e.text, NULL);
    }
    return false;
}

static struct pool *replica_pool(struct session *s, uint32_t target)
{
    if (s->pools[target] != NULL) {
        return s->pools[target];
    }
    struct target *t = &s->worker->router->targets.list[target];
    struct backend_login login = login_for(s, t);
    s->pools[target] = pool_of(s->worker, t, &login);
    return s->pools[target];
}

/* A connection to that replica, or a place in line. */
static bool have_replica(struct session *s, uint32_t target)
{
    if (s->replica != NULL) {
        if (s->replica->target->index == target) {
            return true;
        }
        session_release(s);
    }
    struct backend *b = pool_take(replica_pool(s, target), &s->pool_wait);
    if (b != NULL) {
        b->ops = &answer_ops;
        b->user = s;
        s->replica = b;
    }
    return b != NULL;
}

static void go(struct session *s, struct backend *b)
{
    s->serving = b;
    session_move(s, s->unit.closed ? SESSION_RUNNING : SESSION_OPEN);
    send_unit(s);
}

static void go_primary(struct session *s)
{
    if (!have_primary(s)) {
        return;
    }
    if (s->tx == DECIDE_TX_DEFERRED) {
        backend_query(s->primary, buf_str(&s->begin), false, TAG_BEGIN);
        s->tx = DECIDE_TX_PRIMARY;
    }
    tracing_write(s);
    session_release(s);
    go(s, s->primary);
}

/* The router's own BEGIN on a replica: READ ONLY whatever the client wrote (guard, layer c). */
static void begin_on_replica(struct session *s)
{
    static const char *const isolation[] = {
        [CLASSIFY_ISO_DEFAULT] = "",
        [CLASSIFY_ISO_READ_UNCOMMITTED] = " ISOLATION LEVEL READ UNCOMMITTED",
        [CLASSIFY_ISO_READ_COMMITTED] = " ISOLATION LEVEL READ COMMITTED",
        [CLASSIFY_ISO_REPEATABLE_READ] = " ISOLATION LEVEL REPEATABLE READ",
        [CLASSIFY_ISO_SERIALIZABLE] = " ISOLATION LEVEL SERIALIZABLE",
    };
    char text[80];
    snprintf(text, sizeof text, "BEGIN%s READ ONLY", isolation[s->modes.isolation]);
    backend_query(s->replica, str_of(text), false, TAG_BEGIN);
    s->tx = DECIDE_TX_REPLICA;
}

static void go_replica(struct session *s, uint32_t target)
{
    if (!have_replica(s, target)) {
        return;
    }
    if (s->vars.count > 0 && !s->replica->dirty) {
        vars_apply(s, s->replica);
    }
    if (s->tx == DECIDE_TX_DEFERRED) {
        begin_on_replica(s);
    }
    s->last_replica = target;
    s->last_returns = fresh_replica(s->worker->fresh, target)->returns;
    go(s, s->replica);
}

/* ---- transactions ---- */

/* The end of a transaction on a replica: the router's own text; the answer comes in answer.c. */
static void end_on_replica(struct session *s, bool commit)
{
    s->serving = s->replica;
    session_move(s, SESSION_RUNNING);
    backend_query(s->replica, commit ? STR("COMMIT") : STR("ROLLBACK"), false, TAG_END);
}

/* From the replica to the primary: what was read there stays read, the rest runs here. */
static void move_tx(struct session *s)
{
    meter_add(&s->worker->meter.moves_total, 1);
    session_release(s);
    session_drop_portals(s);
    s->tx = DECIDE_TX_DEFERRED;
    s->unit.primary = true;
    s->unit.why = REASON_TX_MOVED;
    s->unit.decision.target = DECIDE_PRIMARY;
    note(s);
    go_primary(s);
}

static void refuse_tx(struct session *s, const char *why)
{
    meter_add(&s->worker->meter.refusals_total, 1);
    s->retry_primary = true;
    session_error(s, "40001",
                  "could not serialize access: the read-only transaction cannot go on "
                  "on a replica",
                  why);
}

/* ---- the decision ---- */

static uint32_t fill_replicas(struct session *s, struct decide_replica *out)
{
    struct worker *w = s->worker;
    struct targets *t = &w->router->targets;
    int64_t now = clock_mono_us();
    if (!s->routed) {
        return 0;
    }
    for (uint32_t i = 1; i < t->count; i++) {
        const struct fresh_replica *r = fresh_replica(w->fresh, i);
        out[i - 1] = (struct decide_replica){
            .up = r->up && r->ejected_until_us <= now,
            .login = pool_login_ok(replica_pool(s, i)),
            .refused = s->unit.shape != 0 && w->catalog != NULL &&
                       cache_refused(w->cache, s->unit.shape, catalog_version(w->catalog)),
            .fresh = !s->other_epoch && fresh_covers(r->applied, s->need),
            .current = s->last_replica == i,
            .side = t->list[i].side,
            .outstanding = pool_outstanding(w, &t->list[i]),
            .weight = t->list[i].weight,
        };
    }
    return t->count - 1;
}

static void make_decision(struct session *s)
{
    struct unit *u = &s->unit;
    struct decide_replica replicas[TARGET_MAX];
    bool strong = s->level == DECIDE_STRONG;
    bool up = fresh_primary_up(s->worker->fresh);
    /* with the primary away nobody can say what a dirty session needs: one that has written since
     * it last knew goes there (and fails clearly), any other reads from what it last needed */
    bool unknowable = u->ask_failed || !up;
    bool dirty = strong ? !u->asked : s->dirty;
    struct judge_verdict none = {.why = u->why};
    struct decide_input in = {
        .text = u->mixed || u->primary || !u->executes ? NULL : u->sole,
        .verdict = u->judged && !u->primary ? &u->verdict : &none,
        .pins = s->pins,
        .user_parameters = u->user_types,
        .shaped = s->shaped_until_us > clock_mono_us(),
        .session_primary = s->to_primary || u->primary,
        .tx = s->tx,
        .tx_modes = s->modes,
        .tx_replica = s->tx == DECIDE_TX_REPLICA ? s->replica->target->index - 1 : 0,
        .tx_read_committed = s->modes.isolation <= CLASSIFY_ISO_READ_COMMITTED,
        .tx_holds = s->portal_open,
        .tx_failed = s->tx == DECIDE_TX_REPLICA && s->status == 'E',
        .end_first = u->sole != NULL && (u->sole->stmts[0].kind == CLASSIFY_COMMIT ||
                                         u->sole->stmts[0].kind == CLASSIFY_ROLLBACK),
        .retry_primary = s->retry_primary,
        .level = s->level,
        .dirty = dirty,
        .position_known = !dirty || (unknowable && !s->wrote && !strong),
        .other_epoch = s->other_epoch,
        .wait_over = u->waited || wait_ms(s) == 0,
        .primary_up = up,
        .no_replica_error = strcmp(router_conf()->no_replica, "error") == 0,
        .replicas = replicas,
        .replica_count = fill_replicas(s, replicas),
    };
    decide(&in, &u->decision);
}

static void ask(struct session *s)
{
    s->unit.asked = true;
    fresh_ask(s->worker->fresh, &s->wait);
}

static void await(struct session *s)
{
    struct unit *u = &s->unit;
    int64_t now = clock_mono_us();
    if (u->wait_since_us == 0) {
        u->wait_since_us = now;
        s->wait.nudged = false;
        u->wait_deadline_us = now + wait_ms(s) * 1000;
        meter_add(&s->worker->meter.waits_total, 1);
    }
    s->wait.deadline_us = u->wait_deadline_us;
    fresh_await(s->worker->fresh, &s->wait);
}

/* What the wait brought. */
static void take_answer(struct session *s)
{
    struct unit *u = &s->unit;
    if (u->asked && !u->ask_failed && s->wait.since_us != 0 && u->wait_since_us == 0) {
        if (s->wait.answered) {
            if (!epoch_eq(s->need.epoch, s->wait.answer.epoch) ||
                s->need.lsn < s->wait.answer.lsn) {
                s->need = s->wait.answer;
            }
            s->dirty = false;
            s->wrote = false;
            s->other_epoch = false;
        } else {
            u->ask_failed = true;
        }
    }
    if (u->wait_since_us != 0 && clock_mono_us() >= u->wait_deadline_us) {
        if (!u->waited) {
            meter_add(&s->worker->meter.stale_total, 1);
        }
        u->waited = true;
    }
}

/* A unit on a replica goes on after Flush with something that is no read: the rest is the
 * primary's. What was answered stays answered; the statements are parsed again there. */
static void leave_replica(struct session *s)
{
    if (s->tx == DECIDE_TX_REPLICA) {
        return;
    }
    session_release(s);
    s->unit.primary = true;
}

static void route_on(struct session *s)
{
    struct unit *u = &s->unit;
    if (s->routed && s->vars.stale && (s->status == 'I' || s->tx == DECIDE_TX_DEFERRED) &&
        u->read && !u->confirmed && s->primary_ready) {
        u->confirmed = true;
        vars_confirm(s);
        return;
    }
    if (u->primary && s->tx != DECIDE_TX_REPLICA) {
        u->decision.target = DECIDE_PRIMARY;
        u->decision.why = u->why;
        note(s);
        go_primary(s);
        return;
    }
    make_decision(s);
    struct decide_output *d = &u->decision;
    char why[REASON_TEXT_MAX];
    note(s);
    switch (d->target) {
    case DECIDE_PRIMARY: go_primary(s); break;
    case DECIDE_REPLICA:
        if (s->last_replica != 0 && !u->asked && s->tx != DECIDE_TX_REPLICA &&
            (s->last_replica != d->replica + 1 ||
             s->last_returns != fresh_replica(s->worker->fresh, d->replica + 1)->returns) &&
            s->level != DECIDE_EVENTUAL && fresh_primary_up(s->worker->fresh)) {
            /* another replica, or one that went back: it must have what the session was shown */
            s->dirty = true;
            ask(s);
            break;
        }
        go_replica(s, d->replica + 1);
        break;
    case DECIDE_ASK:
        if (u->asked) {
            go_primary(s); /* the primary cannot tell; it has to serve */
        } else {
            ask(s);
        }
        break;
    case DECIDE_WAIT: await(s); break;
    case DECIDE_MOVE: move_tx(s); break;
    case DECIDE_REFUSE: refuse_tx(s, reason_text(d->why, d->detail, why)); break;
    case DECIDE_ROUTER: /* not one that local.c knows how to answer */ go_primary(s); break;
    case DECIDE_ERROR:
        if (d->why == REASON_TX_FAILED) {
            session_refuse(s, "25P02", reason_text(d->why, d->detail, why), NULL);
            break;
        }
        session_error(s, d->why == REASON_PRIMARY_DOWN ? "08001" : "57P03",
                      reason_text(d->why, d->detail, why), NULL);
        break;
    }
}

/* COMMIT and ROLLBACK of a transaction that is the replica's. */
static bool ends_on_replica(struct session *s)
{
    const struct classify_stmt *c = unit_sole(s);
    if (s->tx != DECIDE_TX_REPLICA || c == NULL || s->unit.sent > 0 ||
        (c->kind != CLASSIFY_COMMIT && c->kind != CLASSIFY_ROLLBACK)) {
        return false;
    }
    s->unit.decision = (struct decide_output){.target = DECIDE_REPLICA,
                                              .replica = s->replica->target->index - 1,
                                              .why = REASON_TX_REPLICA};
    note(s);
    end_on_replica(s, c->kind == CLASSIFY_COMMIT && s->status != 'E');
    return true;
}

/* A cancel request is under way that would hit the unit. */
static bool aimed_at(const struct session *s)
{
    return (s->primary != NULL && s->primary->cancels > 0) ||
           (s->replica != NULL && s->replica->cancels > 0);
}

static void begin_unit(struct session *s)
{
    if (!s->unit.server && s->serving == NULL) {
        local_parts(s, "", s->status);
        return;
    }
    if (ends_on_replica(s) || local_answer(s)) {
        return;
    }
    s->refusal = (struct err)ERR_INIT;
    s->wait.since_us = 0;
    route_on(s);
}

void route_step(struct session *s)
{
    /* what it waits for is still to come: this is something else, as the primary's connection for a
     * unit that has been given up */
    if (s->state != SESSION_ROUTING || s->wait.list != NULL || s->pool_wait.pool != NULL ||
        s->confirming) {
        return;
    }
    if (s->held && aimed_at(s)) {
        return;
    }
    if (s->reporting) {
        local_position(s);
    } else if (s->cancelled) {
        session_error(s, "57014", "canceling statement due to user request", NULL);
    } else if (s->held) {
        s->held = false;
        begin_unit(s);
    } else {
        take_answer(s);
        if (s->refusal.code != 0) {
            s->refusal.code = 0; /* the pool has told fresh.c or keeps the login out */
        }
        route_on(s);
    }
    session_step(s);
}

void route_start(struct session *s)
{
    struct unit *u = &s->unit;
    bool going_on = s->state == SESSION_OPEN;
    unit_look(s);
    if (s->state == SESSION_CLOSED) {
        return;
    }
    session_move(s, SESSION_ROUTING);
    if (s->console) {
        admin_unit(s);
        return;
    }
    if (going_on && s->serving != NULL) {
        if (s->serving == s->primary || u->read) {
            go(s, s->serving);
            return;
        }
        leave_replica(s);
    }
    s->held = !going_on && aimed_at(s);
    if (!s->held) {
        begin_unit(s);
    }
}

void route_replay(struct session *s)
{
    struct unit *u = &s->unit;
    struct worker *w = s->worker;
    buf_reset(&s->hold);
    session_release(s);
    s->serving = NULL;
    u->primary = true;
    u->why = REASON_REFUSED;
    u->failed = false;
    u->sent = u->met; /* what a Flush has answered stays answered */
    if (s->tx == DECIDE_TX_REPLICA) {
        meter_add(&w->meter.moves_total, 1);
        session_drop_portals(s);
        s->tx = DECIDE_TX_DEFERRED;
    }
    meter_add(&w->meter.replays_total, 1);
    session_move(s, SESSION_ROUTING);
    u->decision.target = DECIDE_PRIMARY;
    u->decision.why = REASON_REFUSED;
    note(s);
    go_primary(s);
    if (s->state != SESSION_ROUTING) {
        session_step(s);
    }
}
