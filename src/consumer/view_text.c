/* view_text.c - see view_text.h.
 *
 * The functions are static PL/pgSQL, so that a session plans each statement once. The configuration's texts
 * stand in them in parentheses with a newline behind; view_check.h has seen before that each is one
 * whole SELECT. */
#include "consumer/view_text.h"
#include "pg/ident.h"

/* Texts of values must not depend on whose session it is. */
static const char settings_sql[] =
    " SET search_path = public, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO, YMD'"
    " SET intervalstyle = 'postgres' SET extra_float_digits = 1 SET bytea_output = 'hex'"
    " SET lc_monetary = 'C' SET jit = off";

/* For few keys: always through an index and by a condition, whatever the tables looked like when the plan was made.
 * A bitmap scan needs a condition; an index scan can also walk a whole index for its order. */
static const char by_index[] = " SET enable_seqscan = off SET enable_indexscan = off"
                               " SET enable_indexonlyscan = off SET enable_hashjoin = off"
                               " SET enable_mergejoin = off"
                               " SET plan_cache_mode = force_generic_plan";
/* For everything. */
static const char by_cost[] = " SET enable_seqscan = on SET enable_indexscan = on"
                              " SET enable_indexonlyscan = on SET enable_hashjoin = on"
                              " SET enable_mergejoin = on";

/* Keys of one statement; bounds the memory of a recomputation. */
enum { SLICE_KEYS = 1000 };

enum repeat { NAMES, DEFINITIONS, VARIABLES };

/* "k1, k2", "k1 bigint, k2 text", "parkway_key.k1, parkway_key.k2" */
static void add_keys(struct buf *out, const struct view *v, const struct view_shape *s,
                     enum repeat what)
{
    for (size_t i = 0; i < v->key_count; i++) {
        buf_addf(out, "%s%sk%zu", i > 0 ? ", " : "", what == VARIABLES ? "parkway_key." : "",
                 i + 1);
        if (what == DEFINITIONS) {
            buf_addf(out, " %s", s->key_types[i]);
        }
    }
}

/* "order_id, line_no" */
static void add_key_columns(struct buf *out, const struct view *v)
{
    for (size_t i = 0; i < v->key_count; i++) {
        buf_adds(out, i > 0 ? ", " : "");
        ident_quote(out, v->keys[i]);
    }
}

static void add_query(struct buf *out, const struct view *v)
{
    buf_addf(out, "(%s\n) AS v", v->query);
}

static void begin(struct buf *out, int id, const char *name, const char *returns,
                  const char *settings)
{
    buf_addf(out,
             "CREATE FUNCTION parkway.view_%d_%s RETURNS %s LANGUAGE plpgsql%s%s"
             " AS $parkway$\n#variable_conflict use_column\n",
             id, name, returns, settings_sql, settings);
}

static void end(struct buf *out)
{
    buf_adds(out, "END\n$parkway$;\n");
}

/* ---- collecting ----------------------------------------------------------------------------- */

void view_text_mapped(const struct view *v, const struct view_source *s, struct buf *out)
{
    if (s->query != NULL) {
        buf_addf(out, "SELECT DISTINCT * FROM (%s\n) AS q", s->query);
        return;
    }
    buf_adds(out, "SELECT DISTINCT ");
    for (size_t i = 0; i < v->key_count; i++) {
        buf_addf(out, "%st.%s", i > 0 ? ", " : "", s->columns[i]);
    }
    buf_adds(out, " FROM touched AS t");
}

static void add_ready(struct buf *out, const struct view *v, const struct view_shape *s, int id)
{
    begin(out, id, "ready()", "void", "");
    buf_addf(out,
             "BEGIN\n  IF to_regclass('pg_temp.parkway_view_%d') IS NULL THEN\n"
             "    CREATE TEMPORARY TABLE parkway_view_%d (everything boolean, ",
             id, id);
    add_keys(out, v, s, DEFINITIONS);
    buf_addf(
        out,
        ") ON COMMIT DELETE ROWS;\n"
        "    CREATE CONSTRAINT TRIGGER parkway_settle AFTER INSERT ON pg_temp.parkway_view_%d"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.everything IS NOT NULL)"
        " EXECUTE FUNCTION parkway.view_%d_settle();\n"
        "    ALTER TABLE pg_temp.parkway_view_%d ENABLE ALWAYS TRIGGER parkway_settle;\n"
        "  END IF;\n"
        "  IF NOT EXISTS (SELECT FROM pg_temp.parkway_view_%d) THEN\n"
        "    INSERT INTO pg_temp.parkway_view_%d (everything) VALUES (false);\n  END IF;\n",
        id, id, id, id, id);
    end(out);
}

static void add_everything(struct buf *out, int id)
{
    begin(out, id, "everything()", "void", "");
    buf_addf(out,
             "BEGIN\n  PERFORM parkway.view_%d_ready();\n"
             "  INSERT INTO pg_temp.parkway_view_%d (everything) VALUES (true);\n",
             id, id);
    end(out);
    begin(out, id, "emptied()", "trigger", "");
    buf_addf(out, "BEGIN\n  PERFORM parkway.view_%d_everything();\n  RETURN NULL;\n", id);
    end(out);
}

/* What fails for good in here is the view's trouble, not the row's. */
static void add_handler(struct buf *out, int id)
{
    buf_addf(out,
             "  EXCEPTION WHEN OTHERS THEN\n"
             "    IF SQLSTATE ~ '^(08|25|40|53[0123]|55|57|58|XX)' THEN\n      RAISE;\n  "
             "  END IF;\n"
             "    PERFORM parkway.view_break(%d, SQLERRM);\n  END;\n",
             id);
}

static void add_touched(struct buf *out, const struct view *v, const struct view_shape *s,
                        int id, size_t source, bool update)
{
    struct buf name = BUF_INIT;
    buf_addf(&name, "%s_%zu()", update ? "updated" : "changed", source);
    begin(out, id, buf_cstr(&name), "trigger", by_index);
    buf_fini(&name);
    buf_addf(out,
             "BEGIN\n  IF NOT EXISTS (SELECT FROM %s) THEN\n    RETURN NULL;\n  END IF;\n"
             "  BEGIN\n    PERFORM parkway.view_%d_ready();\n"
             "    %sINSERT INTO pg_temp.parkway_view_%d (",
             update ? "parkway_new" : "touched", id,
             update ? "WITH touched AS (SELECT * FROM parkway_old"
                      " UNION ALL SELECT * FROM parkway_new)\n    "
                    : "",
             id);
    add_keys(out, v, s, NAMES);
    buf_adds(out, ")\n    ");
    view_text_mapped(v, &v->sources[source], out);
    buf_adds(out, ";\n");
    add_handler(out, id);
    buf_adds(out, "  RETURN NULL;\n");
    end(out);
}

/* ---- recomputing ---------------------------------------------------------------------------- */

/* "v.a = ANY (<what>1) AND …" or "v.a = <what>1 AND …" */
static void add_restriction(struct buf *out, const struct view *v, enum view_reach reach,
                            const char *alias, const char *what)
{
    for (size_t i = 0; i < v->key_count; i++) {
        buf_addf(out, "%s%s", i > 0 ? " AND " : "", alias);
        ident_quote(out, v->keys[i]);
        buf_addf(out, reach == VIEW_REACH_SET ? " = ANY (%s%zu)" : " = %s%zu", what, i + 1);
    }
}

void view_text_restricted(const struct view *v, enum view_reach reach, struct buf *out)
{
    buf_adds(out, "SELECT * FROM ");
    add_query(out, v);
    buf_adds(out, " WHERE ");
    add_restriction(out, v, reach, "v.", "$");
}

/* The rows of "fresh" into the target, where they differ. Compared are the bytes: 1.0 is not 1.00, and some
 * types have no equality. */
static void add_upsert(struct buf *out, const struct view *v, const struct view_shape *s,
                       const char *target)
{
    buf_addf(out, "INSERT INTO %s AS parkway_row SELECT * FROM fresh ON CONFLICT (", target);
    add_key_columns(out, v);
    buf_adds(out, ") DO UPDATE SET ");
    for (size_t i = 0; i < s->column_count; i++) {
        buf_addf(out, "%s%s = excluded.%s", i > 0 ? ", " : "", s->columns[i], s->columns[i]);
    }
    buf_adds(out, " WHERE parkway_row.* *<> excluded.*;\n");
}

/* One statement that brings the target's rows of the keys in parkway_keys or parkway_key up to date. */
static void add_statement(struct buf *out, const struct view *v, const struct view_shape *s,
                          const char *target)
{
    bool set = s->reach == VIEW_REACH_SET;
    const char *what = set ? "parkway_keys" : "parkway_key.k";
    buf_adds(out, "    WITH fresh AS MATERIALIZED (SELECT * FROM ");
    add_query(out, v);
    buf_adds(out, " WHERE ");
    add_restriction(out, v, s->reach, "v.", what);
    buf_addf(out, "),\n    gone AS (DELETE FROM %s AS t WHERE ", target);
    if (set) {
        buf_adds(out, "t.");
        add_key_columns(out, v);
        buf_adds(out, " = ANY (ARRAY(SELECT unnest(parkway_keys1) EXCEPT SELECT ");
        add_key_columns(out, v);
        buf_adds(out, " FROM fresh))");
    } else {
        add_restriction(out, v, s->reach, "t.", what);
        buf_adds(out, " AND NOT EXISTS (SELECT FROM fresh)");
    }
    buf_adds(out, ")\n    ");
    add_upsert(out, v, s, target);
}

/* A loop over the distinct keys of a table, in slices or one by one. */
static void add_loop(struct buf *out, const struct view *v, const struct view_shape *s,
                     const char *keys, const char *target)
{
    if (s->reach == VIEW_REACH_SET) {
        buf_addf(out,
                 "  FOR parkway_keys1 IN SELECT array_agg(d.k1) FROM"
                 " (SELECT k1, (row_number() OVER ()) / %d AS slice FROM"
                 " (SELECT DISTINCT k1 FROM %s WHERE k1 IS NOT NULL) AS k) AS d"
                 " GROUP BY d.slice LOOP\n",
                 SLICE_KEYS, keys);
    } else {
        buf_adds(out, "  FOR parkway_key IN SELECT DISTINCT ");
        add_keys(out, v, s, NAMES);
        buf_addf(out, " FROM %s WHERE everything IS NULL LOOP\n", keys);
    }
    add_statement(out, v, s, target);
    buf_adds(out, "  END LOOP;\n");
}

static void add_variables(struct buf *out, const struct view_shape *s)
{
    if (s->reach == VIEW_REACH_SET) {
        buf_addf(out, "  parkway_keys1 %s[];\n", s->key_types[0]);
    } else {
        buf_adds(out, "  parkway_key record;\n");
    }
}

static void add_refresh(struct buf *out, const struct view *v, const struct view_shape *s,
                        int id)
{
    struct buf keys = BUF_INIT;
    buf_addf(&keys, "pg_temp.parkway_view_%d", id);
    begin(out, id, "refresh()", "void", by_index);
    buf_adds(out, "DECLARE\n");
    add_variables(out, s);
    buf_adds(out, "BEGIN\n");
    add_loop(out, v, s, buf_cstr(&keys), v->table);
    end(out);
    buf_fini(&keys);
}

static void add_whole(struct buf *out, const struct view *v, const struct view_shape *s,
                      const char *target)
{
    buf_adds(out, "  WITH fresh AS MATERIALIZED (SELECT * FROM ");
    add_query(out, v);
    buf_addf(out,
             "),\n  gone AS (DELETE FROM %s AS t WHERE NOT EXISTS (SELECT FROM fresh WHERE ",
             target);
    for (size_t i = 0; i < v->key_count; i++) {
        buf_adds(out, i > 0 ? " AND fresh." : "fresh.");
        ident_quote(out, v->keys[i]);
        buf_adds(out, " = t.");
        ident_quote(out, v->keys[i]);
    }
    buf_adds(out, "))\n  ");
    add_upsert(out, v, s, target);
}

static void add_load(struct buf *out, const struct view *v, int id)
{
    begin(out, id, "load()", "bigint", by_cost);
    buf_addf(
        out,
        "DECLARE\n  parkway_count bigint;\nBEGIN\n  INSERT INTO parkway.view_%d SELECT * FROM ",
        id);
    add_query(out, v);
    buf_adds(out, ";\n  GET DIAGNOSTICS parkway_count = ROW_COUNT;\n  RETURN parkway_count;\n");
    end(out);
}

static void add_remake(struct buf *out, const struct view *v, const struct view_shape *s,
                       int id)
{
    begin(out, id, "remake()", "void", by_cost);
    buf_addf(out, "BEGIN\n  PERFORM parkway.view_retype(%d);\n", id);
    add_whole(out, v, s, v->table);
    end(out);
}

static void add_catch_up(struct buf *out, const struct view *v, const struct view_shape *s,
                         int id)
{
    struct buf target = BUF_INIT;
    buf_addf(&target, "parkway.view_%d", id);
    begin(out, id, "fill()", "void", by_cost);
    buf_adds(out, "BEGIN\n");
    add_whole(out, v, s, buf_cstr(&target));
    end(out);
    begin(out, id, "catch_up()", "bigint", by_index);
    buf_adds(out, "DECLARE\n  parkway_count bigint;\n");
    add_variables(out, s);
    buf_addf(out,
             "BEGIN\n  PERFORM parkway.view_%d_ready();\n"
             "  WITH taken AS (DELETE FROM parkway.view_%d_log RETURNING *)\n"
             "  INSERT INTO pg_temp.parkway_view_%d SELECT * FROM taken;\n"
             "  GET DIAGNOSTICS parkway_count = ROW_COUNT;\n"
             "  IF EXISTS (SELECT FROM pg_temp.parkway_view_%d WHERE everything) THEN\n"
             "    PERFORM parkway.view_%d_fill();\n  ELSE\n",
             id, id, id, id, id);
    struct buf keys = BUF_INIT;
    buf_addf(&keys, "pg_temp.parkway_view_%d", id);
    add_loop(out, v, s, buf_cstr(&keys), buf_cstr(&target));
    buf_addf(out,
             "  END IF;\n  DELETE FROM pg_temp.parkway_view_%d;\n  RETURN parkway_count;\n",
             id);
    end(out);
    buf_fini(&keys);
    buf_fini(&target);
}

/* ---- at the transaction's end --------------------------------------------------------------- */

static void add_settle(struct buf *out, int id)
{
    begin(out, id, "settle()", "trigger", "");
    buf_addf(
        out,
        "DECLARE\n  parkway_state text;\n  parkway_whole boolean;\nBEGIN\n"
        "  IF NOT EXISTS (SELECT FROM pg_temp.parkway_view_%d) THEN\n    RETURN NULL;\n"
        "  END IF;\n"
        "  parkway_state := parkway.view_turn(%d);\n"
        "  parkway_whole := EXISTS (SELECT FROM pg_temp.parkway_view_%d WHERE everything);\n"
        "  BEGIN\n    IF parkway_state = 'building' THEN\n"
        "      INSERT INTO parkway.view_%d_log SELECT DISTINCT * FROM pg_temp.parkway_view_%d"
        " WHERE everything IS NOT FALSE;\n"
        "    ELSIF parkway_state = 'live' AND NOT parkway_whole THEN\n"
        "      PERFORM parkway.view_%d_refresh();\n"
        "    ELSIF parkway_state IN ('live', 'broken') AND parkway_whole THEN\n"
        "      PERFORM parkway.view_%d_remake();\n      PERFORM parkway.view_mend(%d);\n"
        "    END IF;\n",
        id, id, id, id, id, id, id, id);
    add_handler(out, id);
    buf_addf(out, "  DELETE FROM pg_temp.parkway_view_%d;\n  RETURN NULL;\n", id);
    end(out);
}

/* ---- the whole ------------------------------------------------------------------------------ */

void view_text_functions(const struct view *v, const struct view_shape *s, int id,
                         struct buf *out)
{
    add_settle(out, id);
    add_ready(out, v, s, id);
    add_everything(out, id);
    for (size_t i = 0; i < v->source_count; i++) {
        add_touched(out, v, s, id, i, false);
        add_touched(out, v, s, id, i, true);
    }
    add_refresh(out, v, s, id);
    add_remake(out, v, s, id);
    add_load(out, v, id);
    add_catch_up(out, v, s, id);
}

void view_text_tables(const struct view *v, const struct view_shape *s, int id, struct buf *out)
{
    buf_addf(out, "CREATE TABLE parkway.view_%d AS SELECT * FROM ", id);
    add_query(out, v);
    buf_addf(out, " WITH NO DATA; CREATE TABLE parkway.view_%d_log (everything boolean, ", id);
    add_keys(out, v, s, DEFINITIONS);
    buf_adds(out, ");");
}

void view_text_key(const struct view *v, int id, struct buf *out)
{
    buf_addf(out, "ALTER TABLE parkway.view_%d ADD CONSTRAINT view_%d_key PRIMARY KEY (", id,
             id);
    add_key_columns(out, v);
    buf_adds(out, ");");
    for (size_t i = 0; i < v->indexes->count; i++) {
        buf_addf(out, " CREATE INDEX ON parkway.view_%d %s;", id, v->indexes->items[i]);
    }
    buf_addf(out, " ANALYZE parkway.view_%d;", id);
}
