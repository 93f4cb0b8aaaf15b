/* fuzz_log.c - bytes as a frame of the log and as a pgoutput message: nothing may be read outside of them,
 * and what is accepted must walk to its end. The checksum would stop nearly every mutation, so
 * the first byte chooses: 0 the bytes as they are, 1 the bytes as items of a well-formed frame that a
 * batch is fed with, otherwise one pgoutput message. */
#include "consumer/batch.h"
#include "consumer/notice.h"
#include "consumer/sink.h"
#include "consumer/start.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The batch knows sinks only to count them. */
struct sink *sink_new(const struct relation *r, const struct mirror *m)
{
    UNUSED(r);
    UNUSED(m);
    return def_zalloc(1, sizeof(struct sink));
}

void sink_free(struct sink *s)
{
    free(s);
}

void start_free(struct start *s)
{
    UNUSED(s);
}

bool notice_wants(struct str prefix)
{
    return prefix.n > 0 && prefix.p[0] == 'p';
}

static void walk_message(struct str msg)
{
    struct pgoutput_msg m;
    if (pgoutput_parse(msg, &m, NULL) != 0) {
        return;
    }
    struct pgoutput_column c;
    struct pgoutput_value v;
    size_t n = 0;
    if (m.type == PGOUTPUT_RELATION) {
        while (pgoutput_column_next(&m.u.relation.columns, &c)) {
            n++;
        }
        ASSERT(n == m.u.relation.column_count);
    } else if (m.type == PGOUTPUT_INSERT || m.type == PGOUTPUT_UPDATE ||
               m.type == PGOUTPUT_DELETE) {
        while (m.u.change.neu.present && pgoutput_tuple_next(&m.u.change.neu.data, &v)) {
            n += v.text.n > 0 ? (size_t)(v.text.p[0] != v.text.p[v.text.n - 1]) : 0;
        }
        while (m.u.change.old.present && pgoutput_tuple_next(&m.u.change.old.data, &v)) {
            n++;
        }
    }
}

/* Items: flags, length (two bytes), message. */
static void feed_items(struct str s)
{
    static const struct mirrors all = {.all = true};
    struct buf frame = BUF_INIT;
    struct rd r = rd_of(s);
    struct frame_head h = {.kind = FRAME_DATA, .epoch = {1, 1}};
    h.last = (struct position){{1, 1}, UINT64_MAX, 0, 0};
    frame_begin(&frame);
    while (rd_left(&r) >= 3) {
        uint8_t flags = rd_u8(&r);
        size_t n = rd_u16(&r);
        n = n < rd_left(&r) ? n : rd_left(&r);
        frame_add(&frame, flags, 0, rd_bytes(&r, n));
    }
    frame_end(&frame, &h);
    char *mem = def_alloc(frame.len);
    memcpy(mem, buf_data(&frame), frame.len);
    struct rd items;
    if (frame_decode((struct str){mem, frame.len}, &h, &items, NULL) == 0) {
        struct batch b;
        struct err e = ERR_INIT;
        batch_init(&b, &all);
        batch_restart(&b, (struct position){{1, 1}, 0, 0, 0});
        (void)!batch_feed(&b, &h, items, mem, frame.len, &e);
        for (size_t i = 0; i < b.count; i++) {
            walk_message(b.changes[i].msg);
        }
        batch_fini(&b);
    } else {
        free(mem);
    }
    buf_fini(&frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct str rest = {(const char *)data + 1, size - 1};
    if (data[0] == 0) {
        struct frame_head h;
        struct rd items;
        struct frame_item it;
        size_t n = 0;
        if (frame_decode(rest, &h, &items, NULL) == 0) {
            while (frame_next(&items, &it)) {
                n++;
            }
            ASSERT(n == h.item_count);
        }
    } else if (data[0] == 1) {
        feed_items(rest);
    } else {
        walk_message(rest);
    }
    return 0;
}
