/* reapply.c - see reapply.h. */
#include "consumer/reapply.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdlib.h>

enum { ASK_EVERY_US = 1000000, CHUNK_ROWS = 1000, CHUNK_BYTES = 4 << 20 };

void reapply_init(struct reapply *r)
{
    *r = (struct reapply){0};
    batch_init(&r->batch, &r->some);
}

void reapply_fini(struct reapply *r)
{
    batch_fini(&r->batch);
    free(r->some.items);
}

/* The first table for which somebody asked; p NULL: nobody did. *out must be freed. */
static int wanted(struct apply *a, struct rows **out, struct err *e)
{
    struct str params[1] = {str_of(a->park->consumer)};
    return conn_query(a->db,
                      "SELECT relation FROM parkway.parked WHERE consumer = $1"
                      " AND state = 'retry' ORDER BY id LIMIT 1",
                      1, params, out, e);
}

/* Takes the changes of the keys asked for out of the way: state trying. A table whose changes wait as a
 * whole (key []) is one key. A change that was too large to be kept stays with its key, and is asked for no longer. */
static int take(struct apply *a, struct str relation, struct err *e)
{
    struct str params[2] = {str_of(a->park->consumer), relation};
    int rc = conn_query(
        a->db,
        "WITH RECURSIVE p AS MATERIALIZED (SELECT key, position,"
        "   message IS NULL AND op <> 'moved' AS lost FROM parkway.parked"
        "  WHERE consumer = $1 AND relation = $2 AND state IN ('parked', 'retry')),"
        " keys(key) AS (SELECT key FROM parkway.parked WHERE consumer = $1 AND relation = $2"
        "   AND state = 'retry'"
        "  UNION SELECT o.key FROM keys AS k JOIN p ON p.key = k.key"
        "   JOIN p AS o ON o.position = p.position)"
        " UPDATE parkway.parked AS t SET state = 'trying' WHERE consumer = $1 AND relation = $2"
        " AND state IN ('parked', 'retry') AND NOT EXISTS (SELECT FROM p"
        "   WHERE p.position = t.position AND p.lost)"
        " AND (key IN (SELECT key FROM keys) OR EXISTS (SELECT FROM p WHERE key = '[]'))",
        2, params, NULL, e);
    return rc != 0 ? rc
                   : conn_query(a->db,
                                "UPDATE parkway.parked SET state = 'parked' WHERE consumer = $1"
                                " AND relation = $2 AND state = 'retry'",
                                2, params, NULL, e);
}

/* The next changes in the order of the log, as hex. */
static int fetch(struct apply *a, struct str relation, const char *behind, struct rows **out,
                 struct err *e)
{
    struct str params[3] = {str_of(a->park->consumer), relation, str_of(behind)};
    return conn_query(a->db,
                      "SELECT p.id, p.position, p.commit_us, encode(p.message, 'hex'),"
                      " encode(s.message, 'hex'), p.shape"
                      " FROM parkway.parked AS p LEFT JOIN parkway.parked_shape AS s"
                      "  ON s.digest = p.shape WHERE p.consumer = $1 AND p.relation = $2"
                      " AND p.state = 'trying' AND p.message IS NOT NULL AND p.id > $3::bigint"
                      " ORDER BY p.id LIMIT 1000",
                      3, params, out, e);
}

static int nibble(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool unhex(struct str hex, struct buf *out)
{
    char *p = buf_reserve(out, hex.n / 2);
    for (size_t i = 0; i + 1 < hex.n; i += 2) {
        int high = nibble(hex.p[i]);
        int low = nibble(hex.p[i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        p[i / 2] = (char)(high << 4 | low);
    }
    buf_commit(out, hex.n / 2);
    return hex.p != NULL && hex.n % 2 == 0;
}

/* The mirrors that feed the target table, and no other. False: none does any more. */
static bool choose_mirrors(struct reapply *r, const struct mirrors *all, struct str relation)
{
    r->some.items = def_realloc(r->some.items, (all->count + 1) * sizeof *r->some.items);
    r->some.count = 0;
    r->some.all = all->all;
    for (size_t i = 0; i < all->count; i++) {
        const struct mirror *m = &all->items[i];
        size_t stem = strlen(m->target_schema);
        struct str name = {relation.p + stem + 1, relation.n - stem - 1};
        if (relation.n > stem && memcmp(relation.p, m->target_schema, stem) == 0 &&
            relation.p[stem] == '.' && str_eq(name, str_of(m->target_name))) {
            r->some.items[r->some.count++] = *m;
        }
    }
    return r->some.count > 0 || all->all;
}

/* Puts row i of the answer into the batch. */
static int put(struct reapply *r, const struct rows *rows, size_t i, struct err *e)
{
    enum { ID, POSITION, COMMIT_US, MESSAGE, SHAPE };
    struct buf shape = BUF_INIT;
    struct buf msg = BUF_INIT;
    struct position at;
    struct pgoutput_msg m;
    bool changed;
    int rc = 0;
    if (!position_parse(rows_get(rows, i, POSITION), &at) ||
        !unhex(rows_get(rows, i, SHAPE), &shape) || !unhex(rows_get(rows, i, MESSAGE), &msg)) {
        rc = err_set(e, ERR_DAMAGED, "parked change %s cannot be read", rows_text(rows, i, ID));
    }
    if (rc == 0) {
        rc = relations_take(&r->batch.relations, buf_str(&shape), &r->some, &changed, e);
    }
    if (rc == 0) {
        rc = pgoutput_parse(buf_str(&msg), &m, e);
    }
    struct relation *rel = rc == 0 ? relations_find(&r->batch.relations, m.u.change.oid) : NULL;
    if (rc == 0 && rel == NULL) {
        rc = err_set(e, ERR_DAMAGED, "parked change %s has another table's description",
                     rows_text(rows, i, ID));
    }
    if (rc == 0) {
        batch_put(&r->batch, rel, buf_str(&msg), &at, rows_int(rows, i, COMMIT_US));
    }
    buf_fini(&shape);
    buf_fini(&msg);
    return rc;
}

/* Applies all that was taken, in chunks, inside the open transaction. */
static int apply_taken(struct reapply *r, struct apply *a, struct str relation, struct err *e)
{
    char behind[24] = "0";
    int rc = 0;
    for (bool more = true; rc == 0 && more;) {
        struct rows *rows = NULL;
        rc = fetch(a, relation, behind, &rows, e);
        more = rc == 0 && rows_count(rows) > 0;
        for (size_t i = 0; rc == 0 && i < rows_count(rows); i++) {
            rc = put(r, rows, i, e);
            if (rc == 0 && (r->batch.bytes > CHUNK_BYTES || i + 1 == rows_count(rows))) {
                rc = apply_chunk(a, &r->batch, e);
            }
        }
        if (more) {
            memset(behind, 0, sizeof behind);
            strncpy(behind, rows_text(rows, rows_count(rows) - 1, 0), sizeof behind - 1);
        }
        rows_free(rows);
    }
    return rc;
}

/* What was refused again gets its number back; the rest is gone. Both are written down. */
static int settle(struct apply *a, struct str relation, int64_t *applied, int64_t *refused,
                  struct err *e)
{
    struct str params[2] = {str_of(a->park->consumer), relation};
    struct rows *rows = NULL;
    int rc = conn_query(
        a->db,
        "WITH old AS (DELETE FROM parkway.parked WHERE consumer = $1 AND relation = $2"
        "  AND state = 'trying' RETURNING *),"
        " again AS (UPDATE parkway.parked AS p SET id = o.id, tries = o.tries + 1,"
        "  parked_at = o.parked_at FROM old AS o WHERE p.consumer = $1 AND p.relation = $2"
        "  AND p.state = 'parked' AND p.position = o.position AND p.key = o.key"
        "  AND p.op = o.op RETURNING o.id, p.error),"
        " said AS (INSERT INTO parkway.parked_audit"
        "  (who, action, consumer, parked_id, relation, key, position, reason)"
        "  SELECT 'consumer', CASE WHEN g.id IS NULL THEN 'applied' ELSE 'refused' END,"
        "   $1, o.id, $2, o.key, o.position, g.error FROM old AS o LEFT JOIN again AS g"
        "   ON g.id = o.id WHERE o.op <> 'moved' RETURNING action)"
        " SELECT count(*) FILTER (WHERE action = 'applied'),"
        "  count(*) FILTER (WHERE action = 'refused') FROM said",
        2, params, &rows, e);
    if (rc == 0) {
        *applied = rows_int(rows, 0, 0);
        *refused = rows_int(rows, 0, 1);
    }
    rows_free(rows);
    return rc;
}

/* The request cannot be met. */
static int decline(struct apply *a, struct str relation, const char *reason, struct err *e)
{
    struct str params[3] = {str_of(a->park->consumer), relation, str_of(reason)};
    log_warn("parked changes of %.*s cannot be tried again: %s", STR_ARG(relation), reason);
    return conn_query(a->db,
                      "UPDATE parkway.parked SET state = 'parked', error = $3"
                      " WHERE consumer = $1 AND relation = $2 AND state = 'retry'",
                      ARRAY_LEN(params), params, NULL, e);
}

static int run(struct reapply *r, struct apply *a, struct batch *main, struct str relation,
               struct err *e)
{
    int64_t applied = 0;
    int64_t refused = 0;
    bool halt = a->halt_on_poison;
    /* the session looks rows up by their keys alone; here thousands meet thousands */
    int rc = conn_exec(a->db,
                       "BEGIN; LOCK TABLE parkway.parked IN ROW EXCLUSIVE MODE;"
                       " SET LOCAL enable_hashjoin = on",
                       e);
    a->open = rc == 0;
    rc = rc == 0 ? take(a, relation, e) : rc;
    rc = rc == 0 ? conn_exec(a->db, "SET LOCAL enable_hashjoin = off", e) : rc;
    a->halt_on_poison = false; /* what is parked already does not hold the consumer */
    rc = rc == 0 ? apply_taken(r, a, relation, e) : rc;
    a->halt_on_poison = halt;
    rc = rc == 0 ? conn_exec(a->db, "SET LOCAL enable_hashjoin = on", e) : rc;
    rc = rc == 0 ? settle(a, relation, &applied, &refused, e) : rc;
    rc = rc == 0 ? apply_commit(a, main, 0, e) : rc;
    if (rc == 0) {
        log_info("parked changes tried again relation=%.*s applied=%lld parked_again=%lld",
                 STR_ARG(relation), (long long)applied, (long long)refused);
    } else if (rc == ERR_DAMAGED || rc == ERR_PROTOCOL) {
        struct err why = *e;
        apply_abandon(a);
        rc = decline(a, relation, why.text, e);
    }
    return rc;
}

int reapply_turn(struct reapply *r, struct apply *a, struct batch *main, struct err *e)
{
    if (clock_mono_us() - r->asked_us < ASK_EVERY_US) {
        return 0;
    }
    struct rows *rows = NULL;
    int rc = wanted(a, &rows, e);
    struct str relation = rc == 0 && rows_count(rows) > 0 ? rows_get(rows, 0, 0) : STR_NULL;
    if (relation.p == NULL) {
        r->asked_us = clock_mono_us();
    } else if (choose_mirrors(r, main->mirrors, relation)) {
        batch_restart(&r->batch, main->at);
        rc = run(r, a, main, relation, e);
        batch_restart(&r->batch, main->at);
    } else {
        rc = decline(a, relation, "no mirror of this consumer feeds the table", e);
    }
    rows_free(rows);
    return rc;
}
