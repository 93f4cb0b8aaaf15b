/* park.h - changes that the replica refused for good, kept in parkway.parked, and the keys behind which
 * later changes must wait.
 *
 * A parked change stands in the table with its cause and as the log brought it, so that it can be applied
 * later on the very road it came (reapply.h). Its key is a JSON array of texts; [] stands for the whole
 * table: one without a key, or one whose shape does not fit. As long as a change of a key is parked,
 * later changes of that key are parked behind it, so that the key's order is kept. A change that an operator
 * had skipped holds nothing, but whether a later one of its key was applied is noted.
 *
 * The set of such keys is held in memory and only ever too large: before changes are parked for its sake, the
 * table is asked which keys really are (park_ask, park_learn), under a lock that keeps an operator's
 * commands out until the transaction ends. Changes are put aside in memory (park_put) and stored many at a
 * time (park_flush), in the replica transaction they belong to. Thread: the consumer's. */
#ifndef PARKWAY_CONSUMER_PARK_H
#define PARKWAY_CONSUMER_PARK_H

#include "consumer/sink.h"

struct park_key;

enum { PARK_MESSAGE_MAX = 16 * 1024 * 1024 /* a longer change is parked without its values */ };

struct park {
    const char *consumer;
    struct park_key **buckets;
    size_t bucket_count, count;
    struct buf asked; /* JSON: the keys that the table is asked about */
    /* put aside, not stored yet */
    struct buf rows; /* JSON elements */
    size_t row_count;
    const struct relation *
        *shapes; /* versions of tables met in rows; borrowed until park_flush */
    size_t shape_count;
    struct buf overtaken; /* JSON elements: keys whose skipped changes were overtaken */
    /* one line of the log for many changes of one cause */
    struct {
        size_t count;
        char relation[256], position[POSITION_TEXT_MAX], sqlstate[6], text[512];
    } said;
    /* on_poison = halt: the change that was refused, as JSON; empty: none */
    struct buf halted;
    uint64_t halted_lsn; /* of the newest row of state halted or skip in the table; 0: none */
};

void park_fini(struct park *p);
/* park_load - reads the keys of this consumer; what was put aside is forgotten. */
NODISCARD int park_load(struct park *p, struct conn *c, const char *consumer, struct err *e);
void park_reset(struct park *p);
static inline bool park_any(const struct park *p)
{
    return p->count > 0;
}
/* park_holds - the old or new key of the change is held: it must wait. */
bool park_holds(struct park *p, const struct sink_view *ch);
/* park_pass - the change is going to be applied: notes skipped changes of its keys as overtaken. */
void park_pass(struct park *p, const struct sink_view *ch);

/* park_ask - collects the keys of the change that are in the set; park_learn asks the table about all of them,
 * inside the open transaction, and corrects the set. */
void park_ask(struct park *p, const struct sink_view *ch);
NODISCARD int park_learn(struct park *p, struct conn *c, struct err *e);

/* park_cause - the cause as one line without the row's values, which have no place in a log. */
void park_cause(const struct err *why, char *out, size_t size);
/* park_put - puts the change aside with its cause and holds its keys from now on. */
void park_put(struct park *p, const struct sink_view *ch, const struct err *why);
/* park_flush - stores what was put aside and noted, inside the open transaction. */
NODISCARD int park_flush(struct park *p, struct conn *c, struct err *e);
/* park_drop - forgets what was put aside and noted since park_flush: it comes again. */
void park_drop(struct park *p);
/* park_clear - the table was truncated or compared with the primary: nothing of it needs to wait any more. */
NODISCARD int park_clear(struct park *p, struct conn *c, const struct sink *s, struct err *e);

/* on_poison = halt. park_skips - an operator wants this change skipped: it is set aside as such, inside the open
 * transaction. park_halt - remembers the refused change; park_say_halted stores it in a transaction of its own
 * when the refused one is gone; park_resumed takes it away when the cursor is past it. */
NODISCARD int park_skips(struct park *p, struct conn *c, const struct sink_view *ch, bool *skip,
                         struct err *e);
void park_halt(struct park *p, const struct sink_view *ch, const struct err *why);
void park_say_halted(struct park *p, struct conn *c);
NODISCARD int park_resumed(struct park *p, struct conn *c, uint64_t lsn, struct err *e);

#endif
