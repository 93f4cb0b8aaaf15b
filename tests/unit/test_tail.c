/* Where reading the stream of events begins, as people write it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#include "event/tail.h"

static void places(void **state)
{
    static const struct {
        const char *text;
        enum consume_from in;
        uint64_t offset, lsn;
        int64_t from_s;
    } rows[] = {
        {"first", CONSUME_FIRST, 0, 0, 0},
        {"last", CONSUME_NEXT, 0, 0, 0},
        {"next", CONSUME_NEXT, 0, 0, 0},
        {"offset:12", CONSUME_OFFSET, 12, 0, 0},
        {"0/15D6A28", CONSUME_FIRST, 0, 0x15D6A28, 0},
        {"6b021314b5dfa59f.1:0/6CF60A8/585", CONSUME_FIRST, 0, 0x6CF60A8, 0},
        {"2026-01-31T12:00:00Z", CONSUME_TIME, 0, 0, 1769860800},
        {"2026-01-31T12:00:00", CONSUME_TIME, 0, 0, 1769860800},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct tail_place p;
        assert_true(tail_place_parse(rows[i].text, &p));
        assert_int_equal(p.in.from, rows[i].in);
        assert_int_equal(p.in.offset, rows[i].offset);
        assert_int_equal(p.from.lsn, rows[i].lsn);
        assert_int_equal(p.from_s, rows[i].from_s);
        assert_false(p.behind);
    }
}

static void none(void **state)
{
    static const char *const texts[] = {
        "",          "First", "offset:",    "offset:1x",
        "yesterday", "0/",    "2026-01-31", "2026-01-31T12:00:00+01"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct tail_place p;
        assert_false(tail_place_parse(texts[i], &p));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(places), cmocka_unit_test(none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
