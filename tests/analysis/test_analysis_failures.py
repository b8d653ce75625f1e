"""Failures whose errors say the same are one group, whatever numbers, ids and quotations they hold."""

from __future__ import annotations

import pytest

from flightlog.analysis.failures import EXAMPLES, alike
from flightlog.records.span import Fault, Span


def failed(number, message="boom", *, kind="ValueError", trace=None, name="step"):
    return Span(
        trace_id=f"{trace if trace is not None else number:032x}",
        span_id=f"{number:016x}",
        name=name,
        start=number,
        end=number + 5,
        status="error",
        error=Fault(kind, message),
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("row 17 is bad", "row 4711 is bad"),
        ("no file 'a.txt'", "no file 'b/c.txt'"),
        ('key "x" is missing', 'key "longer one" is missing'),
        ("<Thing at 0x7f0018ea>", "<Thing at 0x7F991122>"),
        ("id 5f0c8a31b9e24d77a6c1d2e3f4a5b6c7 is unknown", "id aaaa8a31b9e24d77a6c1d2e3f4a5b6c7 is unknown"),
        ("run 6ba7b810-9dad-11d1-80b4-00c04fd430c8 died", "run 00000000-9dad-11d1-80b4-00c04fd430c9 died"),
    ],
)
def test_messages_that_differ_in_what_varies_are_alike(one, other):
    assert len(alike([failed(2, one), failed(1, other)])) == 1


@pytest.mark.parametrize(
    "other",
    [failed(1, "other words"), failed(1, kind="KeyError"), failed(1, name="another step")],
)
def test_another_message_error_or_step_is_another_group(other):
    assert len(alike([failed(2), other])) == 2


def test_a_word_of_letters_is_no_id():
    assert len(alike([failed(2, "deadbeef"), failed(1, "facade is defaced")])) == 2


def test_the_most_frequent_group_comes_first_with_its_newest_examples_of_different_traces():
    spans = [failed(9, "rare"), *(failed(n, f"row {n}", trace=n // 2) for n in range(8, 0, -1))]
    often, rare = alike(spans)
    assert (often.count, often.traces, rare.count) == (8, 5, 1)
    assert [span.span_id for span in often.examples] == [f"{n:016x}" for n in (8, 7, 5)][:EXAMPLES]
    assert (often.message, often.newest, often.oldest) == ("row 8", 13, 6)


def test_a_failure_without_an_error_is_told_as_well():
    span = Span(trace_id="a", span_id="b", name="s", start=1, status="error")
    (group,) = alike([span])
    assert (group.type, group.message, group.newest) == ("", "", 1)
