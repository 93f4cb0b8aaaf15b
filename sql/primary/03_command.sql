-- What the command service remembers of requests that carried an Idempotency-Key: the request's identity and
-- the answer given, written in the transaction of the command itself. Never captured, never on a replica.
create table if not exists public.idempotency_keys (
    key text primary key,
    method text not null,
    path text not null,
    body_hash bytea not null,  -- sha256 of the request's body
    status int not null,
    response text not null,
    created_at timestamptz not null default now()
);

create index if not exists idempotency_keys_created_at on public.idempotency_keys (created_at);

grant select, insert, update, delete on public.idempotency_keys to cqrs;
