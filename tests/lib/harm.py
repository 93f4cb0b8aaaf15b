"""What the chaos tests do to the processes of the stack beyond a SIGKILL (stack.kill)."""

import os
import pwd
import shutil
import signal
import subprocess

import stack
from check import check, wait_until


def supervisor(name, number):
    with open(os.path.join(stack.STATE, f"run/{name}.supervisor"), encoding="ascii") as f:
        os.kill(int(f.read()), number)


class Down:
    """Kills a process, which stays down until the end of the block: its supervisor sleeps meanwhile."""

    def __init__(self, name):
        self.name = name

    def __enter__(self):
        victim = wait_until(lambda: stack.pid(self.name), 30, f"{self.name} runs")
        supervisor(self.name, signal.SIGSTOP)
        stack.kill(self.name)
        # until its supervisor has waited for it the dead process remains as a zombie
        wait_until(lambda: zombie(victim), 10, f"{self.name} is dead")
        return self

    def __exit__(self, *_):
        supervisor(self.name, signal.SIGCONT)


def zombie(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            return f.read().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def rabbitmqctl(*args, bound_s=60):
    """Runs as the broker's own user, with its cookie and its port mapper; text of the output."""
    home = os.path.join(stack.STATE, "rabbit")
    ports = stack.ports()
    env = {"PATH": os.environ["PATH"], "HOME": home, "LANG": "C.UTF-8", "ERL_EPMD_ADDRESS": "127.0.0.1",
           "ERL_EPMD_PORT": str(ports["epmd"]), "RABBITMQ_CONF_ENV_FILE": os.path.join(home, "rabbitmq-env.conf")}
    owner = pwd.getpwuid(os.stat(home).st_uid)
    become = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    done = subprocess.run(["/usr/lib/rabbitmq/bin/rabbitmqctl", "-q", "-n", f"parkway-{ports['broker']}@localhost", *args],
                          env=env, cwd=home, text=True, capture_output=True, timeout=bound_s, check=False, **become)
    check(done.returncode == 0, f"rabbitmqctl {' '.join(args)}: {done.stdout}{done.stderr}")
    return done.stdout


def empty_broker():
    """Takes all that the broker, which is Down, had on disk."""
    for trash in ("mnesia", "generated", "schema"):
        shutil.rmtree(os.path.join(stack.STATE, "rabbit", trash), ignore_errors=True)
    check(not os.path.exists(os.path.join(stack.STATE, "rabbit", "mnesia")), "the broker's directory could not be removed")
