/* The JSON reader: tokens, escapes, every cut, and refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#include "router/jscan.h"

static const char whole_text[] = " {\"a\" : [1, -2.5e3, \"x\\\"y\\u00e9\"], "
                                 "\"b\":{\"c\":true,\"d\":false , \"e\" : null}}\n";

static void whole(void **state)
{
    static const enum jscan_type expected[] = {
        JSCAN_OBJECT,     JSCAN_KEY,        JSCAN_ARRAY, JSCAN_NUMBER, JSCAN_NUMBER,
        JSCAN_STRING,     JSCAN_ARRAY_END,  JSCAN_KEY,   JSCAN_OBJECT, JSCAN_KEY,
        JSCAN_TRUE,       JSCAN_KEY,        JSCAN_FALSE, JSCAN_KEY,    JSCAN_NULL,
        JSCAN_OBJECT_END, JSCAN_OBJECT_END, JSCAN_END};
    struct jscan j;
    struct jscan_token t;

    (void)state;
    jscan_init(&j, STR(whole_text));
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        assert_int_equal(jscan_next(&j, &t), expected[i]);
        if (i == 4) {
            assert_true(str_eq(t.text, STR("-2.5e3")));
        }
        if (i == 5) {
            assert_true(t.escaped);
            assert_true(str_eq(t.text, STR("x\\\"y\\u00e9")));
        }
    }
    assert_int_equal(jscan_next(&j, &t), JSCAN_END);
}

static void cut(void **state)
{
    size_t n = sizeof(whole_text) - 1;

    (void)state;
    for (size_t from = 0; from <= n; from++) {
        for (size_t to = from; to <= n; to++) {
            char *copy = malloc(to - from + 1);
            struct jscan j;
            struct jscan_token t;
            size_t tokens = 0;

            memcpy(copy, whole_text + from, to - from);
            jscan_init(&j, (struct str){copy, to - from});
            while (jscan_next(&j, &t) != JSCAN_END && t.type != JSCAN_BAD) {
                assert_true(++tokens <= to - from);
            }
            free(copy);
        }
    }
}

static void refusals(void **state)
{
    static const char *const rows[] = {"tru", "nul", "fals", "\"a", "\"a\\", "#", "'", "a"};
    struct jscan j;
    struct jscan_token t;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        jscan_init(&j, str_of(rows[i]));
        assert_int_equal(jscan_next(&j, &t), JSCAN_BAD);
        assert_int_equal(jscan_next(&j, &t), JSCAN_BAD);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(whole), cmocka_unit_test(cut),
                                       cmocka_unit_test(refusals)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
