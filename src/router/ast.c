/* ast.c - the streaming reader of libpg_query's parse tree.
 *
 * The tree never exists here: tokens come one at a time, and a stack of small frames, one for each
 * open object or array, keeps what a node needs until it closes (nodes are understood when they
 * close, since a field that explains another may come later: a WITH stands behind the FROM that
 * uses it). The stack is on the heap, so depth costs memory (bounded by the text) and no stack.
 *
 * Names of relations are taken when their RangeVar closes and struck out again when an enclosing
 * statement turns out to have a WITH entry of that name in scope. What a plain
 * read may be made of is a list (NODE_READ); a node that is not on it makes the statement no read. */
#include "router/ast.h"

#include <stdlib.h>

#include "router/jscan.h"

enum { NODE_READ = 1, NODE_OTHER = 2 };

/* Keys of the tree that mean something here, ordered by length, then bytes (found by bisection). */
#define KEY_LIST(X)                                                                                \
    X(op, 0)                                                                                 \
    X(arg, 0)                                                                                \
    X(gid, 0)                                                                                \
    X(rel, 0)                                                                                \
    X(List, NODE_READ)                                                                       \
    X(args, 0)                                                                               \
    X(fval, 0)                                                                               \
    X(ival, 0)                                                                               \
    X(kind, 0)                                                                               \
    X(name, 0)                                                                               \
    X(stmt, 0)                                                                               \
    X(sval, 0)                                                                               \
    X(view, 0)                                                                               \
    X(Alias, NODE_READ)                                                                      \
    X(Float, NODE_READ)                                                                      \
    X(alias, 0)                                                                              \
    X(bsval, 0)                                                                              \
    X(chain, 0)                                                                              \
    X(names, 0)                                                                              \
    X(query, 0)                                                                              \
    X(stmts, 0)                                                                              \
    X(useOp, 0)                                                                              \
    X(A_Expr, NODE_READ)                                                                     \
    X(A_Star, NODE_READ)                                                                     \
    X(DoStmt, NODE_OTHER)                                                                    \
    X(SortBy, NODE_READ)                                                                     \
    X(String, NODE_READ)                                                                     \
    X(fields, 0)                                                                             \
    X(method, 0)                                                                             \
    X(target, 0)                                                                             \
    X(A_Const, NODE_READ)                                                                    \
    X(Boolean, NODE_READ)                                                                    \
    X(DefElem, NODE_READ)                                                                    \
    X(Integer, NODE_READ)                                                                    \
    X(RowExpr, NODE_READ)                                                                    \
    X(SubLink, NODE_READ)                                                                    \
    X(XmlExpr, NODE_READ)                                                                    \
    X(attlist, 0)                                                                            \
    X(boolval, 0)                                                                            \
    X(ctename, 0)                                                                            \
    X(defname, 0)                                                                            \
    X(is_from, 0)                                                                            \
    X(options, 0)                                                                            \
    X(relname, 0)                                                                            \
    X(BoolExpr, NODE_READ)                                                                   \
    X(CallStmt, NODE_OTHER)                                                                  \
    X(CaseExpr, NODE_READ)                                                                   \
    X(CaseWhen, NODE_READ)                                                                   \
    X(CopyStmt, NODE_READ)                                                                   \
    X(FuncCall, NODE_READ)                                                                   \
    X(JoinExpr, NODE_READ)                                                                   \
    X(LoadStmt, NODE_OTHER)                                                                  \
    X(LockStmt, NODE_OTHER)                                                                  \
    X(NullTest, NODE_READ)                                                                   \
    X(ParamRef, NODE_READ)                                                                   \
    X(RangeVar, NODE_READ)                                                                   \
    X(TypeCast, NODE_READ)                                                                   \
    X(TypeName, NODE_READ)                                                                   \
    X(colnames, 0)                                                                           \
    X(filename, 0)                                                                           \
    X(funccall, 0)                                                                           \
    X(funcname, 0)                                                                           \
    X(is_local, 0)                                                                           \
    X(location, 0)                                                                           \
    X(operName, 0)                                                                           \
    X(relation, 0)                                                                           \
    X(sequence, 0)                                                                           \
    X(stmt_len, 0)                                                                           \
    X(typeName, 0)                                                                           \
    X(A_Indices, NODE_READ)                                                                  \
    X(BitString, NODE_READ)                                                                  \
    X(ColumnDef, NODE_READ)                                                                  \
    X(ColumnRef, NODE_READ)                                                                  \
    X(FetchStmt, NODE_OTHER)                                                                 \
    X(MergeStmt, NODE_OTHER)                                                                 \
    X(ResTarget, NODE_READ)                                                                  \
    X(WindowDef, NODE_READ)                                                                  \
    X(aliasname, 0)                                                                          \
    X(recursive, 0)                                                                          \
    X(DeleteStmt, NODE_OTHER)                                                                \
    X(InsertStmt, NODE_OTHER)                                                                \
    X(ListenStmt, NODE_OTHER)                                                                \
    X(MinMaxExpr, NODE_READ)                                                                 \
    X(NotifyStmt, NODE_OTHER)                                                                \
    X(SelectStmt, NODE_READ)                                                                 \
    X(UpdateStmt, NODE_OTHER)                                                                \
    X(WithClause, NODE_READ)                                                                 \
    X(intoClause, 0)                                                                         \
    X(is_program, 0)                                                                         \
    X(portalname, 0)                                                                         \
    X(schemaname, 0)                                                                         \
    X(withClause, 0)                                                                         \
    X(A_ArrayExpr, NODE_READ)                                                                \
    X(BooleanTest, NODE_READ)                                                                \
    X(DiscardStmt, NODE_OTHER)                                                               \
    X(ExecuteStmt, NODE_OTHER)                                                               \
    X(ExplainStmt, NODE_READ)                                                                \
    X(GroupingSet, NODE_READ)                                                                \
    X(PrepareStmt, NODE_READ)                                                                \
    X(indirection, 0)                                                                        \
    X(usingClause, 0)                                                                        \
    X(CoalesceExpr, NODE_READ)                                                               \
    X(GroupingFunc, NODE_READ)                                                               \
    X(NamedArgExpr, NODE_READ)                                                               \
    X(UnlistenStmt, NODE_OTHER)                                                              \
    X(XmlSerialize, NODE_READ)                                                               \
    X(A_Indirection, NODE_READ)                                                              \
    X(CollateClause, NODE_READ)                                                              \
    X(LockingClause, NODE_READ)                                                              \
    X(RangeFunction, NODE_READ)                                                              \
    X(conditionname, 0)                                                                      \
    X(lockingClause, 0)                                                                      \
    X(stmt_location, 0)                                                                      \
    X(CTECycleClause, NODE_READ)                                                             \
    X(DeallocateStmt, NODE_OTHER)                                                            \
    X(RangeSubselect, NODE_READ)                                                             \
    X(RangeTableFunc, NODE_READ)                                                             \
    X(relpersistence, 0)                                                                     \
    X(savepoint_name, 0)                                                                     \
    X(CTESearchClause, NODE_READ)                                                            \
    X(ClosePortalStmt, NODE_OTHER)                                                           \
    X(CommonTableExpr, NODE_READ)                                                            \
    X(TransactionStmt, NODE_OTHER)                                                           \
    X(VariableSetStmt, NODE_OTHER)                                                           \
    X(RangeTableSample, NODE_READ)                                                           \
    X(SQLValueFunction, NODE_READ)                                                           \
    X(VariableShowStmt, NODE_OTHER)                                                          \
    X(DeclareCursorStmt, NODE_READ)                                                          \
    X(RangeTableFuncCol, NODE_READ)                                                          \
    X(ConstraintsSetStmt, NODE_OTHER)

enum key {
    K_NONE, /* any other */
#define X(name, flags) K_##name,
    KEY_LIST(X)
#undef X
    K_ELEMENT, /* an element of an array */
};

struct key_row {
    const char *text;
    uint8_t length;
    uint8_t flags;
};

static const struct key_row key_rows[] = {
    {"", 0, 0},
#define X(name, flags) {#name, sizeof(#name) - 1, flags},
    KEY_LIST(X)
#undef X
};

static enum key key_find(struct str s)
{
    size_t low = 1;
    size_t high = ARRAY_LEN(key_rows);

    while (low < high) {
        size_t mid = (low + high) / 2;
        const struct key_row *k = &key_rows[mid];
        int c = s.n != k->length ? (s.n < k->length ? -1 : 1) : memcmp(s.p, k->text, s.n);

        if (c == 0) {
            return (enum key)mid;
        }
        if (c < 0) {
            high = mid;
        } else {
            low = mid + 1;
        }
    }
    return K_NONE;
}

/* ---- memory ---- */

struct chunk {
    struct chunk *next;
    size_t used;
    size_t size;
    max_align_t data[];
};

struct classify_arena {
    struct chunk *head;
    size_t bytes;
};

struct classify_arena *ast_arena_new(void)
{
    return def_zalloc(1, sizeof(struct classify_arena));
}

void ast_arena_free(struct classify_arena *a)
{
    if (a == NULL) {
        return;
    }
    while (a->head != NULL) {
        struct chunk *next = a->head->next;

        free(a->head);
        a->head = next;
    }
    free(a);
}

void *ast_arena_take(struct classify_arena *a, size_t size, size_t align)
{
    struct chunk *c = a->head;
    size_t used = c != NULL ? (c->used + align - 1) & ~(align - 1) : 0;

    if (c == NULL || used > c->size || c->size - used < size) {
        size_t room = size > 960 ? size : 960;

        c = def_alloc(sizeof(*c) + room);
        c->next = a->head;
        c->size = room;
        a->head = c;
        a->bytes += sizeof(*c) + room;
        used = 0;
    }
    c->used = used + size;
    return (char *)c->data + used;
}

size_t ast_arena_bytes(const struct classify_arena *a)
{
    return sizeof(*a) + a->bytes;
}

/* ---- the walk ---- */

struct constant {
    enum { CONST_NONE, CONST_TEXT, CONST_INT, CONST_FLOAT, CONST_BOOL, CONST_OTHER } type;
    struct str text; /* raw */
};

struct frame {
    uint8_t key;
    bool array;
    bool mark;       /* by kind: a star in fields, a RECURSIVE, a temp relation, alias columns */
    bool with;       /* this statement has a WITH: its entries are ctes[cte0…] */
    bool recursive;
    uint8_t call;    /* FuncCall: enum call */
    uint8_t strings; /* String nodes seen in an array, at most 3 counted */
    uint32_t count;  /* elements of an array; FuncCall: arguments */
    uint32_t relation0;
    uint32_t cte0;
    uint32_t const0;
    uint32_t location; /* A_Const: in the query text */
    struct str a, b, c; /* array: the last three strings; else by kind */
};

enum call { CALL_OTHER, CALL_SET_CONFIG, CALL_CURRENT_SETTING };

struct cte {
    struct str name;
    uint32_t from, to; /* relations in its own query */
};

struct names {
    struct classify_name *v;
    uint32_t n, cap;
};

struct walk {
    struct classification *out;
    struct str text; /* the query */
    struct frame *frames;
    uint32_t depth, frame_cap;
    struct names relations, functions, operators, types, columns, aliases, temps;
    bool *relation_cte; /* beside relations.v */
    uint32_t relation_cte_cap;
    struct cte *ctes;
    uint32_t cte_n, cte_cap;
    struct classify_set *sets;
    uint32_t set_n, set_cap;
    struct classify_stmt *stmts;
    uint32_t stmt_n, stmt_cap;
    struct classify_stmt *stmt; /* the one open */
    enum key top;               /* its node */
    enum key body;              /* the node of its query field */
    enum key pending;           /* key seen, its value comes next */
    struct constant last;
    uint32_t const_count;
    struct constant config[3]; /* arguments of the set_config being read */
    struct str set_kind, transaction_kind, target;
    struct str node; /* the name of the node of `top` */
    bool copy_from, copy_file, copy_columns, copy_relation, set_local;
    bool default_value; /* of SET: no constant yet */
    bool set_other;     /* SET with something else than constants */
    struct buf value;   /* of SET */
    struct buf scratch;
    bool failed;
    bool other_node;
};

static struct str keep(struct walk *w, struct str raw)
{
    char *p;

    if (raw.p == NULL) {
        return raw;
    }
    buf_reset(&w->scratch);
    if (memchr(raw.p, '\\', raw.n) != NULL) {
        if (!jscan_unescape(raw, &w->scratch)) {
            w->failed = true;
        }
        raw = buf_str(&w->scratch);
    }
    p = ast_arena_take(w->out->arena, raw.n + 1, 1);
    memcpy(p, raw.p, raw.n);
    p[raw.n] = '\0';
    return (struct str){p, raw.n};
}

static void add(struct walk *w, struct names *l, struct str schema, struct str name, uint32_t argc)
{
    if (l->n >= CLASSIFY_NAMES_MAX) {
        w->failed = true;
        return;
    }
    if (l->n == l->cap) {
        l->cap = l->cap == 0 ? 16 : l->cap * 2;
        l->v = def_realloc(l->v, l->cap * sizeof(*l->v));
    }
    l->v[l->n++] = (struct classify_name){keep(w, schema), keep(w, name),
                                          (uint16_t)(argc > UINT16_MAX ? UINT16_MAX : argc)};
}

static uint32_t number(struct str s)
{
    uint32_t v = 0;

    for (size_t i = 0; i < s.n && s.p[i] >= '0' && s.p[i] <= '9' && v < 100000000; i++) {
        v = v * 10 + (uint32_t)(s.p[i] - '0');
    }
    return v;
}

static struct frame *above(struct walk *w, uint32_t levels)
{
    return w->depth > levels ? &w->frames[w->depth - 1 - levels] : NULL;
}

static bool is(struct str s, const char *lit)
{
    return str_eq(s, str_of(lit));
}

static bool one_of(struct str s, const char *const *list)
{
    for (; *list != NULL; list++) {
        if (is(s, *list)) {
            return true;
        }
    }
    return false;
}

static bool own_schema(struct str schema)
{
    return schema.p == NULL || is(schema, "pg_catalog");
}

static bool temp_schema(struct str schema)
{
    return schema.n >= 7 && memcmp(schema.p, "pg_temp", 7) == 0 &&
           (schema.n == 7 || schema.p[7] == '_');
}

/* ---- statements ---- */

static void stmt_open(struct walk *w)
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
        .relations = {w->relations.n, 0}, .functions = {w->functions.n, 0},
        .operators = {w->operators.n, 0}, .types = {w->types.n, 0},
        .columns = {w->columns.n, 0}, .aliases = {w->aliases.n, 0},
        .sets = {w->set_n, 0}, .temps = {w->temps.n, 0},
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

static struct classify_set *set_add(struct walk *w)
{
    if (w->set_n >= CLASSIFY_NAMES_MAX) {
        w->failed = true;
        w->set_n--;
    }
    if (w->set_n == w->set_cap) {
        w->set_cap = w->set_cap == 0 ? 4 : w->set_cap * 2;
        w->sets = def_realloc(w->sets, w->set_cap * sizeof(*w->sets));
    }
    w->sets[w->set_n] = (struct classify_set){.readable = true};
    return &w->sets[w->set_n++];
}

static struct str lower(struct walk *w, struct str raw)
{
    struct str s = keep(w, raw);
    char *p = (char *)(uintptr_t)s.p; /* the arena's own copy */

    for (size_t i = 0; i < s.n; i++) {
        if (p[i] >= 'A' && p[i] <= 'Z') {
            p[i] = (char)(p[i] + ('a' - 'A'));
        }
    }
    return s;
}

static void apply_set_pins(struct classify_stmt *s, const struct classify_set *e)
{
    uint32_t clear = 0;

    if (!e->readable) {
        s->pins |= e->local ? 0 : PIN_SETTER;
        return;
    }
    s->pins |= classify_setting_pins(e->name, e->value, &clear);
    if (!e->local) {
        s->pins_clear |= clear;
    }
}

static void close_set(struct walk *w, struct classify_stmt *s)
{
    struct classify_set *e;

    w->out->literal = true;
    if (is(w->set_kind, "VAR_RESET_ALL")) {
        s->kind = CLASSIFY_RESET_ALL;
        s->pins_clear |= PIN_SYNTAX | PIN_SERIALIZABLE;
        return;
    }
    if (is(w->set_kind, "VAR_SET_MULTI")) {
        if (is(s->name, "SESSION CHARACTERISTICS")) {
            s->kind = CLASSIFY_SET_CHARACTERISTICS;
            if (s->modes.isolation == CLASSIFY_ISO_SERIALIZABLE) {
                s->pins |= PIN_SERIALIZABLE;
            } else if (s->modes.isolation != CLASSIFY_ISO_DEFAULT) {
                s->pins_clear |= PIN_SERIALIZABLE;
            }
        } else {
            s->kind = CLASSIFY_SET_TRANSACTION;
            s->modes.snapshot = is(s->name, "TRANSACTION SNAPSHOT");
        }
        return;
    }
    s->kind = CLASSIFY_SET;
    e = set_add(w);
    e->local = w->set_local;
    e->name = lower(w, s->name);
    if (is(w->set_kind, "VAR_SET_VALUE")) {
        e->readable = !w->default_value && !w->set_other;
        if (e->readable) {
            char *p = ast_arena_take(w->out->arena, w->value.len + 1, 1);

            memcpy(p, buf_str(&w->value).p, w->value.len);
            p[w->value.len] = '\0';
            e->value = (struct str){p, w->value.len};
        }
    } else {
        e->readable = !is(w->set_kind, "VAR_SET_CURRENT");
    }
    apply_set_pins(s, e);
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
        if (is(w->transaction_kind, rows[i].kind)) {
            s->kind = rows[i].is;
        }
    }
}

static void close_discard(struct walk *w, struct classify_stmt *s)
{
    s->kind = CLASSIFY_DISCARD;
    if (is(w->target, "DISCARD_ALL")) {
        s->name = STR("all");
        s->pins_clear = ~0u;
    } else if (is(w->target, "DISCARD_TEMP")) {
        s->name = STR("temp");
        s->pins_clear = PIN_TEMP;
    } else if (is(w->target, "DISCARD_SEQUENCES")) {
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
    bool read = reads_only(w, s) && (w->body == K_SelectStmt || (w->body == K_NONE && w->copy_relation));

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
    if ((w->top == K_DeclareCursorStmt || w->top == K_PrepareStmt) && w->set_n > s->sets.first) {
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
        s->name = lower(w, s->name);
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

static void stmt_close(struct walk *w)
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

/* ---- nodes ---- */

static void close_with_scope(struct walk *w, const struct frame *f)
{
    for (uint32_t i = f->relation0; i < w->relations.n; i++) {
        if (w->relation_cte[i] || w->relations.v[i].schema.p != NULL) {
            continue;
        }
        for (uint32_t k = f->cte0; k < w->cte_n; k++) {
            const struct cte *c = &w->ctes[k];

            if (!f->recursive && i >= c->from && i < c->to) {
                break; /* inside entry k: it and the later ones are not in scope */
            }
            if (str_eq(c->name, w->relations.v[i].name)) {
                w->relation_cte[i] = true;
                break;
            }
        }
    }
    w->cte_n = f->cte0;
}

static void close_cte(struct walk *w, const struct frame *f)
{
    if (w->cte_n >= CLASSIFY_NAMES_MAX) {
        w->failed = true;
        return;
    }
    if (w->cte_n == w->cte_cap) {
        w->cte_cap = w->cte_cap == 0 ? 8 : w->cte_cap * 2;
        w->ctes = def_realloc(w->ctes, w->cte_cap * sizeof(*w->ctes));
    }
    w->ctes[w->cte_n++] = (struct cte){keep(w, f->a), f->relation0, w->relations.n};
}

static void close_relation(struct walk *w, const struct frame *f)
{
    bool creates = w->top != K_SelectStmt && w->top != K_InsertStmt && w->top != K_UpdateStmt &&
                   w->top != K_DeleteStmt && w->top != K_MergeStmt && w->top != K_CopyStmt &&
                   w->top != K_ExplainStmt && w->top != K_DeclareCursorStmt;

    if (f->b.p == NULL) {
        return; /* a wrapper of another node */
    }
    if (f->mark || (creates && temp_schema(f->a))) {
        add(w, &w->temps, STR_NULL, f->b, 0);
        w->stmt->pins |= PIN_TEMP;
    }
    add(w, &w->relations, f->a, f->b, 0);
    if (w->failed) {
        return;
    }
    if (w->relation_cte_cap < w->relations.cap) {
        w->relation_cte_cap = w->relations.cap;
        w->relation_cte = def_realloc(w->relation_cte, w->relation_cte_cap * sizeof(bool));
    }
    w->relation_cte[w->relations.n - 1] = false;
    if (w->top == K_CopyStmt && f->key == K_relation && w->depth == 6) {
        w->copy_relation = true;
    }
}

static void close_alias(struct walk *w, const struct frame *f)
{
    const struct frame *owner = above(w, 1);
    bool table = owner != NULL && (owner->key == K_RangeVar || owner->key == K_relation);

    if (f->a.p != NULL && table) {
        add(w, &w->aliases, STR_NULL, f->a, 0);
    }
    /* Columns of a table or join under new names: which ones are used cannot be seen. */
    if (f->mark && (table || (owner != NULL && owner->key == K_JoinExpr))) {
        w->stmt->flags |= CLASSIFY_STAR;
    }
}

static void add_column(struct walk *w, struct str qualifier, struct str name)
{
    static const char *const system[] = {"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid", NULL};

    if (one_of(name, system)) {
        w->stmt->flags |= CLASSIFY_SYSTEM_COLUMN;
    }
    add(w, &w->columns, qualifier, name, 0);
}

/* set_config(name, value, is_local) with constants is a SET that the session must know of. */
static void close_set_config(struct walk *w, const struct frame *f)
{
    struct classify_set *e = set_add(w);
    const struct constant *c = w->config;

    w->out->literal = true;
    e->config = true;
    e->readable = f->count == 3 && c[0].type == CONST_TEXT && c[1].type == CONST_TEXT &&
                  c[2].type == CONST_BOOL;
    e->local = f->count == 3 && c[2].type == CONST_BOOL && is(c[2].text, "true");
    if (c[0].type == CONST_TEXT) {
        e->name = lower(w, c[0].text);
    }
    if (c[1].type == CONST_TEXT) {
        e->value = keep(w, c[1].text);
    }
    apply_set_pins(w->stmt, e);
}

static void function_pins(struct walk *w, struct str name)
{
    static const char *const locks[] = {"pg_advisory_lock", "pg_advisory_lock_shared",
                                        "pg_try_advisory_lock", "pg_try_advisory_lock_shared", NULL};
    static const char *const sequences[] = {"nextval", "setval", "currval", "lastval", NULL};

    if (one_of(name, locks)) {
        w->stmt->pins |= PIN_ADVISORY;
    } else if (one_of(name, sequences)) {
        w->stmt->pins |= PIN_SEQUENCE;
    } else if (is(name, "setseed")) {
        w->stmt->pins |= PIN_SEED;
    } else if (is(name, "random")) {
        w->stmt->flags |= CLASSIFY_RANDOM;
    }
}

static void close_call(struct walk *w, const struct frame *f)
{
    if (f->c.p == NULL) {
        w->failed = true;
        return;
    }
    add(w, &w->functions, f->b, f->c, f->count);
    if (own_schema(f->b)) {
        function_pins(w, f->c);
    }
    if (f->call == CALL_SET_CONFIG) {
        close_set_config(w, f);
    } else if (f->call == CALL_CURRENT_SETTING && !f->mark) {
        w->stmt->flags |= CLASSIFY_SERVER_SETTING;
    }
}

static void close_mode(struct walk *w, const struct frame *f)
{
    struct classify_modes *m = &w->stmt->modes;
    bool value = w->const_count != f->const0 && w->last.type == CONST_INT && !is(w->last.text, "0");

    if (is(f->a, "transaction_read_only")) {
        m->read_only = value;
    } else if (is(f->a, "transaction_deferrable")) {
        m->deferrable = value;
    } else if (is(f->a, "transaction_isolation") && w->const_count != f->const0) {
        m->isolation = is(w->last.text, "serializable")      ? CLASSIFY_ISO_SERIALIZABLE
                       : is(w->last.text, "repeatable read") ? CLASSIFY_ISO_REPEATABLE_READ
                       : is(w->last.text, "read committed")  ? CLASSIFY_ISO_READ_COMMITTED
                                                             : CLASSIFY_ISO_READ_UNCOMMITTED;
    } else if (is(f->a, "analyze") && w->top == K_ExplainStmt) {
        w->stmt->flags |= CLASSIFY_ANALYZE; /* ANALYZE off too: not worth reading its value */
    }
}

/* A list of names in SET search_path must stay a list: each one quoted where it needs it. */
static void add_set_value(struct walk *w, const struct constant *c)
{
    bool list = is(w->stmt->name, "search_path") || is(w->stmt->name, "temp_tablespaces");
    struct str s;
    bool plain = true;

    if (c->type != CONST_TEXT && c->type != CONST_INT && c->type != CONST_FLOAT) {
        w->set_other = true;
        return;
    }
    if (!w->default_value) {
        buf_adds(&w->value, ", ");
    }
    w->default_value = false;
    s = keep(w, c->text);
    for (size_t i = 0; i < s.n; i++) {
        char ch = s.p[i];

        plain = plain && ((ch >= 'a' && ch <= 'z') || ch == '_' || (i > 0 && ch >= '0' && ch <= '9'));
    }
    if (!list || (plain && s.n > 0)) {
        buf_addstr(&w->value, s);
        return;
    }
    buf_u8(&w->value, '"');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"') {
            buf_u8(&w->value, '"');
        }
        buf_u8(&w->value, (uint8_t)s.p[i]);
    }
    buf_u8(&w->value, '"');
}

/* current_setting of the session's own state, which follows it to every server. */
static bool session_setting(struct walk *w, struct str raw)
{
    static const char *const own[] = {"timezone", "datestyle", "intervalstyle", "search_path",
                                      "client_encoding", "application_name", "extra_float_digits",
                                      "bytea_output", "statement_timeout", "role", NULL};
    struct str s = lower(w, raw);

    return memchr(s.p, '.', s.n) != NULL || one_of(s, own);
}

/* The tree leaves out integers that are not positive: zero, or a sign and digits in the text. */
static struct constant unwritten(struct walk *w, uint32_t location)
{
    const char *p = w->text.p + location;
    const char *end = w->text.p + w->text.n;
    const char *digits;
    char *copy;
    size_t minus = 0;

    if (location >= w->text.n) {
        return (struct constant){CONST_OTHER, STR("0")};
    }
    minus = *p == '-' ? 1 : 0;
    p += minus;
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r')) {
        p++;
    }
    for (digits = p; p < end && *p >= '0' && *p <= '9'; p++) {
    }
    if (p == digits) {
        return (struct constant){CONST_OTHER, STR("0")};
    }
    copy = ast_arena_take(w->out->arena, minus + (size_t)(p - digits), 1);
    memcpy(copy, "-", minus);
    memcpy(copy + minus, digits, (size_t)(p - digits));
    return (struct constant){CONST_INT, {copy, minus + (size_t)(p - digits)}};
}

static void close_constant(struct walk *w, const struct frame *f)
{
    struct constant c = {(int)f->count, f->a};
    const struct frame *list = above(w, 2);
    struct frame *call = above(w, 3);

    if (c.type == CONST_INT && c.text.p == NULL) {
        c = w->top == K_VariableSetStmt ? unwritten(w, f->location)
                                        : (struct constant){CONST_INT, STR("0")};
    }
    w->last = c;
    w->const_count++;
    if (call != NULL && call->key == K_FuncCall && list->array && list->key == K_args) {
        uint32_t i = list->count - 1;

        if (call->call == CALL_SET_CONFIG && i < 3) {
            w->config[i] = c;
        } else if (call->call == CALL_CURRENT_SETTING && i == 0 && c.type == CONST_TEXT) {
            call->mark = session_setting(w, c.text);
            w->out->literal = true;
        }
    } else if (w->top == K_VariableSetStmt && call != NULL && call->key == K_VariableSetStmt &&
               list->array && list->key == K_args) {
        add_set_value(w, &c);
    }
}

/* An array of names has closed inside node `up`. */
static void close_name_list(struct walk *w, const struct frame *f, struct frame *up)
{
    struct str schema = f->strings > 1 ? f->b : STR_NULL;

    switch ((enum key)f->key) {
    case K_funcname:
        if (up->key == K_FuncCall || up->key == K_funccall) {
            up->b = schema;
            up->c = f->c;
            if (own_schema(schema) && is(f->c, "set_config")) {
                up->call = CALL_SET_CONFIG;
                memset(w->config, 0, sizeof(w->config));
            } else if (own_schema(schema) && is(f->c, "current_setting")) {
                up->call = CALL_CURRENT_SETTING;
            }
        }
        break;
    case K_name:
        if (up->key == K_A_Expr && f->strings > 0) {
            add(w, &w->operators, schema, f->c, 2);
        }
        break;
    case K_operName:
    case K_useOp:
        if (f->strings > 0) {
            add(w, &w->operators, schema, f->c, 2);
        }
        break;
    case K_names:
        if ((up->key == K_TypeName || up->key == K_typeName) && f->strings > 0) {
            add(w, &w->types, schema, f->c, 0);
        }
        break;
    case K_fields:
        if (up->key == K_ColumnRef && f->strings > 0 && !f->mark) {
            add_column(w, schema, f->c);
        }
        break;
    case K_method:
        if (!is(f->c, "system") && !is(f->c, "bernoulli")) {
            w->other_node = true;
        }
        break;
    case K_args:
        if (up->key == K_FuncCall || up->key == K_funccall) {
            up->count = f->count;
        }
        break;
    case K_colnames: up->mark = f->count > 0; break;
    case K_attlist: w->copy_columns = w->top == K_CopyStmt; break;
    default: break;
    }
}

static void close_string(struct walk *w, const struct frame *f)
{
    struct frame *list = above(w, 2);

    w->last = (struct constant){CONST_TEXT, f->a};
    w->const_count++;
    if (list == NULL || !list->array || f->a.p == NULL) {
        return;
    }
    list->a = list->b;
    list->b = list->c;
    list->c = f->a;
    list->strings = (uint8_t)(list->strings < 3 ? list->strings + 1 : 3);
    if (list->key == K_usingClause || list->key == K_indirection || list->key == K_attlist) {
        add_column(w, STR(""), f->a);
    }
}

static void close_object(struct walk *w, struct frame *f)
{
    struct frame *up = above(w, 1);

    if (w->stmt == NULL || up == NULL) {
        return;
    }
    switch ((enum key)f->key) {
    case K_String: close_string(w, f); break;
    case K_Integer:
    case K_Float:
    case K_Boolean:
        w->last = (struct constant){CONST_INT, f->a.p != NULL ? f->a : STR("0")};
        w->const_count++;
        break;
    case K_sval:
    case K_ival:
    case K_fval:
    case K_boolval:
    case K_bsval:
        if (up->key == K_A_Const) {
            up->count = f->key == K_sval    ? CONST_TEXT
                        : f->key == K_ival  ? CONST_INT
                        : f->key == K_fval  ? CONST_FLOAT
                        : f->key == K_bsval ? CONST_OTHER
                                            : CONST_BOOL;
            up->a = f->a.p != NULL || f->key == K_ival ? f->a : f->key == K_sval ? STR("") : STR("0");
        }
        break;
    case K_A_Const: close_constant(w, f); break;
    case K_A_Star: {
        struct frame *list = above(w, 2);

        if (list != NULL && list->array) {
            list->mark = true;
        }
        w->stmt->flags |= CLASSIFY_STAR;
        break;
    }
    case K_TypeCast:
        if (up->key == K_ELEMENT && above(w, 3) != NULL && above(w, 3)->key == K_VariableSetStmt) {
            w->set_other = true;
        }
        break;
    case K_RangeVar:
    case K_relation:
    case K_rel:
    case K_view:
    case K_sequence: close_relation(w, f); break;
    case K_alias: close_alias(w, f); break;
    case K_FuncCall:
    case K_funccall: /* of CALL */ close_call(w, f); break;
    case K_DefElem: close_mode(w, f); break;
    case K_CommonTableExpr: close_cte(w, f); break;
    case K_withClause:
        up->with = true;
        up->recursive = f->mark;
        up->cte0 = f->cte0;
        break;
    case K_intoClause: w->stmt->flags |= CLASSIFY_INTO; break;
    default: break;
    }
}

/* ---- tokens ---- */

static void node_seen(struct walk *w, enum key k, struct str name)
{
    bool node = name.n > 0 && name.p[0] >= 'A' && name.p[0] <= 'Z';
    const struct frame *f = above(w, 0);

    if (w->stmt == NULL || f == NULL || !node) {
        return;
    }
    if (w->depth == 4 && f->key == K_stmt) {
        w->top = k;
        w->node = name;
        return;
    }
    if (w->depth == 6 && f->key == K_query) {
        w->body = k == K_NONE ? K_ELEMENT : k;
    }
    if (k == K_InsertStmt || k == K_UpdateStmt || k == K_DeleteStmt || k == K_MergeStmt) {
        w->stmt->flags |= CLASSIFY_DML;
    } else if (key_rows[k].flags != NODE_READ) {
        w->other_node = true;
    }
    if (k == K_LockingClause) {
        w->stmt->flags |= CLASSIFY_LOCKING;
    }
}

/* A scalar that belongs to the statement's own node. */
static void top_scalar(struct walk *w, enum key k, const struct jscan_token *t)
{
    struct classify_stmt *s = w->stmt;
    bool yes = t->type == JSCAN_TRUE;

    switch (k) {
    case K_kind:
        w->set_kind = t->text;
        w->transaction_kind = t->text;
        break;
    case K_name:
    case K_savepoint_name:
    case K_gid:
    case K_conditionname:
    case K_portalname:
        if (t->type == JSCAN_STRING) {
            s->name = keep(w, t->text);
        }
        break;
    case K_target: w->target = t->text; break;
    case K_chain: s->chain = yes; break;
    case K_is_local: w->set_local = yes; break;
    case K_is_from: w->copy_from = yes; break;
    case K_filename:
    case K_is_program:
        w->copy_file = true;
        s->flags |= CLASSIFY_SERVER_FILE;
        break;
    case K_options: /* of DECLARE: a number; 0x20 is WITH HOLD */
        if (t->type == JSCAN_NUMBER && w->top == K_DeclareCursorStmt) {
            s->hold = (number(t->text) & 0x20) != 0;
        }
        break;
    default: break;
    }
}

static void scalar(struct walk *w, enum key k, const struct jscan_token *t)
{
    struct frame *f = above(w, 0);

    if (f == NULL || f->array) {
        return;
    }
    if (w->depth == 3 && w->stmt != NULL && t->type == JSCAN_NUMBER) {
        if (k == K_stmt_location) {
            w->stmt->offset = number(t->text);
        } else if (k == K_stmt_len) {
            w->stmt->length = number(t->text);
        }
        return;
    }
    if (w->stmt == NULL) {
        return;
    }
    if (w->depth == 5) {
        top_scalar(w, k, t);
    }
    switch (k) {
    case K_sval:
    case K_ival:
    case K_fval:
    case K_bsval: f->a = t->text; break;
    case K_boolval: f->a = t->type == JSCAN_TRUE ? STR("true") : STR("0"); break;
    case K_schemaname: f->a = t->text; break;
    case K_relname: f->b = t->text; break;
    case K_location:
        if (f->key == K_A_Const) {
            f->location = number(t->text);
        }
        break;
    case K_relpersistence: f->mark = is(t->text, "t"); break;
    case K_aliasname:
    case K_ctename:
    case K_defname: f->a = t->text; break;
    case K_recursive: f->mark = t->type == JSCAN_TRUE; break;
    case K_op:
        if (f->key == K_SQLValueFunction &&
            (is(t->text, "SVFOP_CURRENT_CATALOG") || is(t->text, "SVFOP_CURRENT_SCHEMA"))) {
            w->stmt->flags |= CLASSIFY_CATALOG_NAME;
        }
        break;
    default: break;
    }
}

static void push(struct walk *w, bool array)
{
    struct frame *up = above(w, 0);
    enum key k = w->pending;

    if (up != NULL && up->array) {
        up->count++;
        k = K_ELEMENT;
    }
    if (w->depth == w->frame_cap) {
        w->frame_cap = w->frame_cap == 0 ? 64 : w->frame_cap * 2;
        w->frames = def_realloc(w->frames, w->frame_cap * sizeof(*w->frames));
    }
    w->frames[w->depth++] = (struct frame){.key = (uint8_t)k,
                                           .array = array,
                                           .relation0 = w->relations.n,
                                           .cte0 = w->cte_n,
                                           .const0 = w->const_count};
    w->pending = K_NONE;
    if (w->depth == 3 && w->frames[1].key == K_stmts && w->frames[1].array) {
        stmt_open(w);
    }
}

static void pop(struct walk *w, bool array)
{
    struct frame *f = above(w, 0);

    if (f == NULL || f->array != array) {
        w->failed = true;
        return;
    }
    if (array) {
        struct frame *up = above(w, 1);

        if (w->stmt != NULL && up != NULL) {
            close_name_list(w, f, up);
        }
    } else {
        if (w->depth == 3) {
            stmt_close(w);
        } else {
            close_object(w, f);
        }
        if (f->with) {
            close_with_scope(w, f);
        }
    }
    w->depth--;
}

static const void *freeze(struct walk *w, const void *p, size_t n, size_t size)
{
    void *q;

    if (n == 0) {
        return NULL;
    }
    q = ast_arena_take(w->out->arena, n * size, _Alignof(max_align_t));
    memcpy(q, p, n * size);
    return q;
}

static void finish(struct walk *w, size_t text_length)
{
    struct classification *c = w->out;

    for (uint32_t i = 0; i < w->stmt_n; i++) {
        struct classify_stmt *s = &w->stmts[i];

        if (s->offset > text_length) {
            s->offset = (uint32_t)text_length;
        }
        if (s->length == 0 || s->length > text_length - s->offset) {
            s->length = (uint32_t)(text_length - s->offset);
        }
        if (s->kind != CLASSIFY_READ && s->kind != CLASSIFY_WRITE && s->kind != CLASSIFY_COPY_OUT &&
            s->kind != CLASSIFY_COPY_IN && s->kind != CLASSIFY_EXPLAIN) {
            c->literal = true;
        }
    }
    c->literal = c->literal || w->stmt_n != 1;
    c->stmt_count = w->stmt_n;
    c->stmts = freeze(w, w->stmts, w->stmt_n, sizeof(*w->stmts));
    c->relations = freeze(w, w->relations.v, w->relations.n, sizeof(*c->relations));
    c->functions = freeze(w, w->functions.v, w->functions.n, sizeof(*c->functions));
    c->operators = freeze(w, w->operators.v, w->operators.n, sizeof(*c->operators));
    c->types = freeze(w, w->types.v, w->types.n, sizeof(*c->types));
    c->columns = freeze(w, w->columns.v, w->columns.n, sizeof(*c->columns));
    c->aliases = freeze(w, w->aliases.v, w->aliases.n, sizeof(*c->aliases));
    c->temps = freeze(w, w->temps.v, w->temps.n, sizeof(*c->temps));
    c->sets = freeze(w, w->sets, w->set_n, sizeof(*c->sets));
}

static void walk_fini(struct walk *w)
{
    free(w->frames);
    free(w->relations.v);
    free(w->functions.v);
    free(w->operators.v);
    free(w->types.v);
    free(w->columns.v);
    free(w->aliases.v);
    free(w->temps.v);
    free(w->relation_cte);
    free(w->ctes);
    free(w->sets);
    free(w->stmts);
    buf_fini(&w->value);
    buf_fini(&w->scratch);
}

bool ast_read(struct str json, struct str text, struct classification *out)
{
    struct walk w = {.out = out, .text = text};
    struct jscan j;
    struct jscan_token t;

    jscan_init(&j, json);
    while (!w.failed && jscan_next(&j, &t) != JSCAN_END) {
        switch (t.type) {
        case JSCAN_OBJECT: push(&w, false); break;
        case JSCAN_ARRAY: push(&w, true); break;
        case JSCAN_OBJECT_END: pop(&w, false); break;
        case JSCAN_ARRAY_END: pop(&w, true); break;
        case JSCAN_KEY:
            w.pending = key_find(t.text);
            node_seen(&w, w.pending, t.text);
            break;
        case JSCAN_BAD: w.failed = true; break;
        default:
            scalar(&w, w.pending, &t);
            w.pending = K_NONE;
            break;
        }
    }
    w.failed = w.failed || w.depth != 0;
    if (!w.failed) {
        finish(&w, text.n);
    }
    walk_fini(&w);
    return !w.failed;
}
