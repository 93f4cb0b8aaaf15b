/* test_routes.c - paths against patterns, and JSON bodies of every wrong kind. */
#include "command/body.h"
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

static int read_body(struct str text, struct body_member *m, struct body **b)
{
    struct err e = ERR_INIT;
    int rc = body_read(text, m, 2, b, &e);
    assert_int_equal(rc == 0, *b != NULL);
    assert_int_equal(rc == 0, e.text[0] == '\0');
    return rc;
}

static void bodies(void **state)
{
    UNUSED(state);
    struct body_member m[2] = {{"name", STR_NULL}, {"status", STR_NULL}};
    struct body *b = NULL;
    assert_int_equal(read_body(STR(" {\"name\":\"\\uc8fc차 \\n\\\"\",\"x\":[1,{}]} "), m, &b),
                     0);
    assert_true(str_eq(m[0].text, STR("주차 \n\"")));
    assert_null(m[1].text.p);
    body_free(b);
    assert_int_equal(read_body(STR("{\"name\":\"\",\"status\":\"s\"}"), m, &b), 0);
    assert_non_null(m[0].text.p);
    assert_int_equal(m[0].text.n, 0);
    assert_true(str_eq(m[1].text, STR("s")));
    body_free(b);
    static const struct str bad[] = {STR(""),
                                     STR(" "),
                                     STR("x"),
                                     STR("null"),
                                     STR("1"),
                                     STR("\"name\""),
                                     STR("[]"),
                                     STR("[{\"name\":\"a\"}]"),
                                     STR("{"),
                                     STR("{\"name\"}"),
                                     STR("{\"name\":}"),
                                     STR("{\"name\":\"a\"}x"),
                                     STR("{\"name\":\"a\",}"),
                                     STR("{'name':'a'}"),
                                     STR("{\"name\":1}"),
                                     STR("{\"name\":null}"),
                                     STR("{\"name\":[\"a\"]}"),
                                     STR("{\"name\":{}}"),
                                     STR("{\"name\":true}"),
                                     STR("{\"name\":\"a\",\"status\":null}"),
                                     STR("{\"name\":\"a\",\"name\":\"b\"}"),
                                     STR("{\"name\":\"\\u0000\"}"),
                                     STR("{\"name\":\"a\0b\"}"),
                                     STR("{\"name\":\"\xff\"}"),
                                     STR("{\"name\":\"\\ud800\"}"),
                                     STR("{\"name\":\"\xed\xa0\x80\"}"),
                                     STR("{\"name\":\"\\x\"}"),
                                     STR("{\"name\":\"a\nb\"}"),
                                     STR("{\"name\":\"a\",\"n\":1e999999}"),
                                     STR("\xef\xbb\xbf{\"name\":\"a\"}"),
                                     STR("{\"\\u0000\":1}")};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        b = NULL;
        if (read_body(bad[i], m, &b) == 0) {
            fail_msg("body %zu is taken: %.*s", i, STR_ARG(bad[i]));
        }
    }
}

/* Cut at every byte, only the whole is a body; a deep one is refused, not a crash. */
static void cut_and_deep(void **state)
{
    UNUSED(state);
    struct body_member m[2] = {{"name", STR_NULL}, {"status", STR_NULL}};
    struct body *b = NULL;
    struct str whole =
        STR("{\"name\":\"a\\n\\u00e9 주\",\"status\":\"blocked\",\"n\":[1.5,-2,true]}");
    for (size_t n = 0; n < whole.n; n++) {
        assert_int_equal(read_body((struct str){whole.p, n}, m, &b), ERR_INVALID);
    }
    assert_int_equal(read_body(whole, m, &b), 0);
    body_free(b);
    struct buf deep = BUF_INIT;
    buf_adds(&deep, "{\"name\":");
    for (int i = 0; i < 500000; i++) {
        buf_adds(&deep, "[");
    }
    b = NULL;
    assert_int_equal(read_body(buf_str(&deep), m, &b), ERR_INVALID);
    buf_fini(&deep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(matches), cmocka_unit_test(bodies),
                                       cmocka_unit_test(cut_and_deep)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
