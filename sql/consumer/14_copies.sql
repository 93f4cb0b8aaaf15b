-- Copies of tables: since when each consumer applies the changes of a table, and the pieces of a copy that is not yet one
-- with the log. Written by parkway bootstrap and parkway migrate; the consumer clears it.

-- table_start is kept for each consumer. lsn is the highest position at which a piece of the table was copied, NULL while
-- a piece is missing. shape is what the source looked like when it was copied (a digest); key and casts are the columns by
-- which the pieces are ordered, and the types (and collations) in which they are compared, as SQL. made: Parkway made
-- the target and may make it again.
ALTER TABLE parkway.table_start ADD COLUMN IF NOT EXISTS consumer text;
ALTER TABLE parkway.table_start ADD COLUMN IF NOT EXISTS shape text NOT NULL DEFAULT '';
ALTER TABLE parkway.table_start ADD COLUMN IF NOT EXISTS key text[] NOT NULL DEFAULT '{}';
ALTER TABLE parkway.table_start ADD COLUMN IF NOT EXISTS casts text[] NOT NULL DEFAULT '{}';
ALTER TABLE parkway.table_start ADD COLUMN IF NOT EXISTS made boolean NOT NULL DEFAULT false;

DO $$
BEGIN
    IF (SELECT indnkeyatts FROM pg_index WHERE indrelid = 'parkway.table_start'::regclass AND indisprimary) = 1 THEN
        ALTER TABLE parkway.table_start DROP CONSTRAINT table_start_pkey;
        INSERT INTO parkway.table_start (consumer, relation, epoch, lsn)
            SELECT c.consumer, s.relation, s.epoch, s.lsn FROM parkway.table_start s, parkway.cursor c
            WHERE s.consumer IS NULL;
        DELETE FROM parkway.table_start WHERE consumer IS NULL;
        ALTER TABLE parkway.table_start ADD PRIMARY KEY (consumer, relation);
    END IF;
END
$$;

-- One piece of a table: the rows whose key is at or behind lower and before the next piece's lower (NULL: from the first
-- row on), as they stood at lsn. lsn NULL: still to be copied. The rows and this row's lsn are committed together. All
-- pieces of a table go when the consumer has come past the highest lsn: then the table is one with the rest.
CREATE TABLE IF NOT EXISTS parkway.table_chunk (
    consumer       text NOT NULL,
    relation       text NOT NULL,
    chunk          int NOT NULL,
    lower          text[],
    rows_estimated bigint NOT NULL DEFAULT 0,
    epoch          text,
    lsn            pg_lsn,
    rows           bigint NOT NULL DEFAULT 0,
    bytes          bigint NOT NULL DEFAULT 0,
    copied_at      timestamptz,
    PRIMARY KEY (consumer, relation, chunk)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON parkway.table_chunk TO parkway;

-- Called by the consumer when it comes past a position, and at the end of a copy: tables whose copy the consumer has passed are
-- readable and their pieces forgotten; when all are, a replica that was being made serves. Pieces of a table that was
-- dropped or renamed before its copy was settled go, too: a replica would be in the making for ever for them. What
-- is left of a copy is its lowest position: all changes of the log behind it were applied where they were wanted, but those
-- that were parked between the lowest and the highest may still have to be (consumer/reapply.h). Returns the next
-- position at which this is to be done; NULL: there is none that is known.
CREATE OR REPLACE FUNCTION parkway.copies_settle(the_consumer text) RETURNS pg_lsn
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    reached parkway.cursor;
BEGIN
    SELECT * INTO reached FROM parkway.cursor WHERE consumer = the_consumer FOR UPDATE;
    UPDATE parkway.table_start s SET lsn = c.lowest
        FROM (SELECT relation, min(lsn) AS lowest FROM parkway.table_chunk
              WHERE consumer = the_consumer GROUP BY relation HAVING count(*) = count(lsn)) c
        WHERE s.consumer = the_consumer AND s.relation = c.relation
          AND s.lsn <= reached.lsn AND s.epoch = reached.epoch AND c.lowest < s.lsn;
    DELETE FROM parkway.table_chunk c
        WHERE c.consumer = the_consumer
          AND NOT EXISTS (SELECT FROM parkway.table_start s WHERE s.consumer = c.consumer
              AND s.relation = c.relation
              AND (s.lsn IS NULL OR s.lsn > reached.lsn OR s.epoch <> reached.epoch));
    UPDATE parkway.table_state t SET state = 'ok', reason = '', hint = '', since = now()
        WHERE t.consumer = the_consumer AND t.state = 'copying'
          AND NOT EXISTS (SELECT FROM parkway.table_start s WHERE s.consumer = t.consumer
              AND s.relation = t.relation
              AND (s.lsn IS NULL OR s.lsn > reached.lsn OR s.epoch <> reached.epoch));
    UPDATE parkway.cursor SET state = 'running'
        WHERE consumer = the_consumer AND state = 'bootstrap'
          AND NOT EXISTS (SELECT FROM parkway.table_chunk WHERE consumer = the_consumer)
          AND NOT EXISTS (SELECT FROM parkway.table_start
              WHERE consumer = the_consumer AND lsn IS NULL);
    RETURN (SELECT min(s.lsn) FROM parkway.table_start s
            WHERE s.consumer = the_consumer AND s.lsn > reached.lsn AND s.epoch = reached.epoch);
END
$$;
REVOKE EXECUTE ON FUNCTION parkway.copies_settle(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION parkway.copies_settle(text) TO parkway;
