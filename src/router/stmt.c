/* stmt.c - see stmt.h. */
#include "router/stmt.h"

#include "router/worker.h"

#include <stdio.h>
#include <stdlib.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#include <uthash.h>

struct prep {
    uint64_t id;
    uint32_t refs;
    size_t text_len, key_len;
    char *key; /* text and types */
    UT_hash_handle hh;
};

struct held {
    uint64_t id;
    bool suspect;
    UT_hash_handle hh;
};

/* Insertion order of the hash is order of use: prepared_has moves to the end. */
struct prepared {
    struct held *table;
};

static struct prep *prep_get(struct worker *w, struct str text, struct str types)
{
    struct prep *p = NULL;
    size_t len = text.n + types.n;
    char *key = def_alloc(len + 1);
    memcpy(key, text.p, text.n);
    memcpy(key + text.n, types.p, types.n);
    HASH_FIND(hh, w->preps, key, len, p);
    if (p != NULL && p->text_len == text.n) {
        free(key);
        p->refs++;
        return p;
    }
    bool clash = p != NULL; /* the same bytes cut elsewhere: cannot be shared */
    p = def_zalloc(1, sizeof *p);
    p->id = ++w->prep_next;
    p->refs = 1;
    p->text_len = text.n;
    p->key_len = len;
    p->key = key;
    if (!clash) {
        HASH_ADD_KEYPTR(hh, w->preps, p->key, len, p);
    }
    return p;
}

static void prep_unref(struct worker *w, struct prep *p)
{
    struct prep *found = NULL;
    if (p == NULL || --p->refs > 0) {
        return;
    }
    HASH_FIND(hh, w->preps, p->key, p->key_len, found);
    if (found == p) {
        HASH_DEL(w->preps, p);
    }
    free(p->key);
    free(p);
}

bool prepared_has(struct prepared *set, const struct prep *p)
{
    struct held *h = NULL;
    if (set == NULL) {
        return false;
    }
    HASH_FIND(hh, set->table, &p->id, sizeof p->id, h);
    if (h == NULL || h->suspect) {
        return false;
    }
    if (h->hh.next != NULL) {
        HASH_DEL(set->table, h);
        HASH_ADD(hh, set->table, id, sizeof h->id, h);
    }
    return true;
}

void prepared_add(struct prepared **set, const struct prep *p, char evict[STMT_NAME_MAX])
{
    struct held *h = NULL;
    evict[0] = '\0';
    if (*set == NULL) {
        *set = def_zalloc(1, sizeof **set);
    }
    HASH_FIND(hh, (*set)->table, &p->id, sizeof p->id, h);
    if (h != NULL) {
        h->suspect = false;
        return;
    }
    if (HASH_COUNT((*set)->table) >= STMT_PREPARED_MAX) {
        h = (*set)->table;
        snprintf(evict, STMT_NAME_MAX, "parkway_%llu", (unsigned long long)h->id);
        HASH_DEL((*set)->table, h);
        free(h);
    }
    h = def_zalloc(1, sizeof *h);
    h->id = p->id;
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): HASH_DEL took the evicted one out of the table */
    HASH_ADD(hh, (*set)->table, id, sizeof h->id, h);
}

void prepared_suspect(struct prepared *set, const struct prep *p)
{
    struct held *h = NULL;
    if (set != NULL) {
        HASH_FIND(hh, set->table, &p->id, sizeof p->id, h);
    }
    if (h != NULL) {
        h->suspect = true;
    }
}

bool prepared_suspected(struct prepared *set, const struct prep *p)
{
    struct held *h = NULL;
    if (set != NULL) {
        HASH_FIND(hh, set->table, &p->id, sizeof p->id, h);
    }
    return h != NULL && h->suspect;
}

void prepared_free(struct prepared *set)
{
    struct held *h, *next;
    if (set == NULL) {
        return;
    }
    HASH_ITER(hh, set->table, h, next)
    {
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): h is in the table still, what was freed is not */
        HASH_DEL(set->table, h);
        free(h);
    }
    free(set);
}
#pragma GCC diagnostic pop

struct str prep_text(const struct prep *p)
{
    return (struct str){p->key, p->text_len};
}

struct str prep_types(const struct prep *p)
{
    return (struct str){p->key + p->text_len, p->key_len - p->text_len};
}

void prep_name(const struct prep *p, char out[STMT_NAME_MAX])
{
    snprintf(out, STMT_NAME_MAX, "parkway_%llu", (unsigned long long)p->id);
}

struct stmt *stmt_new(struct worker *w, struct str name, struct str text, struct str types)
{
    struct stmt *s = def_zalloc(1, sizeof *s);
    s->refs = 1;
    s->serial = ++w->serial;
    s->name = def_strndup(name.p, name.n);
    s->too_long = text.p == NULL;
    if (!s->too_long) {
        s->prep = prep_get(w, text, types);
    }
    struct rd r = rd_of(types);
    rd_u16(&r);
    while (rd_left(&r) >= 4) {
        s->user_types |= rd_u32(&r) >= 16384;
    }
    return s;
}

struct stmt *stmt_ref(struct stmt *s)
{
    s->refs++;
    return s;
}

void stmt_unref(struct worker *w, struct stmt *s)
{
    if (s == NULL || --s->refs > 0) {
        return;
    }
    prep_unref(w, s->prep);
    free(s->name);
    free(s);
}

static struct stmt **bucket(const struct stmts *t, struct str name)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < name.n; i++) {
        h = (h ^ (uint8_t)name.p[i]) * 16777619u;
    }
    return (struct stmt **)(uintptr_t)&t->buckets[h % STMT_BUCKETS];
}

struct stmt *stmts_find(const struct stmts *t, struct str name)
{
    if (name.n == 0) {
        return t->unnamed;
    }
    for (struct stmt *s = *bucket(t, name); s != NULL; s = s->next) {
        if (str_eq(str_of(s->name), name)) {
            return s;
        }
    }
    return NULL;
}

struct stmt *stmts_serial(const struct stmts *t, uint64_t serial)
{
    if (t->unnamed != NULL && t->unnamed->serial == serial) {
        return t->unnamed;
    }
    for (size_t i = 0; i < STMT_BUCKETS; i++) {
        for (struct stmt *s = t->buckets[i]; s != NULL; s = s->next) {
            if (s->serial == serial) {
                return s;
            }
        }
    }
    return NULL;
}

void stmts_drop(struct worker *w, struct stmts *t, struct stmt *s)
{
    if (!s->in_table) {
        return;
    }
    s->in_table = false;
    if (s->name[0] == '\0') {
        t->unnamed = NULL;
    } else {
        struct stmt **at = bucket(t, str_of(s->name));
        while (*at != s) {
            at = &(*at)->next;
        }
        *at = s->next;
        t->count--;
    }
    stmt_unref(w, s);
}

void stmts_put(struct worker *w, struct stmts *t, struct stmt *s)
{
    stmt_ref(s);
    if (s->name[0] == '\0') {
        if (t->unnamed != NULL) {
            stmts_drop(w, t, t->unnamed);
        }
        t->unnamed = s;
    } else {
        struct stmt **at = bucket(t, str_of(s->name));
        s->next = *at;
        *at = s;
        t->count++;
    }
    s->in_table = true;
}

void stmts_clear(struct worker *w, struct stmts *t)
{
    for (size_t i = 0; i < STMT_BUCKETS; i++) {
        while (t->buckets[i] != NULL) {
            stmts_drop(w, t, t->buckets[i]);
        }
    }
    if (t->unnamed != NULL) {
        stmts_drop(w, t, t->unnamed);
    }
}

void stmts_forget_unconfirmed(struct worker *w, struct stmts *t)
{
    for (size_t i = 0; i < STMT_BUCKETS; i++) {
        for (struct stmt *s = t->buckets[i], *next; s != NULL; s = next) {
            next = s->next;
            if (!s->confirmed) {
                stmts_drop(w, t, s);
            }
        }
    }
    if (t->unnamed != NULL && !t->unnamed->confirmed) {
        stmts_drop(w, t, t->unnamed);
    }
}

static void not_on_primary(struct stmt *s)
{
    if (s->primary_pending) {
        s->primary_pending = false;
        s->primary_generation = 0;
    }
}

void stmts_not_on_primary(struct stmts *t)
{
    for (size_t i = 0; i < STMT_BUCKETS; i++) {
        for (struct stmt *s = t->buckets[i]; s != NULL; s = s->next) {
            not_on_primary(s);
        }
    }
    if (t->unnamed != NULL) {
        not_on_primary(t->unnamed);
    }
}
