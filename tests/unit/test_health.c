/* The relay's readiness and its forecast: tables of what is seen and what follows. */
#include "relay/forecast.h"
#include "relay/health.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define S INT64_C(1000000)

static void readiness(void **state)
{
    UNUSED(state);
    static const struct {
        struct health_in in;
        enum health expected;
    } rows[] = {
        {{.now_us = 100 * S}, HEALTH_READY},
        {{.now_us = 100 * S, .heard_us = 99 * S, .turn_us = 99 * S, .unconfirmed_us = 99 * S},
         HEALTH_READY},
        {{.now_us = 100 * S, .standby = true, .down_us = 20 * S}, HEALTH_STANDBY},
        {{.now_us = 100 * S, .down_us = 99 * S}, HEALTH_DOWN},
        {{.now_us = 100 * S, .blocked = true}, HEALTH_BLOCKED},
        {{.now_us = 100 * S, .unconfirmed_us = 97 * S, .heard_us = 99 * S}, HEALTH_UNCONFIRMED},
        {{.now_us = 100 * S, .heard_us = 97 * S, .turn_us = 97 * S}, HEALTH_SILENT},
        {{.now_us = 100 * S, .heard_us = 99 * S, .turn_us = 97 * S}, HEALTH_STUCK},
        {{.now_us = 100 * S, .heard_us = 99 * S, .paused_us = 90 * S}, HEALTH_PAUSED},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(health_decide(&rows[i].in).health, rows[i].expected);
        assert_true(health_text(rows[i].expected)[0] != '\0');
    }
}

static void left(void **state)
{
    UNUSED(state);
    static const struct {
        int64_t rate;
        uint64_t held, limit;
        int64_t expected;
    } rows[] = {
        {0, 0, 1000, -1},     {-5, 10, 1000, -1},       {100, 0, 1000, 10},
        {100, 1000, 1000, 0}, {100, 2000, 1000, 0},     {0, 1000, 1000, 0},
        {300, 100, 1000, 3},  {100, 5, UINT64_MAX, -1}, {1, 0, UINT64_MAX - 1, INT64_MAX},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(forecast_left_s(rows[i].rate, rows[i].held, rows[i].limit),
                         rows[i].expected);
    }
    static const struct {
        struct forecast_bounds b;
        uint64_t expected;
    } bounds[] = {
        {{10, 0, -1}, UINT64_MAX}, {{10, 100, -1}, 100}, {{10, 100, 50}, 60},
        {{10, 0, 50}, 60},         {{10, 20, 50}, 20},
    };
    for (size_t i = 0; i < ARRAY_LEN(bounds); i++) {
        assert_int_equal(forecast_limit(&bounds[i].b), bounds[i].expected);
    }
}

static void rate(void **state)
{
    UNUSED(state);
    struct forecast f = {.count = 0};
    assert_int_equal(forecast_rate(&f), 0);
    forecast_add(&f, 5 * S, 1000);
    assert_int_equal(forecast_rate(&f), 0);
    for (int64_t s = 6; s < 2000;
         s++) { /* 100 bytes a second; first samples leave the window */
        forecast_add(&f, s * S, (uint64_t)(1000 + (s - 5) * 100));
        assert_int_equal(forecast_rate(&f), 100);
    }
    for (int64_t s = 2000; s < 2400; s++) { /* what is given back is no growth */
        forecast_add(&f, s * S, 5000);
    }
    assert_int_equal(forecast_rate(&f), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(readiness), cmocka_unit_test(left),
                                       cmocka_unit_test(rate)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
