/* ahead.c - see ahead.h. */
#include "relay/ahead.h"

void ahead_add(struct ahead *a, uint64_t before_lsn, size_t bytes, uint64_t max_bytes)
{
    uint64_t step = max_bytes / AHEAD_MARKS;
    size_t last = (a->first + a->count - 1) % AHEAD_MARKS;
    if (a->count == 0 || (a->bytes - a->mark[last].bytes >= step && a->count < AHEAD_MARKS)) {
        size_t at = (a->first + a->count++) % AHEAD_MARKS;
        a->mark[at].lsn = before_lsn;
        a->mark[at].bytes = a->bytes;
    }
    a->bytes += bytes;
}

uint64_t ahead_bytes(struct ahead *a, uint64_t applied_lsn, uint64_t last_lsn)
{
    while (a->count > 1 && a->mark[(a->first + 1) % AHEAD_MARKS].lsn <= applied_lsn) {
        a->first = (a->first + 1) % AHEAD_MARKS;
        a->count--;
    }
    if (a->count == 0 || last_lsn <= applied_lsn) {
        return 0;
    }
    return a->bytes - a->mark[a->first].bytes;
}
