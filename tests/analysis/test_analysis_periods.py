"""Two times beside each other."""

from __future__ import annotations

from typing import Any

from flightlog.analysis.periods import Change, Period, changes, failing, relative
from flightlog.records.traces import Figures

HOUR = 3_600 * 10**9
COUNTS = {
    *("errors", "cancelled", "interrupted", "total_ns", "llm_calls", "unknown_usage_calls"),
    *("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens"),
}


def row(name: str, spans: int = 1, **fields: Any) -> Figures:
    zero = dict.fromkeys(COUNTS, 0)
    return Figures(**{**zero, "name": name, "spans": spans, "p50_ns": 1, "p95_ns": 1, "p99_ns": 1, **fields})


def test_groups_are_matched_by_what_they_have_in_common():
    before = [row("a", 1), row("gone"), row("b", 2, kind="tool")]
    after = [row("b", 5, kind="tool"), row("new"), row("a", 3)]
    assert [
        (one.row.name, one.before and one.before.spans, one.after and one.after.spans)
        for one in changes(before, after)
    ] == [("b", 2, 5), ("new", None, 1), ("a", 1, 3), ("gone", 1, None)]


def test_growth_of_what_is_unknown_is_unknown():
    assert relative(2, 3) == 0.5
    assert relative(4, 1) == -0.75
    assert relative(0, 5) is relative(None, 5) is relative(5, None) is None
    assert failing(row("a", 4, errors=1)) == 0.25
    assert failing(None) is failing(row("a", 0)) is None


def test_a_time_is_moved_and_rounded_as_a_whole():
    period = Period(10 * HOUR + 1, 34 * HOUR - 1)
    assert period.earlier(24 * HOUR) == Period(-14 * HOUR + 1, 10 * HOUR - 1)
    assert period.whole_hours() == Period(10 * HOUR, 34 * HOUR)
    assert not period.is_short
    assert Period(0, 5 * HOUR).is_short
    assert Period(None, 5).seconds is None
    assert Period(None, HOUR).earlier(HOUR) == Period(None, 0)


def test_a_change_tells_its_group_as_it_was_last():
    assert Change(row("a", 1), None).row.spans == 1
    assert Change(row("a", 1), row("a", 2)).row.spans == 2
