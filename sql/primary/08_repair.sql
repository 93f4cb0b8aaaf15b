-- Holding rows still, and saying what they are: how a replica is compared with the primary and repaired.
-- Parkway's own login may only read the captured tables; these functions lock for it, nothing else.
--
-- A key's type is named by format_type(type, -1): without its length char(n) is named "character", which SQL reads as
-- character(1); with the length given as unknown it is bpchar, of any length, and so for bit(n).

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
    held bigint := -1;
BEGIN
    SELECT * INTO w FROM parkway.rows_of(relation);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'table % is not published', relation USING ERRCODE = 'undefined_table';
    END IF;
    IF json_array_length(keys) > 0 THEN
        SELECT string_agg(format('t.%I = (k ->> %L)::%s', a.attname, a.attname, format_type(a.atttypid, -1)), ' AND ')
          INTO matched
          FROM json_object_keys(keys -> 0) AS key JOIN pg_attribute a ON a.attrelid = w.oid AND a.attname = key;
        EXECUTE format('SELECT count(*) FROM (SELECT FROM %s AS t, json_array_elements($1) AS k WHERE %s FOR SHARE OF t) AS x',
                       w.source, matched) INTO held USING keys;
    END IF;
    IF held <> json_array_length(keys) THEN
        EXECUTE format('LOCK TABLE %s IN SHARE MODE', w.source);
    END IF;
END
$$;

-- parkway.repair: says in the log what these rows are at this place of it, so that the consumer makes them so, whatever its
-- replica has. The rows are held until the caller's transaction ends. consumer: whose replica; NULL: every one's. Returns the
-- number of rows that exist. keys as for parkway.hold, at least one. The message, sealed:
--   {"consumer", "relation", "oid", "identity", "columns": [{"name", "type", "mod", "key"},…],
--    "rows": [{"key": {"column": "text",…}, "row": {"column": "text",…} or null},…]}
-- All values are texts as in the log. A message holds some MB, or one row; a row may have 1 GB as JSON.
CREATE OR REPLACE FUNCTION parkway.repair(consumer text, relation text, keys json) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public SET row_security = off
SET datestyle = 'ISO, MDY' SET intervalstyle = 'postgres' SET extra_float_digits = 3 SET bytea_output = 'hex' SET lc_monetary = 'C' AS $$
DECLARE
    most CONSTANT int := 4000000; -- characters of rows in a message
    w record;
    r record;
    head text;
    names text;
    texts text;
    matched text;
    rows text := '';
    present bigint := 0;
BEGIN
    PERFORM parkway.hold(relation, keys);
    SELECT * INTO w FROM parkway.rows_of(relation);
    SELECT left(json_build_object('consumer', consumer, 'relation', relation, 'oid', w.oid::bigint, 'identity', c.relreplident,
                   'columns', json_agg(json_build_object('name', a.attname, 'type', a.atttypid::bigint, 'mod', a.atttypmod,
                       'key', c.relreplident = 'f' OR EXISTS (SELECT FROM pg_index i
                           WHERE i.indrelid = c.oid AND a.attnum = ANY (i.indkey::int2[])
                             AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident
                                 ELSE false END)) ORDER BY a.attnum))::text, -1) || ', "rows": [',
           string_agg(quote_literal(a.attname), ', ' ORDER BY a.attnum),
           string_agg(format('CASE WHEN t.%1$I IS DISTINCT FROM NULL THEN concat(t.%1$I) END', a.attname), ', '
                      ORDER BY a.attnum),
           string_agg(format('t.%I = (k.key ->> %L)::%s', a.attname, a.attname, format_type(a.atttypid, -1)), ' AND ')
               FILTER (WHERE a.attname IN (SELECT json_object_keys(keys -> 0)))
      INTO head, names, texts, matched
      FROM pg_class c
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
                         AND a.attname = ANY (w.columns)
     WHERE c.oid = w.oid GROUP BY c.oid, c.relreplident;
    FOR r IN EXECUTE format(
        'SELECT k.key::text AS key, t.row::text AS row FROM json_array_elements($1) AS k (key)'
        ' LEFT JOIN LATERAL (SELECT json_object(ARRAY[%s]::text[], ARRAY[%s]::text[]) AS row FROM %s AS t'
        ' WHERE %s AND (%s)) AS t ON true', names, texts, w.source, matched, w.filter) USING keys
    LOOP
        IF length(rows) + coalesce(length(r.row), 0) > most AND rows <> '' THEN
            PERFORM parkway.send('parkway.repair', head || rows || ']}');
            rows := '';
        END IF;
        rows := rows || CASE rows WHEN '' THEN '' ELSE ', ' END
            || format('{"key": %s, "row": %s}', r.key, coalesce(r.row, 'null'));
        present := present + (r.row IS NOT NULL)::int;
    END LOOP;
    PERFORM parkway.send('parkway.repair', head || rows || ']}');
    RETURN present;
END
$$;

REVOKE EXECUTE ON FUNCTION parkway.rows_of(text), parkway.hold(text, json), parkway.repair(text, text, json) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION parkway.rows_of(text), parkway.hold(text, json), parkway.repair(text, text, json) TO parkway;
