"""The private stack that a test runs against: PARKWAY_VAR names its state directory.

Only compose/stack starts and stops; this module reads its files (ports, process numbers, logs), changes its
configuration and kills by process number.
"""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import urllib.error
import urllib.request

from check import Failed, check, wait_until

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
STATE = os.path.realpath(os.environ.get("PARKWAY_VAR") or os.path.join(SOURCE, "var"))
BIN = os.path.join(STATE, "bin")
CONFIG = os.path.join(STATE, "parkway.cfg")
DAEMONS = ("relay", "consumer", "router", "command")
SERVERS = ("rabbit", "primary", "replica")
HEADER = "# changed by a test of tests/; compose/stack leaves it alone\n"


def _read(name):
    with open(os.path.join(STATE, name), encoding="utf-8", errors="replace") as f:
        return f.read()


def ports():
    """Name in lower case -> port: primary, replica, broker, router, http, relay_http, …"""
    return {m[1].lower(): int(m[2]) for m in re.finditer(r"^PARKWAY_(\w+)_PORT=(\d+)$", _read("stack.env"), re.M)}


def stack(*args, bound_s=180, fails=False, **environment):
    """compose/stack with these arguments; text of its output. Environment: PARKWAY_… keys for daemons."""
    env = dict(os.environ, PARKWAY_VAR=STATE, **{k: str(v) for k, v in environment.items()})
    done = subprocess.run([os.path.join(SOURCE, "compose/stack"), *args], env=env, text=True, timeout=bound_s,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0 and not fails:
        raise Failed(f"compose/stack {' '.join(args)} ended with {done.returncode}: {done.stdout.strip()}")
    return done.stdout


def pid(name):
    """Number of the running process, or None."""
    try:
        return int(_read(f"run/{name}.pid"))
    except (OSError, ValueError):
        return None


def kill(name, number=signal.SIGKILL):
    """Signals that one process by its number; None when it does not run at present."""
    victim = pid(name)
    if victim:
        try:
            os.kill(victim, number)
        except ProcessLookupError:
            return None
    return victim


@contextlib.contextmanager
def frozen(name):
    """Every process of that one stands still (SIGSTOP), connections included, until the block ends."""
    home, victims = os.path.join(STATE, name), []
    for entry in os.listdir("/proc"):
        try:
            if entry.isdigit() and os.readlink(f"/proc/{entry}/cwd") == home:
                victims.append(int(entry))
        except OSError:
            pass
    check(victims, f"{name} has no process")
    for victim in victims:
        os.kill(victim, signal.SIGSTOP)
    try:
        yield
    finally:
        for victim in victims:
            try:
                os.kill(victim, signal.SIGCONT)
            except ProcessLookupError:
                pass


class Beside:
    """A second process of a daemon, with the stack's configuration but for the environment's PARKWAY_… keys."""

    def __init__(self, *args, **environment):
        env = {k: v for k, v in os.environ.items()
               if k not in ("DATABASE_URL", "REPLICA_DATABASE_URL", "RABBITMQ_BROKER_URL")}
        env.update({k: str(v) for k, v in environment.items()})
        self.out = tempfile.TemporaryFile()
        self.process = subprocess.Popen([os.path.join(BIN, "parkway"), "-c", CONFIG, *args], env=env,
                                        stdin=subprocess.DEVNULL, stdout=self.out, stderr=subprocess.STDOUT)

    def text(self):
        return os.pread(self.out.fileno(), 1 << 24, 0).decode(errors="replace")

    def signal(self, number):
        self.process.send_signal(number)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
        status = self.process.wait(20)
        if kind is not None:
            print("---- the second process\n" + "\n".join(self.text().splitlines()[-30:]), flush=True)
        self.out.close()
        check(status in (0, -signal.SIGKILL), f"the second process ended with {status}")


def free_port():
    """A port of the loopback address that nobody listens on at this moment."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def exits(name):
    """The exit statuses of the process since its supervisor started."""
    try:
        return [int(line) for line in _read(f"run/{name}.exits").split()]
    except OSError:
        return []


def peak_rss_kb(name):
    """VmHWM: the most memory the process has ever held."""
    with open(f"/proc/{pid(name)}/status", encoding="ascii") as f:
        return int(re.search(r"^VmHWM:\s+(\d+) kB", f.read(), re.M)[1])


def reset_peak(name):
    """Starts VmHWM again from the present size."""
    with open(f"/proc/{pid(name)}/clear_refs", "w", encoding="ascii") as f:
        f.write("5")


def memory(name):
    """All that the process holds, but for what a sanitizer keeps to itself."""
    found, most = [], 1 << 30
    with open(f"/proc/{pid(name)}/maps", encoding="ascii") as maps, open(f"/proc/{pid(name)}/mem", "rb", buffering=0) as f:
        for line in maps:
            first, last = (int(n, 16) for n in line.split()[0].split("-"))
            if line.split()[1][0] == "r" and last - first < most and "[v" not in line:
                with contextlib.suppress(OSError):
                    f.seek(first)
                    found.append(f.read(last - first))
    return b"\n".join(found)


class Log:
    """A place in a process's log; text() is what came after it."""

    def __init__(self, name):
        self.path = os.path.join(STATE, f"log/{name}.log")
        self.start = os.path.getsize(self.path) if os.path.exists(self.path) else 0

    def text(self):
        with open(self.path, "rb") as f:
            f.seek(self.start)
            return f.read().decode(errors="replace")


def get(port, path, bound_s=10):
    """(status, text) of a GET on the loopback address; status 0 when nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=bound_s) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode()
    except OSError:
        return 0, ""


def metrics(name):
    """A daemon's metrics: name with labels -> number."""
    return metrics_at(ports()[f"{name}_http"], name)


def metrics_at(port, name="the daemon"):
    status, text = get(port, "/metrics")
    if status != 200:  # that counts as not yet where somebody waits
        raise ConnectionError(f"/metrics of {name} answered {status}")
    return {m[1]: float(m[2]) for m in re.finditer(r"^([a-z_]\S*(?:\{.*\})?) (\S+)$", text, re.M)}


def ready(name):
    port = ports()["http"] if name == "command" else ports()[f"{name}_http"]
    return get(port, "/health" if name == "command" else "/readyz", 2)[0] == 200


def wait_ready(*names, bound_s=60):
    for name in names or DAEMONS:
        wait_until(lambda n=name: ready(n), bound_s, f"{name} is ready")


def configured(text=None):
    """The groups of a configuration (the stack's file): name -> {key: value text}."""
    groups = {}
    for group in re.finditer(r"^(\w+)\s*[:=]\s*\{(.*?)\};", text or _read("parkway.cfg"), re.M | re.S):
        groups[group[1]] = {m[1]: m[2] for m in re.finditer(
            r'(\w+)\s*=\s*("(?:[^"\\]|\\.)*"|\[[^\]]*\]|\((?:[^()"]|"(?:[^"\\]|\\.)*"|\((?:[^()"]|"(?:[^"\\]|\\.)*")*\))*\)|[^;]+);', group[2])}
    return groups


def configure(group, **values):
    """Sets keys (None: back to the default) in the stack's file. Daemons read it when they start."""
    groups = configured()
    for key, value in values.items():
        if value is None:
            groups.setdefault(group, {}).pop(key, None)
        else:
            groups.setdefault(group, {})[key] = value if isinstance(value, Raw) else json.dumps(value, ensure_ascii=False)
    text = HEADER + "".join(
        name + ": {" + "".join(f" {k} = {v};" for k, v in keys.items()) + " };\n"
        for name, keys in groups.items() if keys)
    new = CONFIG + ".new"
    with open(new, "w", encoding="utf-8") as f:
        f.write(text)
    old = os.stat(CONFIG)
    if os.geteuid() == 0:
        os.chown(new, old.st_uid, old.st_gid)
    os.replace(new, CONFIG)


class Raw(str):
    """A value that is libconfig text already."""


def migrate():
    done = parkway("migrate")
    check(done.returncode == 0, f"parkway migrate ended with {done.returncode}: {done.stderr or done.stdout}")


def capture(*tables):
    """Adds tables to capture.tables, migrates and lets the daemons read the new configuration."""
    known = json.loads(configured().get("capture", {}).get("tables", '["public.parking_slots"]'))
    wanted = known + [t for t in tables if t not in known]
    configure("capture", tables=wanted)
    migrate()
    if wanted != known:
        restart("relay", "consumer", "router")


def restart(*names):
    """An orderly restart: the supervisor starts a daemon again when it ends."""
    for name in names:
        before = pid(name)
        kill(name, signal.SIGTERM)
        wait_until(lambda n=name, b=before: pid(n) not in (None, b), 30, f"{name} was started again")
    wait_ready(*names)


def run(program, *args, stdin=None, bound_s=60, **environment):
    env = {k: v for k, v in os.environ.items()
           if k not in ("DATABASE_URL", "REPLICA_DATABASE_URL", "RABBITMQ_BROKER_URL", "PARKWAY_CONFIG")}
    env.update({"PARKWAY_CONFIG": CONFIG, "PARKWAY_CLI_READ_YOUR_WRITES_MS": "30000", **environment})
    done = subprocess.run([os.path.join(BIN, program), *args], env=env, timeout=bound_s, capture_output=True,
                          input=(stdin or "").encode(), check=False)
    done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()  # not text=True: that changes \r\n
    return done


def cqrs(*args, **options):
    """bin/cqrs: its exit status, standard output and standard error."""
    return run("cqrs", *args, **options)


def parkway(*args, **options):
    return run("parkway", *args, **options)
