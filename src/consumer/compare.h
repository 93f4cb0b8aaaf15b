/* compare.h - is the replica equal to the primary? Found out while both are written, without pausing either.
 *
 * A table with a key is walked in ranges of its key. The primary is asked for a range's digest (digest.h) and then
 * for its position; when the replica has applied that position, it is asked, too. Ranges that differ are
 * listed row by row, and rows that differ are suspects, which settle.h examines until each is proven
 * equal or different (suspect.h). A table without a key is compared the same way by the hash of its whole rows.
 * So what is reported is different for certain, and what is passed over was equal at the position at which
 * its range was read; a range counts as equal by number of rows and 64-bit checksum.
 *
 * A view of the replica is compared with its SELECT in one snapshot of the replica, in the same ranges; there nothing
 * moves, so one look at each row is proof.
 *
 * Memory is bounded by RANGE_ROWS keys and hashes, whatever the rows hold. Thread: the caller's, blocking; the
 * connections are the comparison's own. */
#ifndef PARKWAY_CONSUMER_COMPARE_H
#define PARKWAY_CONSUMER_COMPARE_H

#include "consumer/survey.h"

enum compare_kind { COMPARE_MISSING, COMPARE_EXTRA, COMPARE_CHANGED };

struct compare_value {
    const char *name;
    struct str primary; /* shortened; p NULL: SQL NULL, or the side has no such row */
    struct str replica;
};

/* A row that is proven different; all of it borrowed during the call. */
struct compare_row {
    const struct survey_table *table;
    enum compare_kind kind;
    const struct str *key; /* of table->digest.key_count texts; of a table without a key NULL */
    const struct compare_value *values; /* the columns that differ */
    size_t value_count;
    bool parked; /* a change of this key is parked */
};

struct compare_result {
    int64_t rows; /* read on the primary */
    int64_t different;
    int64_t unsettled; /* changed too fast to be proven */
};

struct compare_options {
    const char *name; /* of the connections */
    const char *primary_url;
    const char *replica_url;
    const char *publication;
    const char *consumer;
    const struct mirrors *mirrors;
    bool views;          /* the replica's views, too */
    const char *table;   /* only this one, by its name here or there; NULL: all */
    int64_t rows_per_s;  /* 0: as fast as it goes */
    int64_t patience_ms; /* the replica may stand still so long before that is an error */
    void *ctx;
    bool (*go_on)(
        void *ctx); /* asked often; false: the comparison ends with ERR_FAIL. May be NULL */
    void (*on_row)(void *ctx, const struct compare_row *r);
    /* after each table; one that is not comparable has a result of zeros */
    void (*on_table)(void *ctx, const struct survey_table *t, const struct compare_result *r);
};

/* compare_run - *sum becomes the sum over the tables, *at the position up to which the replica was
 * found equal (or different). ERR_NOT_FOUND: no such table; ERR_TIMEOUT: the replica does not advance;
 * ERR_LOST: it is in another epoch. */
NODISCARD int compare_run(const struct compare_options *o, struct compare_result *sum,
                          struct position *at, struct err *e);

/* --- shared with settle.c --------------------------------------------------------------------- */

struct compare {
    const struct compare_options *o;
    struct conn *primary;
    struct conn *replica;
    struct conn *nudger; /* while the first one holds locks */
    bool still;          /* both sides are one snapshot: nothing moves */
    struct position at;  /* of the primary, last asked */
    int64_t started_us;
    int64_t paced_rows;
    struct compare_result result; /* of the present table */
};

/* compare_catch_up - notes the primary's position and waits until the replica has applied it. held: the
 * primary's connection is inside a transaction; patience_ms 0: the options'. */
NODISCARD int compare_catch_up(struct compare *c, bool held, int64_t patience_ms,
                               struct err *e);
NODISCARD int compare_go_on(const struct compare *c, struct err *e);

#endif
