/* Fuzz target (libFuzzer): any bytes as a pgoutput message, read to the end by whoever reads them: the
 * columns of a relation, the values of a row, the tables of a truncate, a row against a relation of the
 * same input. Input: length of the first message (two bytes), first message, second message. */
#include "base/arena.h"
#include "consumer/plan.h"
#include "consumer/relation.h"
#include "consumer/sink.h"
#include "consumer/start.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A relation knows its sinks only to count them. */
struct sink *sink_new(const struct relation *r, const struct mirror *m)
{
    UNUSED(r);
    UNUSED(m);
    return NULL;
}

void sink_free(struct sink *s)
{
    UNUSED(s);
}

void start_free(struct start *s)
{
    UNUSED(s);
}

static size_t sum; /* so that no read is left out */

static void touch(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        sum += (uint8_t)s.p[i];
    }
}

static void tuple(const struct pgoutput_tuple *t)
{
    struct rd rd = t->data;
    struct pgoutput_value v;
    while (t->present && pgoutput_tuple_next(&rd, &v)) {
        ASSERT(v.kind == PGOUTPUT_TEXT || v.text.n == 0);
        touch(v.text);
    }
}

static void change(const struct pgoutput_msg *m, const struct relations *known)
{
    tuple(&m->u.change.old);
    tuple(&m->u.change.neu);
    struct relation *r = relations_find((struct relations *)(uintptr_t)known, m->u.change.oid);
    struct arena a = {0};
    if (r != NULL) {
        const struct pgoutput_tuple *both[] = {&m->u.change.old, &m->u.change.neu};
        for (size_t i = 0; i < ARRAY_LEN(both); i++) {
            struct str *row = both[i]->present ? relation_row(r, both[i], &a) : NULL;
            for (size_t k = 0; row != NULL && k < r->column_count; k++) {
                touch(plan_is_unchanged(row[k]) ? STR_NULL : row[k]);
            }
        }
    }
    arena_fini(&a);
}

static void message(struct str msg, struct relations *known)
{
    struct pgoutput_msg m;
    static const struct mirrors none;
    bool changed;
    if (pgoutput_parse(msg, &m, NULL) != 0) {
        return;
    }
    switch (m.type) {
    case PGOUTPUT_RELATION: {
        struct pgoutput_column c;
        size_t n = 0;
        struct rd rd = m.u.relation.columns;
        while (pgoutput_column_next(&rd, &c)) {
            touch(c.name);
            n++;
        }
        ASSERT(n == m.u.relation.column_count);
        (void)!relations_take(known, msg, &none, &changed, NULL);
        break;
    }
    case PGOUTPUT_INSERT:
    case PGOUTPUT_UPDATE:
    case PGOUTPUT_DELETE: change(&m, known); break;
    case PGOUTPUT_TRUNCATE:
        while (rd_left(&m.u.truncate.oids) > 0) {
            sum += rd_u32(&m.u.truncate.oids);
        }
        break;
    case PGOUTPUT_MESSAGE:
        touch(m.u.message.prefix);
        touch(m.u.message.content);
        break;
    default: break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct relations known = {0};
    if (size >= 2) {
        size_t n = (size_t)data[0] << 8 | data[1];
        n = n < size - 2 ? n : size - 2;
        message((struct str){(const char *)data + 2, n}, &known);
        message((struct str){(const char *)data + 2 + n, size - 2 - n}, &known);
    }
    relations_reset(&known);
    return 0;
}
