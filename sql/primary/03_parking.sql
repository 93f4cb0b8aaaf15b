-- The parking domain: exactly these three columns.

CREATE TABLE IF NOT EXISTS public.parking_slots (
    uuid   varchar PRIMARY KEY,
    name   varchar NOT NULL,
    status varchar NOT NULL DEFAULT 'available'
           CHECK (status IN ('available', 'blocked', 'reserved'))
);

GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON public.parking_slots TO cqrs;
