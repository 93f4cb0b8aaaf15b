/* test_frame.c - the log's frames: round trip, cut at every byte, every byte damaged. */
#include "event/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <zlib.h>

#include <cmocka.h>

static struct position at(uint64_t lsn, uint64_t ordinal, uint32_t part)
{
    return (struct position){{0x0123456789abcdef, 3}, lsn, ordinal, part};
}

static struct frame_head sample(struct buf *out, enum frame_kind kind, int items)
{
    struct frame_head h = {
        .kind = kind, .epoch = {0x0123456789abcdef, 3}, .sent_us = 1700000000123456};
    for (int i = 0; i < 16; i++) {
        h.incarnation[i] = (uint8_t)(i * 7 + 1);
    }
    h.prev = at(100, 0, 0);
    h.first = at(150, 1, 0);
    h.last = at(0x1122334455667788, 9, 2);
    frame_begin(out);
    for (int i = 0; i < items; i++) {
        char text[32] = "Item number  ";
        text[12] = (char)('0' + i);
        frame_add(out, (uint8_t)(i % 8), (uint64_t)i * 1000,
                  (struct str){text, i == 1 ? 0 : 13});
    }
    frame_end(out, &h);
    return h;
}

static void round_trip(void **state)
{
    UNUSED(state);
    struct buf b = BUF_INIT;
    struct frame_head in = sample(&b, FRAME_DATA, 3);
    assert_int_equal(in.item_count, 3);
    assert_int_equal(b.len, FRAME_HEADER_SIZE + 3 * 13 + 2 * 13);
    struct frame_head h;
    struct rd items;
    struct err e = ERR_INIT;
    assert_int_equal(frame_decode(buf_str(&b), &h, &items, &e), 0);
    assert_int_equal(h.kind, FRAME_DATA);
    assert_memory_equal(h.incarnation, in.incarnation, 16);
    assert_true(epoch_eq(h.epoch, in.epoch));
    assert_int_equal(position_cmp(h.prev, in.prev), 0);
    assert_int_equal(position_cmp(h.first, in.first), 0);
    assert_int_equal(position_cmp(h.last, in.last), 0);
    assert_true(epoch_eq(h.last.epoch, in.epoch));
    assert_int_equal(h.sent_us, in.sent_us);
    struct frame_item it;
    for (int i = 0; i < 3; i++) {
        assert_true(frame_next(&items, &it));
        assert_int_equal(it.flags, i);
        assert_int_equal(it.wal, i * 1000);
        assert_int_equal(it.msg.n, i == 1 ? 0 : 13);
    }
    assert_memory_equal(it.msg.p, "Item number 2", 13);
    assert_false(frame_next(&items, &it));
    buf_fini(&b);
}

static void kinds(void **state)
{
    UNUSED(state);
    static const struct {
        enum frame_kind kind;
        int items;
        int result;
    } cases[] = {
        {FRAME_DATA, 1, 0},
        {FRAME_DATA, 0, ERR_DAMAGED},
        {FRAME_PROGRESS, 0, 0},
        {FRAME_PROGRESS, 1, ERR_DAMAGED},
        {FRAME_BREAK, 0, 0},
        {FRAME_BREAK, 2, ERR_DAMAGED},
        {(enum frame_kind)4, 0, ERR_DAMAGED},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf b = BUF_INIT;
        sample(&b, cases[i].kind, cases[i].items);
        struct frame_head h;
        struct rd items;
        struct err e = ERR_INIT;
        assert_int_equal(frame_decode(buf_str(&b), &h, &items, &e), cases[i].result);
        buf_fini(&b);
    }
}

static void backwards_is_damage(void **state)
{
    UNUSED(state);
    for (int kind = FRAME_DATA; kind <= FRAME_BREAK; kind++) {
        struct buf b = BUF_INIT;
        struct frame_head h = {
            .kind = (enum frame_kind)kind, .prev = {.lsn = 10}, .last = {.lsn = 9}};
        frame_begin(&b);
        if (kind == FRAME_DATA) {
            frame_add(&b, 0, 0, STR("x"));
        }
        frame_end(&b, &h);
        struct rd items;
        assert_int_equal(frame_decode(buf_str(&b), &h, &items, NULL),
                         kind == FRAME_BREAK ? 0 : ERR_DAMAGED);
        buf_fini(&b);
    }
}

static void cut_and_damaged(void **state)
{
    UNUSED(state);
    struct buf b = BUF_INIT;
    sample(&b, FRAME_DATA, 3);
    struct frame_head h;
    struct rd items;
    for (size_t n = 0; n < b.len; n++) {
        /* a copy of exactly n bytes, so that the address sanitizer sees every read past the end */
        char *part = def_alloc(n);
        memcpy(part, buf_data(&b), n);
        assert_int_equal(frame_decode((struct str){part, n}, &h, &items, NULL), ERR_DAMAGED);
        free(part);
    }
    for (size_t at_byte = 0; at_byte < b.len; at_byte++) {
        for (int bit = 0; bit < 8; bit++) {
            buf_data(&b)[at_byte] ^= (char)(1 << bit);
            assert_int_equal(frame_decode(buf_str(&b), &h, &items, NULL), ERR_DAMAGED);
            buf_data(&b)[at_byte] ^= (char)(1 << bit);
        }
    }
    assert_int_equal(frame_decode(buf_str(&b), &h, &items, NULL), 0);
    enum { AT_VERSION = 4, AT_CRC = 112 };
    struct buf later = BUF_INIT; /* the same of a later version, whole */
    buf_add(&later, buf_data(&b), b.len);
    buf_data(&later)[AT_VERSION]++;
    buf_put_u32(&later, AT_CRC, 0);
    uLong crc = crc32(0, (const Bytef *)buf_data(&later), (uInt)later.len);
    buf_put_u32(&later, AT_CRC, (uint32_t)crc);
    assert_int_equal(frame_decode(buf_str(&later), &h, &items, NULL), ERR_PROTOCOL);
    buf_fini(&later);
    buf_u8(&b, 0);
    assert_int_equal(frame_decode(buf_str(&b), &h, &items, NULL), ERR_DAMAGED);
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(kinds),
        cmocka_unit_test(backwards_is_damage),
        cmocka_unit_test(cut_and_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
