/* batch.h - from accepted frames to changes of whole transactions, in memory.
 *
 * A batch holds what was read and not yet written to the replica: changes in source order, pointing into
 * the frames they came in, which it owns. It also knows the place up to which everything was read
 * (`at`), inside a transaction too, so that repeats and overlaps are skipped change by change; and it
 * puts rows that travel in parts together. A message on which the consumer acts (notice.h) is a change
 * like any other, at its place. Thread: the consumer's. */
#ifndef PARKWAY_CONSUMER_BATCH_H
#define PARKWAY_CONSUMER_BATCH_H

#include "consumer/relation.h"
#include "event/frame.h"

enum batch_kind { BATCH_ROW, BATCH_TRUNCATE, BATCH_MESSAGE };

struct batch_change {
    enum batch_kind kind;
    struct relation *relation; /* of BATCH_ROW */
    struct str msg;            /* pgoutput */
    uint64_t commit_lsn;
    uint64_t ordinal;
    int64_t commit_us; /* since 1970 */
    uint32_t xid;      /* of the source transaction */
    uint32_t shape;    /* changes of different numbers must not share a plan */
    uint8_t held; /* CHUNK_OLD, CHUNK_NEW: halves that the table's copy has (start_judge) */
};

struct batch_block;

struct batch {
    const struct mirrors *mirrors; /* borrowed */
    struct relations relations;
    struct position at;
    struct batch_change *changes;
    size_t count, cap;
    struct batch_block *blocks;
    size_t bytes;          /* of the blocks */
    uint64_t transactions; /* completed since the last batch_clear */
    int64_t commit_us;     /* of the newest transaction completed */
    /* the transaction being read */
    uint64_t commit_lsn;
    uint64_t ordinal;
    uint32_t part;
    int64_t begin_us;
    uint32_t xid;
    struct buf partial; /* the parts so far of a row in parts */
    bool partial_open;
};

void batch_init(struct batch *b, const struct mirrors *mirrors);
void batch_fini(struct batch *b);
/* batch_restart - forgets everything and continues from at. */
void batch_restart(struct batch *b, struct position at);
/* batch_feed - an accepted frame: items as frame_decode gave them, mem the allocation they lie in, which
 * the batch takes. ERR_DAMAGED or ERR_PROTOCOL: the frame cannot be understood; what it gave before
 * the fault stays. */
NODISCARD int batch_feed(struct batch *b, const struct frame_head *h, struct rd items,
                         void *mem, size_t mem_size, struct err *e);
/* batch_put - one row change that was kept elsewhere, of the version r of its table; msg is copied. */
void batch_put(struct batch *b, struct relation *r, struct str msg, const struct position *at,
               int64_t commit_us);
/* batch_inside - `at` lies inside a transaction: what is here must not be committed yet. */
bool batch_inside(const struct batch *b);
/* batch_drop_part - forgets the parts of an unfinished row: they will be read again. */
void batch_drop_part(struct batch *b);
/* batch_clear - the changes were written: forgets them, keeps the place. */
void batch_clear(struct batch *b);

#endif
