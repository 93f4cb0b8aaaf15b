/* test_orderref.c - the three shapes of an order's reference, what is near them, and drawn public ids. */
#include "domain/orderref.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static void shapes(void **state)
{
    UNUSED(state);
    static const struct {
        const char *text;
        enum orderref_kind kind;
        const char *column;
    } good[] = {{"0", ORDERREF_NUMBER, "order_id"},
                {"1", ORDERREF_NUMBER, "order_id"},
                {"007", ORDERREF_NUMBER, "order_id"},
                {"9223372036854775807", ORDERREF_NUMBER, "order_id"},
                {"00009223372036854775807", ORDERREF_NUMBER, "order_id"},
                {"ORD-00000", ORDERREF_PUBLIC, "public_id"},
                {"ORD-B384F", ORDERREF_PUBLIC, "public_id"},
                {"ORD-0123456789AB", ORDERREF_PUBLIC, "public_id"},
                {"7036dfc5-3093-4d00-bdf6-e66f567dc2b3", ORDERREF_TRACKING, "tracking_id"},
                {"7036DFC5-3093-4D00-BDF6-E66F567DC2B3", ORDERREF_TRACKING, "tracking_id"}};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct orderref r;
        assert_true(orderref_parse(str_of(good[i].text), &r));
        assert_int_equal(r.kind, good[i].kind);
        assert_string_equal(r.column, good[i].column);
        assert_true(str_eq(r.value, str_of(good[i].text)));
    }
}

static void none(void **state)
{
    UNUSED(state);
    static const char *const bad[] = {"",
                                      " 1",
                                      "1 ",
                                      "-1",
                                      "+1",
                                      "1.0",
                                      "1e3",
                                      "0x1",
                                      "９",
                                      "9223372036854775808",
                                      "10000000000000000000",
                                      "ORD-",
                                      "ORD-1234",
                                      "ORD-0123456789ABC",
                                      "ORD-b384f",
                                      "ord-B384F",
                                      "ORD-B384G",
                                      "ORDB384F",
                                      "7036dfc5-3093-4d00-bdf6-e66f567dc2b",
                                      "7036dfc530934d00bdf6e66f567dc2b3",
                                      "{7036dfc5-3093-4d00-bdf6-e66f567dc2b3}",
                                      "order",
                                      "1;drop table orders"};
    struct orderref r;
    struct err e = ERR_INIT;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (orderref_parse(str_of(bad[i]), &r)) {
            fail_msg("\"%s\" is taken for a reference", bad[i]);
        }
        assert_int_equal(orderref_read(str_of(bad[i]), &r, &e), ERR_INVALID);
    }
    assert_false(orderref_parse(STR_NULL, &r));
    assert_false(orderref_parse(STR("ORD-B384F\0"), &r));
}

static void draws(void **state)
{
    UNUSED(state);
    static const size_t digits[] = {5, 5, 5, 5, 6, 7, 8, 9, 10, 11, 12, 12, 12};
    char seen[2][ORDERREF_PUBLIC_MAX];
    for (unsigned draw = 0; draw < ARRAY_LEN(digits); draw++) {
        struct orderref r;
        orderref_draw(draw, seen[draw % 2]);
        assert_int_equal(strlen(seen[draw % 2]), 4 + digits[draw]);
        assert_true(orderref_parse(str_of(seen[draw % 2]), &r));
        assert_int_equal(r.kind, ORDERREF_PUBLIC);
    }
    assert_string_not_equal(seen[0], seen[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(shapes), cmocka_unit_test(none),
                                       cmocka_unit_test(draws)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
