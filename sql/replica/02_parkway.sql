-- Parkway's books on a replica.

CREATE SCHEMA IF NOT EXISTS parkway;

CREATE TABLE IF NOT EXISTS parkway.migrations (
    version    int PRIMARY KEY,
    name       text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE parkway.migrations ADD COLUMN IF NOT EXISTS digest text;

GRANT USAGE ON SCHEMA parkway TO parkway;
GRANT SELECT, INSERT, UPDATE, DELETE ON parkway.migrations TO parkway;
