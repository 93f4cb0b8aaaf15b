/* astnode.c - what a node of the tree says when it closes: names, scopes, constants, calls.
 * Nodes are understood at their end because a field that explains another may come later. */
#include "router/astwalk.h"

static bool own_schema(struct str schema)
{
    return schema.p == NULL || astwalk_is(schema, "pg_catalog");
}

static bool temp_schema(struct str schema)
{
    return schema.n >= 7 && memcmp(schema.p, "pg_temp", 7) == 0 &&
           (schema.n == 7 || schema.p[7] == '_');
}

void astnode_set_pins(struct classify_stmt *s, const struct classify_set *e)
{
    uint32_t clear = 0;

    if (!e->readable) {
        s->pins |= e->local ? 0 : PIN_SETTER;
        return;
    }
    uint32_t pins = classify_setting_pins(e->name, e->value, &clear);
    /* a local role ends with its transaction, all of which is on the primary, for a SET is no read */
    s->pins |= e->local ? pins & ~(uint32_t)PIN_ROLE : pins;
    if (!e->local) {
        s->pins_clear |= clear;
    }
}

void astnode_close_scope(struct walk *w, const struct frame *f)
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
    w->ctes[w->cte_n++] = (struct cte){astwalk_keep(w, f->a), f->relation0, w->relations.n};
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
        astwalk_add(w, &w->temps, STR_NULL, f->b, 0);
        w->stmt->pins |= PIN_TEMP;
    }
    astwalk_add(w, &w->relations, f->a, f->b, 0);
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
    const struct frame *owner = astwalk_above(w, 1);
    bool table = owner != NULL && (owner->key == K_RangeVar || owner->key == K_relation);

    if (f->a.p != NULL && table) {
        astwalk_add(w, &w->aliases, STR_NULL, f->a, 0);
    }
    /* Columns of a table or join under new names: which ones are used cannot be seen. */
    if (f->mark && (table || (owner != NULL && owner->key == K_JoinExpr))) {
        w->stmt->flags |= CLASSIFY_STAR;
    }
}

static void add_column(struct walk *w, struct str qualifier, struct str name)
{
    static const char *const system[] = {"ctid", "xmin",     "xmax", "cmin",
                                         "cmax", "tableoid", NULL};

    if (astwalk_one_of(name, system)) {
        w->stmt->flags |= CLASSIFY_SYSTEM_COLUMN;
    }
    astwalk_add(w, &w->columns, qualifier, name, 0);
}

/* set_config(name, value, is_local) with constants is a SET that the session must know of. */
static void close_set_config(struct walk *w, const struct frame *f)
{
    struct classify_set *e = astwalk_add_set(w);
    const struct constant *c = w->config;

    w->out->literal = true;
    e->config = true;
    e->readable = f->count == 3 && c[0].type == CONST_TEXT && c[1].type == CONST_TEXT &&
                  c[2].type == CONST_BOOL;
    e->local = f->count == 3 && c[2].type == CONST_BOOL && astwalk_is(c[2].text, "true");
    if (c[0].type == CONST_TEXT) {
        e->name = astwalk_lower(w, c[0].text);
    }
    if (c[1].type == CONST_TEXT) {
        e->value = astwalk_keep(w, c[1].text);
    }
    astnode_set_pins(w->stmt, e);
}

static void function_pins(struct walk *w, struct str name)
{
    static const char *const locks[] = {"pg_advisory_lock", "pg_advisory_lock_shared",
                                        "pg_try_advisory_lock", "pg_try_advisory_lock_shared",
                                        NULL};
    static const char *const sequences[] = {"nextval", "setval", "currval", "lastval", NULL};

    if (astwalk_one_of(name, locks)) {
        w->stmt->pins |= PIN_ADVISORY;
    } else if (astwalk_one_of(name, sequences)) {
        w->stmt->pins |= PIN_SEQUENCE;
    } else if (astwalk_is(name, "setseed")) {
        w->stmt->pins |= PIN_SEED;
    } else if (astwalk_is(name, "random")) {
        w->stmt->flags |= CLASSIFY_RANDOM;
    }
}

static void close_call(struct walk *w, const struct frame *f)
{
    if (f->c.p == NULL) {
        w->failed = true;
        return;
    }
    astwalk_add(w, &w->functions, f->b, f->c, f->count);
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
    bool value = w->const_count != f->const0 && w->last.type == CONST_INT &&
                 !astwalk_is(w->last.text, "0");

    if (astwalk_is(f->a, "transaction_read_only")) {
        m->read_only = value;
    } else if (astwalk_is(f->a, "transaction_deferrable")) {
        m->deferrable = value;
    } else if (astwalk_is(f->a, "transaction_isolation") && w->const_count != f->const0) {
        m->isolation =
            astwalk_is(w->last.text, "serializable")      ? CLASSIFY_ISO_SERIALIZABLE
            : astwalk_is(w->last.text, "repeatable read") ? CLASSIFY_ISO_REPEATABLE_READ
            : astwalk_is(w->last.text, "read committed")  ? CLASSIFY_ISO_READ_COMMITTED
                                                          : CLASSIFY_ISO_READ_UNCOMMITTED;
    } else if (astwalk_is(f->a, "analyze") && w->top == K_ExplainStmt) {
        w->stmt->flags |= CLASSIFY_ANALYZE; /* ANALYZE off too: not worth reading its value */
    }
}

/* A list of names in SET search_path must stay a list: each one quoted where it needs it. */
static void add_set_value(struct walk *w, const struct constant *c)
{
    bool list = astwalk_is(w->stmt->name, "search_path") ||
                astwalk_is(w->stmt->name, "temp_tablespaces");
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
    s = astwalk_keep(w, c->text);
    for (size_t i = 0; i < s.n; i++) {
        char ch = s.p[i];

        plain = plain &&
                ((ch >= 'a' && ch <= 'z') || ch == '_' || (i > 0 && ch >= '0' && ch <= '9'));
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
    static const char *const own[] = {"timezone",
                                      "datestyle",
                                      "intervalstyle",
                                      "search_path",
                                      "client_encoding",
                                      "application_name",
                                      "extra_float_digits",
                                      "bytea_output",
                                      "statement_timeout",
                                      "role",
                                      NULL};
    struct str s = astwalk_lower(w, raw);

    return memchr(s.p, '.', s.n) != NULL || astwalk_one_of(s, own);
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
    const struct frame *list = astwalk_above(w, 2);
    struct frame *call = astwalk_above(w, 3);

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
void astnode_close_list(struct walk *w, const struct frame *f, struct frame *up)
{
    struct str schema = f->strings > 1 ? f->b : STR_NULL;

    switch ((enum key)f->key) {
    case K_funcname:
        if (up->key == K_FuncCall || up->key == K_funccall) {
            up->b = schema;
            up->c = f->c;
            if (own_schema(schema) && astwalk_is(f->c, "set_config")) {
                up->call = CALL_SET_CONFIG;
                memset(w->config, 0, sizeof(w->config));
            } else if (own_schema(schema) && astwalk_is(f->c, "current_setting")) {
                up->call = CALL_CURRENT_SETTING;
            }
        }
        break;
    case K_name:
        if (up->key == K_A_Expr && f->strings > 0) {
            astwalk_add(w, &w->operators, schema, f->c, 2);
        }
        break;
    case K_operName:
    case K_useOp:
        if (f->strings > 0) {
            astwalk_add(w, &w->operators, schema, f->c, 2);
        }
        break;
    case K_names:
        if ((up->key == K_TypeName || up->key == K_typeName) && f->strings > 0) {
            astwalk_add(w, &w->types, schema, f->c, 0);
        }
        break;
    case K_fields:
        if (up->key == K_ColumnRef && f->strings > 0 && !f->mark) {
            add_column(w, schema, f->c);
        }
        break;
    case K_method:
        if (!astwalk_is(f->c, "system") && !astwalk_is(f->c, "bernoulli")) {
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
    struct frame *list = astwalk_above(w, 2);

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

void astnode_close(struct walk *w, struct frame *f)
{
    struct frame *up = astwalk_above(w, 1);

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
            up->a = f->a.p != NULL || f->key == K_ival ? f->a
                    : f->key == K_sval                 ? STR("")
                                                       : STR("0");
        }
        break;
    case K_A_Const: close_constant(w, f); break;
    case K_A_Star: {
        struct frame *list = astwalk_above(w, 2);

        if (list != NULL && list->array) {
            list->mark = true;
        }
        w->stmt->flags |= CLASSIFY_STAR;
        break;
    }
    case K_TypeCast:
        if (up->key == K_ELEMENT && astwalk_above(w, 3) != NULL &&
            astwalk_above(w, 3)->key == K_VariableSetStmt) {
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
