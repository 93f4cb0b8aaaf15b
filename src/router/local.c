/* local.c - what the router answers itself: BEGIN (sent later, with the first statement), the end of a
 * transaction that no server knows of, everything in a transaction that the router had to fail, and
 * the settings parkway.*, which exist nowhere else.
 *
 *   parkway.position   the position that holds all this session has written and seen
 *   parkway.freshness  eventual | session | strong
 *   parkway.report     on: writes are answered with ParameterStatus parkway.position
 *   parkway.route      where the last statement went and why; SET to primary | auto
 *   parkway.traceparent  the trace that this session's writes belong to (tracing.c)
 *   parkway.wait_ms    how long this session's reads may wait for a replica; default router.wait_ms */
#include "router/router_conf.h"
#include "router/session.h"

#include <stdio.h>
#include <strings.h>

enum { WAIT_MAX_MS = 60000 };

/* ---- replies to a unit's parts ---- */

static void column(struct buf *out, const char *name)
{
    msg_text_columns(out, &name, 1);
}

/* value.p NULL: no row. tag "": nothing is executed. */
static void parts_with(struct session *s, const char *tag, const char *name, struct str value,
                       char status)
{
    struct buf *out = &s->wire.out;
    bool row = value.p != NULL;
    for (uint32_t i = 0; i < s->unit.count; i++) {
        const struct part *p = &s->unit.parts[i];
        struct msg m = unit_msg(s, p);
        switch (p->type) {
        case 'P':
            p->stmt->confirmed = true;
            msg_empty(out, '1');
            break;
        case 'B': msg_empty(out, '2'); break;
        case 'C': msg_empty(out, '3'); break;
        case 'D':
            if (m.body.n > 0 && m.body.p[0] == 'S') {
                size_t mark = msg_begin(out, 't');
                buf_u16(out, 0);
                msg_end(out, mark);
            }
            if (row) {
                column(out, name);
            } else {
                msg_empty(out, 'n');
            }
            break;
        case 'Q':
            if (row) {
                column(out, name);
            }
            /* fall through */
        case 'E':
            if (row) {
                msg_text_row(out, &value, 1);
            }
            msg_complete(out, str_of(tag));
            break;
        default: break;
        }
    }
    s->status = status;
    if (s->unit.closed) {
        msg_ready(out, status);
    }
    wire_touch(&s->wire);
    meter_add(&s->worker->meter.router_answers_total, 1);
    session_end_unit(s);
}

void local_parts(struct session *s, const char *tag, char status)
{
    parts_with(s, tag, "", STR_NULL, status);
}

/* ---- parkway.* ---- */

static bool parse_bool(struct str v, bool *out)
{
    static const char *const yes[] = {"on", "true", "yes", "1", "t", "y"};
    static const char *const no[] = {"off", "false", "no", "0", "f", "n"};
    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        if (v.n == strlen(yes[i]) && strncasecmp(v.p, yes[i], v.n) == 0) {
            *out = true;
            return true;
        }
        if (v.n == strlen(no[i]) && strncasecmp(v.p, no[i], v.n) == 0) {
            *out = false;
            return true;
        }
    }
    return false;
}

static const char *set_position(struct session *s, struct str value)
{
    struct position p;
    struct epoch now = fresh_epoch(s->worker->fresh);
    if (value.n == 0) {
        return NULL;
    }
    if (!position_parse(value, &p)) {
        return "parkway.position: not a position";
    }
    p.ordinal = 0;
    p.part = 0;
    if (p.epoch.timeline == 0) {
        p.epoch = s->need.epoch.timeline != 0 ? s->need.epoch : now;
    }
    if (now.timeline != 0 && !epoch_eq(p.epoch, now)) {
        s->other_epoch = true; /* until the primary's position is known to this session */
        s->dirty = true;
    } else if (!epoch_eq(p.epoch, s->need.epoch) || s->need.lsn < p.lsn) {
        s->need = p;
    }
    /* the token says what the session must see, so nothing has to be asked for it; what the session
     * itself wrote before is still unknown */
    s->dirty = s->dirty && (s->wrote || s->units > 0 || s->other_epoch);
    return NULL;
}

static bool set_wait(struct session *s, struct str value)
{
    int64_t ms = 0;
    s->wait_ms = -1;
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] < '0' || value.p[i] > '9' || ms > WAIT_MAX_MS) {
            return false;
        }
        ms = ms * 10 + (value.p[i] - '0');
    }
    if (value.p != NULL) {
        s->wait_ms = ms;
    }
    return value.p == NULL || (value.n > 0 && ms <= WAIT_MAX_MS);
}

const char *local_set(struct session *s, struct str name, struct str value)
{
    struct str key = {name.p + 8, name.n - 8};
    bool initial = value.p == NULL;
    if (key.n == 8 && strncasecmp(key.p, "position", 8) == 0) {
        return initial ? NULL : set_position(s, value);
    }
    if (key.n == 6 && strncasecmp(key.p, "report", 6) == 0) {
        s->report = false;
        return initial || parse_bool(value, &s->report) ? NULL
                                                        : "parkway.report: not a boolean";
    }
    if (key.n == 9 && strncasecmp(key.p, "freshness", 9) == 0) {
        static const char *const levels[] = {"eventual", "session", "strong"};
        s->level = initial ? DECIDE_SESSION : s->level;
        for (size_t i = 0; i < ARRAY_LEN(levels) && !initial; i++) {
            if (value.n == strlen(levels[i]) && strncasecmp(value.p, levels[i], value.n) == 0) {
                s->level = (enum decide_level)i;
                return NULL;
            }
        }
        return initial ? NULL : "parkway.freshness: eventual, session or strong";
    }
    if (key.n == 5 && strncasecmp(key.p, "route", 5) == 0) {
        bool primary = !initial && str_eq(value, STR("primary"));
        if (!initial && !primary && !str_eq(value, STR("auto"))) {
            return "parkway.route: primary or auto";
        }
        s->to_primary = primary;
        return NULL;
    }
    if (key.n == 7 && strncasecmp(key.p, "wait_ms", 7) == 0) {
        return set_wait(s, value) ? NULL
                                  : "parkway.wait_ms: a number of milliseconds up to 60000";
    }
    if (key.n == 11 && strncasecmp(key.p, "traceparent", 11) == 0) {
        s->trace[0] = '\0';
        return initial || value.n == 0 || trace_parse(value, s->trace)
                   ? NULL
                   : "parkway.traceparent: not a traceparent of W3C Trace Context";
    }
    return "unrecognized configuration parameter of parkway: position, freshness, report, "
           "route, traceparent, wait_ms";
}

static void show(struct session *s, const char *name, const char *value)
{
    parts_with(s, "SHOW", name, str_of(value), s->status);
}

/* The position is known, or cannot be: the answer to SHOW parkway.position, or the end of a reported
 * write. */
void local_position(struct session *s)
{
    char text[POSITION_TEXT_MAX] = "";
    s->reporting = false;
    if (s->wait.answered) {
        s->need = s->wait.answer;
        s->dirty = false;
        s->wrote = false;
        s->other_epoch = false;
        position_text(s->need, text);
    }
    if (s->unit.count > 0) {
        if (text[0] == '\0') {
            session_error(s, "08006", "the primary cannot tell its position now", NULL);
        } else {
            show(s, "parkway.position", text);
        }
        return;
    }
    if (text[0] != '\0') {
        msg_param(&s->wire.out, STR("parkway.position"), str_of(text));
    }
    msg_ready(&s->wire.out, s->status);
    wire_touch(&s->wire);
    session_end_unit(s);
}

static bool show_own(struct session *s, struct str key)
{
    static const char *const levels[] = {"eventual", "session", "strong"};
    if (str_eq(key, STR("position"))) {
        char text[POSITION_TEXT_MAX];
        if (!s->dirty && s->need.epoch.timeline != 0) {
            position_text(s->need, text);
            show(s, "parkway.position", text);
        } else {
            s->reporting = true;
            fresh_ask(s->worker->fresh, &s->wait);
        }
    } else if (str_eq(key, STR("route"))) {
        char text[REASON_TEXT_MAX + 80];
        char reason[REASON_TEXT_MAX];
        const char *why;
        const char *where = route_text(s, &why, reason);
        snprintf(text, sizeof text, "%s: %s", where, why);
        show(s, "parkway.route", where[0] != '\0' ? text : "");
    } else if (str_eq(key, STR("freshness"))) {
        show(s, "parkway.freshness", levels[s->level]);
    } else if (str_eq(key, STR("report"))) {
        show(s, "parkway.report", s->report ? "on" : "off");
    } else if (str_eq(key, STR("traceparent"))) {
        show(s, "parkway.traceparent", s->trace);
    } else if (str_eq(key, STR("wait_ms"))) {
        char text[24];
        snprintf(text, sizeof text, "%lld",
                 (long long)(s->wait_ms >= 0 ? s->wait_ms : router_conf()->wait_ms));
        show(s, "parkway.wait_ms", text);
    } else {
        return false;
    }
    return true;
}

static bool is_own(struct str name)
{
    return name.n > 8 && memcmp(name.p, "parkway.", 8) == 0;
}

static bool set_own(struct session *s, const struct classify_stmt *c)
{
    if (c->sets.count != 1) {
        return false;
    }
    const struct classify_set *set = &s->unit.sole->sets[c->sets.first];
    if (!is_own(set->name) || set->config || !set->readable) {
        return false;
    }
    const char *why = local_set(s, set->name, set->value);
    if (why != NULL) {
        session_error(s, "22023", why, NULL);
    } else {
        local_parts(s, set->value.p == NULL ? "RESET" : "SET", s->status);
    }
    return true;
}

/* ---- transactions no server knows of ---- */

static bool begin(struct session *s, const struct classify_stmt *c)
{
    struct str text = unit_sole_text(s);
    if (s->tx == DECIDE_TX_REPLICA && s->status == 'T') {
        msg_error(&s->wire.out, 'N', "WARNING", "25001",
                  "there is already a transaction in progress", NULL, NULL);
        local_parts(s, "BEGIN", 'T');
        return true;
    }
    if (s->status != 'I' || c->modes.snapshot || text.p == NULL) {
        return false;
    }
    buf_reset(&s->begin);
    buf_addstr(&s->begin, text);
    s->modes = c->modes;
    s->tx = DECIDE_TX_DEFERRED;
    s->tx_failed = s->tx_lost = false;
    local_parts(s, "BEGIN", 'T');
    return true;
}

static bool end_deferred(struct session *s, const struct classify_stmt *c)
{
    bool commit = c->kind == CLASSIFY_COMMIT && !s->tx_failed;
    s->tx_failed = s->tx_lost = false;
    if (!c->chain) {
        s->tx = DECIDE_TX_NONE;
    }
    local_parts(s, commit ? "COMMIT" : "ROLLBACK", c->chain ? 'T' : 'I');
    return true;
}

/* The server went away between two statements of a transaction. Drivers take the ROLLBACK that an
 * aborted transaction's COMMIT is answered with for success, so the first word about it is an error;
 * COMMIT ends the transaction all the same. */
static void tell_lost(struct session *s, const struct classify_stmt *c)
{
    s->tx_lost = false;
    if (c != NULL && c->kind == CLASSIFY_COMMIT) {
        s->tx = DECIDE_TX_NONE;
        s->tx_failed = false;
        s->status = 'I';
    }
    session_error(s, "08006", "the transaction was lost with the server's connection", NULL);
}

/* DEALLOCATE of a statement that only replicas have seen. */
static bool deallocate(struct session *s, const struct classify_stmt *c)
{
    struct stmt *stmt = c->name.p != NULL ? stmts_find(&s->stmts, c->name) : NULL;
    if (stmt == NULL || stmt->primary_generation != 0 || s->status == 'E') {
        return false;
    }
    stmts_drop(s->worker, &s->stmts, stmt);
    local_parts(s, "DEALLOCATE", s->status);
    return true;
}

bool local_answer(struct session *s)
{
    const struct classify_stmt *c = unit_sole(s);
    if (s->tx == DECIDE_TX_DEFERRED && s->tx_lost &&
        !(c != NULL && c->kind == CLASSIFY_ROLLBACK)) {
        tell_lost(s, c);
        return true;
    }
    if (s->tx == DECIDE_TX_DEFERRED && s->tx_failed) {
        if (c != NULL && (c->kind == CLASSIFY_COMMIT || c->kind == CLASSIFY_ROLLBACK)) {
            return end_deferred(s, c);
        }
        session_error(
            s, "25P02",
            "current transaction is aborted, commands ignored until end of transaction "
            "block",
            NULL);
        return true;
    }
    if (c == NULL) {
        return false;
    }
    switch (c->kind) {
    case CLASSIFY_BEGIN: return begin(s, c);
    case CLASSIFY_COMMIT:
    case CLASSIFY_ROLLBACK: return s->tx == DECIDE_TX_DEFERRED && end_deferred(s, c);
    case CLASSIFY_SHOW:
        return is_own(c->name) && show_own(s, (struct str){c->name.p + 8, c->name.n - 8});
    case CLASSIFY_SET: return set_own(s, c);
    case CLASSIFY_DEALLOCATE: return deallocate(s, c);
    default: return false;
    }
}
