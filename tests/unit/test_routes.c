/* test_routes.c - paths against patterns. */
#include "command/routes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static void matches(void **state)
{
    UNUSED(state);
    struct str name = STR_NULL;
    assert_true(routes_match("/a", STR("/a"), &name));
    assert_null(name.p);
    assert_true(routes_match("/a/*", STR("/a/x y"), &name));
    assert_true(str_eq(name, STR("x y")));
    assert_true(routes_match("/a/*/log", STR("/a/1/log"), &name));
    assert_true(str_eq(name, STR("1")));
    assert_true(routes_match("/a/*", STR("/a/\0z"), &name));
    assert_int_equal(name.n, 2);
    static const struct {
        const char *pattern;
        struct str path;
    } none[] = {{"/a", STR("")},
                {"/a", STR("/")},
                {"/a", STR("/a/")},
                {"/a", STR("/ab")},
                {"/a", STR("a")},
                {"/a/*", STR("/a/")},
                {"/a/*", STR("/a")},
                {"/a/*", STR("/a/b/")},
                {"/a/*", STR("/a/b/c")},
                {"/a/*/log", STR("/a/1")},
                {"/a/*/log", STR("/a/1/logs")},
                {"/a", STR("/a\0")},
                {"/a/*/log", STR("/a//log")}};
    for (size_t i = 0; i < ARRAY_LEN(none); i++) {
        assert_false(routes_match(none[i].pattern, none[i].path, NULL));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(matches)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
