"""The examples of docs/orders.md and docs/examples.md, run again: what the page shows is what is answered, but for moments of time,
places in the log, the port, and the ids that are drawn: where the page has one, it stands for what was drawn in its place, from there on. What
ends with … goes on.

A block that is marked http holds requests, each followed by its answer and a blank line:

    POST /users {"name": "Ada van Berg", "email": "ada@example.org"}
    201 {"user_id":4,"name":"Ada van Berg","email":"ada@example.org","created_at":"2026-11-21T21:52:39.730Z"}

A block that is marked console holds commands, each behind "$ ", followed by what it prints.

With EXAMPLES_SHOW in the environment nothing is compared: what is answered is printed as the page has it.
"""

import http.client
import itertools
import os
import re
import shlex

import db
import ordering
import stack
from check import check

PAGES = [os.path.join(stack.SOURCE, "docs", name) for name in ("orders.md", "examples.md")]
DRAWN = re.compile(r"ORD-[0-9A-F]{5,12}|[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
PORT = re.compile(r"(?<=127\.0\.0\.1:)\d+")
PLACE = re.compile(r"[0-9a-f]{16}\.\d+:[0-9A-F]+/[0-9A-F]+(/\d+)?|\b[0-9A-F]{1,8}/[0-9A-F]{1,8}\b")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z|\b1[789]\d{8}(\.\d+)?\b")


def pages():
    """The text of all pages."""
    text = ""
    for path in PAGES:
        with open(path, encoding="utf-8") as f:
            text += f.read()
    return text


def within(text):
    """(kind, lines) of each block of a text."""
    return [(m[1], m[2].split("\n")) for m in re.finditer(r"^```(http|console)\n(.*?)\n```$", text, re.M | re.S)]


def blocks(section):
    """(kind, lines) of each block of the section with that heading."""
    found = re.search(rf"^## {re.escape(section)}\n(.*?)(?=^## |\Z)", pages(), re.M | re.S)
    check(found, f"no page has a section {section}")
    return within(found[1])


def requests(lines):
    """(method, path, body, answer's lines) of each request of an http block."""
    for chunk in "\n".join(lines).split("\n\n"):
        first, *rest = chunk.split("\n")
        method, path, *body = first.split(" ", 2)
        yield method, path, body[0] if body else None, rest


def commands(lines):
    """(words, printed lines) of each command of a console block."""
    for chunk in re.split(r"^\$ ", "\n".join(lines), flags=re.M)[1:]:
        first, *rest = chunk.rstrip("\n").split("\n")
        words = shlex.split(first)
        check(words[0] == "cqrs", f"not a command of cqrs: {first}")
        yield words[1:], rest


def head(path, count):
    """The first lines of an answer that does not end, without empty ones."""
    link = http.client.HTTPConnection("127.0.0.1", stack.ports()["http"], timeout=30)
    try:
        link.request("GET", path)
        reply = link.getresponse()
        lines = filter(None, (line.decode().rstrip("\n") for line in iter(reply.readline, b"")))
        return f"{reply.status} {chr(10).join(itertools.islice(lines, count))}".split("\n")
    finally:
        link.close()


def answer(method, path, body, shown):
    """The answer as the page writes it: the status, the body; without its last newline."""
    if path.startswith("/events"):
        return head(path, len(shown))
    position = db.value("primary", "select pg_current_wal_insert_lsn()::text")
    status, _, text = ordering.ask(method, path, body, **(ordering.fresh(position) if method == "GET" else {}))
    return f"{status} {text}".rstrip("\n").split("\n")


def comparable(line, ids):
    """The line without what is another one each time; ids: what the page's ids stand for."""
    return PLACE.sub("(place)", MOMENT.sub("(time)", PORT.sub("(port)", DRAWN.sub(lambda m: ids.get(m[0], m[0]), line))))


def same(found, shown):
    """Lines that are equal; a shown one that ends with … is the beginning of the one found."""
    if shown and shown[-1] == "…":
        found, shown = found[:len(shown) - 1], shown[:-1]
    return len(found) == len(shown) and all(f.startswith(s[:-1]) if s.endswith("…") else f == s for f, s in zip(found, shown))


def run_block(kind, lines, ids):
    """Every example of a block; how many there were. ids: what ids of the page stand for, learned on the way."""
    count, show = 0, os.environ.get("EXAMPLES_SHOW")
    meant = lambda text: DRAWN.sub(lambda m: ids.get(m[0], m[0]), text)
    if show:
        print(f"```{kind}")
    for *asked, shown in (requests if kind == "http" else commands)(lines):
        if kind == "http":
            found = answer(*(text and meant(text) for text in asked), shown)
        else:
            db.wait_applied()  # what the console reads is the replica's, as it is
            done = stack.cqrs(*map(meant, asked[0]))
            found = (done.stdout + done.stderr).rstrip("\n").split("\n") if done.stdout + done.stderr else []
        for page, real in zip(DRAWN.findall("\n".join(shown)), DRAWN.findall("\n".join(found))):
            ids.setdefault(page, real)
        if show:
            print(" ".join(filter(None, asked)) if kind == "http" else f"$ cqrs {shlex.join(asked[0])}", *found, *([""] if kind == "http" else []), sep="\n")
        else:
            check(same([comparable(line, {}) for line in found], [comparable(line, ids) for line in shown]), f"the example {asked} answers {found}")
        count += 1
    if show:
        print("```")
    return count


def run(section):
    """Every example of the section, in its order; how many there were."""
    ids = {}
    return sum(run_block(kind, lines, ids) for kind, lines in blocks(section))
