/* orderref.c - see orderref.h. The three shapes have no text in common: a number has no '-', a public id begins with ORD-,
 * and a uuid has its dashes elsewhere. A number beyond bigint is no number of an order. */
#include "domain/orderref.h"

#include <stdio.h>

enum { DIGITS_LEAST = 5, DIGITS_MOST = 12, DRAWS_SHORT = 4, NUMBER_DIGITS = 19 };

static const char prefix[] = "ORD-";

bool orderref_is_number(struct str s)
{
    static const char most[] = "9223372036854775807";
    while (s.n > 1 && s.p[0] == '0') {
        s = (struct str){s.p + 1, s.n - 1};
    }
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') {
            return false;
        }
    }
    return s.n > 0 && (s.n < NUMBER_DIGITS ||
                       (s.n == NUMBER_DIGITS && memcmp(s.p, most, NUMBER_DIGITS) <= 0));
}

static bool is_public(struct str s)
{
    size_t n = sizeof prefix - 1;
    if (s.n < n + DIGITS_LEAST || s.n > n + DIGITS_MOST || memcmp(s.p, prefix, n) != 0) {
        return false;
    }
    for (size_t i = n; i < s.n; i++) {
        if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'A' && s.p[i] <= 'F'))) {
            return false;
        }
    }
    return true;
}

bool orderref_parse(struct str text, struct orderref *out)
{
    uint8_t uuid[16];
    out->value = text;
    if (text.p == NULL) {
        return false;
    }
    if (orderref_is_number(text)) {
        out->kind = ORDERREF_NUMBER;
        out->column = "order_id";
    } else if (is_public(text)) {
        out->kind = ORDERREF_PUBLIC;
        out->column = "public_id";
    } else if (uuid_parse(text, uuid)) {
        out->kind = ORDERREF_TRACKING;
        out->column = "tracking_id";
    } else {
        return false;
    }
    return true;
}

int orderref_read(struct str text, struct orderref *out, struct err *e)
{
    return orderref_parse(text, out)
               ? 0
               : err_set(e, ERR_INVALID,
                         "an order is named by its number, its public id (ORD-…) or its "
                         "tracking id (a uuid)");
}

int orderref_missing(struct str text, struct err *e)
{
    return err_set(e, ERR_NOT_FOUND, "order not found: %.*s", STR_ARG(text));
}

void orderref_draw(unsigned draw, char out[ORDERREF_PUBLIC_MAX])
{
    unsigned digits = DIGITS_LEAST + (draw < DRAWS_SHORT ? 0 : draw - DRAWS_SHORT + 1);
    digits = digits < DIGITS_MOST ? digits : DIGITS_MOST;
    uint64_t drawn = rand_u64() >> (64 - 4 * digits);
    snprintf(out, ORDERREF_PUBLIC_MAX, "%s%0*llX", prefix, (int)digits,
             (unsigned long long)drawn);
}
