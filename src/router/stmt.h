/* stmt.h - prepared statements: a session's own (names it chose), and those that shared
 * connections to replicas hold under names of the router.
 *
 * A session's statement keeps its text, because it must be parsed again on every server that comes
 * to serve it: on the session's own primary connection under the client's name, on a shared
 * connection under the name of its `prep` (one per worker and text), so that sessions with the same
 * text share one plan. Owner: the session; preps belong to the worker, counted. One thread. */
#ifndef PARKWAY_ROUTER_STMT_H
#define PARKWAY_ROUTER_STMT_H

#include "base/buf.h"

struct worker;
struct prep;
struct prepared;
struct backend;

enum {
    STMT_TEXT_MAX = 64 << 10, /* longer ones live on the primary connection alone */
    STMT_PREPARED_MAX = 1000, /* statements kept by one shared connection */
    STMT_NAME_MAX = 32,
};

struct stmt {
    uint32_t refs;
    bool confirmed;       /* some server, or the router, said ParseComplete */
    bool in_table;        /* found by its name */
    bool too_long;        /* text not kept */
    bool user_types;      /* a declared parameter type has OID >= 16384 */
    uint64_t described;   /* hash of the columns that a replica told the client; 0: none told */
    uint64_t serial;      /* unique in the worker */
    bool primary_pending; /* sent to the primary, not answered yet */
    uint64_t primary_generation; /* of the primary connection that holds it; 0: none */
    char *name;                  /* NUL-terminated; "" unnamed */
    struct prep *prep;           /* text and types; NULL when too_long */
    struct stmt *next;           /* same bucket of the session */
};

enum { STMT_BUCKETS = 64 };
struct stmts {
    struct stmt *buckets[STMT_BUCKETS]; /* named */
    struct stmt *unnamed;
    uint32_t count;
};

struct stmt *stmt_new(struct worker *w, struct str name, struct str text, struct str types);
struct stmt *stmt_ref(struct stmt *s);
void stmt_unref(struct worker *w, struct stmt *s); /* NULL is fine */
struct stmt *stmts_find(const struct stmts *t, struct str name);
/* stmts_serial - by serial; NULL when it is no longer in the table. */
struct stmt *stmts_serial(const struct stmts *t, uint64_t serial);
/* stmts_put - takes a reference of its own; replaces the unnamed one. */
void stmts_put(struct worker *w, struct stmts *t, struct stmt *s);
void stmts_drop(struct worker *w, struct stmts *t, struct stmt *s);
void stmts_clear(struct worker *w, struct stmts *t);
/* stmts_not_on_primary - after an error there: what was not answered is not held. */
void stmts_not_on_primary(struct stmts *t);
/* stmts_forget_unconfirmed - after a failed unit. */
void stmts_forget_unconfirmed(struct worker *w, struct stmts *t);

struct str prep_text(const struct prep *p);
struct str prep_types(const struct prep *p); /* count and OIDs as in Parse */
/* prep_name - its name on shared connections, into out. */
void prep_name(const struct prep *p, char out[STMT_NAME_MAX]);

/* What one shared connection holds. */
bool prepared_has(struct prepared *set, const struct prep *p);
/* prepared_add - may give the name of a statement to close first (evict; "" for none). */
void prepared_add(struct prepared **set, const struct prep *p, char evict[STMT_NAME_MAX]);
/* prepared_suspect - it may be there or not: close it before parsing it again. */
void prepared_suspect(struct prepared *set, const struct prep *p);
bool prepared_suspected(struct prepared *set, const struct prep *p);
void prepared_free(struct prepared *set);

#endif
