/* send.c - the unit's messages to the server that serves it.
 *
 * To the session's own primary connection they go as the client wrote them; a statement which that
 * connection does not hold yet (it was parsed on a replica, or the connection is new) is parsed
 * before, unseen. To a shared connection of a replica, named statements go under the router's
 * names; what needs no work there (a Parse of a text it holds, a Close) is not sent, and its answer
 * is made when its turn comes (backend_local). */
#include "router/session.h"

static void expect_parse(struct backend *b, const struct stmt *stmt, bool show)
{
    backend_expect(b, EXPECT_PARSE, show, TAG_STMT + stmt->serial);
}

/* ---- primary ---- */

static bool on_primary(const struct session *s, const struct stmt *stmt)
{
    return stmt->primary_generation == s->generation;
}

/* The statement must be there: parse it under the client's name, unseen. */
static void need_on_primary(struct session *s, struct stmt *stmt)
{
    if (stmt == NULL || stmt->prep == NULL || on_primary(s, stmt)) {
        return;
    }
    msg_parse(&s->primary->wire.out, str_of(stmt->name), prep_text(stmt->prep),
              prep_types(stmt->prep));
    expect_parse(s->primary, stmt, false);
    stmt->primary_generation = s->generation;
    stmt->primary_pending = true;
    if (stmt->described != 0) { /* the client knows its columns: they must be the same here */
        msg_describe(&s->primary->wire.out, 'D', 'S', str_of(stmt->name));
        backend_expect(s->primary, EXPECT_DESCRIBE, false, TAG_STMT + stmt->serial);
    }
}

static void send_raw(struct session *s, struct backend *b, const struct part *p)
{
    struct msg m = unit_msg(s, p);
    wire_send(&b->wire, m.body.p - MSG_HEAD, m.body.n + MSG_HEAD);
    if (!p->whole) {
        s->unit.len = p->at + m.body.n + MSG_HEAD;
        s->stream_left = p->size - (m.body.n + MSG_HEAD);
        s->stream_to = b;
    }
}

static void part_to_primary(struct session *s, struct part *p)
{
    struct backend *b = s->primary;
    switch (p->type) {
    case 'Q':
        send_raw(s, b, p);
        backend_expect(b, EXPECT_QUERY, true, TAG_PART);
        break;
    case 'F':
        send_raw(s, b, p);
        backend_expect(b, EXPECT_CALL, true, TAG_PART);
        break;
    case 'P': {
        struct stmt *old = stmts_find(&s->stmts, str_of(p->stmt->name));
        /* a name that is given twice is the server's to refuse; the unnamed one just gives way */
        if (p->stmt->name[0] != '\0' && old != NULL && old != p->stmt) {
            need_on_primary(s, old);
        }
        send_raw(s, b, p);
        expect_parse(b, p->stmt, true);
        p->stmt->primary_generation = s->generation;
        p->stmt->primary_pending = true;
        break;
    }
    case 'B':
        need_on_primary(s, p->stmt);
        send_raw(s, b, p);
        backend_expect(b, EXPECT_BIND, true, TAG_PART);
        break;
    case 'D':
        if (unit_msg(s, p).body.n > 0 && unit_msg(s, p).body.p[0] == 'S') {
            need_on_primary(s, p->stmt);
        }
        send_raw(s, b, p);
        backend_expect(b, EXPECT_DESCRIBE, true, TAG_PART);
        break;
    case 'E':
        send_raw(s, b, p);
        backend_expect(b, EXPECT_EXECUTE, true, TAG_PART);
        break;
    case 'C':
        send_raw(s, b, p);
        backend_expect(b, EXPECT_CLOSE, true, TAG_PART);
        break;
    case 'S':
        send_raw(s, b, p);
        backend_expect(b, EXPECT_SYNC, true, TAG_PART);
        break;
    case 'H':
        send_raw(s, b, p);
        wire_touch(&b->wire);
        break;
    default: break;
    }
}

/* ---- replica ---- */

static void close_on_replica(struct backend *b, const char *name)
{
    msg_describe(&b->wire.out, 'C', 'S', str_of(name));
    backend_expect(b, EXPECT_CLOSE, false, TAG_OWN);
}

/* Parse on a shared connection: named statements under the router's name, once. */
static void parse_on_replica(struct backend *b, struct stmt *stmt, bool show)
{
    char name[STMT_NAME_MAX] = "", evict[STMT_NAME_MAX];
    if (stmt->name[0] == '\0') {
        b->unnamed = stmt->serial;
    } else {
        if (prepared_has(b->prepared, stmt->prep)) {
            if (show) {
                backend_expect(b, EXPECT_LOCAL, true, TAG_STMT + stmt->serial);
            }
            return;
        }
        prep_name(stmt->prep, name);
        if (prepared_suspected(b->prepared, stmt->prep)) {
            close_on_replica(b, name);
        }
        prepared_add(&b->prepared, stmt->prep, evict);
        if (evict[0] != '\0') {
            close_on_replica(b, evict);
        }
    }
    msg_parse(&b->wire.out, str_of(name), prep_text(stmt->prep), prep_types(stmt->prep));
    expect_parse(b, stmt, show);
}

/* The name of a statement on this connection, which is made to hold it. */
static struct str name_on_replica(struct backend *b, struct stmt *stmt,
                                  char name[STMT_NAME_MAX])
{
    name[0] = '\0';
    if (stmt->name[0] == '\0') {
        if (b->unnamed != stmt->serial) {
            parse_on_replica(b, stmt, false);
        }
    } else {
        parse_on_replica(b, stmt, false);
        prep_name(stmt->prep, name);
    }
    return str_of(name);
}

static void part_to_replica(struct session *s, struct part *p)
{
    struct backend *b = s->replica;
    struct msg m = unit_msg(s, p);
    char name[STMT_NAME_MAX];
    struct msg_bind bind;
    struct msg_describe d;
    switch (p->type) {
    case 'Q':
        send_raw(s, b, p);
        b->unnamed = 0; /* a simple query drops the unnamed statement */
        backend_expect(b, EXPECT_QUERY, true, TAG_PART);
        break;
    case 'P': parse_on_replica(b, p->stmt, true); break;
    case 'B': {
        struct str on = name_on_replica(b, p->stmt, name);
        ASSERT(msg_read_bind(m.body, &bind));
        msg_bind(&b->wire.out, bind.portal, on, bind.tail);
        backend_expect(b, EXPECT_BIND, true, TAG_PART);
        break;
    }
    case 'D':
        ASSERT(msg_read_describe(m.body, &d));
        if (d.kind == 'S') {
            msg_describe(&b->wire.out, 'D', 'S', name_on_replica(b, p->stmt, name));
            backend_expect(b, EXPECT_DESCRIBE, true, TAG_STMT + p->stmt->serial);
        } else {
            send_raw(s, b, p);
            backend_expect(b, EXPECT_DESCRIBE, true, TAG_PART);
        }
        break;
    case 'E':
        send_raw(s, b, p);
        backend_expect(b, EXPECT_EXECUTE, true, TAG_PART);
        break;
    case 'C':
        ASSERT(msg_read_describe(m.body, &d));
        if (d.kind == 'S') {
            backend_expect(b, EXPECT_LOCAL, true, TAG_PART);
        } else {
            send_raw(s, b, p);
            backend_expect(b, EXPECT_CLOSE, true, TAG_PART);
        }
        break;
    case 'S':
        send_raw(s, b, p);
        backend_expect(b, EXPECT_SYNC, true, TAG_PART);
        break;
    case 'H':
        send_raw(s, b, p);
        wire_touch(&b->wire);
        break;
    default: break;
    }
}

/* The primary's part of a unit is never run again: its bytes may go. */
static void drop_sent(struct session *s)
{
    struct unit *u = &s->unit;
    for (uint32_t i = 0; i < u->count; i++) {
        stmt_unref(s->worker, u->parts[i].stmt);
    }
    size_t n = u->len < s->wire.in.len ? u->len : s->wire.in.len;
    buf_take(&s->wire.in, n);
    u->count = 0;
    u->sent = 0;
    u->met = 0;
    u->looked = 0;
    u->len = 0;
}

void send_unit(struct session *s)
{
    struct unit *u = &s->unit;
    struct backend *b = s->serving;
    bool primary = b == s->primary;
    b->called = b->called || (!primary && u->verdict.calls);
    while (u->sent < u->count) {
        struct part *p = &u->parts[u->sent++];
        if (primary) {
            part_to_primary(s, p);
        } else {
            part_to_replica(s, p);
        }
    }
    if (primary) {
        drop_sent(s);
    }
    backend_settle(b);
}

void send_stream(struct session *s)
{
    struct backend *b = s->stream_to;
    if (b == NULL) {
        return;
    }
    if (wire_full(&b->wire)) {
        return; /* answer.c steps the session when there is room */
    }
    size_t n = s->stream_left < s->wire.in.len ? s->stream_left : s->wire.in.len;
    wire_send(&b->wire, buf_data(&s->wire.in), n);
    buf_take(&s->wire.in, n);
    s->stream_left -= n;
}

void send_copy(struct session *s)
{
    struct backend *b = s->serving;
    while (s->unit.copying && b != NULL && s->wire.in.len > 0 && !wire_full(&b->wire)) {
        struct msg m;
        if (s->stream_left > 0) {
            send_stream(s);
            continue;
        }
        struct str in = buf_str(&s->wire.in);
        enum msg_step step = msg_head(in, &m);
        if (step == MSG_NEED) {
            return;
        }
        if (step == MSG_BAD) {
            session_fatal(s, "08P01", "invalid message length");
            return;
        }
        if (m.type == 'X') {
            session_close(s);
            return;
        }
        if (m.type == 'H' || m.type == 'S') {
            if (in.n < m.size) {
                return;
            }
            buf_take(&s->wire.in, m.size); /* the server ignores them in the midst of COPY */
            continue;
        }
        /* a run of messages in one piece; the last row may be cut */
        size_t n = 0;
        bool last = false;
        for (;
             !last && n < in.n && msg_head((struct str){in.p + n, in.n - n}, &m) == MSG_DONE;) {
            size_t have = m.size < in.n - n ? m.size : in.n - n;
            bool end = m.type == 'c' || m.type == 'f';
            if ((!end && m.type != 'd') || (end && have < m.size)) {
                break;
            }
            s->stream_left = m.size - have;
            s->stream_to = b;
            last = end;
            n += have;
        }
        if (n == 0 && (m.type == 'c' || m.type == 'f') && m.size <= UNIT_MAX) {
            return;
        }
        if (n == 0 && s->state == SESSION_OPEN && strchr("PBDEC", m.type) != NULL) {
            s->unit.copying = false; /* the server refuses it, and all up to Sync */
            return;
        }
        if (n == 0) {
            session_fatal(s, "08P01", "unexpected message during COPY from stdin");
            return;
        }
        wire_send(&b->wire, in.p, n);
        buf_take(&s->wire.in, n);
        if (last) {
            s->unit.copying = false;
        }
    }
}
