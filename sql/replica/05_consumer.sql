-- The consumer owns its mirrors (parkway migrate sees to that) and makes new ones. No client is a member of it.
GRANT CREATE ON SCHEMA public TO parkway;
DO $$
BEGIN
    EXECUTE format('GRANT CREATE ON DATABASE %I TO parkway', current_database());
END
$$;
