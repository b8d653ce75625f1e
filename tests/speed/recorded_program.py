"""A program that records something of everything, the same on every run: for whoever compares two engines.

Run as a program with a seed and a directory for the journal; prints the name of the engine. Its ids come from a fixed
source.
"""

from __future__ import annotations

import asyncio
import contextvars
import random
import sys
import threading
from contextlib import suppress
from pathlib import Path

import flightlog as fl
from flightlog.codecs.lines import encode
from flightlog.core import _pure, engine
from flightlog.journal.writer import Writer
from flightlog.records.kinds import LEVELS
from flightlog.records.line import Line
from flightlog.records.process import Process
from flightlog.settings import Layer, resolve

chance = random.Random(int(sys.argv[1]))

TEXTS = [
    "", "x", "plain", 'quo"ted', "back\\slash", "line\nfeed", "\x00\x1f\x7f", "ünïcödé", "中文 text", "🎉",
    "\ud800 half",     "a" * 64, "b" * 65, "sk-proj-" + "A1b2C3d4" * 6, "password=hunter2hunter2", "z" * 3_000,
]  # fmt: skip
KEYS = ["a", "key", "ünï", "password", "api_key", "k" * 70, "with space", 'q"', "name", "self"]
NUMBERS = [
    0, 1, -1, 7, 2**31, 2**63 - 1, -(2**63), 2**63, 10**40, 0.0, -0.0, 0.1, 1e16, 1e22, 1.5e-9, 1e300,
    float("nan"), float("inf"), -float("inf"), True, False, None,
]  # fmt: skip


class Odd:
    def __repr__(self):
        return "<odd>"


def value():
    kind = chance.randrange(10)
    if kind < 4:
        return chance.choice(TEXTS)
    if kind < 8:
        return chance.choice(NUMBERS)
    return chance.choice([[1, "two", None], {"k": [1.5, {"password": "p"}]}, (1, 2), {3}, b"bytes", Odd()])


def attributes(most=11):
    return {chance.choice(KEYS) + str(chance.randrange(3)): value() for _ in range(chance.randrange(most))}


def options():
    found = {}
    if chance.random() < 0.3:
        found["kind"] = chance.choice(["tool", "llm", "step", 'k"ind', "ünï", 5])
    if chance.random() < 0.2:
        found["level"] = chance.choice(["info", "warn", "debug", "error", "loud", 3])
    if chance.random() < 0.2:
        found["input"] = value()
    return found


def name():
    return chance.choice(["work", "search", "ünï", 'n"', "", 7, "n" * 70, "sk-proj-" + "Z9y8X7w6" * 6])


def little_things(span):
    kind = chance.randrange(9)
    if kind == 0:
        span.set(**attributes(4))
    elif kind == 1:
        span.output = value()
    elif kind == 2:
        fl.event(chance.choice(["cache", "ünï", "odd"]), **attributes(4))
    elif kind == 3:
        fl.event("said", chance.choice(["warn", "debug", "info"]), chance.choice(TEXTS), **attributes(3))
    elif kind == 4:
        span.event("on it", key=value())
    elif kind == 5:
        span.link(fl.current(), relation="twin", weight=value())
    elif kind == 6:
        span.fail(chance.choice(TEXTS))
    elif kind == 7:
        span.exception(ValueError("seen"), n=1)


def tree(depth):
    with fl.span(name(), **options(), **attributes()) as span:
        for _ in range(chance.randrange(3)):
            little_things(span)
        for _ in range(chance.randrange(3) if depth else 0):
            if chance.random() < 0.2:
                with suppress(KeyError):
                    failing(depth - 1)
            elif chance.random() < 0.2:
                with fl.bind(session=chance.choice(TEXTS), turn=depth):
                    tree(depth - 1)
            else:
                tree(depth - 1)


def failing(depth):
    with fl.span("failing"):
        if depth > 0:
            tree(depth)
        raise KeyError(chance.choice(["why", "ünï"]))


def steps(count):
    with fl.span("steps"):
        for n in range(count):
            with fl.span("one", n=n):
                yield n


async def flow(label):
    with fl.span("flow", label=label):
        await asyncio.sleep(0)
        fl.event("woken", label=label)
        with fl.span("inner"):
            await asyncio.sleep(0)
    if label == "a":
        late = asyncio.create_task(after(), name="late ünï")
        await late


async def after():
    with fl.span("after"):
        await asyncio.sleep(0)


async def flows():
    with fl.span("flows"):
        await asyncio.gather(flow("a"), flow("b"))
    context = contextvars.copy_context()
    context.run(tree, 1)


def out_of_order():
    first, second = fl.span("first"), fl.span("second", x=1)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    with fl.span("between"):
        second.__exit__(None, None, None)
    second.set(late=1)
    with fl.span("again") as again, again:
        fl.event("inside")
    copied = None
    with fl.span("copied"):
        copied = contextvars.copy_context()
    copied.run(tree, 1)


def threads():
    for label in ("worker", "wörker", "w" * 200):
        with fl.span("starter"):
            thread = threading.Thread(target=tree, args=(1,), name=label)
            thread.start()
            thread.join()


def long_lines():
    with fl.span("long", **{f"a{n}": "x" * 200_000 for n in range(6)}) as span:
        span.output = "中" * 240_000
        fl.event("long", text="y" * 300_000, more=["z" * 200_000] * 9)


def waiting():
    with fl.span("waiting") as span:
        span.pause("for you")
        span.resume("go")


def main():
    fl.event("outside", n=1)
    for _ in range(40):
        tree(3)
    consumer = steps(3)
    next(consumer)
    with fl.span("beside the generator"):
        next(consumer)
    consumer.close()
    list(steps(2))
    asyncio.run(flows())
    out_of_order()
    threads()
    long_lines()
    waiting()
    fl.event("outside", body="ünï")


def begin():
    """Record into a journal of our own: without a keeper, whose lines come when the time has come."""
    plans, install = [], engine.install
    engine.install = plans.append
    with fl.capture():
        pass
    engine.install = install
    plan = plans[-1]
    settings = resolve([Layer("test", {"journal_bytes": "64MiB"})])
    process = Line(encode(Process(process_id="0" * 32, pid=1, started=1)))
    writer = Writer(Path(sys.argv[2]), "0" * 32, process, settings, say=print)
    plan.write, plan.journal = writer.write_framed, writer
    install(plan)
    engine.ids.bits = random.Random(7).getrandbits
    _pure._pool.clear()
    engine.verdicts.update(dict.fromkeys(LEVELS, True), trace=False)
    return writer


writer = begin()
main()
writer.close()
print(engine.NAME)
