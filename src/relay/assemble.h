/* assemble.h - the log lane's frames, put together from pgoutput messages; and the walk over the
 * changes that the events lane needs. Pure: effects go through struct assemble_sink.
 *
 * Feed the messages of a replication stream in order. The assembler follows the transaction, counts
 * ordinals, drops what the log has already (`have`), repeats Begin and Relation where a frame needs
 * them, splits rows above the bound into parts, and hands a frame to the sink when it is full. A
 * frame that is not full stays open until assemble_close: when to close it is the sender's decision.
 *
 *   feed ──▶ [open frame: items … ] ── full, or assemble_close ──▶ sink.frame
 *     └─────▶ every counted change, once, in order ─────────────▶ sink.change
 *
 * Owned by the emitting thread. Memory: one open frame (bound + one relation set) and one parsed
 * relation per captured table. */
#ifndef PARKWAY_RELAY_ASSEMBLE_H
#define PARKWAY_RELAY_ASSEMBLE_H

#include "event/event.h"
#include "event/frame.h"

/* A row above the frame bound travels in parts of this size; fixed, because a part's number must
 * mean the same bytes after a restart. */
enum { ASSEMBLE_PART_BYTES = 256 << 10 };

struct assemble;

/* One counted change. relations: of the row (one), of the truncate (several), none for a message. */
struct assemble_change {
    const struct pgoutput_msg *msg;
    struct event_relation *const *relations;
    size_t relation_count;
    struct position at; /* the place after it */
    struct position
        before;        /* (commit LSN, ordinal - 1): a part number here names a sub-place */
    int64_t commit_us; /* wall time of the commit */
};

struct assemble_sink {
    void *ctx;
    /* A finished frame; body is borrowed until return. Non-zero is passed up by feed. */
    int (*frame)(void *ctx, const struct frame_head *head, struct str body, struct err *e);
    int (*change)(void *ctx, const struct assemble_change *c, struct err *e);
};

struct assemble_options {
    size_t frame_max_bytes;
    uint8_t incarnation[16];
    struct epoch epoch;
    struct position have; /* the log holds everything up to here; the next frame's prev */
};

struct assemble *assemble_new(const struct assemble_options *o,
                              const struct assemble_sink *sink);
void assemble_free(struct assemble *a);

/* assemble_feed - one pgoutput message that the server sent at wal. ERR_PROTOCOL: the stream makes
 * no sense; otherwise what the sink returned. */
NODISCARD int assemble_feed(struct assemble *a, uint64_t wal, struct str msg, struct err *e);
bool assemble_in_transaction(const struct assemble *a);
bool assemble_is_empty(const struct assemble *a); /* no open frame */
/* assemble_close - hand over the open frame, if any. */
NODISCARD int assemble_close(struct assemble *a, struct err *e);
/* assemble_progress - a progress frame up to lsn; only between transactions, with no open frame.
 * Does nothing when the log is there already. */
NODISCARD int assemble_progress(struct assemble *a, uint64_t lsn, struct err *e);
/* assemble_break - a break frame: what lay between from and to is lost. */
NODISCARD int assemble_break(struct assemble *a, struct position from, struct position to,
                             struct err *e);
/* assemble_last - the last place handed to the sink (or `have` at the start). */
struct position assemble_last(const struct assemble *a);
/* assemble_seen_lsn - the LSN that may be released when everything fed so far is safe: the end of
 * the last finished transaction or, inside one, its commit LSN. */
uint64_t assemble_seen_lsn(const struct assemble *a);

#endif
