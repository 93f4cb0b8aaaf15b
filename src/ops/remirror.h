/* remirror.h - fills a mirror anew from the primary, beside the live one, while events keep coming.
 *
 *   1  triggers on the mirror: from now on the keys that its changes touch are logged
 *   2  the primary's rows as they stood at a position P, into a table beside
 *   3  the consumer comes past P
 *   4  in one transaction, with the mirror's writers held up: rows that differ from the copy go, and the copy's
 *      rows that are missing come; rows whose key was touched since 1 are left as they are
 *
 * A row that was not touched since 1 has not changed on the primary between the consumer's place at 1 and its
 * place at 4, and P lies between the two, so the copy's row is what it has to be. Readers see the mirror
 * before or after, and views over it follow. The objects are those of a generation of a view without a SELECT
 * (consumer/view_text.h), so what a killed replay left is taken away with theirs. Thread: main. */
#ifndef PARKWAY_OPS_REMIRROR_H
#define PARKWAY_OPS_REMIRROR_H

#include "ops/captured.h"

/* remirror - replica's session has session_replication_role = replica. *rows becomes the number of rows copied. ERR_CONFLICT: the mirror has no key, has parked changes, or
 * was truncated or changed in shape meanwhile; ERR_FENCED: another replay is under way; ERR_TIMEOUT: the
 * consumer does not advance. Nothing has changed then. */
NODISCARD int remirror(struct conn *replica, const struct captured_mirror *m,
                       const char *consumer, int64_t *rows, struct err *e);

#endif
