/* test_dsn.c - what a connection string says, and that a refusal quotes nothing of it. */
#include "pg/dsn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static void parts(void **state)
{
    UNUSED(state);
    struct err e = ERR_INIT;
    struct dsn d;
    assert_int_equal(dsn_parse("postgresql://u:p%40@h:5/d", &d, &e), 0);
    assert_string_equal(d.host, "h");
    assert_string_equal(d.port, "5");
    assert_string_equal(d.user, "u");
    assert_string_equal(d.password, "p@");
    assert_string_equal(d.dbname, "d");
    assert_int_equal(dsn_parse("user=u password=p", &d, &e), 0);
    assert_string_equal(d.host, "127.0.0.1");
    assert_string_equal(d.port, "5432");
    assert_string_equal(d.dbname, "u");
    assert_false(d.several);
    assert_int_equal(
        dsn_parse("postgresql://u:p@a:5,b:6/d?target_session_attrs=read-write", &d, &e), 0);
    assert_string_equal(d.host, "a");
    assert_string_equal(d.port, "5");
    assert_true(d.several);
}

static void secrets(void **state)
{
    UNUSED(state);
    static const char *const damaged[] = {
        "postgresql://u:geheim@[::1/d",
        "postgresql://u:geheim@[::1]x/d",
        "postgresql://u:geheim%zz@h/d",
        "postgresql://u:pw@h/d?geheim",
        "user=u password=gut geheim",
        "user=u password='geheim",
        "postgresql://u@h/d?password=geheim&nonsense=geheim",
    };
    for (size_t i = 0; i < ARRAY_LEN(damaged); i++) {
        struct err e = ERR_INIT;
        struct dsn d;
        assert_int_equal(dsn_parse(damaged[i], &d, &e), ERR_INVALID);
        assert_null(strstr(e.text, "geheim"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(parts), cmocka_unit_test(secrets)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
