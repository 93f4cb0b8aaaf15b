/* aststmt.c - what a statement is, from what its nodes have said: kind, pins, lists of names. */
#include "router/astwalk.h"

void aststmt_open(struct walk *w)
{
    if (w->stmt_n >= CLASSIFY_NAMES_MAX) {
        w->failed = true;
        return;
    }
    if (w->stmt_n == w->stmt_cap) {
        w->stmt_cap = w->stmt_cap == 0 ? 4 : w->stmt_cap * 2;
        w->stmts = def_realloc(w->stmts, w->stmt_cap * sizeof(*w->stmts));
    }
    w->stmt = &w->stmts[w->stmt_n++];
    *w->stmt = (struct classify_stmt){
        .modes = {.read_only = -1, .deferrable = -1},
        .relations = {w->relations.n, 0},
        .functions = {w->functions.n, 0},
        .operators = {w->operators.n, 0},
        .types = {w->types.n, 0},
        .columns = {w->columns.n, 0},
        .aliases = {w->aliases.n, 0},
        .sets = {w->set_n, 0},
        .temps = {w->temps.n, 0},
    };
    w->top = w->body = K_NONE;
    w->node = STR_NULL;
    w->set_kind = w->transaction_kind = w->target = STR_NULL;
    w->copy_from = w->copy_file = w->copy_columns = w->copy_relation = false;
    w->set_local = false;
    w->default_value = true;
    w->set_other = false;
    w->other_node = false;
    buf_reset(&w->value);
}

static void close_set(struct walk *w, struct classify_stmt *s)
{
    struct classify_set *e;

    w->out->literal = true;
    if (astwalk_is(w->set_kind, "VAR_RESET_ALL")) {
        s->kind = CLASSIFY_RESET_ALL;
        s->pins_clear |= PIN_SYNTAX | PIN_SERIALIZABLE;
        return;
    }
    if (astwalk_is(w->set_kind, "VAR_SET_MULTI")) {
        if (astwalk_is(s->name, "SESSION CHARACTERISTICS")) {
            s->kind = CLASSIFY_SET_CHARACTERISTICS;
            if (s->modes.isolation == CLASSIFY_ISO_SERIALIZABLE) {
                s->pins |= PIN_SERIALIZABLE;
            } else if (s->modes.isolation != CLASSIFY_ISO_DEFAULT) {
                s->pins_clear |= PIN_SERIALIZABLE;
            }
        } else {
            s->kind = CLASSIFY_SET_TRANSACTION;
            s->modes.snapshot = astwalk_is(s->name, "TRANSACTION SNAPSHOT");
        }
        return;
    }
    s->kind = CLASSIFY_SET;
    e = astwalk_add_set(w);
    e->local = w->set_local;
    e->name = astwalk_lower(w, s->name);
    if (astwalk_is(w->set_kind, "VAR_SET_VALUE")) {
        e->readable = !w->default_value && !w->set_other;
        if (e->readable) {
            char *p = ast_arena_take(w->out->arena, w->value.len + 1, 1);

            memcpy(p, buf_str(&w->value).p, w->value.len);
            p[w->value.len] = '\0';
            e->value = (struct str){p, w->value.len};
        }
    } else {
        e->readable = !astwalk_is(w->set_kind, "VAR_SET_CURRENT");
    }
    astnode_set_pins(s, e);
}

static void close_transaction(struct walk *w, struct classify_stmt *s)
{
    static const struct {
        const char *kind;
        enum classify_kind is;
    } rows[] = {
        {"TRANS_STMT_BEGIN", CLASSIFY_BEGIN},
        {"TRANS_STMT_START", CLASSIFY_BEGIN},
        {"TRANS_STMT_COMMIT", CLASSIFY_COMMIT},
        {"TRANS_STMT_ROLLBACK", CLASSIFY_ROLLBACK},
        {"TRANS_STMT_SAVEPOINT", CLASSIFY_SAVEPOINT},
        {"TRANS_STMT_RELEASE", CLASSIFY_RELEASE},
        {"TRANS_STMT_ROLLBACK_TO", CLASSIFY_ROLLBACK_TO},
        {"TRANS_STMT_PREPARE", CLASSIFY_PREPARE_TX},
        {"TRANS_STMT_COMMIT_PREPARED", CLASSIFY_COMMIT_PREPARED},
        {"TRANS_STMT_ROLLBACK_PREPARED", CLASSIFY_COMMIT_PREPARED},
    };

    s->kind = CLASSIFY_UNKNOWN;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (astwalk_is(w->transaction_kind, rows[i].kind)) {
            s->kind = rows[i].is;
        }
    }
}

static void close_discard(struct walk *w, struct classify_stmt *s)
{
    s->kind = CLASSIFY_DISCARD;
    if (astwalk_is(w->target, "DISCARD_ALL")) {
        s->name = STR("all");
        s->pins_clear = ~0u;
    } else if (astwalk_is(w->target, "DISCARD_TEMP")) {
        s->name = STR("temp");
        s->pins_clear = PIN_TEMP;
    } else if (astwalk_is(w->target, "DISCARD_SEQUENCES")) {
        s->name = STR("sequences");
        s->pins_clear = PIN_SEQUENCE;
    } else {
        s->name = STR("plans");
    }
}

static bool reads_only(const struct walk *w, const struct classify_stmt *s)
{
    return (s->flags & (CLASSIFY_LOCKING | CLASSIFY_INTO | CLASSIFY_DML | CLASSIFY_OTHER_NODE |
                        CLASSIFY_ANALYZE | CLASSIFY_SERVER_FILE)) == 0 &&
           !w->copy_from;
}

/* Statements around a query: the query's own class decides. */
static void close_around(struct walk *w, struct classify_stmt *s)
{
    bool read = reads_only(w, s) &&
                (w->body == K_SelectStmt || (w->body == K_NONE && w->copy_relation));

    s->body_kind = read ? CLASSIFY_READ : CLASSIFY_WRITE;
    switch (w->top) {
    case K_DeclareCursorStmt:
        s->kind = CLASSIFY_DECLARE;
        s->pins |= s->hold ? PIN_HOLD : 0;
        break;
    case K_PrepareStmt:
        s->kind = CLASSIFY_PREPARE;
        s->pins |= PIN_PREPARED;
        break;
    case K_ExplainStmt: s->kind = read ? CLASSIFY_EXPLAIN : CLASSIFY_WRITE; break;
    default: /* COPY */
        if (w->copy_from && !w->copy_file) {
            s->kind = CLASSIFY_COPY_IN;
        } else {
            s->kind = read ? CLASSIFY_COPY_OUT : CLASSIFY_WRITE;
        }
        if (w->copy_relation && !w->copy_columns) {
            s->flags |= CLASSIFY_STAR;
        }
        break;
    }
    /* The body runs later, perhaps often: what it would set is not known to have been set. */
    if ((w->top == K_DeclareCursorStmt || w->top == K_PrepareStmt) &&
        w->set_n > s->sets.first) {
        s->pins |= PIN_SETTER;
        w->set_n = s->sets.first;
    }
}

static void close_kind(struct walk *w, struct classify_stmt *s)
{
    switch (w->top) {
    case K_SelectStmt: s->kind = reads_only(w, s) ? CLASSIFY_READ : CLASSIFY_WRITE; break;
    case K_TransactionStmt: close_transaction(w, s); break;
    case K_VariableSetStmt: close_set(w, s); break;
    case K_VariableShowStmt:
        s->kind = CLASSIFY_SHOW;
        s->name = astwalk_lower(w, s->name);
        break;
    case K_DiscardStmt: close_discard(w, s); break;
    case K_ListenStmt:
        s->kind = CLASSIFY_LISTEN;
        s->pins |= PIN_LISTEN;
        break;
    case K_UnlistenStmt:
        s->kind = CLASSIFY_UNLISTEN;
        s->pins_clear |= s->name.p == NULL ? PIN_LISTEN : 0;
        break;
    case K_NotifyStmt: s->kind = CLASSIFY_NOTIFY; break;
    case K_FetchStmt: s->kind = CLASSIFY_FETCH; break;
    case K_ClosePortalStmt:
        s->kind = CLASSIFY_CLOSE;
        s->pins_clear |= s->name.p == NULL ? PIN_HOLD : 0;
        break;
    case K_ExecuteStmt: s->kind = CLASSIFY_EXECUTE; break;
    case K_DeallocateStmt:
        s->kind = CLASSIFY_DEALLOCATE;
        s->pins_clear |= s->name.p == NULL ? PIN_PREPARED : 0;
        break;
    case K_LockStmt: s->kind = CLASSIFY_LOCK; break;
    case K_LoadStmt:
        s->kind = CLASSIFY_LOAD;
        s->pins |= PIN_LOAD;
        break;
    case K_DoStmt:
        s->kind = CLASSIFY_DO;
        s->pins |= PIN_SETTER;
        break;
    case K_CallStmt: s->kind = CLASSIFY_CALL; break;
    case K_ConstraintsSetStmt: s->kind = CLASSIFY_SET_CONSTRAINTS; break;
    case K_DeclareCursorStmt:
    case K_PrepareStmt:
    case K_ExplainStmt:
    case K_CopyStmt: close_around(w, s); break;
    case K_NONE:
    default: s->kind = CLASSIFY_WRITE; break; /* DML, DDL and whatever is new */
    }
}

/* "CreateTableAsStmt" -> "create table as", for people. */
static struct str verb(struct walk *w)
{
    struct str s = w->node;

    if (s.n > 4 && memcmp(s.p + s.n - 4, "Stmt", 4) == 0) {
        s.n -= 4;
    }
    buf_reset(&w->value);
    for (size_t i = 0; i < s.n; i++) {
        bool upper = s.p[i] >= 'A' && s.p[i] <= 'Z';

        if (upper && i > 0) {
            buf_u8(&w->value, ' ');
        }
        buf_u8(&w->value, (uint8_t)(upper ? s.p[i] + ('a' - 'A') : s.p[i]));
    }
    s = buf_str(&w->value);
    return (struct str){memcpy(ast_arena_take(w->out->arena, s.n + 1, 1), s.p, s.n), s.n};
}

/* Strikes out the relations that were WITH entries. */
static void compact_relations(struct walk *w, struct classify_stmt *s)
{
    uint32_t n = s->relations.first;

    for (uint32_t i = n; i < w->relations.n; i++) {
        if (!w->relation_cte[i]) {
            w->relations.v[n++] = w->relations.v[i];
        }
    }
    w->relations.n = n;
}

void aststmt_close(struct walk *w)
{
    struct classify_stmt *s = w->stmt;

    if (s == NULL) {
        return;
    }
    if (w->other_node) {
        s->flags |= CLASSIFY_OTHER_NODE;
    }
    s->body_kind = CLASSIFY_UNKNOWN;
    close_kind(w, s);
    if (s->body_kind == CLASSIFY_UNKNOWN) {
        s->body_kind = s->kind;
    }
    if (s->kind == CLASSIFY_WRITE) {
        s->name = verb(w);
    }
    compact_relations(w, s);
    s->relations.count = w->relations.n - s->relations.first;
    s->functions.count = w->functions.n - s->functions.first;
    s->operators.count = w->operators.n - s->operators.first;
    s->types.count = w->types.n - s->types.first;
    s->columns.count = w->columns.n - s->columns.first;
    s->aliases.count = w->aliases.n - s->aliases.first;
    s->temps.count = w->temps.n - s->temps.first;
    s->sets.count = w->set_n - s->sets.first;
    w->stmt = NULL;
}
