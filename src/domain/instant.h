/* instant.h - moments as clients write them, and as they are written for clients. Pure. Source: RFC 3339. */
#ifndef PARKWAY_DOMAIN_INSTANT_H
#define PARKWAY_DOMAIN_INSTANT_H

#include "base/def.h"

/* instant_parse - "2024-09-02T17:21:02.5Z", with an offset (+09:00), a blank for the T, or seconds since 1970 ("1725297662.5"):
 * milliseconds since 1970 UTC; finer fractions are cut off. false: none of these, or not of the years 1970 to 9999. */
bool instant_parse(struct str text, int64_t *ms);
enum { INSTANT_EPOCH_MAX = 24 };
/* instant_epoch - seconds since 1970 as a JSON number: "1725297662", or "1725297662.5". ms from 0. */
void instant_epoch(int64_t ms, char out[INSTANT_EPOCH_MAX]);

/* SQL of a timestamptz as text: 2024-09-02T17:21:02.500Z. */
#define INSTANT_SQL(timestamptz)                                                               \
    "to_char(" timestamptz " at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"

#endif
