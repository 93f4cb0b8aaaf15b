-- What the command service remembers of requests that carried an Idempotency-Key: the request's identity and
-- the answer given, written in the transaction of the command itself. Never captured, never on a replica.

CREATE TABLE IF NOT EXISTS public.idempotency_keys (
    key        text PRIMARY KEY,
    method     text NOT NULL,
    path       text NOT NULL,
    body_hash  bytea NOT NULL, -- keyed hash of the request's body: HMAC-SHA256
    status     int NOT NULL,
    response   text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX IF NOT EXISTS idempotency_keys_created_at ON public.idempotency_keys (created_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON public.idempotency_keys TO cqrs;
