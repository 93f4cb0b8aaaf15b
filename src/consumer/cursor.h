/* cursor.h - the consumer's row of parkway.cursor: how far the replica is, and who may write.
 *
 * One consumer of a name writes at a time. It holds a session lock named after itself for as long as
 * its connection lives (a second one waits for it), and when it takes over it raises the row's fence;
 * every save names the fence it took, so that a session believed dead cannot commit behind its
 * successor. Whoever changes what a running consumer remembers of the replica (this row,
 * parkway.table_start, copied tables) raises the fence in the same transaction: the consumer's open
 * transaction then fails, and it starts over from the row.
 *
 * The row is saved in the transaction of the data it describes. Its stream offset is a hint for the
 * next start: the frame in which the cursor lies; reading it again is a repeat, which proves that
 * the place still exists. Thread: the consumer's. */
#ifndef PARKWAY_CONSUMER_CURSOR_H
#define PARKWAY_CONSUMER_CURSOR_H

#include "event/position.h"
#include "pg/conn.h"

struct cursor {
    const char *name;
    int64_t fence;
    struct position at; /* a finished place */
    uint8_t incarnation[16];
    bool has_incarnation;
    bool has_offset;
    uint64_t offset;
    char state[24]; /* "running", "resync", … */
};

/* cursor_take - lock, raise the fence, read the row. ERR_FENCED: another consumer of this name is
 * running; ERR_NOT_FOUND: the replica has no such row (parkway migrate makes it). */
NODISCARD int cursor_take(struct cursor *cur, struct conn *c, const char *name, struct err *e);
/* cursor_send - the save of cur (at, incarnation, offset) into an open pipeline. The statement affects
 * one row, or none when another one took over; sure: it fails then (22012). */
NODISCARD int cursor_send(const struct cursor *cur, bool sure, struct conn *c, struct err *e);
/* cursor_save - the same as a transaction of its own; ERR_FENCED. */
NODISCARD int cursor_save(const struct cursor *cur, struct conn *c, struct err *e);
/* cursor_mark - sets state, in the caller's transaction if one is open. */
NODISCARD int cursor_mark(struct cursor *cur, struct conn *c, const char *state, struct err *e);

/* cursor_settle - when the cursor has come past the position of a copy: its tables are readable, and a replica that was being
 * made serves (state becomes "running"). *next: the position at which to call this again; 0: none. A transaction of its
 * own. */
NODISCARD int cursor_settle(struct cursor *cur, struct conn *c, uint64_t *next, struct err *e);

#endif
