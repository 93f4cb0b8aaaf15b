/* test_money.c - amounts as texts and as cents, exact at both ends of their range. */
#include "domain/money.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static void parses(void **state)
{
    UNUSED(state);
    static const struct {
        const char *text;
        int64_t cents;
        const char *canonical;
    } good[] = {{"0", 0, "0.00"},
                {"0.0", 0, "0.00"},
                {"0.01", 1, "0.01"},
                {"21.5", 2150, "21.50"},
                {"21.50", 2150, "21.50"},
                {"007", 700, "7.00"},
                {"3500", 350000, "3500.00"},
                {"9999999999.99", MONEY_MOST, "9999999999.99"},
                {"0.29", 29, "0.29"} /* 0.29 * 100 is 28.999… in binary */};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        int64_t cents = -1;
        char text[MONEY_TEXT_MAX];
        assert_true(money_parse(str_of(good[i].text), &cents));
        assert_int_equal(cents, good[i].cents);
        money_text(cents, text);
        assert_string_equal(text, good[i].canonical);
    }
}

static void refuses(void **state)
{
    UNUSED(state);
    static const char *const bad[] = {"",
                                      ".",
                                      "1.",
                                      "-1",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "1.234",
                                      "1.230",
                                      "1e2",
                                      "1,5",
                                      "0x1",
                                      "NaN",
                                      "Infinity",
                                      "10000000000",
                                      "1.2.3",
                                      "1.-2",
                                      "9999999999.999",
                                      "99999999999999999999999",
                                      "1.5x",
                                      "\xef\xbc\x91"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int64_t cents = -7;
        if (money_parse(str_of(bad[i]), &cents)) {
            fail_msg("\"%s\" is taken for %lld cents", bad[i], (long long)cents);
        }
        assert_int_equal(cents, -7);
    }
}

static void sums(void **state)
{
    UNUSED(state);
    int64_t sum = 0;
    assert_true(money_add(&sum, 2, 350000));
    assert_true(money_add(&sum, 1, 400000));
    assert_int_equal(sum, 1100000);
    assert_false(money_add(&sum, INT32_MAX, MONEY_MOST));
    assert_false(money_add(&sum, 1, MONEY_MOST));
    assert_int_equal(sum, 1100000);
    assert_true(money_add(&sum, 1, MONEY_MOST - 1100000));
    assert_false(money_add(&sum, 1, 1));
    assert_true(money_add(&sum, INT32_MAX, 0));
    assert_int_equal(sum, MONEY_MOST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(parses), cmocka_unit_test(refuses),
                                       cmocka_unit_test(sums)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
