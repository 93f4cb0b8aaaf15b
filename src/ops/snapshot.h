/* snapshot.h - a position P of the primary's history and a snapshot that shows exactly what ended at or before it.
 *
 * Both come from making a logical slot: P is its consistent point. A temporary slot is gone with its connection,
 * whatever ends it, so nothing is left behind by a kill. Making a slot waits for every transaction that is open on
 * the server at that moment, in any database; while it waits, the transactions are named.
 * Owner: the caller's struct. Thread: one; a helper thread waits inside snapshot_take. */
#ifndef PARKWAY_OPS_SNAPSHOT_H
#define PARKWAY_OPS_SNAPSHOT_H

#include "event/position.h"
#include "pg/conn.h"
#include "pg/repl.h"

struct snapshot {
    struct repl *repl; /* holds it */
    struct epoch epoch;
    char epoch_text[POSITION_TEXT_MAX];
    char lsn_text[POSITION_TEXT_MAX]; /* P */
    char name[REPL_SNAPSHOT_MAX];     /* for SET TRANSACTION SNAPSHOT */
};

/* snapshot_open - the connection, and the epoch. */
NODISCARD int snapshot_open(struct snapshot *s, const char *url, struct err *e);
/* snapshot_take - slot: a permanent slot of this name is made; NULL: a temporary one. watch is another connection to
 * the primary, by which open transactions are found; note(text) is called with lines that name them. */
NODISCARD int snapshot_take(struct snapshot *s, const char *slot, struct conn *watch,
                            void (*note)(const char *text), struct err *e);
/* snapshot_enter - begins a transaction of c that sees the snapshot. */
NODISCARD int snapshot_enter(const struct snapshot *s, struct conn *c, struct err *e);
void snapshot_close(struct snapshot *s);

#endif
