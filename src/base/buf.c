/* buf.c - see buf.h. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void buf_fini(struct buf *b)
{
    free(b->mem);
    *b = (struct buf)BUF_INIT;
}

void buf_reset(struct buf *b)
{
    b->head = 0;
    b->len = 0;
}

void buf_shrink(struct buf *b, size_t keep)
{
    if (b->cap > keep) {
        buf_fini(b);
    } else {
        buf_reset(b);
    }
}

char *buf_reserve(struct buf *b, size_t n)
{
    if (b->cap - b->head - b->len >= n && b->mem != NULL) {
        return b->mem + b->head + b->len;
    }
    if (b->mem != NULL && b->head > 0 && b->cap - b->len >= n && b->head >= b->len) {
        memmove(b->mem, b->mem + b->head, b->len);
        b->head = 0;
        return b->mem + b->len;
    }
    size_t need = b->len + n;
    ASSERT(need >= n);
    size_t cap = b->cap > 64 ? b->cap : 64;
    while (cap < need) {
        cap = cap < ((size_t)1 << 24) ? cap * 2 : cap + cap / 2;
    }
    if (b->mem != NULL && b->head > 0 && b->len > 0) {
        memmove(b->mem, b->mem + b->head, b->len);
    }
    b->head = 0;
    if (cap != b->cap || b->mem == NULL) {
        b->mem = def_realloc(b->mem, cap);
        b->cap = cap;
    }
    return b->mem + b->len;
}

void buf_commit(struct buf *b, size_t n)
{
    ASSERT(b->cap - b->head - b->len >= n);
    b->len += n;
}

void buf_take(struct buf *b, size_t n)
{
    ASSERT(n <= b->len);
    b->head += n;
    b->len -= n;
    if (b->len == 0) {
        b->head = 0;
    }
}

void buf_truncate(struct buf *b, size_t len)
{
    ASSERT(len <= b->len);
    b->len = len;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
    if (n > 0) {
        memcpy(buf_reserve(b, n), p, n);
        b->len += n;
    }
}

void buf_adds(struct buf *b, const char *s)
{
    buf_add(b, s, strlen(s));
}

void buf_addstr(struct buf *b, struct str s)
{
    buf_add(b, s.p, s.n);
}

void buf_addz(struct buf *b, const char *s)
{
    buf_add(b, s, strlen(s) + 1);
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    ASSERT(n >= 0);
    vsnprintf(buf_reserve(b, (size_t)n + 1), (size_t)n + 1, fmt, again);
    va_end(again);
    b->len += (size_t)n;
}

void buf_u8(struct buf *b, uint8_t v)
{
    buf_add(b, &v, 1);
}

void buf_u16(struct buf *b, uint16_t v)
{
    v = __builtin_bswap16(v);
    buf_add(b, &v, sizeof v);
}

void buf_u32(struct buf *b, uint32_t v)
{
    v = __builtin_bswap32(v);
    buf_add(b, &v, sizeof v);
}

void buf_u64(struct buf *b, uint64_t v)
{
    v = __builtin_bswap64(v);
    buf_add(b, &v, sizeof v);
}

void buf_put_u32(struct buf *b, size_t at, uint32_t v)
{
    ASSERT(at + sizeof v <= b->len);
    v = __builtin_bswap32(v);
    memcpy(buf_data(b) + at, &v, sizeof v);
}

const char *buf_cstr(struct buf *b)
{
    *buf_reserve(b, 1) = '\0';
    return buf_data(b);
}

struct str rd_bytes(struct rd *r, size_t n)
{
    if (r->bad || rd_left(r) < n) {
        r->bad = true;
        return STR_NULL;
    }
    struct str s = {(const char *)r->p, n};
    r->p += n;
    return s;
}

uint8_t rd_u8(struct rd *r)
{
    struct str s = rd_bytes(r, 1);
    return s.p != NULL ? (uint8_t)s.p[0] : 0;
}

uint16_t rd_u16(struct rd *r)
{
    uint16_t v = 0;
    struct str s = rd_bytes(r, sizeof v);
    if (s.p != NULL) {
        memcpy(&v, s.p, sizeof v);
    }
    return __builtin_bswap16(v);
}

uint32_t rd_u32(struct rd *r)
{
    uint32_t v = 0;
    struct str s = rd_bytes(r, sizeof v);
    if (s.p != NULL) {
        memcpy(&v, s.p, sizeof v);
    }
    return __builtin_bswap32(v);
}

uint64_t rd_u64(struct rd *r)
{
    uint64_t v = 0;
    struct str s = rd_bytes(r, sizeof v);
    if (s.p != NULL) {
        memcpy(&v, s.p, sizeof v);
    }
    return __builtin_bswap64(v);
}

struct str rd_cstr(struct rd *r)
{
    if (r->bad || rd_left(r) == 0) {
        r->bad = true;
        return STR_NULL;
    }
    const uint8_t *nul = memchr(r->p, 0, rd_left(r));
    if (nul == NULL) {
        r->bad = true;
        return STR_NULL;
    }
    struct str s = {(const char *)r->p, (size_t)(nul - r->p)};
    r->p = nul + 1;
    return s;
}
