/* idempotency.h - the header Idempotency-Key: one answer for one key, committed with the command.
 *
 *   idempotency_begin -> FRESH: run the command on q->db, write the reply, idempotency_end
 *                     -> ANSWERED: the reply is complete (stored answer, 422, 400 or an error)
 *
 * Without the header begin is FRESH, no transaction is opened and end has nothing to store. A refused command leaves no trace, so the same
 * key may be tried again. Two requests with one key at a time: the second waits for the first. */
#ifndef PARKWAY_COMMAND_IDEMPOTENCY_H
#define PARKWAY_COMMAND_IDEMPOTENCY_H

#include "command/request.h"

enum idempotency { IDEMPOTENCY_FRESH, IDEMPOTENCY_ANSWERED };

enum idempotency idempotency_begin(struct request *q);
/* idempotency_end - rc is the command's result. Commits command and answer, or rolls back. Returns rc, or
 * the error of the commit. */
NODISCARD int idempotency_end(struct request *q, int rc, struct err *e);
/* idempotency_purge - forget answers older than keep_s. */
NODISCARD int idempotency_purge(struct db *db, int64_t keep_s, struct err *e);

#endif
