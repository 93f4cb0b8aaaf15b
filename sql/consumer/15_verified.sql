-- What the consumer's own comparisons with the primary found: the last one, and the last one that found no difference.

CREATE TABLE IF NOT EXISTS parkway.verified (
    consumer       text PRIMARY KEY,
    at             timestamptz NOT NULL DEFAULT now(),
    position       text NOT NULL,
    rows           bigint NOT NULL,
    different      bigint NOT NULL,
    unsettled      bigint NOT NULL,
    clean_at       timestamptz,
    clean_position text
);

GRANT SELECT, INSERT, UPDATE, DELETE ON parkway.verified TO parkway;
