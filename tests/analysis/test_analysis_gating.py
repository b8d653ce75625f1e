"""Conditions that fail a build: how they are read, what they hold for, and what is said of those that cannot be."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightlog.analysis.gating import FACTS, MEASURES, BadCondition, Evidence, failing, read

SLOWER = Evidence(
    {
        "duration": (1e9, 1.3e9),
        "cost": (2e10, 3e10),
        "spans": (10, 12),
        "tokens": (None, 50),
        "errors": (0, 1),
    },
    {"new:error": True},
)


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("duration>+20%", ["duration>+20%"]),
        ("duration > +30%", []),
        ("duration>=+30%", ["duration>=+30%"]),
        ("duration>+200ms", ["duration>+200ms"]),
        ("duration>1.5s", []),
        ("duration>1.2s", ["duration>1.2s"]),
        ("duration<+1h", ["duration<+1h"]),
        ("cost>+$0.005", ["cost>+$0.005"]),
        ("cost>+$0.02", []),
        ("cost>+40%", ["cost>+40%"]),
        ("spans>+1 and spans<=12", ["spans>+1 and spans<=12"]),
        ("spans>+5 and new:error", []),
        ("spans>+5 or new:error", ["new:error"]),
        ("spans>+5, new:error", ["new:error"]),
        ("spans>+5 or duration>+20% and new:error", ["duration>+20% and new:error"]),
        ("spans>+5 OR duration>+20% AND new:error", ["duration>+20% and new:error"]),
        ("tokens>+10%", []),
        ("tokens>40", ["tokens>40"]),
        ("errors>+50%", ["errors>+50%"]),
        ("retries>0", []),
        ("changed:output", []),
    ],
)
def test_a_condition_holds_or_not(condition, found):
    assert failing(read(condition), SLOWER) == found


def test_a_change_that_may_be_chance_fails_nothing():
    doubted = Evidence({"duration": (1, 9)}, {}, frozenset({"duration"}))
    assert failing(read("duration>+20%"), doubted) == []
    assert failing(read("duration>5ns"), doubted) == ["duration>5ns"]


@pytest.mark.parametrize(
    ("condition", "at", "said"),
    [
        ("durtion>+2%", 0, "no measure 'durtion'; did you mean duration?"),
        ("spans>1 or new:eror", 11, "no fact 'new:eror'; did you mean new:error?"),
        ("duration 20%", 9, "after duration one of > >= < <= was expected"),
        ("duration>20%", 9, "give it a sign"),
        ("duration>+20", 9, "duration takes a unit"),
        ("duration>+20parsec", 9, "duration takes a unit"),
        ("cost>1", 5, "an amount of money, such as $0.01"),
        ("spans>$1", 6, "spans takes no $"),
        ("spans>+3q", 6, "spans takes no such unit"),
        ("duration>", 9, "an amount was expected"),
        ("", 0, "a measure was expected"),
        ("spans>1 or", 10, "a measure was expected"),
        ("spans>1 spans>2", 8, "`and`, `or` or the end"),
        ("spans>1 § 2", 8, "'§' means nothing here"),
        ("spans>1 && errors>0", 8, "conditions are joined by `and` and `or`"),
    ],
)
def test_what_cannot_be_read_is_pointed_at(condition, at, said):
    with pytest.raises(BadCondition) as refused:
        read(condition)
    assert refused.value.at == at
    problem, shown, caret = str(refused.value).split("\n")
    assert said in problem
    assert shown == f"  {condition}"
    assert set(caret[at + 2 :]) == {"^"}
    assert not caret[: at + 2].strip()
    assert len(caret) <= max(len(shown), at + 3)


@given(st.text(alphabet="durationcost><=+-$%. 0123456789ms:newerrorand,\n\x1b", max_size=30))
def test_any_text_is_read_or_refused(text):
    with suppress(BadCondition):
        read(text)
        return
    with pytest.raises(BadCondition) as again:
        read(text)
    assert 0 <= again.value.at <= len(text)
    assert "\x1b" not in str(again.value).partition("\n")[2]


def test_every_measure_and_fact_can_be_asked_for():
    amounts = {"time": "1s", "money": "$1", "count": "1"}
    for measure, unit in MEASURES.items():
        assert failing(read(f"{measure}>{amounts[unit]}"), SLOWER) is not None
    assert all(read(fact) for fact in FACTS)
