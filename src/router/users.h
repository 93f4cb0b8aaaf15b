/* users.h - who may log in: the users file, lines of  "user" "SCRAM-SHA-256$…"  as `parkway
 * migrate` writes them. A double quote inside a name is doubled; # starts a comment line.
 *
 * The table is read again when the file changes (looked at when somebody logs in, at most once a
 * second). One table for all workers behind a lock that only logins take; users_find copies. */
#ifndef PARKWAY_ROUTER_USERS_H
#define PARKWAY_ROUTER_USERS_H

#include "base/err.h"
#include "pg/scram.h"

struct users;

struct users *users_new(const char *path);
void users_free(struct users *u);
/* users_load - read the file now. ERR_NOT_FOUND, or ERR_INVALID with file:line; the table before
 * stays in force after an error. */
NODISCARD int users_load(struct users *u, struct err *e);
/* users_find - the verifier of name; false: nobody of that name (then *out is the mock). */
bool users_find(struct users *u, struct str name, struct scram_verifier *out);
size_t users_count(struct users *u);
/* users_parse_line - for tests: name (NUL-terminated) and verifier of one line; 0 for a blank line
 * or comment, 1 for a user, -1 malformed. */
int users_parse_line(struct str line, char name[64], struct scram_verifier *out);

#endif
