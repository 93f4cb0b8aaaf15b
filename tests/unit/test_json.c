/* Writing JSON, and what a string literal stands for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#include "base/json.h"

static void quotes(void **state)
{
    static const struct {
        struct str text;
        const char *json;
    } rows[] = {
        {STR("plain"), "\"plain\""},
        {STR("\"\\\n\x01"), "\"\\\"\\\\\\n\\u0001\""},
        {STR("\xc3\xa9"), "\"\xc3\xa9\""},
    };
    struct buf b = BUF_INIT;
    struct buf back = BUF_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf_reset(&b);
        buf_reset(&back);
        json_quote(&b, rows[i].text);
        assert_string_equal(buf_cstr(&b), rows[i].json);
        assert_true(json_unescape((struct str){buf_data(&b) + 1, b.len - 2}, &back));
        assert_true(str_eq(buf_str(&back), rows[i].text));
    }
    buf_fini(&b);
    buf_fini(&back);
}

static void escapes(void **state)
{
    static const struct {
        const char *raw, *text; /* text NULL: refused */
    } rows[] = {
        {"plain", "plain"},
        {"\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t"},
        {"\\u0041\\u00e9\\uc8fc", "A\xc3\xa9\xec\xa3\xbc"},
        {"\\ud83d\\ude00", "\xf0\x9f\x98\x80"},
        {"\\ud83d", NULL},
        {"\\ud83d\\u0041", NULL},
        {"\\ude00", NULL},
        {"\\u12", NULL},
        {"\\uzzzz", NULL},
        {"\\x", NULL},
        {"\\", NULL},
    };
    struct buf b = BUF_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf_reset(&b);
        assert_int_equal(json_unescape(str_of(rows[i].raw), &b), rows[i].text != NULL);
        if (rows[i].text != NULL) {
            assert_true(str_eq(buf_str(&b), str_of(rows[i].text)));
        }
    }
    buf_fini(&b);
}

/* Text of jsonb and other JSON in either style; what stands in strings stays. */
static void restyled(void **state)
{
    static const struct {
        const char *text, *compact, *cli;
    } rows[] = {
        {"1", "1", "1"},
        {"{\"a\": [1, 2], \"b\":null}", "{\"a\":[1,2],\"b\":null}",
         "{\"a\": [1, 2], \"b\": null}"},
        {"[\n \"a , : \\\" \\\\\" , \"\" ]", "[\"a , : \\\" \\\\\",\"\"]",
         "[\"a , : \\\" \\\\\", \"\"]"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (int style = JSON_COMPACT; style <= JSON_CLI; style++) {
            struct buf b = BUF_INIT;
            struct json j;
            json_init(&j, &b, (enum json_style)style);
            json_value(&j, str_of(rows[i].text));
            assert_string_equal(buf_cstr(&b),
                                style == JSON_CLI ? rows[i].cli : rows[i].compact);
            buf_fini(&b);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(quotes), cmocka_unit_test(escapes),
                                       cmocka_unit_test(restyled)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
