"""Ids, clock, levels and sampling keep their rules; each test catches the breach of one."""

from __future__ import annotations

import asyncio
import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

import flightlog as fl
from flightlog.core import engine
from flightlog.core.clock import CHECK_NS, Clock
from flightlog.core.ids import Ids
from flightlog.core.level import parse
from flightlog.core.sample import keeps
from flightlog.records.errors import BadSetting
from flightlog.records.kinds import LEVELS


def test_a_program_that_seeds_random_does_not_repeat_its_ids(seen):
    for _ in range(2):
        random.seed(42)
        with fl.span("s"):
            pass
    assert len({span.trace_id for span in seen.spans}) == 2
    assert len({span.span_id for span in seen.spans}) == 2


def test_recording_does_not_disturb_the_program_s_own_random_numbers(seen):
    random.seed(42)
    expected = [random.random() for _ in range(3)]
    random.seed(42)
    found = []
    for _ in range(3):
        with fl.span("s"):
            found.append(random.random())
    assert found == expected


def test_ids_have_their_full_length_and_are_never_zero():
    ids = Ids()
    ids.bits = lambda n: 0
    assert ids.trace_id() == "0" * 31 + "1"
    assert ids.span_id() == "0" * 15 + "1"
    assert ids.span_ids() == ["0" * 15 + "1"]
    fresh = Ids()
    assert {len(made) for made in fresh.span_ids()} == {16}
    assert len({*fresh.span_ids(), *fresh.span_ids()}) == 256


class Time:
    def __init__(self):
        self.monotonic = 10**12
        self.wall = 10**18

    def pass_by(self, ns, wall_ns=None):
        self.monotonic += ns
        self.wall += ns if wall_ns is None else wall_ns


def clock_of(time):
    return Clock(lambda: time.monotonic, lambda: time.wall)


def test_the_clock_moves_its_anchor_when_the_wall_clock_has_jumped():
    time = Time()
    clock = clock_of(time)
    time.pass_by(CHECK_NS, wall_ns=3_600 * 10**9)
    assert clock.wall_ns() == time.wall


def test_the_clock_ignores_a_drift_that_is_small():
    time = Time()
    clock = clock_of(time)
    time.pass_by(CHECK_NS, wall_ns=CHECK_NS + 4_000_000)
    assert clock.wall_ns() == time.wall - 4_000_000


def test_the_clock_looks_at_the_wall_once_a_second():
    time = Time()
    clock = clock_of(time)
    time.pass_by(CHECK_NS - 1, wall_ns=10**12)
    assert clock.wall_ns() == 10**18 + CHECK_NS - 1
    time.pass_by(1, wall_ns=1)
    assert clock.wall_ns() == time.wall


@pytest.mark.parametrize("kind", ["span", "event"])
def test_whatever_begins_after_the_wall_clock_has_jumped_has_the_new_time(seen, monkeypatch, kind):
    hour = 3_600 * 10**9
    before = engine.clock.offset
    try:
        monkeypatch.setattr(engine.clock, "_wall", lambda: time.time_ns() + hour)
        monkeypatch.setattr(engine.clock, "due", 0)
        if kind == "span":
            with fl.span("s"):
                pass
            found = seen.spans[0].start
        else:
            fl.event("e")
            found = seen.events[0].time
        assert abs(found - time.time_ns() - hour) < 60 * 10**9
    finally:
        engine.clock.offset = before


def test_a_span_that_is_open_while_the_clock_jumps_keeps_its_duration(seen, monkeypatch):
    with fl.span("s"):
        monkeypatch.setattr(engine.clock, "offset", engine.clock.offset - 3_600 * 10**9)
        with fl.span("new"):
            pass
    monkeypatch.undo()
    span, new = seen.span("s"), seen.span("new")
    assert 0 <= span.duration_ns < 60 * 10**9
    assert new.start < span.start - 3_000 * 10**9


def test_a_child_that_outlives_its_parent_keeps_its_parent(seen):
    async def child():
        with fl.span("child"):
            await asyncio.sleep(0.01)

    async def main():
        with fl.span("parent"):
            task = asyncio.create_task(child())
            await asyncio.sleep(0)
        await task

    asyncio.run(main())
    parent, child_span = seen.span("parent"), seen.span("child")
    assert child_span.end > parent.end
    assert (child_span.parent_id, child_span.trace_id) == (parent.span_id, parent.trace_id)


def test_a_filter_is_read_as_it_is_written():
    found = parse("warn, myapp.worker=trace ,noisy=off,myapp=info")
    assert found.threshold("other") == LEVELS["warn"]
    assert found.threshold("myapp.worker.queue") == LEVELS["trace"]
    assert found.threshold("myapp.workers") == LEVELS["info"]
    assert not found.admits("fatal", "noisy.inner")
    assert found.verdict("trace") is None
    assert parse("info").verdict("debug") is False
    assert parse("info").verdict("info") is True
    assert parse("off").verdict("fatal") is False


@pytest.mark.parametrize("text", ["loud", "info,=trace", "a=loud"])
def test_a_filter_that_makes_no_sense_says_so(text):
    with pytest.raises(BadSetting, match="level"):
        parse(text, "FLIGHTLOG_LEVEL")


@given(st.integers(0, 2**128 - 1), st.floats(0, 1), st.floats(0, 1))
def test_a_trace_kept_at_a_ratio_is_kept_at_every_greater_one(number, a, b):
    trace_id = f"{number:032x}"
    low, high = sorted((a, b))
    assert keeps(trace_id, high) or not keeps(trace_id, low)


def test_sampling_keeps_about_the_share_that_was_asked_for():
    ids = Ids()
    kept = sum(keeps(ids.trace_id(), 0.25) for _ in range(4000))
    assert 800 < kept < 1200
    assert not any(keeps(ids.trace_id(), 0.0) for _ in range(100))
    assert all(keeps(ids.trace_id(), 1.0) for _ in range(100))


class Unhashable:
    def __hash__(self):
        raise RuntimeError("no")


def test_a_level_that_cannot_even_be_looked_up_counts_as_info(seen):
    with fl.span("s", level=Unhashable()) as s:
        s.event("on the span", level=Unhashable())
        fl.event("here", level=Unhashable())
    assert [(record.name, record.level) for record in seen.events] == [
        ("on the span", "info"),
        ("here", "info"),
    ]
    assert seen.span("s").level == "info"
