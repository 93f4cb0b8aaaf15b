/* claim.h - which of several relays is at work.
 *
 * Two locks:
 *
 *   the slot     nobody else can read from it while a walsender is on it. It is waited for first, and taken last,
 *                when the stream begins. The primary frees it relay.sender_timeout_ms after the active relay's last
 *                word, half-open connections included.
 *   the log      an exclusive queue <log.stream>.relay of the publishing connection. The broker frees it when
 *                that connection ends, or has been silent for two to three heartbeats of a second.
 *
 * The second one is the fence: a relay that was stopped and wakes up after its slot is gone could still
 * publish what it holds in memory. While its connection can, nobody else gets the lock; once somebody
 * has it, that connection is closed. So the ends of the streams, read under this one, are final.
 *
 * A relay that has one of them and not the other gives it back, so two that start at once cannot wait for
 * each other. */
#ifndef PARKWAY_RELAY_CLAIM_H
#define PARKWAY_RELAY_CLAIM_H

#include "mq/link.h"
#include "pg/conn.h"

enum { CLAIM_HEARTBEAT_S = 1 };

/* claim_slot - *pid: the walsender that reads from the slot at this moment; 0: none does (or there is
 * no slot yet). */
NODISCARD int claim_slot(struct conn *primary, int *pid, struct err *e);
/* claim_log - opens the publishing link with the lock on it. ERR_CONFLICT: another relay has it. */
NODISCARD int claim_log(struct link **publisher, unsigned *turn, struct err *e);

#endif
