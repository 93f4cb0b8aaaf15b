/* Shapes: equal for texts that differ in literals, blanks and comments; different otherwise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#include "router/shape.h"

static void scan(struct str text, struct buf *b, struct shape *s)
{
    /* an exact copy, so that a sanitizer sees a read behind its end */
    char *copy = def_strndup(text.p, text.n);
    char *exact = malloc(text.n + (text.n == 0));

    memcpy(exact, copy, text.n);
    free(copy);
    shape_scan((struct str){exact, text.n}, b, s);
    if (s->position.p != NULL) { /* points into the copy: move it to the text */
        s->position.p = text.p + (s->position.p - exact);
    }
    free(exact);
}

static const char *const same[][2] = {
    {"select 1", "SELECT  42 ;"},
    {"select 1", "select/**/1--x"},
    {"select 'a'", "select 'it''s ;--'"},
    {"select 'a'", "select E'it\\'s'"},
    {"select 'a'", "select $q$ ' $x$ $q$"},
    {"select N'a'", "select n'b'"},
    {"select 1.5", "select .5e-3"},
    {"select b'1'", "select X'ff'"},
    {"select a from t where x = 1 and y='b'",
     "select A\nfrom T where X = 2 and Y='c' /* /* nested */ */"},
    {"select -1", "select -2"},
    {"select 1e5", "select 1"},
    {"select \"A b\" from t", "select \"A b\"   from t"},
};

static const char *const different[][2] = {
    {"select 1", "select 'a'"},         {"select a", "select \"a\""},
    {"select \"a\"", "select \"A\""},   {"select a", "select b"},
    {"select $1", "select $2"},         {"select a-b", "select a--b"},
    {"select a/b", "select a/*b*/"},    {"select a b", "select ab"},
    {"select 1", "select 1, 2"},        {"select < =", "select <="},
    {"select 1; select 2", "select 1"}, {"select b'1'", "select '1'"},
    {"select N'1'", "select '1'"},
};

static const char *const none[] = {
    "select 'a",    "select \"a",
    "select $a$ x", "select /* x",
    "select U&'a'", "select u&\"a\"",
    "select 1a",    "select \x01",
    "select $1a",   "select $a",
    "select E'a\\", "select e'\\'",
    "select $",     "select E'a'\n'b\\', '; delete from t --'",
};

static void shapes(void **state)
{
    struct buf a = BUF_INIT;
    struct buf b = BUF_INIT;
    struct shape x;
    struct shape y;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(same); i++) {
        scan(str_of(same[i][0]), &a, &x);
        scan(str_of(same[i][1]), &b, &y);
        assert_true(x.ok && y.ok);
        if (i != 0) { /* a semicolon at the end is a token like others */
            if (!str_eq(buf_str(&a), buf_str(&b))) {
                fail_msg("%s", same[i][1]);
            }
            assert_int_equal(x.hash, y.hash);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(different); i++) {
        scan(str_of(different[i][0]), &a, &x);
        scan(str_of(different[i][1]), &b, &y);
        if (str_eq(buf_str(&a), buf_str(&b))) {
            fail_msg("%s", different[i][1]);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(none); i++) {
        scan(str_of(none[i]), &a, &x);
        if (x.ok) {
            fail_msg("%s", none[i]);
        }
    }
    buf_fini(&a);
    buf_fini(&b);
}

static void cut(void **state)
{
    struct str text =
        STR("select E'\\'' || $x$a$x$, U&'b', 1.5e-7, \"q\"\"r\", b'1' /* /* */ */ -- "
            "parkway.position=1/2\n; select $1 -- é");
    struct buf b = BUF_INIT;
    struct shape s;

    (void)state;
    for (size_t n = 0; n <= text.n; n++) {
        scan((struct str){text.p, n}, &b, &s);
        assert_true(b.len <= n + 2);
        scan((struct str){text.p + n, text.n - n}, &b, &s);
    }
    buf_fini(&b);
}

static void position(void **state)
{
    static const char *const rows[][2] = {
        {"/* parkway.position=0/1 */ select 1", "0/1"},
        {"select 1 /*parkway.position=6f.1:0/2*/", "6f.1:0/2"},
        {"select 1 -- parkway.position = '0/3'", "0/3"},
        {"/* parkway.position=1 */ select /* parkway.position=2 */ 1", "2"},
        {"select 'parkway.position=4'", NULL},
        {"select parkway.position", NULL},
        {"/* parkway.position */ select 1", NULL},
        {"/* parkway.position= */ select 1", ""},
        {"select U&'x' /* parkway.position=5 */", "5"}, /* no shape, but no token lost */
    };
    struct buf b = BUF_INIT;
    struct shape s;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        scan(str_of(rows[i][0]), &b, &s);
        if (rows[i][1] == NULL) {
            assert_null(s.position.p);
        } else {
            assert_non_null(s.position.p);
            assert_true(str_eq(s.position, str_of(rows[i][1])));
        }
    }
    buf_fini(&b);
}

static void several(void **state)
{
    struct buf b = BUF_INIT;
    struct shape s;

    (void)state;
    scan(STR("select 1; -- x\n"), &b, &s);
    assert_false(s.statements);
    scan(STR("select 1; select 2"), &b, &s);
    assert_true(s.statements);
    scan(STR("select ';'"), &b, &s);
    assert_false(s.statements);
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(shapes), cmocka_unit_test(cut),
                                       cmocka_unit_test(position), cmocka_unit_test(several)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
