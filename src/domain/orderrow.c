/* orderrow.c - see orderrow.h. */
#include "domain/orderrow.h"

#include "domain/orderref.h"

#include <stdio.h>

enum { SQL_MAX = 2048 };

int orderrow_find(struct db *db, bool write, const struct db_freshness *fresh, struct str ref,
                  const char *head, struct result **out, struct err *e)
{
    struct orderref r;
    char sql[SQL_MAX];
    *out = NULL;
    int rc = orderref_read(ref, &r, e);
    if (rc != 0) {
        return rc;
    }
    int n = snprintf(sql, sizeof sql, "%s o where o.%s = $1", head, r.column);
    ASSERT(n > 0 && (size_t)n < sizeof sql);
    rc = write ? db_write(db, sql, 1, &r.value, out, e)
               : db_read(db, fresh, sql, 1, &r.value, out, e);
    if (rc == 0 && result_count(*out) == 0) {
        result_free(*out);
        *out = NULL;
        return orderref_missing(ref, e);
    }
    return rc;
}
