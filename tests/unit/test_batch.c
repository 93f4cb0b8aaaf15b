/* test_batch.c - frames to changes: whole, split, repeated, overlapping, in parts; and what is not to be
 * understood. The expected outcome is always the same list of changes, however the log is cut. */
#include "consumer/batch.h"
#include "consumer/chain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct epoch EPOCH = {0x42, 1};
static const struct mirrors all = {.all = true};

static struct position at(uint64_t lsn, uint64_t ordinal, uint32_t part)
{
    return (struct position){EPOCH, lsn, ordinal, part};
}

/* --- a small log ------------------------------------------------------------------------------- */

static void put_begin(struct buf *b, uint64_t commit_lsn)
{
    buf_reset(b);
    buf_u8(b, 'B');
    buf_u64(b, commit_lsn);
    buf_u64(b, 0);
    buf_u32(b, 1);
}

static void put_relation(struct buf *b)
{
    buf_reset(b);
    buf_u8(b, 'R');
    buf_u32(b, 7);
    buf_addz(b, "public");
    buf_addz(b, "t");
    buf_u8(b, 'd');
    buf_u16(b, 1);
    buf_u8(b, 1);
    buf_addz(b, "k");
    buf_u32(b, 25);
    buf_u32(b, 0xffffffff);
}

static void put_insert(struct buf *b, const char *value)
{
    buf_reset(b);
    buf_u8(b, 'I');
    buf_u32(b, 7);
    buf_u8(b, 'N');
    buf_u16(b, 1);
    buf_u8(b, 't');
    buf_u32(b, (uint32_t)strlen(value));
    buf_adds(b, value);
}

static void put_commit(struct buf *b, uint64_t commit_lsn, uint64_t end_lsn)
{
    buf_reset(b);
    buf_u8(b, 'C');
    buf_u8(b, 0);
    buf_u64(b, commit_lsn);
    buf_u64(b, end_lsn);
    buf_u64(b, 0);
}

/* A frame from items and its two places. */
struct maker {
    struct buf frame;
    struct buf msg;
};

static void add(struct maker *m, uint8_t flags)
{
    if (m->frame.len == 0) {
        frame_begin(&m->frame);
    }
    frame_add(&m->frame, flags, 0, buf_str(&m->msg));
}

static int feed(struct batch *b, struct maker *m, struct position prev, struct position last)
{
    struct frame_head h = {
        .kind = FRAME_DATA, .epoch = EPOCH, .prev = prev, .first = last, .last = last};
    frame_end(&m->frame, &h);
    char *mem = def_alloc(m->frame.len);
    memcpy(mem, buf_data(&m->frame), m->frame.len);
    struct rd items;
    int rc = frame_decode((struct str){mem, m->frame.len}, &h, &items, NULL);
    assert_int_equal(rc, 0);
    struct chain_choice c = chain_decide(b->at, NULL, rc, &h);
    size_t size = m->frame.len;
    buf_reset(&m->frame);
    if (c.verdict != CHAIN_ACCEPT) {
        free(mem);
        return c.verdict == CHAIN_REPEAT ? 0 : ERR_LOST;
    }
    struct err e = ERR_INIT;
    return batch_feed(b, &h, items, mem, size, &e);
}

/* The values of the changes so far, one letter each. */
static void assert_changes(const struct batch *b, const char *expected)
{
    char got[64] = "";
    for (size_t i = 0; i < b->count; i++) {
        struct pgoutput_msg m;
        assert_int_equal(pgoutput_parse(b->changes[i].msg, &m, NULL), 0);
        struct pgoutput_value v;
        assert_true(pgoutput_tuple_next(&m.u.change.neu.data, &v));
        snprintf(got + strlen(got), sizeof got - strlen(got), "%c", v.text.p[0]);
    }
    assert_string_equal(got, expected);
}

/* Two transactions: (commit 100, end 110) a b c, and (commit 120, end 130) d. Frame number n of the
 * cut: 0 all at once; 1 and 2 the first and second transaction; 3 and 4 the first one cut before c;
 * 5 its commit alone. */
static int feed_part(struct batch *b, struct maker *m, int n)
{
    uint8_t repeat = n == 4 || n == 5 ? FRAME_ITEM_REPEAT : 0;
    if (n != 2) {
        put_begin(&m->msg, 100);
        add(m, repeat);
        put_relation(&m->msg);
        add(m, repeat);
        for (const char *p = n == 4   ? "c"
                             : n == 5 ? ""
                             : n == 3 ? "ab"
                                      : "abc";
             *p != '\0'; p++) {
            char one[2] = {*p, '\0'};
            put_insert(&m->msg, one);
            add(m, 0);
        }
        if (n != 3) {
            put_commit(&m->msg, 100, 110);
            add(m, 0);
        }
    }
    if (n == 0 || n == 2) {
        put_begin(&m->msg, 120);
        add(m, 0);
        if (n == 2) {
            put_relation(&m->msg);
            add(m, FRAME_ITEM_REPEAT);
        }
        put_insert(&m->msg, "d");
        add(m, 0);
        put_commit(&m->msg, 120, 130);
        add(m, 0);
    }
    struct position prev = n == 2   ? at(110, 0, 0)
                           : n == 4 ? at(100, 2, 0)
                           : n == 5 ? at(100, 3, 0)
                                    : at(50, 0, 0);
    struct position last = n == 0 || n == 2 ? at(130, 0, 0)
                           : n == 3         ? at(100, 2, 0)
                                            : at(110, 0, 0);
    return feed(b, m, prev, last);
}

static void every_cut(void **state)
{
    UNUSED(state);
    static const char *const cuts[] = {"0",    "12",   "342",    "3412",  "30",     "340",
                                       "1302", "3342", "344122", "13420", "3443402"};
    for (size_t i = 0; i < ARRAY_LEN(cuts); i++) {
        struct batch b;
        struct maker m = {BUF_INIT, BUF_INIT};
        batch_init(&b, &all);
        batch_restart(&b, at(50, 0, 0));
        for (const char *p = cuts[i]; *p != '\0'; p++) {
            assert_int_equal(feed_part(&b, &m, *p - '0'), 0);
            assert_int_equal(batch_inside(&b), b.at.lsn == 100);
        }
        assert_changes(&b, "abcd");
        assert_int_equal(b.transactions, 2);
        assert_int_equal(position_cmp(b.at, at(130, 0, 0)), 0);
        for (size_t k = 0; k < 3; k++) {
            assert_int_equal(b.changes[k].commit_lsn, 100);
            assert_int_equal(b.changes[k].ordinal, k + 1);
        }
        batch_clear(&b);
        assert_int_equal(b.count, 0);
        assert_int_equal(b.bytes, 0);
        batch_fini(&b);
        buf_fini(&m.frame);
        buf_fini(&m.msg);
    }
}

static void after_a_restart(void **state)
{
    UNUSED(state);
    struct batch b;
    struct maker m = {BUF_INIT, BUF_INIT};
    batch_init(&b, &all);
    batch_restart(&b, at(110, 0, 0)); /* the first transaction is in the replica */
    assert_int_equal(feed_part(&b, &m, 0), 0);
    assert_changes(&b, "d");
    batch_restart(&b, at(130, 0, 0));
    assert_int_equal(feed_part(&b, &m, 0), 0);
    assert_changes(&b, "");
    /* a frame that goes on inside a transaction of which we have nothing is a hole */
    batch_restart(&b, at(50, 0, 0));
    assert_int_equal(feed_part(&b, &m, 4), ERR_LOST);
    assert_changes(&b, "");
    batch_fini(&b);
    buf_fini(&m.frame);
    buf_fini(&m.msg);
}

/* One row of 3,000 bytes in parts, one a frame, each delivered `times` times. */
static void parts(void **state)
{
    UNUSED(state);
    static char value[3001];
    memset(value, 'p', 3000);
    struct maker m = {BUF_INIT, BUF_INIT};
    struct buf whole = BUF_INIT;
    put_insert(&whole, value);
    for (size_t piece = 1000; piece <= 1600; piece += 200) {
        for (int times = 1; times <= 2; times++) {
            struct batch b;
            batch_init(&b, &all);
            batch_restart(&b, at(50, 0, 0));
            uint32_t part = 0;
            for (size_t from = 0; from < whole.len; from += piece) {
                bool more = whole.len - from > piece;
                struct position prev = part == 0 ? at(50, 0, 0) : at(100, 0, part);
                part++;
                for (int i = 0; i < times; i++) {
                    put_begin(&m.msg, 100);
                    add(&m, from > 0 ? FRAME_ITEM_REPEAT : 0);
                    put_relation(&m.msg);
                    add(&m, 0);
                    buf_reset(&m.msg);
                    buf_add(&m.msg, buf_data(&whole) + from, more ? piece : whole.len - from);
                    add(&m, (uint8_t)((more ? FRAME_ITEM_MORE : 0) |
                                      (from > 0 ? FRAME_ITEM_CONT : 0)));
                    if (!more) {
                        put_commit(&m.msg, 100, 110);
                        add(&m, 0);
                    }
                    assert_int_equal(
                        feed(&b, &m, prev, more ? at(100, 0, part) : at(110, 0, 0)), 0);
                }
                assert_int_equal(batch_inside(&b), more);
            }
            assert_int_equal(b.count, 1);
            assert_true(str_eq(b.changes[0].msg, buf_str(&whole)));
            batch_fini(&b);
        }
    }
    buf_fini(&whole);
    buf_fini(&m.frame);
    buf_fini(&m.msg);
}

static void not_understood(void **state)
{
    UNUSED(state);
    struct batch b;
    struct maker m = {BUF_INIT, BUF_INIT};
    batch_init(&b, &all);
    batch_restart(&b, at(50, 0, 0));
    put_begin(&m.msg, 100);
    add(&m, 0);
    put_insert(&m.msg, "a"); /* of a table never described */
    add(&m, 0);
    assert_int_equal(feed(&b, &m, at(50, 0, 0), at(100, 1, 0)), ERR_DAMAGED);
    put_begin(&m.msg, 100);
    add(&m, 0);
    put_relation(&m.msg);
    add(&m, FRAME_ITEM_CONT); /* the end of a row that never began */
    assert_int_equal(feed(&b, &m, at(50, 0, 0), at(100, 1, 0)), ERR_DAMAGED);
    put_begin(&m.msg, 100);
    add(&m, 0);
    put_relation(&m.msg);
    add(&m, 0);
    put_insert(&m.msg, "a");
    buf_truncate(&m.msg, m.msg.len - 1);
    add(&m, 0);
    assert_int_equal(feed(&b, &m, at(50, 0, 0), at(100, 1, 0)), ERR_PROTOCOL);
    put_begin(&m.msg, 100); /* says more than it holds */
    add(&m, 0);
    put_relation(&m.msg);
    add(&m, 0);
    put_insert(&m.msg, "a");
    add(&m, 0);
    assert_int_equal(feed(&b, &m, at(50, 0, 0), at(100, 2, 0)), ERR_DAMAGED);
    batch_fini(&b);
    buf_fini(&m.frame);
    buf_fini(&m.msg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cut),
        cmocka_unit_test(after_a_restart),
        cmocka_unit_test(parts),
        cmocka_unit_test(not_understood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
