-- order_documents: the facts of an order, merged in their order. type is the last one's; a section is what the last fact of its
-- kind said; events has the types of all. Sections are NULL until a fact of theirs came.
select o.order_id, o.public_id, o.tracking_id, o.kind,
       (array_agg(e.type order by e.version desc))[1] as type,
       (array_agg(e.data order by e.version desc) filter (where e.type like 'ORDER\_%'))[1] as detail,
       (array_agg(e.data order by e.version desc) filter (where e.type like 'CUSTOMER\_%' and o.kind = 'food'))[1] as customer,
       (array_agg(e.data order by e.version desc) filter (where e.type like 'TICKET\_%' and o.kind = 'food'))[1] as ticket,
       (array_agg(e.data order by e.version desc) filter (where e.type like 'PAYMENT\_%'))[1] as payment,
       (array_agg(e.data order by e.version desc) filter (where e.type like 'KITCHEN\_%' and o.kind = 'food'))[1] as kitchen,
       (array_agg(e.data order by e.version desc) filter (where e.type like 'DELIVERY\_%' and o.kind = 'food'))[1] as delivery,
       (array_agg(e.data order by e.version desc) filter (where e.type like 'MAIL\_%'))[1] as mail,
       array_agg(e.type order by e.version) as events
  from orders o join events e on e.stream = 'order-' || o.order_id
 group by o.order_id, o.public_id, o.tracking_id, o.kind
