-- How the consumer knows the shape of what it mirrors, and which tables readers must not use meanwhile.

-- A target that is not to be read: its rows are not those of the source at the cursor's position. No row, or
-- state 'ok': it may be read. 'blocked': the consumer met a change of the table's shape that it could not
-- follow; 'copying': a copy of the rows is under way. reason and hint are texts for people (hint: the command that
-- repairs). relation is "schema.name" on the primary, target the same on this server; the router
-- sends what reads a target that is not ok to the primary.
CREATE TABLE IF NOT EXISTS parkway.table_state (
    consumer text NOT NULL,
    relation text NOT NULL,
    target   text NOT NULL,
    state    text NOT NULL DEFAULT 'ok' CHECK (state IN ('ok', 'copying', 'blocked')),
    reason   text NOT NULL DEFAULT '',
    hint     text NOT NULL DEFAULT '',
    since    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, relation, target)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON parkway.table_state TO parkway;
