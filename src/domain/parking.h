/* parking.h - parking slots: create, list, details, update with their state machine.
 *
 *              +------------------------------+
 *              v                              |
 *          available ------> blocked ------> reserved      A slot is created in any of the three.
 *            |  ^              |                ^           Setting the present status again changes
 *            |  +--------------+                |           nothing and makes no event.
 *            +----------------------------------+
 *
 * All functions run on the caller's thread over its database handle. Texts are UTF-8 without NUL; the
 * functions check what they are given. */
#ifndef PARKWAY_DOMAIN_PARKING_H
#define PARKWAY_DOMAIN_PARKING_H

#include "base/rand.h"
#include "domain/db.h"

enum parking_status {
    PARKING_AVAILABLE,
    PARKING_BLOCKED,
    PARKING_RESERVED,
    PARKING_STATUS_COUNT
};

/* parking_status_parse - false when s is none of the three words. */
bool parking_status_parse(struct str s, enum parking_status *out);
const char *parking_status_text(enum parking_status s);
/* parking_may_change - whether the machine has this transition; from == to is none. Pure. */
bool parking_may_change(enum parking_status from, enum parking_status to);

struct parking_slot {
    struct str uuid, name, status;
};
/* parking_at - row i of a result of the functions below; borrows rows. */
struct parking_slot parking_at(const struct result *rows, size_t i);

/* parking_create - one new slot, committed when this returns 0 (unless the caller has a transaction
 * open). name and status are borrowed, also by *out; status p NULL is "available"; the new slot's
 * uuid goes into uuid. ERR_INVALID: name empty or no UTF-8 text, status unknown. A connection lost in the
 * middle is opened again for up to 5 s and the insert repeated under the same uuid; ERR_CLOSED:
 * even so the outcome is unknown. */
NODISCARD int parking_create(struct db *db, struct str name, struct str status,
                             char uuid[UUID_TEXT_MAX], struct parking_slot *out, struct err *e);
/* parking_list - every slot, by name, then uuid. *out must be freed. fresh may be NULL. */
NODISCARD int parking_list(struct db *db, const struct db_freshness *fresh, struct result **out,
                           struct err *e);
/* parking_details - one row; ERR_NOT_FOUND "parking slot not found: <uuid>". */
NODISCARD int parking_details(struct db *db, const struct db_freshness *fresh, struct str uuid,
                              struct result **out, struct err *e);
/* parking_update - new name, new status or both (p NULL: leave it); at least one. *out is the slot
 * afterwards. ERR_INVALID, ERR_NOT_FOUND; ERR_CONFLICT: the machine has no such transition, nothing
 * was changed. */
NODISCARD int parking_update(struct db *db, struct str uuid, struct str name, struct str status,
                             struct result **out, struct err *e);

#endif
