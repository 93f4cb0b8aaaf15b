/* vars.c - settings that a session has changed with SET, and that must be in force wherever it is
 * served.
 *
 * The names come from the text (SET, RESET, constant set_config); the values are read back from the
 * session's primary connection before the next read on a replica, because a rollback, a list or a
 * unit may have made them something else than was written. On a shared connection they are put in
 * force before a use and taken back (RESET ALL) before the next one's. A session with no settings
 * changed, the usual case, costs nothing. */
#include "router/session.h"

#include <stdlib.h>
#include <strings.h>

static struct var *find(struct vars *v, struct str name)
{
    for (uint32_t i = 0; i < v->count; i++) {
        if (str_eq(str_of(v->list[i].name), name)) {
            return &v->list[i];
        }
    }
    return NULL;
}

void vars_put(struct session *s, struct str name, struct str value)
{
    struct var *one = find(&s->vars, name);
    if (one == NULL) {
        if (s->vars.count == VARS_MAX) {
            s->pins |= PIN_SETTER;
            return;
        }
        one = &s->vars.list[s->vars.count++];
        *one = (struct var){.name = def_strndup(name.p, name.n)};
    }
    free(one->value);
    one->value = value.p != NULL ? def_strndup(value.p, value.n) : NULL;
}

void vars_clear(struct session *s)
{
    for (uint32_t i = 0; i < s->vars.count; i++) {
        free(s->vars.list[i].name);
        free(s->vars.list[i].value);
    }
    s->vars.count = 0;
    s->vars.stale = false;
}

/* These say how a transaction runs, not what a query answers, and the guard must not depend on
 * them; transactions carry their own modes. */
static bool is_guarded(struct str name)
{
    return str_eq(name, STR("default_transaction_read_only")) ||
           str_eq(name, STR("transaction_read_only")) ||
           str_eq(name, STR("transaction_isolation")) ||
           str_eq(name, STR("transaction_deferrable")) || str_eq(name, STR("role")) ||
           str_eq(name, STR("session_authorization"));
}

static void note_set(struct session *s, const struct classify_set *set)
{
    if (set->local || is_guarded(set->name)) {
        return;
    }
    if (set->name.n == 0 || memchr(set->name.p, '\0', set->name.n) != NULL) {
        s->pins |= PIN_SETTER;
        return;
    }
    vars_put(s, set->name, set->value);
    s->vars.stale = true;
}

void vars_note(struct session *s, const struct classification *c)
{
    for (uint32_t i = 0; i < c->stmt_count; i++) {
        const struct classify_stmt *one = &c->stmts[i];
        for (uint32_t k = 0; k < one->sets.count; k++) {
            note_set(s, &c->sets[one->sets.first + k]);
        }
        if (one->kind == CLASSIFY_RESET_ALL ||
            (one->kind == CLASSIFY_DISCARD && str_eq(one->name, STR("all")))) {
            s->vars.stale = s->vars.count > 0;
        } else if (one->kind == CLASSIFY_ROLLBACK || one->kind == CLASSIFY_ROLLBACK_TO) {
            s->vars.stale = s->vars.count > 0; /* a SET may have been undone */
        }
    }
    if (s->unit.failed) {
        s->vars.stale = s->vars.count > 0;
    }
}

static void add_literal(struct buf *out, struct str s)
{
    buf_adds(out, "E'");
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\'' || s.p[i] == '\\') {
            buf_u8(out, '\\');
        }
        buf_u8(out, (uint8_t)s.p[i]);
    }
    buf_adds(out, "'");
}

void vars_confirm(struct session *s)
{
    struct buf q = BUF_INIT;
    buf_adds(&q, "SELECT ");
    for (uint32_t i = 0; i < s->vars.count; i++) {
        buf_adds(&q, i > 0 ? ",pg_catalog.current_setting(" : "pg_catalog.current_setting(");
        add_literal(&q, str_of(s->vars.list[i].name));
        buf_adds(&q, ",true)");
    }
    backend_query(s->primary, buf_str(&q), false, TAG_CONFIRM);
    s->confirming = true;
    buf_fini(&q);
}

void vars_row(struct session *s, struct str row)
{
    struct msg_values values;
    struct str v;
    if (!msg_values_open(row, &values)) {
        return;
    }
    for (uint32_t i = 0; i < s->vars.count && msg_values_next(&values, &v); i++) {
        struct var *one = &s->vars.list[i];
        uint32_t clear = 0;
        free(one->value);
        one->value = v.p != NULL ? def_strndup(v.p, v.n) : NULL;
        if (v.p != NULL && strcasecmp(one->name, "search_path") == 0) {
            judge_scope_path(&s->scope, v);
        }
        uint32_t pins = classify_setting_pins(str_of(one->name), v, &clear);
        s->pins = (s->pins & ~clear) | pins;
    }
}

/* One query that sets all of them; nothing when there is none. */
static void set_all(struct session *s, struct backend *b)
{
    struct buf q = BUF_INIT;
    for (uint32_t i = 0; i < s->vars.count; i++) {
        const struct var *one = &s->vars.list[i];
        if (one->value == NULL) {
            continue;
        }
        buf_adds(&q, q.len > 0 ? ",pg_catalog.set_config(" : "SELECT pg_catalog.set_config(");
        add_literal(&q, str_of(one->name));
        buf_adds(&q, ",");
        add_literal(&q, str_of(one->value));
        buf_adds(&q, ",false)");
    }
    if (q.len > 0) {
        backend_query(b, buf_str(&q), false, TAG_VARS);
        b->dirty = true;
        b->unnamed = 0;
        meter_add(&s->worker->meter.sets_applied_total, 1);
    }
    buf_fini(&q);
}

void vars_apply(struct session *s, struct backend *b)
{
    set_all(s, b);
}

void vars_restore(struct session *s, struct backend *b)
{
    set_all(s, b);
}
