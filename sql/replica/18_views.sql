-- Views: tables of this replica that a consumer keeps equal to a SELECT over its mirrors (docs/views.md).
--
-- The work is done by triggers on the mirrors, so that it does not matter who changes a row: the consumer set by set or
-- row by row, a copy, a repair, an operator by hand. Each statement leaves the keys it touched in a temporary
-- table of its session; a deferred trigger recomputes their rows once, at the transaction's end. The
-- functions of one view are made by the consumer from its configuration, as parkway.view_<id>_…; here stands
-- what all views share.

-- One row a generation of a view. building: its table is being filled beside, and touched keys are kept for it in
-- parkway.view_<id>_log; live: its table is the one readers see; broken: its SELECT failed, so nobody may read it
-- until it is replayed; retired: a newer generation took its place. name is the view's table, hash stands for the
-- whole definition, query is its SELECT, target the table of this generation as it is now.
CREATE TABLE IF NOT EXISTS parkway.views (
    id       int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    consumer text NOT NULL,
    name     text NOT NULL,
    hash     text NOT NULL,
    query    text NOT NULL,
    target   text NOT NULL,
    state    text NOT NULL CHECK (state IN ('building', 'live', 'broken', 'retired')),
    error    text NOT NULL DEFAULT '',
    rows     bigint,
    since    timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX IF NOT EXISTS views_present ON parkway.views (name)
    WHERE state IN ('live', 'broken');

-- The tables that a generation's SELECT reads, in the order of its configuration.
CREATE TABLE IF NOT EXISTS parkway.view_sources (
    view     int NOT NULL,
    number   int NOT NULL,
    relation text NOT NULL, -- quoted and qualified
    PRIMARY KEY (view, number)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON parkway.views, parkway.view_sources TO parkway;
GRANT CREATE ON SCHEMA parkway, public TO parkway;

-- Hangs a generation's triggers on one of its sources. Only a table's owner may make a trigger fire for the consumer's
-- sessions, hence SECURITY DEFINER.
CREATE OR REPLACE FUNCTION parkway.view_hook(view int, number int, source regclass) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    t record;
BEGIN
    PERFORM set_config('parkway.view_hooking', 'on', true); -- this is no change of the source's shape
    FOR t IN SELECT * FROM (VALUES
        ('INSERT', 'REFERENCING NEW TABLE AS touched', 'changed'),
        ('UPDATE', 'REFERENCING OLD TABLE AS parkway_old NEW TABLE AS parkway_new', 'updated'),
        ('DELETE', 'REFERENCING OLD TABLE AS touched', 'changed'),
        ('TRUNCATE', '', 'emptied')) AS v (event, rows, function)
    LOOP
        EXECUTE format('CREATE TRIGGER parkway_view_%1$s_%2$s AFTER %3$s ON %4$s %5$s'
                       ' FOR EACH STATEMENT EXECUTE FUNCTION parkway.view_%1$s_%6$s()',
                       view, lower(t.event), t.event, source, t.rows,
                       t.function || CASE t.function WHEN 'emptied' THEN '' ELSE '_' || number END);
        EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER parkway_view_%s_%s', source, view, lower(t.event));
    END LOOP;
    PERFORM set_config('parkway.view_hooking', 'off', true);
END
$$;
GRANT EXECUTE ON FUNCTION parkway.view_hook(int, int, regclass) TO parkway;

-- An index by which a view's rows are found in a source; false: there is one. columns: each in double quotes, joined
-- by a comma and a blank.
CREATE OR REPLACE FUNCTION parkway.view_index(source regclass, columns text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_index i WHERE i.indrelid = source AND i.indisvalid AND i.indpred IS NULL
               AND starts_with((SELECT string_agg('"' || replace(a.attname, '"', '""') || '"', ', ' ORDER BY k.n)
                                FROM unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, n)
                                JOIN pg_attribute a ON a.attrelid = source AND a.attnum = k.attnum) || ', ',
                               columns || ', ')) THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE INDEX ON %s (%s)', source, columns);
    RETURN true;
END
$$;
GRANT EXECUTE ON FUNCTION parkway.view_index(regclass, text) TO parkway;

-- Who may read every source may read the view; nobody while it is broken, or while a source is not to be read: its
-- changes may be left out (parkway.table_state).
CREATE OR REPLACE FUNCTION parkway.view_grant(view int) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    reader name;
    w parkway.views;
BEGIN
    SELECT * INTO w FROM parkway.views v WHERE v.id = view;
    FOR reader IN
        SELECT pg_get_userbyid(a.grantee) FROM pg_class c, aclexplode(c.relacl) a
        WHERE c.oid = to_regclass(w.target) AND a.grantee <> c.relowner AND a.grantee <> 0
    LOOP
        EXECUTE format('REVOKE ALL ON %s FROM %I', w.target, reader);
    END LOOP;
    IF w.state <> 'live' OR EXISTS (
        SELECT FROM parkway.view_sources s
        JOIN pg_class c ON c.oid = to_regclass(s.relation)
        JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN parkway.table_state t ON t.target = n.nspname || '.' || c.relname
        WHERE s.view = view_grant.view AND t.state <> 'ok') THEN
        RETURN;
    END IF;
    FOR reader IN
        SELECT r.rolname FROM pg_roles r
        WHERE r.rolcanlogin AND NOT r.rolsuper AND r.rolname <> 'parkway'
          AND (SELECT bool_and(has_table_privilege(r.oid, to_regclass(s.relation), 'SELECT'))
               FROM parkway.view_sources s WHERE s.view = view_grant.view)
    LOOP
        EXECUTE format('GRANT SELECT ON %s TO %I', w.target, reader);
    END LOOP;
END
$$;

-- At the end of the transaction in which a table stops or begins to be readable.
CREATE OR REPLACE FUNCTION parkway.view_readable() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    PERFORM parkway.view_grant(w.id)
    FROM (SELECT DISTINCT w.id FROM parkway.views w JOIN parkway.view_sources s ON s.view = w.id AND w.state = 'live'
          JOIN pg_class c ON c.oid = to_regclass(s.relation)
          JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE n.nspname || '.' || c.relname = coalesce(NEW.target, OLD.target)) w;
    RETURN NULL;
END
$$;
DROP TRIGGER IF EXISTS parkway_view_readable ON parkway.table_state;
CREATE CONSTRAINT TRIGGER parkway_view_readable AFTER INSERT OR UPDATE OR DELETE ON parkway.table_state
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION parkway.view_readable();
ALTER TABLE parkway.table_state ENABLE ALWAYS TRIGGER parkway_view_readable;

-- The SELECT of this view cannot be computed any more: better no answer than a wrong one. A generation that is being
-- filled is given up.
CREATE OR REPLACE FUNCTION parkway.view_break(view int, why text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    w parkway.views;
BEGIN
    UPDATE parkway.views v SET state = CASE v.state WHEN 'live' THEN 'broken' ELSE 'retired' END,
                               error = why, since = now()
        WHERE v.id = view AND v.state IN ('live', 'building') RETURNING * INTO w;
    IF NOT FOUND OR w.state = 'retired' THEN
        RETURN;
    END IF;
    PERFORM parkway.view_grant(view);
    RAISE WARNING 'view % is broken: % (parkway replay % after a repair)', w.name, why, w.name;
END
$$;

-- Its SELECT works again, and all of its rows were computed.
CREATE OR REPLACE FUNCTION parkway.view_mend(view int) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    UPDATE parkway.views v SET state = 'live', error = '', since = now()
        WHERE v.id = view AND v.state = 'broken';
    IF FOUND THEN
        PERFORM parkway.view_grant(view);
    END IF;
END
$$;

-- A session's turn to bring views up to date, until its transaction ends, and the generation's state. Two transactions
-- that touch the same row of a view in different sources do not see each other's rows; the second one waits here, and
-- its statements behind this one see what the first has committed.
CREATE OR REPLACE FUNCTION parkway.view_turn(view int) RETURNS text
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'tables that views read are written in READ COMMITTED only' USING ERRCODE = '25001';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('parkway.views', 0));
    RETURN (SELECT w.state FROM parkway.views w WHERE w.id = view);
END
$$;
GRANT EXECUTE ON FUNCTION pg_catalog.pg_advisory_xact_lock(bigint), pg_catalog.pg_advisory_unlock(bigint) TO parkway;

-- Gives the view's table the types that its SELECT has now. Afterwards it may be empty: the caller computes all rows.
CREATE OR REPLACE FUNCTION parkway.view_retype(view int) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    w parkway.views;
    c record;
    cleared boolean := false;
BEGIN
    SELECT * INTO w FROM parkway.views v WHERE v.id = view;
    EXECUTE format(E'CREATE TEMPORARY VIEW parkway_shape AS SELECT * FROM (%s\n) AS v', w.query);
    FOR c IN
        SELECT coalesce(a.attname, b.attname) AS name, a.attnum AS now, b.attnum AS before,
               format_type(a.atttypid, a.atttypmod) AS type, a.attcollation AS collation,
               EXISTS (SELECT FROM pg_index i WHERE i.indrelid = w.target::regclass AND i.indisprimary
                       AND b.attnum = ANY (i.indkey)) AS key
        FROM (SELECT * FROM pg_attribute WHERE attrelid = 'pg_temp.parkway_shape'::regclass
              AND attnum > 0 AND NOT attisdropped) a
        FULL JOIN (SELECT * FROM pg_attribute WHERE attrelid = w.target::regclass
                   AND attnum > 0 AND NOT attisdropped) b ON a.attname = b.attname
        WHERE (a.atttypid, a.atttypmod, a.attcollation) IS DISTINCT FROM (b.atttypid, b.atttypmod, b.attcollation)
    LOOP
        IF c.now IS NULL OR c.before IS NULL OR c.key THEN
            RAISE EXCEPTION 'column "%" of its SELECT has changed', c.name USING ERRCODE = '42P16';
        END IF;
        IF NOT cleared THEN
            EXECUTE format('DELETE FROM %s', w.target);
            cleared := true;
        END IF;
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I TYPE %s USING %2$I::text::%3$s', w.target, c.name, c.type);
    END LOOP;
    DROP VIEW pg_temp.parkway_shape;
END
$$;

-- A table that views read was made, changed or dropped: its rows may have changed without a trigger of theirs, and a
-- table that was made again has no trigger yet.
CREATE OR REPLACE FUNCTION parkway.view_shape() RETURNS event_trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    source record;
BEGIN
    IF current_setting('parkway.view_hooking', true) = 'on' THEN
        RETURN;
    END IF;
    FOR source IN
        SELECT s.view, s.number, s.relation, to_regclass(s.relation) AS oid,
               EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = to_regclass(s.relation)
                       AND t.tgname = format('parkway_view_%s_insert', s.view)) AS hooked
        FROM parkway.view_sources s JOIN parkway.views w ON w.id = s.view AND w.state <> 'retired'
        WHERE to_regclass(s.relation) IS NULL
           OR to_regclass(s.relation) IN (SELECT d.objid FROM pg_event_trigger_ddl_commands() d
                                          WHERE d.classid = 'pg_class'::regclass)
    LOOP
        IF source.oid IS NULL THEN
            PERFORM parkway.view_break(source.view, format('there is no table %s', source.relation));
            CONTINUE;
        END IF;
        IF NOT source.hooked THEN
            PERFORM parkway.view_hook(source.view, source.number, source.oid);
        END IF;
        EXECUTE format('SELECT parkway.view_%s_everything()', source.view);
    END LOOP;
END
$$;

CREATE OR REPLACE FUNCTION parkway.view_dropped() RETURNS event_trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    source record;
BEGIN
    FOR source IN
        SELECT DISTINCT s.view, s.relation
        FROM parkway.view_sources s JOIN parkway.views w ON w.id = s.view AND w.state = 'live'
        WHERE to_regclass(s.relation) IS NULL
    LOOP
        PERFORM parkway.view_break(source.view, format('there is no table %s', source.relation));
    END LOOP;
END
$$;

DROP EVENT TRIGGER IF EXISTS parkway_view_shape;
CREATE EVENT TRIGGER parkway_view_shape ON ddl_command_end
    WHEN TAG IN ('ALTER TABLE', 'CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO')
    EXECUTE FUNCTION parkway.view_shape();
ALTER EVENT TRIGGER parkway_view_shape ENABLE ALWAYS;

DROP EVENT TRIGGER IF EXISTS parkway_view_dropped;
CREATE EVENT TRIGGER parkway_view_dropped ON sql_drop WHEN TAG IN ('DROP TABLE', 'DROP SCHEMA')
    EXECUTE FUNCTION parkway.view_dropped();
ALTER EVENT TRIGGER parkway_view_dropped ENABLE ALWAYS;
