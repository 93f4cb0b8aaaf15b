/* arena.c - see arena.h. Blocks of one size; what is larger gets a block of its own. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdlib.h>

enum { BLOCK_BYTES = 64 * 1024 };

struct arena_block {
    struct arena_block *next;
    size_t size;
    alignas(max_align_t) char bytes[];
};

static struct arena_block *block_new(struct arena *a, size_t size)
{
    struct arena_block *b = def_alloc(sizeof *b + size);
    b->size = size;
    b->next = a->blocks;
    a->blocks = b;
    a->held_bytes += size;
    return b;
}

void *arena_alloc(struct arena *a, size_t n)
{
    enum { ALIGN = alignof(max_align_t) };
    size_t size = (n + ALIGN - 1) / ALIGN * ALIGN;
    ASSERT(size >= n);
    if (size > (size_t)(a->end - a->at)) {
        if (size > BLOCK_BYTES / 4) {
            return block_new(a, size)->bytes;
        }
        struct arena_block *b = block_new(a, BLOCK_BYTES);
        a->at = b->bytes;
        a->end = b->bytes + b->size;
    }
    void *p = a->at;
    a->at += size;
    return p;
}

void *arena_zalloc(struct arena *a, size_t n)
{
    return memset(arena_alloc(a, n), 0, n);
}

struct str arena_copy(struct arena *a, struct str s)
{
    if (s.p == NULL) {
        return STR_NULL;
    }
    char *p = arena_alloc(a, s.n);
    if (s.n > 0) {
        memcpy(p, s.p, s.n);
    }
    return (struct str){p, s.n};
}

void arena_reset(struct arena *a)
{
    struct arena_block *keep = NULL;
    while (a->blocks != NULL) {
        struct arena_block *b = a->blocks;
        a->blocks = b->next;
        if (keep == NULL && b->size == BLOCK_BYTES) {
            keep = b;
        } else {
            free(b);
        }
    }
    *a = (struct arena){0};
    if (keep != NULL) {
        keep->next = NULL;
        a->blocks = keep;
        a->held_bytes = keep->size;
        a->at = keep->bytes;
        a->end = keep->bytes + keep->size;
    }
}

void arena_fini(struct arena *a)
{
    arena_reset(a);
    free(a->blocks);
    *a = (struct arena){0};
}
