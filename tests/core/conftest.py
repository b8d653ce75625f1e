"""What the tests of the core share."""

from __future__ import annotations

import json

import pytest

import flightlog as fl
from flightlog.core import engine
from flightlog.core.context import Captured, variable
from flightlog.integrations import threads
from flightlog.records.kinds import LEVELS


@pytest.fixture
def seen():
    """Everything recorded by the test, and nothing of any other."""
    with fl.capture() as captured:
        yield captured


class Taken(list[bytes]):
    """Framed lines, as the engine wrote them."""

    @property
    def records(self):
        return [json.loads(line.strip(b"\x1e\n").decode("utf-8", "surrogatepass")) for line in self]

    def named(self, name):
        """The last record of this name."""
        return [record for record in self.records if record.get("name") == name][-1]


@pytest.fixture
def taken(monkeypatch):
    """What is recorded below a root where every level is on for everybody, so that nobody has to be asked.

    Under `seen` the levels are asked for, which the compiled engine leaves to the plain one.
    """
    with fl.capture():
        pass  # which has the gate made
    for level in LEVELS:
        monkeypatch.setitem(engine.verdicts, level, True)
    lines = Taken()
    token = variable.set(Captured(lines.append))
    root = _root()
    yield lines
    root.__exit__(None, None, None)
    variable.reset(token)


def _root():
    """Entered in a function's own frame: while a generator's holds a span, nothing is plain to the compiled engine."""
    return fl.span("root").__enter__()


@pytest.fixture
def carrying():
    """The standard library's threads carry the current span, as they do while a program is recorded."""
    had = threads.is_carrying()
    threads.carry_into_threads()
    yield
    if not had:
        threads.restore()
