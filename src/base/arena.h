/* arena.h - memory that is given out in small pieces and taken back all at once.
 *
 * For what lives exactly as long as a batch, a request or a transaction: no piece is freed alone.
 * Owner: whoever holds the struct. Allocation never fails (see def.h); callers bound what they ask for
 * and can read how much they hold. Zeroed bytes are a valid, empty arena. */
#ifndef PARKWAY_BASE_ARENA_H
#define PARKWAY_BASE_ARENA_H

#include "base/def.h"

struct arena_block;

struct arena {
    struct arena_block *blocks;
    char *at, *end;    /* what is left of the newest block */
    size_t held_bytes; /* of all blocks */
};

/* arena_alloc - n bytes, aligned for any type, not zeroed; until the next reset. */
void *arena_alloc(struct arena *a, size_t n);
void *arena_zalloc(struct arena *a, size_t n);
/* arena_copy - the bytes of s in the arena (NULL stays NULL). */
struct str arena_copy(struct arena *a, struct str s);
void arena_reset(struct arena *a); /* gives everything back but one ordinary block */
void arena_fini(struct arena *a);

#endif
