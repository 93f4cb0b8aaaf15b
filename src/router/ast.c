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

#include "router/astwalk.h"
#include "router/jscan.h"

static uint32_t number(struct str s)
{
    uint32_t v = 0;

    for (size_t i = 0; i < s.n && s.p[i] >= '0' && s.p[i] <= '9' && v < 100000000; i++) {
        v = v * 10 + (uint32_t)(s.p[i] - '0');
    }
    return v;
}

static void node_seen(struct walk *w, enum key k, struct str name)
{
    bool node = name.n > 0 && name.p[0] >= 'A' && name.p[0] <= 'Z';
    const struct frame *f = astwalk_above(w, 0);

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
    } else if (!astwalk_is_read_node(k)) {
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
            s->name = astwalk_keep(w, t->text);
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
    struct frame *f = astwalk_above(w, 0);

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
    case K_relpersistence: f->mark = astwalk_is(t->text, "t"); break;
    case K_aliasname:
    case K_ctename:
    case K_defname: f->a = t->text; break;
    case K_recursive: f->mark = t->type == JSCAN_TRUE; break;
    case K_op:
        if (f->key == K_SQLValueFunction && (astwalk_is(t->text, "SVFOP_CURRENT_CATALOG") ||
                                             astwalk_is(t->text, "SVFOP_CURRENT_SCHEMA"))) {
            w->stmt->flags |= CLASSIFY_CATALOG_NAME;
        }
        break;
    default: break;
    }
}

static void push(struct walk *w, bool array)
{
    struct frame *up = astwalk_above(w, 0);
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
        aststmt_open(w);
    }
}

static void pop(struct walk *w, bool array)
{
    struct frame *f = astwalk_above(w, 0);

    if (f == NULL || f->array != array) {
        w->failed = true;
        return;
    }
    if (array) {
        struct frame *up = astwalk_above(w, 1);

        if (w->stmt != NULL && up != NULL) {
            astnode_close_list(w, f, up);
        }
    } else {
        if (w->depth == 3) {
            aststmt_close(w);
        } else {
            astnode_close(w, f);
        }
        if (f->with) {
            astnode_close_scope(w, f);
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
        if (s->kind != CLASSIFY_READ && s->kind != CLASSIFY_WRITE &&
            s->kind != CLASSIFY_COPY_OUT && s->kind != CLASSIFY_COPY_IN &&
            s->kind != CLASSIFY_EXPLAIN) {
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
            w.pending = astwalk_key(t.text);
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
