/* cache.c - two maps, each with its list in order of use: shapes, and texts.
 *
 * A text is looked for as it is (cheapest), then by its shape (one pass of the lexer), then
 * parsed. What may be shared goes under its shape; a text of a known shape gets an entry of its
 * own when it comes twice in a short time, so that texts with ever new constants do not push
 * the repeated ones out. */
#include "router/cache.h"

#include <stdlib.h>

#define HASH_FUNCTION(key, length, hash)                                                       \
    ((hash) = (unsigned)shape_hash((struct str){(const char *)(key), (length)}))
#include <uthash.h>
#include <utlist.h>

enum { RECENT = 256, REFUSED = 2048 };

/* What is known of a shape, or of a text without one. */
struct item {
    unsigned refs;
    struct classification *text;
    struct judge_verdict verdict;
    uint64_t catalog_version; /* that the verdict is of; 0: no catalogue */
    uint64_t scope_id;
    bool judged;
    uint64_t shape;
};

struct entry {
    struct item *item;
    size_t bytes;
    uint32_t position_at, position_n; /* of a hint in this very text; n 0: none */
    struct entry *prev, *next;
    UT_hash_handle hh;
    size_t key_n;
    char key[];
};

struct map {
    struct entry *table;
    struct entry *used; /* oldest first */
    size_t n;
};

struct refusal {
    uint64_t shape;
    uint64_t catalog_version;
};

struct cache {
    struct map texts;
    struct map shapes;
    size_t entries_max;
    size_t bytes_max;
    size_t bytes;
    struct item *odd; /* of the last text that is not kept */
    struct buf shape;
    struct cache_stats stats;
    uint64_t recent[RECENT];
    struct refusal refused[REFUSED];
};

struct cache *cache_new(size_t entries_max, size_t bytes_max)
{
    struct cache *c = def_zalloc(1, sizeof(*c));

    c->entries_max = entries_max > 0 ? entries_max : 1;
    c->bytes_max = bytes_max;
    return c;
}

static void item_unref(struct item *i)
{
    if (i != NULL && --i->refs == 0) {
        classify_unref(i->text);
        free(i);
    }
}

static void drop(struct cache *c, struct map *m, struct entry *e)
{
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): e is in the table, so it has a head */
    HASH_DEL(m->table, e);
    DL_DELETE(m->used, e);
    m->n--;
    c->bytes -= e->bytes;
    item_unref(e->item);
    free(e);
}

void cache_free(struct cache *c)
{
    if (c == NULL) {
        return;
    }
    while (c->texts.used != NULL) {
        drop(c, &c->texts, c->texts.used);
    }
    while (c->shapes.used != NULL) {
        drop(c, &c->shapes, c->shapes.used);
    }
    item_unref(c->odd);
    buf_fini(&c->shape);
    free(c);
}

static struct entry *find(struct map *m, struct str key)
{
    struct entry *e;

    HASH_FIND(hh, m->table, key.p, key.n, e);
    if (e != NULL && e->next != NULL) {
        DL_DELETE(m->used, e);
        DL_APPEND(m->used, e);
    }
    return e;
}

static struct entry *keep(struct cache *c, struct map *m, struct str key, struct item *i)
{
    struct entry *e = def_zalloc(1, sizeof(*e) + key.n);

    memcpy(e->key, key.p, key.n);
    e->key_n = key.n;
    e->item = i;
    e->bytes = sizeof(*e) + key.n + (m == &c->shapes || i->refs == 1 ? i->text->bytes : 0);
    i->refs++;
    HASH_ADD_KEYPTR(hh, m->table, e->key, e->key_n, e);
    DL_APPEND(m->used, e);
    m->n++;
    c->bytes += e->bytes;
    while (m->used != e && (m->n > c->entries_max || c->bytes > c->bytes_max)) {
        drop(c, m, m->used);
    }
    return e;
}

static struct item *item_new(struct cache *c, struct str text, uint64_t shape)
{
    struct item *i = def_zalloc(1, sizeof(*i));

    i->text = classify_parse(text);
    i->refs = 1;
    i->shape = shape;
    item_unref(c->odd);
    c->odd = i; /* holds it until the next one is made, kept elsewhere or not */
    return i;
}

static void judge_item(struct item *i, const struct catalog *cat,
                       const struct judge_scope *scope)
{
    uint64_t version = cat != NULL ? catalog_version(cat) : 0;

    if (!i->judged || i->catalog_version != version || i->scope_id != scope->id) {
        judge(i->text, cat, scope, &i->verdict);
        i->judged = true;
        i->catalog_version = version;
        i->scope_id = scope->id;
    }
}

static void keep_text(struct cache *c, struct str text, struct item *i, struct str position)
{
    struct entry *e = keep(c, &c->texts, text, i);

    if (position.p != NULL) {
        e->position_at = (uint32_t)(position.p - text.p);
        e->position_n = (uint32_t)position.n;
    }
}

static struct item *get(struct cache *c, struct str text, struct str *position)
{
    struct entry *e;
    struct item *i;
    struct shape s;
    uint64_t hash;

    if (text.n > CLASSIFY_TEXT_MAX) {
        *position = shape_position(text);
        return item_new(c, text, shape_hash(text));
    }
    e = find(&c->texts, text);
    if (e != NULL) {
        c->stats.text_hits++;
        if (e->position_n > 0) {
            *position = (struct str){text.p + e->position_at, e->position_n};
        }
        return e->item;
    }
    shape_scan(text, &c->shape, &s);
    *position = s.position;
    hash = shape_hash(text);
    e = s.ok ? find(&c->shapes, buf_str(&c->shape)) : NULL;
    if (e != NULL) {
        c->stats.shape_hits++;
        i = e->item;
        if (c->recent[hash % RECENT] == hash) {
            keep_text(c, text, i, s.position);
        }
        c->recent[hash % RECENT] = hash;
        return i;
    }
    c->stats.misses++;
    i = item_new(c, text, s.ok ? s.hash : hash);
    if (s.ok && !i->text->literal) {
        keep(c, &c->shapes, buf_str(&c->shape), i);
    } else {
        keep_text(c, text, i, s.position);
    }
    return i;
}

void cache_get(struct cache *c, struct str text, const struct catalog *cat,
               const struct judge_scope *scope, struct cache_hit *out)
{
    struct item *i;

    *out = (struct cache_hit){.position = STR_NULL};
    i = get(c, text.p != NULL ? text : STR(""), &out->position);
    judge_item(i, cat, scope);
    out->text = i->text;
    out->verdict = &i->verdict;
    out->shape = i->shape;
}

void cache_refuse(struct cache *c, uint64_t shape, uint64_t catalog_version)
{
    c->refused[shape % REFUSED] = (struct refusal){shape, catalog_version};
}

bool cache_refused(const struct cache *c, uint64_t shape, uint64_t catalog_version)
{
    const struct refusal *r = &c->refused[shape % REFUSED];

    return r->shape == shape && r->catalog_version == catalog_version;
}

void cache_stats(const struct cache *c, struct cache_stats *out)
{
    *out = c->stats;
    out->entries = c->texts.n + c->shapes.n;
    out->bytes = c->bytes;
}
