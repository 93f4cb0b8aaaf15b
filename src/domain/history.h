/* history.h - the read models of orders: what became of food orders (order_history), and the documents that the facts of any order make
 * (order_documents). Read on the replica alone: neither is on the primary. All functions run on the caller's thread over its
 * database handle; results must be freed with result_free. */
#ifndef PARKWAY_DOMAIN_HISTORY_H
#define PARKWAY_DOMAIN_HISTORY_H

#include "domain/db.h"
#include "domain/orderview.h"

enum { HISTORY_PAGE = 500 /* rows of a page */ };

/* history_state - ERR_INVALID: no state of a food order. */
NODISCARD int history_state(struct str state, struct err *e);
/* history_look - *out: one row for orderview_at. ERR_NOT_FOUND: no food order; ERR_INVALID: ref is none. */
NODISCARD int history_look(struct db *db, const struct db_freshness *fresh, struct str ref,
                           struct result **out, struct err *e);
/* history_page - rows for orderview_at, by number: those behind the number `after` (p NULL: the first ones), of that state (p
 * NULL: of all). The last page has less than HISTORY_PAGE rows. ERR_INVALID: the state is none. */
NODISCARD int history_page(struct db *db, const struct db_freshness *fresh, struct str state,
                           struct str after, struct result **out, struct err *e);

/* history_document - *out: one row for history_write. ERR_NOT_FOUND: "no order found for <ref>", also of a ref that is none. */
NODISCARD int history_document(struct db *db, const struct db_freshness *fresh, struct str ref,
                               struct result **out, struct err *e);
/* history_write - the document: id, type, the sections that have been written, events. */
void history_write(struct json *j, const struct result *rows, size_t i);

#endif
