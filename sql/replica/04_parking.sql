-- The parking domain's mirror: the same three columns. What a row may hold was decided on the primary.

CREATE TABLE IF NOT EXISTS public.parking_slots (
    uuid   varchar PRIMARY KEY,
    name   varchar NOT NULL,
    status varchar NOT NULL DEFAULT 'available'
);

GRANT SELECT ON public.parking_slots TO cqrs;
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON public.parking_slots TO parkway;
