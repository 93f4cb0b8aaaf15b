/* verify.c - parkway verify: are primary and replica equal?
 *
 *   parkway verify [--table=SCHEMA.NAME] [--consumer=NAME] [--rate=ROWS] [--json]
 *
 * Compares every mirrored table while both sides are written, and every view with its SELECT (consumer/compare.h), and prints each row that
 * differs with its columns, then a line a table, then the sum; with --json an object a line. --rate: at most so
 * many rows a second. Exit status: 0 equal, 1 something differs or a table could not be compared (blocked, being
 * copied), 5 it could not be found out, 6 the replica does not advance or rows changed too fast to be proven. */
#include "base/json.h"
#include "consumer/compare.h"
#include "event/setup.h"
#include "ops/ops.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { PATIENCE_MS = 60000 };

struct verify {
    struct compare_options o;
    bool json;
    bool uncompared; /* a table that should have been */
    int64_t tables;
    struct buf line;
};

static void print(struct verify *v)
{
    buf_u8(&v->line, '\n');
    fwrite(buf_data(&v->line), 1, v->line.len, stdout);
    fflush(stdout);
    buf_reset(&v->line);
}

static const char *kind_name(enum compare_kind kind)
{
    return kind == COMPARE_MISSING ? "missing" : kind == COMPARE_EXTRA ? "extra" : "changed";
}

static void json_row(struct verify *v, const struct compare_row *r)
{
    struct json j;
    json_init(&j, &v->line, JSON_COMPACT);
    json_object(&j);
    json_key_text(&j, "table", str_of(r->table->source));
    json_key_text(&j, "target", str_of(r->table->target));
    json_key_text(&j, "row", str_of(kind_name(r->kind)));
    if (r->key != NULL) {
        json_key(&j, "key");
        json_object(&j);
        for (size_t i = 0; i < r->table->digest.key_count; i++) {
            json_key_text(&j, survey_key_name(r->table, i), r->key[i]);
        }
        json_object_end(&j);
    }
    json_key(&j, "columns");
    json_array(&j);
    for (size_t i = 0; i < r->value_count; i++) {
        json_object(&j);
        json_key_text(&j, "column", str_of(r->values[i].name));
        json_key_text(&j, "primary", r->values[i].primary);
        json_key_text(&j, "replica", r->values[i].replica);
        json_object_end(&j);
    }
    json_array_end(&j);
    json_key(&j, "parked");
    json_bool(&j, r->parked);
    json_object_end(&j);
}

static void add_value(struct buf *out, struct str v)
{
    if (v.p == NULL) {
        buf_adds(out, "NULL");
    } else {
        json_quote(out, v);
    }
}

static void text_row(struct verify *v, const struct compare_row *r)
{
    buf_adds(&v->line, r->table->source);
    for (size_t i = 0; r->key != NULL && i < r->table->digest.key_count; i++) {
        buf_addf(&v->line, " %s=", survey_key_name(r->table, i));
        add_value(&v->line, r->key[i]);
    }
    buf_addf(&v->line, ": %s%s", kind_name(r->kind), r->parked ? " (parked)" : "");
    for (size_t i = 0; i < r->value_count; i++) {
        buf_addf(&v->line, "%s %s ", i > 0 ? "," : "", r->values[i].name);
        add_value(&v->line, r->values[i].primary);
        buf_adds(&v->line, " -> ");
        add_value(&v->line, r->values[i].replica);
    }
}

static void on_row(void *ctx, const struct compare_row *r)
{
    struct verify *v = ctx;
    if (v->json) {
        json_row(v, r);
    } else {
        text_row(v, r);
    }
    print(v);
}

static void json_table(struct verify *v, const struct survey_table *t,
                       const struct compare_result *r)
{
    struct json j;
    json_init(&j, &v->line, JSON_COMPACT);
    json_object(&j);
    json_key_text(&j, "table", str_of(t->source));
    json_key_text(&j, "target", str_of(t->target));
    json_key_text(&j, "state", str_of(t->state));
    if (!survey_comparable(t)) {
        json_key_text(&j, "reason", str_of(t->reason));
    }
    json_key_int(&j, "rows", r->rows);
    json_key_int(&j, "different", r->different);
    json_key_int(&j, "unsettled", r->unsettled);
    json_object_end(&j);
}

static void text_table(struct verify *v, const struct survey_table *t,
                       const struct compare_result *r)
{
    buf_adds(&v->line, t->source);
    if (strcmp(t->source, t->target) != 0) {
        buf_addf(&v->line, " as %s", t->target);
    }
    if (!survey_comparable(t)) {
        buf_addf(&v->line, ": not compared, %s%s%s", t->state, t->reason[0] != '\0' ? ": " : "",
                 t->reason);
        return;
    }
    buf_addf(&v->line, ": %" PRId64 " rows, ", r->rows);
    if (r->different == 0 && r->unsettled == 0) {
        buf_adds(&v->line, "equal");
    } else {
        buf_addf(&v->line, "%" PRId64 " differ", r->different);
    }
    if (r->unsettled > 0) {
        buf_addf(&v->line, ", %" PRId64 " not settled", r->unsettled);
    }
}

static void on_table(void *ctx, const struct survey_table *t, const struct compare_result *r)
{
    struct verify *v = ctx;
    v->tables++;
    v->uncompared = v->uncompared || (!survey_comparable(t) && strcmp(t->state, "other") != 0);
    if (v->json) {
        json_table(v, t, r);
    } else {
        text_table(v, t, r);
    }
    print(v);
}

static void print_sum(struct verify *v, const struct compare_result *sum, struct position at)
{
    char text[POSITION_TEXT_MAX];
    position_text(at, text);
    if (v->json) {
        struct json j;
        json_init(&j, &v->line, JSON_COMPACT);
        json_object(&j);
        json_key_text(&j, "consumer", str_of(v->o.consumer));
        json_key_text(&j, "position", str_of(text));
        json_key_int(&j, "tables", v->tables);
        json_key_int(&j, "rows", sum->rows);
        json_key_int(&j, "different", sum->different);
        json_key_int(&j, "unsettled", sum->unsettled);
        json_object_end(&j);
    } else {
        buf_addf(&v->line,
                 "%" PRId64 " tables, %" PRId64 " rows, %" PRId64 " differ, at %s or later",
                 v->tables, sum->rows, sum->different, text);
    }
    print(v);
}

/* --- arguments ---------------------------------------------------------------------------------- */

static bool take_option(const char *arg, const char *name, const char **value)
{
    size_t n = strlen(name);
    if (strncmp(arg, name, n) != 0 || arg[n] != '=' || arg[n + 1] == '\0') {
        return false;
    }
    *value = arg + n + 1;
    return true;
}

static int read_arguments(struct verify *v, int argc, char **argv, struct err *e)
{
    for (int i = 1; i < argc; i++) {
        const char *value = NULL;
        char *end = NULL;
        if (strcmp(argv[i], "--json") == 0) {
            v->json = true;
        } else if (take_option(argv[i], "--table", &value)) {
            v->o.table = value;
        } else if (take_option(argv[i], "--consumer", &value)) {
            v->o.consumer = value;
        } else if (take_option(argv[i], "--rate", &value)) {
            v->o.rows_per_s = strtoll(value, &end, 10);
            if (*end != '\0' || v->o.rows_per_s < 1) {
                return err_set(e, ERR_USAGE, "--rate takes a number of rows a second");
            }
        } else {
            return err_set(e, ERR_USAGE,
                           "usage: parkway verify [--table=SCHEMA.NAME] [--consumer=NAME] "
                           "[--rate=ROWS] [--json]");
        }
    }
    return 0;
}

int verify_main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    struct mirrors mirrors = {0};
    struct compare_result sum = {0};
    struct position at = {0};
    struct verify v = {.o = {.name = "parkway verify",
                             .primary_url = setup()->primary_url,
                             .replica_url = setup()->replica_url,
                             .publication = setup()->capture_publication,
                             .consumer = consumer_conf()->name,
                             .mirrors = &mirrors,
                             .views = true,
                             .patience_ms = PATIENCE_MS,
                             .on_row = on_row,
                             .on_table = on_table}};
    v.o.ctx = &v;
    int rc = read_arguments(&v, argc, argv, &e);
    if (rc == 0) {
        rc = mirrors_load(&mirrors, consumer_conf(), &e);
    }
    if (rc == 0) {
        rc = compare_run(&v.o, &sum, &at, &e);
    }
    mirrors_free(&mirrors);
    if (rc == 0) {
        print_sum(&v, &sum, at);
    } else {
        fprintf(stderr, "error: %s\n", e.text);
    }
    buf_fini(&v.line);
    if (rc != 0) { /* 1 says that rows differ, nothing else does */
        return err_exit(rc) != 1 ? err_exit(rc) : err_exit(ERR_UNAVAILABLE);
    }
    return sum.different > 0 || v.uncompared ? 1
           : sum.unsettled > 0               ? err_exit(ERR_TIMEOUT)
                                             : 0;
}
