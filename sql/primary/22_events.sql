-- The event store: facts, in streams (order-7). A fact is a row of events, written in the transaction of what it tells of; the
-- relay publishes it under its own routing key. Rows are never changed; the versions of a stream have no gap, because
-- each is drawn under the lock of the stream's row and goes with its transaction.

CREATE TABLE IF NOT EXISTS public.streams (
    stream  text PRIMARY KEY,
    version int NOT NULL
);

CREATE TABLE IF NOT EXISTS public.events (
    seq          bigserial PRIMARY KEY,
    event_id     uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    stream       text NOT NULL,
    version      int NOT NULL,
    type         text NOT NULL,
    routing_key  text NOT NULL,
    saga_id      uuid,
    causation_id uuid,
    occurred_at  timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
    data         jsonb NOT NULL,
    UNIQUE (stream, version)
);

CREATE INDEX IF NOT EXISTS events_occurred_at ON public.events USING brin (occurred_at);

GRANT SELECT ON public.streams, public.events TO cqrs;
GRANT SELECT, INSERT, UPDATE ON public.streams TO owner_event;
GRANT SELECT, INSERT ON public.events TO owner_event;
GRANT USAGE ON SEQUENCE public.events_seq_seq TO owner_event;

CREATE OR REPLACE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON public.events
    FOR EACH ROW EXECUTE FUNCTION public.refuse_change('events are immutable');
CREATE OR REPLACE TRIGGER refuse_truncate BEFORE TRUNCATE ON public.events
    FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change('events are immutable');

-- Appends a fact and returns its row. The only way that an owner has to write one.
CREATE OR REPLACE FUNCTION public.event_append(of_stream text, of_type text, under_key text, with_data jsonb,
                                               of_saga uuid DEFAULT NULL, caused_by uuid DEFAULT NULL) RETURNS public.events
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    e public.events;
BEGIN
    WITH next AS (
        INSERT INTO public.streams AS s (stream, version) VALUES (of_stream, 1)
        ON CONFLICT (stream) DO UPDATE SET version = s.version + 1 RETURNING s.version)
    INSERT INTO public.events (stream, version, type, routing_key, saga_id, causation_id, data)
    SELECT of_stream, next.version, of_type, under_key, of_saga, caused_by, with_data FROM next
    RETURNING * INTO e;
    RETURN e;
END
$$;
REVOKE EXECUTE ON FUNCTION public.event_append(text, text, text, jsonb, uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.event_append(text, text, text, jsonb, uuid, uuid)
    TO owner_customer, owner_restaurant, owner_order, owner_payment, owner_kitchen, owner_delivery, owner_mail, owner_saga;
