/* view.c - see view.h. */
#include "consumer/view.h"

#include "base/buf.h"
#include "pg/ident.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

/* What the functions made of a definition look like: another form, and every view is built anew. */
static const char form[] = "1";

enum { FILE_MAX_BYTES = 1024 * 1024 };

/* "schema.name" as "schema"."name". */
static char *quoted_table(const char *label)
{
    const char *dot = strchr(label, '.');
    if (dot == NULL || dot == label || dot[1] == '\0') {
        return NULL;
    }
    struct buf b = BUF_INIT;
    char *schema = def_strndup(label, (size_t)(dot - label));
    ident_quote(&b, schema);
    buf_u8(&b, '.');
    ident_quote(&b, dot + 1);
    char *out = def_strdup(buf_cstr(&b));
    free(schema);
    buf_fini(&b);
    return out;
}

/* The next blank-separated word of *p as a new text; NULL at the end. */
static char *word(const char **p)
{
    *p += strspn(*p, " ,\t\n");
    size_t n = strcspn(*p, " ,\t\n");
    char *out = n > 0 ? def_strndup(*p, n) : NULL;
    *p += n;
    return out;
}

/* Without what would end it too early: blanks and semicolons behind it. */
static char *trimmed(const char *text)
{
    size_t n = strlen(text);
    while (n > 0 && (isspace((unsigned char)text[n - 1]) || text[n - 1] == ';')) {
        n--;
    }
    return def_strndup(text, n);
}

/* ---- its parts ------------------------------------------------------------------------------ */

static int load_key(struct view *v, const char *text, struct err *e)
{
    for (char *name; (name = word(&text)) != NULL;) {
        if (v->key_count == VIEW_KEYS_MAX) {
            free(name);
            return err_set(e, ERR_INVALID, "view %s: the key has more than %d columns",
                           v->label, VIEW_KEYS_MAX);
        }
        v->keys[v->key_count++] = name;
    }
    return v->key_count > 0 ? 0 : err_set(e, ERR_INVALID, "view %s: no key", v->label);
}

static int load_source(struct view *v, const struct consumer_view_source *c, struct err *e)
{
    struct view_source *s = &v->sources[v->source_count++];
    s->label = def_strdup(c->table);
    s->table = quoted_table(c->table);
    if (s->table == NULL) {
        return err_set(e, ERR_INVALID, "view %s: source \"%s\" is not schema.name", v->label,
                       c->table);
    }
    for (size_t i = 0; i + 1 < v->source_count; i++) {
        if (strcmp(v->sources[i].label, s->label) == 0) {
            return err_set(e, ERR_INVALID, "view %s: source %s stands there twice", v->label,
                           s->label);
        }
    }
    if ((c->columns[0] != '\0') == (c->query[0] != '\0')) {
        return err_set(e, ERR_INVALID, "view %s: source %s needs either columns or a query",
                       v->label, s->label);
    }
    if (c->query[0] != '\0') {
        s->query = trimmed(c->query);
        return 0;
    }
    s->columns = def_zalloc(VIEW_KEYS_MAX + 1, sizeof *s->columns);
    size_t count = 0;
    const char *p = c->columns;
    for (char *name; (name = word(&p)) != NULL; free(name)) {
        struct buf b = BUF_INIT;
        ident_quote(&b, name);
        if (count <= VIEW_KEYS_MAX) {
            s->columns[count] = def_strdup(buf_cstr(&b));
        }
        count++;
        buf_fini(&b);
    }
    return count == v->key_count
               ? 0
               : err_set(e, ERR_INVALID,
                         "view %s: source %s names %zu columns, the key has %zu", v->label,
                         s->label, count, v->key_count);
}

/* ---- its file ------------------------------------------------------------------------------- */

static FILE *open_beside(const char *of, int up, const char *name)
{
    struct buf path = BUF_INIT;
    const char *slash = strrchr(of, '/');
    buf_addf(&path, "%.*s/", slash != NULL ? (int)(slash - of) : 1, slash != NULL ? of : ".");
    buf_addf(&path, "%s%s", up == 1 ? "../" : up == 2 ? "../share/parkway/" : "", name);
    FILE *f = fopen(buf_cstr(&path), "re");
    buf_fini(&path);
    return f;
}

static FILE *open_text(const char *name)
{
    if (name[0] == '/') {
        return fopen(name, "re");
    }
    char exe[4096];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    exe[n > 0 ? n : 0] = '\0';
    FILE *f = conf_path() != NULL ? open_beside(conf_path(), 0, name) : NULL;
    for (int up = 1; f == NULL && up <= 2; up++) {
        f = open_beside(exe, up, name);
    }
    return f;
}

static int read_text(struct view *v, const char *name, struct err *e)
{
    FILE *f = open_text(name);
    if (f == NULL) {
        return err_set(e, ERR_NOT_FOUND, "view %s: could not open %s: %s", v->label, name,
                       strerror(errno));
    }
    struct buf text = BUF_INIT;
    char *room = buf_reserve(&text, FILE_MAX_BYTES);
    buf_commit(&text, fread(room, 1, FILE_MAX_BYTES, f));
    bool whole = !ferror(f) && feof(f);
    fclose(f);
    v->query = trimmed(buf_cstr(&text));
    buf_fini(&text);
    return whole ? 0
                 : err_set(e, ERR_INVALID, "view %s: could not read %s whole", v->label, name);
}

/* ---- the whole ------------------------------------------------------------------------------ */

/* FNV-1a over every text and its end. */
static uint64_t mix(uint64_t h, const char *text)
{
    for (const char *p = text != NULL ? text : "";
         h = (h ^ (uint8_t)*p) * 1099511628211u, *p != '\0'; p++) {
    }
    return h;
}

static void set_hash(struct view *v)
{
    uint64_t h = mix(mix(14695981039346656037u, form), v->query);
    for (size_t i = 0; i < v->key_count; i++) {
        h = mix(h, v->keys[i]);
    }
    for (size_t i = 0; i < v->source_count; i++) {
        const struct view_source *s = &v->sources[i];
        h = mix(mix(h, s->table), s->query);
        for (size_t k = 0; s->columns != NULL && k < v->key_count; k++) {
            h = mix(h, s->columns[k]);
        }
    }
    for (size_t i = 0; i < v->indexes->count; i++) {
        h = mix(h, v->indexes->items[i]);
    }
    snprintf(v->hash, sizeof v->hash, "%016" PRIx64, h);
}

static int load(struct view *v, const struct consumer_view *c, struct err *e)
{
    *v = (struct view){.label = def_strdup(c->name), .indexes = &c->indexes, .scan = c->scan};
    v->table = quoted_table(c->name);
    if (v->table == NULL) {
        return err_set(e, ERR_INVALID, "consumer.views: \"%s\" is not schema.name", c->name);
    }
    v->schema = def_strndup(c->name, strcspn(c->name, "."));
    v->name = def_strdup(strchr(c->name, '.') + 1);
    if (strncmp(v->schema, "parkway", 8) == 0 || strncmp(v->schema, "pg_", 3) == 0) {
        return err_set(e, ERR_INVALID, "view %s: schema %s is the system's", v->label,
                       v->schema);
    }
    if ((c->query[0] != '\0') == (c->file[0] != '\0')) {
        return err_set(e, ERR_INVALID, "view %s needs either a query or a file", v->label);
    }
    int rc = load_key(v, c->key, e);
    if (rc == 0 && c->file[0] != '\0') {
        rc = read_text(v, c->file, e);
    } else if (rc == 0) {
        v->query = trimmed(c->query);
    }
    v->sources = def_zalloc(c->sources.count, sizeof *v->sources);
    const struct consumer_view_source *s = c->sources.items;
    for (size_t i = 0; rc == 0 && i < c->sources.count; i++) {
        rc = load_source(v, &s[i], e);
    }
    if (rc == 0 && v->source_count == 0) {
        rc = err_set(e, ERR_INVALID, "view %s has no sources", v->label);
    }
    if (rc == 0) {
        set_hash(v);
    }
    return rc;
}

int views_load(struct views *v, const struct consumer_conf *conf, struct err *e)
{
    const struct consumer_view *rows = conf->views.items;
    *v = (struct views){.items = def_zalloc(conf->views.count, sizeof *v->items)};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < conf->views.count; i++) {
        bool twice = views_find(v, rows[i].name) != NULL;
        v->count++;
        rc = load(&v->items[i], &rows[i], e);
        if (rc == 0 && twice) {
            rc = err_set(e, ERR_INVALID, "view %s stands there twice", rows[i].name);
        }
    }
    if (rc != 0) {
        views_free(v);
    }
    return rc;
}

static void clear(struct view *v)
{
    for (size_t i = 0; i < v->source_count; i++) {
        struct view_source *s = &v->sources[i];
        for (size_t k = 0; s->columns != NULL && k <= VIEW_KEYS_MAX; k++) {
            free(s->columns[k]);
        }
        free(s->columns);
        free(s->table);
        free(s->label);
        free(s->query);
    }
    for (size_t i = 0; i < v->key_count; i++) {
        free(v->keys[i]);
    }
    free(v->sources);
    free(v->label);
    free(v->table);
    free(v->schema);
    free(v->name);
    free(v->query);
}

void views_free(struct views *v)
{
    for (size_t i = 0; i < v->count; i++) {
        clear(&v->items[i]);
    }
    free(v->items);
    *v = (struct views){0};
}

const struct view *views_find(const struct views *v, const char *label)
{
    for (size_t i = 0; i < v->count; i++) {
        if (strcmp(v->items[i].label, label) == 0) {
            return &v->items[i];
        }
    }
    return NULL;
}
