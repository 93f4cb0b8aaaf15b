/* orderrow.h - the row of the one order that a client's reference names, of the tables or of a read model. */
#ifndef PARKWAY_DOMAIN_ORDERROW_H
#define PARKWAY_DOMAIN_ORDERROW_H

#include "domain/db.h"

/* orderrow_find - head, "select … from X", gets " o where" and the reference's column. write: as db_write, fresh is not looked at. *out has one row
 * and must be freed. ERR_INVALID: no reference of an order; ERR_NOT_FOUND "order not found: <ref>"; else as db_read, db_write. */
NODISCARD int orderrow_find(struct db *db, bool write, const struct db_freshness *fresh,
                            struct str ref, const char *head, struct result **out,
                            struct err *e);

#endif
