/* test_mirror.c - mirrors from their texts, and texts that are none. */
#include "consumer/mirror.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void texts(void **state)
{
    UNUSED(state);
    struct mirror m;
    struct err e = ERR_INIT;
    assert_int_equal(mirror_fill(&m, "public.a", "", false, "", &e), 0);
    assert_string_equal(m.target_schema, "public");
    assert_string_equal(m.target_name, "a");
    assert_int_equal(m.column_count, 0);
    mirror_clear(&m);

    assert_int_equal(mirror_fill(&m, "s.a", "t.b.c", true, " x, y=z\t$position=at ,$row=r", &e),
                     0);
    assert_string_equal(m.target_schema, "t");
    assert_string_equal(m.target_name, "b.c");
    assert_true(m.append);
    assert_int_equal(m.column_count, 4);
    assert_string_equal(m.columns[0].source, "x");
    assert_string_equal(m.columns[0].target, "x");
    assert_string_equal(m.columns[1].source, "y");
    assert_string_equal(m.columns[1].target, "z");
    assert_string_equal(m.columns[2].source, "$position");
    assert_string_equal(m.columns[2].target, "at");
    mirror_clear(&m);
}

static void refused(void **state)
{
    UNUSED(state);
    static const struct {
        const char *source, *target, *columns;
    } rows[] = {
        {"a", "", ""},     {".a", "", ""},    {"a.", "", ""},         {"a.b", "c", ""},
        {"a.b", "", "x="}, {"a.b", "", "=x"}, {"a.b", "", "$what=x"}, {"a.b", "", "$position"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct mirror m;
        struct err e = ERR_INIT;
        assert_int_equal(
            mirror_fill(&m, rows[i].source, rows[i].target, false, rows[i].columns, &e),
            ERR_INVALID);
        mirror_clear(&m);
    }
}

/* Two mirrors into one target: of changes alone. */
static void targets(void **state)
{
    UNUSED(state);
    static const struct {
        const char *target, *first, *second;
        int rc;
    } rows[] = {
        {"public.t", "row", "row", ERR_INVALID},
        {"public.t", "row", "append", ERR_INVALID},
        {"public.t", "append", "row", ERR_INVALID},
        {"public.t", "append", "append", 0},
        {"", "row", "row", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char target[32];
        char first[8];
        char second[8];
        snprintf(target, sizeof target, "%s", rows[i].target);
        snprintf(first, sizeof first, "%s", rows[i].first);
        snprintf(second, sizeof second, "%s", rows[i].second);
        struct consumer_mirror both[] = {
            {.source = (char[]){"public.a"},
             .target = target,
             .kind = first,
             .columns = (char[]){""}},
            {.source = (char[]){"public.b"},
             .target = target,
             .kind = second,
             .columns = (char[]){""}},
        };
        struct consumer_conf conf = {.mirrors = {both, ARRAY_LEN(both)}};
        struct mirrors m;
        struct err e = ERR_INIT;
        assert_int_equal(mirrors_load(&m, &conf, &e), rows[i].rc);
        mirrors_free(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(texts), cmocka_unit_test(refused),
                                       cmocka_unit_test(targets)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
