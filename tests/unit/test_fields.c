/* test_fields.c - JSON bodies: members of every kind, what is no body, and cuts at every byte. */
#include "command/fields.h"

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static int read_body(struct str text, struct field *f, struct arena *mem)
{
    struct err e = ERR_INIT;
    int rc = fields_body(mem, text, f, 2, &e);
    assert_int_equal(rc == 0, e.text[0] == '\0');
    return rc;
}

static void bodies(void **state)
{
    UNUSED(state);
    struct field f[] = {{.name = "name", .kind = FIELD_TEXT, .required = true},
                        {.name = "status", .kind = FIELD_TEXT}};
    struct arena mem = {0};
    assert_int_equal(read_body(STR(" {\"name\":\"\\uc8fc차 \\n\\\"\",\"x\":[1,{}]} "), f, &mem),
                     0);
    assert_true(str_eq(f[0].text, STR("주차 \n\"")));
    assert_null(f[1].text.p);
    assert_int_equal(read_body(STR("{\"n\\u0061me\":\"\",\"status\":\"s\"}"), f, &mem), 0);
    assert_non_null(f[0].text.p);
    assert_int_equal(f[0].text.n, 0);
    assert_true(str_eq(f[1].text, STR("s")));
    static const struct str bad[] = {STR(""),
                                     STR(" "),
                                     STR("x"),
                                     STR("null"),
                                     STR("1"),
                                     STR("\"name\""),
                                     STR("[]"),
                                     STR("[{\"name\":\"a\"}]"),
                                     STR("{}"),
                                     STR("{"),
                                     STR("{\"name\"}"),
                                     STR("{\"name\":}"),
                                     STR("{\"name\":\"a\"}x"),
                                     STR("{\"name\":\"a\",}"),
                                     STR("{'name':'a'}"),
                                     STR("{\"name\":1}"),
                                     STR("{\"name\":null}"),
                                     STR("{\"name\":[\"a\"]}"),
                                     STR("{\"name\":{}}"),
                                     STR("{\"name\":true}"),
                                     STR("{\"name\":\"a\",\"status\":null}"),
                                     STR("{\"name\":\"a\",\"name\":\"b\"}"),
                                     STR("{\"name\":\"a\",\"n\\u0061me\":\"a\"}"),
                                     STR("{\"name\":\"\\u0000\"}"),
                                     STR("{\"name\":\"a\0b\"}"),
                                     STR("{\"name\":\"\xff\"}"),
                                     STR("{\"name\":\"\\ud800\"}"),
                                     STR("{\"name\":\"\xed\xa0\x80\"}"),
                                     STR("{\"name\":\"\\x\"}"),
                                     STR("{\"name\":\"a\nb\"}"),
                                     STR("\xef\xbb\xbf{\"name\":\"a\"}")};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (read_body(bad[i], f, &mem) == 0) {
            fail_msg("body %zu is taken: %.*s", i, STR_ARG(bad[i]));
        }
    }
    arena_fini(&mem);
}

/* Cut at every byte, only the whole is a body; a deep one is refused, not a crash. */
static void cut_and_deep(void **state)
{
    UNUSED(state);
    struct field f[] = {{.name = "name", .kind = FIELD_TEXT},
                        {.name = "status", .kind = FIELD_TEXT}};
    struct arena mem = {0};
    struct str whole =
        STR("{\"name\":\"a\\n\\u00e9 주\",\"status\":\"blocked\",\"n\":[1.5,-2,true]}");
    for (size_t n = 0; n < whole.n; n++) {
        assert_int_equal(read_body((struct str){whole.p, n}, f, &mem), ERR_INVALID);
    }
    assert_int_equal(read_body(whole, f, &mem), 0);
    struct buf deep = BUF_INIT;
    buf_adds(&deep, "{\"name\":");
    for (int i = 0; i < 500000; i++) {
        buf_adds(&deep, "[");
    }
    assert_int_equal(read_body(buf_str(&deep), f, &mem), ERR_INVALID);
    buf_fini(&deep);
    arena_fini(&mem);
}

static void kinds(void **state)
{
    UNUSED(state);
    static const struct {
        enum field_kind kind;
        const char *value;
        const char *text; /* NULL: refused */
    } cases[] = {{FIELD_NUMBER, "37.456257", "37.456257"},
                 {FIELD_NUMBER, "-1e-3", "-1e-3"},
                 {FIELD_NUMBER, "\"1\"", NULL},
                 {FIELD_COUNT, "2", "2"},
                 {FIELD_COUNT, "\"2\"", "2"},
                 {FIELD_COUNT, "0", NULL},
                 {FIELD_COUNT, "-1", NULL},
                 {FIELD_COUNT, "2.0", NULL},
                 {FIELD_COUNT, "2147483647", "2147483647"},
                 {FIELD_COUNT, "2147483648", NULL},
                 {FIELD_COUNT, "99999999999999999999", NULL},
                 {FIELD_ID, "0", "0"},
                 {FIELD_ID, "\"999999999999999999\"", "999999999999999999"},
                 {FIELD_ID, "1000000000000000000", NULL},
                 {FIELD_ID, "\"\"", NULL},
                 {FIELD_ID, "\"1 \"", NULL},
                 {FIELD_ID, "true", NULL},
                 {FIELD_REF, "7", "7"},
                 {FIELD_REF, "\"ORD-B384F\"", "ORD-B384F"},
                 {FIELD_REF, "[]", NULL},
                 {FIELD_MONEY, "21.5", "21.50"},
                 {FIELD_MONEY, "\"21.5\"", "21.50"},
                 {FIELD_MONEY, "0.1", "0.10"},
                 {FIELD_MONEY, "1.234", NULL},
                 {FIELD_MONEY, "1e2", NULL},
                 {FIELD_MONEY, "-1", NULL},
                 {FIELD_MONEY, "\"\"", NULL},
                 {FIELD_BOOL, "true", "true"},
                 {FIELD_BOOL, "false", "false"},
                 {FIELD_BOOL, "0", NULL},
                 {FIELD_BOOL, "\"true\"", NULL},
                 {FIELD_OBJECT, "{\"a\":1}", "{\"a\":1}"},
                 {FIELD_OBJECT, "[]", NULL},
                 {FIELD_ARRAY, "[1,2]", "[1,2]"},
                 {FIELD_ARRAY, "{}", NULL},
                 {FIELD_VALUE, "\"x\"", "\"x\""},
                 {FIELD_VALUE, "null", NULL}};
    struct arena mem = {0};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct field f = {.name = "a", .kind = cases[i].kind};
        struct buf body = BUF_INIT;
        struct err e = ERR_INIT;
        buf_addf(&body, "{\"b\":0,\"a\": %s }", cases[i].value);
        int rc = fields_body(&mem, buf_str(&body), &f, 1, &e);
        if ((rc == 0) != (cases[i].text != NULL) ||
            (rc == 0 && !str_eq(f.text, str_of(cases[i].text)))) {
            fail_msg("kind %d of %s: %d, \"%.*s\" (%s)", (int)f.kind, cases[i].value, rc,
                     STR_ARG(f.text), e.text);
        }
        buf_fini(&body);
    }
    arena_fini(&mem);
}

static void missing(void **state)
{
    UNUSED(state);
    struct field f[] = {{.name = "a", .kind = FIELD_TEXT, .required = true},
                        {.name = "b", .kind = FIELD_TEXT},
                        {.name = "c", .kind = FIELD_ARRAY, .required = true}};
    struct arena mem = {0};
    struct err e = ERR_INIT;
    assert_int_equal(fields_body(&mem, STR("{}"), f, 3, &e), ERR_INVALID);
    assert_string_equal(e.text, "a must not be null--c must not be null");
    assert_int_equal(fields_body(&mem, STR("{\"a\":\"\"}"), f, 3, &e), ERR_INVALID);
    assert_string_equal(e.text, "c must not be null");

    struct str item;
    size_t at = 0;
    size_t count = 0;
    assert_int_equal(
        fields_body(&mem, STR("{\"a\":\"\",\"c\":[{\"b\":\"1\"}, 2 ,[3]]}"), f, 3, &e), 0);
    static const char *const items[] = {"{\"b\":\"1\"}", "2", "[3]"};
    while (fields_item(f[2].text, &at, &item)) {
        assert_true(str_eq(item, str_of(items[count++])));
    }
    assert_int_equal(count, 3);
    assert_int_equal(fields_read(&mem, STR("2"), f, 3, &e), ERR_INVALID);
    arena_fini(&mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(bodies), cmocka_unit_test(cut_and_deep),
                                       cmocka_unit_test(kinds), cmocka_unit_test(missing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
