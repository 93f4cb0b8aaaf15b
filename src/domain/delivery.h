/* delivery.h - the riders: food that is ready is picked up, and delivered.
 *
 *      PICKEDUP --> COMPLETED
 *
 * A delivery begins when a rider picks the order up. Thread: the caller's, over its database handle. */
#ifndef PARKWAY_DOMAIN_DELIVERY_H
#define PARKWAY_DOMAIN_DELIVERY_H

#include "domain/db.h"

/* delivery_pick_up - that order, or (p NULL) every one that is READY on the primary, is picked up by a rider drawn for it, with the
 * fact DELIVERY_PICKEDUP. An order is picked up once. *out: a row for each that changed, order's number and the delivery's
 * state, by number; without ref perhaps none. To be freed with result_free. ERR_NOT_FOUND, ERR_INVALID (ref is none),
 * ERR_CONFLICT: the order is not READY, or has been picked up. */
NODISCARD int delivery_pick_up(struct db *db, struct str ref, struct result **out,
                               struct err *e);
/* delivery_complete - the delivery of that order, or (p NULL) every one that is PICKEDUP, becomes COMPLETED, with the fact
 * DELIVERY_COMPLETED. *out and errors as above. */
NODISCARD int delivery_complete(struct db *db, struct str ref, struct result **out,
                                struct err *e);

#endif
