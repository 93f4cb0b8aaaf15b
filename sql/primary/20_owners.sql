-- Who writes what of the ordering domain. Each table has one owner: a role without login, which alone may change it. The
-- application's login, cqrs, is a member of all of them and inherits none, so it reads everything and writes
-- only as the owner that it names (SET LOCAL ROLE owner_order): code of one service cannot change another's rows by mistake.
-- No foreign key crosses owners.

DO $$
DECLARE
    owner text;
BEGIN
    FOREACH owner IN ARRAY ARRAY['owner_customer', 'owner_restaurant', 'owner_order', 'owner_payment', 'owner_kitchen',
                                 'owner_delivery', 'owner_mail', 'owner_event', 'owner_saga'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = owner) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', owner);
        END IF;
        EXECUTE format('GRANT %I TO cqrs; GRANT USAGE ON SCHEMA public TO %I', owner, owner);
    END LOOP;
END
$$;
ALTER ROLE cqrs NOINHERIT;

-- State machines: what is not in here does not happen. from_state '' is the beginning. Machines: order_food, order_simple,
-- order_shop, ticket, payment, cook, delivery, mail.
CREATE TABLE IF NOT EXISTS public.state_transitions (
    machine    text NOT NULL,
    from_state text NOT NULL,
    event      text NOT NULL,
    to_state   text NOT NULL,
    PRIMARY KEY (machine, from_state, event)
);
GRANT SELECT ON public.state_transitions TO cqrs;

DELETE FROM public.state_transitions;
INSERT INTO public.state_transitions (machine, from_state, event, to_state) VALUES
    ('order_food', '', 'ORDER_CREATED', 'PENDING'),
    ('order_food', 'PENDING', 'CUSTOMER_APPROVED', 'PENDING'),
    ('order_food', 'PENDING', 'TICKET_CREATED', 'PENDING'),
    ('order_food', 'PENDING', 'PAYMENT_APPROVED', 'PENDING'),
    ('order_food', 'PENDING', 'TICKET_APPROVED', 'ACCEPTED'),
    ('order_food', 'PENDING', 'ORDER_REJECTED', 'REJECTED'),
    ('order_food', 'PENDING', 'ORDER_CANCELLING', 'CANCELLING'),
    ('order_food', 'ACCEPTED', 'ORDER_CANCELLING', 'CANCELLING'),
    ('order_food', 'CANCELLING', 'ORDER_CANCELLED', 'CANCELLED'),
    ('order_food', 'ACCEPTED', 'KITCHEN_PREPARING', 'PREPARING'),
    ('order_food', 'PREPARING', 'KITCHEN_READY', 'READY'),
    ('order_food', 'READY', 'DELIVERY_PICKEDUP', 'PICKEDUP'),
    ('order_food', 'PICKEDUP', 'DELIVERY_COMPLETED', 'COMPLETED'),
    ('order_simple', '', 'ORDER_REQUESTED', 'PENDING'),
    ('order_simple', 'PENDING', 'ORDER_COMPLETED', 'ACCEPTED'),
    ('order_simple', 'ACCEPTED', 'PAYMENT_COMPLETED', 'PAID'),
    ('order_simple', 'PAID', 'MAIL_COMPLETED', 'COMPLETED'),
    ('order_simple', 'PENDING', 'ORDER_REJECTED', 'REJECTED'),
    ('order_simple', 'ACCEPTED', 'ORDER_REJECTED', 'REJECTED'),
    ('order_simple', 'PAID', 'ORDER_REJECTED', 'REJECTED'),
    ('order_shop', '', 'ORDER_CREATED', 'Created'),
    ('ticket', '', 'CREATE_TICKET', 'PENDING'),
    ('ticket', 'PENDING', 'APPROVE_TICKET', 'ACCEPTED'),
    ('ticket', 'ACCEPTED', 'KITCHEN_PREPARING', 'PREPARING'),
    ('ticket', 'PREPARING', 'KITCHEN_READY', 'READY'),
    ('ticket', 'READY', 'DELIVERY_PICKEDUP', 'PICKEDUP'),
    ('ticket', 'PICKEDUP', 'DELIVERY_COMPLETED', 'COMPLETED'),
    ('ticket', 'PENDING', 'REJECT_TICKET', 'REJECTED'),
    ('ticket', 'PENDING', 'CANCEL_TICKET', 'CANCELLED'),
    ('ticket', 'ACCEPTED', 'CANCEL_TICKET', 'CANCELLED'),
    ('payment', '', 'APPROVED', 'ACCEPTED'),
    ('payment', '', 'DECLINED', 'REJECTED'),
    ('payment', 'ACCEPTED', 'REFUND_PAYMENT', 'REFUNDED'),
    ('cook', '', 'PREPARE_FOOD', 'PREPARING'),
    ('cook', 'PREPARING', 'KITCHEN_READY', 'READY'),
    ('cook', 'PREPARING', 'CANCEL_COOK', 'CANCELLED'),
    ('delivery', '', 'DELIVERY_PICKEDUP', 'PICKEDUP'),
    ('delivery', 'PICKEDUP', 'DELIVERY_COMPLETED', 'COMPLETED'),
    ('mail', '', 'SEND_MAIL', 'REQUESTED'),
    ('mail', 'REQUESTED', 'SENT', 'COMPLETED'),
    ('mail', 'REQUESTED', 'GIVEN_UP', 'FAILED');

-- A row's state moves only along its machine, and each change counts its version up. Argument: the machine; "order" is
-- the one of the order's kind. 55000: the row is not in a state in which that can be done.
CREATE OR REPLACE FUNCTION public.state_guard() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    machine_name text := tg_argv[0];
    was text := '';
BEGIN
    IF tg_table_name = 'orders' THEN
        machine_name := 'order_' || NEW.kind;
    END IF;
    IF tg_op = 'UPDATE' THEN
        was := OLD.state;
        NEW.version := OLD.version + 1;
        IF NEW.state = OLD.state THEN
            RETURN NEW;
        END IF;
    END IF;
    IF NOT EXISTS (SELECT FROM public.state_transitions t
                    WHERE t.machine = machine_name AND t.from_state = was AND t.to_state = NEW.state) THEN
        RAISE EXCEPTION '% cannot become % from %', machine_name, NEW.state, coalesce(nullif(was, ''), 'nothing')
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    RETURN NEW;
END
$$;

-- A number that the client chose: the column's sequence goes above it. Argument: the column. A sequence has no
-- transactions, so two of these may still meet; whoever makes a row draws again when a number is taken.
-- (Without dynamic SQL, as every trigger here: the router could not read what such a one sets, and would keep the session
-- of any writer on the primary.)
CREATE OR REPLACE FUNCTION public.identity_above() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    numbers regclass := pg_get_serial_sequence(format('%I.%I', tg_table_schema, tg_table_name), tg_argv[0]);
    chosen bigint := to_jsonb(NEW) ->> tg_argv[0];
BEGIN
    IF chosen > coalesce(pg_sequence_last_value(numbers), 0) THEN
        PERFORM setval(numbers, greatest(chosen, pg_sequence_last_value(numbers)));
    END IF;
    RETURN NULL;
END
$$;

-- Rows that are written once. Argument: what is said to whoever tries to change one. What a cascade takes goes with its parent.
CREATE OR REPLACE FUNCTION public.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF tg_op = 'DELETE' AND tg_argv[1] = 'cascade' AND pg_trigger_depth() > 1 THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '%', tg_argv[0] USING ERRCODE = 'object_not_in_prerequisite_state';
END
$$;
REVOKE EXECUTE ON FUNCTION public.state_guard(), public.identity_above(), public.refuse_change() FROM PUBLIC;
