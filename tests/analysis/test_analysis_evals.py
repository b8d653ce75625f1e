"""What judgements add up to."""

from __future__ import annotations

from typing import Any

import pytest

from flightlog.analysis.evals import rows
from flightlog.records.annotation import Judgement


def _said(value: Any = None, trace: int = 1, **fields: Any) -> Judgement:
    return Judgement(
        annotation_id="a", trace_id=f"{trace:032x}", time=1, value=value, **{"name": "score", **fields}
    )


def test_numbers_have_a_mean_a_spread_and_a_pass_rate() -> None:
    (row,) = rows([_said(0.2), _said(0.4, 2), _said(0.9, 2)], threshold=0.4)
    assert (row.count, row.traces) == (3, 2)
    assert row.mean == pytest.approx(0.5)
    assert (row.least, row.median, row.most) == (0.2, 0.4, 0.9)
    assert row.deviation == pytest.approx(0.3606, abs=1e-4)
    assert (row.passed, row.failed) == (2, 1)
    assert row.pass_rate == pytest.approx(2 / 3)
    assert (row.edges, sum(row.bars), row.bars[9]) == ((0.0, 1.0), 3, 1)


def test_truth_values_pass_and_numbers_without_a_threshold_do_not() -> None:
    assert rows([_said(True), _said(True), _said(False)])[0].pass_rate == pytest.approx(2 / 3)
    (row,) = rows([_said(5), _said(10.0)])
    assert (row.passed, row.pass_rate) == (None, None)
    assert row.edges == (5.0, 10.0)
    assert rows([_said(3.0), _said(3.0)])[0].bars[0] == 2


def test_labels_are_counted_the_commonest_first_and_nothing_is_made_of_notes_alone() -> None:
    (row,) = rows([_said(label="b"), _said(label="a"), _said(label="a"), _said(note="hm")])
    assert list(row.labels.items()) == [("a", 2), ("b", 1)]
    assert (row.mean, row.bars, row.notes) == (None, [], 1)


def test_rows_are_apart_by_what_is_asked_for() -> None:
    found = rows(
        [_said(1.0, model="m-1"), _said(0.0, model="m-2"), _said(1.0, model="m-2"), _said(1.0, name="other")],
        by="model",
    )
    assert [(row.score, row.group, row.count) for row in found] == [
        ("other", "", 1),
        ("score", "m-2", 2),
        ("score", "m-1", 1),
    ]


def test_numbers_at_the_end_of_what_a_float_holds_add_up_as_well() -> None:
    (row,) = rows([_said(1e308), _said(-1e308), _said(1.5e308), _said(0.5)])
    assert row.mean == pytest.approx(0.375e308)
    assert (row.least, row.most) == (-1e308, 1.5e308)
    assert row.deviation == pytest.approx(1.109e308, rel=1e-3)
    assert sum(row.bars) == 4
