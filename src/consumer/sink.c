/* sink.c - see sink.h: from a mirror and the replica's catalogue to columns and a key. The statements'
 * texts are made in statement.c. */
#include "consumer/sink.h"

#include "base/clock.h"
#include "base/json.h"
#include "consumer/statement.h"
#include "event/event.h"
#include "event/setup.h"
#include "pg/ident.h"

#include <stdio.h>
#include <stdlib.h>

static char *quoted(const char *name)
{
    struct buf b = BUF_INIT;
    ident_quote(&b, name);
    char *s = def_strdup(buf_cstr(&b));
    buf_fini(&b);
    return s;
}

struct sink *sink_new(const struct relation *r, const struct mirror *m)
{
    struct sink *s = def_zalloc(1, sizeof *s);
    s->relation = r;
    s->schema = def_strdup(m->target_schema);
    s->name = def_strdup(m->target_name);
    s->append = m->append;
    s->plan.owner = s;
    s->wanted = def_zalloc(m->column_count, sizeof *s->wanted);
    for (size_t i = 0; i < m->column_count; i++) {
        s->wanted[i] = (struct mirror_column){def_strdup(m->columns[i].source),
                                              def_strdup(m->columns[i].target)};
    }
    s->wanted_count = m->column_count;
    struct buf b = BUF_INIT;
    ident_quote(&b, s->schema);
    buf_u8(&b, '.');
    ident_quote(&b, s->name);
    s->target = def_strdup(buf_cstr(&b));
    buf_fini(&b);
    return s;
}

void sink_forget(struct sink *s)
{
    for (size_t i = 0; i < s->plan.column_count; i++) {
        free(s->columns[i].target);
        free(s->columns[i].quoted);
        free(s->columns[i].type);
    }
    for (size_t i = 0; i < s->extra_count; i++) {
        free(s->extra[i]);
    }
    for (size_t i = 0; i < s->statement_count; i++) {
        free(s->statements[i]->mask);
        free(s->statements[i]->params);
        free(s->statements[i]);
    }
    free(s->columns);
    free(s->key);
    free(s->extra);
    free(s->column_list);
    free(s->statements);
    s->columns = NULL;
    s->key = NULL;
    s->extra = NULL;
    s->extra_count = 0;
    s->column_list = NULL;
    s->statements = NULL;
    s->statement_count = 0;
    s->plan.column_count = s->plan.key_count = 0;
    s->known = s->checked = false;
    s->broken = (struct err)ERR_INIT;
}

void sink_free(struct sink *s)
{
    sink_forget(s);
    for (size_t i = 0; i < s->wanted_count; i++) {
        free(s->wanted[i].source);
        free(s->wanted[i].target);
    }
    free(s->wanted);
    free(s->schema);
    free(s->name);
    free(s->target);
    free(s);
}

/* --- the shape --------------------------------------------------------------------------------- */

/* Columns of the catalogue's answer. */
enum { CAT_NUM, CAT_NAME, CAT_TYPE, CAT_IDENTITY, CAT_GENERATED, CAT_NOTNULL, CAT_KIND };

static const char columns_sql[] =
    "SELECT a.attnum, a.attname, format('%I.%I', tn.nspname, t.typname), a.attidentity,"
    "       a.attgenerated, a.attnotnull, c.relkind"
    "  FROM pg_catalog.pg_attribute a"
    "  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p')"
    "  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    "  JOIN pg_catalog.pg_type t ON t.oid = a.atttypid"
    "  JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace"
    " WHERE n.nspname = $1 AND c.relname = $2 AND a.attnum > 0 AND NOT a.attisdropped"
    " ORDER BY a.attnum";

/* Only indexes that ON CONFLICT can name and that hold at each row. */
static const char keys_sql[] =
    "SELECT array_to_string((i.indkey::int2[])[0:i.indnkeyatts - 1], ' ')"
    "  FROM pg_catalog.pg_index i"
    "  JOIN pg_catalog.pg_class c ON c.oid = i.indrelid"
    "  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname = $1 AND c.relname = $2 AND i.indisunique AND i.indisvalid"
    "   AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL"
    " ORDER BY i.indisprimary DESC, i.indexrelid";

static int source_number(const struct sink *s, const char *name)
{
    static const struct {
        const char *name;
        int number;
    } pseudo[] = {
        {"$position", SINK_POSITION}, {"$op", SINK_OP},     {"$commit_time", SINK_COMMIT_TIME},
        {"$row", SINK_ROW},           {"$type", SINK_TYPE}, {"$data", SINK_DATA}};
    for (size_t i = 0; i < ARRAY_LEN(pseudo); i++) {
        if (strcmp(pseudo[i].name, name) == 0) {
            return pseudo[i].number;
        }
    }
    for (size_t i = 0; i < s->relation->column_count; i++) {
        if (strcmp(s->relation->columns[i].name, name) == 0) {
            return (int)i;
        }
    }
    return SINK_NONE;
}

static void add_column(struct sink *s, const struct rows *cat, size_t row, int source)
{
    s->columns[s->plan.column_count++] = (struct sink_column){
        .source = source,
        .target = def_strdup(rows_text(cat, row, CAT_NAME)),
        .quoted = quoted(rows_text(cat, row, CAT_NAME)),
        .type = def_strdup(rows_text(cat, row, CAT_TYPE)),
        .identity = rows_text(cat, row, CAT_IDENTITY)[0] == 'a',
    };
}

/* The row of the target's column of that name, or -1. */
static long cat_find(const struct rows *cat, const char *name)
{
    for (size_t i = 0; i < rows_count(cat); i++) {
        if (strcmp(rows_text(cat, i, CAT_NAME), name) == 0) {
            return (long)i;
        }
    }
    return -1;
}

static void map_column(struct sink *s, const struct rows *cat, const char *source,
                       const char *target)
{
    int number = source_number(s, source);
    long row = cat_find(cat, target);
    if (number == SINK_NONE) {
        err_sql(&s->broken, ERR_SQL, "42703", "source table %s has no column \"%s\"",
                s->relation->label, source);
    } else if (row < 0) {
        err_sql(&s->broken, ERR_SQL, "42703", "table %s of the replica has no column \"%s\"",
                s->target, target);
    } else if (rows_text(cat, (size_t)row, CAT_GENERATED)[0] == '\0') {
        add_column(s, cat, (size_t)row, number);
    }
}

static void map_columns(struct sink *s, const struct rows *cat)
{
    size_t max = s->wanted_count > 0 ? s->wanted_count : s->relation->column_count;
    s->columns = def_zalloc(max, sizeof *s->columns);
    for (size_t i = 0; i < max; i++) {
        const char *name =
            s->wanted_count > 0 ? s->wanted[i].source : s->relation->columns[i].name;
        map_column(s, cat, name, s->wanted_count > 0 ? s->wanted[i].target : name);
    }
    s->straight = s->plan.column_count == s->relation->column_count;
    struct buf list = BUF_INIT;
    for (size_t i = 0; i < s->plan.column_count; i++) {
        s->straight = s->straight && s->columns[i].source == (int)i;
        buf_addf(&list, "%s%s", i > 0 ? ", " : "", s->columns[i].quoted);
    }
    s->column_list = def_strdup(buf_cstr(&list));
    buf_fini(&list);
    s->extra = def_zalloc(rows_count(cat), sizeof *s->extra);
    for (size_t i = 0; i < rows_count(cat); i++) {
        bool fed = rows_text(cat, i, CAT_GENERATED)[0] != '\0';
        for (size_t k = 0; k < s->plan.column_count && !fed; k++) {
            fed = strcmp(s->columns[k].target, rows_text(cat, i, CAT_NAME)) == 0;
        }
        if (!fed) {
            s->extra[s->extra_count++] = quoted(rows_text(cat, i, CAT_NAME));
        }
    }
}

static bool is_identity_column(const struct sink *s, size_t column)
{
    int source = s->columns[column].source;
    return source >= 0 && s->relation->columns[source].key;
}

/* Takes a unique index as the key when every column of it is fed and the source sends its old value.
 * A table whose source sends no old values gets inserts alone, so any key will do. */
static bool key_from_index(struct sink *s, const struct rows *cat, const char *numbers)
{
    s->plan.key_count = 0;
    char *end = NULL;
    for (const char *p = numbers; *p != '\0'; p = end) {
        long num = strtol(p, &end, 10);
        if (end == p) {
            return false;
        }
        size_t row = 0;
        while (row < rows_count(cat) && rows_int(cat, row, CAT_NUM) != num) {
            row++;
        }
        size_t k = 0;
        while (row < rows_count(cat) && k < s->plan.column_count &&
               strcmp(s->columns[k].target, rows_text(cat, row, CAT_NAME)) != 0) {
            k++;
        }
        if (row == rows_count(cat) || k == s->plan.column_count ||
            rows_text(cat, row, CAT_NOTNULL)[0] != 't' ||
            (s->relation->identity != 'n' && !is_identity_column(s, k))) {
            return false;
        }
        s->key[s->plan.key_count++] = (uint16_t)k;
    }
    return s->plan.key_count > 0;
}

static void choose_key(struct sink *s, const struct rows *cat, const struct rows *keys)
{
    s->plan.mode = PLAN_APPEND;
    s->unique = false;
    if (s->append) {
        return;
    }
    s->key = def_zalloc(s->plan.column_count, sizeof *s->key);
    s->plan.key = s->key;
    s->plan.mode = PLAN_BY_KEY;
    for (size_t i = 0; i < rows_count(keys) && !s->unique; i++) {
        s->unique = key_from_index(s, cat, rows_text(keys, i, 0));
    }
    if (s->unique) {
        return;
    }
    s->plan.key_count = 0;
    for (size_t k = 0; k < s->plan.column_count && s->relation->identity != 'f'; k++) {
        if (is_identity_column(s, k)) {
            s->key[s->plan.key_count++] = (uint16_t)k;
        }
    }
    size_t identity_count = 0;
    for (size_t i = 0; i < s->relation->column_count; i++) {
        identity_count += s->relation->columns[i].key;
    }
    if (s->plan.key_count == 0 || s->plan.key_count < identity_count) {
        s->plan.mode = PLAN_BY_ROW;
        s->plan.key_count = 0;
    }
}

int sink_know(struct sink *s, struct conn *c, struct err *e)
{
    if (s->known) {
        return 0;
    }
    sink_forget(s);
    struct str name[2] = {str_of(s->schema), str_of(s->name)};
    struct rows *cat = NULL;
    struct rows *keys = NULL;
    int rc = conn_query(c, columns_sql, 2, name, &cat, e);
    if (rc == 0) {
        rc = conn_query(c, keys_sql, 2, name, &keys, e);
    }
    if (rc == 0) {
        if (rows_count(cat) == 0) {
            err_sql(&s->broken, ERR_SQL, "42P01", "the replica has no table %s", s->target);
        } else {
            s->partitioned = rows_text(cat, 0, CAT_KIND)[0] == 'p';
            map_columns(s, cat);
            choose_key(s, cat, keys);
        }
        if (s->plan.column_count == 0 && s->broken.code == 0) {
            err_sql(&s->broken, ERR_SQL, "42P16", "table %s takes no column of the source",
                    s->target);
        }
        if (s->broken.code != 0) {
            s->plan.key_count = 0;
        }
        s->known = true;
    }
    rows_free(keys);
    rows_free(cat);
    return rc;
}

bool sink_refuses(const struct sink_view *v, struct err *why)
{
    const struct sink *s = v->sink;
    if (s->broken.code != 0) {
        if (why != NULL) {
            *why = s->broken;
        }
        return true;
    }
    if (s->plan.mode == PLAN_BY_ROW && v->op != PLAN_OP_INSERT &&
        s->relation->identity != 'f') {
        err_sql(why, ERR_SQL, "42P10",
                "table %s does not take every column by which %s names its rows", s->target,
                s->relation->label);
        return true;
    }
    if (v->half && v->op == PLAN_OP_INSERT && !plan_complete(&s->plan, v->neu)) {
        sink_incomplete(why);
        return true;
    }
    return false;
}

int sink_incomplete(struct err *e)
{
    return err_sql(e, ERR_SQL, "PKINC",
                   "incomplete: the row is missing and the change does not carry all of it");
}

/* --- statements and rows ----------------------------------------------------------------------- */

static bool same_mask(const struct sink *s, const char *mask, const struct str *row)
{
    for (size_t i = 0; i < s->plan.column_count; i++) {
        bool unchanged = row != NULL && plan_is_unchanged(row[i]);
        if ((mask[i] == '~') != unchanged) {
            return false;
        }
    }
    return true;
}

int sink_statement(struct sink *s, struct conn *c, enum sink_op op, bool sure,
                   const struct str *row, struct sink_statement **out, struct err *e)
{
    for (size_t i = 0; i < s->statement_count; i++) {
        struct sink_statement *st = s->statements[i];
        if (st->op == op && st->sure == sure && same_mask(s, st->mask, row)) {
            *out = st;
            return 0;
        }
    }
    struct sink_statement *st = def_zalloc(1, sizeof *st);
    st->op = op;
    st->sure = sure;
    st->mask = def_zalloc(s->plan.column_count + 1, 1);
    for (size_t i = 0; i < s->plan.column_count; i++) {
        st->mask[i] = row != NULL && plan_is_unchanged(row[i]) ? '~' : '.';
    }
    int rc = statement_prepare(s, st, c, e);
    if (rc != 0) {
        free(st->mask);
        free(st->params);
        free(st);
        return rc;
    }
    s->statements = def_realloc(s->statements, (s->statement_count + 1) * sizeof(void *));
    s->statements[s->statement_count++] = st;
    *out = st;
    return 0;
}

/* The routing key of the change's event; NULL: it makes none. */
static struct str type_of(const struct sink *s, const struct sink_change *ch, struct arena *a)
{
    const struct setup_topic *t =
        setup_topic_of(str_of(s->relation->schema), str_of(s->relation->name));
    const char *word = t == NULL                       ? ""
                       : strcmp(ch->op, "create") == 0 ? t->on_insert
                       : strcmp(ch->op, "update") == 0 ? t->on_update
                                                       : t->on_delete;
    if (word[0] == '\0') {
        return STR_NULL;
    }
    struct buf b = BUF_INIT;
    buf_addf(&b, "%s.%s", t->topic, word);
    struct str copy = arena_copy(a, buf_str(&b));
    buf_fini(&b);
    return copy;
}

/* What the change carries of its row as an object: values as texts, or exact: as they stand in events, of a row that went
 * its key alone. */
static struct str object_of(const struct sink *s, const struct str *row, bool exact,
                            const struct sink_change *ch, struct arena *a)
{
    bool key_alone = exact && strcmp(ch->op, "delete") == 0 && s->relation->identity != 'f';
    struct buf b = BUF_INIT;
    struct json j;
    json_init(&j, &b, JSON_COMPACT);
    json_object(&j);
    for (size_t i = 0; i < s->relation->column_count; i++) {
        if (plan_is_unchanged(row[i]) || (key_alone && !s->relation->columns[i].key)) {
            continue;
        }
        json_key(&j, s->relation->columns[i].name);
        if (exact && row[i].p != NULL) {
            event_value(&j, s->relation->columns[i].type_oid, row[i]);
        } else {
            json_text(&j, row[i]);
        }
    }
    json_object_end(&j);
    struct str copy = arena_copy(a, buf_str(&b));
    buf_fini(&b);
    return copy;
}

static struct str pseudo(const struct sink *s, int which, const struct str *row,
                         const struct sink_change *ch, struct arena *a)
{
    char text[POSITION_TEXT_MAX] = "";
    switch (which) {
    case SINK_POSITION: position_text(ch->at, text); break;
    case SINK_OP: return str_of(ch->op);
    case SINK_COMMIT_TIME: clock_text(ch->commit_us, text); break;
    case SINK_ROW: return object_of(s, row, false, ch, a);
    case SINK_TYPE: return type_of(s, ch, a);
    case SINK_DATA: return object_of(s, row, true, ch, a);
    default: return STR_NULL;
    }
    return arena_copy(a, str_of(text));
}

const struct str *sink_row(const struct sink *s, const struct str *row,
                           const struct sink_change *ch, struct arena *a)
{
    if (row == NULL || s->broken.code != 0 ||
        (s->straight && (!s->append || plan_complete(&s->plan, row)))) {
        return row;
    }
    struct str *out = arena_alloc(a, (s->plan.column_count + 1) * sizeof *out);
    for (size_t i = 0; i < s->plan.column_count; i++) {
        int source = s->columns[i].source;
        out[i] = source >= 0 ? row[source] : pseudo(s, source, row, ch, a);
        if (s->append && plan_is_unchanged(out[i])) {
            out[i] = STR_NULL; /* there is no row before that has it */
        }
    }
    return out;
}
