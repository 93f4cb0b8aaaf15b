/* traceparent: its form, and finding it in a statement's comment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#include "base/trace.h"

#define ID "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"

static void forms(void **state)
{
    static const struct {
        const char *text;
        bool ok, sampled;
    } rows[] = {
        {"00-" ID "-01", true, true},
        {"00-" ID "-00", true, false},
        {"00-" ID "-0b", true, true},
        {"01-" ID "-01", true, true},
        {"01-" ID "-01-more", true, true}, /* a later version may say more */
        {"01-" ID "-01more", false, false},
        {"00-" ID "-01-more", false, false},
        {"ff-" ID "-01", false, false},
        {"00-" ID "-1", false, false},
        {"00-" ID "-0A", false, false},
        {"00-4BF92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false, false},
        {"00-00000000000000000000000000000000-00f067aa0ba902b7-01", false, false},
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", false, false},
        {"00_" ID "-01", false, false},
        {"", false, false},
        {"on", false, false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char out[TRACE_TEXT_MAX];
        assert_int_equal(trace_parse(str_of(rows[i].text), out), rows[i].ok);
        assert_int_equal(trace_parse(str_of(rows[i].text), NULL), rows[i].ok);
        if (rows[i].ok) {
            assert_int_equal(strlen(out), 55);
            assert_memory_equal(out, rows[i].text, 55);
            assert_int_equal(trace_sampled(out), rows[i].sampled);
        }
    }
}

static void comments(void **state)
{
    static const struct {
        const char *sql;
        bool found;
    } rows[] = {
        {"insert into t values (1) /*traceparent='00-" ID "-01'*/", true},
        {"/* application='shop',traceparent='00-" ID "-01',tracestate='x'*/ update t set a = 1",
         true},
        {"select 1/2 /* a */, 2 /* b /* c */ traceparent='00-" ID "-01' */", true},
        {"/* traceparent='00-" ID "-1' */ select 1", false},
        {"/* traceparent='00-" ID "-01 */ select 1", false},
        {"/* traceparent='00-" ID "-01'", false},
        {"select 'traceparent=''00-" ID "-01'''", false},
        {"select 1 /", false},
        {"/", false},
        {"", false},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char out[TRACE_TEXT_MAX];
        assert_int_equal(trace_comment(str_of(rows[i].sql), out), rows[i].found);
        if (rows[i].found) {
            assert_string_equal(out, "00-" ID "-01");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(forms), cmocka_unit_test(comments)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
