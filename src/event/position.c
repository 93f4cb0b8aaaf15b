/* position.c - see position.h. */
#include "event/position.h"

#include <inttypes.h>
#include <stdio.h>

int epoch_cmp(struct epoch a, struct epoch b)
{
    if (a.system != b.system) {
        return 2;
    }
    return a.timeline < b.timeline ? -1 : a.timeline > b.timeline;
}

int position_cmp(struct position a, struct position b)
{
    if (a.lsn != b.lsn) {
        return a.lsn < b.lsn ? -1 : 1;
    }
    if (a.ordinal != b.ordinal) {
        return a.ordinal < b.ordinal ? -1 : 1;
    }
    return a.part < b.part ? -1 : a.part > b.part;
}

void lsn_text(uint64_t lsn, char *out)
{
    snprintf(out, POSITION_TEXT_MAX, "%" PRIX32 "/%" PRIX32, (uint32_t)(lsn >> 32),
             (uint32_t)lsn);
}

void epoch_text(struct epoch e, char *out)
{
    snprintf(out, POSITION_TEXT_MAX, "%016" PRIx64 ".%" PRIu32, e.system, e.timeline);
}

void position_text(struct position p, char *out)
{
    int n =
        snprintf(out, POSITION_TEXT_MAX, "%016" PRIx64 ".%" PRIu32 ":%" PRIX32 "/%" PRIX32,
                 p.epoch.system, p.epoch.timeline, (uint32_t)(p.lsn >> 32), (uint32_t)p.lsn);
    if (p.ordinal > 0 || p.part > 0) {
        n += snprintf(out + n, (size_t)(POSITION_TEXT_MAX - n), "/%" PRIu64, p.ordinal);
    }
    if (p.part > 0) {
        snprintf(out + n, (size_t)(POSITION_TEXT_MAX - n), "/%" PRIu32, p.part);
    }
}

/* One number from the front of s: digits_max digits at most, all of `base`; moves s behind them. */
static bool number(struct str *s, unsigned base, bool lower_only, size_t digits_max,
                   uint64_t max, uint64_t *out)
{
    uint64_t v = 0;
    size_t n = 0;
    for (; n < s->n; n++) {
        char c = s->p[n];
        unsigned d;
        if (c >= '0' && c <= '9') {
            d = (unsigned)(c - '0');
        } else if (c >= 'a' && c <= 'f') {
            d = (unsigned)(c - 'a') + 10;
        } else if (c >= 'A' && c <= 'F' && !lower_only) {
            d = (unsigned)(c - 'A') + 10;
        } else {
            break;
        }
        if (d >= base) {
            break;
        }
        if (n == digits_max || v > (UINT64_MAX - d) / base) {
            return false;
        }
        v = v * base + d;
    }
    if (n == 0 || v > max) {
        return false;
    }
    *s = (struct str){s->p + n, s->n - n};
    *out = v;
    return true;
}

static bool skip(struct str *s, char c)
{
    if (s->n == 0 || s->p[0] != c) {
        return false;
    }
    *s = (struct str){s->p + 1, s->n - 1};
    return true;
}

static bool take_lsn(struct str *s, uint64_t *out)
{
    uint64_t hi;
    uint64_t lo;
    if (!number(s, 16, false, 8, UINT32_MAX, &hi) || !skip(s, '/') ||
        !number(s, 16, false, 8, UINT32_MAX, &lo)) {
        return false;
    }
    *out = hi << 32 | lo;
    return true;
}

static bool take_epoch(struct str *s, struct epoch *out)
{
    struct str before = *s;
    uint64_t system;
    uint64_t timeline;
    if (!number(s, 16, true, 16, UINT64_MAX, &system) || before.n - s->n != 16 ||
        !skip(s, '.') || !number(s, 10, false, 10, UINT32_MAX, &timeline) || timeline == 0) {
        return false;
    }
    *out = (struct epoch){system, (uint32_t)timeline};
    return true;
}

bool lsn_parse(struct str s, uint64_t *out)
{
    uint64_t v;
    if (!take_lsn(&s, &v) || s.n != 0) {
        return false;
    }
    *out = v;
    return true;
}

bool epoch_parse(struct str s, struct epoch *out)
{
    struct epoch v;
    if (!take_epoch(&s, &v) || s.n != 0) {
        return false;
    }
    *out = v;
    return true;
}

bool position_parse(struct str s, struct position *out)
{
    struct position v = {0};
    if (s.n > 0 && memchr(s.p, ':', s.n) != NULL) {
        if (!take_epoch(&s, &v.epoch) || !skip(&s, ':')) {
            return false;
        }
    }
    if (!take_lsn(&s, &v.lsn)) {
        return false;
    }
    if (skip(&s, '/')) {
        uint64_t part = 0;
        if (!number(&s, 10, false, 20, UINT64_MAX, &v.ordinal) ||
            (skip(&s, '/') && !number(&s, 10, false, 10, UINT32_MAX, &part))) {
            return false;
        }
        v.part = (uint32_t)part;
    }
    if (s.n != 0) {
        return false;
    }
    *out = v;
    return true;
}
