-- The two logins. cqrs is the application's user, through the router; parkway is Parkway's own: it reads
-- what is captured and keeps its books in schema parkway. The passwords are those of the sample
-- configuration; ALTER ROLE … PASSWORD changes them (then run parkway migrate again, which carries
-- the new verifiers to the replica and to the router).

SET password_encryption = 'scram-sha-256';

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'cqrs') THEN
        CREATE ROLE cqrs LOGIN PASSWORD 'cqrs';
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'parkway') THEN
        CREATE ROLE parkway LOGIN REPLICATION PASSWORD 'parkway';
    END IF;
END
$$;

-- The application makes its own tables.
GRANT USAGE, CREATE ON SCHEMA public TO cqrs;
