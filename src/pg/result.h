/* result.h - the rows of one statement as texts, built message by message. Owner: the caller of
 * direct_run, until result_free. */
#ifndef PARKWAY_PG_RESULT_H
#define PARKWAY_PG_RESULT_H

#include "base/buf.h"

struct result;

/* Building: a new one has no rows; values are copied. result_row: false when the DataRow is malformed or
 * has another number of columns than the rows before. */
struct result *result_new(void);
bool result_row(struct result *r, struct str data_row);
void result_complete(struct result *r, struct str tag); /* of CommandComplete */
void result_free(struct result *r);                     /* NULL is fine */

size_t result_count(const struct result *r);
size_t result_columns(const struct result *r); /* 0 when there are no rows */
/* Borrowed until result_free; p NULL is SQL NULL; NUL-terminated behind its end. */
struct str result_get(const struct result *r, size_t row, size_t column);
const char *result_text(const struct result *r, size_t row, size_t column); /* "" for NULL */
int64_t result_int(const struct result *r, size_t row, size_t column);      /* 0 for NULL */
int64_t result_affected(const struct result *r); /* rows, as the command tag tells */

#endif
