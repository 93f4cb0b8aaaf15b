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

static void handled(struct request *q)
{
    q->reply->status = 299;
}

/* A GET that changes something is no HEAD, and is there only where it is allowed. */
static void get_commands(void **state)
{
    UNUSED(state);
    static const struct route table[] = {{"POST", "/do", handled},
                                         {ROUTES_GET_COMMAND, "/do", handled},
                                         {"GET", "/see", handled}};
    static const struct {
        const char *method, *path;
        bool allowed;
        int status;
        const char *allow;
    } rows[] = {
        {"POST", "/do", true, 299, NULL},        {"GET", "/do", true, 299, NULL},
        {"HEAD", "/do", true, 405, "POST, GET"}, {"GET command", "/do", true, 405, "POST, GET"},
        {"POST", "/do", false, 299, NULL},       {"GET", "/do", false, 405, "POST"},
        {"GET", "/see", false, 299, NULL},       {"HEAD", "/see", true, 299, NULL},
        {"PUT", "/see", true, 405, "GET, HEAD"}, {"GET", "/nothing", true, 404, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct httpd_request http = {.method = rows[i].method, .path = str_of(rows[i].path)};
        struct httpd_reply reply = {.status = 200};
        struct request q = {.http = &http, .reply = &reply};
        routes_serve(table, ARRAY_LEN(table), rows[i].allowed, &q);
        assert_int_equal(reply.status, rows[i].status);
        assert_int_equal(reply.header_count, rows[i].allow != NULL);
        if (rows[i].allow != NULL) {
            assert_string_equal(reply.headers[0].value, rows[i].allow);
        }
        buf_fini(&reply.body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(matches),
                                       cmocka_unit_test(get_commands)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
