/* judge.h - may this classification run on a replica, and if not, why: the names of the text
 * looked up in the catalogues through the session's search path. Pure.
 *
 * The verdict depends on the classification, the catalogue snapshot, the search path, the user and
 * the session's temporary names only, so a cache entry keeps it as long as judge_scope_id and the
 * catalogue's version are the same. Freshness, health, transactions and pins are decide.h's. */
#ifndef PARKWAY_ROUTER_JUDGE_H
#define PARKWAY_ROUTER_JUDGE_H

#include "router/catalog.h"
#include "router/classify.h"

/* Why a statement goes where it goes; texts complete with the verdict's detail ("%s"). */
#define REASON_LIST(X)                                                                         \
    X(REASON_READ, "read")                                                                     \
    X(REASON_UNKNOWN, "statement not understood")                                              \
    X(REASON_TOO_LONG, "text too long to parse")                                               \
    X(REASON_WRITE, "write (%s)")                                                              \
    X(REASON_LOCKING, "row locks (FOR UPDATE or FOR SHARE)")                                   \
    X(REASON_INTO, "SELECT INTO creates a table")                                              \
    X(REASON_DML, "data-modifying WITH")                                                       \
    X(REASON_KIND, "%s runs on the primary")                                                   \
    X(REASON_ANALYZE, "EXPLAIN ANALYZE executes the statement")                                \
    X(REASON_SERVER_FILE, "COPY with a file or program of the server")                         \
    X(REASON_CONSTRUCT, "construct not known to be a read")                                    \
    X(REASON_FUNCTION_VOLATILE, "function %s is volatile")                                     \
    X(REASON_FUNCTION_SERVER, "function %s tells about the server it runs on")                 \
    X(REASON_FUNCTION_UNKNOWN, "function %s is not in the catalogue")                          \
    X(REASON_FUNCTION_SETS, "function %s sets session state")                                  \
    X(REASON_FUNCTION_DIFFERS, "function %s is not the same on the replica")                   \
    X(REASON_OPERATOR_VOLATILE, "operator %s uses a volatile function")                        \
    X(REASON_OPERATOR_DIFFERS, "operator %s is not on the replica")                            \
    X(REASON_CAST_VOLATILE, "a cast to %s uses a volatile function")                           \
    X(REASON_CAST_OID, "a cast to %s gives object numbers, which differ on the replica")       \
    X(REASON_TYPE_USER, "type %s has another number on the replica")                           \
    X(REASON_TYPE_UNKNOWN, "type %s is not in the catalogue")                                  \
    X(REASON_SETTING_DIFFERS, "%s is set otherwise on the replica")                            \
    X(REASON_OWN_PATH, "%s has a search path of its own")                                      \
    X(REASON_POISON, "%s")                                                                     \
    X(REASON_SYSTEM_COLUMN, "system columns differ on the replica")                            \
    X(REASON_DATABASE_NAME, "the database's own name")                                         \
    X(REASON_SYSTEM_RELATION, "%s is a system relation")                                       \
    X(REASON_SEQUENCE, "%s is a sequence")                                                     \
    X(REASON_FOREIGN, "%s is a foreign table")                                                 \
    X(REASON_RELATION_UNKNOWN, "relation %s is not in the catalogue")                          \
    X(REASON_RELATION_MISSING, "relation %s is not on the replica")                            \
    X(REASON_RELATION_NOT_CAPTURED, "relation %s is not captured")                             \
    X(REASON_RELATION_DIFFERS, "relation %s has other columns on the replica")                 \
    X(REASON_COLUMN_DIFFERS, "column %s is missing or of another type on the replica")         \
    X(REASON_ROW_SECURITY, "relation %s has other row-security policies on the replica")       \
    X(REASON_VIEW, "view %s is not a read")                                                    \
    X(REASON_TEMP, "%s is a temporary relation")                                               \
    X(REASON_SIDES, "%s is only on the replica, other objects only on the primary")            \
    X(REASON_BATCH, "another statement of the batch runs on the primary: %s")                  \
    X(REASON_NO_CATALOG, "catalogues not read yet")                                            \
    X(REASON_PARAMETER_TYPE, "a parameter's type has another number on the replica")           \
    X(REASON_TX_PRIMARY, "transaction open on the primary")                                    \
    X(REASON_TX_REPLICA, "transaction open on the replica")                                    \
    X(REASON_TX_READ_WRITE, "transaction is not READ ONLY")                                    \
    X(REASON_TX_SERIALIZABLE, "transaction is SERIALIZABLE")                                   \
    X(REASON_TX_MOVED, "transaction moved to the primary: %s")                                 \
    X(REASON_TX_CANNOT_MOVE, "read-only transaction on a replica cannot go on there: %s")      \
    X(REASON_TX_FAILED,                                                                        \
      "current transaction is aborted, commands ignored until end of transaction block")       \
    X(REASON_TX_RETRY, "the transaction was refused on a replica before")                      \
    X(REASON_DEFERRED, "sent with the next statement")                                         \
    X(REASON_ROUTER, "answered by the router")                                                 \
    X(REASON_PIN_SETTER, "session state was set in a way the router cannot read")              \
    X(REASON_PIN_ROLE, "SET ROLE or SET SESSION AUTHORIZATION in force")                       \
    X(REASON_PIN_SYNTAX, "the session's string syntax or encoding is not understood")          \
    X(REASON_PIN_SERIALIZABLE, "default isolation is SERIALIZABLE")                            \
    X(REASON_PIN_SEED, "setseed in force")                                                     \
    X(REASON_REFUSED, "the replica refused this statement before")                             \
    X(REASON_NO_REPLICA, "no replica in service")                                              \
    X(REASON_NO_LOGIN, "the replica does not accept this user")                                \
    X(REASON_STALE, "no replica has applied the session's position")                           \
    X(REASON_EPOCH, "the session's position is of another epoch")                              \
    X(REASON_PRIMARY_DOWN, "primary down")                                                     \
    X(REASON_FRESH, "replica has applied the session's position")                              \
    X(REASON_EVENTUAL, "eventual consistency asked for")                                       \
    X(REASON_WAITING, "waiting for a replica to apply the session's position")                 \
    X(REASON_ASKING, "asking the primary for its position")                                    \
    X(REASON_SHAPED, "the catalogues may not show this session's DDL yet")                     \
    X(REASON_USER, "the session asked for the primary")

enum reason {
#define X(name, text) name,
    REASON_LIST(X)
#undef X
};

enum { REASON_DETAIL_MAX = 128, REASON_TEXT_MAX = 256 };

/* reason_text - the reason as one line into out[REASON_TEXT_MAX]. detail: NUL-terminated. */
const char *reason_text(enum reason r, const char *detail, char *out);

enum { JUDGE_SCHEMAS_MAX = 32, JUDGE_TEMPS_MAX = 64 };

/* The names' scope of a session. Owner: the session. */
struct judge_scope {
    char *user;                            /* for "$user" */
    struct str schemas[JUDGE_SCHEMAS_MAX]; /* effective order, pg_catalog included */
    uint32_t schema_count;
    char *schema_text; /* what schemas point into */
    bool path_set;     /* the session has said its search path */
    bool system_path;  /* a system schema other than pg_catalog is in it, or it is too long */
    bool temps_all; /* more temporary names than kept: every unqualified relation may be one */
    uint32_t temp_count;
    char *temps[JUDGE_TEMPS_MAX];
    uint64_t id; /* of the contents; equal contents, equal id */
};

void judge_scope_init(struct judge_scope *s,
                      const char *user); /* search path "$user", public */
void judge_scope_fini(struct judge_scope *s);
/* judge_scope_path - a new search_path, as its setting's text (SHOW search_path). */
void judge_scope_path(struct judge_scope *s, struct str text);
void judge_scope_temps(struct judge_scope *s, const struct classification *c); /* adds */
void judge_scope_no_temps(struct judge_scope *s); /* DISCARD TEMP/ALL */

struct judge_verdict {
    uint32_t sides; /* bit s: may run on event-fed side s (1…); bit 0: on a physical standby */
    bool replica_only; /* uses a relation that the primary lacks and a replica has */
    bool uses_random;
    bool calls;    /* a read that runs functions which are not the server's own */
    bool shapes;   /* DDL: once it is committed the catalogues may be out of date */
    bool holds;    /* a savepoint or a cursor, which a move of the transaction would lose */
    uint32_t pins; /* of the statements and of the functions they call */
    uint32_t pins_clear;
    enum reason
        why; /* why not on every side: the first obstacle met; REASON_READ when none is */
    char detail[REASON_DETAIL_MAX];
};

/* judge_views - decides for every view of a finished snapshot whether reads may use it, closing over
 * its definition. Before the snapshot is shared. */
void judge_views(struct catalog *cat);

/* judge - the verdict over all statements of a classification.
 * cat      NULL: catalogues not read yet, nothing is a read.
 * Thread   any; pure. */
void judge(const struct classification *c, const struct catalog *cat,
           const struct judge_scope *scope, struct judge_verdict *out);
/* judge_stmt - of one statement. */
void judge_stmt(const struct classification *c, size_t stmt, const struct catalog *cat,
                const struct judge_scope *scope, struct judge_verdict *out);
/* judge_and - a unit of several texts (everything up to Sync): folds b into a. */
void judge_and(struct judge_verdict *a, const struct judge_verdict *b);

#endif
