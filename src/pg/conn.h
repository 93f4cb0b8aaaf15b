/* conn.h - a blocking connection to PostgreSQL for the daemons' own work (libpq behind it).
 *
 * Not for the router's client traffic. One thread owns a connection for life. Every error fills
 * struct err with SQLSTATE and the server's message; ERR_CLOSED/ERR_UNAVAILABLE mean the
 * connection is gone or never was, ERR_AUTH a refused login, ERR_SQL a refused statement (the
 * connection stays usable). Values are text format. */
#ifndef PARKWAY_PG_CONN_H
#define PARKWAY_PG_CONN_H

#include "base/def.h"
#include "base/err.h"

struct conn;
struct rows;

/* For conn_options.options: values come as texts that say the same everywhere, whatever the settings of server, database
 * and role are; those of the log. */
#define CONN_EXACT_TEXTS                                                                       \
    "-c datestyle=ISO,MDY -c intervalstyle=postgres -c extra_float_digits=3"                   \
    " -c bytea_output=hex -c lc_monetary=C -c xmloption=content"
/* The same as statements, for a session that is open. */
#define CONN_EXACT_TEXTS_SQL                                                                   \
    "SET datestyle = 'ISO, MDY'; SET intervalstyle = 'postgres'; SET extra_float_digits = 3;"  \
    " SET bytea_output = 'hex'; SET lc_monetary = 'C'; SET xmloption = 'content';"

struct conn_options {
    const char *application_name;
    const char *options;   /* startup "-c name=value" list, or NULL */
    int connect_timeout_s; /* 0: 5 */
    /* how long a statement may go unanswered: 0 for ever. A server that is stopped keeps its sockets
     * alive, so nothing else ends that wait; the connection is of no more use then (ERR_TIMEOUT) */
    int answer_timeout_ms;
    bool replication; /* logical replication connection (replication=database) */
};

/* conn_open - url is a libpq connection URI or keyword string. TCP keepalives and
 * tcp_user_timeout are set so that a half-open peer is noticed within 15 s. */
NODISCARD int conn_open(struct conn **out, const char *url, const struct conn_options *o,
                        struct err *e);
void conn_close(struct conn *c); /* NULL is fine */
bool conn_alive(const struct conn *c);
int conn_socket(const struct conn *c);
/* conn_parameter - the last value that the server reported (ParameterStatus), or NULL; borrowed
 * until the next call on the connection. */
const char *conn_parameter(const struct conn *c, const char *name);
/* conn_lock_busy - rc and e tell that others were in the way: a deadlock, lock_timeout, or a row of a catalogue that
 * somebody else was changing. Worth another try. */
bool conn_lock_busy(int rc, const struct err *e);
/* the libpq handle, for the files of pg/ only (PGconn *) */
void *conn_raw(struct conn *c);
/* the judgement of a PGresult *, which is consumed or becomes *out; for the files of pg/ only */
NODISCARD int conn_check(struct conn *c, void *result, struct rows **out, struct err *e);

/* conn_exec - one or more statements without parameters, results dropped. */
NODISCARD int conn_exec(struct conn *c, const char *sql, struct err *e);
/* conn_query - one statement, params[i].p NULL is SQL NULL. *out (may be NULL) must be freed.
 */
NODISCARD int conn_query(struct conn *c, const char *sql, size_t param_count,
                         const struct str *params, struct rows **out, struct err *e);

size_t rows_count(const struct rows *r);
size_t rows_columns(const struct rows *r);
struct str rows_get(const struct rows *r, size_t row, size_t column); /* p NULL is SQL NULL */
/* the same as a NUL-terminated text; "" for NULL */
const char *rows_text(const struct rows *r, size_t row, size_t column);
int64_t rows_int(const struct rows *r, size_t row, size_t column); /* 0 for NULL */
int64_t rows_affected(const struct rows *r);
void rows_free(struct rows *r);

#endif
