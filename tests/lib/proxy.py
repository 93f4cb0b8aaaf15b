#!/usr/bin/python3
"""A TCP proxy that does harm on purpose, for the chaos tests.

It runs as a process of its own (python3 tests/lib/proxy.py), because the test's threads would slow it down; the class
Proxies starts it and talks to it by lines of JSON. Each hop is one listening port on the loopback address and the port
that it stands for. A hop can be

    cut       every connection reset in the middle of what it carries
    stalled   nothing is passed on until the hop is resumed, or its connections are reset
    silent    like stalled, but only for the connections of this moment: to both ends they look alive for ever

A hop with amqp set understands AMQP 0-9-1 as far as it needs to (specification section 4.2, frames; class 60, basic) and
can take whole messages out of the stream of frames of the log, put them in twice, exchange them with the next, or change
their bytes: on their way to the broker (publish) or to a consumer (deliver). A message that is taken out on its
way to the broker is confirmed to the publisher nevertheless. That is the nasty case: a broker that confirmed and lost. So
the confirms that follow are numbered anew. A message taken out on its way to a consumer leaves a gap in the delivery
tags, which a cumulative acknowledgement covers.

Only messages that were never seen before on that hop are harmed: one that is repeated anyway would be missed by nobody.
Every fault that was done is counted.
"""

import asyncio
import itertools
import json
import os
import random
import socket
import struct
import subprocess
import sys
import zlib

METHOD, HEADER, BODY = 1, 2, 3
ACK, NACK, PUBLISH, DELIVER = (60, 80), (60, 120), (60, 40), (60, 60)
CONFIRM_SELECT = (85, 10)
CHUNK = 65536
HOLD_S = 0.25  # a message that is to change places waits so long for the next
LOG = "parkway.log"
LOG_HEAD = 116
CORRUPT = {"corrupt": (0, 1 << 30), "corrupt_head": (0, LOG_HEAD), "corrupt_version": (4, 5)}  # which bytes


def frame(kind, channel, payload):
    return struct.pack(">BHI", kind, channel, len(payload)) + payload + b"\xce"


def short_text(data, at):
    size = data[at]
    return data[at + 1:at + 1 + size].decode(), at + 1 + size


class Message:
    """A publish or a deliver: its frames as they came, and what they say."""

    def __init__(self, method, raw, name, exchange, key):
        self.method, self.name, self.exchange, self.key = method, name, exchange, key
        self.head = raw      # the method's frame
        self.content = []    # (kind, channel, payload)
        self.left = None     # bytes of the body still to come

    def add(self, kind, channel, payload):
        self.content.append((kind, channel, payload))
        if kind == HEADER:
            self.left = struct.unpack_from(">Q", payload, 4)[0]
        else:
            self.left -= len(payload)
        return self.left == 0

    def body(self):
        return b"".join(payload for kind, _, payload in self.content if kind == BODY)

    def tail(self):
        return b"".join(frame(*f) for f in self.content)

    def raw(self):
        return self.head + self.tail()

    def damage(self, rng, low, high):
        """Changes one to three bytes of the body within [low, high)."""
        body = bytearray(self.body())
        high = min(high, len(body))
        for at in rng.sample(range(low, high), min(rng.randint(1, 3), high - low)):
            body[at] ^= rng.randint(1, 255)
        done = 0
        for i, (kind, channel, payload) in enumerate(self.content):
            if kind == BODY:
                self.content[i] = (kind, channel, bytes(body[done:done + len(payload)]))
                done += len(payload)


class Parser:
    """Bytes in, whole frames out."""

    def __init__(self, greeting):
        self.buffer, self.greeting = bytearray(), greeting

    def feed(self, data):
        """Each (kind, channel, payload, raw); the protocol header has kind 0."""
        self.buffer += data
        at, found = 0, []
        if self.greeting and len(self.buffer) >= 8:
            found.append((0, 0, b"", bytes(self.buffer[:8])))
            at, self.greeting = 8, False
        while not self.greeting and len(self.buffer) - at >= 7:
            kind, channel, size = struct.unpack_from(">BHI", self.buffer, at)
            if len(self.buffer) - at < size + 8:
                break
            found.append((kind, channel, bytes(self.buffer[at + 7:at + 7 + size]), bytes(self.buffer[at:at + size + 8])))
            at += size + 8
        del self.buffer[:at]
        return found


class Channel:
    """What is known of one channel of a publisher."""

    def __init__(self):
        self.confirms = False
        self.client = self.broker = 0  # messages published by the one, received by the other
        self.tags = {}                 # the broker's tag -> the publisher's; None: nobody waits for it


class Amqp:
    """The frames of one connection in both directions."""

    def __init__(self, hop, to_client):
        self.hop, self.to_client = hop, to_client
        self.parsers = {"publish": Parser(True), "deliver": Parser(False)}
        self.open = {}  # (direction, channel) -> the message being collected
        self.channels = {}
        self.held = {}  # direction -> (message, channel) that waits for the next
        self.swallowing = False  # what is published is lost from here on, and nobody is told

    def feed(self, direction, data):
        return b"".join(self.one(direction, *f) for f in self.parsers[direction].feed(data))

    def one(self, direction, kind, channel, payload, raw):
        if kind == METHOD:
            method = struct.unpack_from(">HH", payload)
            if direction == "publish" and method == CONFIRM_SELECT:
                self.channels[channel] = Channel()
                self.channels[channel].confirms = True
            if direction == "publish" and method == PUBLISH:
                exchange, at = short_text(payload, 6)
                self.open[direction, channel] = Message(method, raw, "", exchange, short_text(payload, at)[0])
                return b""
            if direction == "deliver" and method == DELIVER:
                name, at = short_text(payload, 4)
                exchange, at = short_text(payload, at + 9)
                self.open[direction, channel] = Message(method, raw, name, exchange, short_text(payload, at)[0])
                return b""
            if direction == "deliver" and method in (ACK, NACK) and channel in self.channels:
                return self.confirm(self.channels[channel], channel, method, payload)
        message = self.open.get((direction, channel))
        if kind not in (HEADER, BODY) or message is None:
            return raw
        if not message.add(kind, channel, payload):
            return b""
        del self.open[direction, channel]
        return self.published(message, channel) if direction == "publish" else self.delivered(message, channel)

    def confirm(self, known, channel, method, payload):
        """The broker's confirm as confirms of what the publisher has sent, one by one."""
        tag, bits = struct.unpack_from(">QB", payload, 4)
        tags = sorted(t for t in known.tags if t <= tag) if bits & 1 else [tag] * (tag in known.tags)
        wanted = [t for t in (known.tags.pop(t) for t in tags) if t is not None]
        return b"".join(frame(METHOD, channel, struct.pack(">HHQB", *method, t, bits & ~1)) for t in wanted)

    def acknowledge(self, channel, tag):
        self.to_client(frame(METHOD, channel, struct.pack(">HHQB", *ACK, tag, 0)))

    def pass_on(self, known, message, tag):
        if known is not None:
            known.broker += 1
            known.tags[known.broker] = tag
        return message.raw()

    def published(self, message, channel):
        known = self.channels.get(channel)
        if known is None:
            return message.raw()
        known.client += 1
        tag, hop = known.client, self.hop
        if not self.swallowing and hop.take("publish", "any") == "swallow":
            self.swallowing = True
            hop.done("publish", "swallow")
        if self.swallowing:
            return b""
        event = message.exchange != "" and message.key.endswith(".create")
        fresh = hop.is_fresh("publish", message)
        if "publish" in self.held and fresh:
            earlier, _ = self.held.pop("publish")
            hop.done("publish", "swap")
            return self.pass_on(known, message, tag) + self.pass_on(known, earlier, None)
        fault = hop.take("publish", "event" if event else "log" if fresh else "")
        if fault == "drop" or fault == "drop_event":
            self.acknowledge(channel, tag)
            hop.done("publish", fault)
            return b""
        if fault == "swap":
            self.acknowledge(channel, tag)
            self.held["publish"] = message, channel
            return b""
        if fault == "dup":
            hop.done("publish", fault)
            return self.pass_on(known, message, tag) + self.pass_on(known, message, None)
        if fault in CORRUPT:
            message.damage(hop.rng, *CORRUPT[fault])
            hop.done("publish", fault)
        return self.pass_on(known, message, tag)

    def delivered(self, message, channel):
        hop = self.hop
        fresh = message.name == "parkway" and hop.is_fresh("deliver", message)
        if "deliver" in self.held and message.name == "parkway":
            # the tags stay in order: only what they carry changes places
            earlier, _ = self.held.pop("deliver")
            hop.done("deliver", "swap")
            return earlier.head + message.tail() + message.head + earlier.tail()
        fault = hop.take("deliver", "log" if fresh else "")
        if fault == "drop":
            hop.done("deliver", fault)
            return b""
        if fault == "swap":
            self.held["deliver"] = message, channel
            return b""
        if fault == "dup":
            hop.done("deliver", fault)
            return message.raw() + message.raw()
        if fault in CORRUPT:
            message.damage(hop.rng, *CORRUPT[fault])
            hop.done("deliver", fault)
        return message.raw()


class Hop:
    def __init__(self, name, port, amqp, seed):
        self.name, self.port, self.amqp = name, port, amqp
        self.rng = random.Random(seed)
        self.links = set()
        self.running = asyncio.Event()
        self.running.set()
        self.cut_after = None
        self.armed = []    # (direction, fault)
        self.counts = {}
        self.newest = {"publish": (0,), "deliver": (0,)}

    def is_fresh(self, direction, message):
        """Whether it is a whole frame of the log that goes beyond all that were seen; remembers how far it goes."""
        body = message.body()
        if (direction == "publish" and message.key != LOG) or len(body) < LOG_HEAD or body[:4] != b"PKWF":
            return False
        if zlib.crc32(body[LOG_HEAD:], zlib.crc32(body[:LOG_HEAD - 4] + bytes(4))) != struct.unpack_from(">I", body, LOG_HEAD - 4)[0]:
            return False  # damaged before: it may claim any place
        last = struct.unpack_from(">QQI", body, 76)
        if last <= self.newest[direction]:
            return False
        self.newest[direction] = last
        return True

    def take(self, direction, what):
        wanted = {"log": ("drop", "dup", "swap", *CORRUPT), "event": ("drop_event",), "any": ("swallow",)}.get(what, ())
        for i, (d, fault) in enumerate(self.armed):
            if d == direction and fault in wanted:
                del self.armed[i]
                return fault
        return None

    def done(self, direction, fault):
        key = f"{direction}_{fault}"
        self.counts[key] = self.counts.get(key, 0) + 1


class Link:
    """One connection through the proxy."""

    def __init__(self, hop):
        self.hop, self.writers, self.silent = hop, [], False
        self.amqp = None

    def abort(self, hard):
        for w in self.writers:
            if hard:
                sock = w.get_extra_info("socket")
                if sock is not None and sock.fileno() >= 0:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                w.transport.abort()
            else:
                w.close()

    async def pump(self, reader, writer, direction):
        hop = self.hop
        while True:
            data = await reader.read(CHUNK)
            if not data:
                break
            await hop.running.wait()
            if self.silent:
                await asyncio.Event().wait()
            if self.amqp is not None:
                data = self.amqp.feed(direction, data)
                if direction in self.amqp.held:
                    asyncio.get_running_loop().call_later(HOLD_S, self.give_up_hold, direction, writer)
            if hop.cut_after is not None and data:
                if len(data) >= hop.cut_after:
                    writer.write(data[:hop.cut_after])
                    hop.cut_after = None
                    hop.done(hop.name, "cut")
                    await asyncio.sleep(0)
                    for link in list(hop.links):
                        link.abort(hop.rng.random() < 0.7)
                    return
                hop.cut_after -= len(data)
            writer.write(data)
            await writer.drain()

    def give_up_hold(self, direction, writer):
        """No second message came: nothing was exchanged. (One towards the broker was confirmed already.)"""
        if direction not in self.amqp.held:
            return
        message, channel = self.amqp.held.pop(direction)
        known = self.amqp.channels.get(channel) if direction == "publish" else None
        writer.write(self.amqp.pass_on(known, message, None))
        self.hop.armed.append((direction, "swap"))

    async def run(self, reader, writer):
        hop = self.hop
        try:
            there, to = await asyncio.open_connection("127.0.0.1", hop.port)
        except OSError:
            writer.transport.abort()
            return
        self.writers = [writer, to]
        for w in self.writers:
            w.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hop.amqp:
            self.amqp = Amqp(hop, writer.write)
        hop.links.add(self)
        tasks = [asyncio.ensure_future(self.pump(reader, to, "publish")),
                 asyncio.ensure_future(self.pump(there, writer, "deliver"))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if not any(w.transport.is_closing() for w in self.writers):
                await asyncio.sleep(0.02)  # what the other direction has still to say
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            hop.links.discard(self)
            if self.amqp is not None:
                for direction in self.amqp.held:  # lost with the connection
                    hop.armed.append((direction, "swap"))
                    hop.done(direction, "lost")
            for w in self.writers:
                w.close()


class Server:
    """The process: obeys lines of JSON on standard input, answers each by one line."""

    def __init__(self):
        self.hops = {}

    async def start(self, name, port, amqp=False, seed=0):
        hop = Hop(name, port, amqp, seed)
        server = await asyncio.start_server(lambda r, w: Link(hop).run(r, w), "127.0.0.1", 0)
        self.hops[name] = hop
        return server.sockets[0].getsockname()[1]

    async def cut(self, name, after):
        self.hops[name].cut_after = after

    async def stall(self, name):
        self.hops[name].running.clear()

    async def resume(self, name):
        self.hops[name].running.set()

    async def silent(self, name):
        for link in self.hops[name].links:
            link.silent = True
        return len(self.hops[name].links)

    async def reset(self, name):
        links = list(self.hops[name].links)
        for link in links:
            link.abort(True)
        return len(links)

    async def arm(self, name, direction, fault):
        self.hops[name].armed.append((direction, fault))

    async def disarm(self, name):
        self.hops[name].armed.clear()
        self.hops[name].cut_after = None

    async def counts(self, name):
        return self.hops[name].counts

    async def serve(self):
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            asked = json.loads(line)
            answer = await getattr(self, asked.pop("do"))(**asked)
            print(json.dumps(answer), flush=True)


class Proxies:
    """The proxy as the test sees it."""

    def __init__(self, seed):
        self.seeds = itertools.count(seed)
        self.process = subprocess.Popen([sys.executable, os.path.abspath(__file__)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()

    def ask(self, do, **what):
        self.process.stdin.write(json.dumps({"do": do, **what}) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def start(self, name, port, amqp=False):
        """The port on which the hop listens."""
        return self.ask("start", name=name, port=port, amqp=amqp, seed=next(self.seeds))

    def count(self, name, direction, fault):
        return self.ask("counts", name=name).get(f"{direction}_{fault}", 0)


if __name__ == "__main__":
    asyncio.run(Server().serve())
