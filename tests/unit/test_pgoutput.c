/* test_pgoutput.c - every message type whole, cut at every byte, with each byte changed. */
#include "pg/pgoutput.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void tuple(struct buf *b, char tag, const char *kinds)
{
    buf_u8(b, (uint8_t)tag);
    buf_u16(b, (uint16_t)strlen(kinds));
    for (const char *k = kinds; *k != '\0'; k++) {
        buf_u8(b, (uint8_t)*k);
        if (*k == 't') {
            buf_u32(b, 5);
            buf_adds(b, "value");
        }
    }
}

enum { SAMPLES = 13 };

static void sample(int which, struct buf *b)
{
    buf_reset(b);
    buf_u8(b, (uint8_t) "BCMMORYIUUUDT"[which]);
    switch (which) {
    case 0:
        buf_u64(b, 0x1000);
        buf_u64(b, 77);
        buf_u32(b, 4711);
        break;
    case 1:
        buf_u8(b, 0);
        buf_u64(b, 0x1000);
        buf_u64(b, 0x1030);
        buf_u64(b, 77);
        break;
    case 2:
    case 3:
        buf_u8(b, which == 2);
        buf_u64(b, 0x900);
        buf_addz(b, "parkway.publish");
        buf_u32(b, 4);
        buf_adds(b, "{\"\"}");
        break;
    case 4:
        buf_u64(b, 1);
        buf_addz(b, "origin");
        break;
    case 5:
        buf_u32(b, 16400);
        buf_addz(b, "public");
        buf_addz(b, "parking_slots");
        buf_u8(b, 'd');
        buf_u16(b, 2);
        buf_u8(b, 1);
        buf_addz(b, "uuid");
        buf_u32(b, 2950);
        buf_u32(b, 0xffffffff);
        buf_u8(b, 0);
        buf_addz(b, "name");
        buf_u32(b, 25);
        buf_u32(b, 0xffffffff);
        break;
    case 6:
        buf_u32(b, 16500);
        buf_addz(b, "public");
        buf_addz(b, "mood");
        break;
    case 7:
        buf_u32(b, 16400);
        tuple(b, 'N', "tnt");
        break;
    case 8:
        buf_u32(b, 16400);
        tuple(b, 'N', "tu");
        break;
    case 9:
        buf_u32(b, 16400);
        tuple(b, 'K', "tn");
        tuple(b, 'N', "tt");
        break;
    case 10:
        buf_u32(b, 16400);
        tuple(b, 'O', "tt");
        tuple(b, 'N', "tt");
        break;
    case 11:
        buf_u32(b, 16400);
        tuple(b, 'O', "tn");
        break;
    case 12:
        buf_u32(b, 2);
        buf_u8(b, 3);
        buf_u32(b, 16400);
        buf_u32(b, 16401);
        break;
    default: fail();
    }
}

/* Walks all that a parsed message offers, so that the sanitizers see every borrowed byte. */
static size_t walk(struct pgoutput_msg *m)
{
    size_t n = 0;
    struct pgoutput_column c;
    struct pgoutput_value v;
    switch (m->type) {
    case PGOUTPUT_RELATION:
        while (pgoutput_column_next(&m->u.relation.columns, &c)) {
            n += 1 + c.name.n;
        }
        break;
    case PGOUTPUT_INSERT:
    case PGOUTPUT_UPDATE:
    case PGOUTPUT_DELETE:
        while (m->u.change.old.present && pgoutput_tuple_next(&m->u.change.old.data, &v)) {
            n += 1 + (v.kind == PGOUTPUT_TEXT ? (unsigned char)v.text.p[v.text.n - 1] : 0u);
        }
        while (m->u.change.neu.present && pgoutput_tuple_next(&m->u.change.neu.data, &v)) {
            n += 1;
        }
        break;
    default: break;
    }
    return n;
}

static void whole(void **state)
{
    UNUSED(state);
    struct buf b = BUF_INIT;
    struct pgoutput_msg m;
    struct err e = ERR_INIT;

    sample(0, &b);
    assert_int_equal(pgoutput_parse(buf_str(&b), &m, &e), 0);
    assert_int_equal(m.u.begin.commit_lsn, 0x1000);
    assert_int_equal(m.u.begin.commit_time, 77);
    assert_int_equal(m.u.begin.xid, 4711);

    sample(1, &b);
    assert_int_equal(pgoutput_parse(buf_str(&b), &m, &e), 0);
    assert_int_equal(m.u.commit.end_lsn, 0x1030);

    sample(2, &b);
    assert_int_equal(pgoutput_parse(buf_str(&b), &m, &e), 0);
    assert_true(m.u.message.transactional);
    assert_true(str_eq(m.u.message.prefix, STR("parkway.publish")));
    assert_true(str_eq(m.u.message.content, STR("{\"\"}")));

    sample(5, &b);
    assert_int_equal(pgoutput_parse(buf_str(&b), &m, &e), 0);
    assert_true(str_eq(m.u.relation.name, STR("parking_slots")));
    struct pgoutput_column c;
    assert_true(pgoutput_column_next(&m.u.relation.columns, &c));
    assert_true(c.key && str_eq(c.name, STR("uuid")) && c.type_oid == 2950 && c.type_mod == -1);
    assert_true(pgoutput_column_next(&m.u.relation.columns, &c));
    assert_true(!c.key && str_eq(c.name, STR("name")));
    assert_false(pgoutput_column_next(&m.u.relation.columns, &c));

    sample(8, &b);
    assert_int_equal(pgoutput_parse(buf_str(&b), &m, &e), 0);
    assert_false(m.u.change.old.present);
    struct pgoutput_value v;
    assert_true(pgoutput_tuple_next(&m.u.change.neu.data, &v));
    assert_true(v.kind == PGOUTPUT_TEXT && str_eq(v.text, STR("value")));
    assert_true(pgoutput_tuple_next(&m.u.change.neu.data, &v));
    assert_int_equal(v.kind, PGOUTPUT_UNCHANGED);
    assert_false(pgoutput_tuple_next(&m.u.change.neu.data, &v));

    sample(9, &b);
    assert_int_equal(pgoutput_parse(buf_str(&b), &m, &e), 0);
    assert_int_equal(m.u.change.old_kind, 'K');
    assert_true(m.u.change.old.present && m.u.change.neu.present);

    sample(11, &b);
    assert_int_equal(pgoutput_parse(buf_str(&b), &m, &e), 0);
    assert_true(m.u.change.old.present && !m.u.change.neu.present);

    sample(12, &b);
    assert_int_equal(pgoutput_parse(buf_str(&b), &m, &e), 0);
    assert_int_equal(m.u.truncate.options, 3);
    assert_int_equal(rd_u32(&m.u.truncate.oids), 16400);
    assert_int_equal(rd_u32(&m.u.truncate.oids), 16401);
    buf_fini(&b);
}

static void cut_at_every_byte(void **state)
{
    UNUSED(state);
    struct buf b = BUF_INIT;
    struct pgoutput_msg m;
    for (int i = 0; i < SAMPLES; i++) {
        sample(i, &b);
        assert_int_equal(pgoutput_parse(buf_str(&b), &m, NULL), 0);
        for (size_t n = 0; n < b.len; n++) {
            char *part = def_alloc(n);
            memcpy(part, buf_data(&b), n);
            assert_int_equal(pgoutput_parse((struct str){part, n}, &m, NULL), ERR_PROTOCOL);
            free(part);
        }
        buf_u8(&b, 0);
        assert_int_equal(pgoutput_parse(buf_str(&b), &m, NULL), ERR_PROTOCOL);
    }
    buf_fini(&b);
}

/* A changed byte may make another valid message; it must never make one that reads outside. */
static void damaged(void **state)
{
    UNUSED(state);
    struct buf b = BUF_INIT;
    for (int i = 0; i < SAMPLES; i++) {
        sample(i, &b);
        size_t len = b.len;
        char *copy = def_alloc(len);
        for (size_t at = 0; at < len; at++) {
            for (int v = 0; v < 256; v++) {
                memcpy(copy, buf_data(&b), len);
                copy[at] = (char)v;
                struct pgoutput_msg m;
                if (pgoutput_parse((struct str){copy, len}, &m, NULL) == 0) {
                    assert_true(walk(&m) < 100000);
                }
            }
        }
        free(copy);
    }
    buf_fini(&b);
}

static void lying_counts(void **state)
{
    UNUSED(state);
    struct buf b = BUF_INIT;
    struct pgoutput_msg m;
    buf_u8(&b, 'T');
    buf_u32(&b, 0x40000001); /* times four is 4 in 32 bits */
    buf_u8(&b, 0);
    buf_u32(&b, 1);
    assert_int_equal(pgoutput_parse(buf_str(&b), &m, NULL), ERR_PROTOCOL);
    buf_reset(&b);
    buf_u8(&b, 'I');
    buf_u32(&b, 1);
    buf_u8(&b, 'N');
    buf_u16(&b, 1);
    buf_u8(&b, 't');
    buf_u32(&b, 0xffffffff);
    assert_int_equal(pgoutput_parse(buf_str(&b), &m, NULL), ERR_PROTOCOL);
    buf_reset(&b);
    buf_u8(&b, 'I');
    buf_u32(&b, 1);
    buf_u8(&b, 'N');
    buf_u16(&b, 1665);
    for (int i = 0; i < 1665; i++) {
        buf_u8(&b, 'n');
    }
    assert_int_equal(pgoutput_parse(buf_str(&b), &m, NULL), ERR_PROTOCOL);
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole),
        cmocka_unit_test(cut_at_every_byte),
        cmocka_unit_test(damaged),
        cmocka_unit_test(lying_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
