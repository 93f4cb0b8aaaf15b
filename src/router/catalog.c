/* catalog.c - the snapshot itself: sorted arrays and bisection; catload.c fills it from servers.
 *
 * Everything hangs on one arena. The content hash is a sum over the entries, so that it does not
 * depend on the order in which servers list them. */
#include "router/catalog.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/arena.h"
#include "router/shape.h"

/* Every kind of entry starts with these, so that one order and one search serve all. */
struct entry {
    struct str schema;
    struct str name;
};

struct type_entry {
    struct str schema;
    struct str name;
    enum catalog_type what;
};

struct table {
    char *v; /* entries of `size` bytes */
    size_t n, cap, size;
};

struct side {
    struct table functions, operators, types, relations, schemas, settings;
    const struct catalog_relation **by_oid; /* the relations again */
};

struct catalog {
    atomic_uint refs;
    uint64_t version;
    uint64_t content;
    size_t side_count;
    struct side sides[CATALOG_SIDES_MAX];
    struct table unsafe; /* names of catalog_unsafe_attribute */
    struct str poison;
    bool trigger_sets;
    struct arena arena;
};

static int compare(const void *a, const void *b)
{
    const struct entry *x = a;
    const struct entry *y = b;
    size_t n = x->name.n < y->name.n ? x->name.n : y->name.n;
    int c = n > 0 ? memcmp(x->name.p, y->name.p, n) : 0;

    if (c == 0 && x->name.n != y->name.n) {
        c = x->name.n < y->name.n ? -1 : 1;
    }
    if (c == 0) {
        n = x->schema.n < y->schema.n ? x->schema.n : y->schema.n;
        c = n > 0 ? memcmp(x->schema.p, y->schema.p, n) : 0;
    }
    if (c == 0 && x->schema.n != y->schema.n) {
        c = x->schema.n < y->schema.n ? -1 : 1;
    }
    return c;
}

static void *table_add(struct table *t, size_t size)
{
    t->size = size;
    if (t->n == t->cap) {
        t->cap = t->cap == 0 ? 64 : t->cap * 2;
        t->v = def_realloc(t->v, t->cap * size);
    }
    return t->v + t->n++ * size;
}

static void table_sort(struct table *t)
{
    if (t->n > 1) {
        qsort(t->v, t->n, t->size, compare);
    }
}

static void *table_find(const struct table *t, struct str schema, struct str name)
{
    struct entry key = {schema, name};

    return t->n == 0 ? NULL : bsearch(&key, t->v, t->n, t->size, compare);
}

static void count_content(struct catalog *c, const char *kind, size_t side, struct str schema,
                          struct str name, uint64_t facts)
{
    uint64_t h = shape_hash(schema) * 3 + shape_hash(name) * 5 + shape_hash(str_of(kind)) * 7 +
                 (uint64_t)side * 11 + facts * 0x9e3779b97f4a7c15u;

    c->content += shape_hash((struct str){(const char *)&h, sizeof(h)});
}

struct catalog *catalog_new(size_t sides, uint64_t version)
{
    struct catalog *c = def_zalloc(1, sizeof(*c));

    ASSERT(sides >= 1 && sides <= CATALOG_SIDES_MAX);
    atomic_init(&c->refs, 1);
    c->side_count = sides;
    c->version = version;
    return c;
}

void catalog_ref(struct catalog *c)
{
    atomic_fetch_add(&c->refs, 1);
}

void catalog_unref(struct catalog *c)
{
    if (c == NULL || atomic_fetch_sub(&c->refs, 1) != 1) {
        return;
    }
    for (size_t i = 0; i < c->side_count; i++) {
        free(c->sides[i].functions.v);
        free(c->sides[i].operators.v);
        free(c->sides[i].types.v);
        free(c->sides[i].relations.v);
        free(c->sides[i].schemas.v);
        free(c->sides[i].settings.v);
        free(c->sides[i].by_oid);
    }
    free(c->unsafe.v);
    arena_fini(&c->arena);
    free(c);
}

uint64_t catalog_version(const struct catalog *c)
{
    return c->version;
}

uint64_t catalog_content(const struct catalog *c)
{
    return c->content;
}

size_t catalog_sides(const struct catalog *c)
{
    return c->side_count;
}

/* ---- building ---- */

void catalog_add_schema(struct catalog *c, size_t side, struct str schema)
{
    struct entry *e = table_add(&c->sides[side].schemas, sizeof(*e));

    *e = (struct entry){STR(""), arena_copy(&c->arena, schema)};
    count_content(c, "schema", side, STR(""), schema, 0);
}

void catalog_add_function(struct catalog *c, size_t side, const struct catalog_function *one)
{
    struct catalog_function *f = table_add(&c->sides[side].functions, sizeof(*f));

    *f = *one;
    f->schema = arena_copy(&c->arena, one->schema);
    f->name = arena_copy(&c->arena, one->name);
    count_content(c, "function", side, f->schema, f->name,
                  (uint64_t)f->volatility +
                      (uint64_t)(f->secdef * 512 + f->user_types * 1024 + f->oid_types * 2048 +
                                 f->user * 4096 + f->one_arg * 8192 + f->setter * 16384) +
                      f->args_hash * 32768);
}

void catalog_add_operator(struct catalog *c, size_t side, const struct catalog_operator *one)
{
    struct catalog_operator *o = table_add(&c->sides[side].operators, sizeof(*o));

    *o = *one;
    o->schema = arena_copy(&c->arena, one->schema);
    o->name = arena_copy(&c->arena, one->name);
    count_content(c, "operator", side, o->schema, o->name,
                  (uint64_t)(o->is_volatile + o->user_types * 2));
}

void catalog_add_type(struct catalog *c, size_t side, struct str schema, struct str name,
                      enum catalog_type what)
{
    struct type_entry *t = table_add(&c->sides[side].types, sizeof(*t));

    *t = (struct type_entry){arena_copy(&c->arena, schema), arena_copy(&c->arena, name), what};
    count_content(c, "type", side, schema, name, (uint64_t)what);
}

void catalog_add_relation(struct catalog *c, size_t side, const struct catalog_relation *one)
{
    struct catalog_relation *r = table_add(&c->sides[side].relations, sizeof(*r));
    struct catalog_column *columns =
        arena_alloc(&c->arena, (one->column_count + 1) * sizeof(*columns));
    uint64_t h = 1;

    *r = *one;
    r->schema = arena_copy(&c->arena, one->schema);
    r->name = arena_copy(&c->arena, one->name);
    r->definition = arena_copy(&c->arena, one->definition);
    for (uint32_t i = 0; i < one->column_count; i++) {
        columns[i] = (struct catalog_column){arena_copy(&c->arena, one->columns[i].name),
                                             arena_copy(&c->arena, one->columns[i].type),
                                             one->columns[i].user_type, one->columns[i].number};
        h = h * 31 + shape_hash(columns[i].name) + 3 * shape_hash(columns[i].type) +
            columns[i].user_type + 7 * columns[i].number;
    }
    r->columns = columns;
    r->view_reason = 0;
    r->view_detail = STR_NULL;
    h = h * 31 + shape_hash(r->definition) + r->policy_hash + 11 * (uint64_t)r->oid;
    h = h * 31 + (uint64_t)r->kind + (uint64_t)(r->published * 256 + r->row_security * 512);
    count_content(c, "relation", side, r->schema, r->name, h);
}

void catalog_add_setting(struct catalog *c, size_t side, const struct catalog_setting *one)
{
    struct catalog_setting *s = table_add(&c->sides[side].settings, sizeof(*s));

    *s = (struct catalog_setting){arena_copy(&c->arena, one->role),
                                  arena_copy(&c->arena, one->name),
                                  arena_copy(&c->arena, one->value)};
    count_content(c, "setting", side, s->role, s->name, shape_hash(s->value));
}

void catalog_set_view(struct catalog *c, struct catalog_relation *r, int reason,
                      struct str detail)
{
    r->view_reason = reason;
    r->view_detail = arena_copy(&c->arena, detail);
}

void catalog_set_poison(struct catalog *c, struct str text)
{
    c->poison = arena_copy(&c->arena, text);
    count_content(c, "poison", 0, STR(""), text, 0);
}

void catalog_set_trigger_sets(struct catalog *c)
{
    c->trigger_sets = true;
    count_content(c, "trigger", 0, STR(""), STR(""), 1);
}

static int worse(int a, int b)
{
    return a > b ? a : b; /* 'i' < 's' < 'v' */
}

/* Overloads of one name become one entry, the worst of all. */
static void merge_functions(struct table *t)
{
    struct catalog_function *f = (struct catalog_function *)(void *)t->v;
    size_t n = 0;

    for (size_t i = 0; i < t->n; i++) {
        if (n > 0 && compare(&f[n - 1], &f[i]) == 0) {
            struct catalog_function *m = &f[n - 1];

            m->volatility =
                (enum catalog_volatility)worse((int)m->volatility, (int)f[i].volatility);
            m->secdef |= f[i].secdef;
            m->user_types |= f[i].user_types;
            m->oid_types |= f[i].oid_types;
            m->user |= f[i].user;
            m->one_arg |= f[i].one_arg;
            m->setter |= f[i].setter;
            m->args_hash += f[i].args_hash;
        } else {
            f[n++] = f[i];
        }
    }
    t->n = n;
}

static void merge_operators(struct table *t)
{
    struct catalog_operator *o = (struct catalog_operator *)(void *)t->v;
    size_t n = 0;

    for (size_t i = 0; i < t->n; i++) {
        if (n > 0 && compare(&o[n - 1], &o[i]) == 0) {
            o[n - 1].is_volatile |= o[i].is_volatile;
            o[n - 1].user_types |= o[i].user_types;
        } else {
            o[n++] = o[i];
        }
    }
    t->n = n;
}

static int compare_oid(const void *a, const void *b)
{
    const struct catalog_relation *const *x = a;
    const struct catalog_relation *const *y = b;

    return (*x)->oid < (*y)->oid ? -1 : (*x)->oid > (*y)->oid;
}

static void index_oids(struct side *s)
{
    const struct catalog_relation *r = (const void *)s->relations.v;

    s->by_oid = def_alloc((s->relations.n + 1) * sizeof(const void *));
    for (size_t i = 0; i < s->relations.n; i++) {
        s->by_oid[i] = &r[i];
    }
    qsort(s->by_oid, s->relations.n, sizeof(const void *), compare_oid);
}

bool catalog_on_primary(const struct catalog *c, size_t side, uint32_t *oid, uint16_t *column)
{
    const struct catalog_relation key = {.oid = *oid}, *at = &key, *there;
    const struct catalog_relation *const *found =
        bsearch(&at, c->sides[side].by_oid, c->sides[side].relations.n, sizeof(const void *),
                compare_oid);
    const struct catalog_column *name = NULL;

    there =
        found != NULL ? catalog_find_relation(c, 0, (*found)->schema, (*found)->name) : NULL;
    if (there == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < (*found)->column_count && name == NULL; i++) {
        name = (*found)->columns[i].number == *column ? &(*found)->columns[i] : NULL;
    }
    for (uint32_t i = 0; i < there->column_count && name != NULL; i++) {
        if (str_eq(there->columns[i].name, name->name)) {
            *column = there->columns[i].number;
            *oid = there->oid;
            return true;
        }
    }
    *oid = there->oid;
    return *column == 0;
}

void catalog_finish(struct catalog *c)
{
    for (size_t i = 0; i < c->side_count; i++) {
        struct side *s = &c->sides[i];
        const struct catalog_function *f;

        table_sort(&s->functions);
        merge_functions(&s->functions);
        table_sort(&s->operators);
        merge_operators(&s->operators);
        table_sort(&s->types);
        table_sort(&s->relations);
        table_sort(&s->schemas);
        table_sort(&s->settings);
        index_oids(s);
        f = (const struct catalog_function *)(const void *)s->functions.v;
        for (size_t k = 0; k < s->functions.n; k++) {
            if (f[k].user && f[k].one_arg && f[k].volatility == CATALOG_VOLATILE) {
                *(struct entry *)table_add(&c->unsafe, sizeof(struct entry)) =
                    (struct entry){STR(""), f[k].name};
            }
        }
    }
    table_sort(&c->unsafe);
}

void catalog_copy_side(struct catalog *to, const struct catalog *from, size_t side)
{
    const struct side *s = &from->sides[side];
    const char *p;
    size_t i;

    for (i = 0, p = s->functions.v; i < s->functions.n; i++, p += s->functions.size) {
        catalog_add_function(to, side, (const struct catalog_function *)(const void *)p);
    }
    for (i = 0, p = s->operators.v; i < s->operators.n; i++, p += s->operators.size) {
        catalog_add_operator(to, side, (const struct catalog_operator *)(const void *)p);
    }
    for (i = 0, p = s->types.v; i < s->types.n; i++, p += s->types.size) {
        const struct type_entry *t = (const struct type_entry *)(const void *)p;

        catalog_add_type(to, side, t->schema, t->name, t->what);
    }
    for (i = 0, p = s->relations.v; i < s->relations.n; i++, p += s->relations.size) {
        catalog_add_relation(to, side, (const struct catalog_relation *)(const void *)p);
    }
    for (i = 0, p = s->schemas.v; i < s->schemas.n; i++, p += s->schemas.size) {
        catalog_add_schema(to, side, ((const struct entry *)(const void *)p)->name);
    }
    for (i = 0, p = s->settings.v; i < s->settings.n; i++, p += s->settings.size) {
        catalog_add_setting(to, side, (const struct catalog_setting *)(const void *)p);
    }
    if (side == 0 && from->poison.n > 0) {
        catalog_set_poison(to, from->poison);
    }
    if (side == 0 && from->trigger_sets) {
        catalog_set_trigger_sets(to);
    }
}

/* ---- reading ---- */

const struct catalog_function *catalog_find_function(const struct catalog *c, size_t side,
                                                     struct str schema, struct str name)
{
    return table_find(&c->sides[side].functions, schema, name);
}

const struct catalog_operator *catalog_find_operator(const struct catalog *c, size_t side,
                                                     struct str schema, struct str name)
{
    return table_find(&c->sides[side].operators, schema, name);
}

const struct catalog_relation *catalog_find_relation(const struct catalog *c, size_t side,
                                                     struct str schema, struct str name)
{
    return table_find(&c->sides[side].relations, schema, name);
}

struct catalog_relation *catalog_relation_at(struct catalog *c, size_t side, size_t i)
{
    struct table *t = &c->sides[side].relations;

    return i < t->n ? (struct catalog_relation *)(void *)(t->v + i * t->size) : NULL;
}

bool catalog_has_schema(const struct catalog *c, size_t side, struct str schema)
{
    return table_find(&c->sides[side].schemas, STR(""), schema) != NULL;
}

enum catalog_type catalog_find_type(const struct catalog *c, size_t side, struct str schema,
                                    struct str name)
{
    const struct type_entry *t = table_find(&c->sides[side].types, schema, name);

    return t != NULL ? t->what : CATALOG_TYPE_NONE;
}

bool catalog_unsafe_attribute(const struct catalog *c, struct str name)
{
    return table_find(&c->unsafe, STR(""), name) != NULL;
}

bool catalog_setting_at(const struct catalog *c, size_t side, size_t i,
                        struct catalog_setting *out)
{
    const struct table *t = &c->sides[side].settings;

    if (i < t->n) {
        *out = *(const struct catalog_setting *)(const void *)(t->v + i * t->size);
    }
    return i < t->n;
}

struct str catalog_find_setting(const struct catalog *c, size_t side, struct str role,
                                struct str name)
{
    const struct catalog_setting *s = table_find(&c->sides[side].settings, role, name);

    return s != NULL ? s->value : STR_NULL;
}

struct str catalog_poisoned(const struct catalog *c)
{
    return c->poison;
}

bool catalog_trigger_sets(const struct catalog *c)
{
    return c->trigger_sets;
}

/* ---- the slot ---- */

struct catalog_slot {
    pthread_mutex_t lock; /* around `present`; held for a reference count only */
    struct catalog *present;
    _Atomic uint64_t version;
};

struct catalog_slot *catalog_slot_new(void)
{
    struct catalog_slot *s = def_zalloc(1, sizeof(*s));

    pthread_mutex_init(&s->lock, NULL);
    return s;
}

void catalog_slot_free(struct catalog_slot *s)
{
    if (s != NULL) {
        catalog_unref(s->present);
        pthread_mutex_destroy(&s->lock);
        free(s);
    }
}

void catalog_slot_put(struct catalog_slot *s, struct catalog *c)
{
    struct catalog *old;

    pthread_mutex_lock(&s->lock);
    old = s->present;
    s->present = c;
    atomic_store(&s->version, c != NULL ? c->version : 0);
    pthread_mutex_unlock(&s->lock);
    catalog_unref(old);
}

uint64_t catalog_slot_version(const struct catalog_slot *s)
{
    return atomic_load(&s->version);
}

struct catalog *catalog_slot_get(struct catalog_slot *s)
{
    struct catalog *c;

    pthread_mutex_lock(&s->lock);
    c = s->present;
    if (c != NULL) {
        catalog_ref(c);
    }
    pthread_mutex_unlock(&s->lock);
    return c;
}
