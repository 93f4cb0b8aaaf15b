-- parkway.copies_settle, as in 07_bootstrap.sql, and more exact about two things. Pieces of a table that was dropped or
-- renamed before its copy was settled go, too: a replica would be in the making for ever for them. And what is
-- left of a copy is its lowest position: all changes of the log behind it were applied where they were wanted, but
-- those that were parked between the lowest and the highest may still have to be (consumer/reapply.h).

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
