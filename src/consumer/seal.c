/* seal.c - see seal.h. */
#include "consumer/seal.h"

#include "consumer/batch.h"
#include "pg/conn.h"

#include <inttypes.h>
#include <stdio.h>

enum { SEAL = 64 }; /* hex digits of SHA-256 */

int seal_open(struct conn *db, const char *prefix, const struct batch_change *ch,
              struct str text, bool *good, struct str *content, struct err *e)
{
    *good = false;
    if (text.n <= SEAL + 1 || text.p[SEAL] != ' ') {
        return 0;
    }
    struct str body = {text.p + SEAL + 1, text.n - SEAL - 1};
    const char *space = memchr(body.p, ' ', body.n);
    char xid[16];
    int n = snprintf(xid, sizeof xid, "%" PRIu32, ch->xid);
    if (space == NULL || space - body.p != n || memcmp(xid, body.p, (size_t)n) != 0) {
        return 0;
    }
    struct rows *r = NULL;
    int rc = conn_query(db, "SELECT parkway.seal_of($1, $2) = $3", 3,
                        (struct str[]){str_of(prefix), body, {text.p, SEAL}}, &r, e);
    if (rc == 0) {
        *good = rows_count(r) > 0 && rows_text(r, 0, 0)[0] == 't';
        *content = (struct str){space + 1, body.n - (size_t)n - 1};
    }
    rows_free(r);
    return rc;
}
