"""The ordering domain in a private stack: its configuration (conf/orders.cfg), and requests to the command service."""

import http.client
import json
import os

import db
import stack
from check import wait_until

VIEWS = ("order_history", "order_documents", "order_details_mv")


def configure():
    """The domain's tables are captured and its read models live; what a stack has already is left alone."""
    with open(os.path.join(stack.SOURCE, "conf/orders.cfg"), encoding="utf-8") as f:
        groups = stack.configured(f.read())
    known = json.loads(stack.configured().get("capture", {}).get("tables", "[]"))
    wanted = known + [t for t in json.loads(groups["capture"]["tables"]) if t not in known]
    if wanted != known or not live():
        stack.configure("capture", tables=wanted, topics=stack.Raw(groups["capture"]["topics"]))
        stack.configure("consumer", views=stack.Raw(groups["consumer"]["views"]))
        stack.migrate()
        stack.restart("relay", "consumer", "router")
    wait_until(live, 60, "the read models are live")
    for view in VIEWS:
        wait_until(lambda v=view: db.rows("router", f"select 1 from {v} limit 1") is not None, 60, f"the router knows {view}")


def live():
    return db.value("replica", "select count(distinct name) = %s from parkway.views where state = 'live' and name = any (%s)",
                    (len(VIEWS), [f"public.{v}" for v in VIEWS]))


def ask(method, path, body=None, **headers):
    """(status, headers, text) of one request. body: text or bytes as they are, anything else as JSON."""
    link = http.client.HTTPConnection("127.0.0.1", stack.ports()["http"], timeout=30)
    try:
        if body is not None and not isinstance(body, bytes):
            body = (body if isinstance(body, str) else json.dumps(body)).encode()
        link.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = link.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read().decode()
    finally:
        link.close()


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def fresh(position):
    """Headers of a read that has that write."""
    return {"Parkway_Position": position, "Parkway_Wait_Ms": "10000"}
