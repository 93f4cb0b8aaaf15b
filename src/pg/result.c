/* result.c - see result.h. All values stand in one buffer, each with a NUL behind it; a cell is the
 * place of its value there. */
#include "pg/result.h"

#include "pg/msg.h"

#include <stdlib.h>

struct cell {
    size_t at;
    size_t n; /* SIZE_MAX: SQL NULL */
};

struct result {
    struct buf values;
    struct cell *cells;
    size_t cell_count;
    size_t cell_cap;
    size_t columns;
    size_t rows;
    int64_t affected;
};

struct result *result_new(void)
{
    return def_zalloc(1, sizeof(struct result));
}

void result_free(struct result *r)
{
    if (r != NULL) {
        buf_fini(&r->values);
        free(r->cells);
        free(r);
    }
}

static void add_cell(struct result *r, struct str value)
{
    if (r->cell_count == r->cell_cap) {
        r->cell_cap = r->cell_cap == 0 ? 32 : r->cell_cap * 2;
        r->cells = def_realloc(r->cells, r->cell_cap * sizeof *r->cells);
    }
    r->cells[r->cell_count++] =
        (struct cell){r->values.len, value.p != NULL ? value.n : SIZE_MAX};
    if (value.p != NULL) {
        buf_addstr(&r->values, value);
        buf_u8(&r->values, 0);
    }
}

bool result_row(struct result *r, struct str data_row)
{
    struct msg_values values;
    if (!msg_values_open(data_row, &values)) {
        return false;
    }
    size_t columns = 0;
    struct str value;
    while (msg_values_next(&values, &value)) {
        add_cell(r, value);
        columns++;
    }
    if (values.rd.bad || (r->rows > 0 && columns != r->columns)) {
        return false;
    }
    r->columns = columns;
    r->rows++;
    return true;
}

/* The number that ends the tag: "INSERT 0 5", "UPDATE 2", "SELECT 3". */
void result_complete(struct result *r, struct str tag)
{
    size_t at = tag.n;
    while (at > 0 && tag.p[at - 1] >= '0' && tag.p[at - 1] <= '9') {
        at--;
    }
    r->affected = 0;
    for (; at < tag.n; at++) {
        r->affected = r->affected * 10 + (tag.p[at] - '0');
    }
}

size_t result_count(const struct result *r)
{
    return r->rows;
}

size_t result_columns(const struct result *r)
{
    return r->columns;
}

struct str result_get(const struct result *r, size_t row, size_t column)
{
    ASSERT(row < r->rows && column < r->columns);
    const struct cell *c = &r->cells[row * r->columns + column];
    return c->n == SIZE_MAX ? STR_NULL : (struct str){buf_data(&r->values) + c->at, c->n};
}

const char *result_text(const struct result *r, size_t row, size_t column)
{
    struct str s = result_get(r, row, column);
    return s.p != NULL ? s.p : "";
}

int64_t result_int(const struct result *r, size_t row, size_t column)
{
    return strtoll(result_text(r, row, column), NULL, 10);
}

int64_t result_affected(const struct result *r)
{
    return r->affected;
}
