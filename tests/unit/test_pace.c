/* The reader's pause: none at a low rate, longer with the rate, soon over. */
#include "relay/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* The pause after reads of so much every every_us, for a while. */
static int64_t after(struct pace *p, int64_t *now_us, int64_t every_us, uint64_t commits,
                     uint64_t messages)
{
    int64_t pause = 0;
    for (int i = 0; i < 500; i++) {
        *now_us += every_us;
        pause = pace_note(p, *now_us, commits, messages);
    }
    return pause;
}

static void grows_with_the_rate(void **state)
{
    UNUSED(state);
    struct pace p = {0};
    int64_t now = 1000000;
    assert_int_equal(after(&p, &now, 1000, 1, 3), 0); /* 1,000 commits a second */
    int64_t some = after(&p, &now, 300, 1, 3);
    int64_t most = after(&p, &now, 100, 1, 3);
    assert_true(some > 0);
    assert_true(most > some);
    assert_int_equal(after(&p, &now, 100, 10, 30), most);
}

static void a_large_transaction_is_a_rate(void **state)
{
    UNUSED(state);
    struct pace p = {0};
    int64_t now = 1000000;
    assert_true(after(&p, &now, 1000, 0, 200) > 0);
}

static void silence_ends_it(void **state)
{
    UNUSED(state);
    struct pace p = {0};
    int64_t now = 1000000;
    assert_true(after(&p, &now, 100, 10, 30) > 0);
    now += 1000000;
    assert_int_equal(pace_note(&p, now, 1, 3), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_with_the_rate),
        cmocka_unit_test(a_large_transaction_is_a_rate),
        cmocka_unit_test(silence_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
