/* catalog_fixture.h - the two catalogues that the decision tests run over: a primary and one
 * event-fed replica, small, but with one object of every kind that matters. */
#ifndef PARKWAY_TESTS_CATALOG_FIXTURE_H
#define PARKWAY_TESTS_CATALOG_FIXTURE_H

#include "router/judge.h"

/* "name" of pg_catalog with its volatility; o: object-number types */
static const char *const fixture_functions[] = {
    "i abs",
    "i lower",
    "i upper",
    "i length",
    "i btrim",
    "i substring",
    "i position",
    "i overlay",
    "i coalesce_",
    "s now",
    "s to_char",
    "s date_trunc",
    "i extract",
    "i date_part",
    "s timezone",
    "i count",
    "i sum",
    "i max",
    "i min",
    "i avg",
    "i string_agg",
    "i array_agg",
    "s jsonb_agg",
    "s row_to_json",
    "s to_jsonb",
    "s jsonb_build_object",
    "i row_number",
    "i rank",
    "i lag",
    "s generate_series",
    "i unnest",
    "i md5",
    "i similar_to_escape",
    "i is_normalized",
    "v random",
    "v clock_timestamp",
    "v timeofday",
    "v gen_random_uuid",
    "v pg_sleep",
    "v pg_sleep_for",
    "v pg_sleep_until",
    "s statement_timestamp",
    "s transaction_timestamp",
    "ov nextval",
    "v lastval",
    "ov currval",
    "ov setval",
    "v setseed",
    "v lo_create",
    "v lo_creat",
    "v lo_unlink",
    "v lo_get",
    "v lo_put",
    "v lo_from_bytea",
    "v lo_import",
    "v lowrite",
    "v loread",
    "v pg_notify",
    "v pg_logical_emit_message",
    "v pg_advisory_lock",
    "v pg_advisory_xact_lock",
    "v pg_try_advisory_lock",
    "v pg_advisory_unlock_all",
    "v set_config",
    "s current_setting",
    "v pg_current_wal_lsn",
    "v pg_current_wal_insert_lsn",
    "v pg_is_in_recovery",
    "s pg_backend_pid",
    "v pg_stat_get_activity",
    "s pg_stat_get_numscans",
    "v pg_terminate_backend",
    "v pg_cancel_backend",
    "v pg_reload_conf",
    "v pg_switch_wal",
    "s txid_current",
    "s pg_current_xact_id",
    "v txid_status",
    "s inet_server_addr",
    "s inet_client_addr",
    "s version",
    "s current_database",
    "s current_schema",
    "s current_schemas",
    "s pg_typeof",
    "os to_regclass",
    "os regclass",
    "s has_table_privilege",
    "s format_type",
    "s obj_description",
    "s pg_get_viewdef",
    "i pg_size_pretty",
    "s pg_table_is_visible",
    "ov pg_relation_size",
    "v current_query",
    "v query_to_xml",
    "os table_to_xml",
    "v ts_stat",
    "v ts_rewrite",
    "s to_tsvector",
    "s websearch_to_tsquery",
    "i ts_rank",
    "i int4",
    "i text",
    "s concat",
    "i regexp_replace",
    "i json_array_length",
    "i generate_subscripts",
    "s convert_from",
};

static inline void fixture_function(struct catalog *c, size_t side, const char *schema,
                                    const char *row)
{
    struct catalog_function f = {.schema = str_of(schema),
                                 .user = strcmp(schema, "pg_catalog") != 0};

    for (; *row != ' '; row++) {
        switch (*row) {
        case 'o': f.oid_types = true; break;
        case 'd': f.secdef = true; break;
        case 't': f.user_types = true; break;
        case '1': f.one_arg = true; break;
        case 'c': f.setter = true; break;
        case 'h': f.args_hash = side; break;
        default: f.volatility = (enum catalog_volatility) * row; break;
        }
    }
    f.name = str_of(row + 1);
    catalog_add_function(c, side, &f);
}

/* columns: "name:type name:type!" with ! for a type of its own number. flags: p published,
 * r row security */
static inline void fixture_relation(struct catalog *c, size_t side, const char *schema,
                                    const char *name, char kind, const char *columns,
                                    const char *flags, const char *definition)
{
    struct catalog_column v[16];
    struct catalog_relation r = {.schema = str_of(schema),
                                 .name = str_of(name),
                                 .kind = (enum catalog_relkind)kind,
                                 .columns = v,
                                 .published = strchr(flags, 'p') != NULL,
                                 .row_security = strchr(flags, 'r') != NULL,
                                 .policy_hash = strchr(flags, '2') != NULL,
                                 .definition = str_of(definition)};

    while (*columns != '\0') {
        size_t n = strcspn(columns, " ");
        size_t colon = strcspn(columns, ":");
        bool user = columns[n - 1] == '!';

        v[r.column_count] = (struct catalog_column){{columns, colon},
                                                    {columns + colon + 1, n - colon - 1 - user},
                                                    user,
                                                    (uint16_t)(r.column_count + 1)};
        r.column_count++;
        columns += n + (columns[n] == ' ');
    }
    catalog_add_relation(c, side, &r);
}

static inline void fixture_side(struct catalog *c, size_t side)
{
    static const char *const types[] = {
        "int4",    "int8",        "text",      "bool", "numeric",  "varchar",
        "uuid",    "timestamptz", "timestamp", "date", "interval", "jsonb",
        "json",    "float8",      "bpchar",    "oid",  "regclass", "regtype",
        "regproc", "regconfig",   "name",      "xid",  "bytea"};
    bool primary = side == 0;
    const char *slots = "uuid:varchar name:varchar status:varchar";

    for (size_t i = 0; i < ARRAY_LEN(fixture_functions); i++) {
        fixture_function(c, side, "pg_catalog", fixture_functions[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        catalog_add_type(c, side, STR("pg_catalog"), str_of(types[i]), CATALOG_TYPE_OWN);
    }
    catalog_add_type(c, side, STR("public"), STR("mood"), CATALOG_TYPE_USER);
    catalog_add_type(c, side, STR("public"), STR("parking_slots"), CATALOG_TYPE_USER);
    catalog_add_type(c, side, STR("public"), STR("loud"), CATALOG_TYPE_VOLATILE);
    catalog_add_schema(c, side, STR("public"));

    fixture_function(c, side, "public", "s same_stable");
    fixture_function(c, side, "public", "i same_immutable");
    fixture_function(c, side, "public", "s mixed");
    fixture_function(c, side, "public", "v mixed");
    fixture_function(c, side, "public", "v1 touch");
    fixture_function(c, side, "public", "ds stable_liar");
    fixture_function(c, side, "public", "cs stable_setter");
    fixture_function(c, side, "public", "cv volatile_setter");
    fixture_function(c, side, "public", "st mood_of");
    fixture_function(c, side, "public", "hs other_arguments");
    fixture_function(c, side, "app", "s hidden");
    if (primary) {
        fixture_function(c, side, "public", "s only_primary");
        fixture_function(c, side, "public", "v dblink");
        fixture_function(c, side, "public", "v lower"); /* an overload of the server's */
    }
    catalog_add_operator(c, side,
                         &(struct catalog_operator){STR("public"), STR("<+>"), true, false});
    catalog_add_operator(c, side,
                         &(struct catalog_operator){STR("public"), STR("<->"), false, true});
    if (primary) {
        catalog_add_operator(
            c, 0, &(struct catalog_operator){STR("public"), STR("<=!"), false, false});
    }

    fixture_relation(c, side, "public", "parking_slots", 'r', slots, "p", NULL);
    fixture_relation(c, side, "public", "Quoted Name", 'r', slots, "p", NULL);
    fixture_relation(c, side, "public", "주차", 'r', "이름:text", "p", NULL);
    fixture_relation(c, side, "public", "partitioned", 'p', slots, "p", NULL);
    fixture_relation(c, side, "public", "moods", 'r', "id:int4 m:mood!", "p", NULL);
    fixture_relation(c, side, "public", "not_captured", 'r', slots, "", NULL);
    fixture_relation(c, side, "public", "customers", 'r',
                     primary ? "id:int8 name:text card:text" : "id:int8 name:text", "p", NULL);
    fixture_relation(c, side, "public", "retyped", 'r',
                     primary ? "id:int8 n:int4" : "id:int8 n:int8", "p", NULL);
    fixture_relation(c, side, "public", "policed", 'r', slots, primary ? "pr2" : "p", NULL);
    fixture_relation(c, side, "public", "not_kept", 'r', slots, primary ? "p" : "", NULL);
    fixture_relation(c, side, "public", "policed_both", 'r', slots, "pr2", NULL);
    fixture_relation(c, side, "public", "seq", 'S', "", "", NULL);
    fixture_relation(c, side, "public", "far", 'f', slots, "", NULL);
    fixture_relation(c, side, "public", "snap", 'm', slots, "", NULL);
    fixture_relation(c, side, "parkway", "relay", 'r', "slot:text", "", NULL);
    fixture_relation(c, side, "app", "parking_slots", 'r', slots, primary ? "p" : "p", NULL);
    fixture_relation(c, side, "app", "only_app", 'r', slots, "p", NULL);
    fixture_relation(c, side, "public", "v_free", 'v', "uuid:varchar name:varchar", "",
                     " SELECT s.uuid, s.name FROM public.parking_slots s WHERE s.status = "
                     "'available'::text;");
    fixture_relation(c, side, "public", "v_nested", 'v', "name:varchar", "",
                     " SELECT v.name FROM public.v_free v;");
    fixture_relation(c, side, "public", "v_seq", 'v', "n:int8", "",
                     " SELECT nextval('public.seq'::regclass) AS n;");
    fixture_relation(c, side, "public", "v_over_seq", 'v', "n:int8", "",
                     " SELECT v.n FROM public.v_seq v;");
    fixture_relation(c, side, "public", "v_random", 'v', "r:float8", "",
                     " SELECT random() AS r;");
    fixture_relation(c, side, "public", "v_not_captured", 'v', "uuid:varchar", "",
                     " SELECT n.uuid FROM public.not_captured n;");
    fixture_relation(c, side, "public", "v_touch", 'v', "t:int4", "",
                     " SELECT public.touch(1) AS t;");
    fixture_relation(c, side, "public", "v_system", 'v', "n:name", "",
                     " SELECT c.relname AS n FROM pg_class c;");
    fixture_relation(c, side, "public", "v_ctid", 'v', "n:name", "",
                     " SELECT (s.ctid)::text AS n FROM public.parking_slots s;");
    if (primary) {
        fixture_relation(c, side, "public", "only_primary", 'r', slots, "p", NULL);
        fixture_relation(c, side, "public", "v_only_primary", 'v', "uuid:varchar", "",
                         " SELECT s.uuid FROM public.only_primary s;");
        fixture_relation(c, side, "public", "v_kept", 'v', slots, "",
                         " SELECT uuid, name, status FROM public.parking_slots;");
        fixture_relation(c, side, "public", "v_not_kept", 'v', slots, "",
                         " SELECT uuid, name, status FROM public.parking_slots;");
    } else {
        fixture_relation(c, side, "public", "order_history", 'r', "id:text state:text", "",
                         NULL);
        fixture_relation(c, side, "public", "v_kept", 'r', slots, "p", NULL);
        fixture_relation(c, side, "public", "v_not_kept", 'r', slots, "", NULL);
        fixture_relation(c, side, "app", "only_primary", 'r', slots, "p", NULL);
    }
}

static inline struct catalog *fixture_catalog(uint64_t version)
{
    struct catalog *c = catalog_new(2, version);

    fixture_side(c, 0);
    fixture_side(c, 1);
    catalog_finish(c);
    judge_views(c);
    return c;
}

#endif
