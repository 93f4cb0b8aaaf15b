/* instance.h - one running saga: the state that a row of saga_instances holds, and its way to the columns.
 *
 * Everything that a decision needs to know is in the row and in the subject's state column, so that any engine can
 * take the next decision after a kill. Beside the columns step, status, paused, attempt, deadline_at and last_error
 * the row needs three:
 *   progress  text         "STEP=mark …" of every step that was touched: what is to be undone does not follow from
 *                          step and status, because late replies come from any step
 *   held      text         "EVENT=id …": the replies recorded while paused, in their order
 *   paused_at timestamptz  by how much the deadline moves at resume
 * Names, not numbers, stand in the columns: a declaration may gain steps while instances run. Pure; any thread. */
#ifndef PARKWAY_SAGA_INSTANCE_H
#define PARKWAY_SAGA_INSTANCE_H

#include "base/buf.h"
#include "saga/declaration.h"

enum {
    SAGA_ID_MAX = 63,     /* bytes of a reply's id */
    SAGA_ERROR_MAX = 255, /* bytes of last_error; longer text is cut between characters */
};

enum saga_mark {
    SAGA_UNTOUCHED,
    SAGA_BEGUN, /* its command was sent, or its event is waited for; what came of it is not known */
    SAGA_DONE,    /* its success was seen */
    SAGA_UNDOING, /* its compensation is under way; of one step at most, which is .step */
    SAGA_UNDONE,  /* nothing of it is left */
};

struct saga_held {
    int event;
    char id[SAGA_ID_MAX + 1];
};

struct saga_state {
    enum saga_status status;
    int step; /* under way; while COMPENSATING the one being undone; at the end the last of them */
    int subject; /* state of the subject */
    bool paused;
    int64_t paused_at_us; /* wall time; 0: not paused */
    int64_t attempt;      /* of .step, from 1; 0: its compensation waits for resume */
    int64_t deadline_us;  /* wall time at which a timer is due; 0: none */
    char last_error[SAGA_ERROR_MAX + 1];
    enum saga_mark mark[SAGA_STEPS_MAX];
    struct saga_held held[SAGA_EVENTS_MAX];
    int held_count;
};

/* The columns as they are stored; borrowed. Times in microseconds since 1970 UTC, 0 for NULL. */
struct saga_row {
    const char *step, *status;
    const char *subject; /* the state column of the subject */
    bool paused;
    int64_t paused_at_us, attempt, deadline_us;
    const char *last_error; /* NULL: none */
    struct str progress, held;
};

/* instance_new - the state of a saga that has not begun, whose subject is in `subject` (a state's number). */
void instance_new(int subject, struct saga_state *out);
/* instance_read - the row as a state. Returns 0; ERR_INVALID: a name that the declaration does not have, or a
 * number out of range: the row was written under another declaration. */
NODISCARD int instance_read(const struct saga *s, const struct saga_row *row,
                            struct saga_state *out, struct err *e);
/* instance_progress, instance_held - appends the column's text. */
void instance_progress(const struct saga *s, const struct saga_state *st, struct buf *out);
void instance_held(const struct saga *s, const struct saga_state *st, struct buf *out);
/* instance_fault - what no row of this program says about itself, or NULL; instance_read refuses such a row. */
const char *instance_fault(const struct saga *s, const struct saga_state *st);
/* instance_fits - whether the subject's state allows the status. */
bool instance_fits(const struct saga *s, const struct saga_state *st);
/* instance_undoing - whether the compensation of .step is under way, or has FAILED. */
bool instance_undoing(const struct saga_state *st);
/* instance_copy - text into out of size bytes, NUL-terminated, cut between UTF-8 characters. */
void instance_copy(char *out, size_t size, struct str text);

#endif
