/* chunk.h - the arithmetic of a table that is copied in pieces. Pure.
 *
 * A piece is a range of the table's key and was copied at a position P of its own: its rows are those of the
 * transactions that end at or before P. So a change is to be applied to it only when its transaction ends
 * behind P. Neighbours with the same P are one region. */
#ifndef PARKWAY_CONSUMER_CHUNK_H
#define PARKWAY_CONSUMER_CHUNK_H

#include "base/def.h"

#include <stdint.h>

/* chunk_wanted - into how many pieces a table goes: pieces of about rows_each rows, of wide rows fewer (bytes_each
 * bounds a piece, too), at least one and at most CHUNK_MAX. */
enum { CHUNK_MAX = 10000 };
size_t chunk_wanted(uint64_t rows, uint64_t bytes, uint64_t rows_each, uint64_t bytes_each);

/* chunk_regions - first[i] becomes the number of the first piece of region i; `lsns` are the pieces' positions in the
 * order of the key; first has room for count. Returns the number of regions. */
size_t chunk_regions(const uint64_t *lsns, size_t count, size_t *first);

/* Which halves of a change a copy holds already. */
enum { CHUNK_OLD = 1, CHUNK_NEW = 2 };

/* chunk_held - old_lsn and neu_lsn are the positions of the regions in which the old and the new key lie; of an insert
 * and a delete, and of an update that keeps the key, both are the same. commit_lsn is where the transaction's
 * commit record begins: its end, which counts, is not known before the commit, but no P lies between the two. */
unsigned chunk_held(uint64_t commit_lsn, uint64_t old_lsn, uint64_t neu_lsn);

#endif
