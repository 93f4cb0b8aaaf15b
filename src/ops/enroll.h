/* enroll.h - a replica, or a table, enters the flow: its rows as they stood at known positions, and the log's changes from
 * those on, with nothing between lost or applied twice. Behind parkway migrate and parkway bootstrap.
 *
 *   registered ─▶ announced ─▶ published, made ─▶ P ─▶ cursor ─▶ pieces planned ─▶ copied ─▶ closed ─▶ serves
 *
 * **Registered**: parkway.replicas names the replica before anything else, so that the relay keeps what follows.
 * **Announced**: parkway.table_start says "copy under way" (lsn NULL), before the table is published: a consumer that meets
 * a change of the table waits. parkway.table_state says "copying": nobody is sent to read it.
 * **P**: the consistent point of a logical slot and its snapshot (snapshot.h). On a new system the slot is the permanent
 * one, and parkway.relay says so afterwards; otherwise a temporary one.
 * **Cursor**: a new replica's cursor begins at its first P, in state "bootstrap": no router sends reads here.
 * **Planned, copied**: pieces of tables (copytable.h), several at once (copier.h), each with the P it was copied at.
 * **Closed**: table_start names the highest P of the table, and the consumer applies its changes, leaving out what each
 * piece holds (consumer/start.h). **Serves**: the cursor is past the highest P of all (parkway.copies_settle).
 *
 * Killed anywhere, by itself or with the servers, the next run finds the pieces that are there, takes a new P for those
 * that are missing, and goes on. What was announced but not planned, or has changed its shape since (altered,
 * truncated, rewritten), is copied anew. Nothing of this touches another replica: the slot is temporary, and
 * the books are the consumer's own. A slot without its row in parkway.relay is of a run that was
 * killed between the two: nobody has read from it, so the row is booked at its position.
 *
 * Rows in a target that Parkway never copied are somebody else's: refused unless told to replace them.
 * Thread: one, blocking (the copying threads end before). */
#ifndef PARKWAY_OPS_ENROLL_H
#define PARKWAY_OPS_ENROLL_H

#include "base/buf.h"
#include "ops/captured.h"

struct enroll_options {
    const char *primary_url, *replica_url;
    const char *table; /* "schema.name", copied anew whatever its state; NULL: none */
    bool force;        /* replace rows that Parkway did not copy */
    bool json;         /* progress as JSON on stdout */
    void (*note)(const char *text); /* a line for the operator */
};

struct enrolment;

/* enroll_open - waits until no other run is at this replica. */
NODISCARD int enroll_open(struct enrolment **out, struct conn *primary, struct conn *replica,
                          const struct enroll_options *o, struct err *e);
/* enroll_prepare - up to "published, made". ERR_CONFLICT: a target holds rows that Parkway did not put there;
 * ERR_NOT_FOUND: o->table is not mirrored. */
NODISCARD int enroll_prepare(struct enrolment *en, struct captured *captured, struct err *e);
/* enroll_copy - the rest. After an error it can be run again, from enroll_open on. */
NODISCARD int enroll_copy(struct enrolment *en, struct err *e);
/* enroll_made_again - whether enroll_copy made targets, which have no rights yet. */
bool enroll_made_again(const struct enrolment *en);
/* enroll_summary - what enroll_copy did, in a sentence. */
void enroll_summary(const struct enrolment *en, struct buf *out);
void enroll_close(struct enrolment *en); /* NULL is fine */

#endif
