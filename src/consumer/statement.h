/* statement.h - the SQL of a sink, and rows as its parameters.
 *
 * Every parameter is an array of text (one element a row), sent in PostgreSQL's binary array form and
 * unnested; the server casts each element to the column's type without its length, so that a value that
 * does not fit is refused by the assignment and never cut. Thread: the consumer's. */
#ifndef PARKWAY_CONSUMER_STATEMENT_H
#define PARKWAY_CONSUMER_STATEMENT_H

#include "base/buf.h"
#include "consumer/sink.h"

/* statement_prepare - fills params and name of st (op and mask are set) and prepares it. */
NODISCARD int statement_prepare(struct sink *s, struct sink_statement *st, struct conn *c,
                                struct err *e);
/* statement_send - sends st for the rows into an open pipeline. scratch's contents are lost. */
NODISCARD int statement_send(const struct sink_statement *st, const struct plan_row *rows,
                             size_t count, struct conn *c, struct buf *scratch, struct err *e);
/* statement_copy - COPY of the rows neu into the sink; *count becomes the rows copied. */
NODISCARD int statement_copy(const struct sink *s, const struct plan_row *rows, size_t count,
                             struct conn *c, struct buf *scratch, int64_t *copied,
                             struct err *e);
/* statement_truncate - "TRUNCATE …" of the sinks, for pipeline_send. RESTART IDENTITY is not repeated:
 * the replica draws no numbers. */
void statement_truncate(struct plan_table *const *tables, size_t count, struct buf *out);

#endif
