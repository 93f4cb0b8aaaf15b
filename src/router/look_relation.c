/* look_relation.c - the relations of a statement: where they are, whether the replica's is kept
 * equal to the primary's, whether a view of them is a read. See look.h. */
#include "router/look.h"

enum where { WHERE_FOUND, WHERE_NONE, WHERE_SYSTEM, WHERE_TEMP };

static bool system_schema(struct str s)
{
    return look_starts(s, "pg_") || str_eq(s, STR("information_schema")) ||
           str_eq(s, STR("parkway"));
}

static bool is_temp(const struct judge_scope *s, struct str name)
{
    for (uint32_t i = 0; i < s->temp_count; i++) {
        if (str_eq(str_of(s->temps[i]), name)) {
            return true;
        }
    }
    return s->temps_all;
}

static enum where resolve(const struct look *l, size_t side, const struct classify_name *n,
                          const struct catalog_relation **out)
{
    *out = NULL;
    if (n->schema.p != NULL) {
        if (look_starts(n->schema, "pg_temp")) {
            return WHERE_TEMP;
        }
        if (system_schema(n->schema)) {
            return WHERE_SYSTEM;
        }
        *out = catalog_find_relation(l->cat, side, n->schema, n->name);
        return *out != NULL ? WHERE_FOUND : WHERE_NONE;
    }
    if (l->scope == NULL || look_starts(n->name, "pg_")) {
        return WHERE_SYSTEM;
    }
    if (is_temp(l->scope, n->name)) {
        return WHERE_TEMP;
    }
    if (l->scope->system_path) {
        return WHERE_SYSTEM;
    }
    for (uint32_t i = 0; *out == NULL && i < l->scope->schema_count; i++) {
        *out = catalog_find_relation(l->cat, side, l->scope->schemas[i], n->name);
    }
    return *out != NULL ? WHERE_FOUND : WHERE_NONE;
}

static const struct catalog_column *column_of(const struct catalog_relation *r, struct str name)
{
    for (uint32_t i = 0; r != NULL && i < r->column_count; i++) {
        if (str_eq(r->columns[i].name, name)) {
            return &r->columns[i];
        }
    }
    return NULL;
}

static bool check_kind(struct look *l, const struct classify_name *n,
                       const struct catalog_relation *r)
{
    l->calls = l->calls || r->view_calls || r->row_security;
    switch (r->kind) {
    case CATALOG_SEQUENCE: return look_fail(l, REASON_SEQUENCE, n->schema, n->name);
    case CATALOG_FOREIGN: return look_fail(l, REASON_FOREIGN, n->schema, n->name);
    case CATALOG_VIEW:
        if (r->view_reason != REASON_READ) {
            return look_fail(l, REASON_VIEW, n->schema, n->name);
        }
        return true;
    case CATALOG_TABLE:
    case CATALOG_PARTITIONED:
    case CATALOG_MATVIEW:
    default: return true;
    }
}

static bool is_table(const struct catalog_relation *r)
{
    return r->kind == CATALOG_TABLE || r->kind == CATALOG_PARTITIONED;
}

/* Is the replica's relation kept equal to the primary's? p may be NULL: only the replica has it. */
static bool check_pair(struct look *l, const struct classify_name *n,
                       const struct catalog_relation *p, const struct catalog_relation *r)
{
    if (p == NULL) {
        return true;
    }
    if (p->kind == CATALOG_MATVIEW || r->kind == CATALOG_MATVIEW ||
        (is_table(p) && !p->published) || (is_table(r) && !r->published)) {
        return look_fail(l, REASON_RELATION_NOT_CAPTURED, n->schema, n->name);
    }
    if (p->row_security != r->row_security ||
        (p->row_security && p->policy_hash != r->policy_hash)) {
        return look_fail(l, REASON_ROW_SECURITY, n->schema, n->name);
    }
    return true;
}

static bool check_all_columns(struct look *l, const struct classify_name *n,
                              const struct catalog_relation *p,
                              const struct catalog_relation *r)
{
    if (p != NULL && p->column_count != r->column_count) {
        return look_fail(l, REASON_RELATION_DIFFERS, n->schema, n->name);
    }
    for (uint32_t i = 0; i < r->column_count; i++) {
        if (r->columns[i].user_type) {
            return look_fail_of(l, REASON_TYPE_USER, "column", r->columns[i].name);
        }
        if (p != NULL && (!str_eq(p->columns[i].name, r->columns[i].name) ||
                          !str_eq(p->columns[i].type, r->columns[i].type))) {
            return look_fail(l, REASON_RELATION_DIFFERS, n->schema, n->name);
        }
    }
    return true;
}

/* The columns that the statement names, where this relation has them. */
static bool check_columns(struct look *l, const struct classify_name *n,
                          const struct catalog_relation *p, const struct catalog_relation *r)
{
    struct classify_range names = l->s->columns;

    if ((l->s->flags & CLASSIFY_STAR) != 0) {
        return check_all_columns(l, n, p, r);
    }
    for (uint32_t i = names.first; i < names.first + names.count; i++) {
        const struct catalog_column *of_p = column_of(p, l->c->columns[i].name);
        const struct catalog_column *of_r = column_of(r, l->c->columns[i].name);

        if (of_r != NULL && of_r->user_type) {
            return look_fail_of(l, REASON_TYPE_USER, "column", of_r->name);
        }
        if (of_p != NULL && (of_r == NULL || !str_eq(of_p->type, of_r->type))) {
            return look_fail(l, REASON_COLUMN_DIFFERS, n->name, of_p->name);
        }
    }
    return true;
}

static bool check_relation_primary(struct look *l, const struct classify_name *n, bool *missing)
{
    const struct catalog_relation *p;

    switch (resolve(l, 0, n, &p)) {
    case WHERE_SYSTEM: return look_fail(l, REASON_SYSTEM_RELATION, n->schema, n->name);
    case WHERE_TEMP: return look_fail(l, REASON_TEMP, n->schema, n->name);
    case WHERE_FOUND: return check_kind(l, n, p);
    case WHERE_NONE:
    default: break;
    }
    /* Perhaps a read model that only replicas have. */
    for (size_t side = 1; l->out != NULL && side < catalog_sides(l->cat); side++) {
        if (resolve(l, side, n, &p) == WHERE_FOUND) {
            *missing = true;
            return true;
        }
    }
    return look_fail(l, REASON_RELATION_UNKNOWN, n->schema, n->name);
}

static bool check_relation_replica(struct look *l, const struct classify_name *n)
{
    const struct catalog_relation *p;
    const struct catalog_relation *r;
    enum where where = resolve(l, l->side, n, &r);

    if (where == WHERE_SYSTEM) {
        return look_fail(l, REASON_SYSTEM_RELATION, n->schema, n->name);
    }
    if (where == WHERE_TEMP) {
        return look_fail(l, REASON_TEMP, n->schema, n->name);
    }
    if (resolve(l, 0, n, &p) == WHERE_FOUND && r != NULL && !str_eq(p->schema, r->schema)) {
        return look_fail(l, REASON_RELATION_MISSING, p->schema, p->name);
    }
    if (r == NULL) {
        return look_fail(l, REASON_RELATION_MISSING, n->schema, n->name);
    }
    return check_kind(l, n, r) && check_pair(l, n, p, r) &&
           (l->out == NULL || check_columns(l, n, p, r));
}

/* A column reference that is a table's alias is a whole row, whose type has a number of its own. */
static bool check_whole_rows(struct look *l)
{
    struct classify_range columns = l->s->columns;
    struct classify_range rels = l->s->relations;
    struct classify_range aliases = l->s->aliases;

    for (uint32_t i = columns.first; i < columns.first + columns.count; i++) {
        struct str name = l->c->columns[i].name;
        bool row = false;
        bool column = false;

        if (l->c->columns[i].schema.p != NULL) {
            continue;
        }
        for (uint32_t k = aliases.first; k < aliases.first + aliases.count; k++) {
            row = row || str_eq(l->c->aliases[k].name, name);
        }
        for (uint32_t k = rels.first; k < rels.first + rels.count; k++) {
            const struct catalog_relation *r;

            row = row || str_eq(l->c->relations[k].name, name);
            if (resolve(l, l->side, &l->c->relations[k], &r) == WHERE_FOUND) {
                column = column || column_of(r, name) != NULL;
            }
        }
        if (row && !column) {
            return look_fail_of(l, REASON_TYPE_USER, "row", name);
        }
    }
    return true;
}

/* t.name may be name(t). A view's definition has the call written out. */
static bool calls_attribute(const struct look *l, struct str name)
{
    for (uint32_t i = 0; l->scope != NULL && i < l->scope->schema_count; i++) {
        const struct catalog_function *f =
            catalog_find_function(l->cat, l->side, l->scope->schemas[i], name);

        if (f != NULL && f->user && f->one_arg) {
            return true;
        }
    }
    return false;
}

static bool check_attributes(struct look *l)
{
    struct classify_range r = l->s->columns;

    for (uint32_t i = r.first; i < r.first + r.count; i++) {
        if (l->c->columns[i].schema.p != NULL &&
            catalog_unsafe_attribute(l->cat, l->c->columns[i].name)) {
            return look_fail(l, REASON_FUNCTION_VOLATILE, STR_NULL, l->c->columns[i].name);
        }
        l->calls = l->calls || (l->c->columns[i].schema.p != NULL &&
                                calls_attribute(l, l->c->columns[i].name));
    }
    return true;
}

bool look_relations(struct look *l, bool *missing)
{
    struct classify_range r = l->s->relations;

    for (uint32_t i = r.first; i < r.first + r.count; i++) {
        const struct classify_name *n = &l->c->relations[i];

        if (l->side == 0 ? !check_relation_primary(l, n, missing)
                         : !check_relation_replica(l, n)) {
            return false;
        }
    }
    if (l->side == 0) {
        return check_attributes(l);
    }
    if ((l->s->flags & CLASSIFY_SYSTEM_COLUMN) != 0) {
        return look_fail(l, REASON_SYSTEM_COLUMN, STR_NULL, STR(""));
    }
    return check_whole_rows(l);
}
