/* The reader's pause: none at a low rate, longer with the rate, soon over. */
#include "relay/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* The pause after reads of so much every every_us, for a while. */
static int64_t after(struct pace *p, int64_t *now_us, int64_t every_us, uint64_t commits,
                     uint64_t rows)
{
    int64_t pause = 0;
    struct pace_read read = {.commits = commits, .rows = rows};
    for (int i = 0; i < 500; i++) {
        *now_us += every_us;
        pause = pace_note(p, *now_us, &read);
    }
    return pause;
}

static void grows_with_the_rate(void **state)
{
    UNUSED(state);
    struct pace p = {0};
    int64_t now = 1000000;
    assert_int_equal(after(&p, &now, 1000, 1, 1), 0); /* 1,000 commits a second */
    int64_t some = after(&p, &now, 300, 1, 1);
    int64_t most = after(&p, &now, 100, 1, 1);
    assert_true(some > 0);
    assert_true(most > some);
    assert_int_equal(after(&p, &now, 100, 10, 10), most);
}

static void a_large_transaction_is_a_rate(void **state)
{
    UNUSED(state);
    struct pace p = {0};
    int64_t now = 1000000;
    assert_true(after(&p, &now, 1000, 0, 50) > 0);
}

static void silence_ends_it(void **state)
{
    UNUSED(state);
    struct pace p = {0};
    int64_t now = 1000000;
    assert_true(after(&p, &now, 100, 10, 10) > 0);
    now += 1000000;
    struct pace_read one = {.commits = 1, .rows = 1};
    assert_int_equal(pace_note(&p, now, &one), 0);
}

static void a_backlog_is_read_in_gulps(void **state)
{
    UNUSED(state);
    struct pace p = {0};
    struct pace_read old = {.commits = 1, .rows = 1, .behind_us = 10000000};
    struct pace_read late = {.commits = 1, .rows = 1, .behind_us = 30000};
    struct pace_read fresh = {.commits = 1, .rows = 1, .behind_us = 5000};
    struct pace_read none = {.behind_us = 10000000};
    int64_t most = pace_note(&p, 1000000, &old);
    assert_true(most > 1000);
    assert_in_range(pace_note(&p, 1001000, &late), 1000, most - 1);
    assert_int_equal(pace_note(&p, 1002000, &fresh), 0);
    assert_int_equal(pace_note(&p, 1003000, &none), 0);
}

static void a_local_socket_holds_little(void **state)
{
    UNUSED(state);
    struct pace far = {0};
    struct pace near = {.local = true};
    struct pace_read old = {.commits = 1, .rows = 1, .behind_us = 10000000};
    int64_t most = pace_note(&far, 1000000, &old);
    assert_in_range(pace_note(&near, 1000000, &old), 1, most / 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_with_the_rate),
        cmocka_unit_test(a_large_transaction_is_a_rate),
        cmocka_unit_test(silence_ends_it),
        cmocka_unit_test(a_backlog_is_read_in_gulps),
        cmocka_unit_test(a_local_socket_holds_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
