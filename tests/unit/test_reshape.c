/* test_reshape.c - shapes as the primary sends them, whether a Relation message fits one, and what is done to get from one
 * to the next: tables of before, after and what the replica has, with the statements or the reason. */
#include "consumer/layout.h"
#include "consumer/relation.h"
#include "consumer/reshape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* A table in one line: "name key | column | column …", key as numbers with commas or -, a column as
 * "num name type extra…" with extra words: n NOT NULL, m=VALUE missing, c=EXPR constant default, d=EXPR default,
 * g=EXPR generated, i identity, u not published. */
static uint32_t oid_of(const char *type)
{
    static const struct {
        const char *name;
        uint32_t oid;
    } types[] = {{"int2", 21},    {"int4", 23},      {"int8", 20},
                 {"text", 25},    {"varchar", 1043}, {"float4", 700},
                 {"float8", 701}, {"numeric", 1700}, {"mood", 99999}};
    size_t n = strcspn(type, "(");
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (strlen(types[i].name) == n && memcmp(types[i].name, type, n) == 0) {
            return types[i].oid;
        }
    }
    return 0;
}

static const char *copy(struct arena *a, const char *p, size_t n)
{
    char *s = arena_alloc(a, n + 1);
    memcpy(s, p, n);
    s[n] = '\0';
    return s;
}

static void extra(struct layout_column *c, struct arena *a, const char *word, size_t n)
{
    const char *value = n > 2 ? copy(a, word + 2, n - 2) : NULL;
    switch (word[0]) {
    case 'n': c->not_null = true; break;
    case 'm': c->missing = value; break;
    case 'c':
        c->constant = true;
        c->def = value;
        break;
    case 'd': c->def = value; break;
    case 'g':
        c->generated = value;
        c->published = false;
        break;
    case 'i': c->identity = 'd'; break;
    case 'u': c->published = false; break;
    default: fail();
    }
}

static struct layout_column column(struct arena *a, const char *text)
{
    struct layout_column c = {.mod = -1, .published = true};
    int at = 0;
    char name[64];
    char type[64];
    assert_int_equal(sscanf(text, " %d %63s %63[^ |]%n", &c.num, name, type, &at), 3);
    c.name = copy(a, name, strlen(name));
    c.type = copy(a, type, strlen(type));
    c.type_oid = oid_of(type);
    const char *bound = strchr(type, '(');
    if (bound != NULL) {
        int p = 0;
        int s = 0;
        sscanf(bound, "(%d,%d", &p, &s);
        c.mod = (c.type_oid == 1700 ? p << 16 | s : p) + 4;
    }
    const char *p = text + at;
    while (*(p += strspn(p, " ")) != '\0' && *p != '|') {
        size_t n = strcspn(p, " |");
        extra(&c, a, p, n);
        p += n;
    }
    return c;
}

static struct layout *table(struct arena *a, const char *text)
{
    if (text == NULL) {
        return NULL;
    }
    struct layout *l = arena_zalloc(a, sizeof *l);
    char name[64];
    char key[64];
    assert_int_equal(sscanf(text, "%63s %63[^ |]", name, key), 2);
    l->oid = 7;
    l->schema = "s";
    l->name = copy(a, name, strlen(name));
    l->kind = 'r';
    l->identity = 'd';
    l->key_name = key[0] != '-' ? "pk" : NULL;
    l->key = arena_zalloc(a, 8 * sizeof *l->key);
    for (const char *p = key; *p >= '0' && *p <= '9'; p += p[1] == ',' ? 2 : 1) {
        l->key[l->key_count++] = *p - '0';
    }
    l->columns = arena_zalloc(a, 16 * sizeof *l->columns);
    for (const char *p = strchr(text, '|'); p != NULL; p = strchr(p + 1, '|')) {
        l->columns[l->column_count++] = column(a, p + 1);
    }
    return l;
}

struct step_case {
    const char *was, *now, *here;
    const char
        *flags; /* r rewritten column, d rewritten default, p plain, f filled, j joined */
    const char
        *expected; /* statements with T for the target, or "!" and a part of the reason */
};

static const struct step_case cases[] = {
    /* nothing, and what is there already */
    {"t 1|1 id int4", "t 1|1 id int4", "t 1|1 id int4", "", ""},
    {"t 1|1 id int4", "t 1|1 id int4|2 a text", "t 1|1 id int4|2 a text", "", ""},
    {"t 1|1 id int4|2 a text", "t 1|1 id int4", "t 1|1 id int4", "", ""},
    {"t 1|1 id int4|2 a text", "t 1|1 id int4|2 b text", "t 1|1 id int4|2 b text", "", ""},
    /* columns of the replica's own stay */
    {"t 1|1 id int4", "t 1|1 id int4", "t 1|1 id int4|2 own text", "", ""},
    /* new columns */
    {"t 1|1 id int4", "t 1|1 id int4|2 a text", "t 1|1 id int4", "",
     "ALTER TABLE T ADD COLUMN \"a\" text"},
    {"t 1|1 id int4", "t 1|1 id int4|2 a text m=it's", "t 1|1 id int4", "",
     "ALTER TABLE T ADD COLUMN \"a\" text DEFAULT 'it''s'; ALTER TABLE T ALTER COLUMN \"a\" "
     "DROP DEFAULT"},
    {"t 1|1 id int4", "t 1|1 id int4|2 a int4 c=5", "t 1|1 id int4", "df",
     "ALTER TABLE T ADD COLUMN \"a\" int4 DEFAULT 5; ALTER TABLE T ALTER COLUMN \"a\" DROP "
     "DEFAULT"},
    {"t 1|1 id int4", "t 1|1 id int4|2 a float8 d=random()", "t 1|1 id int4", "df",
     "!\"a\" is new"},
    {"t 1|1 id int4", "t 1|1 id int4|2 a float8 d=random()", "t 1|1 id int4", "d",
     "ALTER TABLE T ADD COLUMN \"a\" float8"},
    {"t 1|1 id int4", "t 1|1 id int4|2 a int4 i", "t 1|1 id int4", "df", "!\"a\" is new"},
    {"t 1|1 id int4", "t 1|1 id int4|2 a mood", "t 1|1 id int4", "df", "!\"a\" is new"},
    {"t 1|1 id int4", "t 1|1 id int4|2 g int4 g=id*2", "t 1|1 id int4", "df",
     "ALTER TABLE T ADD COLUMN \"g\" int4 GENERATED ALWAYS AS (id*2) STORED"},
    {"t 1|1 id int4", "t 1|1 id int4|2 a text u", "t 1|1 id int4", "", ""},
    {"t 1|1 id int4|2 a text u", "t 1|1 id int4|2 a text", "t 1|1 id int4", "",
     "!\"a\" is new"},
    /* drops; a generated column goes before what it reads */
    {"t 1|1 id int4|2 a text", "t 1|1 id int4", "t 1|1 id int4|2 a text", "",
     "ALTER TABLE T DROP COLUMN \"a\""},
    {"t 1|1 id int4|2 a int4|3 g int4 g=a", "t 1|1 id int4",
     "t 1|1 id int4|2 a int4|3 g int4 g=a", "",
     "ALTER TABLE T DROP COLUMN \"g\"; ALTER TABLE T DROP COLUMN \"a\""},
    {"t 1|1 id int4|2 a int4", "t 1|1 id int4|3 a text", "t 1|1 id int4|2 a int4", "",
     "ALTER TABLE T DROP COLUMN \"a\"; ALTER TABLE T ADD COLUMN \"a\" text"},
    {"t 1|1 id int4|2 a int4", "t 1|1 id int4|2 a int4 u", "t 1|1 id int4|2 a int4", "",
     "ALTER TABLE T DROP COLUMN \"a\""},
    /* renames, in a row and in a circle */
    {"t 1|1 id int4|2 a int4", "t 1|1 id int4|2 b int4", "t 1|1 id int4|2 a int4", "",
     "ALTER TABLE T RENAME COLUMN \"a\" TO \"b\""},
    {"t 1|1 id int4|2 a int4|3 b int4", "t 1|1 id int4|2 b int4|3 c int4",
     "t 1|1 id int4|2 a int4|3 b int4", "",
     "ALTER TABLE T RENAME COLUMN \"b\" TO \"c\"; ALTER TABLE T RENAME COLUMN \"a\" TO \"b\""},
    {"t 1|1 id int4|2 a int4|3 b int4", "t 1|1 id int4|2 b int4|3 a int4",
     "t 1|1 id int4|2 a int4|3 b int4", "",
     "ALTER TABLE T RENAME COLUMN \"b\" TO \"parkway aside 3\"; ALTER TABLE T RENAME COLUMN "
     "\"a\" TO \"b\"; "
     "ALTER TABLE T RENAME COLUMN \"parkway aside 3\" TO \"a\""},
    {"t 1|1 id int4", "u 1|1 id int4", "t 1|1 id int4", "", "ALTER TABLE T RENAME TO \"u\""},
    /* types */
    {"t 1|1 id int4", "t 1|1 id int8", "t 1|1 id int4", "rpf",
     "ALTER TABLE T ALTER COLUMN \"id\" TYPE int8"},
    {"t 1|1 id int4", "t 1|1 id int8", "t 1|1 id int4", "rf", "!\"id\" has another type"},
    {"t 1|1 id int8", "t 1|1 id int4", "t 1|1 id int8", "rpf", "!\"id\" has another type"},
    {"t 1|1 id int8", "t 1|1 id int4", "t 1|1 id int8", "rp",
     "ALTER TABLE T ALTER COLUMN \"id\" TYPE int4 USING NULL::int4"},
    {"t 1|1 id varchar(9)", "t 1|1 id text", "t 1|1 id varchar(9)", "",
     "ALTER TABLE T ALTER COLUMN \"id\" TYPE text"},
    {"t 1|1 id int4", "t 1|1 id int4", "t 1|1 id int4", "rf", "!computed anew"},
    {"t 1|1 id int4", "t 1|1 id int4", "t 1|1 id int8", "", ""}, /* the operator's wider type */
    /* NOT NULL is only taken away */
    {"t 1|1 id int4|2 a int4 n", "t 1|1 id int4|2 a int4", "t 1|1 id int4|2 a int4 n", "",
     "ALTER TABLE T ALTER COLUMN \"a\" DROP NOT NULL"},
    {"t 1|1 id int4|2 a int4", "t 1|1 id int4|2 a int4 n", "t 1|1 id int4|2 a int4", "", ""},
    /* generated no more */
    {"t 1|1 id int4|2 g int4 g=id", "t 1|1 id int4|2 g int4", "t 1|1 id int4|2 g int4 g=id", "",
     "ALTER TABLE T ALTER COLUMN \"g\" DROP EXPRESSION"},
    /* keys */
    {"t 1|1 id int4|2 a int4", "t 2|1 id int4|2 a int4", "t 1|1 id int4|2 a int4", "",
     "ALTER TABLE T DROP CONSTRAINT \"pk\"; ALTER TABLE T ADD PRIMARY KEY (\"a\")"},
    {"t 1|1 id int4", "t -|1 id int4", "t 1|1 id int4", "",
     "ALTER TABLE T DROP CONSTRAINT \"pk\""},
    {"t -|1 id int4", "t 1|1 id int4", "t -|1 id int4", "",
     "ALTER TABLE T ADD PRIMARY KEY (\"id\")"},
    {"t -|1 id int4", "t 1|1 id int4", "t 1|1 id int4", "", ""},
    /* partitions */
    {"t 1|1 id int4", "t 1|1 id int4", "t 1|1 id int4", "j", "!joined"},
    /* tables */
    {NULL, "t 1|1 id int4|2 g int4 g=id|3 hidden text u", NULL, "",
     "CREATE TABLE T (\"id\" int4, \"g\" int4 GENERATED ALWAYS AS (id) STORED, PRIMARY KEY "
     "(\"id\"))"},
    {NULL, "t -|1 id int4", NULL, "f", "!have to be copied"},
    {NULL, "t 1|1 id int4", "t 1|1 id int4", "f", ""},
    {NULL, "t 1|1 id int4|2 a text", "t 1|1 id int4", "f", "!\"a\" is new"},
};

/* The statements with the table's quoted name as T. */
static void assert_steps(const struct reshape *r, const char *expected)
{
    struct buf got = BUF_INIT;
    for (size_t i = 0; i < r->count; i++) {
        const char *sql = r->sql[i];
        buf_adds(&got, i > 0 ? "; " : "");
        const char *name = strstr(sql, "\"s\".\"");
        buf_add(&got, sql, name != NULL ? (size_t)(name - sql) : strlen(sql));
        if (name != NULL) {
            buf_u8(&got, 'T');
            buf_adds(&got, strchr(name + 5, '"') + 1);
        }
    }
    assert_string_equal(buf_cstr(&got), expected);
    buf_fini(&got);
}

static void steps(void **state)
{
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct step_case *c = &cases[i];
        struct arena a = {0};
        struct layout_notice told = {.plain = strchr(c->flags, 'p') != NULL,
                                     .filled = strchr(c->flags, 'f') != NULL,
                                     .joined = strchr(c->flags, 'j') != NULL};
        told.rewrite = (strchr(c->flags, 'r') != NULL ? LAYOUT_REWRITE_COLUMN : 0) |
                       (strchr(c->flags, 'd') != NULL ? LAYOUT_REWRITE_DEFAULT : 0);
        struct reshape_input in = {.was = table(&a, c->was),
                                   .now = table(&a, c->now),
                                   .here = table(&a, c->here),
                                   .schema = "s",
                                   .schema_exists = true,
                                   .told = &told};
        in.name = in.now->name;
        struct reshape out;
        reshape_decide(&out, &in, &a);
        if (c->expected[0] == '!') {
            assert_non_null(strstr(out.reason, c->expected + 1));
        } else {
            assert_string_equal(out.reason, "");
            assert_steps(&out, c->expected);
        }
        arena_fini(&a);
    }
}

static void readers(void **state)
{
    UNUSED(state);
    struct arena a = {0};
    const char *const roles[] = {"ann", "bob"};
    const char *ann[] = {"ann", "nobody here"};
    const char *bob[] = {"bob"};
    struct layout_notice told = {0};
    struct reshape_input in = {.was = table(&a, "t 1|1 id int4"),
                               .now = table(&a, "t 1|1 id int4"),
                               .here = table(&a, "t 1|1 id int4"),
                               .schema = "s",
                               .name = "t",
                               .schema_exists = true,
                               .roles = roles,
                               .role_count = 2,
                               .told = &told};
    struct layout *was = table(&a, "t 1|1 id int4");
    struct layout *now = table(&a, "t 1|1 id int4");
    struct layout *here = table(&a, "t 1|1 id int4");
    was->readers = here->readers = bob;
    was->reader_count = here->reader_count = 1;
    now->readers = ann;
    now->reader_count = 2;
    in.was = was;
    in.now = now;
    in.here = here;
    struct reshape out;
    reshape_decide(&out, &in, &a);
    assert_steps(&out, "GRANT SELECT ON T TO \"ann\"; REVOKE SELECT ON T FROM \"bob\"");
    in.here = NULL;
    in.was = NULL;
    in.schema_exists = false;
    reshape_decide(&out, &in, &a);
    assert_steps(
        &out,
        "CREATE SCHEMA \"s\"; GRANT USAGE ON SCHEMA \"s\" TO \"ann\"; "
        "CREATE TABLE T (\"id\" int4, PRIMARY KEY (\"id\")); GRANT SELECT ON T TO \"ann\"");
    arena_fini(&a);
}

/* A partition that left: the rows within its bounds, by the columns' former names. */
static void partitions(void **state)
{
    UNUSED(state);
    struct arena a = {0};
    const char *gone[] = {"((id >= 0) AND (id < 10))"};
    const char *hash[] = {NULL};
    struct layout_notice told = {.gone = gone, .gone_count = 1};
    struct reshape_input in = {.was = table(&a, "t 1|1 id int4"),
                               .now = table(&a, "t 1|1 id int4"),
                               .here = table(&a, "t 1|1 id int4"),
                               .schema = "s",
                               .name = "t",
                               .schema_exists = true,
                               .told = &told};
    struct reshape out;
    reshape_decide(&out, &in, &a);
    assert_steps(&out, "DELETE FROM T WHERE ((id >= 0) AND (id < 10))");
    told.gone = hash;
    reshape_decide(&out, &in, &a);
    assert_non_null(strstr(out.reason, "hash partition"));
    arena_fini(&a);
}

static void widening(void **state)
{
    UNUSED(state);
    static const struct {
        const char *from, *to;
        bool yes;
    } pairs[] = {
        {"int2", "int4", true},
        {"int4", "int8", true},
        {"int8", "int4", false},
        {"int4", "numeric", true},
        {"int4", "numeric(5,2)", false},
        {"float4", "float8", true},
        {"float8", "float4", false},
        {"int8", "float8", false},
        {"varchar(5)", "varchar(6)", true},
        {"varchar(6)", "varchar(5)", false},
        {"varchar(5)", "text", true},
        {"text", "varchar", true},
        {"text", "varchar(5)", false},
        {"numeric(5,2)", "numeric(7,2)", true},
        {"numeric(5,2)", "numeric(7,3)", false},
        {"numeric(5,2)", "numeric", true},
        {"numeric", "numeric(5,2)", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        struct arena a = {0};
        char from[64];
        char to[64];
        snprintf(from, sizeof from, "1 x %s", pairs[i].from);
        snprintf(to, sizeof to, "1 x %s", pairs[i].to);
        struct layout_column f = column(&a, from);
        struct layout_column t = column(&a, to);
        assert_int_equal(reshape_widens(&f, &t), pairs[i].yes);
        arena_fini(&a);
    }
}

/* A message as the primary sent it, shortened to two columns. */
static const char message[] =
    "{\"was\": null, \"gone\": [\"a > 1\", null], \"plain\": false, \"state\": true, "
    "\"table\": {\"key\": [1], "
    "\"oid\": 16589, \"kind\": \"r\", \"name\": \"T \\\"t\", \"filter\": null, \"schema\": "
    "\"public\", \"columns\": ["
    "{\"mod\": -1, \"num\": 1, \"name\": \"id\", \"type\": \"integer\", \"default\": null, "
    "\"missing\": null, "
    "\"constant\": false, \"identity\": \"\", \"not_null\": true, \"type_oid\": 23, "
    "\"collation\": null, "
    "\"generated\": null, \"published\": true}, {\"mod\": 14, \"num\": 3, \"name\": \"v\", "
    "\"type\": \"character varying(10)\", \"default\": \"'x'::character varying\", "
    "\"missing\": \"x\", "
    "\"constant\": true, \"identity\": \"\", \"not_null\": false, \"type_oid\": 1043, "
    "\"collation\": null, "
    "\"generated\": null, \"published\": true}], \"readers\": [\"cqrs\"], \"identity\": \"d\", "
    "\"identity_key\": null}, \"filled\": true, \"joined\": false, \"rewrite\": 6}";

static void parsing(void **state)
{
    UNUSED(state);
    struct arena a = {0};
    struct layout_notice n;
    struct err e = ERR_INIT;
    assert_int_equal(layout_notice_parse(str_of(message), &a, &n, &e), 0);
    assert_null(n.was);
    assert_true(n.state && n.filled && !n.plain && !n.joined && !n.released);
    assert_int_equal(n.rewrite, LAYOUT_REWRITE_COLUMN | LAYOUT_REWRITE_DEFAULT);
    assert_int_equal(n.gone_count, 2);
    assert_string_equal(n.gone[0], "a > 1");
    assert_null(n.gone[1]);
    const struct layout *l = n.table;
    assert_int_equal(l->oid, 16589);
    assert_string_equal(l->name, "T \"t");
    assert_int_equal(l->key_count, 1);
    assert_int_equal(l->identity_key_count, 0);
    assert_string_equal(l->readers[0], "cqrs");
    const struct layout_column *c = layout_column_by_num(l, 3);
    assert_ptr_equal(c, layout_column_by_name(l, "v"));
    assert_string_equal(c->missing, "x");
    assert_int_equal(c->mod, 14);
    assert_null(layout_column_by_num(l, 2));
    /* cut anywhere it is no message; and these are none */
    for (size_t i = 0; i < sizeof message - 1; i++) {
        assert_int_equal(layout_notice_parse((struct str){message, i}, &a, &n, &e),
                         ERR_PROTOCOL);
    }
    static const char *const bad[] = {
        "null",
        "[]",
        "{}",
        "{\"table\": {}}",
        "{\"failed\": \"x\"}",
        "{\"table\": {\"schema\": \"s\", \"name\": \"t\", \"columns\": [{}]}}",
        "{\"table\": {\"schema\": 1, \"name\": []}}"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(layout_notice_parse(str_of(bad[i]), &a, &n, &e), ERR_PROTOCOL);
    }
    arena_fini(&a);
}

static void fitting(void **state)
{
    UNUSED(state);
    static const struct {
        const char *columns[4]; /* name, with * in front when it is key */
        uint32_t oids[4];
        size_t count;
        char identity;
        const char *reason; /* NULL: it fits */
    } relations[] = {
        {{"*id", "v"}, {23, 1043}, 2, 'd', NULL},
        {{"*id", "w"}, {23, 1043}, 2, 'd', "\"v\""},
        {{"*id"}, {23}, 1, 'd', "\"v\""},
        {{"*id", "v", "x"}, {23, 1043, 25}, 3, 'd', "\"x\" is new"},
        {{"*id", "v"}, {20, 1043}, 2, 'd', "type"},
        {{"id", "*v"}, {23, 1043}, 2, 'd', "key"},
        {{"*id", "*v"}, {23, 1043}, 2, 'f', "replica identity"},
    };
    struct arena a = {0};
    struct layout_notice n;
    assert_int_equal(layout_notice_parse(str_of(message), &a, &n, NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(relations); i++) {
        struct relation_column columns[4];
        struct relation r = {.columns = columns,
                             .column_count = relations[i].count,
                             .identity = relations[i].identity};
        char names[4][16];
        for (size_t k = 0; k < r.column_count; k++) {
            const char *name = relations[i].columns[k];
            bool key = name[0] == '*';
            snprintf(names[k], sizeof names[k], "%s", name + key);
            columns[k] = (struct relation_column){names[k], key, relations[i].oids[k],
                                                  relations[i].oids[k] == 1043 ? 14 : -1};
        }
        char reason[256] = "";
        assert_int_equal(layout_fits(n.table, &r, reason, sizeof reason),
                         relations[i].reason == NULL);
        if (relations[i].reason != NULL) {
            assert_non_null(strstr(reason, relations[i].reason));
        }
    }
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parsing), cmocka_unit_test(fitting),    cmocka_unit_test(steps),
        cmocka_unit_test(readers), cmocka_unit_test(partitions), cmocka_unit_test(widening),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
