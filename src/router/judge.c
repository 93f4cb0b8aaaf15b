/* judge.c - names against catalogues.
 *
 * A statement is looked at once for the primary (which is also the image of its physical
 * standbys) and, if it passes, once for each event-fed replica, where more is asked: every object must be
 * there and be the same, and nothing may show object numbers. The first obstacle is the reason
 * given. Names that several schemas of the path hold are taken together, the worst counts: which
 * overload the server would choose is its own business. */
#include "router/judge.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "router/shape.h"

const char *reason_text(enum reason r, const char *detail, char *out)
{
    static const char *const texts[] = {
#define X(name, text) text,
        REASON_LIST(X)
#undef X
    };
    const char *text = (size_t)r < ARRAY_LEN(texts) ? texts[r] : "";
    const char *mark = strstr(text, "%s");

    if (mark == NULL) {
        snprintf(out, REASON_TEXT_MAX, "%s", text);
    } else {
        snprintf(out, REASON_TEXT_MAX, "%.*s%s%s", (int)(mark - text), text, detail, mark + 2);
    }
    return out;
}

/* ---- scope ---- */

static void scope_id(struct judge_scope *s)
{
    uint64_t h = shape_hash(str_of(s->user)) + s->temps_all;

    for (uint32_t i = 0; i < s->schema_count; i++) {
        h = h * 31 + shape_hash(s->schemas[i]);
    }
    h = h * 31 + s->system_path + 2 * s->path_set;
    for (uint32_t i = 0; i < s->temp_count; i++) {
        h = h * 31 + shape_hash(str_of(s->temps[i])) + 1;
    }
    s->id = h;
}

void judge_scope_init(struct judge_scope *s, const char *user)
{
    memset(s, 0, sizeof(*s));
    s->user = def_strdup(user);
    judge_scope_path(s, STR("\"$user\", public"));
    s->path_set = false;
    scope_id(s);
}

void judge_scope_fini(struct judge_scope *s)
{
    judge_scope_no_temps(s);
    free(s->user);
    free(s->schema_text);
    memset(s, 0, sizeof(*s));
}

static void add_schema(struct judge_scope *s, struct str name)
{
    if (s->schema_count == JUDGE_SCHEMAS_MAX) {
        s->system_path = true;
        return;
    }
    if (str_eq(name, STR("information_schema")) || str_eq(name, STR("parkway")) ||
        (name.n > 3 && memcmp(name.p, "pg_", 3) == 0 && !str_eq(name, STR("pg_catalog")) &&
         !str_eq(name, STR("pg_temp")))) {
        s->system_path = true;
    }
    s->schemas[s->schema_count++] = name;
}

static bool has_schema(const struct judge_scope *s, struct str name)
{
    for (uint32_t i = 0; i < s->schema_count; i++) {
        if (str_eq(s->schemas[i], name)) {
            return true;
        }
    }
    return false;
}

/* One element of a list of identifiers: unquoted lower case, or quoted with doubled quotes undone, into out. */
static const char *identifier(const char *p, const char *end, char *out, size_t *n)
{
    *n = 0;
    if (p < end && *p == '"') {
        for (p++; p < end; p++) {
            if (*p == '"') {
                if (p + 1 < end && p[1] == '"') {
                    p++;
                } else {
                    p++;
                    break;
                }
            }
            out[(*n)++] = *p;
        }
        while (p < end && *p != ',') {
            p++;
        }
        return p;
    }
    while (p < end && *p != ',') {
        char c = *p++;

        out[(*n)++] = (c >= 'A' && c <= 'Z') ? (char)(c + ('a' - 'A')) : c;
    }
    while (*n > 0 && out[*n - 1] == ' ') {
        (*n)--;
    }
    return p;
}

void judge_scope_path(struct judge_scope *s, struct str text)
{
    const char *p = text.p;
    const char *end = text.p + text.n;
    char *out;
    size_t n;

    free(s->schema_text);
    s->schema_text = out = def_alloc(text.n + 1);
    s->schema_count = 0;
    s->path_set = true;
    s->system_path = false;
    while (p < end) {
        while (p < end && (*p == ' ' || *p == ',' || *p == '\t' || *p == '\n')) {
            p++;
        }
        if (p == end) {
            break;
        }
        p = identifier(p, end, out, &n);
        if (n == 5 && memcmp(out, "$user", 5) == 0) {
            add_schema(s, str_of(s->user));
        } else if (n > 0) {
            add_schema(s, (struct str){out, n});
        }
        out += n;
    }
    if (!has_schema(s, STR("pg_catalog")) && s->schema_count < JUDGE_SCHEMAS_MAX) {
        memmove(s->schemas + 1, s->schemas, s->schema_count * sizeof(s->schemas[0]));
        s->schemas[0] = STR("pg_catalog");
        s->schema_count++;
    }
    scope_id(s);
}

void judge_scope_temps(struct judge_scope *s, const struct classification *c)
{
    for (uint32_t i = 0; i < c->stmt_count; i++) {
        struct classify_range r = c->stmts[i].temps;

        for (uint32_t k = r.first; k < r.first + r.count; k++) {
            if (s->temp_count == JUDGE_TEMPS_MAX) {
                s->temps_all = true;
                break;
            }
            s->temps[s->temp_count++] = def_strndup(c->temps[k].name.p, c->temps[k].name.n);
        }
    }
    scope_id(s);
}

void judge_scope_no_temps(struct judge_scope *s)
{
    for (uint32_t i = 0; i < s->temp_count; i++) {
        free(s->temps[i]);
    }
    s->temp_count = 0;
    s->temps_all = false;
    scope_id(s);
}

/* ---- looking names up ---- */

struct look {
    const struct catalog *cat;
    const struct judge_scope *scope; /* NULL: inside a view, only pg_catalog is searched */
    const struct classification *c;
    const struct classify_stmt *s;
    size_t side; /* 0: the primary's rules; else the event-fed side's */
    enum reason why;
    struct judge_verdict *out; /* NULL inside a view */
    char detail[REASON_DETAIL_MAX];
};

static bool fail(struct look *l, enum reason why, struct str schema, struct str name)
{
    l->why = why;
    if (schema.p != NULL && schema.n > 0) {
        snprintf(l->detail, sizeof(l->detail), "%.*s.%.*s", STR_ARG(schema), STR_ARG(name));
    } else {
        snprintf(l->detail, sizeof(l->detail), "%.*s", STR_ARG(name));
    }
    return false;
}

static bool fail_of(struct look *l, enum reason why, const char *what, struct str name)
{
    l->why = why;
    snprintf(l->detail, sizeof(l->detail), "of %s %.*s", what, STR_ARG(name));
    return false;
}

static uint32_t schema_count(const struct look *l, const struct classify_name *n)
{
    return n->schema.p != NULL || l->scope == NULL ? 1 : l->scope->schema_count;
}

static struct str schema_at(const struct look *l, const struct classify_name *n, uint32_t i)
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

static bool starts(struct str s, const char *with)
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
        "col_description", "current_database", "current_schema", "current_schemas",
        "getdatabaseencoding", "format_type", "inet_client_addr", "inet_client_port",
        "inet_server_addr", "inet_server_port", "mxid_age", "obj_description", "oidvectortypes",
        "pg_walfile_name", "pg_walfile_name_offset", "row_security_active", "shobj_description",
        "aclexplode", "ts_token_type", "version",
    };
    static const char *const prefixes[] = {
        "has_", "txid_", "to_reg", "table_to_xml", "schema_to_xml", "database_to_xml", "lo_",
    };

    if (v != CATALOG_IMMUTABLE && starts(name, "pg_")) {
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
        if (v != CATALOG_IMMUTABLE && starts(name, prefixes[i])) {
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
        return fail(l, own && starts(n->name, "pg_") ? REASON_FUNCTION_SERVER
                                                     : REASON_FUNCTION_VOLATILE,
                    n->schema, n->name);
    }
    if (f->setter) {
        return fail(l, REASON_FUNCTION_SETS, n->schema, n->name);
    }
    if (own && server_function(n->name, f->volatility)) {
        return fail(l, REASON_FUNCTION_SERVER, n->schema, n->name);
    }
    if (l->side > 0 && f->oid_types) {
        return fail(l, REASON_FUNCTION_SERVER, n->schema, n->name);
    }
    if (l->side > 0 && f->user_types) {
        return fail_of(l, REASON_TYPE_USER, "function", n->name);
    }
    return true;
}

static bool check_type(struct look *l, const struct classify_name *n);

static bool check_function(struct look *l, const struct classify_name *n)
{
    bool found = false;

    for (uint32_t i = 0; i < schema_count(l, n); i++) {
        struct str schema = schema_at(l, n, i);
        const struct catalog_function *f = catalog_find_function(l->cat, l->side, schema, n->name);

        if (l->side > 0 && l->scope != NULL) {
            const struct catalog_function *p = catalog_find_function(l->cat, 0, schema, n->name);

            if ((p == NULL) != (f == NULL) || (p != NULL && p->args_hash != f->args_hash)) {
                return fail(l, REASON_FUNCTION_DIFFERS, n->schema, n->name);
            }
        }
        if (f != NULL) {
            found = true;
            if (!check_function_entry(l, n, f)) {
                return false;
            }
        }
    }
    if (found) {
        return true;
    }
    if (!check_type(l, n)) { /* int4(x) is a cast written as a call */
        return l->why == REASON_TYPE_UNKNOWN ? fail(l, REASON_FUNCTION_UNKNOWN, n->schema, n->name)
                                             : false;
    }
    return true;
}

static bool check_operator(struct look *l, const struct classify_name *n)
{
    for (uint32_t i = 0; i < schema_count(l, n); i++) {
        struct str schema = schema_at(l, n, i);
        const struct catalog_operator *o = catalog_find_operator(l->cat, l->side, schema, n->name);

        if (l->side > 0 && l->scope != NULL &&
            (o == NULL) != (catalog_find_operator(l->cat, 0, schema, n->name) == NULL)) {
            return fail(l, REASON_OPERATOR_DIFFERS, n->schema, n->name);
        }
        if (o != NULL && o->is_volatile) {
            return fail(l, REASON_OPERATOR_VOLATILE, n->schema, n->name);
        }
        if (o != NULL && l->side > 0 && o->user_types) {
            return fail_of(l, REASON_TYPE_USER, "operator", n->name);
        }
    }
    return true;
}

static bool check_type(struct look *l, const struct classify_name *n)
{
    enum catalog_type what = CATALOG_TYPE_NONE;

    for (uint32_t i = 0; what == CATALOG_TYPE_NONE && i < schema_count(l, n); i++) {
        what = catalog_find_type(l->cat, l->side, schema_at(l, n, i), n->name);
    }
    switch (what) {
    case CATALOG_TYPE_VOLATILE: return fail(l, REASON_CAST_VOLATILE, n->schema, n->name);
    case CATALOG_TYPE_USER:
        return l->side == 0 ? true : fail(l, REASON_TYPE_USER, n->schema, n->name);
    case CATALOG_TYPE_OWN:
        if (l->side > 0 && starts(n->name, "reg") && !str_eq(n->name, STR("regconfig")) &&
            !str_eq(n->name, STR("regdictionary"))) {
            return fail(l, REASON_CAST_OID, n->schema, n->name);
        }
        return true;
    default: return fail(l, REASON_TYPE_UNKNOWN, n->schema, n->name);
    }
}

/* ---- relations ---- */

enum where { WHERE_FOUND, WHERE_NONE, WHERE_SYSTEM, WHERE_TEMP };

static bool system_schema(struct str s)
{
    return starts(s, "pg_") || str_eq(s, STR("information_schema")) || str_eq(s, STR("parkway"));
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
        if (starts(n->schema, "pg_temp")) {
            return WHERE_TEMP;
        }
        if (system_schema(n->schema)) {
            return WHERE_SYSTEM;
        }
        *out = catalog_find_relation(l->cat, side, n->schema, n->name);
        return *out != NULL ? WHERE_FOUND : WHERE_NONE;
    }
    if (l->scope == NULL || starts(n->name, "pg_")) {
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
    switch (r->kind) {
    case CATALOG_SEQUENCE: return fail(l, REASON_SEQUENCE, n->schema, n->name);
    case CATALOG_FOREIGN: return fail(l, REASON_FOREIGN, n->schema, n->name);
    case CATALOG_VIEW:
        if (r->view_reason != REASON_READ) {
            return fail(l, REASON_VIEW, n->schema, n->name);
        }
        return true;
    case CATALOG_TABLE:
    case CATALOG_PARTITIONED:
    case CATALOG_MATVIEW:
    default: return true;
    }
}

/* Is the replica's relation kept equal to the primary's? p may be NULL: only the replica has it. */
static bool check_pair(struct look *l, const struct classify_name *n,
                       const struct catalog_relation *p, const struct catalog_relation *r)
{
    if (p == NULL) {
        return true;
    }
    if (p->kind == CATALOG_MATVIEW || r->kind == CATALOG_MATVIEW ||
        ((p->kind == CATALOG_TABLE || p->kind == CATALOG_PARTITIONED) && !p->published)) {
        return fail(l, REASON_RELATION_NOT_CAPTURED, n->schema, n->name);
    }
    if (p->row_security != r->row_security ||
        (p->row_security && p->policy_hash != r->policy_hash)) {
        return fail(l, REASON_ROW_SECURITY, n->schema, n->name);
    }
    return true;
}

static bool check_all_columns(struct look *l, const struct classify_name *n,
                              const struct catalog_relation *p, const struct catalog_relation *r)
{
    if (p != NULL && p->column_count != r->column_count) {
        return fail(l, REASON_RELATION_DIFFERS, n->schema, n->name);
    }
    for (uint32_t i = 0; i < r->column_count; i++) {
        if (r->columns[i].user_type) {
            return fail_of(l, REASON_TYPE_USER, "column", r->columns[i].name);
        }
        if (p != NULL && (!str_eq(p->columns[i].name, r->columns[i].name) ||
                          !str_eq(p->columns[i].type, r->columns[i].type))) {
            return fail(l, REASON_RELATION_DIFFERS, n->schema, n->name);
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
            return fail_of(l, REASON_TYPE_USER, "column", of_r->name);
        }
        if (of_p != NULL && (of_r == NULL || !str_eq(of_p->type, of_r->type))) {
            return fail(l, REASON_COLUMN_DIFFERS, n->name, of_p->name);
        }
    }
    return true;
}

static bool check_relation_primary(struct look *l, const struct classify_name *n, bool *missing)
{
    const struct catalog_relation *p;

    switch (resolve(l, 0, n, &p)) {
    case WHERE_SYSTEM: return fail(l, REASON_SYSTEM_RELATION, n->schema, n->name);
    case WHERE_TEMP: return fail(l, REASON_TEMP, n->schema, n->name);
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
    return fail(l, REASON_RELATION_UNKNOWN, n->schema, n->name);
}

static bool check_relation_replica(struct look *l, const struct classify_name *n)
{
    const struct catalog_relation *p;
    const struct catalog_relation *r;
    enum where where = resolve(l, l->side, n, &r);

    if (where == WHERE_SYSTEM) {
        return fail(l, REASON_SYSTEM_RELATION, n->schema, n->name);
    }
    if (where == WHERE_TEMP) {
        return fail(l, REASON_TEMP, n->schema, n->name);
    }
    if (resolve(l, 0, n, &p) == WHERE_FOUND && r != NULL && !str_eq(p->schema, r->schema)) {
        return fail(l, REASON_RELATION_MISSING, p->schema, p->name);
    }
    if (r == NULL) {
        return fail(l, REASON_RELATION_MISSING, n->schema, n->name);
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
            return fail_of(l, REASON_TYPE_USER, "row", name);
        }
    }
    return true;
}

static bool check_attributes(struct look *l)
{
    struct classify_range r = l->s->columns;

    for (uint32_t i = r.first; i < r.first + r.count; i++) {
        if (l->c->columns[i].schema.p != NULL &&
            catalog_unsafe_attribute(l->cat, l->c->columns[i].name)) {
            return fail(l, REASON_FUNCTION_VOLATILE, STR_NULL, l->c->columns[i].name);
        }
    }
    return true;
}

typedef bool (*check_fn)(struct look *l, const struct classify_name *n);

static bool check_each(struct look *l, const struct classify_name *v, struct classify_range r,
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
static bool check_names(struct look *l, bool *missing)
{
    const struct classification *c = l->c;
    const struct classify_stmt *s = l->s;

    if (!check_each(l, c->functions, s->functions, check_function) ||
        !check_each(l, c->operators, s->operators, check_operator) ||
        !check_each(l, c->types, s->types, check_type)) {
        return false;
    }
    if (l->side == 0) {
        for (uint32_t i = 0; i < s->relations.count; i++) {
            if (!check_relation_primary(l, &c->relations[s->relations.first + i], missing)) {
                return false;
            }
        }
        return check_attributes(l);
    }
    if ((s->flags & CLASSIFY_SYSTEM_COLUMN) != 0) {
        return fail(l, REASON_SYSTEM_COLUMN, STR_NULL, STR(""));
    }
    return check_each(l, c->relations, s->relations, check_relation_replica) && check_whole_rows(l);
}

/* What the text alone forbids. */
static bool check_text(struct look *l)
{
    const struct classify_stmt *s = l->s;
    struct str kind = str_of(classify_kind_text(s->kind));

    if (s->kind == CLASSIFY_UNKNOWN) {
        return fail(l, l->c->too_long ? REASON_TOO_LONG : REASON_UNKNOWN, STR_NULL, STR(""));
    }
    if (s->kind == CLASSIFY_WRITE) {
        enum reason why = (s->flags & CLASSIFY_DML) != 0           ? REASON_DML
                          : (s->flags & CLASSIFY_INTO) != 0        ? REASON_INTO
                          : (s->flags & CLASSIFY_LOCKING) != 0     ? REASON_LOCKING
                          : (s->flags & CLASSIFY_ANALYZE) != 0     ? REASON_ANALYZE
                          : (s->flags & CLASSIFY_SERVER_FILE) != 0 ? REASON_SERVER_FILE
                                                                   : REASON_WRITE;

        if (str_eq(s->name, STR("explain")) && why == REASON_DML) {
            why = REASON_WRITE;
        }
        if (str_eq(s->name, STR("select")) && why == REASON_WRITE) {
            why = REASON_CONSTRUCT;
        }
        return fail(l, why, STR_NULL, s->name);
    }
    if (!classify_maybe_read(s->kind) &&
        !(s->kind == CLASSIFY_DECLARE && s->body_kind == CLASSIFY_READ && !s->hold)) {
        return fail(l, REASON_KIND, STR_NULL, kind);
    }
    if ((s->flags & CLASSIFY_CATALOG_NAME) != 0) {
        return fail(l, REASON_DATABASE_NAME, STR_NULL, STR(""));
    }
    if ((s->flags & CLASSIFY_SERVER_SETTING) != 0) {
        return fail(l, REASON_FUNCTION_SERVER, STR_NULL, STR("current_setting"));
    }
    return true;
}

/* ---- views ---- */

/* Views may use views; the server forbids circles, but rules made by hand could build one. */
enum { VIEW_DEPTH_MAX = 64, VIEW_OPEN = -1, VIEW_NEW = -2 };

static void judge_view(struct catalog *cat, size_t side, struct catalog_relation *view, int depth);

/* The views under a definition first, so that check_kind finds their verdicts. */
static void judge_below(struct catalog *cat, size_t side, const struct classification *c, int depth)
{
    struct classify_range r = c->stmts[0].relations;

    for (uint32_t i = r.first; i < r.first + r.count; i++) {
        const struct classify_name *n = &c->relations[i];
        const struct catalog_relation *v =
            n->schema.p != NULL ? catalog_find_relation(cat, side, n->schema, n->name) : NULL;

        if (v != NULL && v->kind == CATALOG_VIEW && v->view_reason == VIEW_NEW) {
            judge_view(cat, side, (struct catalog_relation *)(uintptr_t)v, depth + 1);
        }
    }
}

static void judge_view(struct catalog *cat, size_t side, struct catalog_relation *view, int depth)
{
    struct classification *c;
    struct look l = {.cat = cat, .side = side};
    bool missing = false;

    view->view_reason = VIEW_OPEN;
    if (depth > VIEW_DEPTH_MAX) {
        catalog_set_view(cat, view, REASON_CONSTRUCT, STR(""));
        return;
    }
    c = classify_parse(view->definition);
    l.c = c;
    l.s = &c->stmts[0];
    if (c->stmt_count != 1 || l.s->kind != CLASSIFY_READ) {
        l.why = REASON_CONSTRUCT;
    } else {
        judge_below(cat, side, c, depth);
        if (check_text(&l) && check_names(&l, &missing)) {
            l.why = REASON_READ;
        }
    }
    catalog_set_view(cat, view, (int)l.why, str_of(l.detail));
    classify_unref(c);
}

void judge_views(struct catalog *cat)
{
    struct catalog_relation *r;

    for (size_t side = 0; side < catalog_sides(cat); side++) {
        for (size_t i = 0; (r = catalog_relation_at(cat, side, i)) != NULL; i++) {
            r->view_reason = r->kind == CATALOG_VIEW ? VIEW_NEW : REASON_READ;
        }
        for (size_t i = 0; (r = catalog_relation_at(cat, side, i)) != NULL; i++) {
            if (r->view_reason == VIEW_NEW) {
                judge_view(cat, side, r, 0);
            }
        }
    }
}

/* ---- verdicts ---- */

/* Session state that functions set without the text showing it. */
static uint32_t function_pins(const struct look *l)
{
    const struct classify_stmt *s = l->s;
    bool changes = s->kind == CLASSIFY_COPY_IN || s->kind == CLASSIFY_WRITE;

    if (changes && catalog_trigger_sets(l->cat)) {
        return PIN_SETTER;
    }
    for (uint32_t i = s->functions.first; i < s->functions.first + s->functions.count; i++) {
        const struct classify_name *n = &l->c->functions[i];
        bool found = false;

        for (uint32_t k = 0; k < schema_count(l, n); k++) {
            const struct catalog_function *f =
                catalog_find_function(l->cat, 0, schema_at(l, n, k), n->name);

            found = found || f != NULL;
            if (f != NULL && f->setter) {
                return PIN_SETTER;
            }
        }
        if (!found && s->kind == CLASSIFY_CALL) {
            return PIN_SETTER;
        }
    }
    return 0;
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
                return fail(l, REASON_SETTING_DIFFERS, STR_NULL, s.name);
            }
        }
    }
    return true;
}

/* What the text does not show and yet changes the answer must be the same on both sides; and
 * a search path that nobody told the session must be the usual one. */
static bool check_settings(struct look *l)
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
            return fail(l, REASON_PIN_SERIALIZABLE, STR_NULL, STR(""));
        }
        if (!l->scope->path_set && str_eq(s.name, STR("search_path")) &&
            !str_eq(s.value, STR("\"$user\", public"))) {
            return fail(l, REASON_OWN_PATH, STR_NULL, str_of(l->scope->user));
        }
    }
    return true;
}

static void obstacle(struct judge_verdict *out, const struct look *l)
{
    if (out->why == REASON_READ) {
        out->why = l->why;
        memcpy(out->detail, l->detail, sizeof(out->detail));
    }
}

void judge_stmt(const struct classification *c, size_t stmt, const struct catalog *cat,
                const struct judge_scope *scope, struct judge_verdict *out)
{
    const struct classify_stmt *s = &c->stmts[stmt];
    struct look l = {.cat = cat, .scope = scope, .c = c, .s = s, .out = out};
    bool missing = false;

    *out = (struct judge_verdict){.pins = s->pins,
                                  .pins_clear = s->pins_clear,
                                  .uses_random = (s->flags & CLASSIFY_RANDOM) != 0,
                                  .holds = s->kind == CLASSIFY_SAVEPOINT ||
                                           s->kind == CLASSIFY_DECLARE};
    if (cat != NULL) {
        out->pins |= function_pins(&l);
    }
    if (s->kind == CLASSIFY_EMPTY) {
        out->sides = ~0u;
        return;
    }
    if (!check_text(&l)) {
        obstacle(out, &l);
        return;
    }
    if (cat == NULL) {
        l.why = REASON_NO_CATALOG;
        obstacle(out, &l);
        return;
    }
    if (catalog_poisoned(cat).p != NULL) {
        fail(&l, REASON_POISON, STR_NULL, catalog_poisoned(cat));
        obstacle(out, &l);
        return;
    }
    if (!check_settings(&l) || !check_names(&l, &missing)) {
        obstacle(out, &l);
        return;
    }
    out->replica_only = missing;
    out->sides = missing ? 0 : 1;
    for (l.side = 1; l.side < catalog_sides(cat); l.side++) {
        if (check_settings(&l) && check_names(&l, &missing)) {
            out->sides |= 1u << l.side;
        } else {
            if (out->replica_only && l.why == REASON_RELATION_MISSING) {
                l.why = REASON_SIDES; /* one name is only here, another only there */
            }
            obstacle(out, &l);
        }
    }
}

void judge_and(struct judge_verdict *a, const struct judge_verdict *b)
{
    a->sides &= b->sides;
    a->replica_only = a->replica_only || b->replica_only;
    a->uses_random = a->uses_random || b->uses_random;
    a->holds = a->holds || b->holds;
    a->pins = (a->pins & ~b->pins_clear) | b->pins;
    a->pins_clear = (a->pins_clear | b->pins_clear) & ~b->pins;
    if (a->why == REASON_READ && b->why != REASON_READ) {
        a->why = b->why;
        memcpy(a->detail, b->detail, sizeof(a->detail));
    }
}

void judge(const struct classification *c, const struct catalog *cat,
           const struct judge_scope *scope, struct judge_verdict *out)
{
    struct judge_verdict one;

    judge_stmt(c, 0, cat, scope, out);
    for (uint32_t i = 1; i < c->stmt_count; i++) {
        judge_stmt(c, i, cat, scope, &one);
        judge_and(out, &one);
    }
}
