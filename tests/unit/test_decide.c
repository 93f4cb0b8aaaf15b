/* The decision: a table of statements with the side they go to and why, then the table of what a
 * session adds (transactions, pins, freshness, health). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>

#include "router/decide.h"

#include "catalog_fixture.h"

enum { P = 'p', R = 'r', S = 's' }; /* primary; replica of any kind; a physical standby only */

struct row {
    char target;
    enum reason why;
    const char *sql;
};

static const struct row rows[] = {
    /* reads */
    {R, REASON_READ, "select 1"},
    {R, REASON_READ, "SELECT 1;"},
    {R, REASON_READ, ""},
    {R, REASON_READ, ";"},
    {R, REASON_READ, "-- nothing\n"},
    {R, REASON_READ, "values (1), (2)"},
    {R, REASON_READ, "table parking_slots"},
    {R, REASON_READ, "select * from parking_slots"},
    {R, REASON_READ, "select * from public.parking_slots where uuid = $1"},
    {R, REASON_READ, "select name from only parking_slots"},
    {R, REASON_READ, "select s.name from parking_slots as s order by 1 limit 10 offset 5"},
    {R, REASON_READ,
     "select status, count(*) from parking_slots group by status having count(*) > 1"},
    {R, REASON_READ,
     "select count(*) filter (where status = 'x') over (partition by name) from parking_slots"},
    {R, REASON_READ,
     "select row_number() over w from parking_slots window w as (order by name)"},
    {R, REASON_READ, "with t as (select * from parking_slots) select * from t"},
    {R, REASON_READ, "with parking_slots as (select 1 as a) select a from parking_slots"},
    {R, REASON_READ,
     "with recursive r(n) as (select 1 union all select n + 1 from r where n < 5) select n "
     "from r"},
    {R, REASON_READ, "select 1 union select 2 except select 3"},
    {R, REASON_READ,
     "select * from (select name from parking_slots) x, lateral (select x.name) y"},
    {R, REASON_READ,
     "select name from parking_slots where exists (select 1 from partitioned p where p.uuid = "
     "'a')"},
    {R, REASON_READ,
     "select * from parking_slots a join partitioned b using (uuid) where a.name <> b.name"},
    {R, REASON_READ, "select * from parking_slots natural join partitioned"},
    {R, REASON_READ, "select * from parking_slots tablesample bernoulli (10)"},
    {R, REASON_READ, "select * from \"Quoted Name\""},
    {R, REASON_READ, "select 이름 from 주차"},
    {R, REASON_READ, "select '주차 1', 'O''Brien', E'\\'', $$;delete from parking_slots$$"},
    {R, REASON_READ,
     "select now(), current_date, current_timestamp, localtime, current_user, session_user"},
    {R, REASON_READ,
     "select random(), clock_timestamp(), timeofday(), gen_random_uuid(), pg_sleep(0)"},
    {R, REASON_READ,
     "select extract(year from now()), now() at time zone 'utc', date_trunc('day', now())"},
    {R, REASON_READ,
     "select coalesce(null, 1), nullif(1, 2), greatest(1, 2), case when true then 1 end"},
    {R, REASON_READ,
     "select 1::int, '1'::numeric(10,2), cast('a' as text), interval '1 day', date "
     "'2020-01-01'"},
    {R, REASON_READ, "select (array[1,2])[1], row(1,2), (array[1])[1:1]"},
    {R, REASON_READ, "select g from generate_series(1, 3) g"},
    {R, REASON_READ, "select * from generate_series(1, 3) with ordinality"},
    {R, REASON_READ, "select x.a from unnest(array[1]) as x(a)"},
    {R, REASON_READ,
     "select t.name from parking_slots t where t.name ~ 'a' and t.name like 'b%' and t.name in "
     "('a', 'b')"},
    {R, REASON_READ,
     "select name from parking_slots where name between 'a' and 'b' order by name using <"},
    {R, REASON_READ, "select same_stable(1), same_immutable(2), public.same_stable(3)"},
    {R, REASON_READ, "select to_tsvector('english'::regconfig, name) from parking_slots"},
    {R, REASON_READ, "select current_setting('app.tenant', true)"},
    {R, REASON_READ, "select current_setting('TimeZone')"},
    {R, REASON_READ, "select pg_size_pretty(1)"},
    {R, REASON_READ,
     "select grouping(status), count(*) from parking_slots group by rollup (status)"},
    {R, REASON_READ, "select xmlelement(name foo, 'x')"},
    {R, REASON_READ, "select * from v_free"},
    {R, REASON_READ, "select * from v_nested"},
    {R, REASON_READ, "select r from v_random"},
    {R, REASON_READ, "select * from v_kept"},
    {R, REASON_READ, "select id from customers"},
    {R, REASON_READ, "select id from moods"},
    {R, REASON_READ, "select id from retyped"},
    {R, REASON_READ, "select * from policed_both"},
    {R, REASON_READ, "explain select * from parking_slots"},
    {R, REASON_READ, "explain (costs off, format json) select 1"},
    {R, REASON_READ, "copy parking_slots to stdout"},
    {R, REASON_READ, "copy parking_slots (uuid, name) to stdout with (format csv)"},
    {R, REASON_READ, "copy (select * from parking_slots) to stdout"},
    {R, REASON_READ, "select 1; select 2"},
    {R, REASON_READ, "/* a */ select /* insert into x */ 1 -- delete"},
    {R, REASON_READ, "select 'insert into parking_slots'"},
    {R, REASON_READ, "select status from parking_slots status"},
    /* read models: on replicas alone */
    {R, REASON_READ, "select * from order_history"},
    {R, REASON_READ,
     "select h.state from order_history h join parking_slots s on s.uuid = h.id"},
    {P, REASON_SIDES, "select 1 from order_history, v_only_primary"},
    /* writes */
    {P, REASON_WRITE, "insert into parking_slots values ('a', 'b', 'c')"},
    {P, REASON_WRITE, "insert into parking_slots select * from parking_slots"},
    {P, REASON_WRITE, "update parking_slots set name = 'x' returning *"},
    {P, REASON_WRITE, "delete from parking_slots"},
    {P, REASON_WRITE,
     "merge into parking_slots t using partitioned p on t.uuid = p.uuid when matched then "
     "delete"},
    {P, REASON_WRITE, "truncate parking_slots"},
    {P, REASON_WRITE, "create table x (a int)"},
    {P, REASON_WRITE, "create temp table x (a int)"},
    {P, REASON_WRITE, "create table x as select 1"},
    {P, REASON_WRITE, "drop table parking_slots"},
    {P, REASON_WRITE, "alter table parking_slots add column x int"},
    {P, REASON_WRITE, "create index on parking_slots (name)"},
    {P, REASON_WRITE, "refresh materialized view snap"},
    {P, REASON_WRITE, "vacuum parking_slots"},
    {P, REASON_WRITE, "analyze"},
    {P, REASON_WRITE, "reindex table parking_slots"},
    {P, REASON_WRITE, "cluster"},
    {P, REASON_WRITE, "comment on table parking_slots is 'x'"},
    {P, REASON_WRITE, "grant select on parking_slots to public"},
    {P, REASON_WRITE, "checkpoint"},
    {P, REASON_WRITE, "alter system set work_mem = '1MB'"},
    {P, REASON_WRITE, "explain insert into parking_slots values (1)"},
    {P, REASON_WRITE, "explain create table x as select 1"},
    {P, REASON_ANALYZE, "explain analyze select 1"},
    {P, REASON_ANALYZE, "explain (analyze, buffers) select 1"},
    {P, REASON_ANALYZE, "explain (analyze off) select 1"},
    {P, REASON_WRITE, "explain analyze verbose insert into parking_slots values (1)"},
    {P, REASON_LOCKING, "select * from parking_slots for update"},
    {P, REASON_LOCKING, "select * from parking_slots for no key update skip locked"},
    {P, REASON_LOCKING, "select * from parking_slots for share"},
    {P, REASON_LOCKING, "select * from parking_slots for key share nowait"},
    {P, REASON_LOCKING, "select * from (select * from parking_slots for update) x"},
    {P, REASON_LOCKING, "with t as (select * from parking_slots for update) select * from t"},
    {P, REASON_INTO, "select * into x from parking_slots"},
    {P, REASON_INTO, "select 1 into temp x"},
    {P, REASON_DML,
     "with t as (insert into parking_slots values (1) returning *) select * from t"},
    {P, REASON_DML, "with t as (update parking_slots set name = 'x' returning *) select 1"},
    {P, REASON_DML, "with t as (delete from parking_slots) select 1"},
    {P, REASON_DML,
     "with a as (select 1), b as (with c as (delete from parking_slots returning 1) select * "
     "from c) select 1"},
    {P, REASON_DML, "copy (delete from parking_slots returning *) to stdout"},
    {P, REASON_SERVER_FILE, "copy parking_slots to '/tmp/x'"},
    {P, REASON_SERVER_FILE, "copy parking_slots to program 'cat'"},
    {P, REASON_SERVER_FILE, "copy parking_slots from '/tmp/x'"},
    {P, REASON_KIND, "copy parking_slots from stdin"},
    /* functions */
    {P, REASON_FUNCTION_VOLATILE, "select nextval('seq')"},
    {P, REASON_FUNCTION_VOLATILE, "select pg_catalog.nextval('seq')"},
    {P, REASON_FUNCTION_VOLATILE, "select currval('seq')"},
    {P, REASON_FUNCTION_VOLATILE, "select lastval()"},
    {P, REASON_FUNCTION_VOLATILE, "select setval('seq', 1)"},
    {P, REASON_FUNCTION_VOLATILE, "select setseed(0.5)"},
    {P, REASON_FUNCTION_VOLATILE, "select lo_create(0)"},
    {P, REASON_FUNCTION_VOLATILE, "select lo_unlink(1)"},
    {P, REASON_FUNCTION_VOLATILE, "select lo_from_bytea(0, 'x')"},
    {P, REASON_FUNCTION_VOLATILE, "select lowrite(1, 'x')"},
    {P, REASON_FUNCTION_VOLATILE,
     "select set_config('default_transaction_read_only', 'off', false)"},
    {P, REASON_FUNCTION_VOLATILE, "select set_config('app.tenant', $1, true)"},
    {P, REASON_FUNCTION_SERVER, "select pg_notify('a', 'b')"},
    {P, REASON_FUNCTION_SERVER, "select pg_logical_emit_message(true, 'a', 'b')"},
    {P, REASON_FUNCTION_SERVER, "select pg_advisory_lock(1)"},
    {P, REASON_FUNCTION_SERVER, "select pg_advisory_xact_lock(1)"},
    {P, REASON_FUNCTION_SERVER, "select pg_try_advisory_lock(1)"},
    {P, REASON_FUNCTION_SERVER, "select pg_advisory_unlock_all()"},
    {P, REASON_FUNCTION_SERVER, "select pg_current_wal_lsn()"},
    {P, REASON_FUNCTION_SERVER, "select pg_is_in_recovery()"},
    {P, REASON_FUNCTION_SERVER, "select pg_backend_pid()"},
    {P, REASON_FUNCTION_SERVER, "select pg_stat_get_numscans(1)"},
    {P, REASON_FUNCTION_SERVER, "select * from pg_stat_get_activity(null)"},
    {P, REASON_FUNCTION_SERVER, "select pg_terminate_backend(1)"},
    {P, REASON_FUNCTION_SERVER, "select pg_switch_wal()"},
    {P, REASON_FUNCTION_SERVER, "select txid_current()"},
    {P, REASON_FUNCTION_SERVER, "select pg_current_xact_id()"},
    {P, REASON_FUNCTION_SERVER, "select inet_server_addr()"},
    {P, REASON_FUNCTION_SERVER, "select inet_client_addr()"},
    {P, REASON_FUNCTION_SERVER, "select version()"},
    {P, REASON_FUNCTION_SERVER, "select current_database()"},
    {P, REASON_FUNCTION_SERVER, "select has_table_privilege('parking_slots', 'select')"},
    {P, REASON_FUNCTION_SERVER, "select pg_typeof(1)"},
    {P, REASON_FUNCTION_SERVER, "select current_setting('port')"},
    {P, REASON_FUNCTION_SERVER, "select current_setting('transaction_read_only')"},
    {P, REASON_FUNCTION_SERVER, "select current_setting(name) from parking_slots"},
    {P, REASON_FUNCTION_SERVER, "select pg_relation_size('parking_slots')"},
    {P, REASON_FUNCTION_SERVER, "select to_regclass('parking_slots')"},
    {S, REASON_FUNCTION_SERVER, "select regclass('parking_slots')"},
    {P, REASON_FUNCTION_VOLATILE, "select query_to_xml('select 1', true, true, '')"},
    {P, REASON_FUNCTION_VOLATILE, "select * from ts_stat('select 1')"},
    {P, REASON_FUNCTION_VOLATILE, "select current_query()"},
    {P, REASON_DATABASE_NAME, "select current_catalog"},
    {P, REASON_DATABASE_NAME, "select current_schema"},
    {P, REASON_FUNCTION_VOLATILE,
     "select * from dblink('dbname=x', 'delete from y') as t(a int)"},
    {P, REASON_FUNCTION_VOLATILE, "select mixed(1)"},
    {P, REASON_FUNCTION_VOLATILE, "select lower('X')"},
    {R, REASON_READ, "select pg_catalog.lower('X')"},
    {P, REASON_FUNCTION_VOLATILE, "select touch(1)"},
    {P, REASON_FUNCTION_VOLATILE, "select name from parking_slots where touch(1) = 1"},
    {P, REASON_FUNCTION_VOLATILE, "select name from parking_slots order by touch(1)"},
    {P, REASON_FUNCTION_VOLATILE, "select name from parking_slots limit touch(1)"},
    {P, REASON_FUNCTION_VOLATILE,
     "select count(*) filter (where touch(1) = 1) from parking_slots"},
    {P, REASON_FUNCTION_VOLATILE,
     "select * from parking_slots s join lateral touch(2) on true"},
    {P, REASON_FUNCTION_VOLATILE, "values (touch(1))"},
    {P, REASON_FUNCTION_VOLATILE, "copy (select touch(1)) to stdout"},
    {P, REASON_FUNCTION_VOLATILE, "explain select touch(1)"},
    {P, REASON_FUNCTION_VOLATILE, "select s.touch from parking_slots s"},
    {P, REASON_FUNCTION_VOLATILE, "select (s).touch from parking_slots s"},
    {P, REASON_FUNCTION_SETS, "select stable_setter()"},
    {P, REASON_FUNCTION_VOLATILE, "select volatile_setter()"},
    {R, REASON_READ,
     "select stable_liar()"}, /* STABLE by the catalogue: the guard catches it */
    {P, REASON_FUNCTION_UNKNOWN, "select no_such_function(1)"},
    {P, REASON_FUNCTION_UNKNOWN, "select hidden()"},
    {R, REASON_READ, "select app.hidden()"},
    {P, REASON_FUNCTION_UNKNOWN, "select pg_temp.f()"},
    {S, REASON_FUNCTION_DIFFERS, "select only_primary()"},
    {S, REASON_FUNCTION_DIFFERS, "select other_arguments()"},
    {S, REASON_TYPE_USER, "select mood_of(1)"},
    /* operators, casts, types */
    {P, REASON_OPERATOR_VOLATILE, "select 1 <+> 2"},
    {P, REASON_OPERATOR_VOLATILE, "select 1 operator(public.<+>) 2"},
    {P, REASON_OPERATOR_VOLATILE, "select 1 <+> any (select 2)"},
    {S, REASON_TYPE_USER, "select 1 <-> 2"},
    {S, REASON_OPERATOR_DIFFERS, "select 1 <=! 2"},
    {P, REASON_CAST_VOLATILE, "select 'x'::loud"},
    {S, REASON_TYPE_USER, "select 'happy'::mood"},
    {S, REASON_TYPE_USER, "select cast(null as public.mood[])"},
    {S, REASON_TYPE_USER, "select null::parking_slots"},
    {P, REASON_TYPE_UNKNOWN, "select 'x'::nosuch"},
    {S, REASON_CAST_OID, "select 'parking_slots'::regclass"},
    {S, REASON_CAST_OID, "select 1::regtype"},
    {S, REASON_CAST_OID, "select regclass 'parking_slots'"},
    {S, REASON_CAST_OID,
     "select name from parking_slots where 'a'::pg_catalog.regproc is null"},
    {S, REASON_TYPE_USER, "select m from moods"},
    {S, REASON_TYPE_USER, "select * from moods"},
    {S, REASON_TYPE_USER, "select count(*) from moods where m = 'a'"},
    {S, REASON_TYPE_USER, "select p from parking_slots p"},
    {S, REASON_TYPE_USER, "select parking_slots from parking_slots"},
    {S, REASON_TYPE_USER, "select row_to_json(s) from parking_slots s"},
    {S, REASON_SYSTEM_COLUMN, "select ctid from parking_slots"},
    {S, REASON_SYSTEM_COLUMN, "select s.xmin from parking_slots s"},
    {S, REASON_SYSTEM_COLUMN, "select name from parking_slots where tableoid = 1"},
    /* relations */
    {P, REASON_SYSTEM_RELATION, "select * from pg_class"},
    {P, REASON_SYSTEM_RELATION, "select * from pg_catalog.pg_class"},
    {P, REASON_SYSTEM_RELATION, "select * from pg_stat_activity"},
    {P, REASON_SYSTEM_RELATION, "select * from pg_settings"},
    {P, REASON_SYSTEM_RELATION, "select * from information_schema.tables"},
    {P, REASON_SYSTEM_RELATION, "select * from parkway.relay"},
    {P, REASON_SYSTEM_RELATION, "select * from pg_toast.pg_toast_1"},
    {P, REASON_TEMP, "select * from pg_temp.x"},
    {P, REASON_TEMP, "select * from pg_temp_3.x"},
    {P, REASON_SEQUENCE, "select last_value from seq"},
    {P, REASON_FOREIGN, "select * from far"},
    {P, REASON_RELATION_UNKNOWN, "select * from nosuch"},
    {P, REASON_RELATION_UNKNOWN, "select * from nosuch.parking_slots"},
    {P, REASON_RELATION_UNKNOWN, "select * from only_app"},
    {R, REASON_READ, "select * from app.only_app"},
    {P, REASON_RELATION_UNKNOWN, "select * from \"Parking_Slots\""},
    {P, REASON_RELATION_UNKNOWN, "with nosuch as (select * from nosuch) select * from nosuch"},
    {P, REASON_RELATION_UNKNOWN,
     "with a as (select * from b), b as (select 1) select * from a"},
    {P, REASON_RELATION_UNKNOWN, "select * from t, (with t as (select 1) select * from t) x"},
    {S, REASON_RELATION_MISSING, "select * from only_primary"},
    {S, REASON_RELATION_MISSING, "select uuid from v_only_primary"},
    {S, REASON_RELATION_NOT_CAPTURED, "select * from not_captured"},
    {S, REASON_RELATION_NOT_CAPTURED, "select * from snap"},
    {S, REASON_RELATION_NOT_CAPTURED, "select * from not_kept"},
    {S, REASON_RELATION_NOT_CAPTURED, "select * from v_not_kept"},
    {S, REASON_ROW_SECURITY, "select * from policed"},
    {S, REASON_RELATION_DIFFERS, "select * from customers"},
    {S, REASON_RELATION_DIFFERS, "select c.* from customers c"},
    {S, REASON_COLUMN_DIFFERS, "select card from customers"},
    {S, REASON_RELATION_DIFFERS, "copy customers to stdout"},
    {S, REASON_RELATION_DIFFERS, "select x from customers as t(x)"},
    {S, REASON_COLUMN_DIFFERS, "select n from retyped"},
    {P, REASON_VIEW, "select * from v_seq"},
    {P, REASON_VIEW, "select * from v_over_seq"},
    {P, REASON_VIEW, "select * from v_touch"},
    {P, REASON_VIEW, "select * from v_system"},
    {S, REASON_VIEW, "select * from v_ctid"},
    {S, REASON_VIEW, "select * from v_not_captured"},
    /* everything else */
    {P, REASON_KIND, "show server_version"},
    {P, REASON_KIND, "show all"},
    {P, REASON_KIND, "set timezone = 'utc'"},
    {P, REASON_KIND, "set local timezone = 'utc'"},
    {P, REASON_KIND, "reset all"},
    {P, REASON_KIND, "discard all"},
    {P, REASON_KIND, "listen a"},
    {P, REASON_KIND, "unlisten *"},
    {P, REASON_KIND, "notify a"},
    {P, REASON_KIND, "lock table parking_slots"},
    {P, REASON_KIND, "load 'x'"},
    {P, REASON_KIND, "do $$ begin end $$"},
    {P, REASON_KIND, "call p()"},
    {P, REASON_KIND, "prepare a as select 1"},
    {P, REASON_KIND, "execute a"},
    {P, REASON_KIND, "deallocate a"},
    {P, REASON_KIND, "declare c cursor for select 1"},
    {P, REASON_KIND, "declare c cursor with hold for select 1"},
    {P, REASON_KIND, "fetch 1 from c"},
    {P, REASON_KIND, "close c"},
    {P, REASON_KIND, "commit"},
    {P, REASON_KIND, "savepoint a"},
    {P, REASON_KIND, "prepare transaction 'x'"},
    {P, REASON_KIND, "set transaction read write"},
    {P, REASON_KIND, "set session characteristics as transaction read write"},
    {P, REASON_KIND, "begin; select 1; commit"},
    {P, REASON_KIND, "begin read write; select 1; commit"},
    {P, REASON_WRITE, "select 1; insert into parking_slots values (1)"},
    {P, REASON_WRITE, "select 1; select 2; delete from parking_slots; select 3"},
    {P, REASON_FUNCTION_VOLATILE, "select 1; select nextval('seq')"},
    {P, REASON_UNKNOWN, "selec 1"},
    {P, REASON_UNKNOWN, "select 'unterminated"},
    {P, REASON_UNKNOWN, "select 1 /* unterminated"},
    {P, REASON_UNKNOWN, "{call p()}"},
    {P, REASON_UNKNOWN, "\\d"},
    {P, REASON_UNKNOWN, "select 1 \xff\xfe from"},
};

static struct catalog *catalog;

static struct decide_input base_input(const struct classification *text,
                                      const struct judge_verdict *v,
                                      const struct decide_replica *replicas)
{
    return (struct decide_input){.text = text,
                                 .verdict = v,
                                 .level = DECIDE_SESSION,
                                 .position_known = true,
                                 .primary_up = true,
                                 .tx_modes = {.read_only = -1},
                                 .replicas = replicas,
                                 .replica_count = 1};
}

/* False, with a line that says what happened, when a row is not as written. */
static bool run_row(const struct row *r, struct judge_scope *scope)
{
    bool good = true;
    struct classification *c = classify_parse(str_of(r->sql));
    struct decide_replica replica = {
        .up = true, .login = true, .fresh = true, .side = 1, .weight = 1};
    struct judge_verdict v;
    struct decide_input in = base_input(c, &v, &replica);
    struct decide_output out;
    char text[REASON_TEXT_MAX];

    judge(c, catalog, scope, &v);
    decide(&in, &out);
    if ((out.target == DECIDE_REPLICA) != (r->target == R)) {
        print_error("%s: went to %s: %s\n", r->sql, decide_target_text(out.target),
                    reason_text(out.why, out.detail, text));
        good = false;
    }
    if (r->target != R && out.why != r->why) {
        print_error("%s: because %s\n", r->sql, reason_text(out.why, out.detail, text));
        good = false;
    }
    replica.side = 0;
    decide(&in, &out);
    if ((out.target == DECIDE_REPLICA) !=
        (r->target == S || (r->target == R && !v.replica_only))) {
        print_error("%s: by the rules of a standby, %s: %s\n", r->sql,
                    decide_target_text(out.target), reason_text(out.why, out.detail, text));
        good = false;
    }
    classify_unref(c);
    return good;
}

static void statements(void **state)
{
    struct judge_scope scope;
    size_t bad = 0;

    (void)state;
    assert_true(ARRAY_LEN(rows) >= 150);
    judge_scope_init(&scope, "cqrs");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        bad += run_row(&rows[i], &scope) ? 0 : 1;
    }
    judge_scope_fini(&scope);
    assert_int_equal(bad, 0);
}

static uint32_t sides_of(const char *sql, const struct judge_scope *scope, enum reason *why)
{
    struct classification *c = classify_parse(str_of(sql));
    struct judge_verdict v;

    judge(c, catalog, scope, &v);
    classify_unref(c);
    if (why != NULL) {
        *why = v.why;
    }
    return v.sides;
}

static void search_path(void **state)
{
    struct judge_scope s;
    enum reason why;
    uint64_t id;

    (void)state;
    judge_scope_init(&s, "app");
    /* "$user" is app: its tables come first, and one that is only there on the replica differs */
    assert_int_equal(sides_of("select * from parking_slots", &s, NULL), 3);
    assert_int_equal(sides_of("select hidden()", &s, NULL), 3);
    assert_int_equal(sides_of("select * from only_primary", &s, &why), 1);
    assert_int_equal(why, REASON_RELATION_MISSING);
    id = s.id;
    judge_scope_path(&s, STR("public , \"App\", pg_catalog"));
    assert_int_not_equal(s.id, id);
    assert_int_equal(s.schema_count, 3);
    assert_true(str_eq(s.schemas[1], STR("App")));
    assert_true(str_eq(s.schemas[2], STR("pg_catalog")));
    assert_int_equal(sides_of("select hidden()", &s, NULL), 0);
    judge_scope_path(&s, STR("\"a\"\"b\""));
    assert_true(str_eq(s.schemas[1], STR("a\"b")));
    assert_int_equal(sides_of("select * from parking_slots", &s, &why), 0);
    assert_int_equal(why, REASON_RELATION_UNKNOWN);
    assert_int_equal(sides_of("select 1", &s, NULL), 3);
    judge_scope_path(&s, STR("information_schema, public"));
    assert_int_equal(sides_of("select * from parking_slots", &s, &why), 0);
    assert_int_equal(why, REASON_SYSTEM_RELATION);
    assert_int_equal(sides_of("select * from public.parking_slots", &s, NULL), 3);
    judge_scope_path(&s, STR(""));
    assert_int_equal(sides_of("select now()", &s, NULL), 3);
    judge_scope_path(&s, STR("\"unterminated"));
    judge_scope_path(
        &s, STR("a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w,x,y,z,a1,b1,c1,d1,e1,f1,g1,h1"));
    assert_int_equal(sides_of("select * from parking_slots", &s, NULL), 0);
    judge_scope_fini(&s);
}

static void temporary_names(void **state)
{
    struct judge_scope s;
    enum reason why;
    struct classification *c;

    (void)state;
    judge_scope_init(&s, "cqrs");
    c = classify_parse(
        STR("create temp table parking_slots as select 1; create temporary view w as "
            "select 1; select 1 into temp z; create table pg_temp.q (a int); "
            "create temp sequence sq"));
    judge_scope_temps(&s, c);
    classify_unref(c);
    assert_int_equal(s.temp_count, 5);
    assert_int_equal(sides_of("select * from parking_slots", &s, &why), 0);
    assert_int_equal(why, REASON_TEMP);
    assert_int_equal(sides_of("select * from w", &s, &why), 0);
    assert_int_equal(why, REASON_TEMP);
    assert_int_equal(sides_of("select * from q", &s, &why), 0);
    assert_int_equal(why, REASON_TEMP);
    assert_int_equal(sides_of("select * from public.parking_slots", &s, NULL), 3);
    judge_scope_no_temps(&s);
    assert_int_equal(sides_of("select * from parking_slots", &s, NULL), 3);
    for (int i = 0; i < JUDGE_TEMPS_MAX + 1; i++) {
        c = classify_parse(STR("create temp table t (a int)"));
        judge_scope_temps(&s, c);
        classify_unref(c);
    }
    assert_int_equal(sides_of("select * from parking_slots", &s, NULL), 0);
    judge_scope_fini(&s);
}

static void hazards(void **state)
{
    struct judge_scope s;
    enum reason why;
    struct catalog *c = fixture_catalog(1);
    struct catalog *keep = catalog;
    struct classification *t;
    struct judge_verdict v;

    (void)state;
    judge_scope_init(&s, "cqrs");
    t = classify_parse(STR("select 1"));
    judge(t, NULL, &s, &v);
    assert_int_equal(v.sides, 0);
    assert_int_equal(v.why, REASON_NO_CATALOG);
    classify_unref(t);
    catalog_set_poison(c, STR("implicit cast from a to b uses a volatile function"));
    catalog_set_trigger_sets(c);
    catalog = c;
    assert_int_equal(sides_of("select 1", &s, &why), 0);
    assert_int_equal(why, REASON_POISON);
    t = classify_parse(STR("insert into parking_slots values (1)"));
    judge(t, catalog, &s, &v);
    assert_true(v.pins & PIN_SETTER);
    classify_unref(t);
    catalog = keep;
    catalog_unref(c);
    judge_scope_fini(&s);
}

static void settings(void **state)
{
    static const struct {
        const char *role, *name, *primary, *replica; /* NULL: not set there */
        uint32_t sides;
        enum reason why;
    } cases[] = {
        {"*", "timezone", "UTC", "UTC", 3, REASON_READ},
        {"*", "timezone", "UTC", "Asia/Seoul", 1, REASON_SETTING_DIFFERS},
        {"cqrs", "timezone", "UTC", NULL, 1, REASON_SETTING_DIFFERS},
        {"cqrs@", "datestyle", NULL, "German", 1, REASON_SETTING_DIFFERS},
        {"@", "app.tenant", "1", "2", 1, REASON_SETTING_DIFFERS},
        {"other", "timezone", "UTC", NULL, 3, REASON_READ},
        {"cqrs2", "timezone", "UTC", NULL, 3, REASON_READ},
        {"*", "search_path", "\"$user\", public", "\"$user\", public", 3, REASON_READ},
        {"cqrs", "search_path", "app", "app", 0, REASON_OWN_PATH},
        {"", "search_path", "app", "app", 0, REASON_OWN_PATH},
        {"*", "default_transaction_isolation", "serializable", "serializable", 0,
         REASON_PIN_SERIALIZABLE},
    };
    struct catalog *keep = catalog;
    struct judge_scope s;
    enum reason why;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct catalog *c = fixture_catalog(1);

        judge_scope_init(&s, "cqrs");
        for (size_t side = 0; side < 2; side++) {
            const char *value = side == 0 ? cases[i].primary : cases[i].replica;

            if (value != NULL) {
                catalog_add_setting(c, side,
                                    &(struct catalog_setting){str_of(cases[i].role),
                                                              str_of(cases[i].name),
                                                              str_of(value)});
            }
        }
        catalog = c;
        assert_int_equal(sides_of("select * from parking_slots", &s, &why), cases[i].sides);
        assert_int_equal(why, cases[i].why);
        if (why == REASON_OWN_PATH) { /* the session says its own */
            judge_scope_path(&s, STR("public"));
            assert_int_equal(sides_of("select * from parking_slots", &s, NULL), 3);
        }
        judge_scope_fini(&s);
        catalog_unref(c);
    }
    catalog = keep;
}

static void pins_of(const char *sql, uint32_t pins, uint32_t clear)
{
    struct judge_scope s;
    struct classification *c = classify_parse(str_of(sql));
    struct judge_verdict v;

    judge_scope_init(&s, "cqrs");
    judge(c, catalog, &s, &v);
    if (v.pins != pins || v.pins_clear != clear) {
        print_error("%s: pins %x, clears %x\n", sql, v.pins, v.pins_clear);
        fail();
    }
    classify_unref(c);
    judge_scope_fini(&s);
}

static void pins(void **state)
{
    (void)state;
    pins_of("select 1", 0, 0);
    pins_of("create temp table x (a int)", PIN_TEMP, 0);
    pins_of("listen a", PIN_LISTEN, 0);
    pins_of("unlisten a", 0, 0);
    pins_of("unlisten *", 0, PIN_LISTEN);
    pins_of("select pg_advisory_lock(1)", PIN_ADVISORY, 0);
    pins_of("select pg_advisory_xact_lock(1)", 0, 0);
    pins_of("declare c cursor with hold for select 1", PIN_HOLD, 0);
    pins_of("declare c cursor for select 1", 0, 0);
    pins_of("close all", 0, PIN_HOLD);
    pins_of("select nextval('seq')", PIN_SEQUENCE, 0);
    pins_of("insert into parking_slots values (nextval('seq'))", PIN_SEQUENCE, 0);
    pins_of("select setseed(1)", PIN_SEED, 0);
    pins_of("load 'x'", PIN_LOAD, 0);
    pins_of("prepare a as select 1", PIN_PREPARED, 0);
    pins_of("prepare a as select set_config('a.b', 'x', false)", PIN_PREPARED | PIN_SETTER, 0);
    pins_of("deallocate all", 0, PIN_PREPARED);
    pins_of("do $$ begin end $$", PIN_SETTER, 0);
    pins_of("call nosuch()", PIN_SETTER, 0);
    pins_of("call same_stable()", 0, 0);
    pins_of("call volatile_setter()", PIN_SETTER, 0);
    pins_of("select volatile_setter()", PIN_SETTER, 0);
    pins_of("select set_config('a.b', 'c', false)", 0, 0);
    pins_of("select set_config('a.b', $1, false)", PIN_SETTER, 0);
    pins_of("select set_config('a.b', $1, true)", 0, 0);
    pins_of("select set_config(name, 'x', false) from parking_slots", PIN_SETTER, 0);
    pins_of("set role x", PIN_ROLE, 0);
    pins_of("set role none", 0, PIN_ROLE);
    pins_of("set local role x", 0, 0);
    pins_of("set local role none", 0, 0);
    pins_of("select set_config('role', 'x', true)", 0, 0);
    pins_of("set local standard_conforming_strings = off", PIN_SYNTAX, 0);
    pins_of("reset role", 0, PIN_ROLE);
    pins_of("select set_config('role', 'x', false)", PIN_ROLE, 0);
    pins_of("set session authorization x", PIN_ROLE, 0);
    pins_of("reset session authorization", 0, PIN_ROLE);
    pins_of("set standard_conforming_strings = off", PIN_SYNTAX, 0);
    pins_of("set standard_conforming_strings = on", 0, PIN_SYNTAX);
    pins_of("set client_encoding = 'SJIS'", PIN_SYNTAX, 0);
    pins_of("set names 'utf8'", 0, PIN_SYNTAX);
    pins_of("set default_transaction_isolation = serializable", PIN_SERIALIZABLE, 0);
    pins_of("set default_transaction_isolation = 'read committed'", 0, PIN_SERIALIZABLE);
    pins_of("set session characteristics as transaction isolation level serializable",
            PIN_SERIALIZABLE, 0);
    pins_of("reset all", 0, PIN_SYNTAX | PIN_SERIALIZABLE);
    pins_of("discard temp", 0, PIN_TEMP);
    pins_of("discard all", 0, ~0u);
    pins_of("do ''; discard all", 0, ~0u);
    pins_of("discard all; do ''", PIN_SETTER, ~(uint32_t)PIN_SETTER);
}

/* ---- what the session adds ---- */

struct session_row {
    const char *name;
    const char *sql;
    enum decide_target target;
    enum reason why;
    struct decide_input in; /* the fields that differ from base_input's */
    struct decide_replica replica;
};

#define REPLICA_OK                                                                             \
    {                                                                                          \
        .up = true, .login = true, .fresh = true, .side = 1, .weight = 1                       \
    }
#define UP             .primary_up = true, .position_known = true, .level = DECIDE_SESSION
#define MODES(ro, iso) .tx_modes = {.read_only = (ro), .isolation = (iso)}
#define READ           "select * from parking_slots"
#define VIEW           "select * from order_history"
#define INSERT         "insert into parking_slots values (1)"

static const struct session_row session_rows[] = {
    {"begin", "begin", DECIDE_ROUTER, REASON_DEFERRED, {UP}, REPLICA_OK},
    {"begin read write", "begin read write", DECIDE_ROUTER, REASON_DEFERRED, {UP}, REPLICA_OK},
    {"begin, primary down",
     "begin",
     DECIDE_ROUTER,
     REASON_DEFERRED,
     {.primary_up = false},
     REPLICA_OK},
    {"commit of a deferred",
     "commit",
     DECIDE_ROUTER,
     REASON_DEFERRED,
     {UP, .tx = DECIDE_TX_DEFERRED, MODES(-1, 0)},
     REPLICA_OK},
    {"rollback of a deferred",
     "rollback",
     DECIDE_ROUTER,
     REASON_DEFERRED,
     {UP, .tx = DECIDE_TX_DEFERRED, MODES(1, 0)},
     REPLICA_OK},
    {"read in a plain transaction",
     READ,
     DECIDE_PRIMARY,
     REASON_TX_READ_WRITE,
     {UP, .tx = DECIDE_TX_DEFERRED, MODES(-1, 0)},
     REPLICA_OK},
    {"read in READ WRITE",
     READ,
     DECIDE_PRIMARY,
     REASON_TX_READ_WRITE,
     {UP, .tx = DECIDE_TX_DEFERRED, MODES(0, 0)},
     REPLICA_OK},
    {"read in READ ONLY",
     READ,
     DECIDE_REPLICA,
     REASON_FRESH,
     {UP, .tx = DECIDE_TX_DEFERRED, MODES(1, 0)},
     REPLICA_OK},
    {"read in REPEATABLE READ READ ONLY",
     READ,
     DECIDE_REPLICA,
     REASON_FRESH,
     {UP, .tx = DECIDE_TX_DEFERRED, MODES(1, CLASSIFY_ISO_REPEATABLE_READ)},
     REPLICA_OK},
    {"read in SERIALIZABLE READ ONLY",
     READ,
     DECIDE_PRIMARY,
     REASON_TX_SERIALIZABLE,
     {UP, .tx = DECIDE_TX_DEFERRED, MODES(1, CLASSIFY_ISO_SERIALIZABLE)},
     REPLICA_OK},
    {"SET TRANSACTION READ WRITE first",
     "set transaction read write",
     DECIDE_PRIMARY,
     REASON_KIND,
     {UP, .tx = DECIDE_TX_DEFERRED, MODES(1, 0)},
     REPLICA_OK},
    {"write first in READ ONLY",
     INSERT,
     DECIDE_PRIMARY,
     REASON_WRITE,
     {UP, .tx = DECIDE_TX_DEFERRED, MODES(1, 0)},
     REPLICA_OK},
    {"savepoint first in READ ONLY",
     "savepoint a",
     DECIDE_REPLICA,
     REASON_FRESH,
     {UP, .tx = DECIDE_TX_DEFERRED, MODES(1, 0)},
     REPLICA_OK},
    {"savepoint first in READ WRITE",
     "savepoint a",
     DECIDE_PRIMARY,
     REASON_KIND,
     {UP, .tx = DECIDE_TX_DEFERRED, MODES(0, 0)},
     REPLICA_OK},
    {"cursor first in READ ONLY",
     "declare c cursor for select * from parking_slots",
     DECIDE_REPLICA,
     REASON_FRESH,
     {UP, .tx = DECIDE_TX_DEFERRED, MODES(1, 0)},
     REPLICA_OK},
    {"a transaction refused before",
     READ,
     DECIDE_PRIMARY,
     REASON_TX_RETRY,
     {UP, .tx = DECIDE_TX_DEFERRED, MODES(1, 0), .retry_primary = true},
     REPLICA_OK},
    {"begin inside a deferred",
     "begin",
     DECIDE_ROUTER,
     REASON_DEFERRED,
     {UP, .tx = DECIDE_TX_DEFERRED, MODES(1, 0)},
     REPLICA_OK},
    {"read in the primary's transaction",
     READ,
     DECIDE_PRIMARY,
     REASON_TX_PRIMARY,
     {UP, .tx = DECIDE_TX_PRIMARY},
     REPLICA_OK},
    {"commit in the primary's transaction",
     "commit",
     DECIDE_PRIMARY,
     REASON_TX_PRIMARY,
     {UP, .tx = DECIDE_TX_PRIMARY},
     REPLICA_OK},
    {"read in the replica's",
     READ,
     DECIDE_REPLICA,
     REASON_TX_REPLICA,
     {UP, .tx = DECIDE_TX_REPLICA, .tx_read_committed = true},
     REPLICA_OK},
    {"commit in the replica's",
     "commit",
     DECIDE_REPLICA,
     REASON_TX_REPLICA,
     {UP, .tx = DECIDE_TX_REPLICA},
     REPLICA_OK},
    {"rollback to in the replica's",
     "rollback to a",
     DECIDE_REPLICA,
     REASON_TX_REPLICA,
     {UP, .tx = DECIDE_TX_REPLICA, .tx_failed = true, .tx_holds = true},
     REPLICA_OK},
    {"read in the replica's, failed",
     READ,
     DECIDE_REPLICA,
     REASON_TX_REPLICA,
     {UP, .tx = DECIDE_TX_REPLICA, .tx_failed = true},
     REPLICA_OK},
    {"set in the replica's, failed",
     "set a.b = 1",
     DECIDE_ERROR,
     REASON_TX_FAILED,
     {UP, .tx = DECIDE_TX_REPLICA, .tx_failed = true},
     REPLICA_OK},
    {"begin in the replica's, failed",
     "begin",
     DECIDE_ERROR,
     REASON_TX_FAILED,
     {UP, .tx = DECIDE_TX_REPLICA, .tx_failed = true},
     REPLICA_OK},
    {"end and more in the replica's, failed",
     "rollback; set a.b = 1",
     DECIDE_MOVE,
     REASON_TX_MOVED,
     {UP, .tx = DECIDE_TX_REPLICA, .tx_failed = true, .tx_holds = true, .end_first = true},
     REPLICA_OK},
    {"fetch in the replica's",
     "fetch all from c",
     DECIDE_REPLICA,
     REASON_TX_REPLICA,
     {UP, .tx = DECIDE_TX_REPLICA, .tx_holds = true},
     REPLICA_OK},
    {"begin in the replica's",
     "begin",
     DECIDE_ROUTER,
     REASON_ROUTER,
     {UP, .tx = DECIDE_TX_REPLICA},
     REPLICA_OK},
    {"no read, READ COMMITTED",
     "select nextval('seq')",
     DECIDE_MOVE,
     REASON_TX_MOVED,
     {UP, .tx = DECIDE_TX_REPLICA, .tx_read_committed = true},
     REPLICA_OK},
    {"SET TRANSACTION READ WRITE",
     "set transaction read write",
     DECIDE_MOVE,
     REASON_TX_MOVED,
     {UP, .tx = DECIDE_TX_REPLICA, .tx_read_committed = true},
     REPLICA_OK},
    {"set_config",
     "select set_config('default_transaction_read_only', 'off', false)",
     DECIDE_MOVE,
     REASON_TX_MOVED,
     {UP, .tx = DECIDE_TX_REPLICA, .tx_read_committed = true},
     REPLICA_OK},
    {"no read, with a portal",
     "select nextval('seq')",
     DECIDE_REFUSE,
     REASON_TX_CANNOT_MOVE,
     {UP, .tx = DECIDE_TX_REPLICA, .tx_read_committed = true, .tx_holds = true},
     REPLICA_OK},
    {"no read, REPEATABLE READ",
     "select nextval('seq')",
     DECIDE_REFUSE,
     REASON_TX_CANNOT_MOVE,
     {UP, .tx = DECIDE_TX_REPLICA},
     REPLICA_OK},
    {"no read, primary down",
     "select nextval('seq')",
     DECIDE_ERROR,
     REASON_PRIMARY_DOWN,
     {.tx = DECIDE_TX_REPLICA, .tx_read_committed = true},
     REPLICA_OK},
    {"refused before, in the replica's",
     READ,
     DECIDE_MOVE,
     REASON_TX_MOVED,
     {UP, .tx = DECIDE_TX_REPLICA, .tx_read_committed = true},
     {.up = true, .login = true, .side = 1, .weight = 1, .refused = true}},
    {"cursor outside a transaction",
     "declare c cursor for select 1",
     DECIDE_PRIMARY,
     REASON_KIND,
     {UP},
     REPLICA_OK},
    /* pins */
    {"setter", READ, DECIDE_PRIMARY, REASON_PIN_SETTER, {UP, .pins = PIN_SETTER}, REPLICA_OK},
    {"role", READ, DECIDE_PRIMARY, REASON_PIN_ROLE, {UP, .pins = PIN_ROLE}, REPLICA_OK},
    {"syntax", READ, DECIDE_PRIMARY, REASON_PIN_SYNTAX, {UP, .pins = PIN_SYNTAX}, REPLICA_OK},
    {"serializable",
     READ,
     DECIDE_PRIMARY,
     REASON_PIN_SERIALIZABLE,
     {UP, .pins = PIN_SERIALIZABLE},
     REPLICA_OK},
    {"seed, random",
     "select random()",
     DECIDE_PRIMARY,
     REASON_PIN_SEED,
     {UP, .pins = PIN_SEED},
     REPLICA_OK},
    {"seed, other", READ, DECIDE_REPLICA, REASON_FRESH, {UP, .pins = PIN_SEED}, REPLICA_OK},
    {"temp, listen, lock",
     READ,
     DECIDE_REPLICA,
     REASON_FRESH,
     {UP, .pins = PIN_TEMP | PIN_LISTEN | PIN_ADVISORY | PIN_HOLD},
     REPLICA_OK},
    {"DDL a moment ago", READ, DECIDE_PRIMARY, REASON_SHAPED, {UP, .shaped = true}, REPLICA_OK},
    {"asked for the primary",
     READ,
     DECIDE_PRIMARY,
     REASON_USER,
     {UP, .session_primary = true},
     REPLICA_OK},
    {"parameter of a user type",
     READ,
     DECIDE_PRIMARY,
     REASON_PARAMETER_TYPE,
     {UP, .user_parameters = true},
     REPLICA_OK},
    {"parameter of a user type, standby",
     READ,
     DECIDE_REPLICA,
     REASON_FRESH,
     {UP, .user_parameters = true},
     {.up = true, .login = true, .fresh = true, .side = 0, .weight = 1}},
    /* freshness */
    {"fresh", READ, DECIDE_REPLICA, REASON_FRESH, {UP}, REPLICA_OK},
    {"dirty",
     READ,
     DECIDE_ASK,
     REASON_ASKING,
     {.primary_up = true, .level = DECIDE_SESSION, .dirty = true},
     REPLICA_OK},
    {"dirty but known", READ, DECIDE_REPLICA, REASON_FRESH, {UP, .dirty = true}, REPLICA_OK},
    {"dirty, primary down",
     READ,
     DECIDE_ERROR,
     REASON_PRIMARY_DOWN,
     {.primary_up = false, .level = DECIDE_SESSION, .dirty = true},
     REPLICA_OK},
    {"behind",
     READ,
     DECIDE_WAIT,
     REASON_WAITING,
     {UP},
     {.up = true, .login = true, .side = 1, .weight = 1}},
    {"behind, waited",
     READ,
     DECIDE_PRIMARY,
     REASON_STALE,
     {UP, .wait_over = true},
     {.up = true, .login = true, .side = 1, .weight = 1}},
    {"behind, waited, primary down",
     READ,
     DECIDE_ERROR,
     REASON_STALE,
     {.position_known = true, .level = DECIDE_SESSION, .wait_over = true},
     {.up = true, .login = true, .side = 1, .weight = 1}},
    {"eventual",
     READ,
     DECIDE_REPLICA,
     REASON_EVENTUAL,
     {.primary_up = true, .dirty = true},
     {.up = true, .login = true, .side = 1, .weight = 1}},
    {"other epoch", READ, DECIDE_PRIMARY, REASON_EPOCH, {UP, .other_epoch = true}, REPLICA_OK},
    /* health */
    {"replica down",
     READ,
     DECIDE_PRIMARY,
     REASON_NO_REPLICA,
     {UP},
     {.login = true, .fresh = true, .side = 1, .weight = 1}},
    {"replica down, error wanted",
     READ,
     DECIDE_ERROR,
     REASON_NO_REPLICA,
     {UP, .no_replica_error = true},
     {.login = true, .fresh = true, .side = 1, .weight = 1}},
    {"both down",
     READ,
     DECIDE_ERROR,
     REASON_PRIMARY_DOWN,
     {.position_known = true},
     {.login = true, .side = 1, .weight = 1}},
    {"no login",
     READ,
     DECIDE_PRIMARY,
     REASON_NO_LOGIN,
     {UP},
     {.up = true, .fresh = true, .side = 1, .weight = 1}},
    {"refused before",
     READ,
     DECIDE_PRIMARY,
     REASON_REFUSED,
     {UP},
     {.up = true, .login = true, .fresh = true, .refused = true, .side = 1, .weight = 1}},
    {"no weight",
     READ,
     DECIDE_PRIMARY,
     REASON_NO_REPLICA,
     {UP},
     {.up = true, .login = true, .fresh = true, .side = 1}},
    {"write, primary down",
     INSERT,
     DECIDE_ERROR,
     REASON_PRIMARY_DOWN,
     {.position_known = true},
     REPLICA_OK},
    {"empty, primary down",
     "",
     DECIDE_REPLICA,
     REASON_FRESH,
     {.position_known = true, .level = DECIDE_SESSION},
     REPLICA_OK},
    /* a view: the primary does not have it */
    {"view", VIEW, DECIDE_REPLICA, REASON_FRESH, {UP}, REPLICA_OK},
    {"view, behind",
     VIEW,
     DECIDE_WAIT,
     REASON_WAITING,
     {UP},
     {.up = true, .login = true, .side = 1, .weight = 1}},
    {"view, behind, waited",
     VIEW,
     DECIDE_ERROR,
     REASON_STALE,
     {UP, .wait_over = true},
     {.up = true, .login = true, .side = 1, .weight = 1}},
    {"view, replica down",
     VIEW,
     DECIDE_ERROR,
     REASON_NO_REPLICA,
     {UP},
     {.login = true, .fresh = true, .side = 1, .weight = 1}},
    {"view, no login",
     VIEW,
     DECIDE_ERROR,
     REASON_NO_LOGIN,
     {UP},
     {.up = true, .fresh = true, .side = 1, .weight = 1}},
    {"view, other epoch",
     VIEW,
     DECIDE_ERROR,
     REASON_EPOCH,
     {UP, .other_epoch = true},
     REPLICA_OK},
    /* the router's own */
    {"show position", "show parkway.position", DECIDE_ROUTER, REASON_ROUTER, {UP}, REPLICA_OK},
    {"show route in a transaction",
     "show parkway.route",
     DECIDE_ROUTER,
     REASON_ROUTER,
     {UP, .tx = DECIDE_TX_PRIMARY},
     REPLICA_OK},
    {"set position",
     "set parkway.position = '0/1'",
     DECIDE_ROUTER,
     REASON_ROUTER,
     {UP},
     REPLICA_OK},
    {"set report", "set parkway.report to on", DECIDE_ROUTER, REASON_ROUTER, {UP}, REPLICA_OK},
};

static void sessions(void **state)
{
    struct judge_scope scope;

    (void)state;
    judge_scope_init(&scope, "cqrs");
    for (size_t i = 0; i < ARRAY_LEN(session_rows); i++) {
        const struct session_row *r = &session_rows[i];
        struct classification *c = classify_parse(str_of(r->sql));
        struct decide_input in = r->in;
        struct judge_verdict v;
        struct decide_output out;
        char text[REASON_TEXT_MAX];

        judge(c, catalog, &scope, &v);
        in.text = c;
        in.verdict = &v;
        in.replicas = &r->replica;
        in.replica_count = 1;
        decide(&in, &out);
        if (out.target != r->target || out.why != r->why) {
            print_error("%s: %s, %s\n", r->name, decide_target_text(out.target),
                        reason_text(out.why, out.detail, text));
            fail();
        }
        classify_unref(c);
    }
    judge_scope_fini(&scope);
}

static void balance(void **state)
{
    struct decide_replica v[4] = {REPLICA_OK, REPLICA_OK, REPLICA_OK, REPLICA_OK};
    struct judge_verdict read = {.sides = 2};
    struct decide_input in = base_input(NULL, &read, v);
    struct decide_output out;

    (void)state;
    in.replica_count = 4;
    v[0].outstanding = 3;
    v[1].outstanding = 2;
    v[2].outstanding = 5;
    v[2].weight = 5; /* 1 for each of its weight: the least */
    v[3].outstanding = 0;
    v[3].fresh = false;
    decide(&in, &out);
    assert_int_equal(out.target, DECIDE_REPLICA);
    assert_int_equal(out.replica, 2);
    v[0].current = true; /* a session stays where it was */
    decide(&in, &out);
    assert_int_equal(out.replica, 0);
    v[0].fresh = false; /* unless that one has fallen behind */
    decide(&in, &out);
    assert_int_equal(out.replica, 2);
    in.replica_count = 0;
    decide(&in, &out);
    assert_int_equal(out.target, DECIDE_PRIMARY);
    assert_int_equal(out.why, REASON_NO_REPLICA);
}

static void units(void **state)
{
    struct judge_verdict a = {.sides = 3, .pins = PIN_SEED};
    struct judge_verdict b = {.sides = 1, .why = REASON_CAST_OID, .pins_clear = PIN_SEED};
    struct judge_scope scope;
    struct judge_verdict v;
    struct classification *c = classify_parse(STR("select 1; savepoint a"));

    (void)state;
    judge_scope_init(&scope, "cqrs");
    judge(c, catalog, &scope, &v);
    assert_true(v.holds);
    classify_unref(c);
    judge_scope_fini(&scope);
    judge_and(&a, &b);
    assert_false(a.holds);
    assert_int_equal(a.sides, 1);
    assert_int_equal(a.why, REASON_CAST_OID);
    assert_int_equal(a.pins, 0);
    assert_int_equal(a.pins_clear, PIN_SEED);
}

static void texts(void **state)
{
    char out[REASON_TEXT_MAX];

    (void)state;
    assert_string_equal(reason_text(REASON_READ, "", out), "read");
    assert_string_equal(reason_text(REASON_FUNCTION_VOLATILE, "nextval", out),
                        "function nextval is volatile");
    assert_string_equal(reason_text(REASON_WRITE, "create table as", out),
                        "write (create table as)");
    for (int r = 0; r <= REASON_USER; r++) {
        assert_true(strlen(reason_text((enum reason)r, "words", out)) > 3);
    }
}

static void snapshots(void **state)
{
    struct catalog *a = fixture_catalog(1);
    struct catalog *b = fixture_catalog(2);
    struct catalog_slot *slot = catalog_slot_new();
    struct catalog *got;

    (void)state;
    assert_int_equal(catalog_content(a), catalog_content(b));
    got = catalog_new(2, 3);
    catalog_copy_side(got, a, 0);
    catalog_copy_side(got, a, 1);
    catalog_finish(got);
    judge_views(got);
    assert_non_null(catalog_find_relation(got, 1, STR("public"), STR("order_history")));
    assert_null(catalog_find_relation(got, 0, STR("public"), STR("order_history")));
    assert_true(catalog_has_schema(got, 0, STR("public")));
    assert_false(catalog_has_schema(got, 0, STR("nosuch")));
    catalog_unref(got);
    assert_int_equal(catalog_slot_version(slot), 0);
    assert_null(catalog_slot_get(slot));
    catalog_slot_put(slot, a);
    got = catalog_slot_get(slot);
    assert_ptr_equal(got, a);
    catalog_slot_put(slot, b);
    assert_int_equal(catalog_slot_version(slot), 2);
    assert_int_equal(catalog_version(got), 1); /* alive while somebody uses it */
    catalog_unref(got);
    catalog_slot_free(slot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements),      cmocka_unit_test(search_path),
        cmocka_unit_test(temporary_names), cmocka_unit_test(hazards),
        cmocka_unit_test(settings),        cmocka_unit_test(pins),
        cmocka_unit_test(sessions),        cmocka_unit_test(balance),
        cmocka_unit_test(units),           cmocka_unit_test(texts),
        cmocka_unit_test(snapshots),
    };
    int failed;

    catalog = fixture_catalog(1);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    catalog_unref(catalog);
    return failed;
}
