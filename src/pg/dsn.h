/* dsn.h - a connection URI or keyword string taken apart, for the parts that speak the wire
 * protocol themselves. libpq reads it, so both forms, escapes and defaults are libpq's.
 * Thread: any; pure. */
#ifndef PARKWAY_PG_DSN_H
#define PARKWAY_PG_DSN_H

#include "base/err.h"

#include <stdbool.h>

struct dsn {
    char host[256];
    char port[8];
    char dbname[64];
    char user[64];
    char password[256];
    bool several; /* it names more hosts than the one above, which is the first */
};

/* dsn_parse - ERR_INVALID, in words that quote nothing of it. Missing parts: 127.0.0.1, 5432,
 * the user's name as database. Of several hosts the first. */
NODISCARD int dsn_parse(const char *url, struct dsn *out, struct err *e);

#endif
