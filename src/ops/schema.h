/* schema.h - the files of sql/primary, sql/replica and sql/consumer, applied to a side. Thread: any. */
#ifndef PARKWAY_OPS_SCHEMA_H
#define PARKWAY_OPS_SCHEMA_H

#include "pg/conn.h"

/* schema_apply - brings a side ("primary", "replica") to what this program's files say. *version: the number of the last
 * file. c is in no transaction, before and after. */
NODISCARD int schema_apply(struct conn *c, const char *side, int64_t *version, struct err *e);

#endif
