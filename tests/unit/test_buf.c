/* test_buf.c - bytes go in and come out in order however they are cut; short reads are seen. */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void in_and_out(void **state)
{
    UNUSED(state);
    struct buf b = BUF_INIT;
    unsigned next_in = 0;
    unsigned next_out = 0;
    /* uneven pushes and takes, so that every branch of the growth runs */
    for (unsigned round = 1; round < 2000; round++) {
        for (unsigned i = 0; i < round % 97; i++) {
            buf_u8(&b, (uint8_t)next_in++);
        }
        size_t take = round % 89 < b.len ? round % 89 : b.len;
        for (size_t i = 0; i < take; i++) {
            assert_int_equal((uint8_t)buf_data(&b)[i], (uint8_t)next_out++);
        }
        buf_take(&b, take);
    }
    assert_int_equal(next_in - next_out, b.len);
    buf_fini(&b);
}

static void integers(void **state)
{
    UNUSED(state);
    struct buf b = BUF_INIT;
    buf_u8(&b, 1);
    buf_u16(&b, 0x0203);
    buf_u32(&b, 0x04050607);
    buf_u64(&b, 0x08090a0b0c0d0e0fULL);
    buf_addz(&b, "xyz");
    buf_put_u32(&b, 3, 0xfffefdfc);
    struct rd r = rd_of(buf_str(&b));
    assert_int_equal(rd_u8(&r), 1);
    assert_int_equal(rd_u16(&r), 0x0203);
    assert_int_equal(rd_u32(&r), 0xfffefdfc);
    assert_true(rd_u64(&r) == 0x08090a0b0c0d0e0fULL);
    assert_true(str_eq(rd_cstr(&r), STR("xyz")));
    assert_false(r.bad);
    assert_int_equal(rd_left(&r), 0);
    assert_int_equal(rd_u8(&r), 0);
    assert_true(r.bad);
    /* cut at every byte: the last read is bad, never past the end */
    for (size_t n = 0; n < b.len; n++) {
        struct rd cut = rd_of((struct str){buf_data(&b), n});
        rd_u8(&cut);
        rd_u16(&cut);
        rd_u32(&cut);
        rd_u64(&cut);
        rd_cstr(&cut);
        assert_true(cut.bad);
    }
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(in_and_out),
                                       cmocka_unit_test(integers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
