-- What the relay remembers from one run to the next, and what parkway status shows of it.

-- Every command (a message of CQRS_COMMAND) before this position was taken by its queue. Commands leave no trace
-- on the broker once they are taken, so a relay that starts reads from here. NULL: from the slot's position.
ALTER TABLE parkway.relay ADD COLUMN IF NOT EXISTS commands_lsn pg_lsn;
-- How fast the WAL that the slot keeps back grew over the last minutes, in bytes a second.
ALTER TABLE parkway.relay ADD COLUMN IF NOT EXISTS wal_growth bigint;
