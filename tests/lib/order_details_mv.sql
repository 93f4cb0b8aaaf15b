-- One row an order that has a known customer: what a list of orders shows, with nothing to join when it is read.
SELECT o.order_id,
       o.customer_id AS user_id,
       coalesce(i.total, 0)::numeric(12,2) AS total,
       o.order_date,
       coalesce(u.status, o.state) AS order_status,
       coalesce(u.updated_at, o.updated_date) AS last_order_update,
       c.phone AS user_phone,
       coalesce(concat_ws(', ', a.street, a.city, a.state, a.postal_code, a.country), '') AS full_address,
       coalesce(i.details, '') AS order_items_details
  FROM shop.orders o
  JOIN shop.customers c ON c.customer_id = o.customer_id
  LEFT JOIN LATERAL (
       SELECT sum(i.quantity * i.price) AS total,
              string_agg(format('%s (Qty: %s, Price: %s, Total: %s)', i.name, i.quantity, i.price, i.quantity * i.price),
                         ' | ' ORDER BY i.line_no) AS details
         FROM shop.order_items i WHERE i.order_id = o.order_id) i ON true
  LEFT JOIN LATERAL (
       SELECT u.status, u.updated_at FROM shop.order_updates u
        WHERE u.order_id = o.order_id ORDER BY u.updated_at DESC, u.id DESC LIMIT 1) u ON true
  LEFT JOIN LATERAL (
       SELECT a.* FROM shop.addresses a
        WHERE a.customer_id = o.customer_id AND (o.address_id IS NULL OR a.address_id = o.address_id)
        ORDER BY a.address_id LIMIT 1) a ON true
