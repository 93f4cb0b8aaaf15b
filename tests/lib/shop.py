"""Five tables of the shape of an ordering business, in schema shop, and the view order_details_mv over them.

Shared by the flow test of views and the chaos program that measures them: the tables' definitions, the view's
configuration, rows to begin with, random changes.
"""

import os

import db
import stack
from check import check, wait_until

TABLES = {
    "customers": "customer_id bigint primary key, username text, phone text",
    "addresses": "address_id bigint primary key, customer_id bigint not null, street text not null, city text not null, "
                 "state text, postal_code text, country text not null",
    "orders": "order_id bigint primary key, customer_id bigint, address_id bigint, state text not null, "
              "order_date timestamptz not null, updated_date timestamptz not null",
    "order_items": "order_id bigint not null, line_no int not null, name text not null, quantity int not null, "
                   "price numeric(12,2) not null, primary key (order_id, line_no)",
    "order_updates": "id bigint primary key, order_id bigint not null, status text not null, updated_at timestamptz(3) not null",
}
INDEXES = ("addresses (customer_id)", "orders (customer_id)", "order_updates (order_id)")
VIEW = "shop.order_details_mv"
OF_CUSTOMER = "select o.order_id from shop.orders o join touched t on o.customer_id = t.customer_id"
FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "order_details_mv.sql")
FACES = ("received", "preparing", "cooked", "pickedup", "delivered", "finished")


def select():
    with open(FILE, encoding="utf-8") as f:
        return f.read()


def view(name, key, sources, query=None, file=None, **more):
    """A view's group as libconfig text. sources: table -> columns, or a query."""
    def text(value):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'

    rows = ", ".join("{ table = %s; %s = %s; }" % (text(t), "query" if " " in s.strip() and "select" in s.lower() else "columns", text(s))
                     for t, s in sources.items())
    rest = "".join(f" {k} = {v};" for k, v in more.items())
    return "{ name = %s; key = %s; %s = %s; sources = (%s);%s }" % (
        text(name), text(key), "file" if file else "query", text(file or query), rows, rest)


def order_details(**more):
    return view(VIEW, "order_id", {
        "shop.orders": "order_id", "shop.order_items": "order_id", "shop.order_updates": "order_id",
        "shop.customers": OF_CUSTOMER, "shop.addresses": OF_CUSTOMER}, file="order_details_mv.sql", **more)


def configure_views(*views):
    """The views' configuration; the file of the SELECT stands beside the stack's configuration."""
    with open(os.path.join(stack.STATE, "order_details_mv.sql"), "w", encoding="utf-8") as f:
        f.write(select())
    os.chmod(f.name, 0o644)
    stack.configure("consumer", views=stack.Raw("(" + ", ".join(views) + ")"))


def create():
    """The tables, empty, captured, on both sides."""
    db.execute("primary", "create schema if not exists shop")
    db.execute("primary", "grant usage on schema shop to cqrs")
    for name, columns in TABLES.items():
        db.execute("primary", f"create table if not exists shop.{name} ({columns})")
        db.execute("primary", f"grant select, insert, update, delete, truncate on shop.{name} to cqrs")
    for index in INDEXES:
        name = index.split(" ")[0] + "_" + index.split("(")[1][:-1]
        db.execute("primary", f"create index if not exists {name} on shop.{index}")
    stack.capture(*(f"shop.{name}" for name in TABLES))
    db.execute("replica", "grant create, usage on schema shop to parkway")
    db.execute("primary", "truncate " + ", ".join(f"shop.{name}" for name in TABLES))


def populate(orders, customers=None):
    """Rows to begin with: an address and a half a customer, two lines and an update and a half an order."""
    n = customers or max(orders // 5, 1)
    at = "timestamptz '2024-09-01 00:00:00+00'"
    for sql in (
            f"insert into shop.customers select g, 'user_' || g, nullif('+82-' || g, '+82-7') from generate_series(1, {n}) g",
            f"insert into shop.addresses select g, (g - 1) % {n} + 1, 'Street ' || g, 'City', case when g % 3 = 0 then 'ST' end, "
            f"nullif((g % 4)::text, '0'), 'KR' from generate_series(1, {n + n // 2}) g",
            f"insert into shop.orders select g, g % {n} + 1, case when g % 2 = 0 then g % {n} + 1 end, 'Created', {at} + g * interval '1 s', "
            f"{at} + g * interval '1 s' from generate_series(1, {orders}) g",
            "insert into shop.order_items select g, l, 'Item ' || g || '/' || l, l, (g % 1000 + l) * 1.25 "
            f"from generate_series(1, {orders}) g, generate_series(1, 2) l",
            "insert into shop.order_updates select g, (g - 1) % " + f"{orders} + 1, 'received', {at} + g * interval '1 s' "
            f"from generate_series(1, {orders + orders // 2}) g"):
        db.execute("primary", sql)


def statement(rng, orders, customers):
    """One random change of any of the five tables: rows come, change, change their keys, and go, in any order."""
    o, o2, c, c2 = (rng.randrange(1, orders + 1), rng.randrange(1, orders + 1),
                    rng.randrange(1, customers + 1), rng.randrange(1, customers + 1))
    a, line, t = rng.randrange(1, 2 * customers + 1), rng.randrange(1, 4), rng.randrange(10 ** 6)
    at = f"timestamptz '2024-09-02 00:00:00+00' + {t % 5000} * interval '1 s'"
    return rng.choice((
        f"insert into shop.orders values ({o}, {rng.choice((c, 'null'))}, {rng.choice((a, 'null'))}, 'Created', {at}, {at}) on conflict do nothing",
        f"update shop.orders set state = 's{t}', updated_date = {at} where order_id = {o}",
        f"update shop.orders set customer_id = {c}, address_id = {rng.choice((a, 'null'))} where order_id = {o}",
        f"update shop.orders set order_id = {o2} where order_id = {o} and not exists (select from shop.orders where order_id = {o2})",
        f"delete from shop.orders where order_id = {o}",
        f"insert into shop.order_items values ({o}, {line}, 'new {t}', {line}, {t % 10000} / 100.0) on conflict do nothing",
        f"update shop.order_items set quantity = quantity + 1, price = {t % 10000} / 100.0 where order_id = {o}",
        f"update shop.order_items set order_id = {o2} where order_id = {o} and line_no = {line}"
        f" and not exists (select from shop.order_items where order_id = {o2} and line_no = {line})",
        f"delete from shop.order_items where order_id = {o} and line_no = {line}",
        f"insert into shop.order_updates values ({t}, {o}, '{rng.choice(FACES)}', {at}) on conflict do nothing",
        f"update shop.order_updates set status = '{rng.choice(FACES)}', updated_at = {at} where order_id = {o}",
        f"delete from shop.order_updates where order_id = {o}",
        f"insert into shop.customers values ({c}, 'u{t}', '{t}') on conflict do nothing",
        f"update shop.customers set phone = {rng.choice((repr(str(t)), 'null'))} where customer_id = {c}",
        f"update shop.customers set customer_id = {c2} where customer_id = {c} and not exists (select from shop.customers where customer_id = {c2})",
        f"delete from shop.customers where customer_id = {c}",
        f"insert into shop.addresses values ({a}, {c}, 'S{t}', 'C', null, null, 'DE') on conflict do nothing",
        f"update shop.addresses set street = 'S{t}', postal_code = null where address_id = {a}",
        f"update shop.addresses set customer_id = {c2} where address_id = {a}",
        f"delete from shop.addresses where address_id = {a}"))


def differences(connection, name=VIEW, query=None, where="true"):
    """Rows that only the view or only its SELECT has, both read in one snapshot, under the view's settings.

    The tables are locked before the snapshot is taken: to an older one a table truncated meanwhile is empty.
    """
    query = query or select()
    tables = ", ".join([name] + [f"shop.{t}" for t in TABLES])
    with connection.cursor() as cursor:
        cursor.execute(f"begin isolation level repeatable read; set local timezone = 'UTC'; lock table {tables} in access share mode")
        cursor.execute(f"select count(a), count(*) filter (where a is null), count(*) filter (where b is null) "
                       f"from (select row(v.*)::text as a from {name} v where {where}) v "
                       f"full join (select row(s.*)::text as b from ({query}\n) s where {where}) s on a = b")
        count, missing, extra = cursor.fetchone()
        cursor.execute("commit")
    return count, missing, extra


def check_equal(connection, name=VIEW, query=None, where="true"):
    count, missing, extra = differences(connection, name, query, where)
    check(missing + extra == 0, f"{name} is not its SELECT: {count} rows, {missing} missing, {extra} extra")
    return count


def wait_live(name=VIEW, bound_s=120):
    wait_until(lambda: db.value("replica", "select state = 'live' from parkway.views where name = %s and state <> 'building' "
                                "order by id desc limit 1", (name,)), bound_s, f"{name} is live", every_s=0.1)
