/* test_present.c - the CLI's two formats, to the blank. */
#include "cli/present.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static void detail(void **state)
{
    UNUSED(state);
    struct buf out = BUF_INIT;
    const struct present_field slot[] = {{"uuid", STR("u"), false},
                                         {"name", STR("a\nb\n\nc"), false},
                                         {"status", STR("available"), false}};
    present_detail(&out, slot, ARRAY_LEN(slot));
    assert_string_equal(buf_cstr(&out), "uuid:   u\nname:   a b  c\nstatus: available\n");
    buf_reset(&out);
    const struct present_field one[] = {{"id", STR(""), false}};
    present_detail(&out, one, 1);
    assert_string_equal(buf_cstr(&out), "id: \n");
    buf_fini(&out);
}

static void line(void **state)
{
    UNUSED(state);
    struct buf out = BUF_INIT;
    const struct present_field slot[] = {{"id", STR("12"), true},
                                         {"uuid", STR("u"), false},
                                         {"name", STR("O'Brien \"x\" \\ \n\t\x01 주차"), false},
                                         {"status", STR_NULL, false}};
    present_line(&out, slot, ARRAY_LEN(slot));
    assert_string_equal(
        buf_cstr(&out),
        "{\"id\": 12, \"uuid\": \"u\", \"name\": \"O'Brien \\\"x\\\" \\\\ \\n\\t"
        "\\u0001 주차\", \"status\": null}\n");
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(detail), cmocka_unit_test(line)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
