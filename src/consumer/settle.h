/* settle.h - suspects are looked at until each is proven equal or different (suspect.h).
 *
 * A row that changes at every look is held still at last: parkway.hold on the primary locks it FOR SHARE (a
 * row that is not there: the table, IN SHARE MODE) until the replica has applied what was before, with short
 * lock and statement time limits. What cannot be held counts as unsettled. Thread: the comparison's. */
#ifndef PARKWAY_CONSUMER_SETTLE_H
#define PARKWAY_CONSUMER_SETTLE_H

#include "consumer/compare.h"

enum { SETTLE_MAX = 250 }; /* suspects at a time: their columns are in memory, shortened */

/* settle - keys: count times digest_key_columns texts, borrowed. Reports what is different by on_row. */
NODISCARD int settle(struct compare *c, const struct survey_table *t, const struct str *keys,
                     size_t count, struct err *e);

#endif
