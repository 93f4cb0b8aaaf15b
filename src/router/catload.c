/* catload.c - catalog_load: the catalogues of the servers as a snapshot, in a handful of queries
 * inside one repeatable-read transaction a server.
 *
 * First a stamp is asked for: a hash over the xmin of every row of the system catalogues that the other queries read, over the
 * roles and over the settings. A row that is made or changed gets an xmin that none had before, and one that goes is
 * missing from the sum, so an equal stamp means equal answers, and the side is taken from the snapshot before: that is
 * a tenth of the work, and this is asked every second. (The updates in place that vacuum makes leave xmin alone; a
 * server that was started again is read again.)
 *
 * The replicas' snapshots are taken before the primary's: a table that
 * has just come to a replica is then known on the primary, too, and a table that only a replica has is one of its own.
 *
 * Overloads are folded by the server (a name's worst property is all that is asked), so about
 * 2,700 rows come for the server's own functions. Views come as text and are closed over by
 * judge_views, because dependencies on built-in functions are not recorded in pg_depend. Sources
 * of user functions are only searched on the server, never fetched. */
#include "router/catalog.h"

#include "base/buf.h"
#include "router/judge.h"

#include <string.h>

static const char begin_sql[] =
    "begin isolation level repeatable read read only; set local search_path = pg_catalog; "
    "select 1"; /* takes the snapshot */

/* A user function "sets" when its source sets a parameter in a way that outlives it, runs text
 * it builds, or names a function that does. */
#define SETTERS_CTE                                                                            \
    "with recursive source as materialized ("                                                  \
    " select p.oid, lower(p.proname) as name,"                                                 \
    "  lower(coalesce(nullif(p.prosrc, ''), pg_get_function_sqlbody(p.oid), '')) as text"      \
    " from pg_proc p join pg_language l on l.oid = p.prolang"                                  \
    " where p.oid >= 16384 and l.lanname not in ('c', 'internal')),"                           \
    "setter(oid, name) as ("                                                                   \
    " select oid, name from source where text ~"                                               \
    "  '\\m(set_config|discard|execute)\\M|(^|;|\\m(begin|then|else|loop)\\M)\\s*(re)?set\\s'" \
    " union select s.oid, s.name from setter k join source s on strpos(s.text, k.name) > 0)"

/* An aggregate is immutable by its own row, whatever its parts are; and an argument left out is
 * computed by its default, which may call anything. */
#define VOLATILITY                                                                             \
    "max(case when p.oid < 16384 then p.provolatile::text"                                     \
    " when pg_get_expr(p.proargdefaults, 0) like '%(%' then 'v'"                               \
    " when p.prokind = 'a' then (select max(f.provolatile::text) from pg_aggregate a"          \
    "  join pg_proc f on f.oid in (a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggmtransfn," \
    "  a.aggminvtransfn, a.aggmfinalfn) where a.aggfnoid = p.oid)"                             \
    " else p.provolatile::text end)"

static const char functions_sql[] = SETTERS_CTE
    " select n.nspname, p.proname, " VOLATILITY ", bool_or(p.prosecdef),"
    "  bool_or(p.oid >= 16384 and (p.prorettype >= 16384"
    "   or exists (select 1 from unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])) a(t)"
    "              where a.t >= 16384))),"
    "  bool_or((array[p.prorettype] || p.proargtypes::oid[]) &&"
    "   array['regproc'::regtype::oid, 'regprocedure'::regtype, 'regoper'::regtype,"
    "   'regoperator'::regtype, 'regclass'::regtype, 'regtype'::regtype,"
    "   'regnamespace'::regtype, 'regrole'::regtype, 'regcollation'::regtype]),"
    "  bool_or(p.oid >= 16384), bool_or(p.pronargs = 1),"
    "  bool_or(p.oid in (select oid from setter)),"
    "  coalesce(sum(case when p.oid >= 16384 then hashtext(oidvectortypes(p.proargtypes) || "
    "'/' ||"
    "   format_type(p.prorettype, null) || p.proretset::text || p.provolatile::text) end), 0)"
    " from pg_proc p join pg_namespace n on n.oid = p.pronamespace"
    " where n.nspname !~ '^pg_(temp|toast)' group by 1, 2";

static const char operators_sql[] =
    "select n.nspname, o.oprname, p.provolatile = 'v',"
    " o.oprleft >= 16384 or o.oprright >= 16384 or o.oprresult >= 16384"
    " from pg_operator o join pg_namespace n on n.oid = o.oprnamespace"
    " join pg_proc p on p.oid = o.oprcode where o.oid >= 16384 or p.provolatile = 'v'";

static const char types_sql[] =
    "select n.nspname, t.typname, case when exists ("
    "  select 1 from pg_cast c join pg_proc p on p.oid = c.castfunc"
    "  where c.casttarget = t.oid and p.provolatile = 'v') then 3"
    " when n.nspname = 'pg_catalog' and t.oid < 16384 then 1 else 2 end"
    " from pg_type t join pg_namespace n on n.oid = t.typnamespace"
    " where n.nspname !~ '^pg_(temp|toast)'"
    " and (n.nspname <> 'pg_catalog' or t.typtype <> 'c') and n.nspname <> "
    "'information_schema'";

/* $1: the publication. Published whole: with no row filter, logged, and so is everything that a
 * scan of it reads below it. On a replica, where $1 is NULL: kept by the consumer, which is who
 * this login is, which may write there, and not stopped or being copied (parkway.table_state). */
static const char relations_sql[] =
    "with recursive publication as ("
    " select * from pg_publication where pubname = $1 and pubinsert and pubupdate and pubdelete"
    "  and pubtruncate),"
    "published(oid) as ("
    " (select r.prrelid from publication p join pg_publication_rel r on r.prpubid = p.oid"
    "   where r.prqual is null"
    "  union all select c.oid from publication p join pg_class c on p.puballtables"
    "  union all select c.oid from publication p join pg_publication_namespace s on s.pnpubid "
    "= p.oid"
    "   join pg_class c on c.relnamespace = s.pnnspid)"
    " union select i.inhrelid from published u join pg_inherits i on i.inhparent = u.oid"
    "  join pg_class c on c.oid = i.inhrelid and c.relispartition),"
    "partial(oid) as ("
    " select i.inhparent from pg_inherits i where i.inhrelid not in (select oid from published)"
    " union select i.inhparent from partial p join pg_inherits i on i.inhrelid = p.oid)"
    "select c.oid::bigint, n.nspname, c.relname, c.relkind,"
    " case when $1::text is null then c.relkind <> 'S' and has_table_privilege(c.oid, 'INSERT')"
    "   and not exists (select 1 from parkway.table_state t where t.state <> 'ok'"
    "    and t.target = n.nspname || '.' || c.relname)"
    "  else c.relpersistence = 'p' and c.oid in (select oid from published)"
    "   and c.oid not in (select oid from partial) end,"
    " c.relrowsecurity,"
    " case when c.relkind = 'v' then pg_get_viewdef(c.oid) end,"
    " coalesce((select hashtextextended(string_agg(p.polname || p.polcmd::text ||"
    "   p.polpermissive::text || (select coalesce(string_agg(rolname, ',' order by rolname), "
    "'')"
    "     from pg_roles where pg_roles.oid = any (p.polroles)) ||"
    "   coalesce(pg_get_expr(p.polqual, p.polrelid), ''), ';' order by p.polname), 0)"
    "  from pg_policy p where p.polrelid = c.oid), 0)"
    " from pg_class c join pg_namespace n on n.oid = c.relnamespace"
    " where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and n.nspname !~ '^pg_'"
    " and n.nspname <> 'information_schema' order by c.oid";

static const char columns_sql[] =
    "select a.attrelid::bigint, a.attname, format_type(a.atttypid, a.atttypmod),"
    " a.atttypid >= 16384, a.attnum"
    " from pg_attribute a join pg_class c on c.oid = a.attrelid"
    " join pg_namespace n on n.oid = c.relnamespace"
    " where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'p', 'v', 'm')"
    " and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' order by a.attrelid, "
    "a.attnum";

static const char poison_sql[] =
    "select format('implicit cast from %s to %s uses a volatile function',"
    "  format_type(c.castsource, null), format_type(c.casttarget, null))"
    " from pg_cast c join pg_proc p on p.oid = c.castfunc where p.provolatile = 'v'"
    " and c.castcontext = 'i' and c.castsource < 16384 and c.casttarget < 16384 limit 1";

static const char triggers_sql[] =
    SETTERS_CTE " select 1 from pg_trigger t where not t.tgisinternal"
                " and t.tgfoid in (select oid from setter) limit 1";

/* What changes the answer of a query without being in its text. */
#define ANSWER_SETTINGS                                                                        \
    "('search_path', 'timezone', 'datestyle', 'intervalstyle', 'bytea_output',"                \
    " 'extra_float_digits', 'xmlbinary', 'xmloption', 'default_text_search_config', "          \
    "'lc_monetary',"                                                                           \
    " 'lc_numeric', 'lc_time', 'standard_conforming_strings', 'transform_null_equals',"        \
    " 'array_nulls', 'row_security', 'role', 'client_encoding', 'timezone_abbreviations',"     \
    " 'default_transaction_isolation')"

static const char settings_sql[] =
    "select '*', lower(name), reset_val from pg_settings"
    " where lower(name) in " ANSWER_SETTINGS " and lower(name) <> 'client_encoding'"
    " union all select '*', 'collation of the database', concat_ws('/',"
    "  pg_encoding_to_char(d.encoding), d.datcollate, d.datctype, "
    "to_jsonb(d)->>'datlocprovider',"
    "  coalesce(to_jsonb(d)->>'daticulocale', to_jsonb(d)->>'datlocale'))"
    " from pg_database d where d.datname = current_database()"
    " union all select coalesce(r.rolname, '') || case s.setdatabase when 0 then '' else '@' "
    "end,"
    "  lower(split_part(c, '=', 1)), substr(c, strpos(c, '=') + 1)"
    " from pg_db_role_setting s left join pg_roles r on r.oid = s.setrole, unnest(s.setconfig) "
    "c"
    " where (s.setrole = 0 or r.oid is not null) and (s.setdatabase = 0 or s.setdatabase ="
    "  (select oid from pg_database where datname = current_database()))"
    " and (lower(split_part(c, '=', 1)) in " ANSWER_SETTINGS
    "  or strpos(split_part(c, '=', 1), '.') > 0)";

static const char schemas_sql[] =
    "select nspname from pg_namespace where nspname !~ '^pg_(temp|toast)'";

/* What the queries above read, but for roles and settings, whose rows nobody may see or that are none. */
static const char *const stamped[] = {
    "pg_proc",
    "pg_aggregate",
    "pg_language",
    "pg_operator",
    "pg_type",
    "pg_cast",
    "pg_collation",
    "pg_namespace",
    "pg_class",
    "pg_attribute",
    "pg_inherits",
    "pg_rewrite",
    "pg_trigger",
    "pg_policy",
    "pg_publication",
    "pg_database",
    "pg_publication_rel",
    "pg_publication_namespace",
    "pg_auth_members",
    "pg_db_role_setting",
    "parkway.table_state",
};

static const char stamp_rest_sql[] =
    "(select sum(hashtextextended(concat_ws('/', oid, rolname, rolsuper, rolinherit), 0))"
    " from pg_roles),"
    "(select string_agg(concat(name, '=', reset_val), ';' order by name) from pg_settings"
    " where lower(name) in " ANSWER_SETTINGS "), pg_postmaster_start_time()), 0)";

static bool yes(const struct rows *r, size_t row, size_t column)
{
    struct str s = rows_get(r, row, column);

    return s.n == 1 && s.p[0] == 't';
}

static int load_functions(struct catalog *c, size_t side, struct conn *conn, struct err *e)
{
    struct rows *r;
    int rc = conn_query(conn, functions_sql, 0, NULL, &r, e);

    if (rc != 0) {
        return rc;
    }
    for (size_t i = 0; i < rows_count(r); i++) {
        struct catalog_function f = {
            .schema = rows_get(r, i, 0),
            .name = rows_get(r, i, 1),
            .volatility = (enum catalog_volatility)rows_text(r, i, 2)[0],
            .secdef = yes(r, i, 3),
            .user_types = yes(r, i, 4),
            .oid_types = yes(r, i, 5),
            .user = yes(r, i, 6),
            .one_arg = yes(r, i, 7),
            .setter = yes(r, i, 8),
            .args_hash = (uint64_t)rows_int(r, i, 9),
        };

        catalog_add_function(c, side, &f);
    }
    rows_free(r);
    return 0;
}

static int load_names(struct catalog *c, size_t side, struct conn *conn, struct err *e)
{
    struct rows *r;
    int rc = conn_query(conn, operators_sql, 0, NULL, &r, e);

    if (rc != 0) {
        return rc;
    }
    for (size_t i = 0; i < rows_count(r); i++) {
        catalog_add_operator(c, side,
                             &(struct catalog_operator){rows_get(r, i, 0), rows_get(r, i, 1),
                                                        yes(r, i, 2), yes(r, i, 3)});
    }
    rows_free(r);
    rc = conn_query(conn, types_sql, 0, NULL, &r, e);
    if (rc != 0) {
        return rc;
    }
    for (size_t i = 0; i < rows_count(r); i++) {
        catalog_add_type(c, side, rows_get(r, i, 0), rows_get(r, i, 1),
                         (enum catalog_type)rows_int(r, i, 2));
    }
    rows_free(r);
    rc = conn_query(conn, schemas_sql, 0, NULL, &r, e);
    if (rc != 0) {
        return rc;
    }
    for (size_t i = 0; i < rows_count(r); i++) {
        catalog_add_schema(c, side, rows_get(r, i, 0));
    }
    rows_free(r);
    rc = conn_query(conn, settings_sql, 0, NULL, &r, e);
    if (rc != 0) {
        return rc;
    }
    for (size_t i = 0; i < rows_count(r); i++) {
        catalog_add_setting(
            c, side,
            &(struct catalog_setting){rows_get(r, i, 0), rows_get(r, i, 1), rows_get(r, i, 2)});
    }
    rows_free(r);
    return 0;
}

/* Both row sets are ordered by the relation's OID: one pass joins them. */
static void join_relations(struct catalog *c, size_t side, const struct rows *r,
                           const struct rows *a)
{
    size_t at = 0;
    struct buf columns = BUF_INIT;

    for (size_t i = 0; i < rows_count(r); i++) {
        int64_t oid = rows_int(r, i, 0);
        struct catalog_relation one = {
            .oid = (uint32_t)oid,
            .schema = rows_get(r, i, 1),
            .name = rows_get(r, i, 2),
            .kind = (enum catalog_relkind)rows_text(r, i, 3)[0],
            .published = yes(r, i, 4),
            .row_security = yes(r, i, 5),
            .definition = rows_get(r, i, 6),
            .policy_hash = (uint64_t)rows_int(r, i, 7),
        };

        buf_reset(&columns);
        while (at < rows_count(a) && rows_int(a, at, 0) < oid) {
            at++;
        }
        for (; at < rows_count(a) && rows_int(a, at, 0) == oid; at++) {
            struct catalog_column column = {rows_get(a, at, 1), rows_get(a, at, 2),
                                            yes(a, at, 3), (uint16_t)rows_int(a, at, 4)};

            buf_add(&columns, &column, sizeof(column));
            one.column_count++;
        }
        one.columns = one.column_count > 0 ? (const void *)buf_data(&columns) : NULL;
        catalog_add_relation(c, side, &one);
    }
    buf_fini(&columns);
}

static int load_relations(struct catalog *c, size_t side, struct conn *conn,
                          const char *publication, struct err *e)
{
    struct str parameter = side == 0 ? str_of(publication) : STR_NULL;
    struct rows *r = NULL;
    struct rows *a = NULL;
    int rc = conn_query(conn, relations_sql, 1, &parameter, &r, e);

    if (rc == 0) {
        rc = conn_query(conn, columns_sql, 0, NULL, &a, e);
    }
    if (rc == 0) {
        join_relations(c, side, r, a);
        rows_free(a);
    }
    if (r != NULL) {
        rows_free(r);
    }
    return rc;
}

static int load_hazards(struct catalog *c, struct conn *conn, struct err *e)
{
    struct rows *r;
    int rc = conn_query(conn, poison_sql, 0, NULL, &r, e);

    if (rc != 0) {
        return rc;
    }
    if (rows_count(r) > 0) {
        catalog_set_poison(c, rows_get(r, 0, 0));
    }
    rows_free(r);
    rc = conn_query(conn, triggers_sql, 0, NULL, &r, e);
    if (rc != 0) {
        return rc;
    }
    if (rows_count(r) > 0) {
        catalog_set_trigger_sets(c);
    }
    rows_free(r);
    return 0;
}

static int load_side(struct catalog *c, size_t side, struct conn *conn, const char *publication,
                     struct err *e)
{
    int rc = load_functions(c, side, conn, e);
    if (rc == 0) {
        rc = load_names(c, side, conn, e);
    }
    if (rc == 0) {
        rc = load_relations(c, side, conn, publication, e);
    }
    if (rc == 0 && side == 0) {
        rc = load_hazards(c, conn, e);
    }
    return rc;
}

static int begin(struct conn *conn, struct err *e)
{
    return conn != NULL ? conn_exec(conn, begin_sql, e) : 0;
}

/* Ends what begin opened; rc: how things went until now. */
static int end(struct conn *conn, int rc, struct err *e)
{
    if (conn == NULL || !conn_alive(conn)) {
        return rc;
    }
    struct err ignored = ERR_INIT;
    int ended = conn_exec(conn, "rollback", rc == 0 ? e : &ignored);
    return rc == 0 ? ended : rc;
}

/* Reads a side, or takes it from `last` when its stamp is still the same. */
static int refresh_side(struct catalog *c, size_t side, struct conn *conn,
                        const char *publication, const struct catalog *last, uint64_t stamp,
                        uint64_t seen, struct err *e)
{
    if (conn != NULL && (last == NULL || stamp != seen)) {
        return load_side(c, side, conn, publication, e);
    }
    if (last != NULL && side < catalog_sides(last)) {
        catalog_copy_side(c, last, side);
    }
    return 0;
}

/* conns[0] is the primary's. A server that cannot be asked keeps what was seen of it. */
static int ask_stamps(struct conn *const *conns, size_t count,
                      const struct catalog_stamps *seen, struct catalog_stamps *out,
                      struct err *e)
{
    struct buf sql = BUF_INIT;
    int rc = 0;
    buf_addf(&sql, "select hashtextextended(concat_ws('|', ");
    for (size_t i = 0; i < ARRAY_LEN(stamped); i++) {
        buf_addf(
            &sql,
            "(select concat(count(*), ':', sum(hashtextextended(xmin::text, 0))) from %s), ",
            stamped[i]);
    }
    buf_addf(&sql, "%s", stamp_rest_sql);
    *out = *seen;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct rows *r = NULL;
        rc = conns[i] != NULL ? conn_query(conns[i], buf_cstr(&sql), 0, NULL, &r, e) : 0;
        if (r != NULL) {
            out->of[i] = (uint64_t)rows_int(r, 0, 0);
            rows_free(r);
        }
    }
    buf_fini(&sql);
    return rc;
}

/* In the transactions that the caller opened. *out: as for catalog_load. */
static int load(struct catalog **out, struct conn *const *conns, size_t count,
                const char *publication, struct catalog *last, struct catalog_stamps *seen,
                struct err *e)
{
    struct catalog_stamps stamps;
    int rc = ask_stamps(conns, count, seen, &stamps, e);
    if (rc != 0) {
        return rc;
    }
    if (last != NULL && catalog_sides(last) == count &&
        memcmp(&stamps, seen, sizeof(stamps)) == 0) {
        catalog_ref(last);
        *out = last;
        return 0;
    }
    struct catalog *c = catalog_new(count, last != NULL ? catalog_version(last) + 1 : 1);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = refresh_side(c, i, conns[i], publication, last, stamps.of[i], seen->of[i], e);
    }
    if (rc != 0) {
        catalog_unref(c);
        return rc;
    }
    *seen = stamps;
    if (last != NULL && catalog_sides(last) == count &&
        catalog_content(last) == catalog_content(c)) {
        catalog_unref(c);
        catalog_ref(last);
        *out = last;
        return 0;
    }
    catalog_finish(c);
    judge_views(c);
    *out = c;
    return 0;
}

int catalog_load(struct catalog **out, struct conn *primary, struct conn *const *replicas,
                 size_t replica_count, const char *publication, struct catalog *last,
                 struct catalog_stamps *seen, struct err *e)
{
    struct conn *conns[CATALOG_SIDES_MAX] = {primary};
    struct catalog_stamps none = {0};
    size_t count = replica_count + 1;
    int rc = 0;

    ASSERT(count <= CATALOG_SIDES_MAX);
    for (size_t i = 1; i < count; i++) {
        conns[i] = replicas[i - 1];
        rc = rc == 0 ? begin(conns[i], e) : rc;
    }
    rc = rc == 0 ? begin(primary, e) : rc;
    if (rc == 0) {
        rc = load(out, conns, count, publication, last, seen != NULL ? seen : &none, e);
    }
    bool loaded = rc == 0;
    for (size_t i = 0; i < count; i++) {
        rc = end(conns[i], rc, e);
    }
    if (rc != 0 && loaded) {
        catalog_unref(*out);
    }
    return rc != 0 ? err_add(e, "could not read the catalogues") : 0;
}
