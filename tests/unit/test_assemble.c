/* Frames: one transaction and many, large rows in parts, repeats, and continuing anywhere. */
#include "relay/assemble.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdlib.h>

static const struct epoch E = {9, 1};

/* --- a stream of messages ------------------------------------------------------------------------ */

struct feed {
    struct buf all; /* length u32, message */
};

static void put(struct feed *f, struct buf *m)
{
    buf_u32(&f->all, (uint32_t)m->len);
    buf_addstr(&f->all, buf_str(m));
    buf_fini(m);
}

static void begin(struct feed *f, uint64_t commit)
{
    struct buf m = BUF_INIT;
    buf_u8(&m, 'B');
    buf_u64(&m, commit);
    buf_u64(&m, 1000000);
    buf_u32(&m, 7);
    put(f, &m);
}

static void commit(struct feed *f, uint64_t commit_lsn, uint64_t end)
{
    struct buf m = BUF_INIT;
    buf_u8(&m, 'C');
    buf_u8(&m, 0);
    buf_u64(&m, commit_lsn);
    buf_u64(&m, end);
    buf_u64(&m, 1000000);
    put(f, &m);
}

static void relation(struct feed *f, uint32_t oid, const char *name)
{
    struct buf m = BUF_INIT;
    buf_u8(&m, 'R');
    buf_u32(&m, oid);
    buf_addz(&m, "public");
    buf_addz(&m, name);
    buf_u8(&m, 'd');
    buf_u16(&m, 1);
    buf_u8(&m, 1);
    buf_addz(&m, "a");
    buf_u32(&m, 25);
    buf_u32(&m, UINT32_MAX);
    put(f, &m);
}

static void insert(struct feed *f, uint32_t oid, size_t n, char c)
{
    struct buf m = BUF_INIT;
    buf_u8(&m, 'I');
    buf_u32(&m, oid);
    buf_u8(&m, 'N');
    buf_u16(&m, 1);
    buf_u8(&m, 't');
    buf_u32(&m, (uint32_t)n);
    memset(buf_reserve(&m, n), c, n);
    buf_commit(&m, n);
    put(f, &m);
}

static void truncate_two(struct feed *f, uint32_t a, uint32_t b)
{
    struct buf m = BUF_INIT;
    buf_u8(&m, 'T');
    buf_u32(&m, 2);
    buf_u8(&m, 0);
    buf_u32(&m, a);
    buf_u32(&m, b);
    put(f, &m);
}

static void message(struct feed *f, bool transactional, const char *prefix)
{
    struct buf m = BUF_INIT;
    buf_u8(&m, 'M');
    buf_u8(&m, transactional);
    buf_u64(&m, 5);
    buf_addz(&m, prefix);
    buf_u32(&m, 2);
    buf_adds(&m, "{}");
    put(f, &m);
}

/* --- what comes out ------------------------------------------------------------------------------ */

enum { FRAMES_MAX = 512 };

struct out {
    struct {
        struct frame_head head;
        struct buf body;
    } frames[FRAMES_MAX];
    size_t count;
    struct position changes[FRAMES_MAX];
    size_t change_count;
    const struct assemble *from;
};

static int on_frame(void *ctx, const struct frame_head *head, struct str body, struct err *e)
{
    struct out *o = ctx;
    struct frame_head again;
    struct rd items;
    assert_int_equal(frame_decode(body, &again, &items, e), 0);
    assert_int_equal(position_cmp(again.last, head->last), 0);
    assert_true(o->count < FRAMES_MAX);
    if (o->from != NULL) {
        /* a frame that is being handed over may not be released yet */
        assert_int_equal(position_cmp(assemble_last(o->from), head->prev), 0);
    }
    o->frames[o->count].head = *head;
    buf_addstr(&o->frames[o->count++].body, body);
    return 0;
}

static int on_change(void *ctx, const struct assemble_change *c, struct err *e)
{
    UNUSED(e);
    struct out *o = ctx;
    assert_true(o->change_count < FRAMES_MAX);
    o->changes[o->change_count++] = c->at;
    return 0;
}

static void out_fini(struct out *o)
{
    for (size_t i = 0; i < o->count; i++) {
        buf_fini(&o->frames[i].body);
    }
    free(o);
}

static struct assemble *make(struct out *o, struct position have, size_t bound)
{
    struct assemble_options opt = {.frame_max_bytes = bound, .epoch = E, .have = have};
    struct assemble_sink sink = {o, on_frame, on_change};
    struct assemble *a = assemble_new(&opt, &sink);
    o->from = a;
    return a;
}

static void run(struct assemble *a, const struct feed *f)
{
    struct rd r = rd_of(buf_str(&f->all));
    struct err e = ERR_INIT;
    while (rd_left(&r) > 0) {
        struct str m = rd_bytes(&r, rd_u32(&r));
        if (assemble_feed(a, 1, m, &e) != 0) {
            fail_msg("%s", e.text);
        }
    }
}

/* Applies frames the way a replica does and writes down each change's text; checks the chain. */
static void apply(const struct out *o, size_t from, struct position *cursor, struct buf *text)
{
    static struct buf parts = BUF_INIT;
    for (size_t i = from; i < o->count; i++) {
        const struct frame_head *h = &o->frames[i].head;
        assert_true(position_cmp(h->prev, *cursor) <= 0);
        if (position_cmp(h->last, *cursor) <= 0) {
            continue;
        }
        assert_int_equal(position_cmp(h->prev, *cursor), 0);
        struct frame_head d;
        struct rd items;
        struct err e = ERR_INIT;
        assert_int_equal(frame_decode(buf_str(&o->frames[i].body), &d, &items, &e), 0);
        struct frame_item it;
        bool has_begin = false;
        uint32_t tables[8];
        size_t table_count = 0;
        while (frame_next(&items, &it)) {
            struct pgoutput_msg m;
            struct str whole = it.msg;
            if ((it.flags & (FRAME_ITEM_MORE | FRAME_ITEM_CONT)) != 0) {
                if ((it.flags & FRAME_ITEM_CONT) == 0) {
                    buf_reset(&parts);
                }
                buf_addstr(&parts, it.msg);
                if ((it.flags & FRAME_ITEM_MORE) != 0) {
                    assert_true(has_begin);
                    continue;
                }
                whole = buf_str(&parts);
            }
            assert_int_equal(pgoutput_parse(whole, &m, &e), 0);
            if (m.type == PGOUTPUT_BEGIN) {
                has_begin = true;
            } else if (m.type == PGOUTPUT_RELATION) {
                tables[table_count++] = m.u.relation.oid;
            } else {
                assert_true(has_begin);
                if (m.type == PGOUTPUT_INSERT) {
                    bool known = false;
                    for (size_t k = 0; k < table_count; k++) {
                        known = known || tables[k] == m.u.change.oid;
                    }
                    assert_true(known);
                    buf_addf(text, "I%u:%zu:%c ", m.u.change.oid, whole.n,
                             whole.p[whole.n - 1]);
                } else {
                    buf_addf(text, "%c ", m.type);
                }
                has_begin = m.type != PGOUTPUT_COMMIT;
            }
        }
        *cursor = h->last;
    }
    buf_fini(&parts);
}

/* Three transactions: small ones and one with a large row. */
static void sample(struct feed *f)
{
    begin(f, 100);
    relation(f, 1, "t");
    insert(f, 1, 10, 'a');
    insert(f, 1, 3000, 'b');
    message(f, false, "ignored");
    message(f, true, "parkway.nudge");
    commit(f, 100, 110);
    begin(f, 110);
    insert(f, 1, 3 * ASSEMBLE_PART_BYTES, 'c');
    relation(f, 2, "u");
    insert(f, 2, 20, 'd');
    truncate_two(f, 1, 2);
    insert(f, 1, ASSEMBLE_PART_BYTES * 2 + 1, 'e');
    commit(f, 110, 120);
    begin(f, 130);
    insert(f, 2, 5, 'f');
    commit(f, 130, 140);
}

static const struct position START = {{9, 1}, 90, 0, 0};

static void one(void **state)
{
    UNUSED(state);
    struct feed f = {BUF_INIT};
    begin(&f, 100);
    relation(&f, 1, "t");
    insert(&f, 1, 10, 'a');
    commit(&f, 100, 110);
    struct out *o = def_zalloc(1, sizeof *o);
    struct assemble *a = make(o, START, 100000);
    struct err e = ERR_INIT;
    run(a, &f);
    assert_int_equal(o->count, 0);
    assert_false(assemble_is_empty(a));
    assert_int_equal(assemble_seen_lsn(a), 110);
    assert_int_equal(assemble_close(a, &e), 0);
    assert_int_equal(o->count, 1);
    assert_int_equal(o->frames[0].head.item_count, 4);
    assert_int_equal(o->frames[0].head.prev.lsn, 90);
    assert_int_equal(o->frames[0].head.first.lsn, 100);
    assert_int_equal(o->frames[0].head.first.ordinal, 1);
    assert_int_equal(o->frames[0].head.last.lsn, 110);
    assert_int_equal(assemble_progress(a, 105, &e), 0);
    assert_int_equal(o->count, 1);
    assert_int_equal(assemble_progress(a, 150, &e), 0);
    assert_int_equal(o->count, 2);
    assert_int_equal(o->frames[1].head.kind, FRAME_PROGRESS);
    assert_int_equal(o->frames[1].head.prev.lsn, 110);
    assemble_free(a);
    out_fini(o);
    buf_fini(&f.all);
}

/* The sample at several bounds: the same changes come out, and from any frame on, too. */
static void continues(void **state)
{
    UNUSED(state);
    static const size_t bounds[] = {200, 4096, 100000, ASSEMBLE_PART_BYTES, 10 << 20};
    struct feed f = {BUF_INIT};
    sample(&f);
    struct buf expected = BUF_INIT;
    for (size_t b = 0; b < ARRAY_LEN(bounds); b++) {
        struct out *o = def_zalloc(1, sizeof *o);
        struct assemble *a = make(o, START, bounds[b]);
        struct err e = ERR_INIT;
        run(a, &f);
        assert_int_equal(assemble_close(a, &e), 0);
        struct position cursor = START;
        struct buf text = BUF_INIT;
        apply(o, 0, &cursor, &text);
        assert_int_equal(cursor.lsn, 140);
        assert_int_equal(o->change_count, 8);
        if (expected.len == 0) {
            buf_addstr(&expected, buf_str(&text));
            assert_non_null(strstr(buf_cstr(&expected), "M C I1:"));
        }
        assert_string_equal(buf_cstr(&text), buf_cstr(&expected));
        buf_fini(&text);
        /* a relay killed after any frame, continuing with every other bound */
        for (size_t k = 0; k < o->count; k++) {
            for (size_t b2 = 0; b2 < ARRAY_LEN(bounds); b2++) {
                struct out *o2 = def_zalloc(1, sizeof *o2);
                struct assemble *a2 = make(o2, o->frames[k].head.last, bounds[b2]);
                run(a2, &f);
                assert_int_equal(assemble_close(a2, &e), 0);
                assert_int_equal(o2->change_count, 8);
                struct out *joined = def_zalloc(1, sizeof *joined);
                for (size_t i = 0; i <= k; i++) {
                    assert_int_equal(
                        on_frame(joined, &o->frames[i].head, buf_str(&o->frames[i].body), &e),
                        0);
                }
                for (size_t i = 0; i < o2->count; i++) {
                    assert_int_equal(
                        on_frame(joined, &o2->frames[i].head, buf_str(&o2->frames[i].body), &e),
                        0);
                }
                struct position c = START;
                struct buf t = BUF_INIT;
                apply(joined, 0, &c, &t);
                assert_int_equal(c.lsn, 140);
                assert_string_equal(buf_cstr(&t), buf_cstr(&expected));
                buf_fini(&t);
                out_fini(joined);
                assemble_free(a2);
                out_fini(o2);
            }
        }
        assemble_free(a);
        out_fini(o);
    }
    buf_fini(&expected);
    buf_fini(&f.all);
}

static void refuses(void **state)
{
    UNUSED(state);
    struct feed bad[5] = {{BUF_INIT}, {BUF_INIT}, {BUF_INIT}, {BUF_INIT}, {BUF_INIT}};
    insert(&bad[0], 1, 1, 'x'); /* outside a transaction */
    begin(&bad[1], 100);
    insert(&bad[1], 1, 1, 'x'); /* unknown table */
    begin(&bad[2], 100);
    begin(&bad[2], 110);
    commit(&bad[3], 100, 110);
    begin(&bad[4], 100);
    commit(&bad[4], 101, 110);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct out *o = def_zalloc(1, sizeof *o);
        struct assemble *a = make(o, START, 4096);
        struct err e = ERR_INIT;
        struct rd r = rd_of(buf_str(&bad[i].all));
        int rc = 0;
        while (rc == 0 && rd_left(&r) > 0) {
            rc = assemble_feed(a, 1, rd_bytes(&r, rd_u32(&r)), &e);
        }
        assert_int_equal(rc, ERR_PROTOCOL);
        assemble_free(a);
        out_fini(o);
        buf_fini(&bad[i].all);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(one), cmocka_unit_test(continues),
                                       cmocka_unit_test(refuses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
