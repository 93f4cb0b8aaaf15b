/* plan.c - see plan.h.
 *
 * State of one key within a segment:
 *
 *   met first      state    existed before
 *   insert         INSERT   no        + update INSERT(merged)   + delete NOTHING
 *   update         UPDATE   yes       + update UPDATE(merged)   + delete DELETE
 *   delete         DELETE   yes       + insert UPDATE(whole row)
 *   (insert+delete) NOTHING no        + insert INSERT
 *
 * Anything else contradicts itself and cuts the table's segment. */
#include "consumer/plan.h"

const char plan_unchanged[] = "unchanged";

enum entry_state { ENTRY_INSERT, ENTRY_UPDATE, ENTRY_DELETE, ENTRY_NOTHING };

struct plan_entry {
    uint64_t hash;
    struct plan_table *table;
    uint32_t segment;
    uint32_t next; /* of the same table and segment */
    enum entry_state state;
    const struct str *key; /* a row whose key columns are this key */
    const struct str *neu;
};

bool plan_is_unchanged(struct str v)
{
    return v.p == plan_unchanged;
}

bool plan_complete(const struct plan_table *t, const struct str *row)
{
    for (size_t i = 0; i < t->column_count; i++) {
        if (plan_is_unchanged(row[i])) {
            return false;
        }
    }
    return true;
}

static bool same_value(struct str a, struct str b)
{
    return (a.p == NULL) == (b.p == NULL) && str_eq(a, b);
}

bool plan_same_key(const struct plan_table *t, const struct str *a, const struct str *b)
{
    for (size_t i = 0; i < t->key_count; i++) {
        if (!same_value(a[t->key[i]], b[t->key[i]])) {
            return false;
        }
    }
    return true;
}

void plan_init(struct plan *p, struct arena *arena)
{
    *p = (struct plan){.arena = arena};
}

/* Doubles an array of the arena; the old one stays in it until the reset. */
static void *grow(struct plan *p, void *items, size_t count, size_t *cap, size_t size)
{
    if (count < *cap) {
        return items;
    }
    size_t n = *cap > 0 ? *cap * 2 : 16;
    void *more = arena_alloc(p->arena, n * size);
    if (items != NULL && count > 0) {
        memcpy(more, items, count * size);
    }
    *cap = n;
    return more;
}

static struct plan_step *step_add(struct plan *p, enum plan_kind kind, struct plan_table *t,
                                  size_t rows_max)
{
    p->steps = grow(p, p->steps, p->step_count, &p->step_cap, sizeof *p->steps);
    struct plan_step *s = &p->steps[p->step_count++];
    *s = (struct plan_step){.kind = kind, .table = t};
    if (rows_max > 0) {
        s->rows = arena_alloc(p->arena, rows_max * sizeof *s->rows);
    }
    return s;
}

/* --- the entries of a segment ------------------------------------------------------------------- */

static void table_enter(struct plan *p, struct plan_table *t)
{
    if (t->scratch.plan == p && t->scratch.segment != 0) {
        return;
    }
    t->scratch.plan = p;
    t->scratch.segment = ++p->segments;
    t->scratch.first = t->scratch.last = 0;
    p->tables = grow(p, p->tables, p->table_count, &p->table_cap, sizeof *p->tables);
    p->tables[p->table_count++] = t;
}

static void segment_reset(struct plan *p, struct plan_table *t)
{
    t->scratch.segment = ++p->segments;
    t->scratch.first = t->scratch.last = 0;
}

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9e3779b97f4a7c15u;
    return h ^ (h >> 29);
}

static uint64_t key_hash(const struct plan_table *t, const struct str *row)
{
    uint64_t h = t->scratch.segment;
    for (size_t i = 0; i < t->key_count; i++) {
        struct str v = row[t->key[i]];
        h = mix(h, v.n + (v.p != NULL));
        for (size_t k = 0; k < v.n; k += 8) {
            uint64_t word = 0;
            memcpy(&word, v.p + k, v.n - k < 8 ? v.n - k : 8);
            h = mix(h, word);
        }
    }
    return h;
}

static void slots_grow(struct plan *p)
{
    size_t n = p->slot_count > 0 ? p->slot_count * 2 : 64;
    uint32_t *slots = arena_zalloc(p->arena, n * sizeof *slots);
    for (size_t i = 0; i < p->slot_count; i++) {
        if (p->slots[i] != 0) {
            size_t at = p->entries[p->slots[i]].hash & (n - 1);
            while (slots[at] != 0) {
                at = (at + 1) & (n - 1);
            }
            slots[at] = p->slots[i];
        }
    }
    p->slots = slots;
    p->slot_count = n;
}

/* The entry of row's key, or 0. */
static uint32_t entry_find(struct plan *p, struct plan_table *t, const struct str *row)
{
    if (p->slot_count == 0) {
        return 0;
    }
    uint64_t hash = key_hash(t, row);
    for (size_t at = hash & (p->slot_count - 1); p->slots[at] != 0;
         at = (at + 1) & (p->slot_count - 1)) {
        struct plan_entry *en = &p->entries[p->slots[at]];
        if (en->hash == hash && en->table == t && en->segment == t->scratch.segment &&
            plan_same_key(t, en->key, row)) {
            return p->slots[at];
        }
    }
    return 0;
}

static void entry_add(struct plan *p, struct plan_table *t, enum entry_state state,
                      const struct str *key, const struct str *neu)
{
    if (p->entry_count == 0) {
        p->entry_count = 1;
        p->entries = grow(p, NULL, 0, &p->entry_cap, sizeof *p->entries);
    }
    p->entries = grow(p, p->entries, p->entry_count, &p->entry_cap, sizeof *p->entries);
    uint32_t id = (uint32_t)p->entry_count++;
    p->entries[id] = (struct plan_entry){
        .table = t, .segment = t->scratch.segment, .state = state, .key = key, .neu = neu};
    if (t->scratch.last != 0) {
        p->entries[t->scratch.last].next = id;
    } else {
        t->scratch.first = id;
    }
    t->scratch.last = id;
    if (t->mode != PLAN_BY_KEY) {
        return;
    }
    if (p->entry_count * 2 > p->slot_count) {
        slots_grow(p);
    }
    uint64_t hash = key_hash(t, key);
    p->entries[id].hash = hash;
    size_t at = hash & (p->slot_count - 1);
    while (p->slots[at] != 0) {
        at = (at + 1) & (p->slot_count - 1);
    }
    p->slots[at] = id;
}

/* --- a segment becomes steps --------------------------------------------------------------------- */

static void emit_kind(struct plan *p, struct plan_table *t, enum entry_state state,
                      size_t count)
{
    if (count == 0) {
        return;
    }
    struct plan_step *s =
        step_add(p, state == ENTRY_DELETE ? PLAN_DELETE : PLAN_INSERT, t, count);
    for (uint32_t id = t->scratch.first; id != 0; id = p->entries[id].next) {
        if (p->entries[id].state == state) {
            s->rows[s->count++] = (struct plan_row){p->entries[id].key, p->entries[id].neu};
        }
    }
}

static bool same_columns(const struct plan_table *t, const struct str *a, const struct str *b)
{
    for (size_t i = 0; i < t->column_count; i++) {
        if (plan_is_unchanged(a[i]) != plan_is_unchanged(b[i])) {
            return false;
        }
    }
    return true;
}

/* Updates in one step for each set of unchanged columns. There are few such sets in practice; past
 * SETS_MAX of them every row is a step of its own. */
static void emit_updates(struct plan *p, struct plan_table *t, size_t count)
{
    enum { SETS_MAX = 16 };
    size_t from = p->step_count;
    for (uint32_t id = t->scratch.first; id != 0; id = p->entries[id].next) {
        struct plan_entry *en = &p->entries[id];
        if (en->state != ENTRY_UPDATE) {
            continue;
        }
        struct plan_step *s = NULL;
        for (size_t i = from; i < p->step_count && i < from + SETS_MAX && s == NULL; i++) {
            if (same_columns(t, p->steps[i].rows[0].neu, en->neu)) {
                s = &p->steps[i];
            }
        }
        if (s == NULL) {
            s = step_add(p, PLAN_UPDATE, t, p->step_count < from + SETS_MAX ? count : 1);
        }
        ASSERT(s->rows != NULL);
        s->rows[s->count++] = (struct plan_row){en->key, en->neu};
        count--;
    }
}

static void segment_emit(struct plan *p, struct plan_table *t)
{
    size_t counts[4] = {0};
    for (uint32_t id = t->scratch.first; id != 0; id = p->entries[id].next) {
        counts[p->entries[id].state]++;
    }
    emit_kind(p, t, ENTRY_DELETE, counts[ENTRY_DELETE]);
    if (counts[ENTRY_UPDATE] > 0) {
        emit_updates(p, t, counts[ENTRY_UPDATE]);
    }
    emit_kind(p, t, ENTRY_INSERT, counts[ENTRY_INSERT]);
    segment_reset(p, t);
}

/* --- changes --------------------------------------------------------------------------------------- */

/* neu with its unchanged columns taken from before. */
static const struct str *merge(struct plan *p, const struct plan_table *t,
                               const struct str *before, const struct str *neu)
{
    if (before == NULL || plan_complete(t, neu)) {
        return neu;
    }
    struct str *row = arena_alloc(p->arena, t->column_count * sizeof *row);
    for (size_t i = 0; i < t->column_count; i++) {
        row[i] = plan_is_unchanged(neu[i]) ? before[i] : neu[i];
    }
    return row;
}

static void key_insert(struct plan *p, struct plan_table *t, const struct str *neu)
{
    uint32_t id = entry_find(p, t, neu);
    struct plan_entry *en = id != 0 ? &p->entries[id] : NULL;
    if (en != NULL && (en->state == ENTRY_DELETE || en->state == ENTRY_NOTHING)) {
        en->state = en->state == ENTRY_DELETE ? ENTRY_UPDATE : ENTRY_INSERT;
        en->neu = neu;
        return;
    }
    if (en != NULL) {
        segment_emit(p, t);
    }
    entry_add(p, t, ENTRY_INSERT, neu, neu);
}

static void key_delete(struct plan *p, struct plan_table *t, const struct str *old)
{
    uint32_t id = entry_find(p, t, old);
    struct plan_entry *en = id != 0 ? &p->entries[id] : NULL;
    if (en != NULL && (en->state == ENTRY_INSERT || en->state == ENTRY_UPDATE)) {
        en->state = en->state == ENTRY_INSERT ? ENTRY_NOTHING : ENTRY_DELETE;
        en->neu = NULL;
        return;
    }
    if (en != NULL) {
        segment_emit(p, t);
    }
    entry_add(p, t, ENTRY_DELETE, old, NULL);
}

static void key_update(struct plan *p, struct plan_table *t, const struct str *neu)
{
    uint32_t id = entry_find(p, t, neu);
    struct plan_entry *en = id != 0 ? &p->entries[id] : NULL;
    if (en != NULL && (en->state == ENTRY_INSERT || en->state == ENTRY_UPDATE)) {
        en->neu = merge(p, t, en->neu, neu);
        return;
    }
    if (en != NULL) {
        segment_emit(p, t);
    }
    entry_add(p, t, ENTRY_UPDATE, neu, neu);
}

static void key_move(struct plan *p, struct plan_table *t, const struct str *old,
                     const struct str *neu)
{
    uint32_t id = entry_find(p, t, old);
    const struct str *row = merge(p, t, id != 0 ? p->entries[id].neu : NULL, neu);
    if (plan_complete(t, row)) {
        key_delete(p, t, old);
        key_insert(p, t, row);
        return;
    }
    segment_emit(p, t);
    struct plan_step *s = step_add(p, PLAN_MOVE, t, 1);
    s->rows[s->count++] = (struct plan_row){old, row};
}

static void row_step(struct plan *p, struct plan_table *t, enum plan_kind kind,
                     const struct str *old, const struct str *neu)
{
    segment_emit(p, t);
    struct plan_step *s = step_add(p, kind, t, 1);
    s->rows[s->count++] = (struct plan_row){old, neu};
}

void plan_change(struct plan *p, struct plan_table *t, enum plan_op op, const struct str *old,
                 const struct str *neu)
{
    table_enter(p, t);
    if (t->mode == PLAN_APPEND || (t->mode == PLAN_BY_ROW && op == PLAN_OP_INSERT)) {
        entry_add(p, t, ENTRY_INSERT, neu, neu);
    } else if (t->mode == PLAN_BY_ROW) {
        row_step(p, t, op == PLAN_OP_DELETE ? PLAN_DELETE_ROW : PLAN_UPDATE_ROW, old, neu);
    } else if (op == PLAN_OP_INSERT) {
        key_insert(p, t, neu);
    } else if (op == PLAN_OP_DELETE) {
        key_delete(p, t, old);
    } else if (old == NULL || plan_same_key(t, old, neu)) {
        key_update(p, t, neu);
    } else {
        key_move(p, t, old, neu);
    }
}

void plan_truncate(struct plan *p, struct plan_table **tables, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        table_enter(p, tables[i]);
        segment_reset(p, tables[i]);
    }
    struct plan_step *s = step_add(p, PLAN_TRUNCATE, NULL, 0);
    s->tables = tables;
    s->table_count = count;
}

void plan_finish(struct plan *p)
{
    for (size_t i = 0; i < p->table_count; i++) {
        segment_emit(p, p->tables[i]);
        p->tables[i]->scratch.plan = NULL;
        p->tables[i]->scratch.segment = 0;
    }
}
