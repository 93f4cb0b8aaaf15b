/* origin.h - where a session begins in each lane: pure.
 *
 * Joins what the primary says (registry.h), what the ends of both streams say (resume.h) and what the session before
 * left behind. Too low a place costs repeats, too high a place loses. Owned by the main thread. */
#ifndef PARKWAY_RELAY_ORIGIN_H
#define PARKWAY_RELAY_ORIGIN_H

#include "relay/registry.h"
#include "relay/resume.h"
#include "relay/session.h"

/* What the session before left behind. */
struct origin_debt {
    bool resend;               /* a replica wants the log from the slot's position */
    struct position resend_at; /* and stands here */
    uint64_t
        events_from_lsn; /* events at or after it are due; UINT64_MAX: as the stream says */
};

/* origin_decide - fills the fields of s that say where it starts. */
void origin_decide(struct session *s, const struct registry *reg, const struct resume *res,
                   const struct origin_debt *debt);
/* origin_due - events_from_lsn for the next session: from_lsn is what this one still had under way. What it should have
 * sent again and did not come to is still due. */
uint64_t origin_due(const struct session *s, uint64_t from_lsn);

#endif
