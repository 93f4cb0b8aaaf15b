-- The same two logins as on the primary, without passwords of their own: parkway migrate carries the
-- verifiers over from the primary, byte for byte, because the router logs in with what a client proved there.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'cqrs') THEN
        CREATE ROLE cqrs LOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'parkway') THEN
        CREATE ROLE parkway LOGIN;
    END IF;
END
$$;
