/* test_err.c - errors carry code, SQLSTATE and one line of text; context goes in front. */
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void one_line(void **state)
{
    UNUSED(state);
    struct err e = ERR_INIT;
    assert_int_equal(err_set(&e, ERR_TIMEOUT, "no answer\nafter %d ms\n", 5), ERR_TIMEOUT);
    assert_string_equal(e.text, "no answer after 5 ms");
    assert_int_equal(err_add(&e, "could not read %s", "x"), ERR_TIMEOUT);
    assert_string_equal(e.text, "could not read x: no answer after 5 ms");
    err_sql(&e, ERR_SQL, "23505", "again: %s", e.text);
    assert_string_equal(e.sqlstate, "23505");
    assert_string_equal(e.text, "again: could not read x: no answer after 5 ms");
}

static void classes(void **state)
{
    UNUSED(state);
    assert_int_equal(err_exit(0), 0);
    assert_int_equal(err_exit(ERR_NOT_FOUND), 3);
    assert_int_equal(err_exit(ERR_CONFLICT), 4);
    assert_int_equal(err_exit(ERR_UNAVAILABLE), 5);
    assert_int_equal(err_exit(ERR_TIMEOUT), 6);
    assert_int_equal(err_http(ERR_TOO_LARGE), 413);
    assert_int_equal(err_retry(ERR_CLOSED), RETRY_RECONNECT);
    assert_string_equal(err_name(ERR_FENCED), "ERR_FENCED");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_line), cmocka_unit_test(classes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
