/* test_percent.c - escapes, broken ones, and bytes that end C strings. */
#include "base/percent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static void table(void **state)
{
    UNUSED(state);
    static const struct {
        struct str text, expected;
    } rows[] = {
        {STR(""), STR("")},           {STR("/a/b"), STR("/a/b")},
        {STR("/%41%7a"), STR("/Az")}, {STR("%00x"), STR("\0x")},
        {STR("%2f%2F"), STR("//")},   {STR("%"), STR("%")},
        {STR("%4"), STR("%4")},       {STR("%4g"), STR("%4g")},
        {STR("%%41"), STR("%A")},     {STR("%2541"), STR("%41")},
        {STR("a+b"), STR("a+b")},     {STR("%c3%a9"), STR("\xc3\xa9")},
        {STR("%-1"), STR("%-1")},     {STR("% 1"), STR("% 1")},
        {STR("x%41"), STR("xA")},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf out = BUF_INIT;
        percent_decode(rows[i].text, &out);
        assert_int_equal(out.len, rows[i].expected.n);
        assert_memory_equal(buf_str(&out).p, rows[i].expected.p, out.len);
        buf_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(table)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
