/* test_utf8.c - every code point, and every kind of sequence that is none. */
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static size_t encode(uint32_t c, char *out)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (c & 0x3F));
        c >>= 6;
    }
    out[0] = (char)((n == 2 ? 0xC0 : n == 3 ? 0xE0 : 0xF0) | c);
    return n;
}

static void code_points(void **state)
{
    UNUSED(state);
    for (uint32_t c = 0; c < 0x120000; c++) {
        char bytes[4];
        size_t n = encode(c, bytes);
        bool good = c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF);
        if (utf8_valid((struct str){bytes, n}) != good) {
            fail_msg("U+%04X is taken for %s", c, good ? "invalid" : "valid");
        }
        for (size_t cut = 1; cut < n; cut++) {
            assert_false(utf8_valid((struct str){bytes, cut}));
            assert_false(utf8_valid((struct str){bytes + cut, n - cut}));
        }
    }
}

static void broken(void **state)
{
    UNUSED(state);
    static const char *const bad[] = {"\x80",
                                      "\xff",
                                      "\xfe",
                                      "\xc0\xaf",
                                      "\xc1\xbf",
                                      "\xe0\x80\xaf",
                                      "\xe0\x9f\xbf",
                                      "\xf0\x80\x80\xaf",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf5\x80\x80\x80",
                                      "a\xc3"
                                      "b",
                                      "\xe2\x82"
                                      "x"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(utf8_valid(str_of(bad[i])));
    }
    assert_true(utf8_valid(STR("")));
    assert_true(utf8_valid(STR("a\0b")));
    assert_false(utf8_storable(STR("a\0b")));
    assert_true(utf8_storable(STR("주차 1 🅿️")));
    assert_true(utf8_storable(STR_NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(code_points), cmocka_unit_test(broken)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
