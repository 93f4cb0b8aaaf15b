/* Looking into small JSON objects: what is found, what is refused, at every cut. */
#include "event/member.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>

static const char SAMPLE[] = " {\"a\" : 1.50e+3, \"b\":{\"c\":[1,2,{\"d\":null}],\"a\":7}, "
                             "\"t\":\"x\\u00e9\\\"\\n\", \"e\":[],\"f\":true}\n";

static void finds(void **state)
{
    UNUSED(state);
    struct str s = STR(SAMPLE);
    assert_true(member_check(s));
    assert_true(str_eq(member_find(s, "a"), STR("1.50e+3")));
    assert_true(str_eq(member_find(s, "b"), STR("{\"c\":[1,2,{\"d\":null}],\"a\":7}")));
    assert_true(str_eq(member_find(s, "f"), STR("true")));
    assert_null(member_find(s, "c").p);
    struct buf text = BUF_INIT;
    assert_true(member_text(member_find(s, "t"), &text));
    assert_string_equal(buf_cstr(&text), "x\xc3\xa9\"\n");
    assert_false(member_text(member_find(s, "a"), &text));
    assert_false(member_text(member_find(s, "none"), &text));
    assert_null(member_find(STR("[1]"), "a").p);
    buf_reset(&text);
    assert_true(member_text(STR("\"\\ud83d\\ude00\""), &text));
    assert_string_equal(buf_cstr(&text), "\xf0\x9f\x98\x80");
    assert_false(member_text(STR("\"\\ud83d\""), &text));
    assert_false(member_text(STR("\"\\u0000\""), &text));
    buf_fini(&text);
}

static void cuts(void **state)
{
    UNUSED(state);
    for (size_t n = 0; n + 2 < sizeof SAMPLE; n++) {
        char *copy = malloc(n + 1);
        memcpy(copy, SAMPLE, n);
        struct str s = {copy, n};
        assert_false(member_check(s));
        struct str ignored = member_find(s, "f");
        UNUSED(ignored);
        free(copy);
    }
}

static void refused(void **state)
{
    UNUSED(state);
    static const char *const bad[] = {"",      "{",       "{}x",         "{\"a\"}", "{\"a\":}",
                                      "{a:1}", "[1,]",    "01",          "1.",      "-",
                                      "1e",    "\"\\x\"", "\"\\u12g4\"", "\"\t\"",  "nul",
                                      "{,}",   "[1 2]",   "{\"a\":1,}",  "'a'"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (member_check(str_of(bad[i]))) {
            fail_msg("accepted: %s", bad[i]);
        }
    }
    char deep[4096];
    memset(deep, '[', sizeof deep);
    assert_false(member_check((struct str){deep, sizeof deep}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(finds), cmocka_unit_test(cuts),
                                       cmocka_unit_test(refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
