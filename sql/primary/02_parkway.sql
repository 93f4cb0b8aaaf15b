-- Parkway's books on the primary.

CREATE SCHEMA IF NOT EXISTS parkway;

-- Which numbered files of sql/primary have been applied here, and the digest (sha256) of the text that was.
CREATE TABLE IF NOT EXISTS parkway.migrations (
    version    int PRIMARY KEY,
    name       text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE parkway.migrations ADD COLUMN IF NOT EXISTS digest text;

-- What the relay captures from, and since when. A row whose slot does not exist means that history was lost.
-- epoch is "<system identifier, 16 hex digits>.<timeline>"; incarnation that of the stream parkway.log.
CREATE TABLE IF NOT EXISTS parkway.relay (
    slot        text PRIMARY KEY,
    publication text NOT NULL,
    epoch       text NOT NULL,
    start_lsn   pg_lsn NOT NULL,
    incarnation uuid,
    created_at  timestamptz NOT NULL DEFAULT now()
);

-- The replicas that WAL is kept for, and how far each has come. applied_lsn is NULL until it has reported.
CREATE TABLE IF NOT EXISTS parkway.replicas (
    name          text PRIMARY KEY,
    registered_at timestamptz NOT NULL DEFAULT now(),
    applied_epoch text,
    applied_lsn   pg_lsn,
    reported_at   timestamptz
);

GRANT USAGE ON SCHEMA parkway TO parkway;
GRANT SELECT, INSERT, UPDATE, DELETE ON parkway.migrations, parkway.relay, parkway.replicas TO parkway;
