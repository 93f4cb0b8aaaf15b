-- The innermost layer of the guard: a client's login cannot change the replica even if a statement that
-- writes came here by mistake. It has SELECT alone (parkway migrate sees to that); here go the functions
-- that act without a table privilege. A call that is refused runs on the primary instead.

DO $$
DECLARE
    f regprocedure;
BEGIN
    -- Large objects (reading them, too: they are not mirrored, an answer from here would be wrong),
    -- messages and notifications, advisory locks (they would lock nothing that matters).
    FOR f IN
        SELECT oid FROM pg_proc
        WHERE pronamespace = 'pg_catalog'::regnamespace
          AND (proname ~ '^(lo_|pg_advisory_|pg_try_advisory_)'
               OR proname IN ('loread', 'lowrite', 'pg_notify', 'pg_logical_emit_message',
                              'pg_export_snapshot'))
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f);
    END LOOP;
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
END
$$;

REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO PUBLIC;

-- SECURITY DEFINER functions run with their owner's rights, so nobody but the owner may execute them: those that are
-- there now, and those that come later, by an event trigger.
CREATE OR REPLACE FUNCTION parkway.guard_functions(only_oid oid) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    f regprocedure;
    grantee text;
BEGIN
    FOR f, grantee IN
        SELECT p.oid, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END
        FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
        WHERE p.prosecdef AND p.pronamespace <> 'pg_catalog'::regnamespace
          AND a.grantee <> p.proowner AND (only_oid IS NULL OR p.oid = only_oid)
    LOOP
        EXECUTE format('REVOKE EXECUTE ON ROUTINE %s FROM %s CASCADE', f, grantee);
    END LOOP;
END
$$;
REVOKE EXECUTE ON FUNCTION parkway.guard_functions(oid) FROM PUBLIC;

CREATE OR REPLACE FUNCTION parkway.guard_ddl() RETURNS event_trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    c record;
BEGIN
    FOR c IN SELECT objid FROM pg_event_trigger_ddl_commands()
             WHERE classid = 'pg_proc'::regclass
    LOOP
        PERFORM parkway.guard_functions(c.objid);
    END LOOP;
END
$$;

DROP EVENT TRIGGER IF EXISTS parkway_guard;
CREATE EVENT TRIGGER parkway_guard ON ddl_command_end
    WHEN TAG IN ('CREATE FUNCTION', 'ALTER FUNCTION', 'CREATE PROCEDURE', 'ALTER PROCEDURE')
    EXECUTE FUNCTION parkway.guard_ddl();

SELECT parkway.guard_functions(NULL);
