"""What the benchmarks share: the private stack, its servers, its processes, and tables of figures."""
import os
import re
import subprocess
import sys
import tempfile
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ENV = dict(os.environ)
ENV.setdefault("PARKWAY_VAR", os.path.join(tempfile.gettempdir(), "parkway-bench"))
PORTS = {"PRIMARY": "5544", "REPLICA": "5545", "BROKER": "5772", "ROUTER": "6542", "HTTP": "8110"}
for name, port in PORTS.items():
    ENV.setdefault(f"PARKWAY_{name}_PORT", port)
LAG = os.path.join(ROOT, "build", "bench", "lag")


def port(name):
    return ENV[f"PARKWAY_{name}_PORT"]


def url(server, database="postgres", user="postgres"):
    return f"postgresql://{user}:{user}@127.0.0.1:{port(server)}/{database}"


def socket_directory(server):
    """Where the server has its local socket."""
    return os.path.join(os.path.realpath(ENV["PARKWAY_VAR"]), server.lower())


def run(*argv, bound=600, **kw):
    done = subprocess.run(argv, env=ENV, capture_output=True, text=True, timeout=bound,
                          stdin=subprocess.DEVNULL, **kw)
    if done.returncode != 0:
        sys.exit(f"bench: {' '.join(argv)} failed ({done.returncode}):\n{done.stdout}{done.stderr}")
    return done.stdout


def sql(server, text, database="postgres"):
    return run("psql", "-XqtA", "-v", "ON_ERROR_STOP=1", "-d", url(server, database), "-c", text).strip()


def stack(*argv):
    return run(os.path.join(ROOT, "compose", "stack"), *argv)


def pairs(line):
    return {k: float(v) for k, v in re.findall(r"(\w+)=([\d.]+)", line)}


def cpu_seconds(pid):
    """User and system time of a process with all its threads."""
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def pid_of(process):
    with open(os.path.join(ENV["PARKWAY_VAR"], "run", process + ".pid")) as f:
        return int(f.read())


def metric(process, name):
    """A figure of the process's own metrics page."""
    with open(os.path.join(ENV["PARKWAY_VAR"], "stack.env")) as f:
        page = int(re.search(rf"^PARKWAY_{process.upper()}_HTTP_PORT=(\d+)$", f.read(), re.M).group(1))
    with urllib.request.urlopen(f"http://127.0.0.1:{page}/metrics", timeout=10) as answer:
        return float(re.search(rf"^parkway_{process}_{name} (\S+)$", answer.read().decode(), re.M).group(1))


def peak_mib(process):
    with open(f"/proc/{pid_of(process)}/status") as f:
        return int(re.search(r"VmHWM:\s+(\d+)", f.read()).group(1)) / 1024


def table(title, header, rows):
    print(f"\n{title}")
    widths = [max(len(str(r[i])) for r in [header] + rows) for i in range(len(header))]
    for r in [header] + rows:
        print("  " + "  ".join(str(c).rjust(w) if i else str(c).ljust(w)
                               for i, (c, w) in enumerate(zip(r, widths))))
    sys.stdout.flush()
