-- order_details_mv: an order with its customer, address, items and newest update, joined beforehand. Food and shop orders
-- of customers that are known.
select o.order_id, o.customer_id as user_id,
       coalesce((select sum(i.quantity * i.price) from order_items i where i.order_id = o.order_id), 0)::numeric(14,2) as total,
       o.order_date,
       coalesce(u.status, o.state) as order_status,
       coalesce(u.updated_at, o.updated_date) as last_order_update,
       c.phone as user_phone,
       coalesce((select concat_ws(', ', a.street, a.city, a.state, a.postal_code, a.country) from addresses a
                  where a.address_id = coalesce(o.address_id, (select min(f.address_id) from addresses f
                                                                where f.customer_id = o.customer_id))), '') as full_address,
       coalesce((select string_agg(i.name || ' (Qty: ' || i.quantity || ', Price: ' || i.price || ', Total: '
                                   || i.quantity * i.price || ')', ' | ' order by i.line_no)
                   from order_items i where i.order_id = o.order_id), '') as order_items_details
  from orders o
  join customers c on c.customer_id = o.customer_id
  left join lateral (select n.status, n.updated_at from order_updates n where n.order_id = o.order_id
                      order by n.updated_at desc, n.id desc limit 1) u on true
 where o.kind in ('food', 'shop')
