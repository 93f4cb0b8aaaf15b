/* refill.h - fills a mirror that picks its columns, or appends, anew from the log, beside the live one.
 *
 *   1  a temporary table beside; of a mirror of rows: the primary's rows as they stood at a position P
 *   2  the log is applied to it by the consumer's own road (batch, apply): from P on, or, of a history,
 *      from the log's first whole place F on; never past the place that the live consumer has reached
 *   3  in one transaction, with the mirror's writers and the consumer's cursor held up: the rest up to exactly the
 *      cursor's place; then rows of the mirror that are not in the copy go, and those that are missing come
 *
 * Both stand at the same place of the log at 3, so nothing is missed and nothing is doubled, whatever is written meanwhile, and
 * readers see the mirror before or after. Rows that are right are left as they are, columns and all: in a mirror of rows
 * the pseudo-columns (a row of the copy has P as its $position) are not compared. Of a history the rows at or before F are kept:
 * the log does not tell of them any more, nor of what lies before a break.
 *
 * Nothing but the exchange is written, so what a killed replay leaves is nothing. Thread: the caller's. */
#ifndef PARKWAY_OPS_REFILL_H
#define PARKWAY_OPS_REFILL_H

#include "base/err.h"
#include "consumer/mirror.h"

/* refill - of the mirror m of the consumer. *rows becomes the number of rows that the log (and P) gave. ERR_CONFLICT: the
 * mirror cannot be filled like that (no key, no $position in a history, pseudo-columns but $position in a mirror
 * of rows), it has parked changes, or a change is refused; ERR_FENCED: another replay of it is under way; ERR_TIMEOUT:
 * the consumer does not advance; ERR_UNAVAILABLE: a server is away, or the log cannot be read whole. Nothing has
 * changed then. */
NODISCARD int refill(const struct mirror *m, const char *consumer, int64_t *rows,
                     struct err *e);

#endif
