/* view_check.h - a view's definition held against the replica: what it reads and whether it can be kept.
 *
 * Refused, with a text that says what to do: a SELECT that the server refuses; one that reads anything but tables
 * that Parkway keeps here, or a table that is not among the sources; anything volatile, or that depends on
 * the moment or on who asks; a key that is not among the columns; a query of a source that does not give keys; and
 * a SELECT of which some rows cannot be computed without reading a whole table. Thread: the connection's. */
#ifndef PARKWAY_CONSUMER_VIEW_CHECK_H
#define PARKWAY_CONSUMER_VIEW_CHECK_H

#include "consumer/mirror.h"
#include "consumer/view_text.h"
#include "pg/conn.h"

/* view_check - fills *out (free it by view_check_free, also after an error). Outside of a transaction. Makes an
 * index on a source's columns where the SELECT needs one. ERR_INVALID: refused. */
NODISCARD int view_check(const struct view *v, const struct mirrors *mirrors, struct conn *db,
                         struct view_shape *out, struct err *e);
void view_check_free(struct view_shape *s);

#endif
