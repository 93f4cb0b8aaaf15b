"""Waiting, seeds and verdicts: what every flow and chaos test shares.

A test is a program: it prints what it shows, line by line, and ends with status 0, or with 1 after one line
that says what was expected and what was there. Nothing sleeps for luck: wait_until looks at a condition
until it holds or its bound is over.
"""

import os
import random
import sys
import time


class Failed(Exception):
    """What was expected is not so."""


def check(condition, text):
    """Goes on when the condition holds; else the test has failed with this text."""
    if not condition:
        raise Failed(text)


def equal(found, expected, what):
    if found != expected:
        raise Failed(f"{what}: expected {short(expected)}, found {short(found)}")


def short(value, size=300):
    text = repr(value)
    return text if len(text) <= size else f"{text[:size]}… ({len(text)} characters)"


def wait_until(condition, bound_s, what, every_s=0.02):
    """The condition's first true value. An exception inside counts as not yet, and is told at the end."""
    deadline = time.monotonic() + bound_s
    trouble = None
    while True:
        try:
            value = condition()
            trouble = None
            if value:
                return value
        except Failed:
            raise
        except Exception as e:  # a server that is being restarted answers with anything
            trouble = e
        if time.monotonic() > deadline:
            raise Failed(f"{what}: not so within {bound_s} s" + (f" ({trouble})" if trouble else ""))
        time.sleep(every_s)


def say(text):
    print(text, flush=True)


def seeded(name):
    """The test's random numbers; the seed is printed, and taken from TEST_SEED to repeat a run."""
    seed = int(os.environ.get("TEST_SEED") or 20240901)
    say(f"{name}: seed {seed}")
    return random.Random(seed)


def main(test):
    """Runs the test function and turns its end into an exit status."""
    try:
        test()
    except Failed as e:
        say(f"failed: {e}")
        sys.exit(1)
    say("passed")
