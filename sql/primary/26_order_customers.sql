-- The order service's own copy of the customers: it never reads the customer service's tables. Kept by a consumer of the log
-- (conf/copies.cfg), which alone writes it; owner_order owns it. position is that of the last event applied to the row.
--
-- A primary that was migrated before a table of the customers was captured has an empty one: parkway replay
-- order_customers fills it.

CREATE TABLE IF NOT EXISTS public.order_customers (
    customer_id   bigint PRIMARY KEY,
    customer_uuid uuid,
    username      text,
    first_name    text,
    last_name     text,
    position      text
);

ALTER TABLE public.order_customers OWNER TO owner_order;
GRANT SELECT ON public.order_customers TO cqrs;
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON public.order_customers TO parkway;
