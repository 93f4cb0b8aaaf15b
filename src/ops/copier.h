/* copier.h - copies the missing pieces of tables, several at once.
 *
 * Each thread has a connection to either side and takes one piece after the other: a transaction of the primary
 * sees the snapshot, a transaction of the replica holds the rows and the mark that they are there, with their
 * P. So a piece is there whole, with its P, or not at all, whatever is killed. Another program at the same piece (a
 * server process whose client was killed may still be busy) is waited for at the piece's row.
 *
 * Owner: the caller's struct. Thread: the caller's, which shows the progress; the others end before copier_run. */
#ifndef PARKWAY_OPS_COPIER_H
#define PARKWAY_OPS_COPIER_H

#include "ops/copytable.h"
#include "ops/progress.h"
#include "ops/snapshot.h"

struct copier {
    const char *primary_url, *replica_url;
    const char *consumer;
    const struct snapshot *snapshot;
    struct copytable *tables;
    size_t table_count;
    struct progress *progress;
};

/* copier_session - what a session that copies needs: settings by which both sides write and read the texts of values
 * alike, no triggers, no limits of time. */
NODISCARD int copier_session(struct conn *c, struct err *e);
/* copier_run - 0: every piece is copied but those of tables that became stale. After an error pieces under way are
 * finished or rolled back. */
NODISCARD int copier_run(const struct copier *o, struct err *e);
/* copier_whole - a table in one piece: the source's rows as primary's open transaction sees them (the published columns and
 * rows) into the target, in replica's open transaction. ERR_UNAVAILABLE: that transaction's snapshot is no good
 * for the table (copytable.h). After an error the primary's connection may be in the middle of a COPY. */
NODISCARD int copier_whole(struct conn *primary, struct conn *replica,
                           const struct captured_mirror *m, int64_t *count, struct err *e);
/* copier_stream - the rows of one COPY … TO STDOUT into another COPY … FROM STDIN, in the transactions that are open. After an
 * error the primary's connection may be in the middle of a COPY. */
NODISCARD int copier_stream(struct conn *primary, const char *out, struct conn *replica,
                            const char *in, int64_t *count, struct err *e);
/* copier_close - books that a table is copied whole: from now on the consumer applies its changes. */
NODISCARD int copier_close(const struct copytable *t, struct conn *replica,
                           const char *consumer, struct err *e);

#endif
