"""Connections to primary, replica and router, and comparing the two sides."""

import collections
import contextlib
import threading

import psycopg2
import psycopg2.extensions

import stack
from check import Failed, check, short, wait_until


class Connection(psycopg2.extensions.connection):
    """Closed at the end of a with block. (psycopg2's own would open a transaction there.)"""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def connect(where, user=None, password=None, database="postgres", autocommit=True, **options):
    """where: primary, replica (both as the superuser unless told) or router (as cqrs)."""
    user = user or ("cqrs" if where == "router" else "postgres")
    c = psycopg2.connect(host="127.0.0.1", port=stack.ports()[where], user=user, password=password or user,
                         dbname=database, connect_timeout=10, connection_factory=Connection, **options)
    c.autocommit = autocommit
    return c


def rows(where, sql, args=None):
    """All rows of one statement. where: a connection, or a name as for connect."""
    own = isinstance(where, str)
    c = connect(where) if own else where
    try:
        with c.cursor() as cursor:
            cursor.execute(sql, args)
            return cursor.fetchall() if cursor.description is not None else []
    finally:
        if own:
            c.close()


def value(where, sql, args=None):
    found = rows(where, sql, args)
    return found[0][0] if found else None


def execute(where, sql, args=None):
    rows(where, sql, args)


@contextlib.contextmanager
def cancelling(cancel, first_s):
    """Cancels what the block waits for, after first_s and then every second: a cancel that comes before its statement is dropped.

    The last one is over when the block ends, so that none reaches the next statement.
    """
    answered = threading.Event()

    def run():
        pause_s = first_s
        while not answered.wait(pause_s):
            with contextlib.suppress(OSError, psycopg2.Error):
                cancel()
            pause_s = 1

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        answered.set()
        thread.join()


def digest(where, table):
    """(number of rows, checksum over all rows as text, in the order of their text)."""
    return rows(where, "select count(*), md5(coalesce(string_agg(md5(t::text), '' order by md5(t::text)), '')) "
                       f"from {table} t")[0]


def difference(table):
    """The first rows that only one side has, for the failure's text."""
    sides = {side: collections.Counter(r[0] for r in rows(side, f"select t::text from {table} t"))
             for side in ("primary", "replica")}
    lost = sorted((sides["primary"] - sides["replica"]).elements())
    extra = sorted((sides["replica"] - sides["primary"]).elements())
    return (f"primary {sides['primary'].total()}, replica {sides['replica'].total()} rows; "
            f"missing {len(lost)} {short(lost[:3])}, extra {len(extra)} {short(extra[:3])}")


def wait_equal(*tables, bound_s=60):
    """Until both sides hold the same rows of each table; the rows are compared one by one by their text."""
    for table in tables:
        try:
            wait_until(lambda t=table: digest("primary", t) == digest("replica", t), bound_s, f"{table} is equal",
                       every_s=0.2)
        except Failed as e:
            raise Failed(f"{e}; {difference(table)}") from None


def wait_applied(bound_s=60):
    """Until the replica has applied all that the primary has committed so far."""
    target = value("primary", "select pg_current_wal_insert_lsn()")
    execute("primary", "select pg_logical_emit_message(true, 'parkway.nudge', '')")
    wait_until(lambda: value("replica", "select bool_and(lsn >= %s::pg_lsn) from parkway.cursor", (target,)), bound_s,
               f"the replica has applied {target}")


def last_parked(where="replica"):
    """Number of the last parked change, for none_parked."""
    return value(where, "select coalesce(max(id), 0) from parkway.parked")


def none_parked(where="replica", since=0):
    """No change is parked there, nor has been since; the traces of repaired ones count, too."""
    found = rows(where, "select relation, key, op, state, sqlstate, error from parkway.parked where id > %s order by id", (since,))
    check(not found, f"{len(found)} parked changes: {short(found[:3], 1000)}")


def route(connection):
    """Where the router sent the connection's last statement, and why."""
    with connection.cursor() as cursor:
        cursor.execute("show parkway.route")
        return cursor.fetchone()


def stays(where, sql, expected, what):
    check(rows(where, sql) == expected, f"{what}: {short(rows(where, sql))} instead of {short(expected)}")


def tables(columns):
    """Empty captured tables on both sides (name -> columns), open to cqrs as the application's tables are."""
    for name, text in columns.items():
        for side, rights in (("primary", "select, insert, update, delete, truncate"), ("replica", "select")):
            execute(side, f"create table if not exists {name} ({text})")
            execute(side, f"grant {rights} on {name} to cqrs")
    stack.capture(*(f"public.{name}" for name in columns))
    for name in columns:
        execute("primary", f"truncate {name}")
    wait_equal(*columns)


def table(name, columns):
    tables({name: columns})
