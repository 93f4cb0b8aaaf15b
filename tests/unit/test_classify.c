/* Facts of texts: kinds, extents, modes, settings, names; deep and long texts on a worker's stack. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "router/ast.h"
#include "router/classify.h"

static void kinds(void **state)
{
    static const struct {
        const char *sql;
        enum classify_kind kind;
        const char *name; /* NULL: none */
    } rows[] = {
        {"", CLASSIFY_EMPTY, NULL},
        {";;", CLASSIFY_EMPTY, NULL},
        {"select 1", CLASSIFY_READ, NULL},
        {"insert into t values (1)", CLASSIFY_WRITE, "insert"},
        {"create table t as select 1", CLASSIFY_WRITE, "create table as"},
        {"begin", CLASSIFY_BEGIN, NULL},
        {"start transaction", CLASSIFY_BEGIN, NULL},
        {"commit", CLASSIFY_COMMIT, NULL},
        {"end", CLASSIFY_COMMIT, NULL},
        {"rollback", CLASSIFY_ROLLBACK, NULL},
        {"abort", CLASSIFY_ROLLBACK, NULL},
        {"savepoint a", CLASSIFY_SAVEPOINT, "a"},
        {"release a", CLASSIFY_RELEASE, "a"},
        {"rollback to savepoint \"A b\"", CLASSIFY_ROLLBACK_TO, "A b"},
        {"prepare transaction 'g'", CLASSIFY_PREPARE_TX, "g"},
        {"commit prepared 'g'", CLASSIFY_COMMIT_PREPARED, "g"},
        {"rollback prepared 'g'", CLASSIFY_COMMIT_PREPARED, "g"},
        {"set a = 1", CLASSIFY_SET, "a"},
        {"reset a", CLASSIFY_SET, "a"},
        {"reset all", CLASSIFY_RESET_ALL, NULL},
        {"set transaction read only", CLASSIFY_SET_TRANSACTION, "TRANSACTION"},
        {"set transaction snapshot 'x'", CLASSIFY_SET_TRANSACTION, "TRANSACTION SNAPSHOT"},
        {"set session characteristics as transaction read only", CLASSIFY_SET_CHARACTERISTICS,
         "SESSION CHARACTERISTICS"},
        {"set constraints all deferred", CLASSIFY_SET_CONSTRAINTS, NULL},
        {"show TimeZone", CLASSIFY_SHOW, "timezone"},
        {"show parkway.position", CLASSIFY_SHOW, "parkway.position"},
        {"show all", CLASSIFY_SHOW, "all"},
        {"discard all", CLASSIFY_DISCARD, "all"},
        {"discard plans", CLASSIFY_DISCARD, "plans"},
        {"discard temp", CLASSIFY_DISCARD, "temp"},
        {"discard sequences", CLASSIFY_DISCARD, "sequences"},
        {"listen a", CLASSIFY_LISTEN, "a"},
        {"unlisten a", CLASSIFY_UNLISTEN, "a"},
        {"unlisten *", CLASSIFY_UNLISTEN, NULL},
        {"notify a, 'x'", CLASSIFY_NOTIFY, "a"},
        {"declare c cursor for select 1", CLASSIFY_DECLARE, "c"},
        {"fetch 5 from c", CLASSIFY_FETCH, "c"},
        {"move c", CLASSIFY_FETCH, "c"},
        {"close c", CLASSIFY_CLOSE, "c"},
        {"close all", CLASSIFY_CLOSE, NULL},
        {"prepare p as select 1", CLASSIFY_PREPARE, "p"},
        {"execute p (1)", CLASSIFY_EXECUTE, "p"},
        {"deallocate p", CLASSIFY_DEALLOCATE, "p"},
        {"deallocate all", CLASSIFY_DEALLOCATE, NULL},
        {"lock t", CLASSIFY_LOCK, NULL},
        {"load 'x'", CLASSIFY_LOAD, NULL},
        {"do ''", CLASSIFY_DO, NULL},
        {"call f()", CLASSIFY_CALL, NULL},
        {"copy t from stdin", CLASSIFY_COPY_IN, NULL},
        {"copy t to stdout", CLASSIFY_COPY_OUT, NULL},
        {"explain select 1", CLASSIFY_EXPLAIN, NULL},
        {"select", CLASSIFY_READ, NULL},
        {"sel", CLASSIFY_UNKNOWN, NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct classification *c = classify_parse(str_of(rows[i].sql));
        const struct classify_stmt *s = &c->stmts[0];

        if (s->kind != rows[i].kind || !str_eq(s->name, str_of(rows[i].name))) {
            fail_msg("%s: %s %.*s", rows[i].sql, classify_kind_text(s->kind), STR_ARG(s->name));
        }
        assert_int_equal(c->stmt_count, 1);
        classify_unref(c);
    }
}

static void extents(void **state)
{
    struct str text = STR("select 'é';  -- b\n insert into t values (1) ; ;rollback");
    struct classification *c = classify_parse(text);

    (void)state;
    assert_int_equal(c->stmt_count, 3);
    assert_true(c->literal);
    assert_true(str_eq((struct str){text.p + c->stmts[0].offset, c->stmts[0].length},
                       STR("select 'é'")));
    assert_non_null(memmem(text.p + c->stmts[1].offset, c->stmts[1].length,
                           "insert into t values (1)", 24));
    assert_true(
        str_eq((struct str){text.p + c->stmts[2].offset, c->stmts[2].length}, STR("rollback")));
    classify_unref(c);
}

static void modes(void **state)
{
    static const struct {
        const char *sql;
        enum classify_isolation isolation;
        int read_only, deferrable;
        bool chain;
    } rows[] = {
        {"begin", CLASSIFY_ISO_DEFAULT, -1, -1, false},
        {"begin read only", CLASSIFY_ISO_DEFAULT, 1, -1, false},
        {"begin read write", CLASSIFY_ISO_DEFAULT, 0, -1, false},
        {"begin isolation level repeatable read, read only", CLASSIFY_ISO_REPEATABLE_READ, 1,
         -1, false},
        {"begin isolation level read uncommitted", CLASSIFY_ISO_READ_UNCOMMITTED, -1, -1,
         false},
        {"start transaction isolation level read committed read write",
         CLASSIFY_ISO_READ_COMMITTED, 0, -1, false},
        {"begin isolation level serializable read only deferrable", CLASSIFY_ISO_SERIALIZABLE,
         1, 1, false},
        {"begin read only not deferrable", CLASSIFY_ISO_DEFAULT, 1, 0, false},
        {"set transaction read write", CLASSIFY_ISO_DEFAULT, 0, -1, false},
        {"set session characteristics as transaction isolation level serializable",
         CLASSIFY_ISO_SERIALIZABLE, -1, -1, false},
        {"commit and chain", CLASSIFY_ISO_DEFAULT, -1, -1, true},
        {"rollback and no chain", CLASSIFY_ISO_DEFAULT, -1, -1, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct classification *c = classify_parse(str_of(rows[i].sql));
        const struct classify_stmt *s = &c->stmts[0];

        if (s->modes.isolation != rows[i].isolation ||
            s->modes.read_only != rows[i].read_only ||
            s->modes.deferrable != rows[i].deferrable || s->chain != rows[i].chain) {
            fail_msg("%s", rows[i].sql);
        }
        classify_unref(c);
    }
}

static void settings(void **state)
{
    static const struct {
        const char *sql, *name, *value; /* value NULL: default */
        bool local, readable, config;
    } rows[] = {
        {"set timezone = 'Europe/Paris'", "timezone", "Europe/Paris", false, true, false},
        {"set time zone 'utc'", "timezone", "utc", false, true, false},
        {"set time zone interval '1' hour", "timezone", NULL, false, false, false},
        {"set local a.b to c", "a.b", "c", true, true, false},
        {"set session a.b to 'É x'", "a.b", "É x", false, true, false},
        {"set x = -1", "x", "-1", false, true, false},
        {"set x = 0", "x", "0", false, true, false},
        {"set x = - 5, -0, 7", "x", "-5, -0, 7", false, true, false},
        {"set x = 1.50", "x", "1.50", false, true, false},
        {"set x = on", "x", "on", false, true, false},
        {"set x to default", "x", NULL, false, true, false},
        {"reset x", "x", NULL, false, true, false},
        {"set DateStyle = ISO, DMY", "datestyle", "iso, dmy", false, true, false},
        {"set search_path = a, \"B c\", \"d\"\"e\"", "search_path", "a, \"B c\", \"d\"\"e\"",
         false, true, false},
        {"set search_path = ''", "search_path", "\"\"", false, true, false},
        {"set role 'x'", "role", "x", false, true, false},
        {"set parkway.position = '6f.1:0/2'", "parkway.position", "6f.1:0/2", false, true,
         false},
        {"select set_config('App.x', 'y\"\\z', false)", "app.x", "y\"\\z", false, true, true},
        {"select pg_catalog.set_config('a.b', '', true)", "a.b", "", true, true, true},
        {"select set_config('a.b', $1, true)", "a.b", NULL, true, false, true},
        {"select set_config('a.b', 'x' || 'y', false)", "a.b", NULL, false, false, true},
        {"select set_config($1, 'x', false)", "", "x", false, false, true},
        {"select set_config('a', 'b', 'f')", "a", "b", false, false, true},
        {"select 1 where set_config('a.b', 'c', false) = 'c'", "a.b", "c", false, true, true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct classification *c = classify_parse(str_of(rows[i].sql));
        const struct classify_set *e;

        assert_int_equal(c->stmts[0].sets.count, 1);
        assert_true(c->literal);
        e = &c->sets[0];
        if (!str_eq(e->name, str_of(rows[i].name)) ||
            !str_eq(e->value, str_of(rows[i].value)) ||
            (e->value.p == NULL) != (rows[i].value == NULL) || e->local != rows[i].local ||
            e->readable != rows[i].readable || e->config != rows[i].config) {
            fail_msg("%s: %.*s = %.*s", rows[i].sql, STR_ARG(e->name), STR_ARG(e->value));
        }
        classify_unref(c);
    }
}

static void list(struct buf *b, const struct classify_name *v, struct classify_range r)
{
    buf_reset(b);
    for (uint32_t i = r.first; i < r.first + r.count; i++) {
        buf_addf(b, "%s%.*s%s%.*s", i > r.first ? " " : "", STR_ARG(v[i].schema),
                 v[i].schema.n > 0 ? "." : "", STR_ARG(v[i].name));
    }
}

static void names(void **state)
{
    static const struct {
        const char *sql, *relations, *functions, *columns;
    } rows[] = {
        {"select a.b, c from s.t a, \"U v\"", "s.t U v", "", "a.b c"},
        {"with t as (select 1) select * from t", "", "", ""},
        {"with t as (select * from t) select * from t", "t", "", ""},
        {"with recursive t as (select * from t) select * from t", "", "", ""},
        {"with a as (select * from b), b as (select * from a) select * from a, b, c", "c b", "",
         ""},
        {"with a as (select 1) select * from (with b as (select * from a) select * from b, a) "
         "x, b",
         "b", "", ""},
        {"select * from t, (with t as (select 1) select * from t) x", "t", "", ""},
        {"select 1 from s.t union select f(g(1)) from (select 1) t", "s.t", "g f", ""},
        {"with t as (select 1) select * from t union select * from t", "", "", ""},
        {"select * from public.t where exists (with t as (select 1) select 1 from t)",
         "public.t", "", ""},
        {"insert into t select * from u", "t u", "", ""},
        {"with u as (select 1) insert into t select * from u", "t", "", ""},
        {"update t set a = f(b) from u where c.d = 1", "t u", "f", "b c.d"},
        {"delete from t using u", "t u", "", ""},
        {"call s.f(1)", "", "s.f", ""},
        {"select extract(year from x)", "", "pg_catalog.extract", "x"},
        {"copy t (a, b) to stdout", "t", "", "a b"},
        {"select (f(x)).y", "", "f", "x y"},
        {"select * from t join u using (k)", "t u", "", "k"},
        {"explain select a from t", "t", "", "a"},
        {"declare c cursor for select a from t", "t", "", "a"},
    };
    struct buf b = BUF_INIT;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct classification *c = classify_parse(str_of(rows[i].sql));
        const struct classify_stmt *s = &c->stmts[0];

        list(&b, c->relations, s->relations);
        if (!str_eq(buf_str(&b), str_of(rows[i].relations))) {
            fail_msg("%s: relations %s", rows[i].sql, buf_cstr(&b));
        }
        list(&b, c->functions, s->functions);
        if (!str_eq(buf_str(&b), str_of(rows[i].functions))) {
            fail_msg("%s: functions %s", rows[i].sql, buf_cstr(&b));
        }
        list(&b, c->columns, s->columns);
        if (s->kind != CLASSIFY_WRITE && !str_eq(buf_str(&b), str_of(rows[i].columns))) {
            fail_msg("%s: columns %s", rows[i].sql, buf_cstr(&b));
        }
        classify_unref(c);
    }
    buf_fini(&b);
}

static void cut(void **state)
{
    struct str text =
        STR("with t as (select E'\\u00e9', $q$x$q$ from \"a b\".c) select set_config('a', "
            "'b', false), t.*, count(*) from t /* c */; set local x = 'y'; copy t to stdout");

    (void)state;
    for (size_t n = 0; n <= text.n; n++) {
        struct classification *c = classify_parse((struct str){text.p, n});

        assert_true(c->stmt_count >= 1);
        classify_unref(c);
        classify_unref(classify_parse((struct str){text.p + n, text.n - n}));
    }
}

/* The reader of the tree must stand any bytes, though it only ever sees libpg_query's. */
static void tree_cut(void **state)
{
    struct str json = STR("{\"version\":150001,\"stmts\":[{\"stmt\":{\"SelectStmt\":{"
                          "\"targetList\":[{\"ResTarget\":{\"val\":"
                          "{\"FuncCall\":{\"funcname\":[{\"String\":{\"sval\":\"set_config\"}}]"
                          ",\"args\":[{\"A_Const\":{\"sval\":"
                          "{\"sval\":\"a\\u003c\"},\"location\":1}}]}}}}],\"fromClause\":[{"
                          "\"RangeVar\":{\"relname\":\"t\",\"alias\":"
                          "{\"aliasname\":\"x\",\"colnames\":[{\"String\":{\"sval\":\"y\"}}]}}}"
                          "],\"withClause\":{\"ctes\":["
                          "{\"CommonTableExpr\":{\"ctename\":\"t\"}}],\"recursive\":true}}},"
                          "\"stmt_location\":5,\"stmt_len\":9999}]}");
    static const char *const odd[] = {
        "[]",
        "{}",
        "[[[[[[",
        "{\"stmts\":[{\"stmt\":{\"FuncCall\":{}}}]}",
        "{\"stmts\":[]}",
        "}",
        "]{",
        "{\"stmts\":[{\"stmt\":{\"SelectStmt\":{\"x\":{\"FuncCall\":{}}}}}]}",
        "{\"stmts\":[{\"stmt\":{\"SelectStmt\":[{\"String\":{\"sval\":\"\\ud800\"}}]}}]}",
        "{\"stmts\":[{\"fields\":[{\"String\":{\"sval\":\"x\"}}]}]}",
        "{\"stmts\":[{\"stmt\":{\"VariableSetStmt\":{\"kind\":\"VAR_SET_VALUE\"}}}]}",
    };

    (void)state;
    for (size_t n = 0; n <= json.n; n++) {
        struct classification c = {.arena = ast_arena_new()};
        char *copy = malloc(n + 1);

        memcpy(copy, json.p, n);
        assert_int_equal(ast_read((struct str){copy, n}, STR("select 123"), &c),
                         n == 0 || n == json.n);
        ast_arena_free(c.arena);
        free(copy);
    }
    for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
        struct classification c = {.arena = ast_arena_new()};

        (void)ast_read(str_of(odd[i]), STR("select 123"), &c);
        ast_arena_free(c.arena);
    }
}

static struct buf repeated(const char *before, const char *open, const char *middle,
                           const char *close, size_t count)
{
    struct buf b = BUF_INIT;

    buf_adds(&b, before);
    for (size_t i = 0; i < count; i++) {
        buf_adds(&b, open);
    }
    buf_adds(&b, middle);
    for (size_t i = 0; i < count; i++) {
        buf_adds(&b, close);
    }
    return b;
}

static void *deep_thread(void *arg)
{
    static const struct {
        const char *before, *open, *middle, *close;
    } rows[] = {
        {"select ", "(", "1", ")"},
        {"select 1", "+1", "", ""},
        {"select ", "not ", "true", ""},
        {"select ", "- ", "1", ""},
        {"", "select(", "1", ")"},
        {"", "(", "select 1", ")"},
        {"select ", "f(", "1", ")"},
        {"select ", "array[", "1", "]"},
        {"", "with a as (", "select 1", ") select 1"},
        {"select * from ", "(select * from ", "t", ") x"},
        {"select ", "case when ", "a", " then 1 end"},
        {"select a", "::int", "", ""},
        {"select 1 union ", "select 1 union ", "select 1", ""},
        {"select a", "[1]", "", ""},
        {"select ", "a.", "b", ""},
        {"select ", "{", "", "}"},
        {"select ", "/*", "", "*/ 1"},
        {"", ";", "", ""},
        {"select 1", ";select 1", "", ""},
        {"select 1", ",a", "", ""},
    };

    (void)arg;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t one = strlen(rows[i].open) + strlen(rows[i].close);
        size_t fixed = strlen(rows[i].before) + strlen(rows[i].middle);
        struct buf b = repeated(rows[i].before, rows[i].open, rows[i].middle, rows[i].close,
                                (CLASSIFY_TEXT_MAX - fixed) / one);
        struct classification *c = classify_parse(buf_str(&b));

        assert_true(c->stmt_count >= 1);
        assert_false(c->too_long);
        classify_unref(c);
        buf_fini(&b);
    }
    return NULL;
}

static void deep(void **state)
{
    pthread_attr_t attr;
    pthread_t thread;

    (void)state;
    pthread_attr_init(&attr);
    assert_int_equal(pthread_attr_setstacksize(&attr, CLASSIFY_STACK_MIN), 0);
    assert_int_equal(pthread_create(&thread, &attr, deep_thread, NULL), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attr);
}

static void too_long(void **state)
{
    struct buf b = repeated("select ", "1,", "1", "", 1 << 20);
    struct classification *c = classify_parse(buf_str(&b));

    (void)state;
    assert_true(c->too_long);
    assert_int_equal(c->stmts[0].kind, CLASSIFY_UNKNOWN);
    assert_int_equal(c->stmts[0].length, b.len);
    classify_unref(c);
    buf_fini(&b);
    c = classify_parse((struct str){"select 1\0, 2", 12});
    assert_int_equal(c->stmts[0].kind, CLASSIFY_UNKNOWN);
    classify_unref(c);
}

static void *parse_often(void *arg)
{
    for (int i = 0; i < 2000; i++) {
        struct classification *c = classify_parse(STR("select a, f(b) from t where c = 'x'"));

        if (c->stmts[0].kind != CLASSIFY_READ || c->stmts[0].relations.count != 1) {
            *(bool *)arg = false;
        }
        classify_unref(c);
        classify_unref(classify_parse(STR("selec")));
    }
    return NULL;
}

static void threads(void **state)
{
    pthread_t t[4];
    bool good[4] = {true, true, true, true};

    (void)state;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&t[i], NULL, parse_often, &good[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(t[i], NULL);
        assert_true(good[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds),    cmocka_unit_test(extents), cmocka_unit_test(modes),
        cmocka_unit_test(settings), cmocka_unit_test(names),   cmocka_unit_test(cut),
        cmocka_unit_test(tree_cut), cmocka_unit_test(deep),    cmocka_unit_test(too_long),
        cmocka_unit_test(threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
