"""PostgreSQL's wire protocol by hand: a client that can send any message, in any order, cut anywhere.

Only the standard library. Messages are (type, body); a connection logs in by SCRAM-SHA-256.
"""

import base64
import hashlib
import hmac
import os
import socket
import struct


def cstr(text):
    return (text.encode() if isinstance(text, str) else text) + b"\0"


def message(kind, body=b""):
    return kind.encode() + struct.pack("!I", len(body) + 4) + body


def query(sql):
    return message("Q", cstr(sql))


def parse(sql, name="", types=()):
    return message("P", cstr(name) + cstr(sql) + struct.pack("!H", len(types)) + b"".join(struct.pack("!I", t) for t in types))


def bind(*values, name="", portal=""):
    body = cstr(portal) + cstr(name) + struct.pack("!HH", 0, len(values))
    for v in values:
        raw = None if v is None else str(v).encode()
        body += struct.pack("!i", -1) if raw is None else struct.pack("!I", len(raw)) + raw
    return message("B", body + struct.pack("!H", 0))


def describe(kind="P", name=""):
    return message("D", kind.encode() + cstr(name))


def close(kind, name):
    return message("C", kind.encode() + cstr(name))


def execute(rows=0, portal=""):
    return message("E", cstr(portal) + struct.pack("!I", rows))


SYNC = message("S")
FLUSH = message("H")
TERMINATE = message("X")


def once(sql, *values):
    """One statement by the extended protocol, without the Sync."""
    return parse(sql) + bind(*values) + describe() + execute()


class Refused(Exception):
    """An ErrorResponse: its SQLSTATE and text."""

    def __init__(self, body):
        self.fields = {part[:1].decode(): part[1:].decode(errors="replace") for part in body.split(b"\0") if part}
        super().__init__(f"{self.fields.get('C')} {self.fields.get('M')}")

    @property
    def code(self):
        return self.fields.get("C")


class Wire:
    """A connection. Answers are read as (type, body)."""

    def __init__(self, port, user="cqrs", password=None, database="postgres", host="127.0.0.1", timeout=20, login=True, **params):
        self.socket = socket.create_connection((host, port), timeout=timeout)
        self.host, self.port = host, port
        self.parameters, self.key, self.status = {}, None, None
        self.buffer = b""
        if login:
            self.login(user, password if password is not None else user, database, params)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def startup(self, user, database, params):
        body = struct.pack("!I", 196608)
        for name, value in {"user": user, "database": database, **params}.items():
            body += cstr(name) + cstr(value)
        return struct.pack("!I", len(body) + 5) + body + b"\0"

    def login(self, user, password, database, params):
        self.send(self.startup(user, database, params))
        nonce = base64.b64encode(os.urandom(18)).decode()
        bare = f"n=,r={nonce}"
        while True:
            kind, body = self.read()
            if kind == "E":
                raise Refused(body)
            if kind == "S":
                name, value = body.split(b"\0")[:2]
                self.parameters[name.decode()] = value.decode()
            elif kind == "K":
                self.key = struct.unpack("!II", body)
            elif kind == "Z":
                self.status = body.decode()
                return
            elif kind == "R":
                code = struct.unpack("!I", body[:4])[0]
                if code == 10:
                    first = b"n,," + bare.encode()
                    self.send(message("p", cstr("SCRAM-SHA-256") + struct.pack("!I", len(first)) + first))
                elif code == 11:
                    server = body[4:].decode()
                    fields = dict(part.split("=", 1) for part in server.split(","))
                    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(fields["s"]), int(fields["i"]))
                    key = hmac.digest(salted, b"Client Key", "sha256")
                    final = f"c=biws,r={fields['r']}"
                    signature = hmac.digest(hashlib.sha256(key).digest(), f"{bare},{server},{final}".encode(), "sha256")
                    proof = base64.b64encode(bytes(a ^ b for a, b in zip(key, signature))).decode()
                    self.send(message("p", f"{final},p={proof}".encode()))

    def send(self, data):
        self.socket.sendall(data)

    def read(self):
        while len(self.buffer) < 5 or len(self.buffer) < 1 + struct.unpack("!I", self.buffer[1:5])[0]:
            got = self.socket.recv(1 << 20)
            if not got:
                raise ConnectionError("the peer closed the connection")
            self.buffer += got
        size = 1 + struct.unpack("!I", self.buffer[1:5])[0]
        one, self.buffer = self.buffer[:size], self.buffer[size:]
        return chr(one[0]), one[5:]

    def until(self, *kinds):
        """All messages up to and including the first of these types; asynchronous ones are kept aside."""
        found = []
        while True:
            kind, body = self.read()
            if kind == "S":
                name, value = body.split(b"\0")[:2]
                self.parameters[name.decode()] = value.decode()
                continue
            if kind == "N":
                continue
            found.append((kind, body))
            if kind == "Z":
                self.status = body.decode()
            if kind in kinds:
                return found

    def ready(self):
        return self.until("Z")

    def run(self, data):
        """Sends, reads to ReadyForQuery: the letters of the answer."""
        self.send(data)
        return "".join(kind for kind, _ in self.ready())

    def rows(self, data):
        """Sends, reads to ReadyForQuery: the rows as lists of text; raises what was refused."""
        self.send(data)
        found, refused = [], None
        for kind, body in self.ready():
            if kind == "D":
                found.append(values(body))
            elif kind == "E":
                refused = Refused(body)
        if refused:
            raise refused
        return found

    def value(self, sql):
        found = self.rows(query(sql))
        return found[0][0] if found else None

    def refused(self, data):
        try:
            self.rows(data)
        except Refused as e:
            return e.code
        return None

    def cancel(self):
        with socket.create_connection((self.host, self.port), timeout=10) as s:
            s.sendall(struct.pack("!IIII", 16, 80877102, *self.key))
            s.recv(1)


def values(body):
    count, at, found = struct.unpack("!H", body[:2])[0], 2, []
    for _ in range(count):
        n = struct.unpack("!i", body[at:at + 4])[0]
        at += 4
        found.append(None if n < 0 else body[at:at + n].decode())
        at += max(n, 0)
    return found
