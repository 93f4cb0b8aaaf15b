"""Three RabbitMQ nodes on the loopback address, one cluster, beside the stack's own broker.

They use Debian's package as compose/stack does: as the stack's user, with a port mapper, a cookie and a state
directory (STATE/cluster) of their own. A node that is killed stays dead until it is started again.
"""

import json
import os
import pwd
import shutil
import signal
import subprocess

import mq
import stack
from check import Failed, check, wait_until

HOME = os.path.join(stack.STATE, "cluster")
NAMES = ("one", "two", "three")
CONF = """listeners.tcp.1 = 127.0.0.1:{port}
loopback_users.guest = true
log.console = true
log.console.level = info
log.file = false
cluster_formation.peer_discovery_backend = classic_config
{nodes}
cluster_partition_handling = pause_minority
"""


class Cluster:
    def __init__(self):
        self.owner = pwd.getpwuid(os.stat(stack.STATE).st_uid)
        self.ports = {name: stack.free_port() for name in NAMES}
        self.dist = {name: stack.free_port() for name in NAMES}
        self.epmd_port = stack.free_port()
        self.epmd, self.nodes = None, {}

    def _run_as(self):
        if os.geteuid() != 0:
            return []
        return ["setpriv", f"--reuid={self.owner.pw_uid}", f"--regid={self.owner.pw_gid}", "--clear-groups"]

    def _write(self, path, text, mode=0o644):
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, mode)

    def nodename(self, name):
        return f"parkway-{name}-{self.epmd_port}@localhost"

    def __enter__(self):
        shutil.rmtree(HOME, ignore_errors=True)
        nodes = "\n".join(f"cluster_formation.classic_config.nodes.{i} = {self.nodename(n)}" for i, n in enumerate(NAMES, 1))
        cookie = os.urandom(20).hex()
        for name in NAMES:
            home = os.path.join(HOME, name)
            os.makedirs(home)
            self._write(os.path.join(home, "rabbitmq.conf"), CONF.format(port=self.ports[name], nodes=nodes))
            self._write(os.path.join(home, "rabbitmq-env.conf"), "")
            self._write(os.path.join(home, "enabled_plugins"), "[].\n")
            self._write(os.path.join(home, ".erlang.cookie"), cookie, 0o400)
        if os.geteuid() == 0:
            for top, _, files in os.walk(HOME):
                for path in [top] + [os.path.join(top, f) for f in files]:
                    os.chown(path, self.owner.pw_uid, self.owner.pw_gid)
        self.epmd = subprocess.Popen([*self._run_as(), "epmd", "-port", str(self.epmd_port), "-address", "127.0.0.1"],
                                     cwd=HOME, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            for name in NAMES:
                self.start(name)
            wait_until(lambda: all(self.answers(n) for n in NAMES), 180, "the three nodes answer", every_s=0.5)
            wait_until(lambda: self.members() == 3, 60, "the three nodes are one cluster", every_s=1)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for name in NAMES:
            self.kill(name)
        if self.epmd:
            self.epmd.kill()
            self.epmd.wait()
        shutil.rmtree(HOME, ignore_errors=True)

    def _environment(self, name):
        home = os.path.join(HOME, name)
        return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": home, "ERL_EPMD_ADDRESS": "127.0.0.1",
                "ERL_EPMD_PORT": str(self.epmd_port), "RABBITMQ_NODENAME": self.nodename(name),
                "RABBITMQ_CONF_ENV_FILE": f"{home}/rabbitmq-env.conf", "RABBITMQ_CONFIG_FILE": f"{home}/rabbitmq.conf",
                "RABBITMQ_ADVANCED_CONFIG_FILE": f"{home}/advanced.config",
                "RABBITMQ_ENABLED_PLUGINS_FILE": f"{home}/enabled_plugins", "RABBITMQ_MNESIA_BASE": f"{home}/mnesia",
                "RABBITMQ_LOG_BASE": f"{home}/log", "RABBITMQ_LOGS": "-", "RABBITMQ_GENERATED_CONFIG_DIR": f"{home}/generated",
                "RABBITMQ_SCHEMA_DIR": f"{home}/schema", "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
                "RABBITMQ_NODE_PORT": str(self.ports[name]), "RABBITMQ_DIST_PORT": str(self.dist[name]),
                "RABBITMQ_ALLOW_INPUT": "1", "RABBITMQ_SERVER_START_ARGS": "-noinput",
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} "
                                                       "+sbwt none +sbwtdcpu none +sbwtdio none"}

    def start(self, name):
        """Starts the node; it answers later."""
        home = os.path.join(HOME, name)
        with open(os.path.join(stack.STATE, f"log/cluster-{name}.log"), "ab") as log:
            self.nodes[name] = subprocess.Popen([*self._run_as(), "/usr/lib/rabbitmq/bin/rabbitmq-server"], cwd=home,
                                                env=self._environment(name), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                                start_new_session=True)

    def kill(self, name):
        """SIGKILL of the node and of its helpers (a session of their own); False when it was dead."""
        node = self.nodes.get(name)
        if node is None or node.poll() is not None:
            return False
        os.killpg(node.pid, signal.SIGKILL)
        node.wait()
        return True

    def alive(self, name):
        return self.nodes[name].poll() is None

    def answers(self, name):
        check(self.alive(name), f"node {name} has ended")
        try:
            link = mq.open_link(self.ports[name])
        except Exception:  # not yet
            return False
        link.close()
        return True

    def members(self):
        """How many nodes run as members of one cluster, as the first one sees it."""
        done = subprocess.run([*self._run_as(), "/usr/lib/rabbitmq/bin/rabbitmqctl", "-q", "--node", self.nodename(NAMES[0]),
                               "cluster_status", "--formatter", "json"], env=self._environment(NAMES[0]), capture_output=True,
                              text=True, timeout=60, check=False)
        if done.returncode != 0:
            raise Failed(f"rabbitmqctl: {done.stderr.strip()[-300:]}")
        return len(json.loads(done.stdout)["running_nodes"])

    def url(self):
        return ",".join(f"amqp://guest:guest@127.0.0.1:{self.ports[n]}/" for n in NAMES)
