"""Requests to the command service of the test's stack, and the headers of reads that must have a write."""

import http.client
import json

import stack


def ask(method, path, body=None, **headers):
    """(status, headers, text) of one request. body: text or bytes as they are, anything else as JSON."""
    link = http.client.HTTPConnection("127.0.0.1", stack.ports()["http"], timeout=30)
    try:
        if body is not None and not isinstance(body, bytes):
            body = (body if isinstance(body, str) else json.dumps(body)).encode()
        link.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = link.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read().decode()
    finally:
        link.close()


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def fresh(position):
    """Headers of a read that has that write."""
    return {"Parkway_Position": position, "Parkway_Wait_Ms": "10000"}
