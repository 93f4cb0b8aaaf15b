/* park.h - changes that the replica refused for good, kept in parkway.parked, and the keys behind which
 * later changes must wait.
 *
 * A parked change stands in the table with its cause (its key as a JSON array of texts; [] stands for
 * the whole table: one without a key, or one whose shape does not fit); as long as a change of a key is parked, later
 * changes of that key are parked behind it, so that the key's order is kept. The set of such keys is
 * held in memory and only ever too large: before a change is parked for its sake, the table is asked
 * whether an operator has cleared it since. Thread: the consumer's. */
#ifndef PARKWAY_CONSUMER_PARK_H
#define PARKWAY_CONSUMER_PARK_H

#include "consumer/sink.h"

struct park_key;

enum { PARK_BUCKETS = 256 };

struct park {
    const char *consumer;
    struct park_key *keys[PARK_BUCKETS];
    size_t count;
};

/* park_load - reads the parked keys of this consumer. */
NODISCARD int park_load(struct park *p, struct conn *c, const char *consumer, struct err *e);
void park_reset(struct park *p);
static inline bool park_any(const struct park *p)
{
    return p->count > 0;
}
/* park_holds - the old or new key of the change is in the set. */
bool park_holds(struct park *p, const struct sink_view *ch);
/* park_confirm - as park_holds, but asks the table, inside the open transaction. */
NODISCARD int park_confirm(struct park *p, struct conn *c, const struct sink_view *ch,
                           bool *held, struct err *e);
/* park_add - stores the change with its cause, inside the open transaction. */
NODISCARD int park_add(struct park *p, struct conn *c, const struct sink_view *ch,
                       const struct err *why, struct err *e);
/* park_clear - the table was truncated: nothing of it needs to wait any more. */
NODISCARD int park_clear(struct park *p, struct conn *c, const struct sink *s, struct err *e);

#endif
