-- Parkway's own login reads every captured table, however it came into the publication: replicas are copied, compared and
-- repaired from what it sees. It has REPLICATION and gets all of this from the log anyway.

-- A policy would hide rows that are in the log.
ALTER ROLE parkway BYPASSRLS;

-- Lets the login read those of the tables that are captured and that it cannot read; also after a REVOKE. All at once,
-- for the event trigger fires for each GRANT: it then finds nothing more to grant. What we may not grant is left alone.
CREATE OR REPLACE FUNCTION parkway.admit(relids oid[]) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    tables text;
    schemas text;
BEGIN
    SELECT string_agg(DISTINCT c.oid::regclass::text, ', ')
               FILTER (WHERE NOT has_table_privilege('parkway', c.oid, 'SELECT') AND pg_has_role(c.relowner, 'USAGE')),
           string_agg(DISTINCT quote_ident(n.nspname), ', ')
               FILTER (WHERE NOT has_schema_privilege('parkway', n.oid, 'USAGE') AND pg_has_role(n.nspowner, 'USAGE'))
      INTO tables, schemas
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.oid = ANY (relids) AND c.oid IN (SELECT k.relid FROM parkway.captured() k);
    IF tables IS NOT NULL THEN
        EXECUTE 'GRANT SELECT ON ' || tables || ' TO parkway';
    END IF;
    IF schemas IS NOT NULL THEN
        EXECUTE 'GRANT USAGE ON SCHEMA ' || schemas || ' TO parkway';
    END IF;
EXCEPTION WHEN others THEN
    RAISE WARNING 'parkway could not make its login a reader of what is captured: %', SQLERRM
        USING HINT = 'Grant SELECT to parkway; until then replicas cannot be compared and repaired.';
END
$$;

-- announce, where a mistake of ours must not undo the user's command.
CREATE OR REPLACE FUNCTION parkway.announce_safely(relid oid, by_the_way boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    why text;
BEGIN
    IF NOT by_the_way THEN
        PERFORM parkway.admit(ARRAY[relid]);
    END IF;
    PERFORM parkway.announce(relid, false, by_the_way);
EXCEPTION WHEN others THEN
    why := SQLERRM;
    RAISE WARNING 'parkway could not tell the shape of %: %', relid::regclass, why
        USING HINT = 'Replicas stop following this table; see parkway status.';
    PERFORM parkway.send('parkway.shape', jsonb_build_object(
        'failed', why, 'oid', relid::bigint,
        'schema', (SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = relid),
        'name', (SELECT c.relname FROM pg_class c WHERE c.oid = relid))::text);
END
$$;

-- Every captured table whose announcement is out of date.
CREATE OR REPLACE FUNCTION parkway.announce_all() RETURNS void
LANGUAGE sql SET search_path = pg_catalog AS $$
    SELECT parkway.admit(array_agg(k.relid)) FROM parkway.captured() k;
    SELECT parkway.announce_safely(k.relid, true) FROM parkway.captured() k
$$;

REVOKE EXECUTE ON FUNCTION parkway.admit(oid[]) FROM PUBLIC;
