/* frame.c - see frame.h for the layout. The checksum is zlib's crc32 over the whole body with the
 * checksum field taken as zero; it covers what TCP and the broker's own checksums do not: a frame
 * damaged at rest or put together wrongly. */
#include "event/frame.h"

#include <zlib.h>

#define FRAME_MAGIC 0x504b5746u /* "PKWF" */

enum {
    FRAME_VERSION = 1,
    AT_COUNT = 104,
    AT_PAYLOAD = 108,
    AT_CRC = 112,
    ITEM_HEADER_SIZE = 13,
};

static uint32_t get_u32(const char *p)
{
    struct rd r = rd_of((struct str){p, 4});
    return rd_u32(&r);
}

static uint32_t checksum(struct str body)
{
    static const unsigned char zero[4];
    uLong crc = crc32(0, (const Bytef *)body.p, AT_CRC);
    crc = crc32(crc, zero, sizeof zero);
    return (uint32_t)crc32_z(crc, (const Bytef *)body.p + FRAME_HEADER_SIZE,
                             body.n - FRAME_HEADER_SIZE);
}

void frame_begin(struct buf *out)
{
    ASSERT(out->len == 0);
    memset(buf_reserve(out, FRAME_HEADER_SIZE), 0, FRAME_HEADER_SIZE);
    buf_commit(out, FRAME_HEADER_SIZE);
}

void frame_add(struct buf *out, uint8_t flags, uint64_t wal, struct str msg)
{
    ASSERT(out->len >= FRAME_HEADER_SIZE && msg.n <= UINT32_MAX - out->len);
    buf_put_u32(out, AT_COUNT, get_u32(buf_data(out) + AT_COUNT) + 1);
    buf_u32(out, (uint32_t)msg.n);
    buf_u8(out, flags);
    buf_u64(out, wal);
    buf_addstr(out, msg);
}

static void place_write(struct buf *b, struct position p)
{
    buf_u64(b, p.lsn);
    buf_u64(b, p.ordinal);
    buf_u32(b, p.part);
}

void frame_end(struct buf *out, struct frame_head *head)
{
    ASSERT(out->len >= FRAME_HEADER_SIZE);
    head->item_count = get_u32(buf_data(out) + AT_COUNT);
    struct buf h = BUF_INIT;
    buf_u32(&h, FRAME_MAGIC);
    buf_u8(&h, FRAME_VERSION);
    buf_u8(&h, (uint8_t)head->kind);
    buf_u16(&h, 0);
    buf_add(&h, head->incarnation, sizeof head->incarnation);
    buf_u64(&h, head->epoch.system);
    buf_u32(&h, head->epoch.timeline);
    place_write(&h, head->prev);
    place_write(&h, head->first);
    place_write(&h, head->last);
    buf_u64(&h, (uint64_t)head->sent_us);
    buf_u32(&h, head->item_count);
    buf_u32(&h, (uint32_t)(out->len - FRAME_HEADER_SIZE));
    buf_u32(&h, 0);
    ASSERT(h.len == FRAME_HEADER_SIZE);
    memcpy(buf_data(out), buf_data(&h), FRAME_HEADER_SIZE);
    buf_fini(&h);
    buf_put_u32(out, AT_CRC, checksum(buf_str(out)));
}

static struct position place_read(struct rd *r, struct epoch epoch)
{
    struct position p = {.epoch = epoch};
    p.lsn = rd_u64(r);
    p.ordinal = rd_u64(r);
    p.part = rd_u32(r);
    return p;
}

/* Walks the items once, so that frame_next cannot fail later. */
static bool items_check(struct rd items, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t n = rd_u32(&items);
        rd_u8(&items);
        rd_u64(&items);
        rd_bytes(&items, n);
        if (items.bad) {
            return false;
        }
    }
    return rd_left(&items) == 0;
}

static bool order_check(const struct frame_head *h)
{
    switch (h->kind) {
    case FRAME_DATA: return h->item_count > 0 && position_cmp(h->prev, h->last) <= 0;
    case FRAME_PROGRESS: return h->item_count == 0 && position_cmp(h->prev, h->last) <= 0;
    case FRAME_BREAK: /* prev may be of another epoch: nothing to compare */
        return h->item_count == 0;
    default: return false;
    }
}

int frame_decode(struct str body, struct frame_head *head, struct rd *items, struct err *e)
{
    struct rd r = rd_of(body);
    if (body.n < FRAME_HEADER_SIZE || rd_u32(&r) != FRAME_MAGIC) {
        return err_set(e, ERR_DAMAGED, "not a frame of the log (%zu bytes)", body.n);
    }
    uint8_t version = rd_u8(&r);
    if (version != FRAME_VERSION) {
        /* every version has its checksum here: a wrong one means a changed byte, not another format */
        struct rd tail = rd_of((struct str){body.p + AT_CRC, body.n - AT_CRC});
        if (rd_u32(&tail) != checksum(body)) {
            return err_set(e, ERR_DAMAGED, "frame has a wrong checksum, and version %u",
                           version);
        }
        return err_set(e, ERR_PROTOCOL, "frame of log version %u, this program knows %d",
                       version, FRAME_VERSION);
    }
    head->kind = (enum frame_kind)rd_u8(&r);
    rd_u16(&r);
    memcpy(head->incarnation, rd_bytes(&r, sizeof head->incarnation).p,
           sizeof head->incarnation);
    head->epoch.system = rd_u64(&r);
    head->epoch.timeline = rd_u32(&r);
    head->prev = place_read(&r, head->epoch);
    head->first = place_read(&r, head->epoch);
    head->last = place_read(&r, head->epoch);
    head->sent_us = (int64_t)rd_u64(&r);
    head->item_count = rd_u32(&r);
    uint32_t payload = rd_u32(&r);
    uint32_t crc = rd_u32(&r);
    if (payload != rd_left(&r)) {
        return err_set(e, ERR_DAMAGED, "frame says %u bytes of payload and has %zu", payload,
                       rd_left(&r));
    }
    if (crc != checksum(body)) {
        return err_set(e, ERR_DAMAGED, "frame has a wrong checksum");
    }
    if (!order_check(head) || !items_check(r, head->item_count)) {
        return err_set(e, ERR_DAMAGED, "frame of kind %u contradicts itself",
                       (unsigned)head->kind);
    }
    *items = r;
    return 0;
}

bool frame_next(struct rd *items, struct frame_item *it)
{
    if (rd_left(items) == 0) {
        return false;
    }
    uint32_t n = rd_u32(items);
    it->flags = rd_u8(items);
    it->wal = rd_u64(items);
    it->msg = rd_bytes(items, n);
    return !items->bad;
}
