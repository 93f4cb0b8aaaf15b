/* db.h - the one database handle of the domain: a connection to the router, opened when needed.
 *
 * Owner: one thread. A lost connection is opened again by the next call outside a transaction; a
 * connection that died while it was idle is noticed before anything is sent, so a write is never
 * refused for it. Every value travels as a parameter. The server may be a plain PostgreSQL: then
 * positions and routes are unknown and everything else works.
 *
 * Errors, besides those of pg/direct.h: the SQLSTATE becomes ERR_INVALID (class 22, 23), ERR_CONFLICT
 * (unique violation; 55000: not in that state), ERR_UNAVAILABLE (08001, 08004, 53, 57P03, 40, 25006: nothing took effect),
 * ERR_TIMEOUT (57014). ERR_CLOSED (08006, 57P01 and their like): the connection was lost, here or
 * between router and server, while the statement ran; whether a write took place is unknown. */
#ifndef PARKWAY_DOMAIN_DB_H
#define PARKWAY_DOMAIN_DB_H

#include "base/err.h"
#include "event/position.h"
#include "pg/direct.h"

struct db;

enum db_route { DB_ROUTE_UNKNOWN, DB_ROUTE_PRIMARY, DB_ROUTE_REPLICA };

/* What a read asks for beyond the session's own writes. */
struct db_freshness {
    struct str position; /* a token that position_parse accepts; p NULL: none */
    int64_t wait_ms; /* how long the router may wait for a replica; below 0: its own setting */
};
#define DB_FRESHNESS_INIT                                                                      \
    {                                                                                          \
        STR_NULL, -1                                                                           \
    }

/* db_new - nothing is opened yet. url and name are copied. */
struct db *db_new(const char *url, const char *application_name);
void db_free(struct db *db); /* NULL is fine */
/* db_stop_on - from the next connection on: once fd is readable, and stays so, no call waits for the server any
 * longer; ERR_CLOSED in the middle of a statement, ERR_UNAVAILABLE before. fd stays the caller's. */
void db_stop_on(struct db *db, int fd);
/* db_connect - opens the connection unless it stands. */
NODISCARD int db_connect(struct db *db, struct err *e);
/* db_close - gives the connection up; the next call opens another, which owes nothing to what this one
 * has seen. */
void db_close(struct db *db);

/* db_read - a SELECT, repeated once on a new connection when the first one is lost. fresh may be
 * NULL. *out must be freed with result_free. */
NODISCARD int db_read(struct db *db, const struct db_freshness *fresh, const char *sql,
                      size_t param_count, const struct str *params, struct result **out,
                      struct err *e);
/* db_write - one statement on the primary, never repeated: what it reads, if it only reads, is what is committed now.
 * out may be NULL. */
NODISCARD int db_write(struct db *db, const char *sql, size_t param_count,
                       const struct str *params, struct result **out, struct err *e);

/* One transaction at a time. A lost connection ends it; db_rollback is then a no-op.
 * db_begin opens the connection if need be; BEGIN itself travels with the first statement, in one round trip. */
NODISCARD int db_begin(struct db *db, struct err *e);
/* db_later - a statement of the open transaction that travels with the next one, which is refused when this one is: its error
 * is that one's then. *out (out may be NULL) is set by that call: to be freed, or NULL. ERR_CLOSED: it has ended. */
NODISCARD int db_later(struct db *db, const char *sql, size_t param_count,
                       const struct str *params, struct result **out, struct err *e);
/* db_flush - sends what db_begin and db_later have added, if anything. */
NODISCARD int db_flush(struct db *db, struct err *e);
/* db_role - what follows in the open transaction is done as that role (SET LOCAL), "" as the login; travels with the next statement. */
NODISCARD int db_role(struct db *db, const char *role, struct err *e);
/* db_act_as - from here to db_act_end writes are those of that owner of tables (sql/primary/20_owners.sql): in a transaction of
 * its own (*alone), or in the one that is open. db_act_end - rc is how it went; commits what was alone, or rolls it
 * back; returns rc, or the error of the commit. Not called when db_act_as failed. */
NODISCARD int db_act_as(struct db *db, const char *owner, bool *alone, struct err *e);
NODISCARD int db_act_end(struct db *db, bool alone, int rc, struct err *e);
/* db_commit - ERR_SQL: a statement before had failed, all is rolled back. ERR_CLOSED before anything is sent: the
 * connection was lost, or is another one; while the commit ran: whether it took place is unknown. */
NODISCARD int db_commit(struct db *db, struct err *e);
void db_rollback(struct db *db);
bool db_in_transaction(const struct db *db);

/* db_position - the token of the last write into out; "" when the server does not know it. */
void db_position(struct db *db, char out[POSITION_TEXT_MAX]);
/* db_route - where the last statement went. */
enum db_route db_route(struct db *db);
const char *db_route_text(enum db_route r); /* "primary", "replica", "unknown" */

#endif
