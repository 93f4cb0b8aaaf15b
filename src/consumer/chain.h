/* chain.h - is this frame the next piece of history? A pure decision.
 *
 * Frames name the place before them (prev) and after them (last). A consumer whose applied history
 * ends at `at` can use a frame iff prev <= at < last within one epoch; everything else is a repeat, a
 * hole, damage, or an end of the log's continuity (a break). What follows from a verdict:
 *
 *   ACCEPT   apply what lies behind `at`
 *   REPEAT   skip; nothing in it is new
 *   HOLE     discard, with all that follows until a frame fits; read again from the stream's first
 *            frame, then ask for a resend
 *   DAMAGE   as a hole: the frame cannot be used, so what it held is missing
 *   BREAK    history between `from` and the frame's last place never reaches this log, or the log
 *            continues in another epoch: the replica must be compared with the primary
 *   UNKNOWN  a log version that this program does not read: stop and say so
 *
 * new_stream is set beside ACCEPT when the frame belongs to another incarnation of the stream than
 * the one followed: positions still fit, but offsets remembered of the old one mean nothing. */
#ifndef PARKWAY_CONSUMER_CHAIN_H
#define PARKWAY_CONSUMER_CHAIN_H

#include "event/frame.h"

enum chain_verdict {
    CHAIN_ACCEPT,
    CHAIN_REPEAT,
    CHAIN_HOLE,
    CHAIN_DAMAGE,
    CHAIN_BREAK,
    CHAIN_UNKNOWN,
};

struct chain_choice {
    enum chain_verdict verdict;
    bool new_stream;
    const char *reason; /* static, for logs */
};

/* chain_decide - at: where the applied history ends; an epoch with timeline 0 means any (a replica that
 * has never applied anything takes the epoch of its first frame). incarnation: of the stream followed,
 * or NULL when none is. decoded: what frame_decode returned; h is read only when it is 0. */
struct chain_choice chain_decide(struct position at, const uint8_t *incarnation, int decoded,
                                 const struct frame_head *h);

/* What to do about missing frames. */
enum chain_remedy {
    CHAIN_WAIT,   /* nothing yet: a remedy is under way */
    CHAIN_REREAD, /* read the stream again from its first frame */
    CHAIN_RESEND, /* ask the relay to send again */
};

enum {
    CHAIN_RESEND_FIRST_MS = 1000, /* a resend takes the relay a reconnect */
    CHAIN_RESEND_MAX_MS = 30000,
};

/* The state of a hole; zeroed: no hole. */
struct chain_hole {
    bool open;
    unsigned resends; /* asked for since it opened */
    int64_t asked_us; /* when the last one was */
};

/* chain_remedy - from_first: the present reading began at the stream's first frame. Counts a resend that
 * it orders. */
enum chain_remedy chain_remedy(struct chain_hole *hole, bool from_first, int64_t now_us);

#endif
