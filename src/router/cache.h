/* cache.h - a worker's memory of texts: classification by text and by shape, verdict with it, and what
 * a replica refused. One per worker thread, no locks; least recently used goes first. */
#ifndef PARKWAY_ROUTER_CACHE_H
#define PARKWAY_ROUTER_CACHE_H

#include "router/judge.h"
#include "router/shape.h"

struct cache;

struct cache_hit {
    const struct classification
        *text; /* borrowed until the next cache_get; classify_ref to keep */
    const struct judge_verdict *verdict; /* likewise */
    uint64_t
        shape; /* hash to remember refusals under (of the text itself if it has no shape) */
    struct str
        position; /* of a comment parkway.position=…, borrowed from the text given; or p NULL */
};

/* entries_max: of texts, and again of shapes; bytes_max: of keys and classifications together. The
 * thread's stack must have CLASSIFY_STACK_MIN bytes. */
struct cache *cache_new(size_t entries_max, size_t bytes_max);
void cache_free(struct cache *c);
/* cache_get - classification and verdict of a text, made when not there.
 * cat may be NULL (nothing is a read). Verdicts of another catalogue version or scope are made anew. */
void cache_get(struct cache *c, struct str text, const struct catalog *cat,
               const struct judge_scope *scope, struct cache_hit *out);
/* cache_refuse - a replica refused this shape (25006, 42xxx, 0A000): remembered until the catalogue's
 * version changes or the entry is evicted. */
void cache_refuse(struct cache *c, uint64_t shape, uint64_t catalog_version);
bool cache_refused(const struct cache *c, uint64_t shape, uint64_t catalog_version);

struct cache_stats {
    uint64_t text_hits, shape_hits, misses, entries, bytes;
};
void cache_stats(const struct cache *c, struct cache_stats *out);

#endif
