"""A sink that is slow, blocked or failing gets what it can take, delays nobody, and every loss is counted."""

from __future__ import annotations

import threading
import time
from collections import Counter

import pytest

from flightlog.records.cursor import Cursor
from flightlog.sinks.outlet import Outlet, Parcel

LINE = b'{"x":1}'


class Fickle:
    """A sink that fails, or blocks, when it is told to."""

    def __init__(self):
        self.lines = []
        self.failing = 0
        self.free = threading.Event()
        self.free.set()
        self.held = threading.Event()
        self.closed = 0

    def append(self, batch):
        self.held.set()
        self.free.wait(30)
        if self.failing:
            self.failing -= 1
            raise OSError("no route")
        self.lines += batch

    def flush(self, timeout):
        return True

    def close(self):
        self.closed += 1


class Work:
    """An outlet with its thread."""

    def __init__(self, sink, bound=10**6):
        self.counts = Counter()
        self.said = []
        self.sink = sink
        self.outlet = Outlet("fickle", sink, bound, count=self._count, say=self.said.append)
        self.thread = threading.Thread(target=self.outlet.run, daemon=True)
        self.thread.start()

    def _count(self, name, by):
        self.counts[name] += by

    def give(self, *names):
        lines = [b'{"name":"' + name.encode() + b'"}' for name in names]
        self.outlet.give(Parcel(lines, sum(map(len, lines)), Cursor(1, 1)))

    def flush(self, seconds=20.0):
        return self.outlet.wait(self.outlet.ask(time.monotonic() + seconds))

    def end(self):
        self.outlet.close()
        self.thread.join(20)
        assert not self.thread.is_alive()


@pytest.fixture
def work():
    begun = []

    def begin(*args, **options):
        begun.append(Work(*args, **options))
        return begun[-1]

    yield begin
    for one in begun:
        one.sink.free.set()
        one.end()


def names(sink):
    return [line[9:-2].decode() for line in sink.lines]


def test_lines_arrive_in_order(work):
    one = work(Fickle())
    for number in range(100):
        one.give(str(number))
    assert one.flush()
    assert names(one.sink) == [str(number) for number in range(100)]


def test_a_failure_is_tried_again_counted_and_said_once(work):
    sink = Fickle()
    sink.failing = 3
    one = work(sink)
    one.give("a", "b")
    assert one.flush()
    assert names(sink) == ["a", "b"]
    assert one.counts == {"sink_errors": 3}
    assert one.said == ["sink fickle failed (OSError: no route); it is tried again"]
    assert one.outlet.state().last_error == "OSError: no route"


def test_a_sink_that_raises_anything_at_all_is_survived(work):
    class Exits(Fickle):
        def append(self, batch):
            if not self.lines:
                self.lines.append(b"")
                raise SystemExit(3)
            super().append(batch)

    one = work(Exits())
    one.give("a")
    assert one.flush()
    assert one.counts == {"sink_errors": 1}


def test_a_flush_of_a_sink_that_stays_broken_ends_in_time_and_says_no(work):
    sink = Fickle()
    sink.failing = 10**9
    one = work(sink)
    one.give("a")
    assert not one.flush(0.3)
    sink.failing = 0
    assert one.flush()
    assert names(sink) == ["a"]


def test_a_blocked_sink_skips_the_oldest_and_counts_them(work):
    sink = Fickle()
    sink.free.clear()
    one = work(sink, bound=200)
    one.give("held")
    assert sink.held.wait(20)
    for number in range(100):
        one.give(f"{number:03}")
    state = one.outlet.state()
    assert one.counts["sink_lines_missed"] == state.missed == 101 - state.waiting
    assert state.waiting * len(b'{"name":"000"}') <= 200
    sink.free.set()
    assert one.flush()
    assert names(sink) == ["held", *(f"{number:03}" for number in range(100 - state.waiting + 1, 100))]
    assert len(one.said) == 1


def test_a_flush_waits_for_a_slow_sink_no_longer_than_it_may(work):
    sink = Fickle()
    sink.free.clear()
    one = work(sink)
    one.give("a")
    assert not one.flush(0.05)


def test_closing_closes_the_sink_once_and_keeps_what_waits(work):
    sink = Fickle()
    one = work(sink)
    one.give("a")
    assert one.flush()
    one.end()
    one.give("late")
    assert sink.closed == 1
    assert one.outlet.state().waiting == 1
    assert not one.flush(0.0)


def test_a_sink_that_ticks_is_asked_until_it_has_nothing_more(work):
    class Ticking(Fickle):
        left = 3
        done = threading.Event()

        def tick(self):
            self.left -= 1
            if self.left == 0:
                self.done.set()
            return self.left > 0

    one = work(Ticking())
    one.give("a")
    assert one.sink.done.wait(20)
    assert one.flush()
    assert one.sink.left <= 0


def test_a_flush_asks_the_sink_to_flush(work):
    class Lazy(Fickle):
        flushed = False

        def flush(self, timeout):
            self.flushed = timeout > 0
            return self.flushed

    one = work(Lazy())
    one.give("a")
    assert one.flush()
    assert one.sink.flushed


class Hostile(Exception):
    def __str__(self):
        raise RuntimeError("no words")


def test_an_exception_that_cannot_be_shown_is_counted_and_the_sink_is_tried_again(work):
    class Speechless(Fickle):
        left = 2

        def append(self, batch):
            self.left -= 1
            if self.left >= 0:
                raise Hostile
            super().append(batch)

    one = work(Speechless())
    one.give("a")
    assert one.flush()
    assert names(one.sink) == ["a"]
    assert one.counts == {"sink_errors": 2}
    assert one.said == ["sink fickle failed (Hostile, which cannot be shown); it is tried again"]


def test_an_exception_is_told_of_without_what_a_terminal_would_obey(work):
    class Colourful(Fickle):
        def append(self, batch):
            if self.failing:
                self.failing -= 1
                raise ValueError("bad \x1b[31mline\r\nflightlog: forged \u202egnp")
            super().append(batch)

    sink = Colourful()
    sink.failing = 1
    one = work(sink)
    one.give("a")
    assert one.flush()
    told = r"ValueError: bad \x1b[31mline\r\nflightlog: forged \u202egnp"
    assert one.said == [f"sink fickle failed ({told}); it is tried again"]
    assert one.outlet.state().last_error == told


def test_an_answer_that_is_neither_true_nor_false_is_a_no_and_the_sink_goes_on(work):
    class Undecided:
        def __bool__(self):
            raise Hostile

    class Fuzzy(Fickle):
        answer = Undecided()

        def flush(self, timeout):
            return self.answer

    one = work(Fuzzy())
    one.give("a")
    assert not one.flush()
    assert one.counts == {"sink_errors": 1}
    one.sink.answer = True
    one.give("b")
    assert one.flush()
    assert names(one.sink) == ["a", "b"]


def test_a_sink_whose_methods_cannot_be_looked_up_is_survived(work):
    class Hidden(Fickle):
        hides = True

        @property
        def tick(self):
            if self.hides:
                raise Hostile
            raise AttributeError

    one = work(Hidden())
    one.give("a")
    assert one.flush()
    one.sink.hides = False
    one.give("b")
    assert one.flush()
    assert names(one.sink) == ["a", "b"]
    one.end()
    assert one.counts["sink_errors"] >= 1
    assert one.sink.closed == 1


def test_a_sink_may_do_with_its_list_as_it_likes(work):
    class Taking(Fickle):
        def append(self, batch):
            super().append(batch)
            batch.clear()

    one = work(Taking())
    one.give("a", "b")
    assert one.flush()
    assert one.outlet.state().taken == 2


def test_lines_that_no_journal_has_are_counted_apart(work):
    sink = Fickle()
    sink.free.clear()
    one = work(sink, bound=40)
    one.outlet.give(Parcel([LINE] * 2, 2 * len(LINE), Cursor(1, 1)))
    assert sink.held.wait(20)
    one.outlet.give(Parcel([LINE] * 2, 2 * len(LINE), Cursor(1, 1), in_memory=True))
    one.outlet.give(Parcel([LINE] * 3, 3 * len(LINE), Cursor(1, 1), in_memory=True))
    state = one.outlet.state()
    assert (state.waiting, state.missed) == (5, 2)
    assert (state.memory_waiting, state.memory_missed) == (3, 2)
