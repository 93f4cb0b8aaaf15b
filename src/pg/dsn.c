/* dsn.c - see dsn.h. */
#include "pg/dsn.h"

#include <libpq-fe.h>
#include <stdio.h>

static void take(char *out, size_t size, const char *value)
{
    snprintf(out, size, "%s", value);
}

/* The first of a list; what libpq tries in turn, a part with one address cannot. */
static void take_first(struct dsn *out, char *to, size_t size, const char *list)
{
    size_t n = strcspn(list, ",");
    snprintf(to, size, "%.*s", (int)n, list);
    out->several = out->several || list[n] != '\0';
}

int dsn_parse(const char *url, struct dsn *out, struct err *e)
{
    *out = (struct dsn){.host = "127.0.0.1", .port = "5432"};
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    if (options == NULL) { /* libpq's own words quote the text, its password included */
        return err_set(e, ERR_INVALID,
                       "not a connection string: postgresql://user:password@host:port/database "
                       "or keyword=value pairs are expected");
    }
    for (const PQconninfoOption *o = options; o->keyword != NULL; o++) {
        if (o->val == NULL || o->val[0] == '\0') {
            continue;
        }
        if (strcmp(o->keyword, "host") == 0 || strcmp(o->keyword, "hostaddr") == 0) {
            take_first(out, out->host, sizeof out->host, o->val);
        } else if (strcmp(o->keyword, "port") == 0) {
            take_first(out, out->port, sizeof out->port, o->val);
        } else if (strcmp(o->keyword, "dbname") == 0) {
            take(out->dbname, sizeof out->dbname, o->val);
        } else if (strcmp(o->keyword, "user") == 0) {
            take(out->user, sizeof out->user, o->val);
        } else if (strcmp(o->keyword, "password") == 0) {
            take(out->password, sizeof out->password, o->val);
        }
    }
    PQconninfoFree(options);
    if (out->dbname[0] == '\0') {
        take(out->dbname, sizeof out->dbname, out->user);
    }
    return 0;
}
