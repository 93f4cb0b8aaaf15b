/* answer.c - what the servers say to a session's unit, on its way to the client.
 *
 * A replica's answer is held until it is complete, or HOLD_MAX long, or until the client's Flush is
 * met; as long as nothing is out, an error there leads to the unit being run on the primary, whose
 * answer is the one shown. What the primary says goes out as it comes. */
#include "base/clock.h"
#include "base/log.h"
#include "router/router_conf.h"
#include "router/session.h"

enum { PAD_MAX = 64 << 20 };

static bool holding(const struct session *s)
{
    return s->serving != NULL && s->serving == s->replica && !s->reached;
}

struct buf *answer_out(struct session *s)
{
    if (holding(s)) {
        return &s->hold;
    }
    wire_touch(&s->wire);
    return &s->wire.out;
}

void answer_release_hold(struct session *s)
{
    if (s->hold.len > 0) {
        s->reached = true;
        buf_addstr(&s->wire.out, buf_str(&s->hold));
        buf_shrink(&s->hold, 2 * HOLD_MAX);
        wire_touch(&s->wire);
    }
}

/* The client's Flush is met: what is held goes out. As long as that tells of statements only, the unit can
 * still be run elsewhere, from there on. */
static void meet_flush(struct session *s)
{
    struct unit *u = &s->unit;
    bool executed = s->reached;
    for (uint32_t i = u->met; i < u->sent && !executed; i++) {
        const struct part *p = &u->parts[i];
        executed = p->type == 'B' || p->type == 'E' ||
                   (p->type == 'D' && unit_msg(s, p).body.p[0] != 'S');
    }
    answer_release_hold(s);
    s->reached = executed;
    u->met = executed ? u->met : u->sent;
}

/* The client is behind: its server has to wait. */
static void hold_back(struct session *s, struct backend *b)
{
    if (wire_full(&s->wire)) {
        wire_pause(&b->wire);
    }
}

static void on_bytes(struct backend *b, const char *p, size_t n)
{
    struct session *s = b->user;
    if (b != s->serving) {
        return;
    }
    if (holding(s)) {
        if (s->hold.len + n <= HOLD_MAX) {
            buf_add(&s->hold, p, n);
            return;
        }
        answer_release_hold(s);
        s->reached = true;
    }
    wire_send(&s->wire, p, n);
    meter_add(&s->worker->meter.bytes_to_clients_total, n);
    hold_back(s, b);
}

/* What the primary says unasked; never into the middle of a row that a replica is sending. */
static void out_of_turn(struct session *s, struct backend *b, const struct msg *m)
{
    bool inside = s->serving != NULL && s->serving->stream_left > 0;
    buf_addstr(inside ? &s->later : &s->wire.out, (struct str){m->body.p - MSG_HEAD, m->size});
    wire_touch(&s->wire);
    hold_back(s, b);
}

static void release_later(struct session *s)
{
    if (s->later.len > 0) {
        buf_addstr(&s->wire.out, buf_str(&s->later));
        buf_fini(&s->later);
    }
}

/* The rest of a row that will never come, so that the client can read the error behind it. */
static bool pad_row(struct session *s, struct backend *b)
{
    static const char zeros[4096];
    if (b->stream_left > PAD_MAX) {
        session_fatal(s, "08006", "the server was lost in the middle of a row");
        return false;
    }
    while (b->stream_left > 0) {
        size_t n = b->stream_left < sizeof zeros ? b->stream_left : sizeof zeros;
        buf_add(&s->wire.out, zeros, n);
        b->stream_left -= n;
    }
    return true;
}

/* ---- errors ---- */

static bool is_refusal(struct str code)
{
    return str_eq(code, STR("25006")) || (code.n == 5 && memcmp(code.p, "42", 2) == 0) ||
           (code.n == 5 && memcmp(code.p, "0A", 2) == 0);
}

/* One more replay within router.replay_per_s? */
static bool budget(struct worker *w)
{
    int64_t now = clock_mono_us();
    double most = (double)router_conf()->replay_per_s;
    w->replay_tokens += (double)(now - w->replay_us) * 1e-6 * most;
    w->replay_us = now;
    if (w->replay_tokens > most) {
        w->replay_tokens = most;
    }
    if (w->replay_tokens < 1) {
        return false;
    }
    w->replay_tokens -= 1;
    return true;
}

/* In a transaction on a replica only what READ COMMITTED allows may be taken elsewhere. */
static bool may_move(const struct session *s)
{
    return s->tx != DECIDE_TX_REPLICA ||
           (s->modes.isolation <= CLASSIFY_ISO_READ_COMMITTED && !s->portal_open);
}

static void suspect_statements(struct session *s)
{
    for (uint32_t i = 0; i < s->unit.count; i++) {
        const struct part *p = &s->unit.parts[i];
        if (p->stmt != NULL && p->stmt->prep != NULL) {
            prepared_suspect(s->replica->prepared, p->stmt->prep);
        }
    }
    s->replica->unnamed = 0;
}

/* An error of the replica. True: the unit runs on the primary now. */
static bool replica_error(struct session *s, struct str body)
{
    struct unit *u = &s->unit;
    struct worker *w = s->worker;
    struct str code = msg_field(body, 'C');
    bool refusal = is_refusal(code);
    suspect_statements(s);
    if (str_eq(code, STR("57014"))) {
        return false; /* the client's own cancel */
    }
    if (u->judged && u->verdict.replica_only) {
        return false; /* the primary's answer would be that there is no such relation */
    }
    if (refusal && u->shape != 0 && !u->mixed && w->catalog != NULL) {
        cache_refuse(w->cache, u->shape, catalog_version(w->catalog));
    }
    if (s->reached) {
        meter_add(&w->meter.replay_too_late_total, 1);
        return false;
    }
    if (!may_move(s)) {
        if (!refusal) {
            return false;
        }
        meter_add(&w->meter.refusals_total, 1);
        s->retry_primary = true;
        buf_reset(&s->hold);
        session_error(s, "40001",
                      "could not serialize access: the read-only transaction cannot go "
                      "on on a replica",
                      NULL);
        session_step(s);
        return true;
    }
    if (!refusal && !budget(w)) {
        return false;
    }
    log_debug("replica refused a statement sqlstate=%.*s session=%u.%u", STR_ARG(code),
              w->index, s->slot);
    route_replay(s);
    return true;
}

static bool on_error(struct session *s, struct backend *b, const struct msg *m,
                     const struct expect *x)
{
    if (x != NULL && x->tag == TAG_BEGIN && b == s->primary) {
        /* what follows it on the wire would run outside the transaction */
        session_fatal(s, "40001", "the transaction could not be begun");
        return true;
    }
    if (x != NULL && x->tag == TAG_CONFIRM) {
        s->pins |= PIN_SETTER; /* the values are out of reach: stay on the primary */
        return true;
    }
    if (x != NULL && b == s->replica && (x->tag == TAG_VARS || x->tag == TAG_BEGIN)) {
        s->replica->unnamed = 0;
        route_replay(s); /* without them the unit means something else */
        return true;
    }
    if (b == s->replica && replica_error(s, m->body)) {
        return true;
    }
    stmts_forget_unconfirmed(s->worker, &s->stmts);
    if (b == s->primary) {
        stmts_not_on_primary(&s->stmts);
    }
    s->unit.failed = true;
    s->unit.copying = false;
    buf_addstr(answer_out(s), (struct str){m->body.p - MSG_HEAD, m->size});
    if (x != NULL && x->tag == TAG_TRACE) {
        tracing_failed(s);
    }
    return true;
}

/* ---- the end of a unit ---- */

/* DEALLOCATE and DISCARD take prepared statements away. */
static void note_statement(struct session *s, const struct classify_stmt *c)
{
    bool all = c->kind == CLASSIFY_DISCARD && str_eq(c->name, STR("all"));
    if (c->kind == CLASSIFY_ROLLBACK_TO) {
        s->traced = false; /* it may have been said behind the savepoint */
    }
    if (all || (c->kind == CLASSIFY_DEALLOCATE && c->name.p == NULL)) {
        stmts_clear(s->worker, &s->stmts);
    } else if (c->kind == CLASSIFY_DEALLOCATE) {
        struct stmt *stmt = stmts_find(&s->stmts, c->name);
        if (stmt != NULL) {
            stmts_drop(s->worker, &s->stmts, stmt);
        }
    }
    if (all || (c->kind == CLASSIFY_DISCARD && str_eq(c->name, STR("temp")))) {
        judge_scope_no_temps(&s->scope);
    }
}

/* What executing the unit on the primary has left behind. */
static void note_effects(struct session *s)
{
    struct unit *u = &s->unit;
    s->dirty = true;
    if (!u->read) {
        s->wrote = true;
        meter_add(&s->worker->meter.writes_total, 1);
    } else {
        meter_add(&s->worker->meter.reads_primary_total, 1);
    }
    if (!u->executes) {
        return;
    }
    if (u->unread && !u->failed) {
        s->pins |= PIN_SETTER;
    }
    /* never looked at: overlong, or a portal or statement that is not there, which only fails */
    bool unseen = !u->judged && (u->large || !u->failed);
    s->shaped = s->shaped || unseen || (u->judged && u->verdict.shapes);
    if (u->judged) {
        s->pins |= u->verdict.pins;
        if (!u->failed) {
            s->pins &= ~u->verdict.pins_clear;
        }
    } else if (!u->failed) {
        s->pins |= PIN_SETTER; /* never looked at: whatever it set cannot be known */
    }
    if (u->sole != NULL && !u->mixed) {
        judge_scope_temps(&s->scope, u->sole);
        vars_note(s, u->sole);
        for (uint32_t i = 0; i < u->sole->stmt_count && !u->failed; i++) {
            note_statement(s, &u->sole->stmts[i]);
        }
    } else if (u->mixed && s->vars.count > 0) {
        s->vars.stale = true; /* their names were noted by unit_look */
    }
}

static void finish(struct session *s, char status)
{
    release_later(s);
    msg_ready(answer_out(s), status);
    answer_release_hold(s);
    s->status = status;
    session_end_unit(s);
}

static void end_on_primary(struct session *s, char status)
{
    note_effects(s);
    if (s->tx == DECIDE_TX_PRIMARY && status == 'I') {
        s->retry_primary = false;
    }
    s->tx = status == 'I' ? DECIDE_TX_NONE : DECIDE_TX_PRIMARY;
    s->traced = s->traced && status != 'I';
    if (s->shaped && status == 'I') {
        s->shaped = false;
        s->shaped_until_us = clock_mono_us() + CATALOG_SEEN_MS * 1000;
    }
    if (s->report && status == 'I' && !s->unit.read) {
        s->status = status; /* the ReadyForQuery behind the position tells it */
        s->reporting = true;
        s->unit.asked = true;
        s->serving = NULL;
        session_move(s, SESSION_ROUTING);
        fresh_ask(s->worker->fresh, &s->wait);
        return;
    }
    finish(s, status);
}

static void end_on_replica(struct session *s, char status)
{
    meter_add(&s->worker->meter.reads_replica_total, 1);
    s->reads++;
    if (s->unit.wait_since_us != 0) {
        meter_add(&s->worker->meter.wait_us_total,
                  (uint64_t)(clock_mono_us() - s->unit.wait_since_us));
    }
    answer_release_hold(s);
    if (status == 'I') {
        s->tx = DECIDE_TX_NONE; /* an end behind a Flush was the replica's to answer */
    }
    bool done = s->tx != DECIDE_TX_REPLICA;
    s->portal_open = s->portal_open || (!done && s->unit.verdict.holds);
    s->reached = true;
    release_later(s);
    msg_ready(answer_out(s), status);
    s->status = status;
    if (done) {
        session_release(s);
    }
    session_end_unit(s);
}

/* The router's own COMMIT or ROLLBACK on the replica is done. */
static void end_of_tx(struct session *s)
{
    const struct classify_stmt *c = unit_sole(s);
    bool commit = c != NULL && c->kind == CLASSIFY_COMMIT && s->status != 'E';
    bool chain = c != NULL && c->chain;
    s->tx = chain ? DECIDE_TX_DEFERRED : DECIDE_TX_NONE;
    session_drop_portals(s);
    session_release(s);
    s->serving = NULL;
    local_parts(s, commit ? "COMMIT" : "ROLLBACK", chain ? 'T' : 'I');
}

static void on_sync(struct session *s, struct backend *b, const struct expect *x)
{
    if (x->tag == TAG_CONFIRM) {
        s->confirming = false;
        s->vars.stale = false;
        route_step(s);
        return;
    }
    if (b != s->serving) {
        return;
    }
    if (x->tag == TAG_END) {
        end_of_tx(s);
    } else if (x->show) {
        if (b == s->primary) {
            end_on_primary(s, b->tx);
        } else {
            end_on_replica(s, b->tx);
        }
    } else {
        return;
    }
    session_step(s);
}

/* ---- other messages ---- */

static void on_parsed(struct session *s, struct backend *b, const struct expect *x)
{
    struct stmt *stmt = stmts_serial(&s->stmts, x->tag - TAG_STMT);
    if (stmt != NULL) {
        stmt->confirmed = true;
        stmt->primary_pending = stmt->primary_pending && b != s->primary;
    }
}

/* The columns of a statement, whatever their table's number is. */
static uint64_t columns_hash(const struct msg *m)
{
    uint64_t h = 1469598103934665603u;
    struct msg_columns columns;
    struct msg_column c;
    if (m->type == 'n' || !msg_columns_open(m->body, &columns)) {
        return 1;
    }
    while (msg_columns_next(&columns, &c)) {
        h = (h ^ shape_hash(c.name)) * 1099511628211u;
        h = (h ^ c.type_oid) * 1099511628211u;
        h = (h ^ (uint32_t)c.type_mod) * 1099511628211u;
    }
    return h | 2;
}

/* The description of a statement that the client has from a replica; on the primary it must be the same. */
static void on_described(struct session *s, struct backend *b, const struct msg *m,
                         const struct expect *x)
{
    struct stmt *stmt = stmts_serial(&s->stmts, x->tag - TAG_STMT);
    if (stmt == NULL) {
        return;
    }
    if (b == s->replica) {
        stmt->described = columns_hash(m);
    } else if (stmt->described != columns_hash(m)) {
        msg_error(answer_out(s), 'E', "ERROR", "0A000",
                  "cached plan must not change result type", NULL, NULL);
        s->unit.failed = true;
        backend_hide_unit(b);
    }
}

/* CopyInResponse: the client's data goes to the server as it comes. Of an extended query, Syncs
 * sent before are ignored by the server; the client sends another after the data. Anything else
 * sent before, as the next Execute of a pipeline, is refused by it, and ends the unit as any error does. */
static void on_copy_in(struct session *s, struct backend *b, const struct expect *x)
{
    if (x->kind == EXPECT_EXECUTE && backend_follows(b)) {
        return;
    }
    s->unit.copying = true;
    if (x->kind == EXPECT_EXECUTE) {
        backend_drop_syncs(b);
        s->unit.closed = false;
        session_move(s, SESSION_OPEN);
    }
}

/* Numbers of tables and columns are the primary's, whoever answers; 0 where it has none. */
static void translate_tables(const struct session *s, uint8_t side, const struct msg *m)
{
    struct msg_columns columns;
    struct msg_column c;
    if (!msg_columns_open(m->body, &columns)) {
        return;
    }
    while (msg_columns_next(&columns, &c)) {
        if (c.table_oid == 0) {
            continue;
        }
        if (s->worker->catalog == NULL ||
            !catalog_on_primary(s->worker->catalog, side, &c.table_oid, &c.attribute)) {
            c.table_oid = 0;
            c.attribute = 0;
        }
        uint32_t oid = __builtin_bswap32(c.table_oid);
        uint16_t number = __builtin_bswap16(c.attribute);
        char *at = (char *)(uintptr_t)m->body.p + c.at; /* the backend's own buffer */
        memcpy(at, &oid, sizeof oid);
        memcpy(at + sizeof oid, &number, sizeof number);
    }
}

static bool on_message(struct backend *b, const struct msg *m, const struct expect *x)
{
    struct session *s = b->user;
    bool own = x != NULL && !x->show;
    bool comes_alone = m->type == 'S' || m->type == 'A' || m->type == 'N' || m->type == 'E';
    if (x == NULL && !comes_alone) {
        return false; /* backend.c lets no other message pass that nobody asked for */
    }
    switch (m->type) {
    case 'S':
    case 'A':
        if (b == s->primary) {
            out_of_turn(s, b, m);
        }
        return true;
    case 'N':
        if (b == s->primary && b != s->serving) {
            out_of_turn(s, b, m);
            return true;
        }
        return own;
    case 'E': return on_error(s, b, m, x);
    case 'Z': on_sync(s, b, x); return true;
    case 'D':
        if (x->tag == TAG_CONFIRM) {
            vars_row(s, m->body);
        }
        return true;
    case '1': on_parsed(s, b, x); break;
    case 'G':
        on_copy_in(s, b, x);
        answer_release_hold(s);
        break;
    case 'T':
        if (b == s->replica && b->target->kind == TARGET_IS_EVENT) {
            translate_tables(s, b->target->side, m);
        }
        /* fall through */
    case 'n':
        if (x->kind == EXPECT_DESCRIBE && x->tag >= TAG_STMT) {
            on_described(s, b, m, x);
        }
        break;
    default: break;
    }
    if (own) {
        return true;
    }
    buf_addstr(answer_out(s), (struct str){m->body.p - MSG_HEAD, m->size});
    if (s->state == SESSION_OPEN && b == s->serving && b->ring_len == 0) {
        meet_flush(s);
    }
    hold_back(s, b);
    if (m->type == 'G') {
        session_step(s);
    }
    return true;
}

static void on_ready(struct backend *b)
{
    struct session *s = b->user;
    s->primary_ready = true;
    s->generation = ++s->worker->serial;
    meter_add(&s->worker->meter.backends_total, 1);
    vars_restore(s, b);
    route_step(s);
}

static void on_drained(struct backend *b)
{
    struct session *s = b->user;
    if (b == s->serving || b == s->stream_to) {
        session_step(s);
    }
}

/* ---- losses ---- */

static void lost_primary(struct session *s, struct backend *b, const struct err *why)
{
    bool was_ready = s->primary_ready;
    bool serving = s->serving != NULL && s->serving == s->primary;
    bool in_tx = s->tx == DECIDE_TX_PRIMARY;
    /* 08001: nothing was sent; 08006: what was sent may have taken effect */
    const char *code = why->sqlstate[0] != '\0' ? why->sqlstate : was_ready ? "08006" : "08001";
    if (serving && b->stream_left > 0 && !pad_row(s, b)) {
        return;
    }
    s->primary = NULL;
    s->primary_ready = false;
    s->stream_to = NULL;
    if (was_ready && ((s->pins & PINS_CONNECTION) != 0 || s->vars.stale)) {
        session_fatal(s, "57P01",
                      "the primary's connection was lost, and session state with it");
        return;
    }
    if (in_tx) {
        s->tx = DECIDE_TX_DEFERRED;
        session_fail_tx(s);
    }
    if (s->confirming) {
        s->confirming = false;
        serving = true;
    }
    if (serving) {
        s->serving = NULL;
        s->dirty = true;
        s->wrote = s->wrote || !s->unit.read;
        session_error(s, code, why->text, NULL);
    } else if (s->state == SESSION_ROUTING && s->wait.list == NULL &&
               s->pool_wait.pool == NULL) {
        session_error(s, code, why->text, NULL); /* it waited for this connection */
    } else {
        s->tx_lost = in_tx;
    }
    session_step(s);
}

static void lost_replica(struct session *s, struct backend *b, const struct err *why)
{
    struct worker *w = s->worker;
    bool serving = s->serving == b;
    s->replica = NULL;
    pool_gone(b);
    fresh_eject(w->fresh, b->target->index, why->text);
    if (!serving) {
        if (s->tx == DECIDE_TX_REPLICA) {
            session_fail_tx(s);
            s->tx_lost = true;
        }
        if (s->held) {
            route_step(s); /* the cancel request that it waits for has lost its aim */
        }
        return;
    }
    s->serving = NULL;
    if (!s->reached && may_move(s)) {
        route_replay(s);
        return;
    }
    meter_add(&w->meter.lost_replica_total, 1);
    if (b->stream_left > 0 && !pad_row(s, b)) {
        return;
    }
    if (s->tx == DECIDE_TX_REPLICA) {
        session_fail_tx(s);
    }
    session_error(s, "08006", "the replica was lost in the middle of the answer", NULL);
    session_step(s);
}

static void on_lost(struct backend *b, const struct err *why)
{
    struct session *s = b->user;
    if (b == s->primary) {
        lost_primary(s, b, why);
    } else {
        lost_replica(s, b, why);
    }
}

const struct backend_ops answer_ops = {on_ready, on_bytes, on_message, on_drained, on_lost};
