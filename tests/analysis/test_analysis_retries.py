"""Whether trying again helped: only where every span that was tried again went well."""

from __future__ import annotations

import pytest

from flightlog.analysis import retries
from flightlog.analysis.tree import build
from flightlog.records.event import Event
from flightlog.records.span import Span

TRACE = "1" * 32


def span(number: int, parent: int, status: str) -> Span:
    over = parent and f"{parent:016x}"
    return Span(
        trace_id=TRACE,
        span_id=f"{number:016x}",
        parent_id=over or "",
        name="n",
        start=0,
        end=9,
        status=status,
    )


def retry(number: int, on: int) -> Event:
    return Event(event_id=f"{number:016x}", trace_id=TRACE, span_id=f"{on:016x}", time=number, name="retry")


@pytest.mark.parametrize(
    ("root", "child", "on", "helped"),
    [
        ("ok", "ok", [2], True),
        ("ok", "error", [2], False),
        ("ok", "error", [1, 2], False),
        ("ok", "error", [1], True),
        ("error", "ok", [2], False),
        ("ok", "ok", [2, 99], False),
    ],
)
def test_trying_again_helped_when_all_that_was_tried_again_went_well(root, child, on, helped):
    events = [retry(place, number) for place, number in enumerate(on, 1)]
    assert retries.have_helped(build([span(1, 0, root), span(2, 1, child)], events)) is helped


def test_a_trace_of_nothing_was_not_helped():
    assert not retries.have_helped(build([]))
