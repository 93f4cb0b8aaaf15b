/* mirror.c - see mirror.h. */
#include "consumer/mirror.h"

#include <stdlib.h>

static int split_name(const char *text, char **schema, char **name, struct err *e)
{
    const char *dot = strchr(text, '.');
    if (dot == NULL || dot == text || dot[1] == '\0') {
        return err_set(e, ERR_INVALID, "consumer.mirrors: \"%s\" is not schema.name", text);
    }
    *schema = def_strndup(text, (size_t)(dot - text));
    *name = def_strdup(dot + 1);
    return 0;
}

static bool known_pseudo(const char *name)
{
    static const char *const names[] = {"$position", "$op",   "$commit_time",
                                        "$row",      "$type", "$data"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static int add_column(struct mirror *m, const char *p, size_t n, struct err *e)
{
    const char *eq = memchr(p, '=', n);
    size_t left = eq != NULL ? (size_t)(eq - p) : n;
    struct mirror_column c = {def_strndup(p, left), eq != NULL
                                                        ? def_strndup(eq + 1, n - left - 1)
                                                        : def_strndup(p, n)};
    m->columns = def_realloc(m->columns, (m->column_count + 1) * sizeof *m->columns);
    m->columns[m->column_count++] = c;
    if (c.source[0] == '\0' || c.target[0] == '\0' ||
        (c.source[0] == '$' && (!known_pseudo(c.source) || eq == NULL))) {
        return err_set(e, ERR_INVALID, "consumer.mirrors: %s.%s: \"%.*s\" is no column",
                       m->source_schema, m->source_name, (int)n, p);
    }
    return 0;
}

int mirror_fill(struct mirror *m, const char *source, const char *target, bool append,
                const char *columns, struct err *e)
{
    *m = (struct mirror){.append = append};
    int rc = split_name(source, &m->source_schema, &m->source_name, e);
    if (rc == 0) {
        rc = split_name(target[0] != '\0' ? target : source, &m->target_schema, &m->target_name,
                        e);
    }
    const char *p = columns;
    while (rc == 0 && *(p += strspn(p, " ,\t\n")) != '\0') {
        size_t n = strcspn(p, " ,\t\n");
        rc = add_column(m, p, n, e);
        p += n;
    }
    return rc;
}

void mirror_clear(struct mirror *m)
{
    for (size_t i = 0; i < m->column_count; i++) {
        free(m->columns[i].source);
        free(m->columns[i].target);
    }
    free(m->columns);
    free(m->source_schema);
    free(m->source_name);
    free(m->target_schema);
    free(m->target_name);
    *m = (struct mirror){0};
}

/* Rows of two tables in one target would be taken for extra ones of each other; changes may stand together. */
static int check_target(const struct mirrors *m, size_t last, struct err *e)
{
    const struct mirror *b = &m->items[last];
    for (size_t i = 0; i < last; i++) {
        const struct mirror *a = &m->items[i];
        if ((!a->append || !b->append) && strcmp(a->target_schema, b->target_schema) == 0 &&
            strcmp(a->target_name, b->target_name) == 0) {
            return err_set(e, ERR_INVALID,
                           "consumer.mirrors: %s.%s is the target of two mirrors, and not both "
                           "are of kind append",
                           b->target_schema, b->target_name);
        }
    }
    return 0;
}

int mirrors_load(struct mirrors *m, const struct consumer_conf *conf, struct err *e)
{
    const struct consumer_mirror *rows = conf->mirrors.items;
    *m = (struct mirrors){.all = conf->mirrors.count == 0};
    m->items = def_zalloc(conf->mirrors.count, sizeof *m->items);
    for (size_t i = 0; i < conf->mirrors.count; i++) {
        m->count++;
        int rc = mirror_fill(&m->items[i], rows[i].source, rows[i].target,
                             strcmp(rows[i].kind, "append") == 0, rows[i].columns, e);
        rc = rc == 0 ? check_target(m, i, e) : rc;
        if (rc != 0) {
            mirrors_free(m);
            return rc;
        }
    }
    return 0;
}

void mirrors_free(struct mirrors *m)
{
    for (size_t i = 0; i < m->count; i++) {
        mirror_clear(&m->items[i]);
    }
    free(m->items);
    *m = (struct mirrors){0};
}
