/* ident.h - SQL identifiers as text. Pure. */
#ifndef PARKWAY_PG_IDENT_H
#define PARKWAY_PG_IDENT_H

#include "base/buf.h"

/* ident_quote - appends name in double quotes, each of its own doubled (PostgreSQL manual, 4.1.1). */
void ident_quote(struct buf *out, const char *name);

#endif
