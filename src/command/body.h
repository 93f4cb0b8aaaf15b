/* body.h - a request's JSON body, read by jansson (whose names clash with base/json.h: only body.c
 * includes it). */
#ifndef PARKWAY_COMMAND_BODY_H
#define PARKWAY_COMMAND_BODY_H

#include "base/err.h"

/* A member of the body's object. */
struct body_member {
    const char *name;
    struct str text; /* p NULL: absent; borrowed until body_free */
};
struct body;

/* body_read - text as a JSON object (RFC 8259) of which the named members are read; others are ignored.
 * ERR_INVALID: no JSON, a name twice, \u0000, no object, a named member that is null, or no string. *out must be
 * freed. */
NODISCARD int body_read(struct str text, struct body_member *members, size_t count,
                        struct body **out, struct err *e);
void body_free(struct body *b); /* NULL is fine */

#endif
