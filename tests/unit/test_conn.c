/* test_conn.c - which refusals are worth another try. */
#include "pg/conn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void busy(void **state)
{
    UNUSED(state);
    static const struct {
        int code;
        const char *sqlstate;
        const char *text;
        bool busy;
    } table[] = {
        {ERR_SQL, "40P01", "deadlock detected", true},
        {ERR_SQL, "55P03", "canceling statement due to lock timeout", true},
        {ERR_SQL, "XX000", "tuple concurrently updated", true},
        {ERR_SQL, "XX000", "tuple concurrently deleted", true},
        {ERR_SQL, "XX000", "cache lookup failed for relation 1", false},
        {ERR_SQL, "23505", "tuple concurrently updated", false},
        {ERR_SQL, "", "", false},
        {ERR_CLOSED, "40P01", "deadlock detected", false},
        {0, "", "", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct err e = ERR_INIT;
        if (table[i].code != 0) {
            err_sql(&e, table[i].code, table[i].sqlstate, "%s", table[i].text);
        }
        if (conn_lock_busy(table[i].code, &e) != table[i].busy) {
            fail_msg("%s %s", table[i].sqlstate, table[i].text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(busy)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
