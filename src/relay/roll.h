/* roll.h - the table of replicas: those registered on the primary, and whoever else reports.
 *
 * Bounded by SESSION_REPLICAS_MAX; a stranger gives way to a registered one. Pure; the caller holds the session's lock. */
#ifndef PARKWAY_RELAY_ROLL_H
#define PARKWAY_RELAY_ROLL_H

#include "relay/session.h"

/* roll_report - the row for a report of that name, made when there is none; NULL: no room, or no such name can be. */
struct session_replica *roll_report(struct session *s, struct str name);
/* roll_call - these are registered now, all others are not. Returns NULL, or the first name that could not be
 * taken: it is not waited for, so the caller must not release anything. */
const struct str *roll_call(struct session *s, const struct str *names, size_t count);

#endif
