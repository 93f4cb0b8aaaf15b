-- Changes of shape, in order. Event triggers write what a captured table looks like after a command as a
-- transactional message with prefix parkway.shape into the log: it stands there between the rows of the old shape
-- and those of the new one. Never the command's text: a table's shape has one meaning, however it came about.
--
-- A command on a captured table never goes unannounced. If a shape cannot be computed (a mistake of ours), the command
-- still succeeds with a warning, and what is announced is that failure, which stops the table on the replicas;
-- if not even that can be written, the command fails.

-- Parkway's own login reads every captured table, however it came into the publication: replicas are copied, compared and
-- repaired from what it sees. It has REPLICATION and gets all of this from the log anyway. A policy would hide rows
-- that are in the log.
ALTER ROLE parkway BYPASSRLS;

DROP EVENT TRIGGER IF EXISTS parkway_ddl;
DROP EVENT TRIGGER IF EXISTS parkway_drop;
DROP EVENT TRIGGER IF EXISTS parkway_rewrite;

-- Which tables are captured: the members of these publications. A new table whose "schema.name" fits one of the
-- patterns (* stands for anything) becomes a member in the transaction that makes it. Written by parkway migrate.
CREATE TABLE IF NOT EXISTS parkway.capture (
    publication text PRIMARY KEY,
    patterns    text[] NOT NULL DEFAULT '{}'
);
-- "schema.name" -> the columns that are published of it; all, of a table that is not in here.
ALTER TABLE parkway.capture ADD COLUMN IF NOT EXISTS columns jsonb NOT NULL DEFAULT '{}';

-- What was announced last. rewrite: reasons (as in the event table_rewrite, or-ed) for which the rows were written anew
-- since; partitions: leaf partition -> its bounds; made_full: the replica identity FULL is of our making.
CREATE TABLE IF NOT EXISTS parkway.shapes (
    relid        oid PRIMARY KEY,
    shape        jsonb NOT NULL,
    partitions   jsonb NOT NULL DEFAULT '{}',
    rewrite      int NOT NULL DEFAULT 0,
    made_full    boolean NOT NULL DEFAULT false,
    announced_at timestamptz NOT NULL DEFAULT now()
);

-- Anybody may write messages into the log; those that replicas act on are sealed, so that a login that can
-- read and write nothing here cannot change replicas either. parkway migrate copies the keys to them.
CREATE TABLE IF NOT EXISTS parkway.seal (
    one       boolean PRIMARY KEY DEFAULT true CHECK (one),
    inner_key bytea NOT NULL,
    outer_key bytea NOT NULL
);

INSERT INTO parkway.seal (inner_key, outer_key)
SELECT string_agg(uuid_send(gen_random_uuid()), '') FILTER (WHERE i <= 4),
       string_agg(uuid_send(gen_random_uuid()), '') FILTER (WHERE i > 4)
  FROM generate_series(1, 8) AS i
ON CONFLICT DO NOTHING;

-- A sealed message: "<seal> <xid> <content>". The seal covers prefix, transaction and content with secret keys, so
-- a message can be neither made up nor repeated in another transaction.
CREATE OR REPLACE FUNCTION parkway.send(prefix text, content text) RETURNS pg_lsn
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    body text := (pg_current_xact_id()::text::numeric % 4294967296)::text || ' ' || content;
    seal text;
BEGIN
    SELECT encode(sha256(s.outer_key || sha256(s.inner_key || convert_to(prefix || ' ' || body, 'UTF8'))), 'hex')
      INTO STRICT seal FROM parkway.seal s;
    RETURN pg_logical_emit_message(true, prefix, seal || ' ' || body);
END
$$;

-- The members of our publications: published columns (NULL: all) and row filter.
CREATE OR REPLACE FUNCTION parkway.captured()
RETURNS TABLE (relid oid, attrs int2[], filter text)
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT DISTINCT ON (g.relid) g.relid, g.attrs::int2[], pg_get_expr(g.qual, g.relid)
      FROM parkway.capture k
      JOIN pg_publication p ON p.pubname = k.publication,
           LATERAL pg_get_publication_tables(p.pubname::text) g
     ORDER BY g.relid, k.publication
$$;

-- The tables that a list of names and patterns means: permanent, not a partition of another one, not Parkway's own.
CREATE OR REPLACE FUNCTION parkway.matching(patterns text[]) RETURNS SETOF oid
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND NOT c.relispartition
       AND n.nspname NOT IN ('parkway', 'information_schema') AND n.nspname !~ '^pg_'
       AND EXISTS (SELECT FROM unnest(patterns) AS t WHERE n.nspname || '.' || c.relname LIKE
                   replace(replace(replace(replace(t, '\', '\\'), '%', '\%'), '_', '\_'), '*', '%'))
$$;

-- The table as CREATE and ALTER PUBLICATION name it: with its columns, where not all are to be published.
CREATE OR REPLACE FUNCTION parkway.publish_as(publication text, relid oid) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT publish_as.relid::regclass::text || coalesce((
        SELECT ' (' || string_agg(quote_ident(name), ', ') || ')'
          FROM parkway.capture k, pg_class c, pg_namespace n,
               jsonb_array_elements_text(k.columns -> (n.nspname || '.' || c.relname)) AS name
         WHERE k.publication = publish_as.publication AND c.oid = publish_as.relid AND n.oid = c.relnamespace), '')
$$;

-- The shapes of those of the tables that are captured. Columns carry their number, by which a rename is recognised,
-- and "missing", the value that rows written before the column was added have.
CREATE OR REPLACE FUNCTION parkway.shapes_of(relids oid[]) RETURNS TABLE (relid oid, shape jsonb)
LANGUAGE sql STABLE
SET search_path = pg_catalog SET datestyle = 'ISO, MDY' SET intervalstyle = 'postgres' SET extra_float_digits = 3
SET bytea_output = 'hex' SET lc_monetary = 'C' AS $$
    SELECT c.oid, jsonb_build_object(
        'oid', c.oid::bigint, 'schema', n.nspname, 'name', c.relname, 'kind', c.relkind,
        'identity', c.relreplident, 'filter', k.filter,
        'key', (SELECT jsonb_agg(u.num ORDER BY u.at)
                  FROM pg_index i, unnest(i.indkey::int2[]) WITH ORDINALITY u(num, at)
                 WHERE i.indrelid = c.oid AND i.indisprimary AND u.at <= i.indnkeyatts),
        'identity_key', (SELECT jsonb_agg(u.num ORDER BY u.at)
                  FROM pg_index i, unnest(i.indkey::int2[]) WITH ORDINALITY u(num, at)
                 WHERE i.indrelid = c.oid AND i.indisreplident AND u.at <= i.indnkeyatts),
        'readers', (SELECT coalesce(jsonb_agg(r.rolname ORDER BY r.rolname), '[]')
                  FROM pg_roles r
                 WHERE r.rolcanlogin AND NOT r.rolsuper AND NOT c.relrowsecurity AND r.rolname <> 'parkway'
                   AND has_table_privilege(r.oid, c.oid, 'SELECT')
                   AND has_schema_privilege(r.oid, n.oid, 'USAGE')),
        'columns', (SELECT jsonb_agg(jsonb_build_object(
                'num', a.attnum, 'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
                'type_oid', a.atttypid::bigint, 'mod', a.atttypmod,
                'collation', CASE WHEN a.attcollation <> t.typcollation
                             THEN (SELECT format('%I.%I', cn.nspname, co.collname) FROM pg_collation co
                                     JOIN pg_namespace cn ON cn.oid = co.collnamespace
                                    WHERE co.oid = a.attcollation) END,
                'not_null', a.attnotnull,
                'default', CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END,
                'constant', coalesce(d.adbin::text LIKE '{CONST %', false),
                'missing', CASE WHEN a.atthasmissing THEN (a.attmissingval::text::text[])[1]
                           ELSE (SELECT (l.attmissingval::text::text[])[1]
                                   FROM pg_partition_tree(c.oid) pt
                                   JOIN pg_attribute l ON l.attrelid = pt.relid AND l.attname = a.attname
                                  WHERE c.relkind = 'p' AND l.atthasmissing LIMIT 1) END,
                'generated', CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) END,
                'identity', a.attidentity,
                'published', a.attgenerated = '' AND (k.attrs IS NULL OR a.attnum = ANY (k.attrs)))
                ORDER BY a.attnum)
              FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
              LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped))
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN parkway.captured() k ON k.relid = c.oid
     WHERE c.oid = ANY (shapes_of.relids)
$$;

-- The shape of one table, NULL when it is not captured.
CREATE OR REPLACE FUNCTION parkway.shape_of(relid oid) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT s.shape FROM parkway.shapes_of(ARRAY[shape_of.relid]) s
$$;

-- Bounds of the leaf partitions of a partitioned table.
CREATE OR REPLACE FUNCTION parkway.partitions_of(relid oid) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT coalesce(jsonb_object_agg(t.relid::oid::text, pg_get_partition_constraintdef(t.relid)), '{}')
      FROM pg_partition_tree(partitions_of.relid) t WHERE t.isleaf AND t.relid <> partitions_of.relid
$$;

CREATE OR REPLACE FUNCTION parkway.holds_rows(relid oid) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog SET row_security = off AS $$
DECLARE
    found boolean;
BEGIN
    EXECUTE format('SELECT EXISTS (SELECT FROM %s)', relid::regclass) INTO found;
    RETURN found;
END
$$;

-- Writes the table's shape into the log if it is not the one announced last; forced: in any case.
--   table       the shape; was: the one before, null for a table that was not captured
--   rewrite     why its rows were written anew (4: a column's values, 2: a default's)
--   plain       that happened by the types' own casts, as far as the statement shows
--   filled      it holds rows, looked at when it was not captured before or was rewritten
--   gone        bounds of partitions that left it with their rows, null where they cannot be told
--   joined      a partition that came with rows
-- by_the_way: the command did not name this table; if somebody else is just altering it, it is left to him.
CREATE OR REPLACE FUNCTION parkway.announce(relid oid, forced boolean DEFAULT false, by_the_way boolean DEFAULT false)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    known record;
    statement text := current_query();
    gone jsonb := '[]';
    joined boolean := false;
    keyless boolean;
BEGIN
    -- book and catalogue in one snapshot each time: somebody else's change is in both or in none
    FOR look IN 1 .. 2 LOOP
        SELECT b.relid IS NOT NULL AS booked, b.shape AS was, b.partitions, coalesce(b.rewrite, 0) AS rewrite, b.made_full,
               parkway.shape_of(r.id) AS shape, parkway.partitions_of(r.id) AS leaves INTO known
          FROM (SELECT announce.relid AS id) r LEFT JOIN parkway.shapes b ON b.relid = r.id;
        IF known.shape IS NULL OR (NOT forced AND known.was = known.shape AND known.partitions = known.leaves
                                   AND known.rewrite = 0) THEN
            RETURN;
        END IF;
        EXIT WHEN look = 2;
        IF by_the_way THEN
            BEGIN
                EXECUTE format('LOCK TABLE ONLY %s IN ACCESS SHARE MODE NOWAIT', relid::regclass);
                PERFORM FROM parkway.shapes b WHERE b.relid = announce.relid FOR UPDATE NOWAIT;
            EXCEPTION WHEN lock_not_available THEN
                RETURN;
            END;
        ELSE
            PERFORM FROM parkway.shapes b WHERE b.relid = announce.relid FOR UPDATE;
        END IF;
    END LOOP;
    keyless := jsonb_typeof(known.shape->'key') = 'null';
    IF known.made_full AND NOT keyless AND known.shape->>'identity' = 'f' THEN
        -- the trigger fires again for this, and announces
        UPDATE parkway.shapes b SET made_full = false WHERE b.relid = announce.relid;
        EXECUTE format('ALTER TABLE %s REPLICA IDENTITY DEFAULT', relid::regclass);
        RETURN;
    END IF;
    IF known.booked THEN
        SELECT coalesce(jsonb_agg(CASE WHEN p.value ~ 'satisfies_hash_partition' THEN NULL ELSE p.value END), '[]')
          INTO gone FROM jsonb_each_text(known.partitions) p WHERE NOT known.leaves ? p.key;
        SELECT coalesce(bool_or(parkway.holds_rows(p.key::oid)), false)
          INTO joined FROM jsonb_object_keys(known.leaves) p(key) WHERE NOT known.partitions ? p.key;
    END IF;
    PERFORM parkway.send('parkway.shape', jsonb_build_object(
        'table', known.shape, 'was', known.was, 'rewrite', known.rewrite,
        'plain', statement ~* '\malter\M.*\mtype\M' AND statement !~* '\musing\M|\mdo\M|\mselect\M|\mcall\M',
        'filled', (NOT known.booked OR known.rewrite <> 0) AND parkway.holds_rows(relid),
        'state', forced, 'gone', gone, 'joined', joined)::text);
    INSERT INTO parkway.shapes AS s (relid, shape, partitions) VALUES (announce.relid, known.shape, known.leaves)
    ON CONFLICT ON CONSTRAINT shapes_pkey DO UPDATE
        SET shape = excluded.shape, partitions = excluded.partitions, rewrite = 0, announced_at = now();
END
$$;

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

-- Every captured table whose announcement is out of date: all are looked at in one query, and those that differ are
-- announced. If that query fails, each table is tried, and tells for itself.
CREATE OR REPLACE FUNCTION parkway.announce_all() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    ids oid[] := ARRAY(SELECT k.relid FROM parkway.captured() k);
    id oid;
BEGIN
    PERFORM parkway.admit(ids);
    BEGIN
        ids := ARRAY(SELECT s.relid FROM parkway.shapes_of(ids) s LEFT JOIN parkway.shapes b ON b.relid = s.relid
                      WHERE b.shape IS DISTINCT FROM s.shape OR b.rewrite <> 0
                         OR b.partitions <> CASE s.shape->>'kind' WHEN 'p' THEN parkway.partitions_of(s.relid) ELSE '{}' END);
    EXCEPTION WHEN others THEN
        RAISE DEBUG 'parkway looks at each table: %', SQLERRM;
    END;
    FOREACH id IN ARRAY ids LOOP
        PERFORM parkway.announce_safely(id, true);
    END LOOP;
END
$$;

-- A new table that fits a pattern is published at once: publication first, then rows. Without a primary key its updates
-- would be refused from then on, so its whole old rows go into the log.
CREATE OR REPLACE FUNCTION parkway.adopt(relid oid) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    k parkway.capture;
    keyless boolean := false;
BEGIN
    FOR k IN SELECT * FROM parkway.capture WHERE patterns <> '{}' LOOP
        CONTINUE WHEN relid NOT IN (SELECT parkway.matching(k.patterns))
            OR relid IN (SELECT m.relid FROM parkway.captured() m)
            OR NOT EXISTS (SELECT FROM pg_publication p WHERE p.pubname = k.publication AND NOT p.puballtables);
        IF NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = adopt.relid AND i.indisprimary)
           AND (SELECT c.relreplident FROM pg_class c WHERE c.oid = adopt.relid) = 'd' THEN
            EXECUTE format('ALTER TABLE %s REPLICA IDENTITY FULL', relid::regclass);
            keyless := true;
        END IF;
        EXECUTE format('ALTER PUBLICATION %I ADD TABLE %s', k.publication, parkway.publish_as(k.publication, relid));
        EXECUTE format('GRANT SELECT ON %s TO parkway', relid::regclass);
        PERFORM parkway.announce_safely(relid);
        UPDATE parkway.shapes s SET made_full = keyless WHERE s.relid = adopt.relid;
    END LOOP;
EXCEPTION WHEN others THEN
    RAISE WARNING 'parkway could not capture %: %', relid::regclass, SQLERRM
        USING HINT = 'Replicas do not have this table; run parkway migrate.';
END
$$;

-- Event triggers run as whoever migrated: a superuser, who alone can make them.
CREATE OR REPLACE FUNCTION parkway.on_ddl() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    command record;
    wide boolean := false;
    ids oid[] := '{}';
    born oid[] := '{}';
    id oid;
BEGIN
    FOR command IN SELECT * FROM pg_event_trigger_ddl_commands() WHERE schema_name IS DISTINCT FROM 'pg_temp' LOOP
        IF command.classid = 'pg_class'::regclass THEN
            ids := ids || command.objid;
            IF command.command_tag IN ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO') AND NOT command.in_extension THEN
                born := born || command.objid;
            END IF;
        ELSIF command.classid IN ('pg_type'::regclass, 'pg_namespace'::regclass, 'pg_collation'::regclass,
                            'pg_extension'::regclass, 'pg_publication'::regclass,
                            'pg_publication_rel'::regclass, 'pg_publication_namespace'::regclass)
              OR (command.classid IS NULL AND command.object_type IN ('TABLE', 'SCHEMA')) THEN
            wide := true;
        END IF;
    END LOOP;
    IF wide THEN
        PERFORM parkway.announce_all();
    END IF;
    -- an index means its table, a partition its root, a parent its children too
    FOR id IN
        WITH RECURSIVE touched(oid) AS (
            SELECT coalesce(i.indrelid, u.oid) FROM unnest(ids) AS u(oid) LEFT JOIN pg_index i ON i.indexrelid = u.oid
            UNION SELECT h.inhrelid FROM touched t JOIN pg_inherits h ON h.inhparent = t.oid)
        SELECT DISTINCT coalesce(pg_partition_root(c.oid)::oid, c.oid) FROM touched t JOIN pg_class c ON c.oid = t.oid
         WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p'
    LOOP
        IF id = ANY (born) THEN
            PERFORM parkway.adopt(id);
        END IF;
        PERFORM parkway.announce_safely(id);
    END LOOP;
    -- a partition that was detached touches a root that its own name no longer leads to
    IF tg_tag = 'ALTER TABLE' THEN
        PERFORM parkway.announce_safely(s.relid) FROM parkway.shapes s
         WHERE s.shape->>'kind' = 'p' AND EXISTS (SELECT FROM unnest(ids) AS u(oid) WHERE s.partitions ? u.oid::text);
    END IF;
EXCEPTION WHEN others THEN
    RAISE WARNING 'parkway could not tell what the command touched: %', SQLERRM;
    PERFORM parkway.announce_all();
END
$$;

CREATE OR REPLACE FUNCTION parkway.on_drop() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    s record;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_event_trigger_dropped_objects() WHERE NOT is_temporary) THEN
        RETURN;
    END IF;
    FOR s IN SELECT b.relid, b.shape, EXISTS (SELECT FROM pg_class c WHERE c.oid = b.relid) AS stays
               FROM parkway.shapes b WHERE b.relid NOT IN (SELECT k.relid FROM parkway.captured() k) LOOP
        PERFORM parkway.send('parkway.shape', jsonb_build_object(
            'table', NULL, 'was', s.shape, 'released', s.stays)::text);
        DELETE FROM parkway.shapes b WHERE b.relid = s.relid;
    END LOOP;
    PERFORM parkway.announce_all();
END
$$;

CREATE OR REPLACE FUNCTION parkway.on_rewrite() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    id oid := pg_event_trigger_table_rewrite_oid();
BEGIN
    UPDATE parkway.shapes s SET rewrite = s.rewrite | pg_event_trigger_table_rewrite_reason()
     WHERE s.relid = coalesce(pg_partition_root(id)::oid, id)
       AND pg_event_trigger_table_rewrite_reason() & 6 <> 0;
END
$$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA parkway FROM PUBLIC;
GRANT EXECUTE ON FUNCTION parkway.matching(text[]), parkway.captured(), parkway.publish_as(text, oid), parkway.shapes_of(oid[]), parkway.shape_of(oid)
    TO parkway;
GRANT SELECT ON parkway.capture, parkway.shapes TO parkway;

CREATE EVENT TRIGGER parkway_ddl ON ddl_command_end EXECUTE FUNCTION parkway.on_ddl();
CREATE EVENT TRIGGER parkway_drop ON sql_drop EXECUTE FUNCTION parkway.on_drop();
CREATE EVENT TRIGGER parkway_rewrite ON table_rewrite EXECUTE FUNCTION parkway.on_rewrite();
ALTER EVENT TRIGGER parkway_ddl ENABLE ALWAYS;
ALTER EVENT TRIGGER parkway_drop ENABLE ALWAYS;
ALTER EVENT TRIGGER parkway_rewrite ENABLE ALWAYS;
