/* frame.h - one message of parkway.log: a run of the decoded WAL, chained to the one before.
 *
 * The body is a fixed header and then items, all integers big-endian:
 *
 *   magic u32 "PKWF" | version u8 = 1 | kind u8 | flags u16 | incarnation 16 bytes |
 *   system u64 | timeline u32 |
 *   prev  (lsn u64, ordinal u64, part u32) | first (same) | last (same) |
 *   send time i64 (us since 1970, the relay's clock) | item count u32 | payload length u32 |
 *   crc32 u32 over header (this field 0) and payload
 *   item = length u32 | flags u8 | WAL position u64 (XLogData's start) | pgoutput message unchanged
 *
 * kind DATA: items are pgoutput messages (Begin, Relation, Type, Insert, Update, Delete, Truncate,
 * Message, Commit) of one or more whole or partial transactions in commit order. A frame can be
 * read without the ones before: when it starts inside a transaction, its first item is that
 * transaction's Begin again (item flag REPEAT), and Relation messages needed by its rows are repeated (REPEAT)
 * before their first use. Repeats do not count as ordinals. A row larger than the frame bound is
 * split: items with flag MORE are followed, in the next frame after its repeats, by an item with flag CONT (both
 * set in the middle).
 * kind PROGRESS: no items; history holds nothing for replicas between prev and last.
 * kind BREAK: no items; what lay between prev and last is lost to the log (see the architecture).
 *
 * prev is the last position of the frame before; first the position of the first change (or commit)
 * included, last the place after it. A consumer at cursor c of the same epoch accepts a frame iff
 * prev <= c < last, and skips what lies at or before c. AMQP properties repeat nothing of this
 * except type = "parkway.frame" and, for people, message_id = position_text(last).
 *
 * Pure encode/decode; owns nothing; decoded items borrow the body. */
#ifndef PARKWAY_EVENT_FRAME_H
#define PARKWAY_EVENT_FRAME_H

#include "base/buf.h"
#include "base/err.h"
#include "event/position.h"

enum frame_kind { FRAME_DATA = 1, FRAME_PROGRESS = 2, FRAME_BREAK = 3 };
enum { FRAME_HEADER_SIZE = 116 };
enum { FRAME_ITEM_REPEAT = 1, FRAME_ITEM_MORE = 2, FRAME_ITEM_CONT = 4 };

struct frame_head {
    enum frame_kind kind;
    uint8_t incarnation[16]; /* of the stream; a new random one when the stream was made anew */
    struct epoch epoch;
    struct position
        prev; /* .epoch of the three equals epoch, except prev.epoch of a BREAK is */
    struct position first; /* not carried: a break starts its epoch */
    struct position last;
    int64_t sent_us;
    uint32_t item_count;
};

struct frame_item {
    uint8_t flags;
    uint64_t wal;
    struct str msg; /* the pgoutput message, type byte first; a fragment when MORE or CONT */
};

/* Writing: frame_begin reserves the header in out (which must be empty), frame_add appends an
 * item, frame_end fills header and checksum. */
void frame_begin(struct buf *out);
void frame_add(struct buf *out, uint8_t flags, uint64_t wal, struct str msg);
void frame_end(struct buf *out, struct frame_head *head); /* sets head->item_count */

/* frame_decode - header and checksum. 0; ERR_DAMAGED (magic, length, checksum, order of the
 * positions) or ERR_PROTOCOL (a version this program does not know). Borrows body. */
NODISCARD int frame_decode(struct str body, struct frame_head *head, struct rd *items,
                           struct err *e);
/* frame_next - the next item; false at the end. Lengths were checked by frame_decode. */
bool frame_next(struct rd *items, struct frame_item *it);

#endif
