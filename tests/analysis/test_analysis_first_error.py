"""The first error of a trace, what led to it and what became of it."""

from __future__ import annotations

import pytest
from analysis_kit import event, span, tree

from flightlog.analysis.first_error import MOST_MOMENTS, first_error

LOST = ("ConnectionError", "lost")


def test_a_trace_in_which_nothing_failed_has_none():
    assert first_error(tree(span(1, 0, "root"))) is None


def test_it_is_the_earliest_and_the_deepest_of_its_chain():
    found = first_error(
        tree(
            span(1, 0, "root", 0, 10, error=LOST),
            span(2, 1, "call", 1, 9, error=LOST),
            span(3, 2, "connect", 2, 5, error=LOST),
            span(4, 1, "other", 6, 8, error=("ValueError", "later")),
        )
    )
    assert [node.name for node in found.path] == ["root", "call", "connect"]
    assert (found.outcome, found.stopped) == ("failed the trace", None)


def test_what_led_to_it_is_told_by_time():
    found = first_error(
        tree(
            span(1, 0, "root", 0, 10),
            span(2, 1, "plan", 0, 1),
            span(3, 1, "search", 1, 2),
            span(4, 1, "call", 2, 9),
            span(5, 4, "connect", 3, 5, error=LOST),
            event(1, 4, 2.5, "log", level="warn", body="slow"),
            event(2, 4, 2.6, "chunk"),
            event(3, 4, 6, "retry"),
        )
    )
    told = [(moment.node.name, moment.event.name if moment.event else "") for moment in found.before]
    assert told == [("search", ""), ("call", "log")]


def test_of_many_moments_the_latest_are_told():
    events = [event(n, 1, n / 100, "retry") for n in range(1, 30)]
    found = first_error(tree(span(1, 0, "root", 0, 10), span(2, 1, "call", 3, 4, error=LOST), *events))
    assert len(found.before) == MOST_MOMENTS
    assert found.before[-1].event.event_id == f"{29:016x}"


@pytest.mark.parametrize(
    ("records", "outcome"),
    [
        ([span(3, 1, "call", 6, 7)], "tried again"),
        ([event(1, 1, 6, "fallback")], "fell back"),
        ([span(3, 1, "other", 6, 7)], "handled"),
    ],
)
def test_what_became_of_it_is_told(records, outcome):
    found = first_error(tree(span(1, 0, "root", 0, 10), span(2, 1, "call", 2, 5, error=LOST), *records))
    assert found.outcome == outcome
    assert found.stopped.name == "root"


def test_while_the_trace_runs_nothing_is_decided():
    running = span(1, 0, "root", 0, None, status="running")
    assert first_error(tree(running, span(2, 1, "call", 2, 5, error=LOST))).outcome == "open"
