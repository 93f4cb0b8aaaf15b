-- The books of the saga engine and of its workers. An engine writes instance, log, the subject's row, facts and commands in
-- one transaction, so whatever a kill leaves behind is a whole step; a worker does the same with inbox, outcome, its own rows and
-- its reply. saga_log is what happened, by whom; nobody changes it.

CREATE TABLE IF NOT EXISTS public.saga_instances (
    saga_id     uuid PRIMARY KEY,
    saga_type   text NOT NULL,
    stream      text NOT NULL UNIQUE, -- of the subject's facts: order-7
    order_id    bigint NOT NULL,      -- the subject's key: 7
    step        text NOT NULL,
    status      text NOT NULL CHECK (status IN ('SCHEDULED', 'STARTED', 'PROCESSING', 'SUCCEEDED', 'COMPENSATING', 'COMPENSATED', 'FAILED')),
    paused      boolean NOT NULL DEFAULT false,
    attempt     bigint NOT NULL,
    deadline_at timestamptz,
    last_error  text,
    progress    text NOT NULL, -- a mark for each step that was touched
    held        text NOT NULL, -- replies recorded while it is paused
    paused_at   timestamptz,
    created_at  timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
    updated_at  timestamptz(3) NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX IF NOT EXISTS saga_instances_due ON public.saga_instances (deadline_at) WHERE deadline_at IS NOT NULL AND NOT paused;
CREATE INDEX IF NOT EXISTS saga_instances_open ON public.saga_instances (stream) WHERE status NOT IN ('SUCCEEDED', 'COMPENSATED');
CREATE INDEX IF NOT EXISTS saga_instances_order_id ON public.saga_instances (order_id);
CREATE INDEX IF NOT EXISTS saga_instances_status ON public.saga_instances (status, order_id);

CREATE TABLE IF NOT EXISTS public.saga_log (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    saga_id     uuid NOT NULL,
    at          timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
    actor       text NOT NULL, -- the reply's id, timer, or operator:<name>
    from_step   text,
    to_step     text,
    from_status text NOT NULL,
    to_status   text NOT NULL,
    detail      text NOT NULL
);
CREATE INDEX IF NOT EXISTS saga_log_saga_id ON public.saga_log (saga_id, id);

-- What was taken from a queue, by whom.
CREATE TABLE IF NOT EXISTS public.inbox (
    consumer     text NOT NULL,
    message_id   text NOT NULL,
    processed_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (consumer, message_id)
);
CREATE INDEX IF NOT EXISTS inbox_processed_at ON public.inbox (processed_at);

-- What came of a command: the reply that is said again whenever the command comes again. final: it stands for the
-- later attempts of the step, too. event_id NULL: there is nothing to say.
CREATE TABLE IF NOT EXISTS public.saga_outcomes (
    stream   text NOT NULL,
    step     text NOT NULL,
    command  text NOT NULL,
    attempt  bigint NOT NULL,
    final    boolean NOT NULL,
    event_id uuid,
    at       timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (stream, step, command, attempt)
);

GRANT SELECT ON public.saga_instances, public.saga_log, public.inbox, public.saga_outcomes TO cqrs;
GRANT SELECT, INSERT, UPDATE ON public.saga_instances TO owner_saga;
GRANT SELECT, INSERT ON public.saga_log TO owner_saga;
GRANT SELECT, INSERT, DELETE ON public.inbox TO owner_saga;
GRANT SELECT ON public.events, public.streams TO owner_saga;
GRANT SELECT, INSERT ON public.inbox, public.saga_outcomes TO owner_customer, owner_restaurant, owner_order, owner_payment,
    owner_kitchen, owner_delivery, owner_mail;
GRANT SELECT ON public.events TO owner_customer, owner_restaurant, owner_order, owner_payment, owner_kitchen, owner_delivery, owner_mail;

CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON public.saga_log
    FOR EACH ROW EXECUTE FUNCTION public.refuse_change('the log of sagas is immutable');

-- Whether a command was answered for good: that is how the start of something that was undone already is barred.
CREATE OR REPLACE FUNCTION public.saga_answered(of_stream text, of_command text) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM public.saga_outcomes o WHERE o.stream = of_stream AND o.command = of_command AND o.final);
END
$$;

-- A fact as the relay publishes its row: for a reply that is said again.
CREATE OR REPLACE FUNCTION public.event_message(e public.events) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, MDY' AS $$
    SELECT json_build_object('exchange', 'CQRS_EVENT_STORE', 'routing_key', e.routing_key, 'id', e.event_id, 'data', json_build_object(
        'seq', e.seq, 'event_id', e.event_id, 'stream', e.stream, 'version', e.version, 'type', e.type, 'routing_key', e.routing_key,
        'saga_id', e.saga_id, 'causation_id', e.causation_id, 'occurred_at', e.occurred_at::text, 'data', e.data))::text
$$;
