/* look.h - one statement looked at by the rules of one side: what judge.c puts verdicts together
 * from. look.c has the names (functions, operators, types), look_relation.c the relations; for
 * these and judge.c only. Pure. */
#ifndef PARKWAY_ROUTER_LOOK_H
#define PARKWAY_ROUTER_LOOK_H

#include "router/judge.h"

struct look {
    const struct catalog *cat;
    const struct judge_scope *scope; /* NULL: inside a view, only pg_catalog is searched */
    const struct classification *c;
    const struct classify_stmt *s;
    size_t side; /* 0: the primary's rules; else the event-fed side's */
    bool calls;  /* met something that runs a function which is not the server's own */
    enum reason why;
    struct judge_verdict *out; /* NULL inside a view */
    char detail[REASON_DETAIL_MAX];
};

/* Each is true, or false with why and detail filled in. */
bool look_fail(struct look *l, enum reason why, struct str schema, struct str name);
bool look_fail_of(struct look *l, enum reason why, const char *what, struct str name);
/* look_names - everything that the statement names. *missing: a relation that only replicas have. */
bool look_names(struct look *l, bool *missing);
/* look_settings - what changes an answer without being in a text. */
bool look_settings(struct look *l);
/* look_relations - tables, views, columns, whole rows. */
bool look_relations(struct look *l, bool *missing);
/* The schemas in which a name is searched. */
uint32_t look_schemas(const struct look *l, const struct classify_name *n);
struct str look_schema(const struct look *l, const struct classify_name *n, uint32_t i);
bool look_starts(struct str s, const char *with);

#endif
