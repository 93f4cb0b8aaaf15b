-- A second query store from the same log: one row for each event of a customer (conf/audit.cfg). position is the event's place;
-- type its routing key; data what it tells of the row, which after a delete is its key.

CREATE TABLE IF NOT EXISTS public.customer_audit (
    position    text PRIMARY KEY,
    customer_id bigint NOT NULL,
    at          timestamptz NOT NULL,
    type        text NOT NULL,
    data        jsonb NOT NULL
);
CREATE INDEX IF NOT EXISTS customer_audit_customer_id ON public.customer_audit (customer_id, at);

GRANT SELECT ON public.customer_audit TO cqrs;
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON public.customer_audit TO parkway;
