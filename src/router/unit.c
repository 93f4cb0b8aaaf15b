/* unit.c - collecting a unit of work from the client's buffer, and finding out what it is.
 *
 * unit_collect walks over whole messages without taking them out; it stops where the unit can be
 * routed: at Query, Sync, FunctionCall, at Flush (the client wants an answer now), or where the
 * unit is longer than may be held (then it is the primary's, and goes on as it comes). unit_look
 * gives every part its statement and folds the verdicts of all texts together. */
#include "router/session.h"

#include <stdlib.h>
#include <strings.h>

struct msg unit_msg(const struct session *s, const struct part *p)
{
    size_t n = s->wire.in.len - p->at < p->size ? s->wire.in.len - p->at : p->size;
    return (struct msg){
        p->type, p->size, {buf_data(&s->wire.in) + p->at + MSG_HEAD, n - MSG_HEAD}};
}

void unit_reset(struct session *s)
{
    struct unit *u = &s->unit;
    for (uint32_t i = 0; i < u->count; i++) {
        stmt_unref(s->worker, u->parts[i].stmt);
    }
    classify_unref(u->sole);
    struct part *parts = u->parts;
    uint32_t cap = u->cap;
    memset(u, 0, sizeof *u);
    u->parts = parts;
    u->cap = cap;
}

struct str unit_sole_text(const struct session *s)
{
    const struct unit *u = &s->unit;
    struct str text = STR_NULL;
    for (uint32_t i = 0; i < u->count && text.p == NULL; i++) {
        const struct part *p = &u->parts[i];
        if (p->type == 'Q' && p->whole) {
            msg_read_query(unit_msg(s, p).body, &text);
        } else if (p->stmt != NULL && p->stmt->prep != NULL) {
            text = prep_text(p->stmt->prep);
        }
    }
    return text;
}

const struct classify_stmt *unit_sole(const struct session *s)
{
    const struct unit *u = &s->unit;
    if (!u->executes || u->mixed || u->primary || u->sole == NULL || u->sole->stmt_count != 1) {
        return NULL;
    }
    return &u->sole->stmts[0];
}

static struct part *add(struct unit *u, const struct msg *m)
{
    if (u->count == u->cap) {
        u->cap = u->cap > 0 ? u->cap * 2 : 8;
        u->parts = def_realloc(u->parts, u->cap * sizeof *u->parts);
    }
    struct part *p = &u->parts[u->count++];
    *p = (struct part){.type = m->type, .whole = true, .at = u->len, .size = m->size};
    u->len += m->size;
    return p;
}

/* A message too long to be held: it ends what is collected; the primary gets it as it comes. */
static bool overlong(struct session *s, const struct msg *m)
{
    struct unit *u = &s->unit;
    if (strchr("QPBF", m->type) == NULL) {
        session_fatal(s, "08P01", "message too long");
        return false;
    }
    size_t have = s->wire.in.len - u->len;
    size_t names = 512; /* enough to hold the names at the front of Parse and Bind */
    if (have < MSG_HEAD + names) {
        return false;
    }
    struct part *p = add(u, m);
    p->whole = false;
    u->len += have - m->size;
    u->large = true;
    u->closed = m->type == 'Q' || m->type == 'F';
    return true;
}

/* 1: the unit is ready; 0: go on; -1: stop here for now. */
static int take(struct session *s, const struct msg *m)
{
    struct unit *u = &s->unit;
    switch (m->type) {
    case 'Q':
    case 'F':
        if (u->count > u->sent || s->state == SESSION_OPEN) {
            session_fatal(s, "08P01",
                          "a query inside an extended-query sequence is not supported");
            return -1;
        }
        add(u, m);
        u->closed = true;
        return 1;
    case 'S':
        add(u, m);
        u->closed = true;
        return 1;
    case 'H': add(u, m); return 1;
    case 'P':
    case 'B':
    case 'D':
    case 'E':
    case 'C':
        add(u, m);
        if (u->len > UNIT_MAX || u->count >= UNIT_PARTS_MAX) {
            u->large = true;
            return 1;
        }
        return 0;
    case 'd':
    case 'c':
    case 'f':
        add(u, m); /* likewise, inside a unit: goes nowhere */
        return 0;
    case 'X':
        s->ending = true;
        if (s->state == SESSION_OPEN || u->count > 0) {
            session_close(s);
        }
        return -1;
    default: session_fatal(s, "08P01", "invalid frontend message type"); return -1;
    }
}

bool unit_collect(struct session *s)
{
    struct unit *u = &s->unit;
    while (s->state != SESSION_CLOSED && !s->ending) {
        struct msg m;
        if (s->wire.in.len < u->len) {
            return false;
        }
        struct str rest = {buf_data(&s->wire.in) + u->len, s->wire.in.len - u->len};
        if (rest.n == 0) {
            return false;
        }
        enum msg_step step = msg_head(rest, &m);
        if (step == MSG_NEED) {
            return false;
        }
        if (step == MSG_BAD) {
            session_fatal(s, "08P01", "invalid message length");
            return false;
        }
        if (u->count == 0 && (m.type == 'd' || m.type == 'c' || m.type == 'f')) {
            /* left over from a COPY that failed: ignored, as the server does */
            size_t n = m.size < rest.n ? m.size : rest.n;
            buf_take(&s->wire.in, n);
            s->stream_left = m.size - n;
            s->stream_to = NULL;
            if (s->stream_left > 0) {
                return false; /* all that is there was the message's */
            }
            continue;
        }
        if (m.size > UNIT_MAX) {
            return overlong(s, &m);
        }
        if (rest.n < m.size) {
            return false;
        }
        int done = take(s, &m);
        if (done != 0) {
            return done > 0;
        }
    }
    return false;
}

/* ---- what the parts are ---- */

static void primary_only(struct unit *u, enum reason why)
{
    if (!u->primary) {
        u->primary = true;
        u->why = why;
    }
}

/* What one text of several may leave behind, noted before it runs: names that are temporary, settings
 * (their values are read from the primary afterwards), statements that may be gone. */
static void note_mixed(struct session *s, const struct classification *c)
{
    judge_scope_temps(&s->scope, c);
    vars_note(s, c);
    for (uint32_t i = 0; i < c->stmt_count; i++) {
        const struct classify_stmt *one = &c->stmts[i];
        struct stmt *stmt = one->kind == CLASSIFY_DEALLOCATE && one->name.p != NULL
                                ? stmts_find(&s->stmts, one->name)
                                : NULL;
        if (stmt != NULL) {
            stmts_drop(s->worker, &s->stmts, stmt);
        } else if (one->kind == CLASSIFY_DEALLOCATE && one->name.p == NULL) {
            stmts_clear(s->worker, &s->stmts);
        }
    }
}

/* May a text that was not parsed leave session state behind? Not if it is one statement that handles data
 * and does not name set_config. */
static bool may_set(struct str text)
{
    static const char *const data[] = {"insert", "update", "delete", "select",
                                       "with",   "values", "merge",  "copy"};
    struct buf tokens = BUF_INIT;
    struct shape shape;
    bool known = false;
    shape_scan(text, &tokens, &shape);
    buf_fini(&tokens);
    while (text.n > 0 &&
           (*text.p == ' ' || *text.p == '\n' || *text.p == '\r' || *text.p == '\t')) {
        text.p++;
        text.n--;
    }
    for (size_t i = 0; i < ARRAY_LEN(data); i++) {
        size_t n = strlen(data[i]);
        known |= text.n > n && strncasecmp(text.p, data[i], n) == 0;
    }
    for (size_t i = 0; i + 10 <= text.n && known; i++) {
        known = strncasecmp(text.p + i, "set_config", 10) != 0;
    }
    return !known || !shape.ok || shape.statements;
}

/* Folds the verdict of one text in. */
static void judge_text(struct session *s, struct str text, struct stmt *stmt)
{
    struct unit *u = &s->unit;
    struct cache_hit hit;
    cache_get(s->worker->cache, text, s->routed ? s->worker->catalog : NULL, &s->scope, &hit);
    if (hit.position.p != NULL) {
        local_set(s, STR("parkway.position"), hit.position);
    }
    if (!u->judged) {
        u->judged = true;
        u->verdict = *hit.verdict;
        u->sole = (struct classification *)(uintptr_t)hit.text;
        classify_ref(u->sole);
        u->shape = hit.shape;
    } else if (hit.text != u->sole) {
        judge_and(&u->verdict, hit.verdict);
        if (!u->mixed) {
            note_mixed(s, u->sole);
        }
        note_mixed(s, hit.text);
        u->mixed = true;
    }
    u->unread |= hit.text->too_long && may_set(text);
    u->user_types |= stmt != NULL && stmt->user_types;
}

static void judge_stmt_part(struct session *s, struct part *p)
{
    struct unit *u = &s->unit;
    u->server = true;
    if (p->stmt == NULL || p->stmt->too_long) {
        primary_only(u, p->stmt == NULL ? REASON_UNKNOWN : REASON_TOO_LONG);
    } else {
        judge_text(s, prep_text(p->stmt->prep), p->stmt);
    }
}

static struct portal *find_portal(struct session *s, struct str name)
{
    for (uint32_t i = 0; i < s->portal_count; i++) {
        if (str_eq(str_of(s->portals[i].name), name)) {
            return &s->portals[i];
        }
    }
    return NULL;
}

static void set_portal(struct session *s, struct str name, struct stmt *stmt)
{
    struct portal *p = find_portal(s, name);
    if (p == NULL) {
        if (s->portal_count >= PORTALS_MAX) {
            primary_only(&s->unit, REASON_UNKNOWN);
            return;
        }
        if (s->portal_count == s->portal_cap) {
            s->portal_cap = s->portal_cap > 0 ? s->portal_cap * 2 : 4;
            s->portals = def_realloc(s->portals, s->portal_cap * sizeof *s->portals);
        }
        p = &s->portals[s->portal_count++];
        *p = (struct portal){.name = def_strndup(name.p, name.n)};
    }
    stmt_unref(s->worker, p->stmt);
    p->stmt = stmt != NULL ? stmt_ref(stmt) : NULL;
}

static bool look_parse(struct session *s, struct part *p, struct msg m)
{
    struct msg_parse q;
    struct unit *u = &s->unit;
    struct stmt *old;
    u->server = true;
    if (!p->whole) {
        struct rd r = rd_of(m.body);
        q.name = rd_cstr(&r);
        if (r.bad) {
            return false;
        }
        p->stmt = stmt_new(s->worker, q.name, STR_NULL, STR_NULL);
        primary_only(u, REASON_TOO_LONG);
    } else {
        if (!msg_read_parse(m.body, &q)) {
            return false;
        }
        p->stmt = stmt_new(s->worker, q.name, q.text, q.tail);
    }
    old = stmts_find(&s->stmts, q.name);
    if (q.name.n > 0 && old != NULL) {
        primary_only(u, REASON_UNKNOWN); /* the primary words the error: it exists already */
    } else {
        stmts_put(s->worker, &s->stmts, p->stmt);
    }
    if (p->whole) {
        judge_stmt_part(s, p);
    }
    return true;
}

static bool look_bind(struct session *s, struct part *p, struct msg m)
{
    struct msg_bind b;
    if (!p->whole) {
        struct rd r = rd_of(m.body);
        b.portal = rd_cstr(&r);
        b.statement = rd_cstr(&r);
        if (r.bad) {
            return false;
        }
    } else if (!msg_read_bind(m.body, &b)) {
        return false;
    }
    struct stmt *stmt = stmts_find(&s->stmts, b.statement);
    p->stmt = stmt != NULL ? stmt_ref(stmt) : NULL;
    set_portal(s, b.portal, stmt);
    judge_stmt_part(s, p);
    return true;
}

static bool look_describe(struct session *s, struct part *p, struct msg m)
{
    struct msg_describe d;
    if (!msg_read_describe(m.body, &d)) {
        return false;
    }
    struct portal *portal = d.kind == 'P' ? find_portal(s, d.name) : NULL;
    struct stmt *stmt =
        d.kind == 'S' ? stmts_find(&s->stmts, d.name) : (portal != NULL ? portal->stmt : NULL);
    p->stmt = stmt != NULL ? stmt_ref(stmt) : NULL;
    if (m.type == 'C') {
        if (d.kind == 'S' && stmt != NULL) {
            stmts_drop(s->worker, &s->stmts, stmt);
            s->unit.server |=
                stmt->primary_generation != 0 && stmt->primary_generation == s->generation;
            if (s->unit.server) {
                primary_only(&s->unit, REASON_UNKNOWN);
            }
        } else if (d.kind == 'P' && portal != NULL) {
            s->unit.server = true;
            free(portal->name);
            stmt_unref(s->worker, portal->stmt);
            *portal = s->portals[--s->portal_count];
        }
        return true;
    }
    judge_stmt_part(s, p);
    return true;
}

static bool look_execute(struct session *s, struct part *p, struct msg m)
{
    struct msg_execute x;
    if (!msg_read_execute(m.body, &x)) {
        return false;
    }
    struct portal *portal = find_portal(s, x.portal);
    p->stmt = portal != NULL && portal->stmt != NULL ? stmt_ref(portal->stmt) : NULL;
    if (portal != NULL && (x.portal.n > 0 || x.rows_max != 0)) {
        s->portal_open = true;
    }
    s->unit.executes = true;
    judge_stmt_part(s, p);
    return true;
}

static bool look_query(struct session *s, struct part *p, struct msg m)
{
    struct unit *u = &s->unit;
    struct str text;
    u->server = true;
    u->executes = true;
    if (!p->whole) {
        primary_only(u, REASON_TOO_LONG);
        return true;
    }
    if (!msg_read_query(m.body, &text)) {
        return false;
    }
    judge_text(s, text, NULL);
    return true;
}

void unit_look(struct session *s)
{
    struct unit *u = &s->unit;
    bool ok = true;
    for (; ok && u->looked < u->count; u->looked++) {
        struct part *p = &u->parts[u->looked];
        struct msg m = unit_msg(s, p);
        switch (p->type) {
        case 'Q': ok = look_query(s, p, m); break;
        case 'P': ok = look_parse(s, p, m); break;
        case 'B': ok = look_bind(s, p, m); break;
        case 'D':
        case 'C': ok = look_describe(s, p, m); break;
        case 'E': ok = look_execute(s, p, m); break;
        case 'F':
            u->server = true;
            u->executes = true;
            primary_only(u, REASON_UNKNOWN);
            break;
        default: break;
        }
    }
    if (!ok) {
        session_fatal(s, "08P01", "invalid message format");
        return;
    }
    if (u->large) {
        primary_only(u, REASON_TOO_LONG);
    }
    u->read = !u->primary && u->judged && u->verdict.sides != 0;
}
