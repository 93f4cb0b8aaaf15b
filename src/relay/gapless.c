/* gapless.c - see gapless.h. */
#include "relay/gapless.h"

#include <stdio.h>

void gapless_set(struct gapless *g, struct str run, uint64_t seq, int64_t offset,
                 struct position at)
{
    *g = (struct gapless){.known = true, .seq = seq, .offset = offset, .at = at};
    snprintf(g->run, sizeof g->run, "%.*s", STR_ARG(run));
}

void gapless_feed(struct gapless *g, struct str run, uint64_t seq, int64_t offset,
                  struct position at)
{
    bool same = g->known && str_eq(run, str_of(g->run));
    if (g->gap || offset <= g->offset || (same && seq <= g->seq)) {
        return;
    }
    if (seq != (same ? g->seq + 1 : 1)) {
        g->gap = true;
        return;
    }
    gapless_set(g, run, seq, offset, at);
}

bool gapless_reaches(const struct gapless *g, struct str run, uint64_t seq, int64_t offset)
{
    return g->known && !g->gap && str_eq(run, str_of(g->run)) && seq >= g->seq &&
           offset >= g->offset && seq - g->seq == (uint64_t)(offset - g->offset);
}
