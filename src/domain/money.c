/* money.c - see money.h. */
#include "domain/money.h"

#include <inttypes.h>
#include <stdio.h>

enum { DECIMALS = 2, CENTS = 100 };

/* Appends decimal digits to *v; how many there were. More than MONEY_MOST stays more. */
static size_t digits(struct str s, size_t at, int64_t *v)
{
    size_t n = 0;
    while (at + n < s.n && s.p[at + n] >= '0' && s.p[at + n] <= '9') {
        if (*v <= MONEY_MOST) {
            *v = *v * 10 + (s.p[at + n] - '0');
        }
        n++;
    }
    return n;
}

bool money_parse(struct str text, int64_t *cents)
{
    int64_t v = 0;
    size_t at = digits(text, 0, &v);
    size_t decimals = 0;
    if (at == 0) {
        return false;
    }
    if (at < text.n && text.p[at] == '.') {
        decimals = digits(text, ++at, &v);
        if (decimals == 0 || decimals > DECIMALS) {
            return false;
        }
        at += decimals;
    }
    for (; decimals < DECIMALS && v <= MONEY_MOST; decimals++) {
        v *= 10;
    }
    if (at != text.n || v > MONEY_MOST) {
        return false;
    }
    *cents = v;
    return true;
}

void money_text(int64_t cents, char out[MONEY_TEXT_MAX])
{
    ASSERT(cents >= 0);
    snprintf(out, MONEY_TEXT_MAX, "%" PRId64 ".%02d", cents / CENTS, (int)(cents % CENTS));
}

bool money_add(int64_t *sum, int64_t quantity, int64_t price)
{
    int64_t part;
    if (__builtin_mul_overflow(quantity, price, &part) || part > MONEY_MOST - *sum) {
        return false;
    }
    *sum += part;
    return true;
}
