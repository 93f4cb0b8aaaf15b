"""The broker: foreign queues, and the log parkway.log read as docs/log-format.md describes it."""

import contextlib
import struct
import time
import zlib

import pika
import pika.exceptions

import stack
from check import Failed, check

FIXED = struct.Struct(">4sBBH16sQI")
PLACE = struct.Struct(">QQI")
TAIL = struct.Struct(">qIII")
SIZE = FIXED.size + 3 * PLACE.size + TAIL.size
DATA, PROGRESS, BREAK = 1, 2, 3


def open_link(port=None):
    """port: another broker than the stack's own."""
    return pika.BlockingConnection(pika.ConnectionParameters(
        "127.0.0.1", port or stack.ports()["broker"], credentials=pika.PlainCredentials("guest", "guest"),
        socket_timeout=10, blocked_connection_timeout=60))


def bind(channel, key, queue=""):
    """A queue of a foreign subscriber, bound to the event exchange; its name."""
    name = channel.queue_declare(queue, exclusive=queue == "", durable=queue != "").method.queue
    channel.queue_bind(name, "CQRS_EVENT_STORE", key)
    return name


def take(channel, queue, count, bound_s=30):
    """The next messages of the queue: (method, properties, body). Fails when fewer come."""
    found = []
    for method, properties, body in channel.consume(queue, inactivity_timeout=bound_s):
        if method is None:
            raise Failed(f"{len(found)} of {count} messages came in {queue} within {bound_s} s")
        channel.basic_ack(method.delivery_tag)
        found.append((method, properties, body))
        if len(found) == count:
            break
    channel.cancel()  # what the broker has sent ahead goes back in its order
    return found


def _read(queue, offset, quiet_s, first_s):
    """(offset, method, properties, body) of each, until nothing has come for quiet_s, or for first_s at the beginning."""
    link = open_link()
    channel = link.channel()
    channel.basic_qos(prefetch_count=1000)
    silent_s, count = 0, 0
    try:
        for method, properties, body in channel.consume(queue, arguments={"x-stream-offset": offset},
                                                        inactivity_timeout=0.2):
            if method is None:
                silent_s += 0.2
                if silent_s >= (quiet_s if count else first_s):
                    break
                continue
            silent_s, count = 0, count + 1
            if count % 250 == 0:
                channel.basic_ack(method.delivery_tag, multiple=True)
            yield properties.headers["x-stream-offset"], method, properties, body
    finally:
        with contextlib.suppress(pika.exceptions.AMQPError):  # a stream refuses to take back what was not read
            link.close()


def end(queue):
    """The offset of the last message that the stream holds at this moment; -1: none."""
    link = open_link()
    some = link.channel().queue_declare(queue, passive=True).method.message_count > 0
    link.close()
    last, until = -1, None
    for last, *_ in _read(queue, "last", 1, 15 if some else 3):
        until = until or time.monotonic() + 5
        if time.monotonic() > until:  # one that is written all the time has no silence
            break
    return last


def messages(queue, offset="first"):
    """Every message of a stream from the offset to its present end: (offset, method, properties, body)."""
    last = end(queue)
    if last < (offset if isinstance(offset, int) else 0):
        return
    for found in _read(queue, offset, 60, 60):
        if found[0] <= last:
            yield found
        if found[0] >= last:
            return
    raise Failed(f"{queue} ends before its offset {last}")


def stream(queue, offset="first"):
    """The same: (offset, body)."""
    for at, _, _, body in messages(queue, offset):
        yield at, body


class Frame:
    """Header of one message of the log; the checksum is verified."""

    def __init__(self, body):
        check(len(body) >= SIZE, f"a frame of {len(body)} bytes")
        magic, version, self.kind, _, self.incarnation, self.system, self.timeline = FIXED.unpack_from(body)
        check((magic, version) == (b"PKWF", 1), f"a frame that starts with {body[:5]!r}")
        self.prev, self.first, self.last = (PLACE.unpack_from(body, FIXED.size + i * PLACE.size) for i in range(3))
        _, self.items, self.length, crc = TAIL.unpack_from(body, FIXED.size + 3 * PLACE.size)
        check(len(body) == SIZE + self.length, "a frame's length is not its payload's")
        check(crc == zlib.crc32(body[SIZE:], zlib.crc32(body[:SIZE - 4] + bytes(4))), "a frame's checksum is wrong")
        self.body = body

    def entries(self):
        """(flags, WAL position, pgoutput message) of each item."""
        at = SIZE
        for _ in range(self.items):
            length, flags, wal = struct.unpack_from(">IBQ", self.body, at)
            at += 13
            yield flags, wal, self.body[at:at + length]
            at += length


class Chain:
    """What a replica that reads the log from its beginning can accept: a frame with prev <= cursor < last.

    complete() is true when no frame is left that a hole keeps from being read. breaks counts frames which say
    that history was lost.
    """

    def __init__(self):
        self.cursor = None
        self.top = None
        self.frames = self.accepted = self.repeats = self.holes = self.breaks = 0
        self.transactions = 0

    def feed(self, frame):
        self.frames += 1
        self.breaks += frame.kind == BREAK
        check(frame.prev <= frame.last, f"frame {self.frames} ends before it starts")
        if self.cursor is None:
            self.cursor = frame.prev
        self.top = max(self.top or frame.last, frame.last)
        if frame.last <= self.cursor:
            self.repeats += 1
        elif frame.prev > self.cursor:
            self.holes += 1
        else:
            self.cursor = frame.last
            self.accepted += 1

    def complete(self):
        return self.cursor == self.top


def read_chain(offset="first"):
    chain = Chain()
    for _, body in stream("parkway.log", offset):
        chain.feed(Frame(body))
    return chain
