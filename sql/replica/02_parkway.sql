-- Parkway's books on a replica.

CREATE SCHEMA IF NOT EXISTS parkway;

CREATE TABLE IF NOT EXISTS parkway.migrations (
    version    int PRIMARY KEY,
    name       text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE parkway.migrations ADD COLUMN IF NOT EXISTS digest text;

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

GRANT USAGE ON SCHEMA parkway TO parkway;
GRANT SELECT, INSERT, UPDATE, DELETE ON parkway.migrations, parkway.cursor, parkway.table_start, parkway.parked TO parkway;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA parkway TO parkway;
