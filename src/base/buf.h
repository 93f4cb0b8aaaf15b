/* buf.h - a growable run of bytes, for messages being built and bytes not yet parsed.
 *
 * Owner: whoever holds the struct. Bytes live in [head, head+len). buf_take consumes from the
 * front without moving memory; the space is reclaimed on the next growth. Growth never fails
 * (see def.h); callers bound what they add. Integers are big-endian, as on both wires. */
#ifndef PARKWAY_BASE_BUF_H
#define PARKWAY_BASE_BUF_H

#include "base/def.h"

struct buf {
    char *mem;
    size_t head; /* bytes consumed at the front */
    size_t len;  /* bytes present after head */
    size_t cap;
};

#define BUF_INIT                                                                               \
    {                                                                                          \
        NULL, 0, 0, 0                                                                          \
    }

void buf_fini(struct buf *b);  /* releases; b is empty and usable again */
void buf_reset(struct buf *b); /* empties, keeps the memory */
/* buf_shrink - empties and releases memory above keep bytes (after one huge message). */
void buf_shrink(struct buf *b, size_t keep);
char *buf_reserve(struct buf *b, size_t n); /* room for n more; write there, then buf_commit */
void buf_commit(struct buf *b, size_t n);
void buf_take(struct buf *b, size_t n); /* drop n from the front, n <= len */
void buf_truncate(struct buf *b, size_t len);
void buf_add(struct buf *b, const void *p, size_t n);
void buf_adds(struct buf *b, const char *s); /* without the NUL */
void buf_addstr(struct buf *b, struct str s);
void buf_addz(struct buf *b, const char *s); /* with the NUL */
void buf_addf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_u8(struct buf *b, uint8_t v);
void buf_u16(struct buf *b, uint16_t v);
void buf_u32(struct buf *b, uint32_t v);
void buf_u64(struct buf *b, uint64_t v);
void buf_put_u32(struct buf *b, size_t at, uint32_t v); /* overwrite; at counts from head */
/* buf_cstr - the contents with a NUL behind them (not counted). Borrowed until the next change.
 */
const char *buf_cstr(struct buf *b);

static inline char *buf_data(const struct buf *b)
{
    return b->mem + b->head;
}

static inline struct str buf_str(const struct buf *b)
{
    return (struct str){b->mem != NULL ? b->mem + b->head : "", b->len};
}

/* Reading: a cursor over borrowed bytes. Every rd_* checks the length first; after a short read
 * `bad` is set, the value is 0 and all later reads fail too, so one check at the end suffices.
 */
struct rd {
    const uint8_t *p;
    const uint8_t *end;
    bool bad;
};

static inline struct rd rd_of(struct str s)
{
    return (struct rd){(const uint8_t *)s.p, (const uint8_t *)s.p + s.n, false};
}
static inline size_t rd_left(const struct rd *r)
{
    return (size_t)(r->end - r->p);
}
uint8_t rd_u8(struct rd *r);
uint16_t rd_u16(struct rd *r);
uint32_t rd_u32(struct rd *r);
uint64_t rd_u64(struct rd *r);
struct str rd_bytes(struct rd *r, size_t n); /* {NULL,0} when short */
struct str rd_cstr(struct rd *r); /* up to the NUL, which is consumed; {NULL,0} when none */

#endif
