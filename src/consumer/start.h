/* start.h - where the copy of a table stands, and what of a change it holds already.
 *
 * A table that was copied at P holds the changes of all transactions that end at or before P; they are skipped. A copy
 * that was interrupted and went on has pieces (key ranges) with different P: between the lowest and the highest, it
 * depends on the row's key whether a change is skipped. A key change is a delete of the old key plus an
 * insert of the new one, and each half may lie in another piece:
 *
 *     old half held, new half not    the row under its new key is inserted
 *     old half not, new half held    the row under its old key is deleted
 *
 * Only a server can compare keys of any type and collation, so the replica's does, for all changes of a run that need
 * it in one statement, and only while the cursor is between the lowest and the highest P of the table. That
 * it compares as the primary did was made sure of when the pieces were chosen (ops/pieces.h).
 *
 *   unchanged TOAST   an update's row is in the piece as it stood at P, so what it does not carry is there. Of a half key
 *                     change whose new half alone is applied it is not (the old row was gone at P): the
 *                     change is incomplete and treated as such (rowwise.h).
 *   REPLICA IDENTITY  the key of the pieces belongs to the identity, so every update and delete tells it. Is that no longer
 *                     so, the identity was changed in the middle of a copy: an error that names the remedy.
 *   append mirrors    are not copied, so no change is in them already: they take every one that the cursor has not passed.
 *   truncate          no piece was copied before a truncate and another behind it: the copy starts anew then. So
 *                     it is behind all, or before all and skipped.
 *
 * Owner: the relation version whose table it is. Thread: the consumer's. */
#ifndef PARKWAY_CONSUMER_START_H
#define PARKWAY_CONSUMER_START_H

#include "base/arena.h"
#include "base/buf.h"
#include "pg/conn.h"

struct batch;
struct cursor;
struct relation;
struct start;

/* start_load - the start of r's table for the cursor's consumer, into r->start, once. ERR_UNAVAILABLE: a copy of the
 * table is under way. */
NODISCARD int start_load(struct relation *r, const struct cursor *cursor, struct conn *c,
                         struct err *e);
void start_free(struct start *s); /* NULL is fine */
/* start_lowest - what ends at or before it is held by every piece; 0: nothing is held. */
uint64_t start_lowest(const struct start *s);

/* start_judge - fills `held` of the row changes [from, to) whose relations are loaded. */
NODISCARD int start_judge(struct batch *b, size_t from, size_t to, struct conn *c,
                          struct arena *arena, struct buf *scratch, struct err *e);

#endif
