"""Consumers beside the stack's own: the ones of conf/copies.cfg and conf/audit.cfg."""

import os
import signal
import subprocess

import db
import stack
from check import check, equal, wait_until


class Instance:
    """A consumer with the stack's configuration but for the keys of one file of conf/."""

    def __init__(self, name, side):
        with open(os.path.join(stack.SOURCE, f"conf/{name}.cfg"), encoding="utf-8") as f:
            keys = stack.configured(f.read())
        self.name, self.side, self.process, self.log = name, side, None, None
        check(keys["consumer"]["name"] == f'"{name}"', f"conf/{name}.cfg names the consumer {keys['consumer']['name']}")
        groups = stack.configured()
        for group, values in keys.items():
            groups.setdefault(group, {}).update(values)
        if "replica" in keys:  # its target is the primary, at the stack's own port
            for group, key in (("replica", "url"), ("migrate", "replica_url")):
                groups[group][key] = groups["primary" if group == "replica" else "migrate"]["url" if group == "replica" else "primary_url"]
        self.config = os.path.join(stack.STATE, f"{name}.cfg")
        with open(self.config, "w", encoding="utf-8") as f:
            f.write("".join(f"{g}: {{" + "".join(f" {k} = {v};" for k, v in kv.items()) + " };\n" for g, kv in groups.items()))
        done = self.run("bootstrap", name)
        equal(done.returncode, 0, f"parkway bootstrap {name}: {done.stderr}")

    def run(self, *args):
        return stack.run("parkway", "-c", self.config, *args, bound_s=120)

    def start(self):
        self.log = open(os.path.join(stack.STATE, f"log/{self.name}.log"), "ab")
        self.process = subprocess.Popen([os.path.join(stack.BIN, "parkway"), "-c", self.config, "consumer"],
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def stop(self, number=signal.SIGTERM):
        if self.process:
            self.process.send_signal(number)
            equal(self.process.wait(30), 0 if number == signal.SIGTERM else -number, f"how consumer {self.name} ended")
            self.process = None
            self.log.close()

    def wait_applied(self):
        target = db.value("primary", "select pg_current_wal_insert_lsn()::text")
        db.execute("primary", "select pg_logical_emit_message(true, 'parkway.nudge', '')")
        wait_until(lambda: db.value(self.side, "select lsn >= %s::pg_lsn from parkway.cursor where consumer = %s", (target, self.name)),
                   60, f"consumer {self.name} has applied {target}")

    def forget(self):
        self.stop()
        db.execute("primary", "delete from parkway.replicas where name = %s", (self.name,))
        for table in ("cursor", "table_start", "table_shape", "table_state"):
            db.execute(self.side, f"delete from parkway.{table} where consumer = %s", (self.name,))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.forget()
