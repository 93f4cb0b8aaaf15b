/* test_argline.c - words of a line as a shell splits them; the forms of options; what is refused. */
#include "cli/argline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static void words_are(const char *line, size_t count, const char *const *want)
{
    struct argline a;
    struct err e = ERR_INIT;
    argline_init(&a);
    assert_int_equal(argline_split(&a, str_of(line), &e), 0);
    assert_int_equal(a.count, count);
    for (size_t i = 0; i < count; i++) {
        if (!str_eq(a.words[i], str_of(want[i]))) {
            fail_msg("word %zu of <%s> is <%.*s>, not <%s>", i, line, STR_ARG(a.words[i]),
                     want[i]);
        }
    }
    argline_fini(&a);
}
#define WORDS(line, ...)                                                                       \
    do {                                                                                       \
        const char *const want[] = {__VA_ARGS__};                                              \
        words_are(line, ARRAY_LEN(want), want);                                                \
    } while (0)

static void splits(void **state)
{
    UNUSED(state);
    WORDS("a", "a");
    WORDS("  a\tb\r\n", "a", "b");
    WORDS("create --name='Slot 1'", "create", "--name=Slot 1");
    WORDS("a \"b c\"d'e f' g", "a", "b cde f", "g");
    WORDS("'O'\\''Brien \"x\"'", "O'Brien \"x\"");
    WORDS("\"a\\\"b\\\\c\\$d\\`e\\n\"", "a\"b\\c$d`e\\n");
    WORDS("'a\\n'", "a\\n");
    WORDS("a\\ b \\# \\\\", "a b", "#", "\\");
    WORDS("'' \"\"", "", "");
    WORDS("a# #b", "a#", "#b");
    WORDS("주차\\ 1 '주차 2'", "주차 1", "주차 2");
    WORDS("$HOME * ; | && `x`", "$HOME", "*", ";", "|", "&&", "`x`");
    words_are("", 0, NULL);
    words_are(" \t\r\n", 0, NULL);
    words_are("# a comment 'with an open quote", 0, NULL);
    words_are("   # another", 0, NULL);
}

static void split_refuses(void **state)
{
    UNUSED(state);
    static const char *const bad[] = {"'", "\"", "a 'b", "a \"b\\\"", "a\\", "x'y\"z"};
    struct argline a;
    argline_init(&a);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e = ERR_INIT;
        assert_int_equal(argline_split(&a, str_of(bad[i]), &e), ERR_USAGE);
    }
    struct err e = ERR_INIT;
    assert_int_equal(argline_split(&a, STR("a\0b"), &e), ERR_USAGE);
    struct buf many = BUF_INIT;
    for (int i = 0; i <= ARGLINE_WORDS_MAX; i++) {
        buf_adds(&many, "x ");
    }
    assert_int_equal(argline_split(&a, buf_str(&many), &e), ERR_USAGE);
    buf_fini(&many);
    argline_fini(&a);
}

/* Whatever the cut, splitting ends, and words stay inside the line's length. */
static void split_cut_anywhere(void **state)
{
    UNUSED(state);
    struct str line = STR("create --name \"a\\\"b 'c\" 'd\\' \\  e=주차");
    struct argline a;
    argline_init(&a);
    for (size_t from = 0; from < line.n; from++) {
        for (size_t n = 0; from + n <= line.n; n++) {
            char copy[64];
            memcpy(copy, line.p + from, n);
            struct err e = ERR_INIT;
            if (argline_split(&a, (struct str){copy, n}, &e) == 0) {
                size_t total = 0;
                for (size_t i = 0; i < a.count; i++) {
                    total += a.words[i].n;
                }
                assert_true(total <= n);
            } else {
                assert_int_not_equal(e.text[0], '\0');
            }
        }
    }
    argline_fini(&a);
}

static const struct argline_param params[] = {{"uuid", true, "UUID", ""},
                                              {"full_name", false, "NAME", ""},
                                              {"status", false, "STATUS", ""}};

static int bind(struct argline_values *v, struct err *e, size_t count, const char *const *words)
{
    struct str w[16] = {STR_NULL};
    for (size_t i = 0; i < count; i++) {
        w[i] = str_of(words[i]);
    }
    return argline_bind(params, ARRAY_LEN(params), w, count, v, e);
}
#define BIND(v, e, ...)                                                                        \
    bind(v, e, ARRAY_LEN(((const char *const[]){__VA_ARGS__})),                                \
         (const char *const[]){__VA_ARGS__})

static void is(struct str s, const char *want)
{
    assert_int_equal(s.p == NULL, want == NULL);
    assert_true(want == NULL || str_eq(s, str_of(want)));
}

static void binds_every_form(void **state)
{
    UNUSED(state);
    struct argline_values v;
    struct err e = ERR_INIT;
    assert_int_equal(BIND(&v, &e, "--uuid=U", "--full_name=N", "--status=S"), 0);
    is(v.of[0], "U");
    is(v.of[1], "N");
    is(v.of[2], "S");
    assert_int_equal(BIND(&v, &e, "--full-name", "N", "--uuid", "U"), 0);
    is(v.of[0], "U");
    is(v.of[1], "N");
    is(v.of[2], NULL);
    assert_int_equal(BIND(&v, &e, "U", "N", "S"), 0);
    is(v.of[2], "S");
    assert_int_equal(BIND(&v, &e, "--uuid=U", "N", "--status=S"), 0);
    is(v.of[1], "N");
    assert_int_equal(BIND(&v, &e, "--full_name=a=b=c", "--uuid="), 0);
    is(v.of[0], "");
    is(v.of[1], "a=b=c");
    assert_int_equal(BIND(&v, &e, "--uuid", "--status=x"), 0); /* a value is a value */
    is(v.of[0], "--status=x");
    assert_int_equal(BIND(&v, &e, "--", "--uuid", "-h"), 0);
    is(v.of[0], "--uuid");
    is(v.of[1], "-h");
    assert_int_equal(BIND(&v, &e, "-x", "-"), 0);
    is(v.of[0], "-x");
    is(v.of[1], "-");
    assert_false(v.json);
    assert_int_equal(BIND(&v, &e, "U", "--json"), 0);
    assert_true(v.json);
    assert_int_equal(BIND(&v, &e, "--help"), 0);
    assert_true(v.help);
}

static void bind_refuses(void **state)
{
    UNUSED(state);
    struct argline_values v;
    struct err e = ERR_INIT;
    assert_int_equal(bind(&v, &e, 0, NULL), ERR_USAGE);
    assert_string_equal(e.text, "--uuid=UUID is missing");
    assert_int_equal(BIND(&v, &e, "--uuid"), ERR_USAGE);
    assert_int_equal(BIND(&v, &e, "--uuid=1", "--uuid=2"), ERR_USAGE);
    assert_int_equal(BIND(&v, &e, "--nope=1", "U"), ERR_USAGE);
    assert_string_equal(e.text, "unknown option --nope");
    assert_int_equal(BIND(&v, &e, "a", "b", "c", "d"), ERR_USAGE);
    assert_int_equal(BIND(&v, &e, "--uuid=\xff"), ERR_INVALID);
    assert_int_equal(BIND(&v, &e, "\xed\xa0\x80"), ERR_INVALID);
    assert_int_equal(BIND(&v, &e, "--json=1", "U"), ERR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits),
        cmocka_unit_test(split_refuses),
        cmocka_unit_test(split_cut_anywhere),
        cmocka_unit_test(binds_every_form),
        cmocka_unit_test(bind_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
