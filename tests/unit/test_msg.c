/* The wire protocol's messages: built and read back whole, cut at every byte, byte by byte; and
 * bodies whose fields do not fill them. */
#include "pg/msg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>

/* Every message that the router reads from a client. */
static void build_all(struct buf *b)
{
    static const char types[] = "\0\2\0\0\0\x19\0\0\0\x17";
    static const char params[] = "\0\1\0\0\0\2\0\0\0\3abc\xff\xff\xff\xff\0\1\0\1";
    msg_query(b, STR("select 1"));
    msg_parse(b, STR("s"), STR("select $1, $2"), (struct str){types, 10});
    msg_bind(b, STR("p"), STR("s"), (struct str){params, sizeof params - 1});
    msg_describe(b, 'D', 'S', STR("s"));
    msg_describe(b, 'C', 'P', STR(""));
    msg_empty(b, 'S');
}

static void steps(void **state)
{
    UNUSED(state);
    struct buf b = BUF_INIT;
    build_all(&b);
    static const char order[] = "QPBDCS";
    /* whole, and cut anywhere: the same messages, never one that is not all there */
    for (size_t cut = 0; cut <= b.len; cut++) {
        char *copy = malloc(cut + 1);
        memcpy(copy, buf_data(&b), cut);
        struct str in = {copy, cut};
        struct msg m;
        size_t n = 0;
        enum msg_step step;
        while ((step = msg_next(in, &m)) == MSG_DONE) {
            assert_int_equal(m.type, order[n++]);
            assert_int_equal(m.body.n + MSG_HEAD, m.size);
            in.p += m.size;
            in.n -= m.size;
        }
        assert_int_equal(step, MSG_NEED);
        assert_true(cut < b.len || n == sizeof order - 1);
        assert_true(in.n < MSG_HEAD || msg_head(in, &m) == MSG_DONE);
        free(copy);
    }
    static const char bad[] = "Q\0\0\0\3", huge[] = "Q\x40\0\0\0";
    struct msg m;
    assert_int_equal(msg_next((struct str){bad, 5}, &m), MSG_BAD);
    assert_int_equal(msg_next((struct str){huge, 5}, &m), MSG_BAD);
    buf_fini(&b);
}

static void fields(void **state)
{
    UNUSED(state);
    struct buf b = BUF_INIT;
    build_all(&b);
    struct str in = buf_str(&b), text;
    struct msg m;
    struct msg_parse parse;
    struct msg_bind bind;
    struct msg_describe describe;
    assert_int_equal(msg_next(in, &m), MSG_DONE);
    assert_true(msg_read_query(m.body, &text));
    assert_true(str_eq(text, STR("select 1")));
    in.p += m.size;
    in.n -= m.size;
    assert_int_equal(msg_next(in, &m), MSG_DONE);
    assert_true(msg_read_parse(m.body, &parse));
    assert_true(str_eq(parse.name, STR("s")) && str_eq(parse.text, STR("select $1, $2")));
    assert_int_equal(parse.type_count, 2);
    assert_int_equal(parse.tail.n, 10);
    in.p += m.size;
    in.n -= m.size;
    assert_int_equal(msg_next(in, &m), MSG_DONE);
    assert_true(msg_read_bind(m.body, &bind));
    assert_true(str_eq(bind.portal, STR("p")) && str_eq(bind.statement, STR("s")));
    in.p += m.size;
    in.n -= m.size;
    assert_int_equal(msg_next(in, &m), MSG_DONE);
    assert_true(msg_read_describe(m.body, &describe));
    assert_int_equal(describe.kind, 'S');
    buf_fini(&b);
}

/* A body cut anywhere is refused by its reader: no field may lie about its length. */
static void short_bodies(void **state)
{
    UNUSED(state);
    struct buf b = BUF_INIT;
    build_all(&b);
    struct str in = buf_str(&b);
    struct msg m;
    while (msg_next(in, &m) == MSG_DONE) {
        for (size_t n = 0; n < m.body.n; n++) {
            char *copy = malloc(n + 1);
            memcpy(copy, m.body.p, n);
            struct str cut = {copy, n}, text;
            struct msg_parse parse;
            struct msg_bind bind;
            struct msg_describe describe;
            assert_false(m.type == 'Q' && msg_read_query(cut, &text));
            assert_false(m.type == 'P' && msg_read_parse(cut, &parse));
            assert_false(m.type == 'B' && msg_read_bind(cut, &bind));
            assert_false((m.type == 'D' || m.type == 'C') && msg_read_describe(cut, &describe));
            free(copy);
        }
        in.p += m.size;
        in.n -= m.size;
    }
    buf_fini(&b);
}

static void startup(void **state)
{
    UNUSED(state);
    static const char packet[] = "\0\0\0\x1e\0\3\0\0user\0joe\0database\0db\0";
    struct str in = {packet, sizeof packet}, body, name, value;
    uint32_t code;
    size_t size;
    for (size_t n = 0; n < 30; n++) {
        assert_int_equal(msg_startup((struct str){packet, n}, &code, &size, &body), MSG_NEED);
    }
    assert_int_equal(msg_startup(in, &code, &size, &body), MSG_DONE);
    assert_int_equal(code, MSG_PROTOCOL_3);
    assert_int_equal(size, 30);
    struct rd r = rd_of(body);
    assert_true(msg_startup_param(&r, &name, &value));
    assert_true(str_eq(name, STR("user")) && str_eq(value, STR("joe")));
    assert_true(msg_startup_param(&r, &name, &value));
    assert_true(str_eq(name, STR("database")) && str_eq(value, STR("db")));
    assert_int_equal(msg_startup((struct str){"\0\0\0\4\0\0\0\0", 8}, &code, &size, &body),
                     MSG_BAD);
    assert_int_equal(msg_startup((struct str){"GET / HTTP/1.1", 14}, &code, &size, &body),
                     MSG_BAD);
}

static void errors_and_rows(void **state)
{
    UNUSED(state);
    struct buf b = BUF_INIT;
    struct msg m;
    msg_error(&b, 'E', "ERROR", "42P01", "no such table", NULL, "look");
    assert_int_equal(msg_next(buf_str(&b), &m), MSG_DONE);
    assert_true(str_eq(msg_field(m.body, 'C'), STR("42P01")));
    assert_true(str_eq(msg_field(m.body, 'H'), STR("look")));
    assert_null(msg_field(m.body, 'D').p);
    buf_reset(&b);
    static const char *const names[] = {"a", "b"};
    msg_text_columns(&b, names, 2);
    assert_int_equal(msg_next(buf_str(&b), &m), MSG_DONE);
    struct msg_columns columns;
    struct msg_column c;
    assert_true(msg_columns_open(m.body, &columns));
    assert_true(msg_columns_next(&columns, &c) && str_eq(c.name, STR("a")));
    assert_true(msg_columns_next(&columns, &c) && str_eq(c.name, STR("b")));
    assert_int_equal(c.type_oid, 25);
    assert_false(msg_columns_next(&columns, &c));
    buf_reset(&b);
    struct str row[] = {STR("x"), STR_NULL};
    msg_text_row(&b, row, 2);
    assert_int_equal(msg_next(buf_str(&b), &m), MSG_DONE);
    struct msg_values values;
    struct str v;
    assert_true(msg_values_open(m.body, &values));
    assert_true(msg_values_next(&values, &v) && str_eq(v, STR("x")));
    assert_true(msg_values_next(&values, &v) && v.p == NULL);
    assert_false(msg_values_next(&values, &v));
    buf_fini(&b);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps),           cmocka_unit_test(fields),
        cmocka_unit_test(short_bodies),    cmocka_unit_test(startup),
        cmocka_unit_test(errors_and_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
