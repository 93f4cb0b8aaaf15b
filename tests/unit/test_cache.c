/* The cache: one parse a shape, verdicts that follow catalogue and scope, bounds, refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>

#include "router/cache.h"

#include "catalog_fixture.h"

static void sharing(void **state)
{
    struct catalog *cat = fixture_catalog(1);
    struct judge_scope scope;
    struct cache *c = cache_new(100, 1 << 20);
    struct cache_hit a;
    struct cache_hit b;
    struct cache_stats s;

    (void)state;
    judge_scope_init(&scope, "cqrs");
    cache_get(c, STR("select name from parking_slots where uuid = 'a'"), cat, &scope, &a);
    assert_int_equal(a.verdict->sides, 3);
    cache_get(c,
              STR("select name from parking_slots where uuid = 'b' /* parkway.position=0/7 */"),
              cat, &scope, &b);
    assert_ptr_equal(a.text, b.text);
    assert_int_equal(a.shape, b.shape);
    assert_null(a.position.p);
    assert_true(str_eq(b.position, STR("0/7")));
    for (int i = 0; i < 5; i++) { /* soon found as a text, and the hint with it */
        cache_get(
            c,
            STR("select name from parking_slots where uuid = 'b' /* parkway.position=0/7 */"),
            cat, &scope, &b);
        assert_true(str_eq(b.position, STR("0/7")));
    }
    cache_stats(c, &s);
    assert_int_equal(s.misses, 1);
    assert_true(s.text_hits >= 3);
    /* what depends on its literals is not shared */
    cache_get(c, STR("select set_config('a.b', 'x', false)"), cat, &scope, &a);
    cache_get(c, STR("select set_config('a.b', 'y', false)"), cat, &scope, &b);
    assert_true(str_eq(b.text->sets[0].value, STR("y")));
    cache_get(c, STR("set a.b = 'x'"), cat, &scope, &a);
    cache_get(c, STR("set a.b = 'y'"), cat, &scope, &b);
    assert_true(str_eq(b.text->sets[0].value, STR("y")));
    cache_get(c, STR("select current_setting('a.b')"), cat, &scope, &a);
    assert_int_equal(a.verdict->sides, 3);
    cache_get(c, STR("select current_setting('port')"), cat, &scope, &a);
    assert_int_equal(a.verdict->sides, 0);
    cache_get(c, STR("select 1; select 22"), cat, &scope, &a);
    cache_get(c, STR("select 11; select 2"), cat, &scope, &a);
    assert_int_equal(a.text->stmts[0].length, 9);
    cache_get(c, STR(""), cat, &scope, &a);
    assert_int_equal(a.text->stmts[0].kind, CLASSIFY_EMPTY);
    cache_get(c, STR_NULL, cat, &scope, &a);
    assert_int_equal(a.text->stmts[0].kind, CLASSIFY_EMPTY);
    cache_free(c);
    judge_scope_fini(&scope);
    catalog_unref(cat);
}

static void verdicts(void **state)
{
    struct catalog *cat = fixture_catalog(1);
    struct judge_scope scope;
    struct cache *c = cache_new(100, 1 << 20);
    struct cache_hit h;
    struct str text = STR("select * from parking_slots");

    (void)state;
    judge_scope_init(&scope, "cqrs");
    cache_get(c, text, NULL, &scope, &h);
    assert_int_equal(h.verdict->sides, 0);
    assert_int_equal(h.verdict->why, REASON_NO_CATALOG);
    cache_get(c, text, cat, &scope, &h);
    assert_int_equal(h.verdict->sides, 3);
    judge_scope_path(&scope, STR("nosuch"));
    cache_get(c, text, cat, &scope, &h);
    assert_int_equal(h.verdict->sides, 0);
    judge_scope_path(&scope, STR("public"));
    cache_get(c, text, cat, &scope, &h);
    assert_int_equal(h.verdict->sides, 3);
    assert_false(cache_refused(c, h.shape, 1));
    cache_refuse(c, h.shape, 1);
    assert_true(cache_refused(c, h.shape, 1));
    assert_false(cache_refused(c, h.shape, 2)); /* another catalogue: try again */
    cache_free(c);
    judge_scope_fini(&scope);
    catalog_unref(cat);
}

static void bounds(void **state)
{
    struct judge_scope scope;
    struct cache *c = cache_new(50, 100000);
    struct cache_hit h;
    struct cache_stats s;
    char text[256];

    (void)state;
    judge_scope_init(&scope, "cqrs");
    for (int i = 0; i < 2000; i++) {
        snprintf(text, sizeof(text), "select c%d from t%d where x = 'y%d'", i % 300, i % 7, i);
        cache_get(c, str_of(text), NULL, &scope, &h);
        assert_int_equal(h.text->stmts[0].kind, CLASSIFY_READ);
        snprintf(text, sizeof(text), "set a.b = '%d'", i);
        cache_get(c, str_of(text), NULL, &scope, &h);
        snprintf(text, sizeof(text), "%d", i);
        assert_true(str_eq(h.text->sets[0].value, str_of(text)));
        cache_stats(c, &s);
        assert_true(s.entries <= 100);
        assert_true(s.bytes <= 200000);
    }
    cache_free(c);
    /* the least recently used goes */
    c = cache_new(2, 100000);
    cache_get(c, STR("select a"), NULL, &scope, &h);
    cache_get(c, STR("select b"), NULL, &scope, &h);
    cache_get(c, STR("select a"), NULL, &scope, &h);
    cache_get(c, STR("select c"), NULL, &scope, &h);
    cache_stats(c, &s);
    assert_int_equal(s.misses, 3);
    cache_get(c, STR("select a"), NULL, &scope, &h);
    cache_stats(c, &s);
    assert_int_equal(s.misses, 3);
    cache_get(c, STR("select b"), NULL, &scope, &h);
    cache_stats(c, &s);
    assert_int_equal(s.misses, 4);
    cache_free(c);
    judge_scope_fini(&scope);
}

static void huge(void **state)
{
    struct judge_scope scope;
    struct cache *c = cache_new(2, 100000);
    struct cache_hit h;
    struct cache_stats s;
    struct buf b = BUF_INIT;

    (void)state;
    judge_scope_init(&scope, "cqrs");
    buf_adds(&b, "/* parkway.position=0/9 */ select 1");
    while (b.len < 1 << 20) {
        buf_adds(&b, "+1");
    }
    cache_get(c, buf_str(&b), NULL, &scope, &h);
    assert_true(h.text->too_long);
    assert_int_equal(h.verdict->why, REASON_TOO_LONG);
    assert_true(str_eq(h.position, STR("0/9")));
    cache_stats(c, &s);
    assert_int_equal(s.entries, 0);
    cache_free(c);
    buf_fini(&b);
    judge_scope_fini(&scope);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sharing), cmocka_unit_test(verdicts),
                                       cmocka_unit_test(bounds), cmocka_unit_test(huge)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
