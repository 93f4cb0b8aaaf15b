-- How the consumer follows changes of shape (sql/primary/06_shape.sql announces them).

-- The shape of each source table (by its number on the primary) that its mirrors follow, as the primary announced it in
-- the transaction that committed at lsn, or as it was when the table was copied at lsn.
CREATE TABLE IF NOT EXISTS parkway.table_shape (
    consumer   text NOT NULL,
    oid        bigint NOT NULL,
    relation   text NOT NULL,
    epoch      text NOT NULL,
    lsn        pg_lsn NOT NULL,
    shape      jsonb NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, oid)
);

-- The keys of the primary's messages (sql/primary/06_shape.sql); copied by parkway migrate.
CREATE TABLE IF NOT EXISTS parkway.seal (
    one       boolean PRIMARY KEY DEFAULT true CHECK (one),
    inner_key bytea NOT NULL,
    outer_key bytea NOT NULL
);

CREATE OR REPLACE FUNCTION parkway.seal_of(prefix text, body text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT encode(sha256(s.outer_key || sha256(s.inner_key || convert_to(prefix || ' ' || body, 'UTF8'))), 'hex')
      FROM parkway.seal s
$$;

-- A table of this server in the form of the primary's announcements, as far as the consumer asks.
CREATE OR REPLACE FUNCTION parkway.shape_of(nsp text, rel text) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT jsonb_build_object(
        'oid', c.oid::bigint, 'schema', n.nspname, 'name', c.relname, 'kind', c.relkind,
        'identity', c.relreplident,
        'key', (SELECT jsonb_agg(u.num ORDER BY u.at)
                  FROM pg_index i, unnest(i.indkey::int2[]) WITH ORDINALITY u(num, at)
                 WHERE i.indrelid = c.oid AND i.indisprimary AND u.at <= i.indnkeyatts),
        'key_name', (SELECT k.conname FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'p'),
        'uniques', (SELECT coalesce(jsonb_agg(x.relname ORDER BY x.relname), '[]')
                  FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
                 WHERE i.indrelid = c.oid AND i.indisunique AND NOT i.indisprimary
                   AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid)),
        'readers', (SELECT coalesce(jsonb_agg(DISTINCT pg_get_userbyid(a.grantee)), '[]')
                  FROM aclexplode(c.relacl) a
                 WHERE a.privilege_type = 'SELECT' AND a.grantee NOT IN (0, c.relowner)),
        'columns', (SELECT coalesce(jsonb_agg(jsonb_build_object(
                'num', a.attnum, 'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
                'type_oid', a.atttypid::bigint, 'mod', a.atttypmod,
                'collation', CASE WHEN a.attcollation <> t.typcollation
                             THEN (SELECT format('%I.%I', cn.nspname, co.collname) FROM pg_collation co
                                     JOIN pg_namespace cn ON cn.oid = co.collnamespace
                                    WHERE co.oid = a.attcollation) END,
                'not_null', a.attnotnull,
                'generated', CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) END,
                'published', a.attgenerated = '') ORDER BY a.attnum), '[]')
              FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
              LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped))
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = nsp AND c.relname = rel AND c.relkind IN ('r', 'p')
$$;

-- Takes SELECT on a table from everybody but its owner.
CREATE OR REPLACE FUNCTION parkway.close_to_readers(nsp text, rel text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    grantee text;
BEGIN
    FOR grantee IN
        SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) a
         WHERE n.nspname = nsp AND c.relname = rel AND a.privilege_type = 'SELECT' AND a.grantee <> c.relowner
           AND pg_has_role(c.relowner, 'USAGE')
    LOOP
        EXECUTE format('REVOKE SELECT ON %I.%I FROM %s', nsp, rel, grantee);
    END LOOP;
END
$$;

-- Remembers a shape from an announcement; a table that was renamed keeps its start.
CREATE OR REPLACE FUNCTION parkway.record_shape(of_consumer text, of_oid bigint, label text, label_was text, of_epoch text,
                                                at_lsn pg_lsn, content jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    INSERT INTO parkway.table_shape AS s (consumer, oid, relation, epoch, lsn, shape)
    VALUES (of_consumer, of_oid, label, of_epoch, at_lsn, content->'table')
    ON CONFLICT (consumer, oid) DO UPDATE SET relation = excluded.relation, epoch = excluded.epoch, lsn = excluded.lsn,
        shape = excluded.shape, applied_at = now();
    IF label <> label_was THEN
        DELETE FROM parkway.table_start t WHERE t.consumer = of_consumer AND t.relation = label;
        UPDATE parkway.table_start t SET relation = label WHERE t.consumer = of_consumer AND t.relation = label_was;
    ELSIF content->'was' = 'null' AND NOT (content->'state')::boolean THEN
        -- new and empty: it holds everything up to here
        INSERT INTO parkway.table_start (consumer, relation, epoch, lsn, made)
        VALUES (of_consumer, label, of_epoch, at_lsn, true) ON CONFLICT DO NOTHING;
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION parkway.forget_shape(of_consumer text, of_oid bigint, label text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    DELETE FROM parkway.table_shape s WHERE s.consumer = of_consumer AND s.oid = of_oid;
    DELETE FROM parkway.table_start t WHERE t.consumer = of_consumer AND t.relation = label;
END
$$;

DO $$
DECLARE
    f regprocedure;
BEGIN
    FOR f IN SELECT oid FROM pg_proc WHERE pronamespace = 'parkway'::regnamespace AND proname IN
             ('seal_of', 'shape_of', 'close_to_readers', 'record_shape', 'forget_shape')
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO parkway', f);
    END LOOP;
END
$$;
GRANT SELECT, INSERT, UPDATE, DELETE ON parkway.table_shape TO parkway;
GRANT SELECT ON parkway.seal TO parkway;
