/* enroll.h - a replica, or a table, enters the flow: its rows as they stood at one position, and the
 * log's changes from that position on, with nothing between lost or applied twice.
 *
 * The position P is the consistent point of a logical slot, and the rows are read in the snapshot that the slot
 * exports: it shows exactly the transactions that end at or before P, and decoding from P gives exactly the others.
 *
 *   A new replica (no row in parkway.cursor): every mirror is copied and the cursor set to P, in one replica
 *   transaction. When the primary has no slot of Parkway yet, the permanent slot itself is made, and
 *   parkway.relay says so; else a temporary one gives P, and the running relay's log the rest.
 *
 *   A new table of a known replica: first its row in parkway.table_start says "copy under way" (lsn NULL), so that a
 *   consumer that meets its changes waits; then it is published; then it is copied at P, which its row then
 *   names: the consumer skips changes of this table whose transaction ends at or before P.
 *
 * Every step can be repeated after an interruption at any point. Thread: one, blocking. */
#ifndef PARKWAY_OPS_ENROLL_H
#define PARKWAY_OPS_ENROLL_H

#include "ops/captured.h"

/* enroll - publishes, makes the slot where there is none, copies what is new. note(text) is called with a
 * line for the operator when something was done. ERR_CONFLICT: a table of the replica already holds
 * rows that Parkway did not put there. */
NODISCARD int enroll(struct conn *primary, struct conn *replica, const char *primary_url,
                     struct captured *captured, void (*note)(const char *text), struct err *e);

#endif
