/* pattern.c - see pattern.h. */
#include "event/pattern.h"

/* The first word of s, which becomes the rest; more: another one follows. */
static struct str word(struct str *s, bool *more)
{
    const char *dot = s->n > 0 ? memchr(s->p, '.', s->n) : NULL;
    struct str w = {s->p, dot != NULL ? (size_t)(dot - s->p) : s->n};
    *more = dot != NULL;
    s->p += w.n + (dot != NULL);
    s->n -= w.n + (dot != NULL);
    return w;
}

/* Word by word; at a # the place is remembered, and when the rest does not fit, the # takes one word more. So
 * the time is at most the product of the lengths. */
bool pattern_match(struct str pattern, struct str key)
{
    struct str behind = {NULL, 0}; /* of the last #, and the key's rest that it has not taken */
    struct str rest = {NULL, 0};
    bool more_pattern = true;
    bool more_key = true;
    bool hash = false;
    bool behind_more = false;
    bool rest_more = false;
    while (more_pattern || more_key) {
        bool next_pattern = false;
        bool next_key = false;
        struct str p = pattern;
        struct str k = key;
        struct str one = more_pattern ? word(&p, &next_pattern) : STR_NULL;
        if (more_pattern && str_eq(one, STR("#"))) {
            hash = true;
            behind = p;
            behind_more = next_pattern;
            rest = key;
            rest_more = more_key;
            pattern = p;
            more_pattern = next_pattern;
            continue;
        }
        struct str other = more_key ? word(&k, &next_key) : STR_NULL;
        if (more_pattern && more_key && (str_eq(one, STR("*")) || str_eq(one, other))) {
            pattern = p;
            more_pattern = next_pattern;
            key = k;
            more_key = next_key;
            continue;
        }
        if (!hash || !rest_more) {
            return false;
        }
        (void)word(&rest, &rest_more);
        pattern = behind;
        more_pattern = behind_more;
        key = rest;
        more_key = rest_more;
    }
    return true;
}
