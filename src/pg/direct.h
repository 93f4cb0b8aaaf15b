/* direct.h - a blocking connection to the router (or a PostgreSQL) that speaks the protocol itself.
 *
 * For the domain, whose CLI is one short process a command: libpq brings twenty libraries and its own
 * key derivation, which together cost more than the command (measured: 10.8 ms of processor time a
 * command with libpq, 5.9 ms without). Only what the domain needs: SCRAM-SHA-256 or trust, no encryption,
 * statements with text parameters, one or several in a round trip. One thread owns a connection. Errors as in conn.h.
 * Source: PostgreSQL 15 documentation, 55.2 "Message Flow". */
#ifndef PARKWAY_PG_DIRECT_H
#define PARKWAY_PG_DIRECT_H

#include "base/err.h"
#include "pg/result.h"

struct direct;

struct direct_options {
    const char *application_name;
    const char *options;   /* startup "-c name=value" list, or NULL */
    int connect_timeout_s; /* of connecting and logging in; 0: 5; the URL's own wins */
    int stop_fd; /* 0: none; once it is readable, whatever waits for the server gives up: ERR_CLOSED */
};

/* direct_open - url as uri.h reads it; a missing password is taken from $PGPASSWORD. ERR_INVALID (the
 * url), ERR_UNAVAILABLE, ERR_AUTH (the login was refused). */
NODISCARD int direct_open(struct direct **out, const char *url, const struct direct_options *o,
                          struct err *e);
void direct_close(struct direct *d); /* NULL is fine */
/* direct_stale - true when the idle connection has ended, or the server is saying goodbye on it. Looks
 * without waiting. */
bool direct_stale(const struct direct *d);
/* direct_add - one statement for the next direct_run; nothing is sent. params[i].p NULL is SQL NULL; all is copied. */
void direct_add(struct direct *d, const char *sql, size_t param_count,
                const struct str *params);
void direct_forget(struct direct *d); /* what was added since the last direct_run */
/* direct_run - sends what was added, in one go and with one Sync, so that the first error ends all that follows it; without
 * BEGIN and COMMIT among them they are one transaction. count: how many they are; results[i]: of each, to be freed; all
 * NULL when one has failed. ERR_SQL: refused, the connection is usable. ERR_UNAVAILABLE: a plan of this connection does not fit its
 * table any more and is made anew at the next run; nothing took effect. ERR_CLOSED: the connection is gone, and
 * whether they took effect is unknown. ERR_PROTOCOL: the server sent nonsense; the connection is gone. */
NODISCARD int direct_run(struct direct *d, struct result **results, size_t count,
                         struct err *e);
/* direct_status - of the last ReadyForQuery: 'I' idle, 'T' in a transaction, 'E' in one that has failed. */
char direct_status(const struct direct *d);
/* direct_parameter - the last value the server reported, or NULL; borrowed until the next run. */
const char *direct_parameter(const struct direct *d, const char *name);

#endif
