/* look.c - functions, operators, types and settings against the catalogues. See look.h. */
#include "router/look.h"

#include <stdio.h>

bool look_fail(struct look *l, enum reason why, struct str schema, struct str name)
{
    l->why = why;
    if (schema.p != NULL && schema.n > 0) {
        snprintf(l->detail, sizeof(l->detail), "%.*s.%.*s", STR_ARG(schema), STR_ARG(name));
    } else {
        snprintf(l->detail, sizeof(l->detail), "%.*s", STR_ARG(name));
    }
    return false;
}

bool look_fail_of(struct look *l, enum reason why, const char *what, struct str name)
{
    l->why = why;
    snprintf(l->detail, sizeof(l->detail), "of %s %.*s", what, STR_ARG(name));
    return false;
}

uint32_t look_schemas(const struct look *l, const struct classify_name *n)
{
    return n->schema.p != NULL || l->scope == NULL ? 1 : l->scope->schema_count;
}

struct str look_schema(const struct look *l, const struct classify_name *n, uint32_t i)
{
    if (n->schema.p != NULL) {
        return n->schema;
    }
    return l->scope == NULL ? STR("pg_catalog") : l->scope->schemas[i];
}

static bool listed(struct str s, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(s, str_of(list[i]))) {
            return true;
        }
    }
    return false;
}

bool look_starts(struct str s, const char *with)
{
    size_t n = strlen(with);

    return s.n >= n && memcmp(s.p, with, n) == 0;
}

/* Volatile, and yet nothing happens and nothing of the server shows. */
static bool harmless(struct str name)
{
    static const char *const names[] = {"random",          "clock_timestamp", "timeofday",
                                        "gen_random_uuid", "pg_sleep",        "pg_sleep_for",
                                        "pg_sleep_until"};

    return listed(name, names, ARRAY_LEN(names));
}

/* The server's own functions whose result depends on which server it is. */
static bool server_function(struct str name, enum catalog_volatility v)
{
    static const char *const names[] = {
        "col_description",
        "current_database",
        "current_schema",
        "current_schemas",
        "getdatabaseencoding",
        "format_type",
        "inet_client_addr",
        "inet_client_port",
        "inet_server_addr",
        "inet_server_port",
        "mxid_age",
        "obj_description",
        "oidvectortypes",
        "pg_walfile_name",
        "pg_walfile_name_offset",
        "row_security_active",
        "shobj_description",
        "aclexplode",
        "ts_token_type",
        "version",
    };
    static const char *const prefixes[] = {
        "has_", "txid_", "to_reg", "table_to_xml", "schema_to_xml", "database_to_xml", "lo_",
    };

    if (v != CATALOG_IMMUTABLE && look_starts(name, "pg_")) {
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
        if (v != CATALOG_IMMUTABLE && look_starts(name, prefixes[i])) {
            return true;
        }
    }
    return listed(name, names, ARRAY_LEN(names));
}

static bool check_function_entry(struct look *l, const struct classify_name *n,
                                 const struct catalog_function *f)
{
    bool own = !f->user && str_eq(f->schema, STR("pg_catalog"));

    if (own && harmless(n->name)) {
        return true;
    }
    if (f->volatility == CATALOG_VOLATILE) {
        return look_fail(l,
                         own && look_starts(n->name, "pg_") ? REASON_FUNCTION_SERVER
                                                            : REASON_FUNCTION_VOLATILE,
                         n->schema, n->name);
    }
    if (f->setter) {
        return look_fail(l, REASON_FUNCTION_SETS, n->schema, n->name);
    }
    if (own && server_function(n->name, f->volatility)) {
        return look_fail(l, REASON_FUNCTION_SERVER, n->schema, n->name);
    }
    if (l->side > 0 && f->oid_types) {
        return look_fail(l, REASON_FUNCTION_SERVER, n->schema, n->name);
    }
    if (l->side > 0 && f->user_types) {
        return look_fail_of(l, REASON_TYPE_USER, "function", n->name);
    }
    return true;
}

static bool check_type(struct look *l, const struct classify_name *n);

static bool check_function(struct look *l, const struct classify_name *n)
{
    bool found = false;

    for (uint32_t i = 0; i < look_schemas(l, n); i++) {
        struct str schema = look_schema(l, n, i);
        const struct catalog_function *f =
            catalog_find_function(l->cat, l->side, schema, n->name);

        if (l->side > 0 && l->scope != NULL) {
            const struct catalog_function *p =
                catalog_find_function(l->cat, 0, schema, n->name);

            if ((p == NULL) != (f == NULL) || (p != NULL && p->args_hash != f->args_hash)) {
                return look_fail(l, REASON_FUNCTION_DIFFERS, n->schema, n->name);
            }
        }
        if (f != NULL) {
            found = true;
            l->calls = l->calls || f->user;
            if (!check_function_entry(l, n, f)) {
                return false;
            }
        }
    }
    if (found) {
        return true;
    }
    if (!check_type(l, n)) { /* int4(x) is a cast written as a call */
        return l->why == REASON_TYPE_UNKNOWN
                   ? look_fail(l, REASON_FUNCTION_UNKNOWN, n->schema, n->name)
                   : false;
    }
    return true;
}

static bool check_operator(struct look *l, const struct classify_name *n)
{
    for (uint32_t i = 0; i < look_schemas(l, n); i++) {
        struct str schema = look_schema(l, n, i);
        const struct catalog_operator *o =
            catalog_find_operator(l->cat, l->side, schema, n->name);

        if (l->side > 0 && l->scope != NULL &&
            (o == NULL) != (catalog_find_operator(l->cat, 0, schema, n->name) == NULL)) {
            return look_fail(l, REASON_OPERATOR_DIFFERS, n->schema, n->name);
        }
        l->calls = l->calls || o != NULL;
        if (o != NULL && o->is_volatile) {
            return look_fail(l, REASON_OPERATOR_VOLATILE, n->schema, n->name);
        }
        if (o != NULL && l->side > 0 && o->user_types) {
            return look_fail_of(l, REASON_TYPE_USER, "operator", n->name);
        }
    }
    return true;
}

static bool check_type(struct look *l, const struct classify_name *n)
{
    enum catalog_type what = CATALOG_TYPE_NONE;

    for (uint32_t i = 0; what == CATALOG_TYPE_NONE && i < look_schemas(l, n); i++) {
        what = catalog_find_type(l->cat, l->side, look_schema(l, n, i), n->name);
    }
    switch (what) {
    case CATALOG_TYPE_VOLATILE: return look_fail(l, REASON_CAST_VOLATILE, n->schema, n->name);
    case CATALOG_TYPE_USER:
        l->calls = true; /* a domain's constraint, the type's input function */
        return l->side == 0 ? true : look_fail(l, REASON_TYPE_USER, n->schema, n->name);
    case CATALOG_TYPE_OWN:
        if (l->side > 0 && look_starts(n->name, "reg") && !str_eq(n->name, STR("regconfig")) &&
            !str_eq(n->name, STR("regdictionary"))) {
            return look_fail(l, REASON_CAST_OID, n->schema, n->name);
        }
        return true;
    default: return look_fail(l, REASON_TYPE_UNKNOWN, n->schema, n->name);
    }
}

typedef bool (*check_fn)(struct look *l, const struct classify_name *n);

static bool look_each(struct look *l, const struct classify_name *v, struct classify_range r,
                      check_fn check)
{
    for (uint32_t i = r.first; i < r.first + r.count; i++) {
        if (!check(l, &v[i])) {
            return false;
        }
    }
    return true;
}

/* Everything that the statement names, by the rules of one side. */
bool look_names(struct look *l, bool *missing)
{
    const struct classification *c = l->c;
    const struct classify_stmt *s = l->s;

    return look_each(l, c->functions, s->functions, check_function) &&
           look_each(l, c->operators, s->operators, check_operator) &&
           look_each(l, c->types, s->types, check_type) && look_relations(l, missing);
}

/* Settings of the server, the database and the role: "cqrs" and, in this database, "cqrs@". */
static bool applies(struct str role, const char *user)
{
    size_t n = strlen(user);

    if (role.n == 0 || str_eq(role, STR("*")) || str_eq(role, STR("@"))) {
        return true;
    }
    return role.n >= n && memcmp(role.p, user, n) == 0 &&
           (role.n == n || (role.n == n + 1 && role.p[n] == '@'));
}

static bool equal_on(struct look *l, size_t side, size_t other)
{
    struct catalog_setting s;

    for (size_t i = 0; catalog_setting_at(l->cat, side, i, &s); i++) {
        if (applies(s.role, l->scope->user)) {
            struct str v = catalog_find_setting(l->cat, other, s.role, s.name);

            if (v.p == NULL || !str_eq(v, s.value)) {
                return look_fail(l, REASON_SETTING_DIFFERS, STR_NULL, s.name);
            }
        }
    }
    return true;
}

/* What the text does not show and yet changes the answer must be the same on both sides; and
 * a search path that nobody told the session must be the usual one. */
bool look_settings(struct look *l)
{
    struct catalog_setting s;

    if (l->side > 0) {
        return equal_on(l, 0, l->side) && equal_on(l, l->side, 0);
    }
    for (size_t i = 0; catalog_setting_at(l->cat, 0, i, &s); i++) {
        if (!applies(s.role, l->scope->user)) {
            continue;
        }
        if (str_eq(s.name, STR("default_transaction_isolation")) &&
            str_eq(s.value, STR("serializable"))) {
            return look_fail(l, REASON_PIN_SERIALIZABLE, STR_NULL, STR(""));
        }
        if (!l->scope->path_set && str_eq(s.name, STR("search_path")) &&
            !str_eq(s.value, STR("\"$user\", public"))) {
            return look_fail(l, REASON_OWN_PATH, STR_NULL, str_of(l->scope->user));
        }
    }
    return true;
}
