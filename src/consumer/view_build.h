/* view_build.h - makes a view live: beside the one that readers see, while its sources change, missing nothing.
 *
 *   1  a generation: its row (building), functions, empty table and log
 *   2  its triggers on every source, one table at a time; from now on touched keys go to the log
 *   3  all rows, from one snapshot
 *   4  the keys of the log, until few are left
 *   5  in one transaction: what is left, then the new table takes the old one's name
 *   6  the old generation's objects go
 *
 * Killed anywhere, the live view is as it was; what was left lying is taken away by the next build of any view. The
 * changes themselves need nobody: see sql/replica/18_views.sql. Thread: the connection's. */
#ifndef PARKWAY_CONSUMER_VIEW_BUILD_H
#define PARKWAY_CONSUMER_VIEW_BUILD_H

#include "consumer/view_check.h"

/* view_build_one - makes a new generation of v live. Outside of a transaction, on a connection of its own or an idle
 * one. *rows becomes their number. ERR_INVALID: the definition is refused (view_check.h), or the rows have
 * no key; ERR_FENCED: another one is building; ERR_CONFLICT: the name is somebody else's table. */
NODISCARD int view_build_one(const struct view *v, const struct mirrors *mirrors,
                             const char *consumer, struct conn *db, int64_t *rows,
                             struct err *e);

/* view_build_missing - builds what is not live as it is configured, and takes away views of this consumer
 * that are not configured any more. A view that is refused is logged and counted in *refused, and the others
 * go on. Errors are the connection's. */
NODISCARD int view_build_missing(const struct views *views, const struct mirrors *mirrors,
                                 const char *consumer, struct conn *db, size_t *refused,
                                 struct err *e);

/* What another kind of rebuilding shares (ops/remirror.h). view_build_begin - this session's turn to build on this
 * replica, after what a killed one left was taken away; ERR_FENCED. view_build_hook - step 2 for a
 * generation whose objects exist. view_build_whole - ERR_CONFLICT: the log of its keys is not whole. view_build_end - takes away what serves nobody, and lets others build. */
NODISCARD int view_build_begin(struct conn *db, struct err *e);
NODISCARD int view_build_hook(struct conn *db, int id, struct err *e);
NODISCARD int view_build_whole(struct conn *db, int id, struct err *e);
NODISCARD int view_build_end(struct conn *db, struct err *e);

#endif
