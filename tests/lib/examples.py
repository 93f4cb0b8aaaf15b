"""The examples of docs/orders.md, run again: what the page shows is what is answered, but for moments of time, the port, and
the ids that are drawn: where the page has one, it stands for what was drawn in its place, from there on.

A block that is marked http holds requests, each followed by its answer and a blank line:

    POST /users {"name": "Ada van Berg", "email": "ada@example.org"}
    201 {"user_id":4,"name":"Ada van Berg","email":"ada@example.org","created_at":"2026-11-21T21:52:39.730Z"}

A block that is marked console holds commands, each behind "$ ", followed by what it prints.
"""

import os
import re
import shlex

import db
import ordering
import stack
from check import check

PAGE = os.path.join(stack.SOURCE, "docs/orders.md")
DRAWN = re.compile(r"ORD-[0-9A-F]{5,12}|[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
PORT = re.compile(r"(?<=127\.0\.0\.1:)\d+")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z|\b1[789]\d{8}(\.\d+)?\b")


def blocks(section):
    """(kind, lines) of each block of the section with that heading."""
    with open(PAGE, encoding="utf-8") as f:
        text = f.read()
    found = re.search(rf"^## {re.escape(section)}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    check(found, f"the page has no section {section}")
    return [(m[1], m[2].split("\n")) for m in re.finditer(r"^```(http|console)\n(.*?)\n```$", found[1], re.M | re.S)]


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


def answer(method, path, body):
    """The answer as the page writes it: the status, the body; without its last newline."""
    position = db.value("primary", "select pg_current_wal_insert_lsn()::text")
    status, _, text = ordering.ask(method, path, body, **(ordering.fresh(position) if method == "GET" else {}))
    return f"{status} {text}".rstrip("\n").split("\n")


def comparable(line, ids):
    """The line without what is another one each time; ids: what the page's ids stand for."""
    return MOMENT.sub("(time)", PORT.sub("(port)", DRAWN.sub(lambda m: ids.get(m[0], m[0]), line)))


def run_block(kind, lines, ids):
    """Every example of a block; how many there were. ids: what ids of the page stand for, learned on the way."""
    count = 0
    meant = lambda text: DRAWN.sub(lambda m: ids.get(m[0], m[0]), text)
    for *asked, shown in (requests if kind == "http" else commands)(lines):
        if kind == "http":
            found = answer(*(text and meant(text) for text in asked))
        else:
            done = stack.cqrs(*map(meant, asked[0]))
            found = (done.stdout + done.stderr).rstrip("\n").split("\n") if done.stdout + done.stderr else []
        for page, real in zip(DRAWN.findall("\n".join(shown)), DRAWN.findall("\n".join(found))):
            ids.setdefault(page, real)
        check([comparable(line, {}) for line in found] == [comparable(line, ids) for line in shown], f"the example {asked} answers {found}")
        count += 1
    return count


def run(section):
    """Every example of the section, in its order; how many there were."""
    ids = {}
    return sum(run_block(kind, lines, ids) for kind, lines in blocks(section))
