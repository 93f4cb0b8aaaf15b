/* reshape.c - see reshape.h. */
#include "consumer/reshape.h"
#include "pg/ident.h"

#include <stdio.h>
#include <stdlib.h>

/* A column of the replica's table while the steps are made: `num` is the primary's number, 0 for one that is the
 * replica's own. */
struct slot {
    const struct layout_column *here;
    const char *name;
    int num;
    bool gone;
};

struct work {
    struct reshape *out;
    const struct reshape_input *in;
    struct slot *slots;
    size_t slot_count;
    struct buf target; /* quoted */
    struct buf sql;
};

static void step_done(struct work *w)
{
    struct reshape *r = w->out;
    if (r->count == r->cap) {
        size_t cap = r->cap > 0 ? r->cap * 2 : 8;
        const char **more = arena_alloc(r->arena, cap * sizeof *more);
        memcpy(more, r->sql != NULL ? r->sql : more, r->count * sizeof *more);
        r->sql = more;
        r->cap = cap;
    }
    struct str text = {buf_cstr(&w->sql), w->sql.len + 1};
    r->sql[r->count++] = arena_copy(r->arena, text).p;
    buf_reset(&w->sql);
}

static void add(struct work *w, const char *text)
{
    buf_adds(&w->sql, text);
}

static void add_name(struct work *w, const char *name)
{
    ident_quote(&w->sql, name);
}

static void add_literal(struct work *w, const char *text)
{
    add(w, "'");
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '\'') {
            add(w, "'");
        }
        buf_u8(&w->sql, (uint8_t)*p);
    }
    add(w, "'");
}

static void alter(struct work *w, const char *text)
{
    add(w, "ALTER TABLE ");
    buf_addstr(&w->sql, buf_str(&w->target));
    add(w, text);
}

static void alter_column(struct work *w, const char *name, const char *text)
{
    alter(w, " ALTER COLUMN ");
    add_name(w, name);
    add(w, text);
}

/* The first reason stands. */
static void refuse(struct work *w, const char *format, const char *what)
{
    if (w->out->reason[0] == '\0') {
        char text[RESHAPE_REASON_MAX];
        snprintf(text, sizeof text, "%s", format);
        char *mark = strstr(text, "%s");
        if (mark == NULL) {
            snprintf(w->out->reason, sizeof w->out->reason, "%s", text);
            return;
        }
        *mark = '\0';
        snprintf(w->out->reason, sizeof w->out->reason, "%s%s%s", text, what, mark + 2);
    }
}

static void set_target(struct work *w, const char *schema, const char *name)
{
    buf_reset(&w->target);
    ident_quote(&w->target, schema);
    buf_u8(&w->target, '.');
    ident_quote(&w->target, name);
}

static bool same_text(const char *a, const char *b)
{
    return (a == NULL) == (b == NULL) && (a == NULL || strcmp(a, b) == 0);
}

static bool same_numbers(const int *a, size_t an, const int *b, size_t bn)
{
    return an == bn && (an == 0 || memcmp(a, b, an * sizeof *a) == 0);
}

static bool in_list(const char *const *list, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i], text) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_number(const int *list, size_t count, int num)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i] == num) {
            return true;
        }
    }
    return false;
}

/* ---- types ------------------------------------------------------------------------------------- */

enum {
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_TEXT = 25,
    OID_FLOAT4 = 700,
    OID_FLOAT8 = 701,
    OID_VARCHAR = 1043,
    OID_VARBIT = 1562,
    OID_NUMERIC = 1700,
};

/* The same type with a longer bound; a bound of -1 is none. numeric holds precision and scale in one. */
static bool longer(uint32_t oid, int32_t from, int32_t to)
{
    enum { HEADER = 4, SCALE_MASK = 0x7ff };
    if (to == -1) {
        return true;
    }
    if (from == -1) {
        return false;
    }
    if (oid == OID_NUMERIC) {
        int32_t p1 = (from - HEADER) >> 16;
        int32_t p2 = (to - HEADER) >> 16;
        return ((from - HEADER) & SCALE_MASK) == ((to - HEADER) & SCALE_MASK) && p2 >= p1;
    }
    return (oid == OID_VARCHAR || oid == OID_VARBIT) && to >= from;
}

bool reshape_widens(const struct layout_column *from, const struct layout_column *to)
{
    static const struct {
        uint32_t from, to;
    } pairs[] = {
        {OID_INT2, OID_INT4},     {OID_INT2, OID_INT8},    {OID_INT4, OID_INT8},
        {OID_INT2, OID_NUMERIC},  {OID_INT4, OID_NUMERIC}, {OID_INT8, OID_NUMERIC},
        {OID_FLOAT4, OID_FLOAT8}, {OID_INT2, OID_FLOAT8},  {OID_INT4, OID_FLOAT8},
        {OID_VARCHAR, OID_TEXT},  {OID_INT2, OID_TEXT},    {OID_INT4, OID_TEXT},
        {OID_INT8, OID_TEXT},
    };
    if (from->type_oid == to->type_oid) {
        return strcmp(from->type, to->type) == 0 || longer(to->type_oid, from->mod, to->mod);
    }
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        if (pairs[i].from == from->type_oid && pairs[i].to == to->type_oid) {
            return to->mod == -1;
        }
    }
    return from->type_oid == OID_TEXT && to->type_oid == OID_VARCHAR && to->mod == -1;
}

static void add_type(struct work *w, const struct layout_column *c)
{
    add(w, c->type);
    if (c->collation != NULL) {
        add(w, " COLLATE ");
        add(w, c->collation);
    }
}

/* ---- a table that is not there ------------------------------------------------------------------- */

static void add_key(struct work *w, const int *key, size_t count)
{
    add(w, "(");
    for (size_t i = 0; i < count; i++) {
        const struct layout_column *c = layout_column_by_num(w->in->now, key[i]);
        add(w, i > 0 ? ", " : "");
        add_name(w, c != NULL ? c->name : "");
    }
    add(w, ")");
}

static void grant(struct work *w, const char *role)
{
    add(w, "GRANT SELECT ON ");
    buf_addstr(&w->sql, buf_str(&w->target));
    add(w, " TO ");
    add_name(w, role);
    step_done(w);
}

static void make_schema(struct work *w)
{
    if (w->in->schema_exists) {
        return;
    }
    add(w, "CREATE SCHEMA ");
    add_name(w, w->in->schema);
    step_done(w);
    for (size_t i = 0; i < w->in->now->reader_count; i++) {
        if (in_list(w->in->roles, w->in->role_count, w->in->now->readers[i])) {
            add(w, "GRANT USAGE ON SCHEMA ");
            add_name(w, w->in->schema);
            add(w, " TO ");
            add_name(w, w->in->now->readers[i]);
            step_done(w);
        }
    }
}

static void identity_index(struct work *w)
{
    const struct layout *now = w->in->now;
    for (size_t i = 0; i < now->identity_key_count; i++) {
        const struct layout_column *c = layout_column_by_num(now, now->identity_key[i]);
        alter_column(w, c != NULL ? c->name : "", " SET NOT NULL");
        step_done(w);
    }
    add(w, "CREATE UNIQUE INDEX ON ");
    buf_addstr(&w->sql, buf_str(&w->target));
    add(w, " ");
    add_key(w, now->identity_key, now->identity_key_count);
    step_done(w);
}

static void make_table(struct work *w)
{
    const struct layout *now = w->in->now;
    make_schema(w);
    set_target(w, w->in->schema, w->in->name);
    add(w, "CREATE TABLE ");
    buf_addstr(&w->sql, buf_str(&w->target));
    add(w, " (");
    const char *comma = "";
    for (size_t i = 0; i < now->column_count; i++) {
        const struct layout_column *c = &now->columns[i];
        if (!layout_mirrors(c)) {
            continue;
        }
        add(w, comma);
        comma = ", ";
        add_name(w, c->name);
        add(w, " ");
        add_type(w, c);
        if (c->generated != NULL) {
            buf_addf(&w->sql, " GENERATED ALWAYS AS (%s) STORED", c->generated);
        }
    }
    if (now->key_count > 0) {
        buf_addf(&w->sql, "%sPRIMARY KEY ", comma);
        add_key(w, now->key, now->key_count);
    }
    add(w, ")");
    step_done(w);
    if (now->identity == 'i') {
        identity_index(w);
    }
    for (size_t i = 0; i < now->reader_count; i++) {
        if (in_list(w->in->roles, w->in->role_count, now->readers[i])) {
            grant(w, now->readers[i]);
        }
    }
    w->out->always = w->out->count;
    if (w->in->was != NULL || w->in->told->filled) {
        refuse(w, "the table is new here, its rows have to be copied", "");
    }
}

/* ---- a table that is ------------------------------------------------------------------------------ */

static void rename_table(struct work *w)
{
    const struct reshape_input *in = w->in;
    set_target(w, in->here->schema, in->here->name);
    if (strcmp(in->here->schema, in->schema) != 0) {
        make_schema(w);
        alter(w, " SET SCHEMA ");
        add_name(w, in->schema);
        step_done(w);
        set_target(w, in->schema, in->here->name);
    }
    if (strcmp(in->here->name, in->name) != 0) {
        alter(w, " RENAME TO ");
        add_name(w, in->name);
        step_done(w);
    }
    set_target(w, in->schema, in->name);
    w->out->always = w->out->count;
}

static void map_columns(struct work *w)
{
    const struct layout *here = w->in->here;
    w->slots = arena_zalloc(w->out->arena, (here->column_count + 1) * sizeof *w->slots);
    w->slot_count = here->column_count;
    for (size_t i = 0; i < here->column_count; i++) {
        struct slot *s = &w->slots[i];
        s->here = &here->columns[i];
        s->name = s->here->name;
        const struct layout_column *c = layout_column_by_name(w->in->was, s->name);
        const struct layout_column *n = layout_column_by_name(w->in->now, s->name);
        if (c == NULL && n != NULL) {
            c = n; /* there already */
        }
        s->num = c != NULL ? c->num : 0;
    }
}

static struct slot *slot_of(struct work *w, int num)
{
    for (size_t i = 0; i < w->slot_count; i++) {
        if (!w->slots[i].gone && w->slots[i].num == num) {
            return &w->slots[i];
        }
    }
    return NULL;
}

static bool name_taken(struct work *w, const char *name)
{
    for (size_t i = 0; i < w->slot_count; i++) {
        if (!w->slots[i].gone && strcmp(w->slots[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool key_changes(const struct work *w)
{
    const struct layout *was = w->in->was;
    const struct layout *now = w->in->now;
    return was != NULL && !same_numbers(was->key, was->key_count, now->key, now->key_count);
}

/* The replica's primary key, in the primary's column numbers, is the new one already. */
static bool key_is_there(const struct work *w)
{
    const struct layout *here = w->in->here;
    const struct layout *now = w->in->now;
    if (here->key_count != now->key_count) {
        return false;
    }
    for (size_t i = 0; i < here->key_count; i++) {
        const struct layout_column *c = layout_column_by_num(here, here->key[i]);
        bool same = false;
        for (size_t k = 0; c != NULL && k < w->slot_count; k++) {
            same = same || (w->slots[k].here == c && w->slots[k].num == now->key[i]);
        }
        if (!same) {
            return false;
        }
    }
    return true;
}

static bool identity_changes(const struct work *w)
{
    const struct layout *was = w->in->was;
    const struct layout *now = w->in->now;
    return was != NULL && (was->identity == 'i' || now->identity == 'i') &&
           (was->identity != now->identity ||
            !same_numbers(was->identity_key, was->identity_key_count, now->identity_key,
                          now->identity_key_count));
}

static void drop_keys(struct work *w)
{
    if (key_changes(w) && !key_is_there(w) && w->in->here->key_name != NULL) {
        alter(w, " DROP CONSTRAINT ");
        add_name(w, w->in->here->key_name);
        step_done(w);
    }
    for (size_t i = 0; identity_changes(w) && i < w->in->here->unique_count; i++) {
        add(w, "DROP INDEX IF EXISTS ");
        add_name(w, w->in->schema);
        add(w, ".");
        add_name(w, w->in->here->uniques[i]);
        step_done(w);
    }
}

/* A column that the primary has no more, or does not send any more. A generated one goes first: it may read the other. */
static void drop_columns(struct work *w)
{
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < w->slot_count; i++) {
            struct slot *s = &w->slots[i];
            const struct layout_column *c = layout_column_by_num(w->in->now, s->num);
            if (s->num == 0 || s->gone || (c != NULL && layout_mirrors(c)) ||
                (s->here->generated == NULL) == (pass == 0)) {
                continue;
            }
            alter(w, " DROP COLUMN ");
            add_name(w, s->name);
            step_done(w);
            s->gone = true;
        }
    }
}

static void rename_slot(struct work *w, struct slot *s, const char *name)
{
    alter(w, " RENAME COLUMN ");
    add_name(w, s->name);
    add(w, " TO ");
    add_name(w, name);
    step_done(w);
    s->name = name;
}

/* Names may go round in a circle: then one column steps aside. */
static void rename_columns(struct work *w)
{
    for (;;) {
        struct slot *waiting = NULL;
        bool moved = false;
        for (size_t i = 0; i < w->slot_count; i++) {
            struct slot *s = &w->slots[i];
            const struct layout_column *c = layout_column_by_num(w->in->now, s->num);
            if (s->gone || c == NULL || strcmp(c->name, s->name) == 0) {
                continue;
            }
            if (name_taken(w, c->name)) {
                waiting = s;
                continue;
            }
            rename_slot(w, s, c->name);
            moved = true;
        }
        if (waiting == NULL) {
            return;
        }
        if (!moved) {
            char *aside = arena_alloc(w->out->arena, 32);
            snprintf(aside, 32, "parkway aside %d", waiting->num);
            rename_slot(w, waiting, aside);
        }
    }
}

static void change_type(struct work *w, const struct layout_column *was,
                        const struct layout_column *now, const struct slot *s)
{
    const struct layout_notice *told = w->in->told;
    bool differs =
        strcmp(was->type, now->type) != 0 || !same_text(was->collation, now->collation);
    bool there =
        strcmp(s->here->type, now->type) == 0 && same_text(s->here->collation, now->collation);
    bool rewritten = (told->rewrite & LAYOUT_REWRITE_COLUMN) != 0;
    if (!differs || there) {
        return;
    }
    bool empty = rewritten && !told->filled;
    if (rewritten && !empty && !(told->plain && reshape_widens(was, now))) {
        refuse(w, "column \"%s\" has another type and its values were converted on the primary",
               now->name);
        return;
    }
    alter_column(w, now->name, " TYPE ");
    add_type(w, now);
    if (empty) {
        add(w, " USING NULL::");
        add(w, now->type);
    }
    step_done(w);
}

static void change_columns(struct work *w)
{
    for (size_t i = 0; i < w->in->now->column_count; i++) {
        const struct layout_column *now = &w->in->now->columns[i];
        const struct layout_column *was = layout_column_by_num(w->in->was, now->num);
        struct slot *s = slot_of(w, now->num);
        if (was == NULL || s == NULL || !layout_mirrors(now)) {
            continue;
        }
        if (now->generated == NULL && s->here->generated != NULL && was->generated != NULL) {
            alter_column(w, now->name, " DROP EXPRESSION");
            step_done(w);
        }
        change_type(w, was, now, s);
        bool keyed = has_number(w->in->now->key, w->in->now->key_count, now->num);
        if (was->not_null && !now->not_null && s->here->not_null && !keyed) {
            alter_column(w, now->name, " DROP NOT NULL");
            step_done(w);
        }
    }
}

/* What rows from before the column have: *value is SQL, or NULL for NULL. False: nobody here can know. */
static bool old_value(struct work *w, const struct layout_column *c, bool *literal,
                      const char **value)
{
    const struct layout_notice *told = w->in->told;
    bool empty = told->rewrite != 0 && !told->filled;
    if (empty || c->generated != NULL) {
        return true;
    }
    if (w->in->was == NULL) {
        return !told->filled;
    }
    if (layout_column_by_num(w->in->was, c->num) != NULL) {
        return false; /* it was there, but not published, or lost here */
    }
    *literal = c->missing != NULL;
    *value = c->missing;
    if (c->missing != NULL || told->rewrite == 0) {
        return true;
    }
    *value = c->def;
    bool computed = (c->def != NULL && !c->constant) || c->identity != '\0' ||
                    (c->def == NULL && c->type_oid >= 16384);
    return !computed;
}

static void add_columns(struct work *w)
{
    for (size_t i = 0; i < w->in->now->column_count; i++) {
        const struct layout_column *c = &w->in->now->columns[i];
        bool literal = false;
        const char *value = NULL;
        if (!layout_mirrors(c) || slot_of(w, c->num) != NULL) {
            continue;
        }
        if (!old_value(w, c, &literal, &value)) {
            refuse(w, "column \"%s\" is new and its values were computed on the primary",
                   c->name);
            continue;
        }
        alter(w, " ADD COLUMN ");
        add_name(w, c->name);
        add(w, " ");
        add_type(w, c);
        if (c->generated != NULL) {
            buf_addf(&w->sql, " GENERATED ALWAYS AS (%s) STORED", c->generated);
        } else if (value != NULL) {
            add(w, " DEFAULT ");
            if (literal) {
                add_literal(w, value);
            } else {
                add(w, value);
            }
        }
        step_done(w);
        if (value != NULL && c->generated == NULL) {
            alter_column(w, c->name, " DROP DEFAULT");
            step_done(w);
        }
    }
}

static void make_keys(struct work *w)
{
    if (key_changes(w) && !key_is_there(w) && w->in->now->key_count > 0) {
        alter(w, " ADD PRIMARY KEY ");
        add_key(w, w->in->now->key, w->in->now->key_count);
        step_done(w);
    }
    if (identity_changes(w) && w->in->now->identity == 'i') {
        identity_index(w);
    }
}

static void change_readers(struct work *w)
{
    const struct layout *was = w->in->was;
    const struct layout *now = w->in->now;
    const struct layout *here = w->in->here;
    for (size_t i = 0; i < now->reader_count; i++) {
        if (in_list(w->in->roles, w->in->role_count, now->readers[i]) &&
            !in_list(here->readers, here->reader_count, now->readers[i])) {
            grant(w, now->readers[i]);
        }
    }
    for (size_t i = 0; was != NULL && i < was->reader_count; i++) {
        if (!in_list(now->readers, now->reader_count, was->readers[i]) &&
            in_list(here->readers, here->reader_count, was->readers[i])) {
            add(w, "REVOKE SELECT ON ");
            buf_addstr(&w->sql, buf_str(&w->target));
            add(w, " FROM ");
            add_name(w, was->readers[i]);
            step_done(w);
        }
    }
}

/* Partitions that left took their rows along (their bounds speak of the columns' former names); what came with rows
 * brought them unseen. */
static void move_partitions(struct work *w)
{
    const struct layout_notice *told = w->in->told;
    for (size_t i = 0; i < told->gone_count; i++) {
        if (told->gone[i] == NULL) {
            refuse(w, "a hash partition left the table with its rows", "");
            continue;
        }
        add(w, "DELETE FROM ");
        buf_addstr(&w->sql, buf_str(&w->target));
        buf_addf(&w->sql, " WHERE %s", told->gone[i]);
        step_done(w);
    }
    if (told->joined) {
        refuse(w, "a partition joined the table with its rows", "");
    }
}

/* Rows computed anew without a trace in the shape: USING with the type that it had. */
static void look_for_computing(struct work *w)
{
    const struct layout_notice *told = w->in->told;
    if ((told->rewrite & LAYOUT_REWRITE_COLUMN) != 0 && told->filled && !told->plain) {
        refuse(w, "its rows were computed anew on the primary", "");
    }
    if (w->in->was != NULL && !same_text(w->in->was->filter, w->in->now->filter)) {
        refuse(w, "the publication's row filter is another one", "");
    }
}

void reshape_decide(struct reshape *out, const struct reshape_input *in, struct arena *a)
{
    *out = (struct reshape){.arena = a};
    struct work w = {.out = out, .in = in};
    if (in->here == NULL) {
        make_table(&w);
    } else {
        rename_table(&w);
        map_columns(&w);
        move_partitions(&w);
        drop_keys(&w);
        drop_columns(&w);
        rename_columns(&w);
        change_columns(&w);
        add_columns(&w);
        make_keys(&w);
        change_readers(&w);
        look_for_computing(&w);
    }
    buf_fini(&w.target);
    buf_fini(&w.sql);
}
