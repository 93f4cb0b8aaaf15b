/* test_chain.c - every verdict of the chain, as a table, and the order of the remedies. */
#include "consumer/chain.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* epochs: one system with timelines 1 and 2, and another system */
enum { T1, T2, OTHER, ANY };
static const struct epoch epochs[] = {{7, 1}, {7, 2}, {8, 1}, {0, 0}};

struct place {
    uint64_t lsn, ordinal;
    uint32_t part;
};

static void verdicts(void **state)
{
    UNUSED(state);
    static const struct {
        const char *what;
        int at_epoch;
        struct place at;
        int epoch;
        enum frame_kind kind;
        struct place prev, last;
        int decoded;
        enum chain_verdict verdict;
    } rows[] = {
        {"exactly next",
         T1,
         {10, 0, 0},
         T1,
         FRAME_DATA,
         {10, 0, 0},
         {20, 0, 0},
         0,
         CHAIN_ACCEPT},
        {"overlaps", T1, {15, 0, 0}, T1, FRAME_DATA, {10, 0, 0}, {20, 0, 0}, 0, CHAIN_ACCEPT},
        {"inside a transaction",
         T1,
         {20, 3, 0},
         T1,
         FRAME_DATA,
         {20, 3, 0},
         {20, 9, 0},
         0,
         CHAIN_ACCEPT},
        {"one part more",
         T1,
         {20, 3, 1},
         T1,
         FRAME_DATA,
         {20, 3, 1},
         {20, 3, 2},
         0,
         CHAIN_ACCEPT},
        {"the commit alone",
         T1,
         {20, 9, 0},
         T1,
         FRAME_DATA,
         {20, 9, 0},
         {25, 0, 0},
         0,
         CHAIN_ACCEPT},
        {"progress",
         T1,
         {10, 0, 0},
         T1,
         FRAME_PROGRESS,
         {10, 0, 0},
         {11, 0, 0},
         0,
         CHAIN_ACCEPT},
        {"fresh replica",
         ANY,
         {10, 0, 0},
         T2,
         FRAME_DATA,
         {10, 0, 0},
         {11, 0, 0},
         0,
         CHAIN_ACCEPT},
        {"fresh replica, late",
         ANY,
         {9, 0, 0},
         T2,
         FRAME_DATA,
         {10, 0, 0},
         {11, 0, 0},
         0,
         CHAIN_HOLE},

        {"ends at the cursor",
         T1,
         {20, 0, 0},
         T1,
         FRAME_DATA,
         {10, 0, 0},
         {20, 0, 0},
         0,
         CHAIN_REPEAT},
        {"ends before",
         T1,
         {21, 0, 0},
         T1,
         FRAME_DATA,
         {10, 0, 0},
         {20, 0, 0},
         0,
         CHAIN_REPEAT},
        {"same part", T1, {20, 3, 1}, T1, FRAME_DATA, {20, 3, 0}, {20, 3, 1}, 0, CHAIN_REPEAT},
        {"old timeline",
         T2,
         {20, 0, 0},
         T1,
         FRAME_DATA,
         {30, 0, 0},
         {40, 0, 0},
         0,
         CHAIN_REPEAT},
        {"old break", T1, {20, 0, 0}, T1, FRAME_BREAK, {10, 0, 0}, {20, 0, 0}, 0, CHAIN_REPEAT},

        {"hole", T1, {9, 0, 0}, T1, FRAME_DATA, {10, 0, 0}, {20, 0, 0}, 0, CHAIN_HOLE},
        {"hole in progress",
         T1,
         {9, 0, 0},
         T1,
         FRAME_PROGRESS,
         {10, 0, 0},
         {20, 0, 0},
         0,
         CHAIN_HOLE},
        {"ordinal missing",
         T1,
         {20, 3, 0},
         T1,
         FRAME_DATA,
         {20, 4, 0},
         {20, 9, 0},
         0,
         CHAIN_HOLE},
        {"part missing", T1, {20, 3, 0}, T1, FRAME_DATA, {20, 3, 1}, {20, 3, 2}, 0, CHAIN_HOLE},
        {"transaction unfinished",
         T1,
         {20, 3, 0},
         T1,
         FRAME_DATA,
         {25, 0, 0},
         {30, 0, 0},
         0,
         CHAIN_HOLE},

        {"break", T1, {10, 0, 0}, T1, FRAME_BREAK, {10, 0, 0}, {20, 0, 0}, 0, CHAIN_BREAK},
        {"break behind a hole",
         T1,
         {10, 0, 0},
         T1,
         FRAME_BREAK,
         {15, 0, 0},
         {20, 0, 0},
         0,
         CHAIN_BREAK},
        {"failover", T1, {50, 0, 0}, T2, FRAME_BREAK, {50, 0, 0}, {20, 0, 0}, 0, CHAIN_BREAK},
        {"failover unsaid",
         T1,
         {10, 0, 0},
         T2,
         FRAME_DATA,
         {10, 0, 0},
         {20, 0, 0},
         0,
         CHAIN_BREAK},
        {"other system",
         T1,
         {10, 0, 0},
         OTHER,
         FRAME_DATA,
         {10, 0, 0},
         {20, 0, 0},
         0,
         CHAIN_BREAK},

        {"damaged",
         T1,
         {10, 0, 0},
         T1,
         FRAME_DATA,
         {10, 0, 0},
         {20, 0, 0},
         ERR_DAMAGED,
         CHAIN_DAMAGE},
        {"version",
         T1,
         {10, 0, 0},
         T1,
         FRAME_DATA,
         {10, 0, 0},
         {20, 0, 0},
         ERR_PROTOCOL,
         CHAIN_UNKNOWN},
    };
    static const uint8_t incarnation[16] = {1, 2, 3};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct epoch ours = epochs[rows[i].at_epoch];
        struct epoch theirs = epochs[rows[i].epoch];
        struct position at = {ours, rows[i].at.lsn, rows[i].at.ordinal, rows[i].at.part};
        struct frame_head h = {.kind = rows[i].kind, .epoch = theirs};
        h.prev = (struct position){theirs, rows[i].prev.lsn, rows[i].prev.ordinal,
                                   rows[i].prev.part};
        h.last = (struct position){theirs, rows[i].last.lsn, rows[i].last.ordinal,
                                   rows[i].last.part};
        memcpy(h.incarnation, incarnation, sizeof h.incarnation);
        struct chain_choice c = chain_decide(at, incarnation, rows[i].decoded, &h);
        if (c.verdict != rows[i].verdict) {
            print_error("%s: verdict %d (%s), expected %d\n", rows[i].what, (int)c.verdict,
                        c.reason, (int)rows[i].verdict);
        }
        assert_int_equal(c.verdict, rows[i].verdict);
        assert_false(c.new_stream);
        assert_non_null(c.reason);
    }
}

static void new_incarnation(void **state)
{
    UNUSED(state);
    uint8_t ours[16] = {1};
    struct position at = {{7, 1}, 10, 0, 0};
    struct frame_head h = {.kind = FRAME_DATA, .epoch = {7, 1}, .incarnation = {2}};
    h.prev = at;
    h.last = (struct position){{7, 1}, 20, 0, 0};
    struct chain_choice c = chain_decide(at, ours, 0, &h);
    assert_int_equal(c.verdict, CHAIN_ACCEPT);
    assert_true(c.new_stream);
    assert_true(chain_decide(at, NULL, 0, &h).new_stream);
    ours[0] = 2;
    assert_false(chain_decide(at, ours, 0, &h).new_stream);
}

static void remedies(void **state)
{
    UNUSED(state);
    struct chain_hole hole = {.open = true};
    int64_t now = 5000000;
    /* in the middle of the stream: look at its beginning first, however often we are asked */
    assert_int_equal(chain_remedy(&hole, false, now), CHAIN_REREAD);
    assert_int_equal(hole.resends, 0);
    /* from its first frame on: ask once, then wait twice as long each time, up to the ceiling */
    assert_int_equal(chain_remedy(&hole, true, now), CHAIN_RESEND);
    int64_t wait = CHAIN_RESEND_FIRST_MS;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(chain_remedy(&hole, true, now + wait * 1000 - 1), CHAIN_WAIT);
        now += wait * 1000;
        assert_int_equal(chain_remedy(&hole, true, now), CHAIN_RESEND);
        wait = wait * 2 > CHAIN_RESEND_MAX_MS ? CHAIN_RESEND_MAX_MS : wait * 2;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts),
        cmocka_unit_test(new_incarnation),
        cmocka_unit_test(remedies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
