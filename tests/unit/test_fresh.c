/* The rules of freshness: where the last record ends, and what covers what. And the users file. */
#include "router/fresh.h"
#include "router/users.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { PAGE = 8192, SEGMENT = 16 << 20 };

static void settle(void **state)
{
    UNUSED(state);
    /* behind a page header nothing has been written: the last record ended at the page's edge */
    assert_int_equal(fresh_settle(5 * PAGE + 24, SEGMENT), 5 * PAGE);
    assert_int_equal(fresh_settle(3 * (uint64_t)SEGMENT + 40, SEGMENT), 3 * (uint64_t)SEGMENT);
    /* anywhere else the position stands */
    assert_int_equal(fresh_settle(5 * PAGE + 40, SEGMENT), 5 * PAGE + 40);
    assert_int_equal(fresh_settle(3 * (uint64_t)SEGMENT + 24, SEGMENT),
                     3 * (uint64_t)SEGMENT + 24);
    assert_int_equal(fresh_settle(5 * PAGE, SEGMENT), 5 * PAGE);
    assert_int_equal(fresh_settle(5 * PAGE + 32, SEGMENT), 5 * PAGE + 32);
    assert_int_equal(fresh_settle(0, SEGMENT), 0);
}

static void covers(void **state)
{
    UNUSED(state);
    static const struct epoch a = {7, 1}, b = {7, 2};
    struct position nothing = {0};
    assert_true(fresh_covers(nothing, nothing));
    assert_true(fresh_covers((struct position){.epoch = a, .lsn = 5}, nothing));
    assert_false(fresh_covers(nothing, (struct position){.epoch = a, .lsn = 1}));
    assert_true(fresh_covers((struct position){.epoch = a, .lsn = 5},
                             (struct position){.epoch = a, .lsn = 5}));
    assert_false(fresh_covers((struct position){.epoch = a, .lsn = 4},
                              (struct position){.epoch = a, .lsn = 5}));
    assert_false(fresh_covers((struct position){.epoch = a, .lsn = 9},
                              (struct position){.epoch = b, .lsn = 5}));
}

static void user_lines(void **state)
{
    UNUSED(state);
    static const char line[] =
        "\"o\"\"x\" "
        "\"SCRAM-SHA-256$4096:c9RYEcEB8ogEcc4PSmkBew==$AgICry6T35IEDm1z1P+F5oWqBQ2PB5ch"
        "WmzSFnSwtGA=:Dpord9BzfAavufccT71YDBJmxXKdDC+aAARj9ZJuytw=\"\n";
    char name[64];
    struct scram_verifier v;
    assert_int_equal(users_parse_line(str_of(line), name, &v), 1);
    assert_string_equal(name, "o\"x");
    for (size_t n = 1; n < sizeof line - 2; n++) {
        assert_int_equal(users_parse_line((struct str){line, n}, name, &v), -1);
    }
    assert_int_equal(users_parse_line(STR(""), name, &v), 0);
    assert_int_equal(users_parse_line(STR("# a comment\n"), name, &v), 0);
    assert_int_equal(users_parse_line(STR("\"a\" \"md5\"\n"), name, &v), -1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(settle),
        cmocka_unit_test(covers),
        cmocka_unit_test(user_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
