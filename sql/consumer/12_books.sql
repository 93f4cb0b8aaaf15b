-- What a consumer keeps where its targets are: on a replica, and on the primary, where a service may have a copy of another
-- one's tables (docs/orders.md). Several consumers share these tables; every row names its own.

-- How far each consumer has come. Moves in the same transaction as the rows, which is what makes applying
-- exactly once in effect. (epoch, lsn, ordinal) is the position, stream_offset a hint where to read on in
-- that incarnation of the stream; a consumer whose fence is not the row's has lost its turn.
-- Readers are sent here only while state is 'running'.
CREATE TABLE IF NOT EXISTS parkway.cursor (
    consumer      text PRIMARY KEY,
    epoch         text NOT NULL,
    lsn           pg_lsn NOT NULL,
    ordinal       bigint NOT NULL DEFAULT 0,
    incarnation   uuid,
    stream_offset bigint,
    fence         bigint NOT NULL DEFAULT 0,
    state         text NOT NULL DEFAULT 'running',
    applied_at    timestamptz
);

-- Since when a table's changes are applied: it was copied as it stood at lsn, so a change whose commit ends at or
-- before lsn is in the copy already and is skipped. lsn NULL: the copy is under way, and whoever meets
-- a change of this table waits for it. relation is "schema.name" on the primary.
CREATE TABLE IF NOT EXISTS parkway.table_start (
    relation text PRIMARY KEY,
    epoch    text NOT NULL,
    lsn      pg_lsn
);

-- Changes that this replica refused, and later changes of the same keys, with the cause.
CREATE TABLE IF NOT EXISTS parkway.parked (
    id        bigserial PRIMARY KEY,
    consumer  text NOT NULL,
    position  text NOT NULL,
    relation  text NOT NULL,
    key       text,
    op        text NOT NULL,
    change    jsonb,
    error     text,
    sqlstate  text,
    parked_at timestamptz NOT NULL DEFAULT now(),
    state     text NOT NULL DEFAULT 'parked'
);
CREATE INDEX IF NOT EXISTS parked_relation_key ON parkway.parked (consumer, relation, key);

GRANT SELECT, INSERT, UPDATE, DELETE ON parkway.cursor, parkway.table_start, parkway.parked TO parkway;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA parkway TO parkway;

-- Beyond its tables: rows are applied as replication does (no triggers fire, no foreign key is checked again), one consumer of a
-- name works at a time by a session lock, and a resync compares in temporary tables.
GRANT SET ON PARAMETER session_replication_role TO parkway;
GRANT EXECUTE ON FUNCTION pg_catalog.pg_try_advisory_lock(bigint) TO parkway;

DO $$
BEGIN
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO parkway', current_database());
END
$$;
