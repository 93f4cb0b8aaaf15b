/* layout.c - see layout.h. The messages are rare (one a command), so jansson reads them. */
#include "consumer/layout.h"

#include "consumer/relation.h"

#include <jansson.h>
#include <stdio.h>

/* Object numbers from here on belong to an installation: they say nothing about another one. */
enum { FIRST_USER_OID = 16384 };

static const char *text(const json_t *o, const char *key, struct arena *a)
{
    const json_t *v = json_object_get(o, key);
    if (!json_is_string(v)) {
        return NULL;
    }
    size_t n = json_string_length(v);
    char *copy = arena_alloc(a, n + 1);
    memcpy(copy, json_string_value(v), n);
    copy[n] = '\0';
    return copy;
}

static char letter(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s != NULL ? s[0] : '\0';
}

static bool yes(const json_t *o, const char *key)
{
    return json_is_true(json_object_get(o, key));
}

static json_int_t number(const json_t *o, const char *key)
{
    return json_integer_value(json_object_get(o, key));
}

static int *numbers(const json_t *o, const char *key, struct arena *a, size_t *count)
{
    const json_t *list = json_object_get(o, key);
    *count = json_array_size(list);
    int *out = arena_alloc(a, (*count + 1) * sizeof *out);
    for (size_t i = 0; i < *count; i++) {
        out[i] = (int)json_integer_value(json_array_get(list, i));
    }
    return out;
}

static const char **texts(const json_t *o, const char *key, struct arena *a, size_t *count)
{
    const json_t *list = json_object_get(o, key);
    *count = json_array_size(list);
    const char **out = arena_alloc(a, (*count + 1) * sizeof *out);
    for (size_t i = 0; i < *count; i++) {
        const json_t *v = json_array_get(list, i);
        struct str s = {json_string_value(v), json_string_length(v) + 1};
        out[i] = s.p != NULL ? arena_copy(a, s).p : NULL;
    }
    return out;
}

static int column(const json_t *o, struct arena *a, struct layout_column *c, struct err *e)
{
    *c = (struct layout_column){
        .num = (int)number(o, "num"),
        .name = text(o, "name", a),
        .type = text(o, "type", a),
        .type_oid = (uint32_t)number(o, "type_oid"),
        .mod = (int32_t)number(o, "mod"),
        .collation = text(o, "collation", a),
        .def = text(o, "default", a),
        .missing = text(o, "missing", a),
        .generated = text(o, "generated", a),
        .constant = yes(o, "constant"),
        .not_null = yes(o, "not_null"),
        .published = yes(o, "published"),
        .identity = letter(o, "identity"),
    };
    return c->name != NULL && c->type != NULL && c->num > 0
               ? 0
               : err_set(e, ERR_PROTOCOL, "a shape with a column that has no name or type");
}

static int table(const json_t *o, struct arena *a, struct layout **out, struct err *e)
{
    *out = NULL;
    if (!json_is_object(o)) {
        return 0;
    }
    struct layout *l = arena_zalloc(a, sizeof *l);
    l->oid = (uint32_t)number(o, "oid");
    l->schema = text(o, "schema", a);
    l->name = text(o, "name", a);
    l->kind = letter(o, "kind");
    l->identity = letter(o, "identity");
    l->filter = text(o, "filter", a);
    l->key = numbers(o, "key", a, &l->key_count);
    l->identity_key = numbers(o, "identity_key", a, &l->identity_key_count);
    l->readers = texts(o, "readers", a, &l->reader_count);
    l->key_name = text(o, "key_name", a);
    l->uniques = texts(o, "uniques", a, &l->unique_count);
    if (l->schema == NULL || l->name == NULL) {
        return err_set(e, ERR_PROTOCOL, "a shape without the table's name");
    }
    const json_t *list = json_object_get(o, "columns");
    l->columns = arena_zalloc(a, (json_array_size(list) + 1) * sizeof *l->columns);
    for (size_t i = 0; i < json_array_size(list); i++) {
        int rc = column(json_array_get(list, i), a, &l->columns[l->column_count++], e);
        if (rc != 0) {
            return rc;
        }
    }
    *out = l;
    return 0;
}

static json_t *load(struct str json, struct err *e)
{
    json_error_t why;
    json_t *o = json_loadb(json.p, json.n, JSON_DECODE_ANY, &why);
    if (o == NULL) {
        (void)err_set(e, ERR_PROTOCOL, "a shape that is no JSON: %s", why.text);
    }
    return o;
}

int layout_parse(struct str json, struct arena *a, struct layout **out, struct err *e)
{
    json_t *o = load(json, e);
    if (o == NULL) {
        return ERR_PROTOCOL;
    }
    int rc = table(o, a, out, e);
    json_decref(o);
    return rc;
}

int layout_notice_parse(struct str content, struct arena *a, struct layout_notice *out,
                        struct err *e)
{
    json_t *o = load(content, e);
    if (o == NULL) {
        return ERR_PROTOCOL;
    }
    *out = (struct layout_notice){
        .rewrite = (int)number(o, "rewrite"),
        .plain = yes(o, "plain"),
        .filled = yes(o, "filled"),
        .state = yes(o, "state"),
        .joined = yes(o, "joined"),
        .released = yes(o, "released"),
        .failed = text(o, "failed", a),
        .failed_oid = (uint32_t)number(o, "oid"),
        .failed_schema = text(o, "schema", a),
        .failed_name = text(o, "name", a),
    };
    out->gone = texts(o, "gone", a, &out->gone_count);
    int rc = table(json_object_get(o, "table"), a, &out->table, e);
    if (rc == 0) {
        rc = table(json_object_get(o, "was"), a, &out->was, e);
    }
    bool named = out->failed_schema != NULL && out->failed_name != NULL;
    if (rc == 0 && out->table == NULL && out->was == NULL && (out->failed == NULL || !named)) {
        rc = err_set(e, ERR_PROTOCOL, "a shape of no table");
    }
    json_decref(o);
    return rc;
}

const struct layout_column *layout_column_by_num(const struct layout *l, int num)
{
    for (size_t i = 0; l != NULL && i < l->column_count; i++) {
        if (l->columns[i].num == num) {
            return &l->columns[i];
        }
    }
    return NULL;
}

const struct layout_column *layout_column_by_name(const struct layout *l, const char *name)
{
    for (size_t i = 0; l != NULL && i < l->column_count; i++) {
        if (strcmp(l->columns[i].name, name) == 0) {
            return &l->columns[i];
        }
    }
    return NULL;
}

bool layout_mirrors(const struct layout_column *c)
{
    return c->published || c->generated != NULL;
}

static bool contains(const int *list, size_t count, int num)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i] == num) {
            return true;
        }
    }
    return false;
}

static bool identifies(const struct layout *l, const struct layout_column *c)
{
    switch (l->identity) {
    case 'f': return true;
    case 'd': return contains(l->key, l->key_count, c->num);
    case 'i': return contains(l->identity_key, l->identity_key_count, c->num);
    default: return false;
    }
}

static bool same_type(const struct layout_column *c, const struct relation_column *r)
{
    bool builtin = c->type_oid < FIRST_USER_OID || r->type_oid < FIRST_USER_OID;
    return (!builtin || c->type_oid == r->type_oid) && c->mod == r->type_mod;
}

bool layout_fits(const struct layout *l, const struct relation *r, char *reason, size_t size)
{
    size_t at = 0;
    if (l->identity != r->identity) {
        snprintf(reason, size, "the replica identity is another one");
        return false;
    }
    for (size_t i = 0; i < l->column_count; i++) {
        const struct layout_column *c = &l->columns[i];
        if (!c->published) {
            continue;
        }
        if (at == r->column_count || strcmp(r->columns[at].name, c->name) != 0) {
            snprintf(reason, size, "column \"%s\" is not where it was", c->name);
            return false;
        }
        if (!same_type(c, &r->columns[at])) {
            snprintf(reason, size, "column \"%s\" has another type", c->name);
            return false;
        }
        if (identifies(l, c) != r->columns[at].key) {
            snprintf(reason, size, "the key is another one");
            return false;
        }
        at++;
    }
    if (at < r->column_count) {
        snprintf(reason, size, "column \"%s\" is new", r->columns[at].name);
        return false;
    }
    return true;
}
