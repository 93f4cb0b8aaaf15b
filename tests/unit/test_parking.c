/* test_parking.c - the slot's state machine, and what is refused before any database is asked. */
#include "domain/parking.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static void machine(void **state)
{
    UNUSED(state);
    static const char *const allowed[][2] = {{"available", "blocked"},
                                             {"available", "reserved"},
                                             {"blocked", "reserved"},
                                             {"blocked", "available"},
                                             {"reserved", "available"}};
    size_t count = 0;
    for (size_t from = 0; from < PARKING_STATUS_COUNT; from++) {
        for (size_t to = 0; to < PARKING_STATUS_COUNT; to++) {
            count += parking_may_change((enum parking_status)from, (enum parking_status)to);
        }
    }
    assert_int_equal(count, ARRAY_LEN(allowed));
    for (size_t i = 0; i < ARRAY_LEN(allowed); i++) {
        enum parking_status from, to;
        assert_true(parking_status_parse(str_of(allowed[i][0]), &from));
        assert_true(parking_status_parse(str_of(allowed[i][1]), &to));
        assert_true(parking_may_change(from, to));
    }
}

static void words(void **state)
{
    UNUSED(state);
    enum parking_status s;
    for (size_t i = 0; i < PARKING_STATUS_COUNT; i++) {
        assert_true(
            parking_status_parse(str_of(parking_status_text((enum parking_status)i)), &s));
        assert_int_equal(s, i);
    }
    static const char *const bad[] = {"",     "Available", "available ",
                                      "free", "blockedx",  "block"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(parking_status_parse(str_of(bad[i]), &s));
    }
}

/* The handle points nowhere: a check that let these through would end in ERR_UNAVAILABLE. */
static void refusals(void **state)
{
    UNUSED(state);
    struct db *db = db_new("postgresql://nobody@127.0.0.1:1/none", "test");
    char uuid[UUID_TEXT_MAX];
    struct parking_slot s;
    struct result *rows = NULL;
    struct err e = ERR_INIT;
    assert_int_equal(parking_create(db, STR(""), STR_NULL, uuid, &s, &e), ERR_INVALID);
    assert_int_equal(parking_create(db, STR("\xc0\x80"), STR_NULL, uuid, &s, &e), ERR_INVALID);
    assert_int_equal(parking_create(db, STR("a\0b"), STR_NULL, uuid, &s, &e), ERR_INVALID);
    assert_int_equal(parking_create(db, STR("a"), STR("free"), uuid, &s, &e), ERR_INVALID);
    assert_int_equal(parking_create(db, STR("a"), STR(""), uuid, &s, &e), ERR_INVALID);
    assert_int_equal(parking_update(db, STR("u"), STR_NULL, STR_NULL, &rows, &e), ERR_INVALID);
    assert_int_equal(parking_update(db, STR("u"), STR(""), STR_NULL, &rows, &e), ERR_INVALID);
    assert_int_equal(parking_update(db, STR("u"), STR_NULL, STR("x"), &rows, &e), ERR_INVALID);
    assert_int_equal(parking_update(db, STR("\xff"), STR("n"), STR_NULL, &rows, &e),
                     ERR_NOT_FOUND);
    assert_int_equal(parking_details(db, NULL, STR("\xff"), &rows, &e), ERR_NOT_FOUND);
    assert_int_equal(parking_create(db, STR("a"), STR_NULL, uuid, &s, &e), ERR_UNAVAILABLE);
    assert_int_equal(parking_list(db, NULL, &rows, &e), ERR_UNAVAILABLE);
    db_free(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(machine), cmocka_unit_test(words),
                                       cmocka_unit_test(refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
