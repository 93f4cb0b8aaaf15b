/* reshape.h - from one shape of a table to the next: the statements that bring the replica's table there, or why
 * that cannot be done safely. Pure.
 *
 * `was` and `now` are what the primary announced before and now, `here` is what the replica has. Columns of was and now
 * are the same when they have the same number, so a rename is told from a drop beside a new column; the replica's are
 * found by their names. What is already as it should be needs no step, and what the primary did not change
 * is left as the replica has it (an operator's own index, column or wider type).
 *
 * A change is safe when the rows that are there come out as they did on the primary: without a rewrite nothing was
 * computed there; a widening type gives the same value anywhere; a new column has one value for all old rows
 * (`missing`). A rewrite by an expression (USING, a volatile default) or into a narrower type is not,
 * unless the table is empty.
 *
 * NOT NULL is only ever taken away, and defaults, checks and foreign keys are not repeated: what a row may hold is
 * decided on the primary. Keys are repeated, because rows are found by them. */
#ifndef PARKWAY_CONSUMER_RESHAPE_H
#define PARKWAY_CONSUMER_RESHAPE_H

#include "consumer/layout.h"

struct reshape_input {
    const struct layout *was;  /* NULL: the table was not captured */
    const struct layout *now;  /* never NULL */
    const struct layout *here; /* NULL: the replica has no such table */
    const char *schema, *name; /* what the target is to be called */
    bool schema_exists;        /* on the replica */
    const char *const *roles;  /* logins of the replica, to whom may be granted */
    size_t role_count;
    const struct layout_notice *told; /* rewrite, plain, filled, gone, joined */
};

enum { RESHAPE_REASON_MAX = 512 };

struct reshape {
    struct arena *arena;
    const char **sql;
    size_t count, cap;
    size_t
        always; /* the first statements, which are safe even with a reason: the table's name */
    char reason[RESHAPE_REASON_MAX]; /* "": all is safe */
};

/* reshape_decide - fills out; texts lie in the arena. */
void reshape_decide(struct reshape *out, const struct reshape_input *in, struct arena *a);

/* reshape_widens - every value of the one type is the same value in the other. */
bool reshape_widens(const struct layout_column *from, const struct layout_column *to);

#endif
