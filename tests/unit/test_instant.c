/* test_instant.c - times as clients write them, against the C library's calendar, and what is no time. */
#include "domain/instant.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <cmocka.h>

static void parses(void **state)
{
    UNUSED(state);
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {{"1970-01-01T00:00:00Z", 0},
                {"2024-09-02T17:21:02Z", INT64_C(1725297662000)},
                {"2024-09-02T17:21:02.5Z", INT64_C(1725297662500)},
                {"2024-09-02t17:21:02.123456789z", INT64_C(1725297662123)},
                {"2024-09-03 02:21:02+09:00", INT64_C(1725297662000)},
                {"2024-09-02T11:51:02-05:30", INT64_C(1725297662000)},
                {"2024-02-29T00:00:00Z", INT64_C(1709164800000)},
                {"2000-02-29T00:00:00Z", INT64_C(951782400000)},
                {"9999-12-31T23:59:59.999Z", INT64_C(253402300799999)},
                {"0", 0},
                {"1725297600", INT64_C(1725297600000)},
                {"1725297600.25", INT64_C(1725297600250)}};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        int64_t ms = -1;
        if (!instant_parse(str_of(good[i].text), &ms) || ms != good[i].ms) {
            fail_msg("%s is %lld", good[i].text, (long long)ms);
        }
    }
}

/* Every day of four centuries. */
static void days(void **state)
{
    UNUSED(state);
    for (int64_t s = 43200; s < INT64_C(400) * 366 * 86400; s += 86400) {
        time_t t = (time_t)s;
        struct tm tm;
        char text[64];
        int64_t ms = -1;
        gmtime_r(&t, &tm);
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
        assert_true(instant_parse(str_of(text), &ms));
        assert_int_equal(ms, s * 1000);
    }
}

static void refuses(void **state)
{
    UNUSED(state);
    static const char *const bad[] = {"",
                                      "now",
                                      "infinity",
                                      "yesterday",
                                      "17:21:02",
                                      "2024-09-02",
                                      "2024-09-02T17:21:02",
                                      "2024-09-02T17:21Z",
                                      "2024-09-02T17:21:02.Z",
                                      "2024-09-02T17:21:02Zx",
                                      "2024-09-02T24:00:00Z",
                                      "2024-09-02T17:60:00Z",
                                      "2024-09-02T17:21:60Z",
                                      "2024-09-31T00:00:00Z",
                                      "2023-02-29T00:00:00Z",
                                      "1900-02-28T00:00:00Z",
                                      "2024-13-01T00:00:00Z",
                                      "2024-00-01T00:00:00Z",
                                      "1970-01-01T00:00:00+00:01",
                                      "9999-12-31T23:59:59-00:01",
                                      "2024-09-02T17:21:02+0900",
                                      "2024-09-02T17:21:02+24:00",
                                      "-1",
                                      "+1",
                                      "1e9",
                                      "1.",
                                      ".5",
                                      "253402300800",
                                      "99999999999999999999",
                                      "1725297600 "};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        int64_t ms;
        if (instant_parse(str_of(bad[i]), &ms)) {
            fail_msg("\"%s\" is taken for %lld", bad[i], (long long)ms);
        }
    }
    int64_t ms;
    assert_false(instant_parse(STR_NULL, &ms));
}

static void writes(void **state)
{
    UNUSED(state);
    char text[INSTANT_EPOCH_MAX];
    instant_epoch(INT64_C(1725297600000), text);
    assert_string_equal(text, "1725297600");
    instant_epoch(INT64_C(1725297600050), text);
    assert_string_equal(text, "1725297600.05");
    instant_epoch(0, text);
    assert_string_equal(text, "0");
    instant_epoch(INT64_C(1725297600100), text);
    assert_string_equal(text, "1725297600.1");
    instant_epoch(INT64_C(253402300799999), text);
    assert_string_equal(text, "253402300799.999");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(parses), cmocka_unit_test(days),
                                       cmocka_unit_test(refuses), cmocka_unit_test(writes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
