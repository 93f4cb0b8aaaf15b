-- Parked changes: what is needed to apply them later, what an operator asked for, and the trace of it all.

-- A table's Relation message, by which the stored changes of that version are understood.
CREATE TABLE IF NOT EXISTS parkway.parked_shape (
    digest  text PRIMARY KEY,
    message bytea NOT NULL
);

-- message is the change as the log brought it (NULL: too large to be kept, or the second row of a key change).
-- state: parked   waits, and later changes of its key wait behind it
--        retry    somebody asked to try its key again; waits like parked until the consumer has
--        trying   inside the consumer's transaction only
--        skipped  set aside; later changes of its key go on. overtaken: one of them was applied since
--        halted   what holds a consumer whose on_poison is halt; skip: it will be skipped when it is met
ALTER TABLE parkway.parked ADD COLUMN IF NOT EXISTS message bytea;
ALTER TABLE parkway.parked ADD COLUMN IF NOT EXISTS shape text;
ALTER TABLE parkway.parked ADD COLUMN IF NOT EXISTS commit_us bigint NOT NULL DEFAULT 0;
ALTER TABLE parkway.parked ADD COLUMN IF NOT EXISTS tries int NOT NULL DEFAULT 1;
ALTER TABLE parkway.parked ADD COLUMN IF NOT EXISTS overtaken boolean NOT NULL DEFAULT false;

CREATE INDEX IF NOT EXISTS parked_position ON parkway.parked (consumer, relation, position);
CREATE INDEX IF NOT EXISTS parked_asked ON parkway.parked (consumer) WHERE state = 'retry';

-- Who did what to a parked change, when and why; who = 'consumer': what became of it.
CREATE TABLE IF NOT EXISTS parkway.parked_audit (
    id        bigserial PRIMARY KEY,
    at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    who       text NOT NULL,
    action    text NOT NULL,
    consumer  text NOT NULL,
    parked_id bigint NOT NULL,
    relation  text NOT NULL,
    key       text,
    position  text NOT NULL,
    reason    text
);
CREATE INDEX IF NOT EXISTS parked_audit_parked_id ON parkway.parked_audit (parked_id);

GRANT SELECT, INSERT, UPDATE, DELETE ON parkway.parked, parkway.parked_shape, parkway.parked_audit TO parkway;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA parkway TO parkway;
