/* test_view.c - views: definitions from the configuration, and the texts made of them. */
#include "consumer/view_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct row {
    const char *what;
    const char *name, *key, *query, *file;
    struct {
        const char *table, *columns, *query;
    } sources[2];
    size_t source_count;
    int rc;
    const char *text; /* in the error */
};

#define ONE                                                                                    \
    {                                                                                          \
        "a.t", "id", ""                                                                        \
    }
#define SELECT "select id, x from a.t"

static const struct row rows[] = {
    {"plain", "s.v", "id", SELECT, "", {ONE}, 1, 0, ""},
    {"a query",
     "s.v",
     "id",
     SELECT,
     "",
     {ONE, {"a.u", "", "select id from touched"}},
     2,
     0,
     ""},
    {"no schema", "v", "id", SELECT, "", {ONE}, 1, ERR_INVALID, "schema.name"},
    {"the system's schema",
     "parkway.v",
     "id",
     SELECT,
     "",
     {ONE},
     1,
     ERR_INVALID,
     "is the system's"},
    {"no key", "s.v", " ", SELECT, "", {ONE}, 1, ERR_INVALID, "no key"},
    {"long key", "s.v", "a b c d e f g h i", SELECT, "", {ONE}, 1, ERR_INVALID, "more than 8"},
    {"no text", "s.v", "id", "", "", {ONE}, 1, ERR_INVALID, "either a query"},
    {"two texts", "s.v", "id", SELECT, "f.sql", {ONE}, 1, ERR_INVALID, "either a query"},
    {"no such file",
     "s.v",
     "id",
     "",
     "/nowhere/f.sql",
     {ONE},
     1,
     ERR_NOT_FOUND,
     "/nowhere/f.sql"},
    {"no sources", "s.v", "id", SELECT, "", {ONE}, 0, ERR_INVALID, "no sources"},
    {"a source without a schema",
     "s.v",
     "id",
     SELECT,
     "",
     {{"t", "id", ""}},
     1,
     ERR_INVALID,
     "\"t\" is not schema.name"},
    {"a source twice",
     "s.v",
     "id",
     SELECT,
     "",
     {ONE, ONE},
     2,
     ERR_INVALID,
     "a.t stands there twice"},
    {"a source without a way",
     "s.v",
     "id",
     SELECT,
     "",
     {{"a.t", "", ""}},
     1,
     ERR_INVALID,
     "columns or a query"},
    {"a source with two ways",
     "s.v",
     "id",
     SELECT,
     "",
     {{"a.t", "id", "select 1"}},
     1,
     ERR_INVALID,
     "columns or a query"},
    {"too few columns",
     "s.v",
     "id x",
     SELECT,
     "",
     {ONE},
     1,
     ERR_INVALID,
     "names 1 columns, the key has 2"},
};

struct loaded {
    struct consumer_view view[2];
    struct consumer_view_source sources[2];
    struct views views;
    struct err e;
};

static char *text(const char *s)
{
    return (char *)(uintptr_t)s;
}

/* times: as so many views. */
static int load(const struct row *r, size_t times, struct conf_strings indexes,
                struct loaded *l)
{
    *l = (struct loaded){0};
    for (size_t i = 0; i < r->source_count; i++) {
        l->sources[i] = (struct consumer_view_source){
            text(r->sources[i].table), text(r->sources[i].columns), text(r->sources[i].query)};
    }
    for (size_t i = 0; i < times; i++) {
        l->view[i] = (struct consumer_view){.name = text(r->name),
                                            .key = text(r->key),
                                            .query = text(r->query),
                                            .file = text(r->file),
                                            .indexes = indexes,
                                            .sources = {l->sources, r->source_count}};
    }
    struct consumer_conf conf = {.views = {l->view, times}};
    return views_load(&l->views, &conf, &l->e);
}

static const struct conf_strings none = {NULL, 0};

static void definitions(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct loaded l;
        int rc = load(&rows[i], 1, none, &l);
        if (rc != rows[i].rc || strstr(l.e.text, rows[i].text) == NULL) {
            print_error("%s: %d, %s\n", rows[i].what, rc, l.e.text);
            fail();
        }
        views_free(&l.views);
    }
}

static void names_twice(void **state)
{
    struct loaded l;
    (void)state;
    assert_int_equal(load(&rows[0], 2, none, &l), ERR_INVALID);
    assert_non_null(strstr(l.e.text, "s.v stands there twice"));
}

/* Whatever makes other functions or another table makes another hash; blanks behind the text do not. */
static void hashes(void **state)
{
    char first[VIEW_HASH_MAX] = "";
    char index[] = "(x)";
    char *indexes[] = {index};
    struct row changed[] = {rows[0], rows[0], rows[0], rows[0], rows[0]};
    (void)state;
    changed[1].query = SELECT " ;\n";
    changed[2].query = SELECT ", y";
    changed[3].sources[0].columns = "x";
    for (size_t i = 0; i < ARRAY_LEN(changed); i++) {
        struct loaded l;
        assert_int_equal(
            load(&changed[i], 1, i == 4 ? (struct conf_strings){indexes, 1} : none, &l), 0);
        if (i == 0) {
            memcpy(first, l.views.items[0].hash, sizeof first);
        }
        assert_int_equal(strcmp(first, l.views.items[0].hash) == 0, i < 2);
        views_free(&l.views);
    }
}

/* ---- texts ---------------------------------------------------------------------------------- */

static void restrictions(void **state)
{
    static const struct {
        const char *key;
        enum view_reach reach;
        const char *text;
    } cases[] = {
        {"id", VIEW_REACH_SET, "SELECT * FROM (" SELECT "\n) AS v WHERE v.\"id\" = ANY ($1)"},
        {"id", VIEW_REACH_ROW, "SELECT * FROM (" SELECT "\n) AS v WHERE v.\"id\" = $1"},
        {"x id", VIEW_REACH_ROW,
         "SELECT * FROM (" SELECT "\n) AS v WHERE v.\"x\" = $1 AND v.\"id\" = $2"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct row r = rows[0];
        struct loaded l;
        struct buf out = BUF_INIT;
        r.key = cases[i].key;
        r.sources[0].columns = r.key;
        assert_int_equal(load(&r, 1, none, &l), 0);
        view_text_restricted(&l.views.items[0], cases[i].reach, &out);
        assert_string_equal(buf_cstr(&out), cases[i].text);
        buf_fini(&out);
        views_free(&l.views);
    }
}

static void mappings(void **state)
{
    struct loaded l;
    struct buf out = BUF_INIT;
    (void)state;
    assert_int_equal(load(&rows[1], 1, none, &l), 0);
    view_text_mapped(&l.views.items[0], &l.views.items[0].sources[0], &out);
    assert_string_equal(buf_cstr(&out), "SELECT DISTINCT t.\"id\" FROM touched AS t");
    buf_reset(&out);
    view_text_mapped(&l.views.items[0], &l.views.items[0].sources[1], &out);
    assert_string_equal(buf_cstr(&out),
                        "SELECT DISTINCT * FROM (select id from touched\n) AS q");
    buf_fini(&out);
    views_free(&l.views);
}

static size_t count(const char *in, const char *what)
{
    size_t n = 0;
    for (const char *p = in; (p = strstr(p, what)) != NULL; p++) {
        n++;
    }
    return n;
}

/* Two functions a source; every one that writes rows names the table that it is for. */
static void functions(void **state)
{
    char *columns[] = {text("id"), text("\"Odd \"\"x\"\"\"")};
    struct view_shape s = {
        .columns = columns, .column_count = 2, .key_types = {text("bigint")}};
    struct loaded l;
    struct buf out = BUF_INIT;
    (void)state;
    assert_int_equal(load(&rows[1], 1, none, &l), 0);
    for (s.reach = VIEW_REACH_SET; s.reach <= VIEW_REACH_ROW; s.reach++) {
        buf_reset(&out);
        view_text_functions(&l.views.items[0], &s, 7, &out);
        const char *all = buf_cstr(&out);
        assert_int_equal(count(all, "CREATE FUNCTION parkway.view_7_"), 4 + 2 * 2 + 5);
        assert_int_equal(count(all, "$parkway$"), 2 * count(all, "CREATE FUNCTION"));
        assert_int_equal(count(all, "INSERT INTO \"s\".\"v\" AS"), 2);    /* refresh, remake */
        assert_int_equal(count(all, "INSERT INTO parkway.view_7 AS"), 2); /* catch_up, fill */
        assert_int_equal(count(all, "\"Odd \"\"x\"\"\" = excluded.\"Odd \"\"x\"\"\""), 4);
        assert_int_equal(count(all, "= ANY (parkway_keys1)"),
                         s.reach == VIEW_REACH_SET ? 2 : 0);
        assert_int_equal(count(all, "t.\"id\" = parkway_key.k1"),
                         s.reach == VIEW_REACH_ROW ? 2 : 0);
        assert_int_equal(count(all, "PERFORM parkway.view_break(7"), 2 * 2 + 1);
    }
    buf_reset(&out);
    view_text_tables(&l.views.items[0], &s, 7, &out);
    assert_string_equal(buf_cstr(&out),
                        "CREATE TABLE parkway.view_7 AS SELECT * FROM (" SELECT
                        "\n) AS v WITH NO DATA; CREATE TABLE parkway.view_7_log (everything "
                        "boolean, k1 bigint);");
    buf_fini(&out);
    views_free(&l.views);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(definitions), cmocka_unit_test(names_twice),
        cmocka_unit_test(hashes),      cmocka_unit_test(restrictions),
        cmocka_unit_test(mappings),    cmocka_unit_test(functions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
