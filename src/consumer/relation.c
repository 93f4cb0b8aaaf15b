/* relation.c - see relation.h. */
#include "consumer/relation.h"

#include "base/arena.h"
#include "consumer/plan.h"
#include "consumer/sink.h"
#include "consumer/start.h"

#include <stdio.h>
#include <stdlib.h>

static void relation_free(struct relation *r)
{
    for (size_t i = 0; i < r->sink_count; i++) {
        sink_free(r->sinks[i]);
    }
    for (size_t i = 0; i < r->column_count; i++) {
        free(r->columns[i].name);
    }
    free(r->sinks);
    free(r->columns);
    free(r->label);
    free(r->schema);
    free(r->name);
    start_free(r->start);
    buf_fini(&r->msg);
    free(r);
}

static void add_sink(struct relation *r, const struct mirror *m)
{
    r->sinks = def_realloc(r->sinks, (r->sink_count + 1) * sizeof(struct sink *));
    r->sinks[r->sink_count++] = sink_new(r, m);
}

static struct relation *relation_new(const struct pgoutput_msg *m, struct str msg)
{
    struct relation *r = def_zalloc(1, sizeof *r);
    r->oid = m->u.relation.oid;
    struct str schema = m->u.relation.schema.n > 0 ? m->u.relation.schema : STR("pg_catalog");
    r->schema = def_strndup(schema.p, schema.n);
    r->name = def_strndup(m->u.relation.name.p, m->u.relation.name.n);
    size_t size = schema.n + m->u.relation.name.n + 2;
    r->label = def_alloc(size);
    snprintf(r->label, size, "%s.%s", r->schema, r->name);
    r->identity = m->u.relation.replica_identity;
    r->columns = def_zalloc(m->u.relation.column_count, sizeof *r->columns);
    struct rd columns = m->u.relation.columns;
    struct pgoutput_column c;
    while (r->column_count < m->u.relation.column_count && pgoutput_column_next(&columns, &c)) {
        r->columns[r->column_count++] = (struct relation_column){
            def_strndup(c.name.p, c.name.n), c.key, c.type_oid, c.type_mod};
    }
    buf_addstr(&r->msg, msg);
    return r;
}

static void feed_mirrors(struct relation *r, const struct mirrors *mirrors)
{
    if (mirrors->all) {
        struct mirror whole = {.source_schema = r->schema,
                               .source_name = r->name,
                               .target_schema = r->schema,
                               .target_name = r->name};
        add_sink(r, &whole);
    }
    for (size_t i = 0; i < mirrors->count; i++) {
        const struct mirror *m = &mirrors->items[i];
        if (strcmp(m->source_schema, r->schema) == 0 && strcmp(m->source_name, r->name) == 0) {
            add_sink(r, m);
        }
    }
}

struct relation *relations_find(struct relations *rs, uint32_t oid)
{
    if (rs->newest != NULL && rs->newest->oid == oid && !rs->newest->retired) {
        return rs->newest;
    }
    for (size_t i = 0; i < rs->count; i++) {
        if (rs->items[i]->oid == oid && !rs->items[i]->retired) {
            rs->newest = rs->items[i];
            return rs->newest;
        }
    }
    return NULL;
}

struct relation *relations_find_at(const struct relations *rs, uint32_t oid, uint32_t shape)
{
    for (size_t i = rs->count; i > 0; i--) { /* the newest come last */
        if (rs->items[i - 1]->oid == oid && rs->items[i - 1]->since <= shape) {
            return rs->items[i - 1];
        }
    }
    return NULL;
}

int relations_take(struct relations *rs, struct str msg, const struct mirrors *mirrors,
                   bool *changed, struct err *e)
{
    *changed = false;
    struct pgoutput_msg m;
    int rc = pgoutput_parse(msg, &m, e);
    if (rc != 0) {
        return rc;
    }
    struct relation *old = relations_find(rs, m.u.relation.oid);
    if (old != NULL && str_eq(buf_str(&old->msg), msg)) {
        return 0;
    }
    if (old != NULL) {
        old->retired = true;
        rs->any_retired = true;
        *changed = true;
    }
    if (rs->count == rs->cap) {
        rs->cap = rs->cap > 0 ? rs->cap * 2 : 16;
        rs->items = def_realloc(rs->items, rs->cap * sizeof(struct relation *));
    }
    rs->shape += *changed;
    struct relation *r = relation_new(&m, msg);
    r->since = rs->shape;
    feed_mirrors(r, mirrors);
    rs->items[rs->count++] = r;
    rs->newest = r;
    return 0;
}

void relations_collect(struct relations *rs)
{
    if (!rs->any_retired) {
        return;
    }
    size_t kept = 0;
    for (size_t i = 0; i < rs->count; i++) {
        if (rs->items[i]->retired) {
            relation_free(rs->items[i]);
        } else {
            rs->items[kept++] = rs->items[i];
        }
    }
    rs->count = kept;
    rs->newest = NULL;
    rs->any_retired = false;
}

void relations_reset(struct relations *rs)
{
    for (size_t i = 0; i < rs->count; i++) {
        relation_free(rs->items[i]);
    }
    free(rs->items);
    *rs = (struct relations){0};
}

struct str *relation_row(const struct relation *r, const struct pgoutput_tuple *t,
                         struct arena *a)
{
    struct str *row = arena_alloc(a, (r->column_count > 0 ? r->column_count : 1) * sizeof *row);
    struct rd data = t->data;
    struct pgoutput_value v;
    for (size_t i = 0; i < r->column_count; i++) {
        if (!pgoutput_tuple_next(&data, &v)) {
            row[i] = STR_NULL;
        } else if (v.kind == PGOUTPUT_UNCHANGED) {
            row[i] = (struct str){plan_unchanged, 0};
        } else {
            row[i] = v.text;
        }
    }
    return row;
}
