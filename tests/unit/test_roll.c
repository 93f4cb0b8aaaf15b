/* The table of replicas: nobody who is registered is forgotten, whoever else reports. */
#include "relay/roll.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void strangers_give_way(void **state)
{
    UNUSED(state);
    struct session *s = def_zalloc(1, sizeof *s);
    struct str one[] = {STR("one"), STR("two")};
    assert_null(roll_call(s, one, 1));
    roll_report(s, one[0])->lsn = 7;
    for (int i = 0; i < SESSION_REPLICAS_MAX * 2; i++) {
        char name[16];
        snprintf(name, sizeof name, "stranger%d", i);
        struct session_replica *r = roll_report(s, str_of(name));
        assert_non_null(r);
        assert_false(r->registered);
        assert_string_equal(r->name, name);
    }
    assert_int_equal(s->replica_count, SESSION_REPLICAS_MAX);
    assert_null(roll_call(s, one, 2));
    assert_int_equal(roll_report(s, one[0])->lsn, 7);
    assert_true(roll_report(s, one[0])->registered && roll_report(s, one[1])->registered);
    assert_null(roll_call(s, one + 1, 1));
    assert_false(roll_report(s, one[0])->registered);
    free(s);
}

/* More than fit, or a name that does not: said, and those that are known stay. */
static void too_many(void **state)
{
    UNUSED(state);
    enum { MANY = SESSION_REPLICAS_MAX + 1 };
    static char texts[MANY][16];
    struct str names[MANY];
    struct session *s = def_zalloc(1, sizeof *s);
    for (int i = 0; i < MANY; i++) {
        snprintf(texts[i], sizeof texts[i], "r%03d", i);
        names[i] = str_of(texts[i]);
    }
    assert_null(roll_call(s, names + 1, MANY - 1));
    roll_report(s, names[MANY - 1])->lsn = 9;
    const struct str *lost = roll_call(s, names, MANY);
    assert_ptr_equal(lost, &names[0]);
    assert_int_equal(roll_report(s, names[MANY - 1])->lsn, 9);
    assert_null(roll_report(s, names[0]));
    char text[SESSION_NAME_MAX + 1];
    memset(text, 'x', sizeof text);
    struct str long_name = {text, SESSION_NAME_MAX};
    assert_ptr_equal(roll_call(s, &long_name, 1), &long_name);
    long_name.n--;
    assert_null(roll_call(s, &long_name, 1));
    free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(strangers_give_way),
                                       cmocka_unit_test(too_many)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
