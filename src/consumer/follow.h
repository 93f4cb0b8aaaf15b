/* follow.h - follows the log: judges each frame, fills the batch, decides when it is written.
 *
 *   receive ──▶ frame_decode, chain_decide ──▶ batch ──▶ apply ──▶ replica
 *                    │ hole, damage: read from the first frame, then ask for a resend
 *                    │ break: the cursor's state becomes resync, the tables are compared with the primary
 *
 * A batch is committed when the log has no more at hand or it has reached its bound (right after a large
 * one it waits up to 10 ms for company: a backlog or a high rate comes in pieces); inside a source
 * transaction it is only written (into the open replica transaction) when it has. All state of one
 * connection to the replica; whatever fails, the caller closes it and begins again from the cursor.
 * Thread: the consumer's. */
#ifndef PARKWAY_CONSUMER_FOLLOW_H
#define PARKWAY_CONSUMER_FOLLOW_H

#include "consumer/announce.h"
#include "consumer/apply.h"
#include "consumer/chain.h"
#include "consumer/consumer_conf.h"
#include "consumer/receive.h"
#include "consumer/report.h"
#include "consumer/reapply.h"

struct follow {
    const struct consumer_conf *conf;
    struct receive *receive; /* borrowed */
    struct report *report;   /* borrowed */
    struct conn *db;
    struct cursor cursor;
    struct park park;
    struct apply apply;
    struct reapply reapply;
    struct batch batch;
    struct announce announce;

    struct chain_hole hole;
    bool from_first;   /* the present reading began at the stream's first frame */
    int64_t silent_us; /* when the subscription began that has brought no frame; 0: it has */
    bool has_frame;    /* the newest frame that was understood: */
    uint64_t frame_offset;
    uint8_t incarnation[16];
    uint64_t newest_lsn; /* of any frame received */
    int64_t newest_sent_us;

    /* company: after a large commit the next one waits a moment for more of the log */
    uint64_t last_rows; /* of the last commit */
    int64_t last_us;    /* when it was */
    int64_t waiting_us; /* since when there is something to commit; 0: nothing */

    uint64_t settle_lsn; /* of a copy ahead of the cursor (cursor_settle); 0: none */

    /* which position is durable on the replica */
    struct position durable_at; /* will be when flushed reaches durable_lsn */
    uint64_t durable_lsn;       /* of the replica's own WAL; 0: nothing awaited */
    struct position reported;
    bool any_reported;
    int64_t flush_checked_us;
};

void follow_init(struct follow *f, struct receive *receive, struct report *report,
                 const struct mirrors *mirrors);
void follow_fini(struct follow *f);
/* follow_start - takes over an open connection (closed by follow_stop) and reads from the cursor on. */
NODISCARD int follow_start(struct follow *f, struct conn *db, struct err *e);
void follow_stop(struct follow *f);
/* follow_turn - one event of the log, or what to do while there is none; waits at most 100 ms.
 * ERR_LOST: a break, saved in the cursor as state resync, and consumer.auto_resync is off. */
NODISCARD int follow_turn(struct follow *f, struct err *e);

#endif
