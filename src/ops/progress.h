/* progress.h - how far a copy is, for people and programs: rows, bytes, rate, time left.
 *
 * On a terminal one line is drawn over and over; elsewhere a line comes every ten seconds; with json each of those is an
 * object. The counters are written by the copying threads, the rest belongs to the thread that shows. */
#ifndef PARKWAY_OPS_PROGRESS_H
#define PARKWAY_OPS_PROGRESS_H

#include "base/buf.h"

#include <stdatomic.h>
#include <stdio.h>

struct progress {
    _Atomic int64_t rows,
        bytes;              /* copied, those of earlier runs too; the pieces under way count */
    _Atomic int64_t chunks; /* copied */
    int64_t rows_estimated; /* of all pieces */
    int64_t chunk_count;
    int64_t rows_before; /* when this run began */
    int64_t begun_us;
    int64_t shown_us;
    FILE *to; /* where lines go */
    bool terminal;
    bool json;
};

/* progress_init - shows on stderr, or as JSON on stdout. */
void progress_init(struct progress *p, bool json);
/* progress_begin - the sums are known, copying begins. */
void progress_begin(struct progress *p, int64_t now_us);
/* progress_show - when it is time to. */
void progress_show(struct progress *p, int64_t now_us);
/* progress_end - the last line; clears the one of a terminal. */
void progress_end(struct progress *p, int64_t now_us);
/* progress_clear - makes room for another line on the same terminal. */
void progress_clear(struct progress *p);

/* progress_text - the line. Pure. */
void progress_text(const struct progress *p, int64_t now_us, struct buf *out);

#endif
