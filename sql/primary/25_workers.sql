-- What the services of the ordering domain do when a saga asks them, and what the order itself makes of the replies. A worker is
-- a function of a command and of settings that returns its reply: {"type", "data"}, or NULL when there is nothing to say;
-- "final": false where a later try shall do it anew, "effect" where something outside the database has to be done first. It runs as the
-- owner of its tables, in one transaction with its reply (docs/sagas.md). What was undone before it began does not begin.

-- Functions that are called often are in plpgsql, which keeps its plans; those in sql are planned at each call.

-- Times and money as they stand in facts.
CREATE OR REPLACE FUNCTION public.iso(t timestamptz) RETURNS text
LANGUAGE sql STABLE AS $$ -- no SET: so it is inlined
    SELECT pg_catalog.to_char(t AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;

-- The simple saga's facts are a text alone.
CREATE OR REPLACE FUNCTION public.reply(command jsonb, type text, data jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN jsonb_build_object('type', type, 'data', CASE WHEN command -> 'data' ? 'simple'
        THEN jsonb_build_object('body', (command -> 'data' ->> 'simple') || '_' || type)
        ELSE jsonb_build_object('orderId', command ->> 'orderId') || jsonb_strip_nulls(data) END);
END
$$;

-- ---- customer, order detail -----------------------------------------------------------------------

CREATE OR REPLACE FUNCTION public.customer_worker(command jsonb, settings jsonb) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN CASE WHEN EXISTS (SELECT FROM public.customers c WHERE c.customer_id = (command -> 'data' ->> 'customerId')::bigint)
        THEN public.reply(command, 'CUSTOMER_APPROVED', jsonb_build_object('customerId', command -> 'data' ->> 'customerId'))
        ELSE public.reply(command, 'CUSTOMER_REJECTED', jsonb_build_object('customerId', command -> 'data' ->> 'customerId',
             'reason', 'customer not found: ' || coalesce(command -> 'data' ->> 'customerId', ''))) END;
END
$$;

CREATE OR REPLACE FUNCTION public.detail_worker(command jsonb, settings jsonb) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN public.reply(command, 'ORDER_COMPLETED', '{}');
END
$$;

-- ---- ticket ---------------------------------------------------------------------------------------

-- Why an order cannot be a ticket; empty: it can.
CREATE OR REPLACE FUNCTION public.ticket_reasons(of_restaurant bigint, items jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (WITH item AS (
        SELECT i.at, (i.v ->> 'menuItemId')::bigint AS menu_item_id, (i.v ->> 'quantity')::numeric AS quantity
          FROM jsonb_array_elements(items) WITH ORDINALITY AS i(v, at)),
    reason AS (
        SELECT 0 AS at, CASE WHEN r.restaurant_id IS NULL THEN 'restaurant not found: ' || of_restaurant
                             WHEN NOT r.active THEN 'restaurant is not active: ' || of_restaurant END AS text
          FROM (SELECT) one LEFT JOIN public.restaurants r ON r.restaurant_id = of_restaurant
        UNION ALL
        SELECT 1, 'order has no items' WHERE NOT EXISTS (SELECT FROM item)
        UNION ALL
        SELECT item.at + 1, t.text
          FROM item LEFT JOIN public.menu_items m USING (menu_item_id),
               LATERAL (VALUES (CASE WHEN item.quantity <= 0 THEN 'quantity must be positive' END),
                               (CASE WHEN m.menu_item_id IS NULL THEN 'menu item not found: ' || item.menu_item_id
                                     WHEN m.restaurant_id <> of_restaurant
                                     THEN 'menu item ' || item.menu_item_id || ' does not belong to restaurant ' || of_restaurant
                                     WHEN NOT m.available THEN 'menu item is not available: ' || item.menu_item_id END)) AS t(text))
    SELECT coalesce(jsonb_agg(text ORDER BY at), '[]') FROM reason WHERE text IS NOT NULL);
END
$$;

CREATE OR REPLACE FUNCTION public.ticket_worker(command jsonb, settings jsonb) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    number bigint := (command ->> 'orderId')::bigint;
    of_order text := 'order-' || number;
    given jsonb := command -> 'data';
    t public.tickets;
    reasons jsonb := '[]';
BEGIN
    SELECT * INTO t FROM public.tickets x WHERE x.order_id = number FOR UPDATE;
    CASE command ->> 'command'
    WHEN 'CREATE_TICKET' THEN
        IF public.saga_answered(of_order, 'REJECT_TICKET') OR public.saga_answered(of_order, 'CANCEL_TICKET') THEN
            RETURN public.reply(command, 'TICKET_REJECTED', '{"reason": "order is cancelled", "reasons": ["order is cancelled"]}');
        END IF;
        reasons := public.ticket_reasons((given ->> 'restaurantId')::bigint, coalesce(given -> 'orderItems', '[]'));
        INSERT INTO public.tickets (order_id, restaurant_id, state, reasons, items, total)
        SELECT number, (given ->> 'restaurantId')::bigint, 'PENDING', reasons,
               coalesce(jsonb_agg(jsonb_build_object('menuItemId', i.v ->> 'menuItemId', 'name', coalesce(m.name, ''),
                                  'quantity', i.v -> 'quantity', 'price', p.price::text) ORDER BY i.at), '[]'),
               coalesce(sum(greatest((i.v ->> 'quantity')::numeric, 0) * p.price), 0)
          FROM jsonb_array_elements(coalesce(given -> 'orderItems', '[]')) WITH ORDINALITY AS i(v, at)
          LEFT JOIN public.menu_items m ON m.menu_item_id = (i.v ->> 'menuItemId')::bigint,
               LATERAL (SELECT coalesce((i.v ->> 'price')::numeric(12,2), m.price, 0) AS price) p
        RETURNING * INTO t;
        IF reasons <> '[]' THEN
            UPDATE public.tickets SET state = 'REJECTED' WHERE ticket_id = t.ticket_id;
            RETURN public.reply(command, 'TICKET_REJECTED', jsonb_build_object('ticketId', t.ticket_id, 'reasons', reasons,
                'reason', (SELECT string_agg(r, ', ') FROM jsonb_array_elements_text(reasons) r)));
        END IF;
        RETURN public.reply(command, 'TICKET_CREATED', jsonb_build_object('ticketId', t.ticket_id, 'restaurantId', t.restaurant_id::text,
            'items', t.items, 'total', t.total::text));
    WHEN 'APPROVE_TICKET' THEN
        IF t.state IS DISTINCT FROM 'PENDING' OR public.saga_answered(of_order, 'CANCEL_TICKET') THEN
            RETURN public.reply(command, 'TICKET_REJECTED', jsonb_build_object('ticketId', t.ticket_id,
                'reason', 'ticket is ' || coalesce(t.state, 'missing')));
        END IF;
        UPDATE public.tickets SET state = 'ACCEPTED', accept_time = clock_timestamp() WHERE ticket_id = t.ticket_id RETURNING * INTO t;
        RETURN public.reply(command, 'TICKET_APPROVED', jsonb_build_object('ticketId', t.ticket_id, 'acceptTime', public.iso(t.accept_time)));
    WHEN 'REJECT_TICKET', 'CANCEL_TICKET' THEN
        IF t.state = 'PENDING' AND command ->> 'command' = 'REJECT_TICKET' THEN
            UPDATE public.tickets SET state = 'REJECTED' WHERE ticket_id = t.ticket_id;
        ELSIF t.state IN ('PENDING', 'ACCEPTED') THEN
            UPDATE public.tickets SET state = 'CANCELLED' WHERE ticket_id = t.ticket_id;
        END IF;
        RETURN public.reply(command, CASE command ->> 'command' WHEN 'REJECT_TICKET' THEN 'TICKET_REJECTED' ELSE 'TICKET_CANCELLED' END,
            jsonb_build_object('ticketId', t.ticket_id, 'reason', 'order is cancelled'));
    WHEN 'UPDATE_TICKET' THEN
        -- the order's state and times at the moment of its step; the queue keeps their order
        UPDATE public.tickets SET state = given ->> 'state', ready_time = (given ->> 'readyTime')::timestamptz,
               picked_up_time = (given ->> 'pickedUpTime')::timestamptz, preparing_time = (given ->> 'preparingTime')::int,
               delivery_completed_time = (given ->> 'deliveryCompletedTime')::timestamptz
         WHERE ticket_id = t.ticket_id AND state NOT IN ('REJECTED', 'CANCELLED');
        RETURN NULL;
    END CASE;
END
$$;

-- ---- payment --------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION public.payment_worker(command jsonb, settings jsonb) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    number bigint := (command ->> 'orderId')::bigint;
    given jsonb := command -> 'data';
    p public.payments;
    why text;
BEGIN
    SELECT * INTO p FROM public.payments x WHERE x.order_id = number FOR UPDATE;
    CASE command ->> 'command'
    WHEN 'AUTHORIZE_PAYMENT', 'PROCESS_PAYMENT' THEN
        IF public.saga_answered('order-' || number, 'REFUND_PAYMENT') THEN
            RETURN public.reply(command, 'PAYMENT_REJECTED', '{"reason": "order is cancelled"}');
        END IF;
        why := CASE
            WHEN settings -> 'declined' ? (given ->> 'cardToken') THEN 'card declined'
            WHEN (given ->> 'amount')::numeric > coalesce((settings ->> 'maxAmount')::numeric, 1000000.00) THEN 'amount exceeds limit'
            -- by the order's number, so that a seed tells which ones
            WHEN abs(hashtextextended(number::text, coalesce((settings ->> 'seed')::bigint, 0)) % 1000000) / 1000000.0
                 < coalesce((settings ->> 'rejectProbability')::numeric, 0) THEN 'card declined' END;
        INSERT INTO public.payments (order_id, state, amount, card_last4, reason)
        VALUES (number, CASE WHEN why IS NULL THEN 'ACCEPTED' ELSE 'REJECTED' END, coalesce((given ->> 'amount')::numeric, 0), given ->> 'cardLast4', why)
        RETURNING * INTO p;
        RETURN public.reply(command, CASE WHEN why IS NOT NULL THEN 'PAYMENT_REJECTED'
                                          WHEN command ->> 'command' = 'PROCESS_PAYMENT' THEN 'PAYMENT_COMPLETED' ELSE 'PAYMENT_APPROVED' END,
            jsonb_build_object('paymentId', p.payment_id, 'amount', p.amount::text, 'cardLast4', p.card_last4, 'reason', why));
    WHEN 'REFUND_PAYMENT' THEN
        IF p.state = 'ACCEPTED' THEN
            UPDATE public.payments SET state = 'REFUNDED', refunded_at = clock_timestamp() WHERE payment_id = p.payment_id;
        END IF;
        RETURN public.reply(command, 'PAYMENT_REFUNDED', jsonb_build_object('paymentId', p.payment_id,
            'amount', CASE WHEN p.state = 'ACCEPTED' THEN p.amount::text ELSE '0.00' END, 'cardLast4', p.card_last4));
    END CASE;
END
$$;

-- ---- kitchen --------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION public.kitchen_worker(command jsonb, settings jsonb) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    number bigint := (command ->> 'orderId')::bigint;
    c public.cooks;
BEGIN
    SELECT * INTO c FROM public.cooks x WHERE x.order_id = number FOR UPDATE;
    CASE command ->> 'command'
    WHEN 'PREPARE_FOOD' THEN
        IF public.saga_answered('order-' || number, 'CANCEL_COOK') THEN
            RETURN NULL;
        END IF;
        INSERT INTO public.cooks (order_id, state, accept_time) VALUES (number, 'PREPARING', clock_timestamp()) RETURNING * INTO c;
        RETURN public.reply(command, 'KITCHEN_PREPARING', jsonb_build_object('cookId', c.cook_id, 'acceptTime', public.iso(c.accept_time)));
    WHEN 'CANCEL_COOK' THEN
        IF c.state = 'PREPARING' THEN
            UPDATE public.cooks SET state = 'CANCELLED' WHERE cook_id = c.cook_id;
        END IF;
        RETURN public.reply(command, 'KITCHEN_CANCELLED', jsonb_build_object('cookId', c.cook_id));
    END CASE;
END
$$;

-- ---- mail -----------------------------------------------------------------------------------------

-- settings.smtp: the mail has to be sent first; the command comes again with what came of it, "effect": {"ok", "error"}. Who has
-- no address gets none: the row is all there is.
CREATE OR REPLACE FUNCTION public.mail_worker(command jsonb, settings jsonb) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    number bigint := (command ->> 'orderId')::bigint;
    given jsonb := command -> 'data';
    done jsonb := command -> 'effect';
    m public.mails;
BEGIN
    IF done IS NULL THEN
        INSERT INTO public.mails AS x (order_id, kind, recipient, subject, body, state, attempts)
        VALUES (number, given ->> 'kind', coalesce((SELECT coalesce(c.email, c.username) FROM public.customers c
                                                     WHERE c.customer_id = (given ->> 'customerId')::bigint), ''),
                given ->> 'subject', given ->> 'body', 'REQUESTED', 1)
        ON CONFLICT (order_id, kind) DO UPDATE SET attempts = x.attempts + 1 RETURNING * INTO m;
        IF m.state = 'REQUESTED' AND m.recipient LIKE '%@%' AND (settings ->> 'smtp')::boolean THEN
            RETURN jsonb_build_object('effect', 'mail', 'id', m.mail_id, 'recipient', m.recipient, 'subject', m.subject, 'body', m.body);
        END IF;
    ELSE
        SELECT * INTO m FROM public.mails x WHERE x.order_id = number AND x.kind = given ->> 'kind' FOR UPDATE;
    END IF;
    IF m.state = 'REQUESTED' AND coalesce((done ->> 'ok')::boolean, true) THEN
        UPDATE public.mails SET state = 'COMPLETED', sent_at = clock_timestamp() WHERE mail_id = m.mail_id RETURNING * INTO m;
    ELSIF m.state = 'REQUESTED' AND (command ->> 'attempt')::bigint >= (command ->> 'tries')::bigint THEN
        UPDATE public.mails SET state = 'FAILED' WHERE mail_id = m.mail_id RETURNING * INTO m;
    END IF;
    IF m.state = 'COMPLETED' THEN
        RETURN public.reply(command, 'MAIL_COMPLETED', jsonb_build_object('mailId', m.mail_id, 'sentAt', public.iso(m.sent_at)));
    END IF;
    RETURN public.reply(command, 'MAIL_FAILED', jsonb_build_object('mailId', m.mail_id, 'reason', coalesce(done ->> 'error', 'the mail was given up')))
           || jsonb_build_object('final', m.state = 'FAILED');
END
$$;
GRANT SELECT ON public.customers TO owner_mail;

-- ---- the order ------------------------------------------------------------------------------------

-- What a command carries.
CREATE OR REPLACE FUNCTION public.order_command(number bigint, command text) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT CASE WHEN o.kind = 'simple' THEN jsonb_build_object('simple', o.public_id, 'kind', 'completed', 'amount', o.total::text,
                    'subject', 'Order ' || o.public_id, 'body', 'Order ' || o.public_id || ' is completed.')
        ELSE CASE command
            WHEN 'VERIFY_CUSTOMER' THEN jsonb_build_object('customerId', o.customer_id::text)
            WHEN 'CREATE_TICKET' THEN jsonb_build_object('restaurantId', o.restaurant_id::text, 'orderItems', (
                SELECT coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('menuItemId', i.menu_item_id::text, 'quantity', i.quantity,
                                'price', CASE WHEN i.price > 0 THEN i.price::text END)) ORDER BY i.line_no), '[]')
                  FROM public.order_items i WHERE i.order_id = o.order_id))
            WHEN 'AUTHORIZE_PAYMENT' THEN jsonb_build_object('amount', o.total::text, 'cardToken', o.card_token, 'cardLast4', o.card_last4)
            WHEN 'PREPARE_FOOD' THEN jsonb_build_object('ticketId', o.ticket_id)
            WHEN 'UPDATE_TICKET' THEN jsonb_build_object('state', o.state, 'readyTime', public.iso(o.ready_time), 'preparingTime', o.preparing_time,
                'pickedUpTime', public.iso(o.picked_up_time), 'deliveryCompletedTime', public.iso(o.delivery_completed_time))
            WHEN 'SEND_MAIL' THEN jsonb_build_object('kind', 'completed', 'customerId', o.customer_id::text,
                'subject', 'Order ' || o.public_id, 'body', 'Order ' || o.public_id || ' was delivered. Total: ' || o.total || '.')
            ELSE '{}' END END
      FROM public.orders o WHERE o.order_id = number);
END
$$;

-- What a fact of the saga itself says.
CREATE OR REPLACE FUNCTION public.order_fact(number bigint, type text, actor text) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT CASE WHEN o.kind = 'simple' THEN jsonb_build_object('body', o.public_id || '_' || type)
        ELSE jsonb_build_object('orderId', o.order_id::text, 'publicId', o.public_id) || CASE type
            WHEN 'ORDER_APPROVED' THEN jsonb_build_object('state', o.state)
            WHEN 'ORDER_REJECTED' THEN jsonb_build_object('state', o.state, 'failureMessages', o.failure_messages)
            WHEN 'ORDER_CANCELLING' THEN jsonb_build_object('state', o.state, 'actor', actor)
            WHEN 'ORDER_CANCELLED' THEN jsonb_build_object('state', o.state, 'actor', coalesce((
                SELECT e.data ->> 'actor' FROM public.events e WHERE e.stream = 'order-' || number AND e.type = 'ORDER_CANCELLING'
                 ORDER BY e.version LIMIT 1), actor))
            ELSE '{}' END END
      FROM public.orders o WHERE o.order_id = number);
END
$$;

-- The order after a reply was taken: event and given, what it said; into_state, where the order goes (NULL: nowhere); message, for its
-- failure messages, and with reasons those of the reply, too. Each change of state is a line of its time line.
CREATE OR REPLACE FUNCTION public.order_follow(number bigint, event text, given jsonb, into_state text, message text, reasons boolean) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    o public.orders;
BEGIN
    UPDATE public.orders SET
        state = coalesce(into_state, state),
        ticket_id = coalesce(CASE WHEN event = 'TICKET_CREATED' THEN (given ->> 'ticketId')::uuid END, ticket_id),
        total = coalesce(CASE WHEN event = 'TICKET_CREATED' THEN (given ->> 'total')::numeric END, total),
        accept_time = coalesce(CASE WHEN event = 'TICKET_APPROVED' THEN (given ->> 'acceptTime')::timestamptz END, accept_time),
        ready_time = coalesce(CASE WHEN event = 'KITCHEN_READY' THEN (given ->> 'readyTime')::timestamptz END, ready_time),
        preparing_time = coalesce(CASE WHEN event = 'KITCHEN_READY' AND into_state = 'READY'
            THEN floor(extract(epoch FROM (given ->> 'readyTime')::timestamptz - accept_time))::int END, preparing_time),
        picked_up_time = coalesce(CASE WHEN event = 'DELIVERY_PICKEDUP' THEN (given ->> 'pickedUpTime')::timestamptz END, picked_up_time),
        delivery_completed_time = coalesce(CASE WHEN event = 'DELIVERY_COMPLETED' THEN (given ->> 'deliveryCompletedTime')::timestamptz END,
                                           delivery_completed_time),
        failure_messages = failure_messages
            || CASE WHEN reasons THEN coalesce(given -> 'reasons', jsonb_build_array(given ->> 'reason')) ELSE '[]' END
            || CASE WHEN message <> '' THEN jsonb_build_array(message) ELSE '[]' END,
        updated_date = clock_timestamp()
     WHERE order_id = number RETURNING * INTO o;
    IF event = 'TICKET_CREATED' THEN
        UPDATE public.order_items i SET name = p.v ->> 'name', price = (p.v ->> 'price')::numeric
          FROM jsonb_array_elements(given -> 'items') WITH ORDINALITY AS p(v, at)
         WHERE i.order_id = number AND i.line_no = p.at AND i.name = '';
    END IF;
    INSERT INTO public.order_updates (order_id, status, source)
    SELECT number, l.status, l.source FROM (VALUES
        ('ACCEPTED', 'received', 'order'), ('PREPARING', 'preparing', 'kitchen'), ('READY', 'cooked', 'kitchen'),
        ('PICKEDUP', 'pickedup', 'delivery'), ('COMPLETED', 'delivered', 'delivery'), ('REJECTED', 'rejected', 'order'),
        ('CANCELLED', 'cancelled', 'order')) AS l(state, status, source)
     WHERE o.kind = 'food' AND l.state = into_state
    UNION ALL SELECT number, 'finished', 'mail' WHERE o.kind = 'food' AND event = 'MAIL_COMPLETED';
END
$$;

REVOKE EXECUTE ON FUNCTION public.customer_worker(jsonb, jsonb), public.detail_worker(jsonb, jsonb), public.ticket_worker(jsonb, jsonb),
    public.payment_worker(jsonb, jsonb), public.kitchen_worker(jsonb, jsonb), public.mail_worker(jsonb, jsonb),
    public.order_follow(bigint, text, jsonb, text, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.customer_worker(jsonb, jsonb) TO owner_customer;
GRANT EXECUTE ON FUNCTION public.ticket_worker(jsonb, jsonb) TO owner_restaurant;
GRANT EXECUTE ON FUNCTION public.payment_worker(jsonb, jsonb) TO owner_payment;
GRANT EXECUTE ON FUNCTION public.kitchen_worker(jsonb, jsonb) TO owner_kitchen;
GRANT EXECUTE ON FUNCTION public.mail_worker(jsonb, jsonb) TO owner_mail;
GRANT EXECUTE ON FUNCTION public.detail_worker(jsonb, jsonb), public.order_follow(bigint, text, jsonb, text, text, boolean) TO owner_order;
