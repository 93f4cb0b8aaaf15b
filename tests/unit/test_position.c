/* Positions: order, texts there and back, and what is not a position. */
#include "event/position.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>

static const struct epoch E = {0x6f01, 3};

static void order(void **state)
{
    UNUSED(state);
    static const struct position up[] = {
        {{0x6f01, 3}, 10, 0, 0}, {{0x6f01, 3}, 10, 0, 1}, {{0x6f01, 3}, 10, 1, 0},
        {{0x6f01, 3}, 10, 1, 7}, {{0x6f01, 3}, 10, 2, 0}, {{0x6f01, 3}, 11, 0, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(up); i++) {
        for (size_t k = 0; k < ARRAY_LEN(up); k++) {
            assert_int_equal(position_cmp(up[i], up[k]), i < k ? -1 : i > k);
        }
    }
    assert_int_equal(epoch_cmp(E, E), 0);
    assert_int_equal(epoch_cmp(E, (struct epoch){0x6f01, 4}), -1);
    assert_int_equal(epoch_cmp(E, (struct epoch){0x6f01, 2}), 1);
    assert_int_equal(epoch_cmp(E, (struct epoch){0x6f02, 3}), 2);
}

static void texts(void **state)
{
    UNUSED(state);
    static const struct {
        struct position p;
        const char *text;
    } rows[] = {
        {{{0x6f01, 3}, 0x15D6A28, 0, 0}, "0000000000006f01.3:0/15D6A28"},
        {{{0x6f01, 3}, 0x15D6A28, 4, 0}, "0000000000006f01.3:0/15D6A28/4"},
        {{{0x6f01, 3}, 0x15D6A28, 0, 2}, "0000000000006f01.3:0/15D6A28/0/2"},
        {{{UINT64_MAX, UINT32_MAX}, UINT64_MAX, UINT64_MAX, UINT32_MAX},
         "ffffffffffffffff.4294967295:FFFFFFFF/FFFFFFFF/18446744073709551615/4294967295"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char out[POSITION_TEXT_MAX];
        position_text(rows[i].p, out);
        assert_string_equal(out, rows[i].text);
        struct position back;
        assert_true(position_parse(str_of(out), &back));
        assert_true(epoch_eq(back.epoch, rows[i].p.epoch));
        assert_int_equal(position_cmp(back, rows[i].p), 0);
        /* cut at every byte: never more than what is there, never a crash */
        for (size_t n = 0; n < strlen(out); n++) {
            char *cut = malloc(n + 1);
            memcpy(cut, out, n);
            struct position part;
            if (position_parse((struct str){cut, n}, &part)) {
                assert_true(part.lsn <= rows[i].p.lsn);
            }
            free(cut);
        }
    }
    char out[POSITION_TEXT_MAX];
    lsn_text(0x100000000, out);
    assert_string_equal(out, "1/0");
    epoch_text(E, out);
    assert_string_equal(out, "0000000000006f01.3");
    struct epoch e;
    assert_true(epoch_parse(str_of(out), &e));
    assert_true(epoch_eq(e, E));
    uint64_t lsn;
    assert_true(lsn_parse(STR("a/bC"), &lsn));
    assert_true(lsn == ((uint64_t)10 << 32 | 0xbc));
    struct position bare;
    assert_true(position_parse(STR("0/1"), &bare));
    assert_int_equal(bare.epoch.timeline, 0);
    assert_int_equal(bare.lsn, 1);
}

static void refused(void **state)
{
    UNUSED(state);
    static const char *const bad[] = {
        "",
        "/",
        "0",
        "0/",
        "/0",
        "0/1 ",
        " 0/1",
        "0/123456789",
        "123456789/0",
        "0/x",
        "-1/0",
        "6f01.3:0/1",
        "0000000000006F01.3:0/1",
        "0000000000006f01.0:0/1",
        "0000000000006f01.:0/1",
        "0000000000006f01.4294967296:0/1",
        "0000000000006f01.3:",
        ":0/1",
        "0000000000006f01.3:0/1/",
        "0000000000006f01.3:0/1/a",
        "0000000000006f01.3:0/1/1/",
        "0/1/1/4294967296",
        "0/1/1/1/1",
        "0/1/18446744073709551616",
        "0000000000006f01.3:0/1:",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct position p;
        if (position_parse(str_of(bad[i]), &p)) {
            fail_msg("accepted: %s", bad[i]);
        }
    }
    struct epoch e;
    assert_false(epoch_parse(STR("0000000000006f01.3x"), &e));
    uint64_t lsn;
    assert_false(lsn_parse(STR("0/1/2"), &lsn));
    assert_false(lsn_parse(STR_NULL, &lsn));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order),
        cmocka_unit_test(texts),
        cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
