/* test_seed.c - the command line's own random numbers are the same for the same seed; its bar; its numbers. */
#include "cli/bar.h"
#include "cli/number.h"
#include "cli/seed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static void draws(void **state)
{
    UNUSED(state);
    uint64_t a = 0;
    /* the first outputs of SplitMix64 begun with 0, as its authors publish them */
    assert_true(seed_draw(&a) == UINT64_C(0xe220a8397b1dcdaf));
    assert_true(seed_draw(&a) == UINT64_C(0x6e789e6aa1b965f4));
    assert_true(seed_draw(&a) == UINT64_C(0x06c45d188009454f));
    uint64_t b = 7;
    uint64_t c = 7;
    bool seen[5] = {false};
    for (int i = 0; i < 200; i++) {
        uint64_t x = seed_below(&b, ARRAY_LEN(seen));
        assert_true(x == seed_below(&c, ARRAY_LEN(seen)) && x < ARRAY_LEN(seen));
        seen[x] = true;
    }
    for (size_t i = 0; i < ARRAY_LEN(seen); i++) {
        assert_true(seen[i]);
    }
}

static void bars(void **state)
{
    UNUSED(state);
    char text[160];
    bar_text("users", 0, 20, text, sizeof text);
    assert_string_equal(text, "[..............................] 0 of 20 users");
    bar_text("users", 10, 20, text, sizeof text);
    assert_string_equal(text, "[###############...............] 10 of 20 users");
    bar_text("users", 21, 20, text, sizeof text);
    assert_string_equal(text, "[##############################] 21 of 20 users");
    bar_text("updates", 3, 0, text, sizeof text);
    assert_string_equal(text, "3 updates");
}

static void numbers(void **state)
{
    UNUSED(state);
    int64_t v = -1;
    struct err e = ERR_INIT;
    assert_int_equal(number_read("n", STR_NULL, 20, 1, 30, &v, &e), 0);
    assert_int_equal(v, 20);
    assert_int_equal(number_read("n", STR("30"), 20, 1, 30, &v, &e), 0);
    assert_int_equal(v, 30);
    static const char *const bad[] = {
        "", "0", "31", "-1", "+2", "2 ", "2.0", "0x2", "9999999999999999999"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(number_read("n", str_of(bad[i]), 20, 1, 30, &v, &e), ERR_INVALID);
        assert_string_equal(e.text, "n must be a number from 1 to 30");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(draws), cmocka_unit_test(bars),
                                       cmocka_unit_test(numbers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
