"""From when on a step is called slow: a limit of its name wins over one of its kind, that over the one for all."""

from __future__ import annotations

import pytest

from flightlog.analysis.pace import DEFAULT, Pace
from flightlog.analysis.waiting import worked_ns
from flightlog.records.span import Span

MS = 1_000_000


@pytest.mark.parametrize(
    ("took", "called"), [(899, ""), (900, "slowish"), (1499, "slowish"), (1500, "slow"), (10**6, "slow")]
)
def test_a_step_is_slow_from_its_limit_on(took, called):
    assert DEFAULT.of("step", "tool", took * MS) == called


def test_a_step_that_has_not_ended_is_not_called_slow():
    assert DEFAULT.of("step", "tool", None) == ""


def test_the_limit_of_a_name_wins_over_a_pattern_that_over_a_kind_that_over_all():
    pace = Pace(limits={"render_page": 1.0, "render_*": 2.0, "llm": 3.0})
    assert pace.limit_ns("render_page", "llm") == 1 * MS
    assert pace.limit_ns("render_list", "llm") == 2 * MS
    assert pace.limit_ns("chat", "llm") == 3 * MS
    assert pace.limit_ns("chat", "tool") == 1500 * MS


def test_a_limit_of_its_own_moves_the_warning_with_it_unless_that_has_one_as_well():
    assert Pace(limits={"llm": 10_000.0}).warn_ns("chat", "llm") == 6_000 * MS
    assert Pace(limits={"llm": 10_000.0}, warns={"llm": 100.0}).warn_ns("chat", "llm") == 100 * MS
    assert Pace(warn=5.0, limit=0.0).of("x", "", 0) == "slow"


def test_waiting_for_somebody_is_not_work():
    span = Span(trace_id="a", span_id="b", name="s", start=0, end=100, status="ok")
    waited = Span(
        trace_id="a",
        span_id="b",
        name="s",
        start=0,
        end=100,
        status="ok",
        attributes={"flightlog.waiting_ns": 90},
    )
    still = Span(trace_id="a", span_id="b", name="s", start=0, status="paused")
    assert [worked_ns(each) for each in (span, waited, still)] == [100, 10, None]
