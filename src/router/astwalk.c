/* astwalk.c - the small things of the walk: keys, memory, names. See astwalk.h. */
#include "router/astwalk.h"

#include <stdlib.h>

#include "base/json.h"
#include "router/jscan.h"

struct key_row {
    const char *text;
    uint8_t length;
    uint8_t flags;
};

static const struct key_row key_rows[] = {{"", 0, 0},
#define X(name, flags) {#name, sizeof(#name) - 1, flags},
                                          KEY_LIST(X)
#undef X
};

enum key astwalk_key(struct str s)
{
    size_t low = 1;
    size_t high = ARRAY_LEN(key_rows);

    while (low < high) {
        size_t mid = (low + high) / 2;
        const struct key_row *k = &key_rows[mid];
        int c = s.n != k->length ? (s.n < k->length ? -1 : 1) : memcmp(s.p, k->text, s.n);

        if (c == 0) {
            return (enum key)mid;
        }
        if (c < 0) {
            high = mid;
        } else {
            low = mid + 1;
        }
    }
    return K_NONE;
}

bool astwalk_is_read_node(enum key k)
{
    return key_rows[k].flags == NODE_READ;
}

/* ---- memory ---- */

struct chunk {
    struct chunk *next;
    size_t used;
    size_t size;
    max_align_t data[];
};

struct classify_arena {
    struct chunk *head;
    size_t bytes;
};

struct classify_arena *ast_arena_new(void)
{
    return def_zalloc(1, sizeof(struct classify_arena));
}

void ast_arena_free(struct classify_arena *a)
{
    if (a == NULL) {
        return;
    }
    while (a->head != NULL) {
        struct chunk *next = a->head->next;

        free(a->head);
        a->head = next;
    }
    free(a);
}

void *ast_arena_take(struct classify_arena *a, size_t size, size_t align)
{
    struct chunk *c = a->head;
    size_t used = c != NULL ? (c->used + align - 1) & ~(align - 1) : 0;

    if (c == NULL || used > c->size || c->size - used < size) {
        size_t room = size > 960 ? size : 960;

        c = def_alloc(sizeof(*c) + room);
        c->next = a->head;
        c->size = room;
        a->head = c;
        a->bytes += sizeof(*c) + room;
        used = 0;
    }
    c->used = used + size;
    return (char *)c->data + used;
}

size_t ast_arena_bytes(const struct classify_arena *a)
{
    return sizeof(*a) + a->bytes;
}

/* ---- names ---- */

struct str astwalk_keep(struct walk *w, struct str raw)
{
    char *p;

    if (raw.p == NULL) {
        return raw;
    }
    buf_reset(&w->scratch);
    if (memchr(raw.p, '\\', raw.n) != NULL) {
        if (!json_unescape(raw, &w->scratch)) {
            w->failed = true;
        }
        raw = buf_str(&w->scratch);
    }
    p = ast_arena_take(w->out->arena, raw.n + 1, 1);
    memcpy(p, raw.p, raw.n);
    p[raw.n] = '\0';
    return (struct str){p, raw.n};
}

void astwalk_add(struct walk *w, struct names *l, struct str schema, struct str name,
                 uint32_t argc)
{
    if (l->n >= CLASSIFY_NAMES_MAX) {
        w->failed = true;
        return;
    }
    if (l->n == l->cap) {
        l->cap = l->cap == 0 ? 16 : l->cap * 2;
        l->v = def_realloc(l->v, l->cap * sizeof(*l->v));
    }
    l->v[l->n++] = (struct classify_name){astwalk_keep(w, schema), astwalk_keep(w, name),
                                          (uint16_t)(argc > UINT16_MAX ? UINT16_MAX : argc)};
}

struct frame *astwalk_above(struct walk *w, uint32_t levels)
{
    return w->depth > levels ? &w->frames[w->depth - 1 - levels] : NULL;
}

bool astwalk_is(struct str s, const char *lit)
{
    return str_eq(s, str_of(lit));
}

bool astwalk_one_of(struct str s, const char *const *list)
{
    for (; *list != NULL; list++) {
        if (astwalk_is(s, *list)) {
            return true;
        }
    }
    return false;
}

struct classify_set *astwalk_add_set(struct walk *w)
{
    if (w->set_n >= CLASSIFY_NAMES_MAX) {
        w->failed = true;
        w->set_n--;
    }
    if (w->set_n == w->set_cap) {
        w->set_cap = w->set_cap == 0 ? 4 : w->set_cap * 2;
        w->sets = def_realloc(w->sets, w->set_cap * sizeof(*w->sets));
    }
    w->sets[w->set_n] = (struct classify_set){.readable = true};
    return &w->sets[w->set_n++];
}

struct str astwalk_lower(struct walk *w, struct str raw)
{
    struct str s = astwalk_keep(w, raw);
    char *p = (char *)(uintptr_t)s.p; /* the arena's own copy */

    for (size_t i = 0; i < s.n; i++) {
        if (p[i] >= 'A' && p[i] <= 'Z') {
            p[i] = (char)(p[i] + ('a' - 'A'));
        }
    }
    return s;
}
