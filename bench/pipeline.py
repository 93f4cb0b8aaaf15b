"""From the primary's commit to the replica: Parkway against PostgreSQL's native logical replication.

Both write tables of the same shape on one pair of servers. While one side is measured the other is
detached (subscription disabled, or relay and consumer stopped), so neither pays for the other. Rounds
alternate; medians are printed.

idle   commit to visible, a row at a time on an idle system
rate   the same beside 1,000 one-row commits a second
a      1,000,000 rows in one transaction: from the statement, and from its commit, to visible
b, c   300,000 rows by 100-row and 200,000 by one-row transactions, drained from a backlog: written while
       the side is detached; the clock runs from the moment its slot is read
d      8 clients of one-row commits: the primary's rate, and how long the last row takes to show
topic  (a) with an event for every row besides, in batches (Parkway alone: native publishes no events)

BENCH_SOCKETS=1: both sides reach the servers by their local sockets.

Also printed: processor time of each process per row, the broker stream's own latency, peak memory.
"""
import os
import re
import statistics
import subprocess
import sys
import time

from harness import ENV, LAG, ROOT, cpu_seconds, metric, pairs, peak_mib, pid_of, port, run, socket_directory, sql, stack, table, url

SHAPE = "(id bigint primary key, filler text)"
CASES = ("idle", "rate", "a", "b", "c", "d", "topic")
SLOTS = {"parkway": "parkway", "native": "bench_native"}
SOCKETS = os.environ.get("BENCH_SOCKETS") == "1"
BROKER = f"amqp://guest:guest@127.0.0.1:{port('BROKER')}/"


def prepare():
    for name in ("bench_parkway", "bench_topic", "bench_native"):
        sql("PRIMARY", f"create table if not exists {name} {SHAPE}")
    captured = ",".join("public." + t for t in ("parking_slots", "bench_parkway", "bench_topic", "pgbench_accounts",
                                                "pgbench_branches", "pgbench_tellers"))
    run("pgbench", "-i", "-q", "-s", "1", "-d", url("PRIMARY"))
    ENV["PARKWAY_CAPTURE_TABLES"] = captured
    if SOCKETS:
        for server in ("PRIMARY", "REPLICA"):
            ENV[f"PARKWAY_{server}_URL"] = (f"postgresql://parkway:parkway@/postgres?host={socket_directory(server)}"
                                            f"&port={port(server)}")
    ENV["PARKWAY_CAPTURE_TOPICS"] = ("table=public.parking_slots,topic=parking"
                                     ";table=public.bench_topic,topic=bench,batch=true")
    run(os.path.join(ROOT, "bin", "parkway"), "migrate")
    stack("restart", "relay", "consumer", "router")
    if sql("REPLICA", "select count(*) from pg_database where datname = 'native'") == "0":
        sql("REPLICA", "create database native")
        sql("REPLICA", f"create table if not exists bench_native {SHAPE}", "native")
        sql("PRIMARY", "create publication bench_native for table bench_native")
        host = socket_directory("PRIMARY") if SOCKETS else "127.0.0.1"
        conninfo = f"host={host} port={port('PRIMARY')} user=postgres password=postgres dbname=postgres"
        sql("REPLICA", f"create subscription bench_native connection '{conninfo}' publication bench_native", "native")


def replica_of(side):
    return url("REPLICA", "native" if side == "native" else "postgres")


def detach(side):
    if side == "native":
        sql("REPLICA", "alter subscription bench_native disable", "native")
        while sql("PRIMARY", "select active from pg_replication_slots where slot_name = 'bench_native'") != "f":
            time.sleep(0.05)
    else:
        stack("stop", "consumer", "relay")


def start_following(side):
    """Returns at once: the followers come up meanwhile."""
    if side == "native":
        argv = ["psql", "-Xqc", "alter subscription bench_native enable", "-d", url("REPLICA", "native")]
    else:
        argv = [os.path.join(ROOT, "compose", "stack"), "start", "relay", "consumer"]
    return subprocess.Popen(argv, env=ENV, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def attach(side):
    start_following(side).wait()
    empty(side, f"bench_{side}")


def empty(side, name):
    """Both copies are empty, seen from the replica; disks and decoder are at rest."""
    sql("PRIMARY", f"truncate {name}; insert into {name} values (-1, 'empty')")
    run(LAG, "wait", replica_of(side), name, "-1", "120000")
    sql("REPLICA", "checkpoint")
    end = sql("PRIMARY", "select pg_current_wal_lsn()")
    for _ in range(100):
        # a checkpoint tells the decoder which transactions run; once the slot restarts behind what was written, the
        # next case does not pay for decoding it again
        sql("PRIMARY", "checkpoint")
        if sql("PRIMARY", f"select restart_lsn >= '{end}' from pg_replication_slots"
                          f" where slot_name = '{SLOTS[side]}'") == "t":
            return
        time.sleep(0.1)
    sys.exit(f"bench: the slot of {side} does not move behind {end}")


# ---- processor time -------------------------------------------------------------------------------

def processes(side):
    """The processes on the side's way, by what they are, as they run now."""
    sender = sql("PRIMARY", f"select active_pid from pg_replication_slots where slot_name = '{SLOTS[side]}'")
    pids = {"walsender": sender}
    if side == "native":
        pids["apply"] = sql("REPLICA", "select pid from pg_stat_subscription where subname = 'bench_native'"
                                       " and relid is null", "native")
    else:
        pids.update(relay=pid_of("relay"), broker=pid_of("rabbit"), consumer=pid_of("consumer"))
        pids["apply"] = sql("REPLICA", "select pid from pg_stat_activity where backend_type = 'client backend'"
                                       " and application_name = 'parkway consumer' order by backend_start limit 1")
    return {name: int(pid) for name, pid in pids.items() if pid}


class Meter:
    """Processor time of every process since the meter was made; of one that started later, all of it."""

    def __init__(self, side):
        self.side = side
        self.before = self.look()

    def look(self):
        return {(name, pid): cpu_seconds(pid) for name, pid in processes(self.side).items()}

    def per_row(self, rows):
        return {name: (seconds - self.before.get((name, pid), 0)) * 1e6 / rows
                for (name, pid), seconds in self.look().items()}


# ---- cases ----------------------------------------------------------------------------------------

def case_idle(side):
    got = pairs(run(LAG, "latency", url("PRIMARY"), replica_of(side), f"bench_{side}", "1000"))
    return {"p50 ms": got["p50_us"] / 1000, "p99 ms": got["p99_us"] / 1000}


def writer(side, *argv):
    script = os.path.join(ENV["PARKWAY_VAR"], "live.sql")
    sql("PRIMARY", "drop sequence if exists bench_id; create sequence bench_id cache 100 start 1000000")
    with open(script, "w") as f:
        f.write(f"insert into bench_{side} values (nextval('bench_id'), 'one row, one transaction');\n")
    return subprocess.Popen(["pgbench", "-n", "-f", script, "-M", "prepared", "-d", url("PRIMARY")] + list(argv),
                            env=ENV, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                            text=True)


def case_rate(side):
    load = writer(side, "-c", "2", "-R", "1000", "-T", "6")
    time.sleep(1)
    got = pairs(run(LAG, "latency", url("PRIMARY"), replica_of(side), f"bench_{side}", "1000"))
    load.communicate()
    return {"p50 ms": got["p50_us"] / 1000, "p99 ms": got["p99_us"] / 1000}


def case_a(side, name=None):
    rows = 1000000
    meter = Meter(side)
    got = pairs(run(LAG, "bulk", url("PRIMARY"), replica_of(side), name or f"bench_{side}", str(rows), str(rows)))
    return {"rows/s": rows * 1000 / got["visible_ms"],
            "rows/s from the commit": rows * 1000 / (got["visible_ms"] - got["write_ms"]),
            "cpu": meter.per_row(rows)}


def drained(side, rows, per):
    detach(side)
    write = (f"do $$ begin for i in 0 .. {rows // per - 1} loop insert into bench_{side}"
             f" select i * {per} + k, 'filler of about forty bytes, row ' || k from generate_series(1, {per}) k;"
             " commit; end loop; end $$")
    run("psql", "-XqtA", "-v", "ON_ERROR_STOP=1", "-d", url("PRIMARY"), "-c", "set synchronous_commit = off",
        "-c", write, "-c", "checkpoint")
    beam = cpu_seconds(pid_of("rabbit"))
    starting = start_following(side)
    got = pairs(run(LAG, "drain", url("PRIMARY"), replica_of(side), f"bench_{side}", SLOTS[side], str(rows)))
    starting.wait()
    meter = Meter(side)
    cpu = {name: (seconds - (beam if name == "broker" else 0)) * 1e6 / rows
           for (name, _), seconds in meter.before.items()}
    return {"rows/s": rows * 1000 / got["visible_ms"], "cpu": cpu}


def case_b(side):
    return drained(side, 300000, 100)


def case_c(side):
    return drained(side, 200000, 1)


def case_d(side):
    transactions = 80000
    meter = Meter(side)
    out, _ = writer(side, "-c", "8", "-j", "2", "-t", str(transactions // 8)).communicate()
    rate = float(re.search(r"tps = ([\d.]+)", out).group(1))
    got = pairs(run(LAG, "latency", url("PRIMARY"), replica_of(side), f"bench_{side}", "1"))
    return {"commits/s": rate, "lag at the end, s": got["max_us"] / 1e6, "cpu": meter.per_row(transactions)}


def case_topic(side):
    if side == "native":
        return {}
    empty(side, "bench_topic")
    before = metric("relay", "event_batch_events_sum")
    got = case_a(side, "bench_topic")
    empty(side, "bench_topic")
    events = metric("relay", "event_batch_events_sum") - before
    if events < 1000000:
        sys.exit(f"bench: only {events:.0f} of 1,000,000 rows became events")
    return got


WHAT = {"idle": "latency, idle", "rate": "latency at 1,000 commits/s", "a": "(a) 1,000,000 rows, one transaction",
        "b": "(b) 100-row transactions, drained", "c": "(c) one-row transactions, drained",
        "d": "(d) one-row commits of 8 clients", "topic": "(a) with an event a row"}


def median(values):
    return statistics.median(values) if values else None


def number(value, digits):
    return "-" if value is None else f"{value:,.{digits}f}"


def measure(rounds, cases):
    detach("parkway")
    detach("native")
    got = {}
    peak = {"relay": 0, "consumer": 0}
    for _ in range(rounds):
        for side in ("parkway", "native"):
            attach(side)
            for case in cases:
                if side == "native" and case == "topic":
                    continue
                for key, value in globals()["case_" + case](side).items():
                    for part, one in value.items() if key == "cpu" else ((None, value),):
                        got.setdefault((case, key, part), {}).setdefault(side, []).append(one)
                if side == "parkway":
                    peak = {p: max(peak[p], peak_mib(p)) for p in peak}
                empty(side, f"bench_{side}")
            detach(side)
        line = pairs(run(LAG, "stream", BROKER, "bench.stream", "1000", "0"))
        got.setdefault(("stream", "p50 ms", None), {}).setdefault("broker", []).append(line["p50_us"] / 1000)
    attach("parkway")
    print_result(rounds, got, peak)


def print_result(rounds, got, peak):
    rows = []
    for (case, key, part), sides in got.items():
        if key == "cpu" or case == "stream":
            continue
        ours, theirs = median(sides.get("parkway")), median(sides.get("native"))
        digits = 2 if "ms" in key or "lag" in key else 0
        ratio = "-" if theirs is None else f"{ours / theirs:.2f}"
        rows.append([f"{WHAT[case]}: {key}", number(ours, digits), number(theirs, digits), ratio])
    table(f"Commit to visible, end to end (medians of {rounds} alternating rounds)",
          ["", "Parkway", "native", "Parkway/native"], rows)
    print(f"  the broker stream's own latency: p50 {median(got[('stream', 'p50 ms', None)]['broker']):.2f} ms")
    print(f"  peak memory: relay {peak['relay']:.0f} MiB, consumer {peak['consumer']:.0f} MiB")
    parts = ("walsender", "relay", "broker", "consumer", "apply")
    rows = []
    for case in CASES:
        for side in ("parkway", "native"):
            one = [median(got.get((case, "cpu", p), {}).get(side)) for p in parts]
            if any(v is not None for v in one):
                rows.append([f"{WHAT[case]}: {side}"] + [number(v, 1) for v in one]
                            + [number(sum(v for v in one if v is not None), 1)])
    table("Processor time, microseconds a row", [""] + list(parts) + ["sum"], rows)
