-- What kitchen and delivery read of an order while they write as owners of their tables: whether it is theirs to work on. Nothing of
-- its card.

GRANT SELECT (order_id, public_id, tracking_id, kind, state) ON public.orders TO owner_kitchen, owner_delivery;
