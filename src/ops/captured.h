/* captured.h - the captured tables: what capture.tables and consumer.mirrors name, looked up in the
 * primary's catalogue, published, and made on the replica where they are missing.
 *
 * Only plain mirrors are made and copied here: kind "row", every column under its own name. A mirror that renames
 * columns or appends is the operator's own table, which must exist.
 *
 * Owner: the caller's struct; all texts belong to it. Thread: one, blocking. */
#ifndef PARKWAY_OPS_CAPTURED_H
#define PARKWAY_OPS_CAPTURED_H

#include "base/err.h"
#include "pg/conn.h"

struct captured_table {
    char *name;   /* "schema.name" on the primary, as in capture.tables */
    char *source; /* the same, quoted for SQL */
    bool published;
};

/* A plain mirror of a captured table. */
struct captured_mirror {
    const struct captured_table *table;
    char *target; /* quoted, on the replica */
};

struct captured {
    struct captured_table *tables;
    size_t table_count;
    struct captured_mirror *mirrors;
    size_t mirror_count;
};

/* captured_load - ERR_NOT_FOUND naming a table that the primary does not have. */
NODISCARD int captured_load(struct captured *out, struct conn *primary, struct err *e);
void captured_free(struct captured *c);

/* captured_publish - the publication with every captured table in it, each told to the log; never takes one out.
 * Patterns of capture.tables are left with the primary's event triggers. */
NODISCARD int captured_publish(struct conn *primary, struct captured *c, struct err *e);

/* captured_announce - writes the table's present shape into the log, changed or not. */
NODISCARD int captured_announce(struct conn *primary, const struct captured_table *t,
                                struct err *e);

/* captured_check - ERR_INVALID when captured_create could not make the target: it is missing, and the
 * source has a column whose type the replica does not have. */
NODISCARD int captured_check(struct conn *primary, struct conn *replica,
                             const struct captured_mirror *m, struct err *e);

/* captured_create - the target on the replica, if it is missing, in the shape of the source: columns,
 * types, primary key or replica identity, and the other indexes without their uniqueness.
 * The table must be published. */
NODISCARD int captured_create(struct conn *primary, struct conn *replica,
                              const struct captured_mirror *m, struct err *e);

#endif
