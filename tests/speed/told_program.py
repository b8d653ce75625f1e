"""A program that says everything that the hot tier, `narrate` and `traced` can say, the same on every run.

Run as a program with a seed and a directory for the journal; prints the name of the engine. Its ids come from a fixed
source, its values are drawn by the seed.
"""

from __future__ import annotations

import asyncio
import random
import sys
import warnings
from contextlib import suppress
from pathlib import Path

import flightlog as fl
from flightlog import hot
from flightlog.codecs.lines import encode
from flightlog.core import _pure, engine
from flightlog.core.control import control
from flightlog.core.level import parse
from flightlog.journal.writer import Writer
from flightlog.records.kinds import LEVELS
from flightlog.records.line import Line
from flightlog.records.process import Process
from flightlog.settings import Layer, resolve

chance = random.Random(int(sys.argv[1]))

TEXTS = [
    "", "x", "plain", 'quo"ted', "back\\slash", "line\nfeed", "\x00\x1f", "ünïcödé", "🎉", "\ud800 half",
    "a" * 40, "b" * 41, "c" * 64, "d" * 65, "sk-proj-" + "A1b2C3d4" * 6, "password=hunter2hunter2", "z" * 3_000,
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUg" + "A" * 20, "-p", "--password",
]  # fmt: skip
KEYS = [
    "a",
    "key",
    "ünï",
    "password",
    "api_key",
    "k" * 70,
    "with space",
    "a.b",
    "name",
    "value",
    "val",
    "args",
]
NUMBERS = [
    0, 1, -1, 2**63 - 1, -(2**63), 2**63, 10**40, 0.0, -0.0, 0.1, 1e16, 1.5e-9, float("nan"), -float("inf"),
    True, False, None,
]  # fmt: skip


class Odd:
    def __repr__(self):
        return "<odd>"

    def __call__(self, *args):
        return "called"


def value(depth=2):
    kind = chance.randrange(12 if depth else 9)
    if kind < 5:
        return chance.choice(TEXTS)
    if kind < 9:
        return chance.choice(NUMBERS)
    if kind == 9:
        return {chance.choice([*KEYS, 5]): value(depth - 1) for _ in range(chance.randrange(5))}
    if kind == 10:
        return [value(depth - 1) for _ in range(chance.randrange(4))]
    return chance.choice(
        [tuple(value(depth - 1) for _ in range(2)), {3}, b"bytes", Odd(), range(3), {}, [], ()]
    )


def text():
    return chance.choice([*TEXTS, None, 42, lambda *given: f"made of {given!r}", lambda *given: 1 / 0, Odd()])


def rate():
    return chance.choice([{}, {}, {}, {"every": 3}, {"every": 0}, {"every": True}, {"per_second": 1e-9}])


def more():
    return [value() for _ in range(chance.randrange(3))]


def say():
    kind = chance.randrange(9)
    if kind == 0:
        hot.tiny(
            chance.choice(["queue", "ünï", 5]),
            chance.choice(["dispatch", "", 7, "n" * 70]),
            value(),
            text(),
            *more(),
            **rate(),
        )
    elif kind == 1:
        hot.correlated("queue", "dispatch", value(), "{} of {!r}", value(), *more(), **rate())
    elif kind == 2:
        hot.enter(chance.choice(["f", "g", say, 5]), value(), **rate())
    elif kind == 3:
        hot.exit(chance.choice(["f", "g", say, 5]), *more()[:1])
    elif kind == 4:
        hot.iteration(
            chance.choice([0, 1, 2**70, "i"]),
            chance.choice([None, 8]),
            text(),
            name=chance.choice(TEXTS),
            **rate(),
        )
    elif kind == 5:
        hot.state(chance.choice(["depth", 'q"', 5]), value(), value(), **rate())
    elif kind == 6:
        for _ in hot.loop(chance.choice([range(4), [1], iter("ab")]), name=chance.choice(TEXTS), **rate()):
            fl.event("within")
    elif kind == 7:
        narrate()
    else:
        call()


def narrate():
    given = {name: value() for name in ("cute", "story", "actor", "correlation_id") if chance.random() < 0.2}
    fl.narrate(
        chance.choice(["dispatch", "", 7, "n" * 5_000]),
        value(),
        human=text(),
        level=chance.choice(["info", "info", "trace", "warn", "debug", "off", "loud"]),
        **given,
        **({"pool": value(), "source": 1} if chance.random() < 0.5 else {}),
    )  # fmt: skip


def call():
    function = chance.choice(
        [plain, secretive, variadic, failing, generator, Shop().sell, Shop.made, ignoring, both]
    )
    with suppress(ValueError, TypeError):
        answer = function(*more(), **({"b": value()} if chance.random() < 0.3 else {}))
        if hasattr(answer, "send"):
            list(answer)


def plain(a=1, b=2):
    return [a, b]


def secretive(password="", b=None):
    return {"password": password}


def variadic(a=0, *rest, b=1, **others):
    return b


def failing(*given, **others):
    raise ValueError(chance.choice(["why", "ünï"]))


def generator(*given, b=0):
    return (item for item in given)


class Shop:
    def sell(self, a=None, *, b=None):
        return a

    @classmethod
    def made(cls, a=1, b=2):
        return a


def ignoring(a=0, b=1):
    return a


def both(a=0, b=1):
    say_state(a, b)
    return b


def say_state(a, b):
    hot.state("within", a, b)


def tree(depth):
    with fl.span("tree"):
        for _ in range(6):
            say()
            if depth and chance.random() < 0.2:
                tree(depth - 1)


def held():
    with fl.span("in a generator"):
        yield 1
        yield 2


async def flow():
    async for _ in hot.loop(numbers(), name="async"):
        tree(0)


async def numbers():
    yield 1
    yield 2


def decorate():
    """Once the level is on: what is decorated before is given back as it is."""
    names = globals()
    for name in ("plain", "secretive", "variadic", "failing", "generator"):
        traced = fl.traced if chance.random() < 0.5 else hot.traced_fn
        names[name] = traced(names[name])
    Shop.sell = fl.traced(Shop.sell)
    Shop.made = classmethod(hot.traced_fn(every=2)(Shop.__dict__["made"].__func__))
    names["ignoring"] = fl.traced(ignore="a", tags=["x"] if chance.random() < 0.5 else ())(ignoring)
    names["both"] = fl.traced(hot.traced_fn(actor="shop")(both))


def main():
    decorate()
    for _ in range(60):
        say()
    for _ in range(40):
        tree(2)
    with fl.bind(session="s-1"):
        tree(2)
    with fl.bind(actor="billing", correlation_id="c-1"):
        tree(2)
    steps = held()
    next(steps)
    tree(1)
    steps.close()
    asyncio.run(flow())
    control.configure(parse("info"), enabled=True)
    tree(1)


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
    control._start = control._prepare = None
    control.configure(parse("trace"), enabled=True)
    assert engine.verdicts == dict.fromkeys(LEVELS, True)
    return writer


warnings.simplefilter("ignore")
writer = begin()
main()
writer.close()
print(engine.NAME)
