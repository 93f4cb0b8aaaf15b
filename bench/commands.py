"""The command service under load: POST /parking_slots against the same command as it is commonly built (bench/peer.py), and POST /order with
the time until the kitchen has it.

A steady rate: requests are due at fixed times, whoever is slow, and a latency counts from when its request was due. Then as many as 16 clients
can, each waiting for its answer. One process of the peer, as ours is one; servers, load and both services share the machine.
"""
import http.client
import os
import socket
import statistics
import subprocess
import sys
import threading
import time

from harness import ENV, ROOT, cpu_seconds, pid_of, port, run, sql, table, url

CLIENTS = 16
SLOT = b'{"name":"bench"}'
ORDER = (b'{"customerId":"1","restaurantId":"1","payment":{"cvc":"111","number":"0123456789","yy":"24","mm":"01"},'
         b'"orderItems":[{"menuItemId":"1","quantity":2},{"menuItemId":"2","quantity":1}]}')


def load(where, path, body, expected, seconds, rate=None):
    """Latencies in ms, in order; requests a second that were answered. rate None: as many as come."""
    lock, latencies, wrong = threading.Lock(), [], []
    start = time.monotonic() + 0.1
    end = start + seconds

    def client(number):
        try:
            requests(number)
        except OSError as e:
            wrong.append(e)

    def requests(number):
        link = http.client.HTTPConnection("127.0.0.1", where, timeout=30)
        mine, turn = [], number
        while True:
            due = start + turn / rate if rate else max(time.monotonic(), start)
            if due >= end:
                break
            time.sleep(max(0, due - time.monotonic()))
            link.request("POST", path, body, {"Content-Type": "application/json"})
            answer = link.getresponse()
            answer.read()
            if answer.status != expected:
                wrong.append(answer.status)
            mine.append((time.monotonic() - due) * 1000)
            turn += CLIENTS
        link.close()
        with lock:
            latencies.extend(mine)

    threads = [threading.Thread(target=client, args=(n,)) for n in range(CLIENTS)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if wrong:
        sys.exit(f"bench: {len(wrong)} requests of {path} failed, the first with {wrong[0]}")
    return sorted(latencies), len(latencies) / (time.monotonic() - start)


def peer():
    """The other service, answering."""
    for package in ("python3-starlette", "uvicorn", "python3-sqlalchemy", "python3-asyncpg", "python3-aio-pika"):
        known = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Status}", package], capture_output=True, text=True)
        if known.stdout != "installed":
            print(f"installing {package}, for a peer of the comparison")
            as_root = [] if os.geteuid() == 0 else ["sudo"]
            run(*as_root, os.path.join(ROOT, "compose", "packages"), "install", package)
    where = int(port("HTTP")) + 1
    env = dict(ENV, PEER_DATABASE=url("PRIMARY").replace("postgresql:", "postgresql+asyncpg:"),
               PEER_BROKER=f"amqp://guest:guest@127.0.0.1:{port('BROKER')}/")
    process = subprocess.Popen(["/usr/bin/python3", "-m", "uvicorn", "--app-dir", os.path.join(ROOT, "bench"), "--host", "127.0.0.1",
                                "--port", str(where), "--log-level", "warning", "--no-access-log", "peer:app"],
                               env=env, stdin=subprocess.DEVNULL)
    until = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", where)).close()
            return process, where
        except OSError:
            if time.monotonic() > until or process.poll() is not None:
                sys.exit("bench: the peer service does not answer")
            time.sleep(0.2)


def show(latencies):
    return [f"{statistics.median(latencies):.1f}", f"{latencies[len(latencies) * 99 // 100]:.1f}"]


def commands(rounds, seconds):
    process, where = peer()
    rate = 200
    sides = {"Parkway": (int(port("HTTP")), pid_of("command")), "starlette": (where, process.pid)}
    got = {side: [] for side in sides}
    try:
        for _ in range(rounds):
            for side, (to, pid) in sides.items():
                steady, _ = load(to, "/parking_slots", SLOT, 201, seconds, rate)
                before = cpu_seconds(pid)
                most, a_second = load(to, "/parking_slots", SLOT, 201, seconds)
                cpu = (cpu_seconds(pid) - before) * 1e6 / len(most)
                got[side].append([*map(float, show(steady)), a_second, *map(float, show(most)), cpu])
    finally:
        process.terminate()
        process.wait(20)
        sql("PRIMARY", "drop table if exists bench_peer_slots")
    names = [f"p50 ms at {rate}/s", f"p99 ms at {rate}/s", f"requests/s, {CLIENTS} clients", "p50 ms then", "p99 ms then", "processor time a request, us"]
    rows = []
    for i, name in enumerate(names):
        ours, theirs = (statistics.median(r[i] for r in got[side]) for side in sides)
        rows.append([name, f"{ours:,.1f}", f"{theirs:,.1f}", f"{ours / theirs:.2f}"])
    table(f"POST /parking_slots (medians of {rounds} alternating rounds of {seconds} s)", ["", "Parkway", "starlette", "Parkway/starlette"], rows)
    orders(seconds)


def orders(seconds):
    rows = []
    for rate in (5, 20, 50):
        first = int(sql("PRIMARY", "select coalesce(max(order_id), 0) from orders"))
        latencies, a_second = load(int(port("HTTP")), "/order", ORDER, 200, seconds, rate)
        until = time.monotonic() + 60
        left = f"select count(*) from orders where order_id > {first} and state = 'PENDING' or order_id > {first} and state = 'ACCEPTED'"
        while sql("PRIMARY", left) != "0" and time.monotonic() < until:
            time.sleep(0.2)
        spans = sql("PRIMARY", "select round((percentile_cont(0.5) within group (order by ms))::numeric, 1), round((percentile_cont(0.99) within group "
                    "(order by ms))::numeric, 1), count(*) from (select extract(epoch from k.occurred_at - c.occurred_at) * 1000 as ms from events c join events k "
                    f"using (stream) join orders o on c.stream = 'order-' || o.order_id where o.order_id > {first} and c.type = 'ORDER_CREATED' and "
                    "k.type = 'KITCHEN_PREPARING') t").split("|")
        rows.append([f"{rate}/s", f"{a_second:.1f}", *show(latencies), *spans])
    table("POST /order, and from it until the kitchen has it", ["", "requests/s", "p50 ms", "p99 ms", "p50 ms to PREPARING", "p99 ms", "orders"], rows)
