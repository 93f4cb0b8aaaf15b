-- The last event up to which parkway.events was seen to miss none (src/relay/gapless.h): the run of the relay that sent it,
-- its number in that run, its offset in the stream and its position.
ALTER TABLE parkway.relay
    ADD COLUMN IF NOT EXISTS events_run text,
    ADD COLUMN IF NOT EXISTS events_seq bigint,
    ADD COLUMN IF NOT EXISTS events_offset bigint,
    ADD COLUMN IF NOT EXISTS events_at text;
