/* Fuzz target (libFuzzer): any bytes through the lexer of shapes, the JSON reader, the reader
 * of parse trees, and the classifier with the judge behind it.
 *
 * Beside crashes it looks for the mistake that would matter most: two texts of one shape that
 * are not of one class. The text's shape is written out again with other literals, and what
 * comes out must have the same class, flags and names, or not parse. */
#include <stdlib.h>

#include "base/json.h"
#include "router/ast.h"
#include "router/cache.h"
#include "router/jscan.h"

#include "../unit/catalog_fixture.h"

static struct catalog *catalog;
static struct judge_scope scope;

static void read_json(struct str text)
{
    struct jscan j;
    struct jscan_token t;
    struct buf b = BUF_INIT;
    struct classification c = {.arena = ast_arena_new()};

    jscan_init(&j, text);
    while (jscan_next(&j, &t) != JSCAN_END && t.type != JSCAN_BAD) {
        if (t.type == JSCAN_STRING || t.type == JSCAN_KEY) {
            buf_reset(&b);
            ASSERT(!json_unescape(t.text, &b) || b.len <= t.text.n);
        }
    }
    (void)ast_read(text, text, &c);
    ast_arena_free(c.arena);
    buf_fini(&b);
}

/* Bytes that stand for literals in a shape may stand in a quoted name too: not for this test. */
static bool marks(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if ((unsigned char)text.p[i] <= 4) {
            return true;
        }
    }
    return false;
}

/* The shape with other literals in the places of its marks. */
static void other_literals(struct str shape, struct buf *out)
{
    for (size_t i = 0; i < shape.n; i++) {
        switch (shape.p[i]) {
        case 1: buf_adds(out, "7"); break;
        case 2: buf_adds(out, "'q'"); break;
        case 3: buf_adds(out, "b'1'"); break;
        case 4: buf_adds(out, "n'q'"); break;
        default: buf_u8(out, (uint8_t)shape.p[i]); break;
        }
    }
}

static bool names_equal(const struct classify_name *a, struct classify_range x,
                        const struct classify_name *b, struct classify_range y)
{
    if (x.count != y.count) {
        return false;
    }
    for (uint32_t i = 0; i < x.count; i++) {
        if (!str_eq(a[x.first + i].name, b[y.first + i].name) ||
            !str_eq(a[x.first + i].schema, b[y.first + i].schema)) {
            return false;
        }
    }
    return true;
}

static void compare(const struct classification *a, const struct classification *b)
{
    const struct classify_stmt *x = &a->stmts[0];
    const struct classify_stmt *y = &b->stmts[0];

    if (a->literal || b->literal) {
        return;
    }
    ASSERT(x->kind == y->kind && x->flags == y->flags && x->pins == y->pins);
    ASSERT(names_equal(a->relations, x->relations, b->relations, y->relations));
    ASSERT(names_equal(a->functions, x->functions, b->functions, y->functions));
    ASSERT(x->types.count ==
           y->types.count); /* float(1) and float(40) are two names of one class */
    ASSERT(names_equal(a->columns, x->columns, b->columns, y->columns));
    ASSERT(names_equal(a->operators, x->operators, b->operators, y->operators));
}

static void classify_both(struct str text)
{
    struct buf shape_text = BUF_INIT;
    struct buf other = BUF_INIT;
    struct shape s;
    struct classification *a = classify_parse(text);
    struct judge_verdict v;

    judge(a, catalog, &scope, &v);
    for (uint32_t i = 0; i < a->stmt_count; i++) {
        ASSERT((size_t)a->stmts[i].offset + a->stmts[i].length <= text.n);
    }
    shape_scan(text, &shape_text, &s);
    ASSERT(shape_text.len <= text.n + 2);
    if (s.ok && !marks(text)) {
        struct classification *b;

        other_literals(buf_str(&shape_text), &other);
        b = classify_parse(buf_str(&other));
        compare(a, b);
        classify_unref(b);
    }
    classify_unref(a);
    buf_fini(&shape_text);
    buf_fini(&other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};

    if (catalog == NULL) {
        catalog = fixture_catalog(1);
        judge_scope_init(&scope, "cqrs");
    }
    if (size > 0 && data[0] == '{') {
        read_json(text);
    } else {
        classify_both(text);
    }
    return 0;
}
