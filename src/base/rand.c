/* rand.c - see rand.h. */
#include "base/rand.h"

#include <errno.h>
#include <sys/random.h>

void rand_bytes(void *out, size_t n)
{
    char *p = out;
    while (n > 0) {
        ssize_t got = getrandom(p, n, 0);
        if (got < 0) {
            ASSERT(errno == EINTR);
            continue;
        }
        p += got;
        n -= (size_t)got;
    }
}

uint64_t rand_u64(void)
{
    uint64_t v;
    rand_bytes(&v, sizeof v);
    return v;
}

void uuid_make(uint8_t out[16])
{
    rand_bytes(out, 16);
    out[6] = (uint8_t)((out[6] & 0x0f) | 0x40);
    out[8] = (uint8_t)((out[8] & 0x3f) | 0x80);
}

static bool dash_at(size_t i)
{
    return i == 8 || i == 13 || i == 18 || i == 23;
}

void uuid_text(const uint8_t uuid[16], char *out)
{
    static const char hex[] = "0123456789abcdef";
    size_t at = 0;
    for (size_t i = 0; i < 16; i++) {
        if (dash_at(at)) {
            out[at++] = '-';
        }
        out[at++] = hex[uuid[i] >> 4];
        out[at++] = hex[uuid[i] & 15];
    }
    out[at] = '\0';
}

static int nibble(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool uuid_parse(struct str s, uint8_t out[16])
{
    if (s.n != 36) {
        return false;
    }
    uint8_t uuid[16];
    size_t n = 0;
    for (size_t i = 0; i < 36;) {
        if (dash_at(i)) {
            if (s.p[i++] != '-') {
                return false;
            }
            continue;
        }
        int hi = nibble(s.p[i]);
        int lo = nibble(s.p[i + 1]);
        if (hi < 0 || lo < 0) {
            return false;
        }
        uuid[n++] = (uint8_t)(hi << 4 | lo);
        i += 2;
    }
    memcpy(out, uuid, sizeof uuid);
    return true;
}
