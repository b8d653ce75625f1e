"""What the compiled core is handed by mistake, or finds replaced, does no harm."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from speed_kit import needs_core

from flightlog._speed import presence


def _ran(program: str, engine: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, presence.VARIABLE: engine},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


_BEFORE_USE = """
from flightlog._speed import _core
for door in (
    lambda: _core.span_type(object),
    lambda: _core.function("span", "(name)", "doc"),
    lambda: _core.use({}),
    lambda: _core.use(3),
    lambda: _core.OpenSpans().add(object()),
):
    try:
        door()
    except (RuntimeError, TypeError) as refused:
        print(type(refused).__name__, refused)
print(hasattr(_core, "span"), hasattr(_core, "event"))
"""


@needs_core
def test_what_records_is_not_handed_out_before_there_is_an_engine():
    assert _ran(_BEFORE_USE, "pure").splitlines() == [
        "RuntimeError the compiled engine is not the one that runs here",
        "RuntimeError the compiled engine is not the one that runs here",
        "TypeError the engine misses its part variable",
        "TypeError the parts of the engine are a dict, not int",
        "TypeError object is no span",
        "False False",
    ]


_WRONG_PARTS = """
from flightlog._speed import _core
from flightlog.core import _compiled
given = {}
def caught(parts):
    given.update(parts)
kept = _core.use
class Core:
    use = staticmethod(caught)
    def __getattr__(self, name):
        return getattr(_core, name)
import flightlog._speed.presence as presence, importlib
presence.ENGINE = Core()
importlib.reload(_compiled)
for name in ("variable", "verdicts", "anchor", "ids"):
    try:
        kept({**given, name: object()})
    except TypeError as refused:
        print(refused)
import flightlog as fl
with fl.capture() as seen:
    with fl.span("s", n=1):
        fl.event("e")
print(len(seen.spans), len(seen.events))
"""


@needs_core
def test_a_part_of_another_type_is_refused_and_the_engine_keeps_what_it_had():
    assert _ran(_WRONG_PARTS, "compiled").splitlines() == [
        *[
            f"the engine's part {name} is of another type"
            for name in ("variable", "verdicts", "anchor", "ids")
        ],
        "1 1",
    ]


_PICKLED = """
import pickle
import flightlog as fl
print(pickle.dumps([fl.span, fl.event, fl.Span]).hex())
"""
_UNPICKLED = """
import pickle, sys
import flightlog as fl
span, event, kind = pickle.loads(bytes.fromhex("{}"))
print(span is fl.span, event is fl.event, kind is fl.Span, callable(span("x").__enter__))
"""


@needs_core
@pytest.mark.parametrize(("writer", "reader"), [("pure", "compiled"), ("compiled", "pure")])
def test_functions_pickled_under_one_engine_are_those_of_the_other(writer, reader):
    assert _ran(_UNPICKLED.format(_ran(_PICKLED, writer).strip()), reader) == "True True True True\n"


_SOURCES = """
from flightlog._speed import _core
class Number:
    def __init__(self, made):
        self.made = made
    def to_bytes(self, size, order):
        return self.made
class Ids:
    def __init__(self, made):
        self.made = made
    def bits(self, count):
        return Number(self.made)
for made in (b"abc", 7, b"", bytearray(32), b"x" * 33):
    try:
        _core.IdPool(Ids(made)).pop()
    except TypeError as refused:
        print(refused)
none = _core.IdPool(Ids(bytes(32)))
print({none.pop() for _ in range(9)}.isdisjoint({"0" * 16}))
pool = _core.IdPool(Ids(bytes(range(32))))
found = [pool.pop() for _ in range(1000)]
print(len(set(found)), all(len(one) == 16 and one != "0" * 16 for one in found))
pool.clear()
print(pool.pop() == found[0], pool.pop() == found[1])
"""


@needs_core
def test_a_source_of_ids_that_gives_too_little_is_told_so():
    *refused, never_zero, made, again = _ran(_SOURCES, "compiled").splitlines()
    assert refused == ["the source of ids gave something else than was asked for"] * 5
    assert never_zero == "True"
    assert made == "1000 True"
    assert again == "True True"


_OTHER_IDENT = """
import _thread, threading
here = [4242]
_thread.get_ident = threading.get_ident = lambda: here[0]
import flightlog as fl
from flightlog.core import context, engine
from flightlog.records.kinds import LEVELS
taken = []
with fl.capture():
    pass
engine.verdicts.update(dict.fromkeys(LEVELS, True))
context.variable.set(context.Captured(taken.append))
root = fl.span("root").__enter__()
for fails in (False, True):
    try:
        with fl.span("s") as span:
            if fails:
                raise KeyError
    except KeyError:
        pass
    print(span._state == context.LEFT, context.variable.get() is root, span._thread)
with fl.span("moved") as span:
    here[0] = 4343
print(span._state == context.STRAY)
import os
os._exit(0 if print(end="", flush=True) is None else 1)
"""


@needs_core
@pytest.mark.parametrize("engine", ["pure", "compiled"])
def test_threads_are_told_apart_by_whoever_took_that_over(engine):
    """As gevent does, before anything else is imported."""
    assert _ran(_OTHER_IDENT, engine).splitlines() == ["True True 4242", "True True 4242", "True"]
