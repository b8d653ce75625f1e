"""A tee's sinks each get everything; one that fails fails alone, and catches up."""

from __future__ import annotations

import pytest

from flightlog.sinks import tee
from flightlog.sinks.memory import Memory
from flightlog.sinks.tee import Tee


class Failing:
    def __init__(self):
        self.lines = []
        self.fails = True

    def append(self, batch):
        if self.fails:
            raise OSError("full")
        self.lines += batch

    def flush(self, timeout):
        if self.fails:
            raise OSError("full")
        return True

    def close(self):
        if self.fails:
            raise OSError("full")


def test_one_that_fails_fails_alone_and_catches_up():
    broken, good = Failing(), Memory()
    both = Tee(broken, good)
    both.append([b"{1}"])
    assert not both.flush(0)
    assert (both.errors[0] > 0, both.errors[1]) == (True, 0)
    broken.fails = False
    both.append([b"{2}"])
    assert both.flush(0)
    assert broken.lines == good.lines == [b"{1}", b"{2}"]
    assert both.missed == [0, 0]


def test_what_waits_for_one_that_fails_is_bounded_and_counted(monkeypatch):
    monkeypatch.setattr(tee, "MOST_WAITING", 10)
    broken, good = Failing(), Memory()
    both = Tee(broken, good)
    both.append([b"{}"] * 25)
    assert both.missed == [15, 0]
    assert len(good.lines) == 25


def test_closing_reaches_every_sink():
    good = Memory()
    Tee(Failing(), good).close()
    assert good.lines == []


def test_a_tee_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one sink"):
        Tee()


def test_memory_keeps_the_newest_and_counts_the_rest():
    kept = Memory(3)
    kept.append([b'{"v":1}'] * 2)
    kept.append([b'{"v":2}'] * 2)
    assert (kept.lines, kept.gone) == ([b'{"v":1}', b'{"v":2}', b'{"v":2}'], 1)
    kept.clear()
    assert (kept.lines, kept.gone) == ([], 0)


def test_memory_keeps_at_least_one_line():
    with pytest.raises(ValueError, match="at least 1 line"):
        Memory(0)
