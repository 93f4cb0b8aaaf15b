/* test_sink.c - rows in a sink's columns, and changes that no statement can write. */
#include "consumer/sink.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Three columns, as the catalogue would have given them; the first one is the key. */
struct fixture {
    struct relation relation;
    struct relation_column relation_columns[3];
    struct sink_column columns[3];
    uint16_t key[1];
    struct sink sink;
    struct arena arena;
};

static void make(struct fixture *f, bool append, bool straight)
{
    static char names[][4] = {"id", "big", "n"};
    static char label[] = "public.t";
    *f = (struct fixture){.relation = {.label = label, .identity = 'd', .column_count = 3}};
    for (int i = 0; i < 3; i++) {
        f->relation_columns[i] = (struct relation_column){.name = names[i], .key = i == 0};
        f->columns[i] = (struct sink_column){.source = i, .target = names[i]};
    }
    f->relation.columns = f->relation_columns;
    f->sink = (struct sink){.relation = &f->relation,
                            .target = label,
                            .append = append,
                            .straight = straight,
                            .columns = f->columns,
                            .key = f->key};
    f->sink.plan = (struct plan_table){.mode = append ? PLAN_APPEND : PLAN_BY_KEY,
                                       .column_count = 3,
                                       .key_count = append ? 0 : 1,
                                       .key = f->key};
}

static const struct sink_change change = {.op = "update"};
static const struct str unchanged[] = {STR("1"), {plan_unchanged, 0}, STR("2")};
static const struct str whole[] = {STR("1"), STR(""), STR("2")};

/* What an update leaves out is not known where every change is a row of its own. */
static void append_knows_no_row_before(void **state)
{
    UNUSED(state);
    for (int straight = 0; straight < 2; straight++) {
        struct fixture f;
        make(&f, true, straight);
        const struct str *row = sink_row(&f.sink, unchanged, &change, &f.arena);
        assert_string_equal(row[0].p, "1");
        assert_null(row[1].p);
        assert_string_equal(row[2].p, "2");
        row = sink_row(&f.sink, whole, &change, &f.arena);
        assert_non_null(row[1].p);
        assert_int_equal(row[1].n, 0);
        arena_fini(&f.arena);
        make(&f, false, straight);
        row = sink_row(&f.sink, unchanged, &change, &f.arena);
        assert_true(plan_is_unchanged(row[1]));
        arena_fini(&f.arena);
    }
}

static void assert_refused(const struct sink_view *v, const char *sqlstate)
{
    struct err why = ERR_INIT;
    assert_int_equal(sink_refuses(v, &why), sqlstate != NULL);
    assert_int_equal(sink_refuses(v, NULL), sqlstate != NULL);
    assert_string_equal(why.sqlstate, sqlstate != NULL ? sqlstate : "");
    assert_int_equal(why.code, sqlstate != NULL ? ERR_SQL : 0);
}

/* Its identity is not among the target's columns: a row can be put in, and never be found again. */
static void rows_without_a_name(void **state)
{
    UNUSED(state);
    struct fixture f;
    make(&f, false, true);
    f.sink.plan.mode = PLAN_BY_ROW;
    f.sink.plan.key_count = 0;
    struct sink_view v = {.sink = &f.sink, .op = PLAN_OP_INSERT, .neu = whole};
    assert_refused(&v, NULL);
    v.op = PLAN_OP_UPDATE; /* old is NULL where the identity stays */
    assert_refused(&v, "42P10");
    v = (struct sink_view){.sink = &f.sink, .op = PLAN_OP_DELETE, .old = unchanged};
    assert_refused(&v, "42P10");
    f.relation.identity = 'f';
    assert_refused(&v, NULL);
    err_sql(&f.sink.broken, ERR_SQL, "42P01", "no table");
    assert_refused(&v, "42P01");
}

/* The copy has the row under its old key no more, so what the change leaves out is nowhere. */
static void half_a_key_change(void **state)
{
    UNUSED(state);
    struct fixture f;
    make(&f, false, true);
    struct sink_view v = {
        .sink = &f.sink, .op = PLAN_OP_INSERT, .neu = unchanged, .half = true};
    assert_refused(&v, "PKINC");
    v.neu = whole;
    assert_refused(&v, NULL);
    v = (struct sink_view){
        .sink = &f.sink, .op = PLAN_OP_DELETE, .old = unchanged, .half = true};
    assert_refused(&v, NULL);
    v = (struct sink_view){.sink = &f.sink, .op = PLAN_OP_UPDATE, .neu = unchanged};
    assert_refused(&v, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(append_knows_no_row_before),
                                       cmocka_unit_test(rows_without_a_name),
                                       cmocka_unit_test(half_a_key_change)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
