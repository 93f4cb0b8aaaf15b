/* books.h - running and ended sagas for people: list, one, its log, and what an operator may ask of it.
 *
 * A saga is named by its order (number, public id or tracking id, orderref.h) or by its own id. All functions run on the caller's
 * thread over its database handle; fresh may be NULL. Reads go where the books are: they are on no replica. */
#ifndef PARKWAY_SAGA_BOOKS_H
#define PARKWAY_SAGA_BOOKS_H

#include "domain/db.h"
#include "saga/saga_decide.h"

enum { BOOKS_PAGE = 500 /* rows of a page */ };

/* A row; borrowed from the result. p NULL: it has none. Times as texts, UTC. */
struct books_saga {
    struct str id, type, order, step, status;
    bool paused;
    struct str attempt, deadline, error, created, updated;
};

struct books_entry {
    struct str id, at, actor, from_step, to_step, from_status, to_status, detail;
};

/* books_list - a page of the sagas in a status (p NULL: in any), by order and id; those behind the place `after` (p NULL: the
 * first ones), which is books_place of a row. ERR_INVALID: no such status. *out: to be freed with result_free. */
NODISCARD int books_list(struct db *db, const struct db_freshness *fresh, struct str status,
                         struct str after, struct result **out, struct err *e);
struct books_saga books_at(const struct result *rows, size_t i);
struct str books_place(const struct result *rows, size_t i);

/* books_details - one row. ERR_NOT_FOUND: none; ERR_INVALID: ref has none of the shapes. */
NODISCARD int books_details(struct db *db, const struct db_freshness *fresh, struct str ref,
                            struct result **out, struct err *e);
/* books_log - all that happened to one, oldest first. Errors as books_details. */
NODISCARD int books_log(struct db *db, const struct db_freshness *fresh, struct str ref,
                        struct result **out, struct err *e);
struct books_entry books_entry_at(const struct result *rows, size_t i);

/* books_ask - SAGA_IN_PAUSE, _RESUME or _RETRY in the name of who; *out: the saga afterwards. ERR_CONFLICT: not in its state. The
 * declarations are those of saga.file; ERR_FAIL when they cannot be read. */
NODISCARD int books_ask(struct db *db, struct str ref, enum saga_input_kind what,
                        const char *who, struct result **out, struct err *e);

#endif
