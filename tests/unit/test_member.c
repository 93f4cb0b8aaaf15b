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

/* The elements of an array, joined by " | ". */
static const char *items(struct str text, struct buf *out)
{
    size_t at = 0;
    struct str item;
    buf_reset(out);
    while (member_item(text, &at, &item)) {
        buf_addf(out, "%s%.*s", out->len > 0 ? " | " : "", STR_ARG(item));
        assert_true(at <= text.n && item.p + item.n == text.p + at);
    }
    return buf_cstr(out);
}

static void walks_arrays(void **state)
{
    UNUSED(state);
    static const struct {
        const char *text, *items;
    } rows[] = {
        {"[]", ""},
        {" [ ] ", ""},
        {"[1]", "1"},
        {" [ 1 ,\t-2.5e3,\"a,]\" ,null\n] ", "1 | -2.5e3 | \"a,]\" | null"},
        {"[[1,2],[],{\"a\":[3,4]},\"\\\"]\"]", "[1,2] | [] | {\"a\":[3,4]} | \"\\\"]\""},
        {"[{}]", "{}"},
        {"{\"a\":[1]}", ""}, /* no array */
        {"\"[1]\"", ""},
        {"1", ""},
        {"", ""},
    };
    struct buf out = BUF_INIT;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_string_equal(items(str_of(rows[i].text), &out), rows[i].items);
    }
    /* the array of a member, as repairs are read */
    struct str found = member_find(STR(SAMPLE), "b");
    assert_string_equal(items(member_find(found, "c"), &out), "1 | 2 | {\"d\":null}");
    buf_fini(&out);
}

/* A text that ends in its middle gives a part of the whole ones' elements, and reads nothing behind its end. */
static void cuts_arrays(void **state)
{
    UNUSED(state);
    static const char whole[] = "[12, \"x\\\"y\", [null,{}], true, -1.5]";
    struct buf all = BUF_INIT;
    struct buf part = BUF_INIT;
    items(STR(whole), &all);
    for (size_t n = 0; n < sizeof whole; n++) {
        char *copy = malloc(n + 1);
        memcpy(copy, whole, n);
        items((struct str){copy, n}, &part);
        free(copy);
        /* a number that is cut is a number still: its last element alone may be shorter */
        assert_true(strncmp(buf_cstr(&part), buf_cstr(&all), part.len) == 0);
    }
    assert_int_equal(part.len, all.len);
    buf_fini(&part);
    buf_fini(&all);
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

static void texts_of_members(void **state)
{
    UNUSED(state);
    static const char *const names[] = {"b", "a", "c"};
    struct str a, b, c;
    struct str *const out[] = {&b, &a, &c};
    struct buf texts = BUF_INIT;
    assert_int_equal(
        member_texts(STR("{\"a\":\"x\\n\",\"b\":\"\",\"c\":\"주\"}"), names, 3, &texts, out),
        3);
    assert_true(str_eq(a, STR("x\n")));
    assert_true(str_eq(b, STR("")));
    assert_true(str_eq(c, STR("주")));
    assert_int_equal(member_texts(STR("{\"b\":\"\",\"a\":1}"), names, 3, &texts, out), 1);
    assert_int_equal(member_texts(STR("{\"a\":\"\"}"), names, 3, &texts, out), 0);
    assert_int_equal(member_texts(STR("[]"), names, 3, &texts, out), 0);
    buf_fini(&texts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(texts_of_members),
                                       cmocka_unit_test(finds),
                                       cmocka_unit_test(cuts),
                                       cmocka_unit_test(walks_arrays),
                                       cmocka_unit_test(cuts_arrays),
                                       cmocka_unit_test(refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
