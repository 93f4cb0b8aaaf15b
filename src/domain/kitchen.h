/* kitchen.h - the cooks: food that is being prepared becomes ready. A cook begins with the saga's command PREPARE_FOOD.
 *
 *      PREPARING --> READY       (CANCELLED: the saga's CANCEL_COOK)
 *
 * Thread: the caller's, over its database handle. */
#ifndef PARKWAY_DOMAIN_KITCHEN_H
#define PARKWAY_DOMAIN_KITCHEN_H

#include "domain/db.h"

/* kitchen_ready - the cook of that order (p NULL: the oldest one that is PREPARING) becomes READY, with the fact KITCHEN_READY. *out:
 * a row for each one that changed, order's number and state; without ref perhaps none. To be freed with result_free.
 * ERR_NOT_FOUND, ERR_INVALID (ref is none), ERR_CONFLICT: the order has no cook at work. */
NODISCARD int kitchen_ready(struct db *db, struct str ref, struct result **out, struct err *e);

#endif
