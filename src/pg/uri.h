/* uri.h - a connection URI or keyword string taken apart without libpq, for programs that do not load
 * it (direct.h). The forms are libpq's: postgresql://user:password@host:port/database?name=value and
 * "host=… port=…"; of its parameters those below are known, the others refused. Pure. */
#ifndef PARKWAY_PG_URI_H
#define PARKWAY_PG_URI_H

#include "base/err.h"

struct uri {
    char host[256]; /* default 127.0.0.1 */
    char port[8];   /* default 5432 */
    char user[64];
    char password[256];
    char dbname[64]; /* default: the user's name */
    char application_name[64];
    int connect_timeout_s; /* 0: not given */
};

/* uri_parse - ERR_INVALID (never with the password): another scheme, several hosts, an unknown
 * parameter, a value too long, no user, or an sslmode or gssencmode that asks for encryption. */
NODISCARD int uri_parse(const char *text, struct uri *out, struct err *e);

#endif
