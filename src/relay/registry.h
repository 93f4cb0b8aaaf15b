/* registry.h - the relay's place on the primary: publication, slot, the row in parkway.relay, and the
 * replicas in parkway.replicas.
 *
 * Order on a new primary: publication, slot, row. A row whose slot or publication is gone means that
 * history was lost; the row is marked (start_lsn 0/0) before a new slot is made, so that a relay that
 * dies in between still knows that its log needs a break. */
#ifndef PARKWAY_RELAY_REGISTRY_H
#define PARKWAY_RELAY_REGISTRY_H

#include "event/position.h"
#include "pg/conn.h"
#include "pg/repl.h"
#include "relay/gapless.h"

struct registry {
    struct epoch epoch; /* of the primary now */
    uint64_t slot_lsn;  /* the slot's confirmed position */
    uint64_t wal_lsn;   /* the primary's position */
    bool has_incarnation;
    uint8_t incarnation[16]; /* of the log stream, as remembered */
    bool lost;               /* a break is due: slot_lsn starts a new history */
    bool lost_now;           /* found out by this call */
    char why[128];           /* then: what was missing */
    struct gapless events;   /* the last place of parkway.events without a gap, as remembered */
    uint64_t commands_lsn;   /* every command before it was taken; at least slot_lsn */
};

/* How near the slot is to losing its WAL (pg_replication_slots.wal_status). */
enum registry_wal { REGISTRY_RESERVED, REGISTRY_EXTENDED, REGISTRY_UNRESERVED, REGISTRY_LOST };

struct registry_slot {
    enum registry_wal wal;
    uint64_t wal_lsn;    /* the primary's position */
    uint64_t held_bytes; /* between the slot's confirmed position and the primary's */
    int64_t safe_bytes;  /* until the primary removes what the slot needs; -1: no bound */
};

/* registry_open - finds or makes publication, slot and row. replace: the present slot is of no use
 * any more (its history cannot be decoded). ERR_NOT_FOUND with a hint when schema parkway is not
 * there; otherwise as in conn.h. */
NODISCARD int registry_open(struct registry *out, struct conn *c, struct repl *r, bool replace,
                            struct err *e);
/* registry_settle - remembers start, epoch and incarnation (at the start, and after a break). */
NODISCARD int registry_settle(struct conn *c, struct epoch epoch, uint64_t start_lsn,
                              const uint8_t incarnation[16], struct err *e);
NODISCARD int registry_incarnation(struct conn *c, const uint8_t incarnation[16],
                                   struct err *e);
/* registry_events - remembers the last place of parkway.events without a gap. */
NODISCARD int registry_events(struct conn *c, const struct gapless *g, struct err *e);
/* registry_skip - gives up the history before lsn: marks the row and moves the slot, which nobody
 * may be reading. The next session writes a break. *at: where the slot stands then. */
NODISCARD int registry_skip(struct conn *c, uint64_t lsn, uint64_t *at, struct err *e);
/* registry_replicas - names, one row each; free with rows_free. */
NODISCARD int registry_replicas(struct conn *c, struct rows **out, struct err *e);
/* registry_slot - how the slot stands now. ERR_NOT_FOUND: there is none. */
NODISCARD int registry_slot(struct conn *c, struct registry_slot *out, struct err *e);
/* registry_remember - what the next start and parkway status need. */
NODISCARD int registry_remember(struct conn *c, uint64_t commands_lsn, int64_t wal_growth,
                                struct err *e);
/* registry_beat - commits a message that says nothing: its way to the replicas is measured. */
NODISCARD int registry_beat(struct conn *c, struct err *e);
/* registry_report - writes what a replica has applied. */
NODISCARD int registry_report(struct conn *c, const char *name, struct epoch epoch,
                              uint64_t lsn, struct err *e);

#endif
