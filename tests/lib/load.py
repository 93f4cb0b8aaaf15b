"""Load for the chaos tests, and the judgement of what arrived.

Writers insert, update, change keys and delete on the primary, each under a number of its own, try again after an error
and remember what was acknowledged. Two tables are captured: chaos_row (a key, a topic, now and then a large value) and
chaos_heap (no key, only inserted into, so that a repeat would show). On the replica a trigger that fires in replication
role too (ENABLE ALWAYS) counts what is inserted into chaos_heap and what is deleted from it, in a table beside: effects are
counted by the database itself, and not by what it holds in the end.

A row's id starts with the name that the load had when it was written (the case of the matrix), so that losses found
later can be told apart.
"""

import collections
import json
import random
import threading
import time

import psycopg2

import db
import mq
import stack
from check import Failed, check, equal, short, wait_until

TRY_BOUND_S = 90
EVENT = "parkway.events"
ROW, HEAP = "chaos_row", "chaos_heap"

EFFECTS = """
create table if not exists chaos_effects (inserted bigint not null, deleted bigint not null);
create or replace function chaos_count() returns trigger language plpgsql security definer set search_path = public as $$
begin
    if tg_op = 'TRUNCATE' then
        update chaos_effects set inserted = 0, deleted = 0;
    elsif tg_op = 'INSERT' then
        update chaos_effects set inserted = inserted + (select count(*) from changed);
    else
        update chaos_effects set deleted = deleted + (select count(*) from changed);
    end if;
    return null;
end $$;
drop trigger if exists chaos_inserted on chaos_heap;
drop trigger if exists chaos_deleted on chaos_heap;
drop trigger if exists chaos_truncated on chaos_heap;
create trigger chaos_inserted after insert on chaos_heap referencing new table as changed
    for each statement execute function chaos_count();
create trigger chaos_deleted after delete on chaos_heap referencing old table as changed
    for each statement execute function chaos_count();
create trigger chaos_truncated after truncate on chaos_heap for each statement execute function chaos_count();
alter table chaos_heap enable always trigger chaos_inserted;
alter table chaos_heap enable always trigger chaos_deleted;
alter table chaos_heap enable always trigger chaos_truncated;
delete from chaos_effects;
insert into chaos_effects values (0, 0);
"""


def prepare():
    """The two tables, empty and captured, and the counter on the replica."""
    db.table(ROW, "id text primary key, n int not null, value text")
    db.table(HEAP, "id text not null")
    stack.configure("capture", topics=stack.Raw(
        '({ table = "public.parking_slots"; topic = "parking"; }, { table = "public.chaos_row"; topic = "chaos"; })'))
    db.execute("replica", EFFECTS)


class Writer(threading.Thread):
    """One client: a connection that it opens again whenever it is lost."""

    def __init__(self, load, number, seed):
        super().__init__(daemon=True)
        self.load, self.number, self.rng = load, number, random.Random(f"{seed} {number}")
        self.connection = None
        self.kept = {}  # id -> n
        self.heap = 0
        self.serial = 0
        self.trouble = None

    def attempt(self, sql, args):
        if self.connection is None:
            self.connection = db.connect("primary")
        db.execute(self.connection, sql, args)

    def write(self, sql, args):
        """Until it is acknowledged. The statement may be repeated without harm."""
        deadline = time.monotonic() + TRY_BOUND_S
        while True:
            try:
                self.attempt(sql, args)
                self.load.acknowledged += 1
                return
            except psycopg2.Error as e:
                # A refusal by a working server is a bug; what a killed process causes is not.
                if e.pgcode and e.pgcode[:2] not in ("08", "57", "40", "53"):
                    raise
                if time.monotonic() > deadline:
                    raise Failed(f"no write was possible for {TRY_BOUND_S} s: {e}") from None
                self.drop()
                time.sleep(0.05)

    def drop(self):
        try:
            if self.connection:
                self.connection.close()
        except psycopg2.Error:
            pass
        self.connection = None

    def run(self):
        try:
            while self.load.may_write():
                self.one()
                time.sleep(self.load.pause_s)
        except Exception as e:  # the main thread reports it
            self.trouble = e
        finally:
            self.load.gone()
        self.drop()

    def insert(self, count, value):
        self.serial += 1
        ids = [f"{self.load.name}.{self.number}.{self.serial}.{k}" for k in range(count)]
        self.write(f"with new as (insert into {ROW} select id, 0, %s from unnest(%s) id on conflict do nothing returning id) "
                   f"insert into {HEAP} select id from new", (value, ids))
        self.kept.update((i, 0) for i in ids)
        self.heap += count
        self.load.created.update(ids)
        self.load.rows += 2 * count

    def one(self):
        choice = self.rng.random()
        if choice < 0.55 or not self.kept:
            large = self.rng.random() < 0.02
            value = self.rng.randbytes(self.rng.randint(15000, 200000)).hex() if large else f"v {choice}"
            self.insert(1 if large else self.rng.choice((1, 1, 1, 5, 20)), value)
            return
        ids = self.rng.sample(list(self.kept), min(len(self.kept), self.rng.choice((1, 1, 8))))
        self.load.rows += len(ids)
        if choice < 0.8:
            n = self.rng.randrange(1 << 30)
            self.write(f"update {ROW} set n = %s where id = any(%s)", (n, ids))
            self.kept.update((i, n) for i in ids)
        elif choice < 0.9:
            self.serial += 1
            new = f"{self.load.name}.{self.number}.{self.serial}.key"
            self.write(f"update {ROW} set id = %s where id = %s", (new, ids[0]))
            self.kept[new] = self.kept.pop(ids[0])
            self.load.rows += 1 - len(ids)
        else:
            self.write(f"delete from {ROW} where id = any(%s)", (ids,))
            for i in ids:
                del self.kept[i]


class Load:
    """Several writers. Rows and acknowledged count since the start."""

    def __init__(self, seed, writers=3, pause_s=0.008):
        self.name, self.pause_s = "load", pause_s
        self.acknowledged = self.rows = 0
        self.created = set()  # ids of the inserts into chaos_row that were acknowledged
        self.state = threading.Condition()
        self.halt = self.paused = False
        self.waiting = set()
        self.writers = [Writer(self, i, seed) for i in range(writers)]

    def __enter__(self):
        for w in self.writers:
            w.start()
        return self

    def __exit__(self, *_):
        with self.state:
            self.halt = True
            self.state.notify_all()
        for w in self.writers:
            w.join(TRY_BOUND_S + 10)

    # --- the writers' side

    def may_write(self):
        with self.state:
            while self.paused and not self.halt:
                self.waiting.add(threading.get_ident())
                self.state.notify_all()
                self.state.wait()
            self.waiting.discard(threading.get_ident())
            return not self.halt

    def gone(self):
        with self.state:
            self.waiting.add(threading.get_ident())
            self.state.notify_all()

    # --- the test's side

    def troubled(self):
        found = [w.trouble for w in self.writers if w.trouble]
        check(not found, f"a writer ended: {found}")

    def stop(self):
        """Every acknowledged write is remembered, and none is under way, when this returns."""
        with self.state:
            self.paused = True
            whole = self.state.wait_for(lambda: len(self.waiting) == len(self.writers), TRY_BOUND_S + 10)
        self.troubled()
        check(whole, "the writers could not be stopped")

    def go_on(self):
        with self.state:
            self.paused = False
            self.state.notify_all()

    def progress(self, writes, bound_s=60):
        """Waits for so many further writes."""
        target = self.acknowledged + writes

        def done():
            self.troubled()
            return self.acknowledged >= target
        wait_until(done, bound_s, f"{writes} further writes", every_s=0.005)

    def clear(self):
        """Empties the tables and forgets what was in them; while stopped."""
        db.execute("primary", f"truncate {ROW}, {HEAP}")
        for w in self.writers:
            w.kept, w.heap = {}, 0

    def kept(self):
        return {k: n for w in self.writers for k, n in w.kept.items()}

    def heap(self):
        return sum(w.heap for w in self.writers)


Judgement = collections.namedtuple("Judgement", "lost doubled")


def judge(load, replica="replica", rewritten=False):
    """Compares what was acknowledged with what both sides hold, while the load is stopped and all is applied.

    rewritten: the tables were compared and repaired as a whole, which empties and fills the one without a key.
    """
    expected, lost, doubled = load.kept(), 0, 0
    for side in ("primary", replica):
        rows = dict(db.rows(side, f"select id, n from {ROW}"))
        missing = [k for k, n in expected.items() if rows.get(k) != n]
        extra = sorted(set(rows) - set(expected))
        check(not missing, f"{len(missing)} acknowledged rows are not on the {side}: {short(sorted(missing)[:5])}")
        check(not extra, f"{len(extra)} rows too many are on the {side}: {short(extra[:5])}")
        held, different = db.rows(side, f"select count(*), count(distinct id) from {HEAP}")[0]
        lost += max(0, load.heap() - different)
        doubled += held - different
        equal((held, different), (load.heap(), load.heap()), f"rows, different rows of {HEAP} on the {side}")
    inserted, deleted = db.rows(replica, "select inserted, deleted from chaos_effects")[0]
    equal(inserted - deleted, load.heap(), f"inserts less deletes that the trigger of {HEAP} has counted")
    if not rewritten:
        equal((inserted, deleted), (load.heap(), 0), f"inserts, deletes that the trigger of {HEAP} has counted")
    return Judgement(lost, doubled)


# --- the stream of events ---------------------------------------------------------------------------

Event = collections.namedtuple("Event", "offset id key body")


def events(offset="first"):
    """Every message of parkway.events from the offset to its present end."""
    for at, method, properties, body in mq.messages(EVENT, offset):
        yield Event(at, properties.message_id, method.routing_key, body)


def events_end():
    """The offset behind the stream's last message; 0 of an empty one."""
    return mq.end(EVENT) + 1


def created_events(offset):
    """How often each row's insert is told by chaos.create, and how often each message id was there."""
    rows, ids = collections.Counter(), collections.Counter()
    for e in events(offset):
        ids[e.id] += 1
        if e.key == "chaos.create":
            rows[json.loads(e.body)["id"]] += 1
    return rows, ids
