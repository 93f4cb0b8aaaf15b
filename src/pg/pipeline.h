/* pipeline.h - many statements in one round trip, prepared statements with binary parameters, and COPY
 * into a table, over a connection of conn.h.
 *
 * Between pipeline_begin and pipeline_end statements are only sent; pipeline_end waits for all
 * results. After the first refused statement the server skips the rest. No transaction control is
 * added: the caller sends its own BEGIN and COMMIT. Thread: the connection's. Errors as in conn.h.
 * Source: libpq, "Pipeline Mode" and "Functions Associated with the COPY Command". */
#ifndef PARKWAY_PG_PIPELINE_H
#define PARKWAY_PG_PIPELINE_H

#include "pg/conn.h"

enum { PIPELINE_PARAMS_MAX = 3400 }; /* twice the columns of a table */

struct pipeline_param {
    struct str value; /* p NULL: SQL NULL; of a text parameter a NUL must stand behind it */
    bool binary;
};

/* pipeline_prepare - outside of a pipeline: one round trip. Types are left to the server. */
NODISCARD int pipeline_prepare(struct conn *c, const char *name, const char *sql,
                               struct err *e);

/* pipeline_begin - statements sent from now on are numbered from 0. */
NODISCARD int pipeline_begin(struct conn *c, struct err *e);
NODISCARD int pipeline_send(struct conn *c, const char *sql, struct err *e);
NODISCARD int pipeline_send_prepared(struct conn *c, const char *name, size_t param_count,
                                     const struct pipeline_param *params, struct err *e);
/* pipeline_end - waits for the results of everything sent. affected[i] (of `count` statements; may be
 * NULL) becomes the number of rows of statement i. last (may be NULL) becomes the rows of the last
 * statement that returned any; free them. The first error is returned, with *failed (may be NULL) the
 * number of its statement. */
NODISCARD int pipeline_end(struct conn *c, size_t count, int64_t *affected, struct rows **last,
                           size_t *failed, struct err *e);

/* COPY … FROM STDIN: begin, data in pieces of any size, end. After an error of pipeline_copy_data the
 * COPY is over; pipeline_copy_end(…, false) abandons it. *count (may be NULL): rows copied. */
NODISCARD int pipeline_copy_begin(struct conn *c, const char *sql, struct err *e);
NODISCARD int pipeline_copy_data(struct conn *c, struct str data, struct err *e);
NODISCARD int pipeline_copy_end(struct conn *c, bool complete, int64_t *count, struct err *e);

/* COPY … TO STDOUT: one row a call, with its newline; row->p NULL at the end. *row must be the
 * variable of the call before (STR_NULL at first): its bytes are freed by the next call. */
NODISCARD int pipeline_copy_out(struct conn *c, const char *sql, struct err *e);
NODISCARD int pipeline_copy_row(struct conn *c, struct str *row, struct err *e);

#endif
