"""`capture`: what it takes, from whom, and that nothing of it is left behind."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

import flightlog as fl
from flightlog.core.control import control
from flightlog.core.level import parse


def record_one_of_each_level():
    for level in ("trace", "info", "error"):
        with fl.span(f"a span of level {level}", level=level) as span:
            span.event(f"an event of level {level}", level=level)
        fl.event(f"an event of level {level}", level=level)


def levels(records):
    return sorted({record.level for record in records})


@pytest.mark.parametrize(
    ("least", "taken"),
    [
        ("trace", ["error", "info", "trace"]),
        ("info", ["error", "info"]),
        ("error", ["error"]),
    ],
)
def test_a_capture_takes_what_is_of_its_level_and_nothing_below(least, taken):
    with fl.capture(level=least) as seen:
        record_one_of_each_level()
    assert levels(seen.spans) == taken
    assert levels(seen.events) == taken


@pytest.mark.parametrize("setting", ["trace", "error", "off"])
def test_the_level_of_a_capture_holds_whatever_the_filter_says(setting, filtered):
    filtered(setting)
    with fl.capture(level="info") as seen:
        record_one_of_each_level()
        with fl.span("outer"):
            record_one_of_each_level()
    assert levels(seen.records) == ["error", "info"]


def test_captures_of_different_levels_side_by_side_take_each_its_own():
    both_listen = Barrier(2, timeout=20)

    def captured(level):
        with fl.capture(level=level) as seen:
            both_listen.wait()
            record_one_of_each_level()
            with fl.span("around"):
                record_one_of_each_level()
            both_listen.wait()
        return levels(seen.records)

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(captured, ["error", "trace"])) == [["error"], ["error", "info", "trace"]]


def test_a_capture_within_a_capture_takes_by_its_own_level():
    with fl.capture(level="trace") as outer, fl.span("outer"):
        with fl.capture(level="error") as inner:
            record_one_of_each_level()
        with fl.span("after", level="trace"):
            pass
    assert levels(inner.records) == ["error"]
    assert [span.name for span in outer.spans] == ["after", "outer"]


def test_a_span_left_open_in_a_capture_does_not_take_what_comes_after_it():
    with fl.capture() as around:
        with fl.capture() as seen:
            forgotten = fl.span("forgotten")
            forgotten.__enter__()
        with fl.span("after"):
            pass
        forgotten.__exit__(None, None, None)
        with fl.span("still after"):
            pass
    assert [span.name for span in around.spans] == ["after", "still after"]
    assert [span.name for span in seen.spans] == ["forgotten"]


@pytest.fixture
def filtered():
    """Sets the filter of the process, as `configure` does when recording goes on."""
    before, enabled = control.filter, control.enabled

    def set_to(text):
        control.configure(parse(text), enabled=True)

    yield set_to
    control.configure(before, enabled=enabled)
