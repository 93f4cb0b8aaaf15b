-- What the consumer needs beyond its tables: the session lock by which one consumer of a name works at a
-- time, and temporary tables in which a resync compares (the guard took both from PUBLIC).

GRANT EXECUTE ON FUNCTION pg_catalog.pg_try_advisory_lock(bigint) TO parkway;

DO $$
BEGIN
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO parkway', current_database());
END
$$;
