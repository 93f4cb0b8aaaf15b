/* traced.h - which traces the open replica transaction belongs to, told in the log when it is committed: at level
 * info when the trace's flags say it is sampled, else debug. Thread: the consumer's. */
#ifndef PARKWAY_CONSUMER_TRACED_H
#define PARKWAY_CONSUMER_TRACED_H

#include "base/err.h"
#include "base/trace.h"

struct apply;
struct batch;
struct batch_change;

enum { TRACED_MAX = 32 }; /* of one replica transaction; what is more is not told */

struct traced {
    struct {
        char trace[TRACE_TEXT_MAX];
        uint64_t commit_lsn;
    } list[TRACED_MAX];
    size_t count;
};

/* traced_note - a message parkway.trace (a row of notice.c). Always 0. */
NODISCARD int traced_note(struct apply *a, struct batch *b, const struct batch_change *ch,
                          struct str content, struct err *e);
/* traced_say - the transaction is committed. */
void traced_say(struct apply *a);

#endif
