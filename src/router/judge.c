/* judge.c - names against catalogues.
 *
 * A statement is looked at once for the primary (which is also the image of its physical
 * standbys) and, if it passes, once for each event-fed replica, where more is asked: every object
 * must be there and be the same, and nothing may show object numbers. The first obstacle is the
 * reason given. Names that several schemas of the path hold are taken together, the worst counts:
 * which overload the server would choose is its own business. */
#include "router/judge.h"

#include <stdio.h>

#include "router/look.h"

const char *reason_text(enum reason r, const char *detail, char *out)
{
    static const char *const texts[] = {
#define X(name, text) text,
        REASON_LIST(X)
#undef X
    };
    const char *text = (size_t)r < ARRAY_LEN(texts) ? texts[r] : "";
    const char *mark = strstr(text, "%s");

    if (mark == NULL) {
        snprintf(out, REASON_TEXT_MAX, "%s", text);
    } else {
        snprintf(out, REASON_TEXT_MAX, "%.*s%s%s", (int)(mark - text), text, detail, mark + 2);
    }
    return out;
}

/* What the text alone forbids. */
static bool check_text(struct look *l)
{
    const struct classify_stmt *s = l->s;
    struct str kind = str_of(classify_kind_text(s->kind));

    if (s->kind == CLASSIFY_UNKNOWN) {
        return look_fail(l, l->c->too_long ? REASON_TOO_LONG : REASON_UNKNOWN, STR_NULL,
                         STR(""));
    }
    if (s->kind == CLASSIFY_WRITE) {
        enum reason why = (s->flags & CLASSIFY_DML) != 0           ? REASON_DML
                          : (s->flags & CLASSIFY_INTO) != 0        ? REASON_INTO
                          : (s->flags & CLASSIFY_LOCKING) != 0     ? REASON_LOCKING
                          : (s->flags & CLASSIFY_ANALYZE) != 0     ? REASON_ANALYZE
                          : (s->flags & CLASSIFY_SERVER_FILE) != 0 ? REASON_SERVER_FILE
                                                                   : REASON_WRITE;

        if (str_eq(s->name, STR("explain")) && why == REASON_DML) {
            why = REASON_WRITE;
        }
        if (str_eq(s->name, STR("select")) && why == REASON_WRITE) {
            why = REASON_CONSTRUCT;
        }
        return look_fail(l, why, STR_NULL, s->name);
    }
    if (!classify_maybe_read(s->kind) &&
        !(s->kind == CLASSIFY_DECLARE && s->body_kind == CLASSIFY_READ && !s->hold)) {
        return look_fail(l, REASON_KIND, STR_NULL, kind);
    }
    if ((s->flags & CLASSIFY_CATALOG_NAME) != 0) {
        return look_fail(l, REASON_DATABASE_NAME, STR_NULL, STR(""));
    }
    if ((s->flags & CLASSIFY_SERVER_SETTING) != 0) {
        return look_fail(l, REASON_FUNCTION_SERVER, STR_NULL, STR("current_setting"));
    }
    return true;
}

/* ---- views ---- */

/* Views may use views; the server forbids circles, but rules made by hand could build one. */
enum { VIEW_DEPTH_MAX = 64, VIEW_OPEN = -1, VIEW_NEW = -2 };

static void judge_view(struct catalog *cat, size_t side, struct catalog_relation *view,
                       int depth);

/* The views under a definition first, so that check_kind finds their verdicts. */
static void judge_below(struct catalog *cat, size_t side, const struct classification *c,
                        int depth)
{
    struct classify_range r = c->stmts[0].relations;

    for (uint32_t i = r.first; i < r.first + r.count; i++) {
        const struct classify_name *n = &c->relations[i];
        const struct catalog_relation *v =
            n->schema.p != NULL ? catalog_find_relation(cat, side, n->schema, n->name) : NULL;

        if (v != NULL && v->kind == CATALOG_VIEW && v->view_reason == VIEW_NEW) {
            judge_view(cat, side, (struct catalog_relation *)(uintptr_t)v, depth + 1);
        }
    }
}

static void judge_view(struct catalog *cat, size_t side, struct catalog_relation *view,
                       int depth)
{
    struct classification *c;
    struct look l = {.cat = cat, .side = side};
    bool missing = false;

    view->view_reason = VIEW_OPEN;
    if (depth > VIEW_DEPTH_MAX) {
        catalog_set_view(cat, view, REASON_CONSTRUCT, STR(""));
        return;
    }
    c = classify_parse(view->definition);
    l.c = c;
    l.s = &c->stmts[0];
    if (c->stmt_count != 1 || l.s->kind != CLASSIFY_READ) {
        l.why = REASON_CONSTRUCT;
    } else {
        judge_below(cat, side, c, depth);
        if (check_text(&l) && look_names(&l, &missing)) {
            l.why = REASON_READ;
        }
    }
    catalog_set_view(cat, view, (int)l.why, str_of(l.detail));
    view->view_calls = l.calls;
    classify_unref(c);
}

void judge_views(struct catalog *cat)
{
    struct catalog_relation *r;

    for (size_t side = 0; side < catalog_sides(cat); side++) {
        for (size_t i = 0; (r = catalog_relation_at(cat, side, i)) != NULL; i++) {
            r->view_reason = r->kind == CATALOG_VIEW ? VIEW_NEW : REASON_READ;
        }
        for (size_t i = 0; (r = catalog_relation_at(cat, side, i)) != NULL; i++) {
            if (r->view_reason == VIEW_NEW) {
                judge_view(cat, side, r, 0);
            }
        }
    }
}

/* ---- verdicts ---- */

/* Session state that functions set without the text showing it. */
static uint32_t function_pins(const struct look *l)
{
    const struct classify_stmt *s = l->s;
    bool changes = s->kind == CLASSIFY_COPY_IN || s->kind == CLASSIFY_WRITE;

    if (changes && catalog_trigger_sets(l->cat)) {
        return PIN_SETTER;
    }
    for (uint32_t i = s->functions.first; i < s->functions.first + s->functions.count; i++) {
        const struct classify_name *n = &l->c->functions[i];
        bool found = false;

        for (uint32_t k = 0; k < look_schemas(l, n); k++) {
            const struct catalog_function *f =
                catalog_find_function(l->cat, 0, look_schema(l, n, k), n->name);

            found = found || f != NULL;
            if (f != NULL && f->setter) {
                return PIN_SETTER;
            }
        }
        if (!found && s->kind == CLASSIFY_CALL) {
            return PIN_SETTER;
        }
    }
    return 0;
}

/* DDL, and what may contain it. */
static bool changes_shape(const struct classify_stmt *s)
{
    static const char *const rows_only[] = {"insert", "update", "delete",  "merge",
                                            "select", "copy",   "explain", "truncate"};

    for (size_t i = 0; i < ARRAY_LEN(rows_only); i++) {
        if (s->kind == CLASSIFY_WRITE && str_eq(s->name, str_of(rows_only[i]))) {
            return (s->flags & CLASSIFY_INTO) != 0;
        }
    }
    return s->kind == CLASSIFY_WRITE || s->kind == CLASSIFY_DO || s->kind == CLASSIFY_CALL ||
           s->kind == CLASSIFY_UNKNOWN;
}

static void obstacle(struct judge_verdict *out, const struct look *l)
{
    if (out->why == REASON_READ) {
        out->why = l->why;
        memcpy(out->detail, l->detail, sizeof(out->detail));
    }
}

void judge_stmt(const struct classification *c, size_t stmt, const struct catalog *cat,
                const struct judge_scope *scope, struct judge_verdict *out)
{
    const struct classify_stmt *s = &c->stmts[stmt];
    struct look l = {.cat = cat, .scope = scope, .c = c, .s = s, .out = out};
    bool missing = false;

    *out = (struct judge_verdict){.pins = s->pins,
                                  .pins_clear = s->pins_clear,
                                  .uses_random = (s->flags & CLASSIFY_RANDOM) != 0,
                                  .shapes = changes_shape(s),
                                  .holds = s->kind == CLASSIFY_SAVEPOINT ||
                                           s->kind == CLASSIFY_DECLARE};
    if (cat != NULL) {
        out->pins |= function_pins(&l);
    }
    if (s->kind == CLASSIFY_EMPTY) {
        out->sides = ~0u;
        return;
    }
    if (!check_text(&l)) {
        obstacle(out, &l);
        return;
    }
    if (cat == NULL) {
        l.why = REASON_NO_CATALOG;
        obstacle(out, &l);
        return;
    }
    if (catalog_poisoned(cat).p != NULL) {
        look_fail(&l, REASON_POISON, STR_NULL, catalog_poisoned(cat));
        obstacle(out, &l);
        return;
    }
    if (!look_settings(&l) || !look_names(&l, &missing)) {
        obstacle(out, &l);
        return;
    }
    out->replica_only = missing;
    out->sides = missing ? 0 : 1;
    for (l.side = 1; l.side < catalog_sides(cat); l.side++) {
        if (look_settings(&l) && look_names(&l, &missing)) {
            out->sides |= 1u << l.side;
        } else {
            if (out->replica_only && l.why == REASON_RELATION_MISSING) {
                l.why = REASON_SIDES; /* one name is only here, another only there */
            }
            obstacle(out, &l);
        }
    }
    out->calls = l.calls;
}

void judge_and(struct judge_verdict *a, const struct judge_verdict *b)
{
    a->sides &= b->sides;
    a->replica_only = a->replica_only || b->replica_only;
    a->uses_random = a->uses_random || b->uses_random;
    a->calls = a->calls || b->calls;
    a->shapes = a->shapes || b->shapes;
    a->holds = a->holds || b->holds;
    a->pins = (a->pins & ~b->pins_clear) | b->pins;
    a->pins_clear = (a->pins_clear | b->pins_clear) & ~b->pins;
    if (a->why == REASON_READ && b->why != REASON_READ) {
        a->why = b->why;
        memcpy(a->detail, b->detail, sizeof(a->detail));
    }
}

void judge(const struct classification *c, const struct catalog *cat,
           const struct judge_scope *scope, struct judge_verdict *out)
{
    struct judge_verdict one;

    judge_stmt(c, 0, cat, scope, out);
    for (uint32_t i = 1; i < c->stmt_count; i++) {
        judge_stmt(c, i, cat, scope, &one);
        judge_and(out, &one);
    }
}
