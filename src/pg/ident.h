/* ident.h - names in the text of commands. Pure. */
#ifndef PARKWAY_PG_IDENT_H
#define PARKWAY_PG_IDENT_H

#include "base/buf.h"

/* ident_quote - appends name in double quotes, each of its own doubled (PostgreSQL manual, 4.1.1). */
void ident_quote(struct buf *out, const char *name);
/* ident_literal - appends text in single quotes, each of its own doubled: for the replication commands, whose grammar
 * knows neither parameters nor escapes. */
void ident_literal(struct buf *out, const char *text);

#endif
