/* catalog.h - what both sides contain, as one immutable snapshot: functions, operators, casts,
 * types, relations with their columns, views with what their definitions use.
 *
 * "Sides": side 0 is the primary; sides 1… are the event-fed replicas, in the order of
 * router.replicas. A physical standby has no side of its own: it is the primary's image.
 * A snapshot is built by one thread (catalog_load, over blocking connections, or the catalog_add_*
 * functions in tests), then finished, then only read, by any thread; it is freed by the last
 * catalog_unref. Every refresh makes a new one with a higher version. */
#ifndef PARKWAY_ROUTER_CATALOG_H
#define PARKWAY_ROUTER_CATALOG_H

#include "base/def.h"
#include "base/err.h"
#include "pg/conn.h"

enum { CATALOG_SIDES_MAX = 9 /* the primary and eight event-fed replicas */ };

struct catalog;

/* What was seen of each side last (catload.c): zero for nothing. Belongs to the one who refreshes. */
struct catalog_stamps {
    uint64_t of[CATALOG_SIDES_MAX];
};

/* catalog_load - read the catalogues of both sides.
 * primary      connection of Parkway's own login; must be idle, outside a transaction. NULL: the
 *              primary is down; its side is taken from `last`, else nothing exists there.
 * replicas     one connection per event-fed replica; NULL entries likewise.
 * publication  the capture's publication: a table of the primary is readable on an event-fed
 *              replica only if it is published whole (no row filter).
 * last         the snapshot before, or NULL.
 * seen         what `last` was read at, kept by the caller between calls; NULL: read everything.
 * Returns      0 and *out with one reference, which is `last` itself when nothing has changed; or
 *              the error of a query, nothing to unreference.
 * Thread       the one that owns the connections; takes about 50 ms when something has changed, else 5, so never
 *              a worker's loop. */
NODISCARD int catalog_load(struct catalog **out, struct conn *primary,
                           struct conn *const *replicas, size_t replica_count,
                           const char *publication, struct catalog *last,
                           struct catalog_stamps *seen, struct err *e);
void catalog_ref(struct catalog *c);   /* any thread */
void catalog_unref(struct catalog *c); /* any thread; NULL is fine */
uint64_t catalog_version(const struct catalog *c);
size_t catalog_sides(const struct catalog *c); /* the primary included */

/* catalog_slot - where a refresher leaves the present snapshot for the workers. */
struct catalog_slot;
struct catalog_slot *catalog_slot_new(void);
void catalog_slot_free(struct catalog_slot *s);
void catalog_slot_put(struct catalog_slot *s, struct catalog *c); /* takes the reference */
/* catalog_slot_version - of the present snapshot, 0 when none; cheap (one atomic load). */
uint64_t catalog_slot_version(const struct catalog_slot *s);
/* catalog_slot_get - the present snapshot with a new reference, or NULL. */
struct catalog *catalog_slot_get(struct catalog_slot *s);

/* ---- what judge.c reads ---- */

enum catalog_volatility {
    CATALOG_IMMUTABLE = 'i',
    CATALOG_STABLE = 's',
    CATALOG_VOLATILE = 'v'
};

/* All overloads of one name in one schema, taken together: the worst of each property. */
struct catalog_function {
    struct str schema;
    struct str name;
    enum catalog_volatility volatility;
    bool secdef;     /* SECURITY DEFINER */
    bool user_types; /* a parameter or the result has a type with OID >= 16384 */
    bool oid_types;  /* a parameter or the result is a regclass, regtype, … */
    bool user;       /* OID >= 16384: not the server's own */
    bool one_arg;    /* some overload takes one argument (t.f means f(t)) */
    bool setter;     /* its source sets session state, or calls one that does */
    uint64_t
        args_hash; /* of all signatures (user functions): to tell that the other side's differ */
};

struct catalog_operator { /* only those that are not the server's own, or are volatile */
    struct str schema;
    struct str name;
    bool is_volatile;
    bool user_types;
};

enum catalog_relkind {
    CATALOG_TABLE = 'r',
    CATALOG_PARTITIONED = 'p',
    CATALOG_VIEW = 'v',
    CATALOG_MATVIEW = 'm',
    CATALOG_FOREIGN = 'f',
    CATALOG_SEQUENCE = 'S',
};

struct catalog_column {
    struct str name;
    struct str type; /* schema-qualified text with modifiers, for comparison */
    bool user_type;
    uint16_t number; /* attnum */
};

struct catalog_relation {
    struct str schema;
    struct str name;
    uint32_t oid;
    enum catalog_relkind kind;
    bool published; /* primary: captured whole, with everything below it; replica: kept there */
    bool row_security;
    uint64_t policy_hash;  /* of its row-security policies */
    struct str definition; /* of a view: its SELECT, every name outside pg_catalog qualified */
    /* Set by judge_views. A view: may a read use it on this side? 0 (REASON_READ) or the reason, with
     * its detail. */
    int view_reason;
    struct str view_detail;
    bool view_calls; /* likewise: it runs a function that is not the server's own */
    const struct catalog_column *columns;
    uint32_t column_count;
};

/* Lookups: exact schema and name; NULL when there is none. */
const struct catalog_function *catalog_find_function(const struct catalog *c, size_t side,
                                                     struct str schema, struct str name);
const struct catalog_operator *catalog_find_operator(const struct catalog *c, size_t side,
                                                     struct str schema, struct str name);
const struct catalog_relation *catalog_find_relation(const struct catalog *c, size_t side,
                                                     struct str schema, struct str name);
/* catalog_on_primary - the primary's numbers of a replica's table and column (0: the whole row), as a
 * RowDescription has them. False: no such table or column there. */
bool catalog_on_primary(const struct catalog *c, size_t side, uint32_t *oid, uint16_t *column);
bool catalog_has_schema(const struct catalog *c, size_t side, struct str schema);
/* The server's own; one with OID >= 16384; one that casts reach through a volatile function. */
enum catalog_type {
    CATALOG_TYPE_NONE,
    CATALOG_TYPE_OWN,
    CATALOG_TYPE_USER,
    CATALOG_TYPE_VOLATILE,
};
enum catalog_type catalog_find_type(const struct catalog *c, size_t side, struct str schema,
                                    struct str name);
/* catalog_unsafe_attribute - a user function with one argument that is volatile has this name, in
 * any schema of any side: t.name may be a call of it. */
bool catalog_unsafe_attribute(const struct catalog *c, struct str name);
/* catalog_setting - the i-th setting that changes what a query answers, of a side: for everybody
 * (role "*": the server's and the database's; "" and "@": ALTER ROLE ALL, ALTER DATABASE) or for a role
 * (its name; with "@" behind it, in this database). False behind the last. */
struct catalog_setting {
    struct str role;
    struct str name; /* lower case */
    struct str value;
};
bool catalog_setting_at(const struct catalog *c, size_t side, size_t i,
                        struct catalog_setting *out);
/* catalog_find_setting - its value, or p NULL. */
struct str catalog_find_setting(const struct catalog *c, size_t side, struct str role,
                                struct str name);
/* catalog_poisoned - something applies to every statement (a volatile implicit cast between the
 * server's own types): its description, or a NULL text. */
struct str catalog_poisoned(const struct catalog *c);
/* catalog_trigger_sets - some trigger function of the primary sets session state: any write may. */
bool catalog_trigger_sets(const struct catalog *c);

/* ---- building one by hand (catalog_load uses these too) ---- */
struct catalog *catalog_new(size_t sides, uint64_t version);
void catalog_add_schema(struct catalog *c, size_t side, struct str schema);
void catalog_add_function(struct catalog *c, size_t side, const struct catalog_function *one);
void catalog_add_operator(struct catalog *c, size_t side, const struct catalog_operator *one);
void catalog_add_type(struct catalog *c, size_t side, struct str schema, struct str name,
                      enum catalog_type what);
void catalog_add_relation(struct catalog *c, size_t side, const struct catalog_relation *one);
void catalog_add_setting(struct catalog *c, size_t side, const struct catalog_setting *one);
void catalog_set_poison(struct catalog *c, struct str text);
void catalog_set_trigger_sets(struct catalog *c);
/* catalog_finish - sorts; lookups work from here on. judge_views (judge.h) then closes the views. */
void catalog_finish(struct catalog *c);
/* For judge_views: the i-th relation of a side, or NULL; and its verdict (the detail is copied). */
struct catalog_relation *catalog_relation_at(struct catalog *c, size_t side, size_t i);
void catalog_set_view(struct catalog *c, struct catalog_relation *r, int reason,
                      struct str detail);
/* catalog_copy_side - side of `from` added to `to` (a server that cannot be asked just now, or has not changed). */
void catalog_copy_side(struct catalog *to, const struct catalog *from, size_t side);
/* catalog_content - a hash of everything in it: equal contents need no new version. */
uint64_t catalog_content(const struct catalog *c);

#endif
