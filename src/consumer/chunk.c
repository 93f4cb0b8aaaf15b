/* chunk.c - see chunk.h. */
#include "consumer/chunk.h"

static uint64_t parts(uint64_t whole, uint64_t each)
{
    return each > 0 ? whole / each + (whole % each != 0) : 1;
}

size_t chunk_wanted(uint64_t rows, uint64_t bytes, uint64_t rows_each, uint64_t bytes_each)
{
    uint64_t by_rows = parts(rows, rows_each);
    uint64_t by_bytes = parts(bytes, bytes_each);
    uint64_t count = by_rows > by_bytes ? by_rows : by_bytes;
    count = rows > 0 && count > rows ? rows : count;
    return count < 1 ? 1 : count > CHUNK_MAX ? CHUNK_MAX : (size_t)count;
}

size_t chunk_regions(const uint64_t *lsns, size_t count, size_t *first)
{
    size_t regions = 0;
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || lsns[i] != lsns[i - 1]) {
            first[regions++] = i;
        }
    }
    return regions;
}

unsigned chunk_held(uint64_t commit_lsn, uint64_t old_lsn, uint64_t neu_lsn)
{
    return (commit_lsn < old_lsn ? CHUNK_OLD : 0u) | (commit_lsn < neu_lsn ? CHUNK_NEW : 0u);
}
