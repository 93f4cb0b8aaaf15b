/* sagaworker.h - one command of a saga, done in one transaction of the primary.
 *
 *   begin; as the worker's owner: inbox; is there an outcome of this (stream, step, command)?
 *   yes: its reply is said again under its first id         no: the worker's SQL function is called, its reply becomes
 *                                                           a fact, and the fact the outcome
 *   commit
 *
 * A command may come any number of times, from any number of engines, and under new ids: it is done once. One whose
 * deadline has passed is dropped (the engine has given that try up, and undoes what a late one might have done).
 * The function may ask for something outside of the database ("effect"): that is done while the transaction is open, and
 * the function is called again with what came of it; killed in between, it is done again.
 *
 * Source: docs/sagas.md, "Workers". Thread: the caller's. */
#ifndef PARKWAY_SAGA_SAGAWORKER_H
#define PARKWAY_SAGA_SAGAWORKER_H

#include "domain/db.h"
#include "saga/declaration.h"

enum worker_result {
    WORKER_DONE,
    WORKER_REPEATED, /* the reply was said again */
    WORKER_EXPIRED,  /* dropped: its deadline has passed */
};

/* worker_take - body: the command, {"id","command","sagaId","orderId","stream","step","attempt","tries","deadline","data"}.
 * Errors besides those of db.h: ERR_INVALID: it is none, or the function's answer makes no sense. */
NODISCARD int worker_take(const struct declarations *d, const struct saga_worker *w,
                          struct db *db, struct str body, enum worker_result *out,
                          struct err *e);

#endif
