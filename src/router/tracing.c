/* tracing.c - a write's traceparent, put into the write's own transaction.
 *
 * A setting leaves no mark in the WAL, so the router says it there: one transactional message parkway.trace
 * in front of the first write of a transaction that has a traceparent, by SET parkway.traceparent or by the
 * statement's comment (sqlcommenter's form; it wins). The relay puts it into the headers of the
 * transaction's events, the consumer into its log.
 *
 * The message goes as an extended query without a Sync, which the server runs in the transaction of what follows,
 * also outside of a transaction block; what may not run in such company (DDL, CALL, utilities) is traced
 * inside a block only. Without a traceparent none of this costs more than looking for a comment in the
 * text of a write. */
#include "router/session.h"

#include <stdio.h>

static const struct str own_name = {"parkway_trace", 13};

static bool is_word(struct str name)
{
    static const char *const words[] = {"insert", "update", "delete", "merge"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (str_eq(name, str_of(words[i]))) {
            return true;
        }
    }
    return false;
}

/* The unit writes rows, as far as its text tells. */
static bool writes(const struct session *s)
{
    const struct unit *u = &s->unit;
    bool block = s->status == 'T';
    if (u->read || !u->executes || u->sole == NULL || u->mixed || u->sole->stmt_count == 0) {
        return false;
    }
    for (uint32_t i = 0; i < u->sole->stmt_count; i++) {
        const struct classify_stmt *c = &u->sole->stmts[i];
        bool row = (c->kind == CLASSIFY_WRITE &&
                    (is_word(c->name) || (c->flags & CLASSIFY_DML) != 0)) ||
                   c->kind == CLASSIFY_COPY_IN || c->kind == CLASSIFY_EXECUTE;
        bool any = c->kind == CLASSIFY_WRITE || c->kind == CLASSIFY_READ ||
                   c->kind == CLASSIFY_CALL || c->kind == CLASSIFY_DO;
        if (!row && !(block && any)) {
            return false;
        }
    }
    return true;
}

/* Hidden Parse, Bind, Execute; and Close of both, so that it can be done again. */
static void say(struct backend *b, const char *trace)
{
    static const struct str none = {"\0\0\0\0\0", 6};
    struct buf *out = &b->wire.out;
    char sql[160];
    int n = snprintf(sql, sizeof sql,
                     "SELECT pg_catalog.pg_logical_emit_message(true, 'parkway.trace', '%s')",
                     trace);
    msg_parse(out, own_name, (struct str){sql, (size_t)n}, (struct str){none.p, 2});
    backend_expect(b, EXPECT_PARSE, false, TAG_TRACE);
    msg_bind(out, own_name, own_name, none);
    backend_expect(b, EXPECT_BIND, false, TAG_TRACE);
    size_t mark = msg_begin(out, 'E');
    buf_addz(out, own_name.p);
    buf_u32(out, 0);
    msg_end(out, mark);
    backend_expect(b, EXPECT_EXECUTE, false, TAG_TRACE);
    msg_describe(out, 'C', 'P', own_name);
    backend_expect(b, EXPECT_CLOSE, false, TAG_TRACE);
    msg_describe(out, 'C', 'S', own_name);
    backend_expect(b, EXPECT_CLOSE, false, TAG_TRACE);
}

void tracing_write(struct session *s)
{
    char trace[TRACE_TEXT_MAX];
    if (s->traced || s->unit.sent > 0 || !writes(s)) {
        return;
    }
    if (!trace_comment(unit_sole_text(s), trace)) {
        if (s->trace[0] == '\0') {
            return;
        }
        memcpy(trace, s->trace, sizeof trace);
    }
    s->traced = true;
    s->traced_query = s->unit.parts[0].type == 'Q';
    say(s->primary, trace);
}

void tracing_failed(struct session *s)
{
    s->traced = false;
    if (s->traced_query) {
        backend_sync(s->primary, true,
                     TAG_PART); /* the server waits for one, and drops the Query */
    }
}
