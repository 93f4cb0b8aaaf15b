-- order_history: what became of a food order, one row each. Its card comes from the fact ORDER_CREATED, where the number is
-- masked: the order's own card columns stay on the primary.
select o.order_id, o.public_id, o.tracking_id, o.state, o.customer_id, o.restaurant_id,
       (select e.data -> 'payment' from events e
         where e.stream = 'order-' || o.order_id and e.type = 'ORDER_CREATED' order by e.version limit 1) as payment,
       (select jsonb_agg(jsonb_build_object('menuItemId', i.menu_item_id::text, 'quantity', i.quantity) order by i.line_no)
          from order_items i where i.order_id = o.order_id) as order_items,
       o.ticket_id, o.accept_time, o.ready_time, o.preparing_time, o.picked_up_time, o.delivery_completed_time,
       o.failure_messages
  from orders o
 where o.kind = 'food'
