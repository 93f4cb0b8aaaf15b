/* test_result.c - rows of values, NULL and empty told apart, and rows that lie about their size. */
#include "pg/result.h"

#include "pg/msg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static struct str row_of(struct buf *b, const struct str *values, size_t n)
{
    buf_reset(b);
    msg_text_row(b, values, n);
    return (struct str){buf_data(b) + MSG_HEAD, b->len - MSG_HEAD};
}

static void rows(void **state)
{
    UNUSED(state);
    struct buf b = BUF_INIT;
    struct result *r = result_new();
    assert_int_equal(result_count(r), 0);
    const struct str first[] = {STR("a\0b"), STR_NULL, STR(""), STR("-42")};
    assert_true(result_row(r, row_of(&b, first, 4)));
    for (int i = 0; i < 1000; i++) {
        assert_true(result_row(r, row_of(&b, first, 4)));
    }
    const struct str other[] = {STR("a")};
    assert_false(result_row(r, row_of(&b, other, 1)));
    assert_int_equal(result_count(r), 1001);
    assert_int_equal(result_columns(r), 4);
    assert_true(str_eq(result_get(r, 1000, 0), STR("a\0b")));
    assert_null(result_get(r, 0, 1).p);
    assert_string_equal(result_text(r, 0, 1), "");
    assert_non_null(result_get(r, 0, 2).p);
    assert_int_equal(result_get(r, 0, 2).n, 0);
    assert_int_equal(result_int(r, 7, 3), -42);
    static const struct {
        struct str tag;
        int64_t affected;
    } tags[] = {
        {STR("INSERT 0 5"), 5}, {STR("UPDATE 12"), 12}, {STR("BEGIN"), 0}, {STR(""), 0}};
    for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
        result_complete(r, tags[i].tag);
        assert_int_equal(result_affected(r), tags[i].affected);
    }
    result_free(r);
    buf_fini(&b);
}

static void cut(void **state)
{
    UNUSED(state);
    struct buf b = BUF_INIT;
    const struct str values[] = {STR("abc"), STR_NULL, STR("0123456789")};
    struct str whole = row_of(&b, values, 3);
    for (size_t n = 0; n < whole.n; n++) {
        char *copy = def_alloc(n + 1);
        memcpy(copy, whole.p, n);
        struct result *r = result_new();
        assert_false(result_row(r, (struct str){copy, n}));
        result_free(r);
        free(copy);
    }
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(rows), cmocka_unit_test(cut)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
