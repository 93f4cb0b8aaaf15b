/* ticket.h - the restaurant's ticket of an order, looked up. Thread: the caller's, over its database handle. */
#ifndef PARKWAY_DOMAIN_TICKET_H
#define PARKWAY_DOMAIN_TICKET_H

#include "base/json.h"
#include "domain/db.h"

/* ticket_look - *out: one row for ticket_write, to be freed with result_free. ERR_NOT_FOUND: none, or id is no uuid. */
NODISCARD int ticket_look(struct db *db, const struct db_freshness *fresh, struct str id,
                          struct result **out, struct err *e);
/* ticket_write - {"ticketId", "state", "orderId", …}; what has not happened yet is left out. */
void ticket_write(struct json *j, const struct result *rows, size_t i);

#endif
