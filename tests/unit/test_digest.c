/* test_digest.c - the statements of a comparison: ranges, names, quoting. */
#include "consumer/digest.h"
#include "pg/ident.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static char column_a[] = "t.\"a\"", column_b[] = "t.\"b\"", column_c[] = "t.\"c\"";
static char key_a[] = "\"a\"", key_b[] = "\"b\"";
static char letters[] = "pg_catalog.text", number[] = "pg_catalog.int4";
static char table_x[] = "public.x", table_y[] = "public.y";
static char filter[] = "c > 0", no_filter[] = "";
static char *columns[] = {column_a, column_b, column_c};
static char *keys[] = {key_b, key_a};
static char *types[] = {letters, number};

static const struct digest keyed = {
    .column_count = 3,
    .key_count = 2,
    .source = {table_x, filter, columns, keys, types, true},
};
static const struct digest unkeyed = {
    .column_count = 2,
    .source = {table_y, no_filter, columns, NULL, NULL, true},
};

static void expect(struct buf *sql, const char *text)
{
    assert_string_equal(buf_cstr(sql), text);
    buf_fini(sql);
}

static void ranges(void **state)
{
    UNUSED(state);
    struct buf sql = BUF_INIT;
    digest_edge(&sql, &keyed, &keyed.source, false, 100);
    expect(&sql, "SELECT t.\"b\"::text, t.\"a\"::text FROM public.x AS t WHERE (c > 0)"
                 " ORDER BY t.\"b\", t.\"a\" OFFSET 99 LIMIT 1");
    digest_edge(&sql, &keyed, &keyed.source, true, 1);
    expect(&sql,
           "SELECT t.\"b\"::text, t.\"a\"::text FROM public.x AS t WHERE (c > 0)"
           " AND (t.\"b\", t.\"a\") > ($1::text::pg_catalog.text, $2::text::pg_catalog.int4)"
           " ORDER BY t.\"b\", t.\"a\" OFFSET 0 LIMIT 1");
    digest_sum(&sql, &keyed, &keyed.source, (struct digest_range){true, true});
    expect(
        &sql,
        "SELECT count(*), coalesce(sum(hashtextextended(ROW(t.\"a\", t.\"b\", t.\"c\")::text,"
        " 0)), 0) FROM public.x AS t WHERE (c > 0)"
        " AND (t.\"b\", t.\"a\") > ($1::text::pg_catalog.text, $2::text::pg_catalog.int4)"
        " AND (t.\"b\", t.\"a\") <= ($3::text::pg_catalog.text, $4::text::pg_catalog.int4)");
    digest_sum(&sql, &keyed, &keyed.source, (struct digest_range){false, true});
    expect(
        &sql,
        "SELECT count(*), coalesce(sum(hashtextextended(ROW(t.\"a\", t.\"b\", t.\"c\")::text,"
        " 0)), 0) FROM public.x AS t WHERE (c > 0)"
        " AND (t.\"b\", t.\"a\") <= ($1::text::pg_catalog.text, $2::text::pg_catalog.int4)");
}

static void names(void **state)
{
    UNUSED(state);
    struct buf sql = BUF_INIT;
    digest_rows(&sql, &keyed, &keyed.source, false);
    expect(&sql,
           "SELECT u.parkway_n, hashtextextended(ROW(t.\"a\", t.\"b\", t.\"c\")::text, 0),"
           " format('%s/%s/%s', t.tableoid::oid, t.xmin, t.ctid),"
           " t.\"b\"::text = u.parkway_0 AND t.\"a\"::text = u.parkway_1"
           " FROM unnest($1::text[], $2::text[])"
           " WITH ORDINALITY AS u(parkway_0, parkway_1, parkway_n)"
           " JOIN public.x AS t ON t.\"b\" = u.parkway_0::pg_catalog.text"
           " AND t.\"a\" = u.parkway_1::pg_catalog.int4 WHERE (c > 0)");
    digest_groups(&sql, &unkeyed, &unkeyed.source, 63);
    expect(&sql, "SELECT h, count(*) FROM (SELECT hashtextextended(ROW(t.\"a\", t.\"b\")::text,"
                 " 0) AS h FROM public.y AS t) AS q WHERE h & 63 = ANY ($1::bigint[])"
                 " GROUP BY 1");
    assert_int_equal(digest_key_columns(&keyed), 2);
    assert_int_equal(digest_key_columns(&unkeyed), 1);
}

static void quoting(void **state)
{
    UNUSED(state);
    struct buf b = BUF_INIT;
    ident_quote(&b, "Or\"der");
    expect(&b, "\"Or\"\"der\"");
    const struct str texts[] = {STR("plain"), STR(""), STR("a\"b\\c,d}"), STR("null")};
    digest_array(&b, texts, ARRAY_LEN(texts));
    expect(&b, "{\"plain\",\"\",\"a\\\"b\\\\c,d}\",\"null\"}");
    digest_array(&b, NULL, 0);
    expect(&b, "{}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ranges), cmocka_unit_test(names),
                                       cmocka_unit_test(quoting)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
