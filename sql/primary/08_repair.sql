-- Holding rows still, and saying what they are: how a replica is compared with the primary and repaired.
-- Parkway's own login may only read the captured tables; these functions lock for it, nothing else.

-- The columns and rows of a table that the publication lets out; and keys as conditions over alias t. relation is
-- "schema.name".
CREATE OR REPLACE FUNCTION parkway.rows_of(relation text) RETURNS TABLE (source text, filter text, columns text[], oid oid)
LANGUAGE sql STABLE SET search_path = pg_catalog, public AS $$
    SELECT CASE c.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END || format('%I.%I', n.nspname, c.relname),
           coalesce(pt.rowfilter, 'true'), pt.attnames::text[], c.oid
      FROM pg_publication_tables pt
      JOIN parkway.relay r ON r.publication = pt.pubname
      JOIN pg_namespace n ON n.nspname = pt.schemaname
      JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = pt.tablename
     WHERE pt.schemaname || '.' || pt.tablename = relation
     LIMIT 1
$$;

-- parkway.hold: nobody changes these rows until the caller's transaction ends, and nobody makes one of those that are not
-- there. keys: [{"column":"text",…},…] all with the same columns; empty: the whole table. Gives up after a short
-- wait (55P03), so that nobody waits long behind it.
CREATE OR REPLACE FUNCTION parkway.hold(relation text, keys json) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public SET lock_timeout = '300ms' SET row_security = off AS $$
DECLARE
    w record;
    matched text;
    found bigint := -1;
BEGIN
    SELECT * INTO w FROM parkway.rows_of(relation);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'table % is not published', relation USING ERRCODE = 'undefined_table';
    END IF;
    IF json_array_length(keys) > 0 THEN
        SELECT string_agg(format('t.%I = (k ->> %L)::%s', a.attname, a.attname, format_type(a.atttypid, NULL)), ' AND ')
          INTO matched
          FROM json_object_keys(keys -> 0) AS key JOIN pg_attribute a ON a.attrelid = w.oid AND a.attname = key;
        EXECUTE format('SELECT count(*) FROM (SELECT FROM %s AS t, json_array_elements($1) AS k WHERE %s FOR SHARE OF t) AS x',
                       w.source, matched) INTO found USING keys;
    END IF;
    IF found <> json_array_length(keys) THEN
        EXECUTE format('LOCK TABLE %s IN SHARE MODE', w.source);
    END IF;
END
$$;

REVOKE EXECUTE ON FUNCTION parkway.rows_of(text), parkway.hold(text, json) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION parkway.rows_of(text), parkway.hold(text, json) TO parkway;
