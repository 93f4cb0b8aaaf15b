/* judge_scope.c - the scope of a session's names: search path and temporary relations. See
 * judge.h. */
#include "router/judge.h"

#include <stdlib.h>

#include "router/shape.h"

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

/* One element of a list of identifiers: unquoted lower case, or quoted with doubled quotes
 * undone, into out. */
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
