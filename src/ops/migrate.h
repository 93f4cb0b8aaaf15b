/* migrate.h - what parkway migrate does, for parkway bootstrap too. Thread: main. */
#ifndef PARKWAY_OPS_MIGRATE_H
#define PARKWAY_OPS_MIGRATE_H

#include "base/buf.h"
#include "ops/enroll.h"

/* migrate_apply - brings both databases to what this program expects, and copies what is to be copied. o's logins are
 * filled in from the configuration. quiet: the versions are not printed. summary: what was copied. */
NODISCARD int migrate_apply(struct enroll_options *o, bool quiet, struct buf *summary,
                            struct err *e);

#endif
