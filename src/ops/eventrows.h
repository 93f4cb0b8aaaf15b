/* eventrows.h - the rows of the event store table (public.events) as the events that the relay made of them.
 *
 * The stream of events is bounded in bytes and can be lost with its broker; the table has every event of the store. An
 * event read from it has the same routing key, cloudEvents:id, type, source and body as the relay's. What the row does
 * not know is another: the message id is the event_id, the time is occurred_at, and there is no trace.
 *
 * All rows are those of one snapshot of the primary, taken at eventrows_open: what commits later reaches queues that
 * are bound by then in the usual way. Columns and rows are those that the publication lets out. Thread: the command's. */
#ifndef PARKWAY_OPS_EVENTROWS_H
#define PARKWAY_OPS_EVENTROWS_H

#include "event/event.h"

struct eventrows;

/* eventrows_open - from_seq: the first wanted seq; from_s: occurred at this second since 1970 or later; 0: any.
 * ERR_NOT_FOUND: there is no such table, or it is not captured. */
NODISCARD int eventrows_open(struct eventrows **out, int64_t from_seq, int64_t from_s,
                             struct err *e);
/* eventrows_next - the next event in the order of seq; NULL at the end. *ev is borrowed until the next call. A row without a
 * usable routing key made no event and is skipped. */
NODISCARD int eventrows_next(struct eventrows *r, struct event **ev, int64_t *seq,
                             struct err *e);
void eventrows_close(struct eventrows *r); /* NULL is fine */

#endif
