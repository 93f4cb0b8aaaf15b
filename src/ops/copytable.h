/* copytable.h - one captured table as it is copied: its shape, its key, its pieces, its targets.
 *
 * **Shape.** What the pieces rely on is put into a digest: identity, columns (and when each was altered last), publication, indexes that identify rows, and
 * the file numbers of the table and its partitions. It is taken in the snapshot before the first piece and compared
 * before every other one, also in later runs. A difference means that the table was altered, rewritten or
 * truncated: a snapshot does not protect from that (a rewritten or truncated table looks empty to
 * older snapshots), and pieces from before and behind such a point must not stand together. The table is then
 * copied anew. Comparing and copying happen under one lock (ACCESS SHARE), which conflicts with exactly those
 * commands and is held for a piece's copy, not for the whole.
 *
 * **Pieces.** A table is cut along its key (the columns that identify its rows in the log: the primary key, or the index of
 * its REPLICA IDENTITY) into ranges of about equal numbers of rows, by a sample of its pages; rows compare as
 * ROW(…) does, so any number of columns will do. The consumer has the replica find out in which piece a
 * changed row lies (consumer/start.h), so both servers must order keys alike. That is so for the built-in
 * types, and for texts if the collation is the same, by definition and by version, on both. Where it is not
 * sure (a type of an extension, an enum, another version of the C library), and without a key, the
 * table is one piece. So is a small one.
 *
 * **Form.** COPY's binary form where every column has the same built-in type on both sides and that type travels in
 * binary unharmed; text otherwise.
 *
 * Owner: the caller's struct; tables and mirrors are borrowed. Thread: one while planned; the fields marked so are
 * shared by the copying threads. */
#ifndef PARKWAY_OPS_COPYTABLE_H
#define PARKWAY_OPS_COPYTABLE_H

#include "base/buf.h"
#include "ops/captured.h"

struct copychunk {
    int64_t number;
    char *lower; /* values for ROW(…), as SQL; NULL: from the first row on */
    int64_t rows_estimated;
    int64_t rows, bytes; /* of a copied one */
    bool done;
};

struct copytarget {
    const struct captured_mirror *mirror;
    bool binary;
};

struct copytable {
    const struct captured_table *table;
    struct copytarget *targets;
    size_t target_count;
    bool anew; /* what was copied before does not count */
    bool made; /* Parkway made the targets, and may make them again */
    char *shape;
    char *stored_shape; /* of its pieces; "" none */
    char *columns;      /* quoted list */
    char *names;        /* the same as a text[] */
    char *filter;       /* SQL, or "" */
    char *from;         /* the source for FROM */
    char *key_columns;  /* quoted list; "" no key to cut along */
    char *key_texts;    /* the same as texts */
    char *key, *casts;  /* text[]s for parkway.table_start */
    int64_t rows_estimated, bytes_estimated;
    struct copychunk *chunks;
    size_t chunk_count;
    size_t next;    /* shared: the first piece that nobody has taken */
    size_t missing; /* shared: pieces that are not copied */
    int64_t rows;   /* shared: copied by this run */
    bool closed;    /* shared: and booked as whole */
    bool stale;     /* shared: the shape is not the snapshot's any more */
};

void copytable_fini(struct copytable *t);

/* copytable_inspect - shape, columns, key and sizes, as primary's open transaction sees them, under a lock that the
 * transaction keeps; and which targets take binary. stale: the transaction's snapshot is no good for this table. */
NODISCARD int copytable_inspect(struct copytable *t, struct conn *primary, struct conn *replica,
                                struct err *e);
/* copytable_same - whether the shape still is t->shape; locks the table as copytable_inspect. */
NODISCARD int copytable_same(const struct copytable *t, struct conn *primary, bool *out,
                             struct err *e);
/* copytable_fits - whether every target has the columns of the source, with their types; *missing: one lacks a column. */
NODISCARD int copytable_fits(const struct copytable *t, struct conn *primary,
                             struct conn *replica, bool *fits, bool *missing, struct err *e);
/* copytable_plan - cuts an inspected table into pieces and books them, with empty targets, in one replica
 * transaction. */
NODISCARD int copytable_plan(struct copytable *t, struct conn *primary, struct conn *replica,
                             const char *consumer, struct err *e);
/* copytable_load - the pieces as they are booked, and stored_shape. */
NODISCARD int copytable_load(struct copytable *t, struct conn *replica, const char *consumer,
                             struct err *e);
/* copytable_statements - the two COPY of a piece for a target. */
void copytable_statements(const struct copytable *t, size_t chunk, const struct copytarget *to,
                          struct buf *out, struct buf *in);

#endif
