"""The ordering domain on the test's stack: its configuration, orders by SQL, and the saga daemon beside."""

import contextlib
import glob
import json
import os
import re
import subprocess
import tempfile

import db
import mq
import stack
from check import Failed, check, equal, say, wait_until
from ordering import ask

QUEUES = ("order-reply", "order-customer", "order-ticket", "order-payment", "order-kitchen", "order-mail", "order-detail")
SIMPLE = ["ORDER_REQUESTED", "ORDER_COMPLETED", "PAYMENT_REQUESTED", "PAYMENT_COMPLETED", "MAIL_REQUESTED", "MAIL_COMPLETED"]
FOOD = ["ORDER_CREATED", "CUSTOMER_APPROVED", "TICKET_CREATED", "PAYMENT_APPROVED", "TICKET_APPROVED", "ORDER_APPROVED",
        "KITCHEN_PREPARING", "KITCHEN_READY", "DELIVERY_PICKEDUP", "DELIVERY_COMPLETED", "MAIL_REQUESTED", "MAIL_COMPLETED"]
NOBODY = "7036dfc5-3093-4d00-bdf6-e66f567d7001"
VIEWS = ("order_history", "order_documents", "order_details_mv")


def clear():
    """No orders, no facts and no sagas, nor messages that wait for one."""
    # a command that comes for a queue which is gone would wait in the relay, for ever
    here = db.value("primary", "select pg_current_wal_insert_lsn()")
    db.execute("primary", "select pg_logical_emit_message(true, 'parkway.nudge', '')")
    wait_until(lambda: db.value("primary", "select confirmed_flush_lsn >= %s from pg_replication_slots where slot_name = 'parkway'", (here,)), 60,
               "what is on its way has come to its queue")
    link = mq.open_link()
    for queue in QUEUES:
        link.channel().queue_delete(queue)
        link.channel().queue_delete(f"{queue}.dead")
    link.close()
    with db.connect("primary") as c:
        db.execute(c, "set session_replication_role = replica")  # else facts do not go
        db.execute(c, "truncate orders, order_items, order_updates, tickets, payments, cooks, deliveries, mails, events, streams, saga_instances, saga_log, "
                      "saga_outcomes, inbox restart identity cascade")


def explain():
    """Why a read model was refused: what the server would do for a key, and what it knows of the tables."""
    with db.connect("replica") as c:
        for setting in ("seqscan", "indexscan", "indexonlyscan", "hashjoin", "mergejoin"):
            db.execute(c, f"set enable_{setting} = off")
        db.execute(c, "set plan_cache_mode = force_generic_plan")
        for view in VIEWS:
            with open(os.path.join(stack.SOURCE, f"sql/views/{view}.sql"), encoding="utf-8") as f:
                db.execute(c, f"prepare {view}(bigint[]) as select * from ({f.read()}) v where order_id = any($1)")
            say("\n".join(r[0] for r in db.rows(c, f"explain execute {view}(null)")))
        for row in db.rows(c, "select relname, relpages, reltuples, pg_get_indexdef(indexrelid) from pg_class c join pg_index i on i.indrelid = c.oid "
                           "where c.oid in ('events'::regclass, 'orders'::regclass)"):
            say(str(row))


@contextlib.contextmanager
def configured():
    """conf/orders.cfg beside what the stack has, until the block ends."""
    with open(os.path.join(stack.SOURCE, "conf/orders.cfg"), encoding="utf-8") as f:
        groups = stack.configured(f.read())
    before = {group: stack.configured().get(group, {}) for group in ("capture", "consumer")}
    known = json.loads(before["capture"].get("tables", "[]"))
    wanted = known + [t for t in json.loads(groups["capture"]["tables"]) if t not in known]
    stack.configure("capture", tables=wanted, topics=stack.Raw(groups["capture"]["topics"]))
    stack.configure("consumer", views=stack.Raw(groups["consumer"]["views"]))
    stack.migrate()
    stack.restart("relay", "consumer", "router")
    try:
        wait_until(lambda: db.value("replica", "select count(*) from parkway.views where state = 'live' and name = any(%s)",
                                    ([f"public.{v}" for v in VIEWS],)) == len(VIEWS), 150, "the read models are live")
    except Failed:
        explain()
        raise
    try:
        yield
    finally:
        for group, keys in before.items():
            stack.configure(group, **{k: stack.Raw(keys[k]) if k in keys else None for k in ("tables", "topics", "views")})
        stack.restart("relay", "consumer", "router")


@contextlib.contextmanager
def served(secret="a test's secret"):
    """configured(), with a secret for the tokens of cards, and a router that knows the read models."""
    before = {group: stack.configured().get(group, {}) for group in ("payment", "http")}
    stack.configure("payment", token_secret=secret)
    stack.restart("command")
    try:
        with configured():
            for path in ("/histories", "/order/1", f"/ticket/{NOBODY}", "/query/1", "/order_details_mv"):
                wait_until(lambda p=path: ask("GET", p)[1].get("Parkway-Route") == "replica", 30, f"{path} is read on the replica")
            yield
    finally:
        for group, key in (("payment", "token_secret"), ("http", "allow_get_commands")):
            stack.configure(group, **{key: stack.Raw(before[group][key]) if key in before[group] else None})
        stack.restart("command")


def declarations(change=lambda text: text, name="conf/sagas.cfg"):
    """A file of sagas with changes, for PARKWAY_SAGA_FILE; the daemon's user may read it."""
    with open(os.path.join(stack.SOURCE, name), encoding="utf-8") as f:
        text = change(f.read())
    with tempfile.NamedTemporaryFile("w", suffix=".cfg", delete=False, dir=stack.STATE) as f:
        f.write(text)
        os.chmod(f.name, 0o644)
        return f.name


def hurried(text, timeout_ms, **each):
    """Every timeout of a file of sagas; STEP=ms for one of them."""
    text = re.sub(r"timeout_ms = \d+", f"timeout_ms = {timeout_ms}", text)
    for step, ms in each.items():
        text = re.sub(rf'(command = "{step}"; queue = "[a-z-]+"; timeout_ms = )\d+', rf"\g<1>{ms}", text)
    return text


def daemon(*args, file=None, **keys):
    """`parkway saga` beside the stack."""
    keys.setdefault("PARKWAY_SAGA_HTTP_PORT", 0)
    if file:
        keys["PARKWAY_SAGA_FILE"] = file
    return stack.Beside("saga", *args, **keys)


def taking(running, queue):
    """Until the daemon takes messages from the queue."""
    wait_until(lambda: f"taking messages queue={queue}" in running.text(), 30, f"{queue} is being taken from")


def shop():
    """The rows that orders are made of: who buys, and what there is."""
    with db.connect("primary") as c:
        db.execute(c, "insert into customers (customer_id, customer_uuid, first_name, last_name, full_name, email) values "
                      "(1, 'c0000000-0000-4000-8000-000000000001', 'BeomSoo', 'Jeon', 'BeomSoo Jeon', 'one@b.c') on conflict do nothing")
        db.execute(c, "insert into restaurants values (1, 'KimBab Heaven', 37.501964, 126.883027, true), (2, 'Closed', 0, 0, false) "
                      "on conflict (restaurant_id) do update set active = excluded.active")
        db.execute(c, "insert into menu_items values (1, 1, 'Veggie KimBap', '', 3500, 3.6, true), (2, 1, 'Shin Ramyun', '', 4000, 3.2, true), "
                      "(3, 1, 'Sold out', '', 1, 1, false), (4, 2, 'Elsewhere', '', 1, 1, true) on conflict (menu_item_id) do nothing")


def order(number, items=((1, 2), (2, 1)), customer=1, restaurant=1, kind="food", card="6789", scheduled=None, where="primary"):
    """A new order with its fact, in one transaction."""
    public = f"ORD-{number:05X}"
    fact = {"id": str(number), "publicId": public, "kind": kind, "payment": {"number": f"******{card}", "yy": "24", "mm": "01"}}
    if scheduled:
        fact["scheduledAt"] = scheduled
    if kind == "simple":
        fact = {"orderId": str(number), "publicId": public, "body": f"{public}_ORDER_REQUESTED"}
    own = isinstance(where, str)
    c = db.connect(where, autocommit=False) if own else where
    db.execute(c, "insert into orders (order_id, public_id, kind, state, customer_id, restaurant_id, card_last4, card_expiry, card_token) "
                  "values (%s, %s, %s, 'PENDING', %s, %s, %s, '01/24', 'token')",
               (number, public, kind, customer if kind == "food" else None, restaurant if kind == "food" else None, card))
    if kind == "food":
        for line, (item, quantity) in enumerate(items, 1):
            db.execute(c, "insert into order_items (order_id, line_no, menu_item_id, name, quantity, price) values (%s, %s, %s, '', %s, 0)",
                       (number, line, item, quantity))
        db.execute(c, "insert into order_updates (order_id, status, source) values (%s, 'Created', 'order')", (number,))
    kinds = {"food": ("ORDER_CREATED", "order.create"), "simple": ("ORDER_REQUESTED", "order.request")}[kind]
    db.execute(c, "select event_append(%s, %s, %s, %s)", (f"order-{number}", *kinds, json.dumps(fact)))
    c.commit()
    if own:
        c.close()


def state(number):
    """(order's state, saga's status, its step)"""
    found = db.rows("primary", "select o.state, i.status, i.step from orders o left join saga_instances i on i.stream = 'order-' || o.order_id "
                    "where o.order_id = %s", (number,))
    return found[0] if found else None


def wait_state(number, *wanted, bound_s=30):
    """Until order, or order and saga, are so."""
    found = [None]

    def so():
        found[0] = state(number)
        return found[0] is not None and found[0][:len(wanted)] == wanted

    try:
        wait_until(so, bound_s, f"order {number} is {wanted}")
    except Failed as e:
        log = db.rows("primary", "select l.actor, l.from_step, l.to_step, l.to_status, l.detail from saga_log l join saga_instances using (saga_id) "
                      "where stream = %s order by id", (f"order-{number}",))
        raise Failed(f"{e}: it is {found[0]}\n" + "\n".join(map(str, log))) from None


def in_kitchen(number):
    """Until the order is PREPARING, and its ticket has followed it."""
    wait_state(number, "PREPARING", "PROCESSING", "KITCHEN_READY")
    wait_until(lambda: participants(number)[0] == "PREPARING", 10, "the ticket follows the order into the kitchen")


def facts(number):
    return [r[0] for r in db.rows("primary", "select type from events where stream = %s order by version", (f"order-{number}",))]


def participants(number):
    """(ticket, payment, cook, delivery, mail): their states."""
    return db.rows("primary", "select (select state from tickets where order_id = n), (select state from payments where order_id = n), "
                   "(select state from cooks where order_id = n), (select state from deliveries where order_id = n), "
                   "(select string_agg(state, ',') from mails where order_id = n) from (values (%s::bigint)) v(n)", (number,))[0]


def ready(number):
    """What POST /kitchen/ready does."""
    happens("cooks", "READY", "ready_time = clock_timestamp()", "KITCHEN_READY", "kitchen.ready", "readyTime", number)


def delivered(number):
    happens("deliveries", "COMPLETED", "completed_time = clock_timestamp()", "DELIVERY_COMPLETED", "delivery.complete", "deliveryCompletedTime", number)


def happens(table, into, change, kind, key, time, number):
    with db.connect("primary", autocommit=False) as c:
        db.execute(c, f"update {table} set state = %s, {change} where order_id = %s", (into, number))
        db.execute(c, "select event_append(%s, %s, %s, jsonb_build_object('orderId', %s, %s, iso(clock_timestamp())))",
                   (f"order-{number}", kind, key, str(number), time))
        c.commit()


def picked_up(number):
    with db.connect("primary", autocommit=False) as c:
        db.execute(c, "insert into deliveries (order_id, state, rider_id) values (%s, 'PICKEDUP', gen_random_uuid())", (number,))
        db.execute(c, "select event_append(%s, 'DELIVERY_PICKEDUP', 'delivery.pickedup', jsonb_build_object('orderId', %s, 'pickedUpTime', "
                      "iso(clock_timestamp())))", (f"order-{number}", str(number)))
        c.commit()


def cancel(number):
    """What DELETE /order does."""
    with db.connect("primary", autocommit=False) as c:
        db.execute(c, "update orders set state = 'CANCELLING' where order_id = %s", (number,))
        db.execute(c, "select event_append(%s, 'ORDER_CANCELLING', 'order.cancelling', jsonb_build_object('orderId', %s, 'actor', 'customer'))",
                   (f"order-{number}", str(number)))
        c.commit()


def no_card(numbers, last4, *words):
    """Card numbers, and other words that were given with them, are in no table, no fact, no event and no log; the masked number is."""
    places = {}
    for side in ("primary", "replica"):
        dump = subprocess.run(["/usr/lib/postgresql/15/bin/pg_dump", "-h", "127.0.0.1", "-p", str(stack.ports()[side]), "-U", "postgres", "postgres"],
                              env={**os.environ, "PGPASSWORD": "postgres"}, capture_output=True, timeout=120, check=False)
        equal(dump.returncode, 0, f"status of pg_dump of the {side}: {dump.stderr}")
        places[f"dump of the {side}"] = dump.stdout
    for path in glob.glob(os.path.join(stack.STATE, "log/*")) + glob.glob(os.path.join(stack.STATE, "*/log/**/*"), recursive=True):
        if os.path.isfile(path):
            with open(path, "rb") as f:
                places[path] = f.read()
    places["the events"] = b"\n".join(body for _, body in mq.stream("parkway.events"))
    masked = b"*" * 12 + last4.encode()
    for place in ("dump of the primary", "dump of the replica", "the events"):
        check(masked in places[place], f"the masked number is not in {place} either")
    for place, content in places.items():
        for secret in (*numbers, *words):
            check(secret.encode() not in content, f"{secret} is in {place}")
    say(f"nothing of {len(numbers)} cards in {len(places)} dumps, logs and events")
