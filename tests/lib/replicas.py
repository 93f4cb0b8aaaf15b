"""A second replica beside the stack's own: a database of the replica's server, with a consumer of its own."""

import atexit
import os
import subprocess

import db
import stack
from check import check, equal, short, wait_until


def url(database, user="parkway"):
    return f"postgresql://{user}:{user}@127.0.0.1:{stack.ports()['replica']}/{database}"


class Replica:
    """An empty database and the environment by which parkway's programs are at work on it."""

    def __init__(self, name, **settings):
        self.name, self.consumer, self.log = name, None, None
        atexit.register(self.abandon)
        self.remove()
        db.execute("replica", f"create database {name}")
        self.environment = {"PARKWAY_CONSUMER_NAME": name, "PARKWAY_CONSUMER_HTTP_PORT": "0",
                            "PARKWAY_REPLICA_URL": url(name), "PARKWAY_MIGRATE_REPLICA_URL": url(name, "postgres"),
                            "PARKWAY_ROUTER_USERS_FILE": os.path.join(stack.STATE, f"users.{name}"), **settings}

    def _environment(self):
        return dict(os.environ, PARKWAY_CONFIG=stack.CONFIG, **self.environment)

    def start(self, *args, output=subprocess.DEVNULL):
        """A program of this replica in the background."""
        return subprocess.Popen([os.path.join(stack.BIN, "parkway"), *args], env=self._environment(),
                                stdin=subprocess.DEVNULL, stdout=output, stderr=output)

    def run(self, *args, bound_s=600):
        return stack.run("parkway", *args, bound_s=bound_s, **self.environment)

    def rows(self, sql, args=None):
        with db.connect("replica", database=self.name) as c:
            return db.rows(c, sql, args)

    def value(self, sql, args=None):
        found = self.rows(sql, args)
        return found[0][0] if found else None

    def state(self):
        return self.value("select state from parkway.cursor where consumer = %s", (self.name,))

    def follow(self):
        """Starts the consumer."""
        self.log = open(os.path.join(stack.STATE, f"log/{self.name}.log"), "wb")
        self.consumer = self.start("consumer", output=self.log)

    def wait_serving(self, bound_s=60):
        wait_until(lambda: self.state() == "running", bound_s, f"replica {self.name} serves")

    def wait_equal(self, tables, bound_s=60):
        """Until it has applied all that the primary has committed so far; then the rows are compared."""
        target = db.value("primary", "select pg_current_wal_insert_lsn()")
        db.execute("primary", "select pg_logical_emit_message(true, 'parkway.nudge', '')")
        wait_until(lambda: self.value("select bool_and(lsn >= %s::pg_lsn) from parkway.cursor", (target,)), bound_s,
                   f"replica {self.name} has applied {target}")
        for table in tables:
            here, there = [digest(lambda sql: db.rows("primary", sql), table), digest(self.rows, table)]
            if here != there:
                raise_difference(self, table, here, there)

    def stop(self):
        if self.consumer:
            self.consumer.terminate()
            equal(self.consumer.wait(30), 0, f"exit status of the consumer {self.name}")
            self.consumer = None
            self.log.close()

    def abandon(self):
        """A test that failed leaves no consumer behind."""
        if self.consumer:
            self.consumer.kill()
            self.consumer.wait()

    def remove(self):
        self.stop()
        db.execute("replica", f"drop database if exists {self.name} with (force)")
        if db.value("primary", "select to_regclass('parkway.replicas') is not null"):
            db.execute("primary", "delete from parkway.replicas where name = %s", (self.name,))


def digest(rows, table):
    return rows(f"select count(*), sum(('x' || substr(md5(t::text), 1, 15))::bit(60)::bigint::numeric) from {table} t")[0]


def raise_difference(replica, table, here, there):
    sides = [set(r[0] for r in rows(f"select t::text from {table} t limit 2000000"))
             for rows in (lambda sql: db.rows("primary", sql), replica.rows)]
    lost, extra = sorted(sides[0] - sides[1]), sorted(sides[1] - sides[0])
    check(False, f"{table} differs: primary {here}, replica {there}; missing {len(lost)} {short(lost[:3])}, "
                 f"extra {len(extra)} {short(extra[:3])}")
