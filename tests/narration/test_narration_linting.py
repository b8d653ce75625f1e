"""The editorial rules over recorded narrations: each fault of each line of a program once, with how often."""

from __future__ import annotations

from narration_records import HOSTILE, event, narration

from flightlog.narration import linting
from flightlog.narration.linting import Linter


def said(number, body, source="app:1", **attributes):
    return narration(number, 1, "do", body=body, attributes={"source": source, **attributes})


def found(*events):
    linter = Linter()
    linter.check(events)
    return [(one.rule, one.source, one.count) for one in linter.found()]


def test_a_fault_is_told_once_for_each_line_of_the_program_the_most_frequent_first():
    assert found(
        said(1, "Will go"),
        *(said(n, "a" * 101, "app:2") for n in range(2, 5)),
        said(5, "Went"),
        said(6, "Went", cute="no wink", story="nobody speaks"),
        event(7, 1, "log", body="will " * 100),
    ) == [
        ("human-length", "app:2", 3),
        ("cute-emoji", "app:1", 1),
        ("human-tense", "app:1", 1),
        ("story-dialogue", "app:1", 1),
    ]


def test_more_than_a_hundred_narrations_in_a_trace_are_one_finding_a_trace():
    linter = Linter()
    for _ in range(2):
        linter.check([said(n, "Went") for n in range(101)])
    linter.check([said(n, "Went") for n in range(100)])
    assert linter.checked == 302
    (over,) = linter.found()
    assert (over.rule, over.count) == ("too-many", 2)
    assert "1 more than 100" in over.text


def test_a_narration_that_does_not_say_where_is_named_by_who_did_what():
    (one,) = found(narration(1, 1, "go", body="Will go", attributes={"actor": "queue"}))
    assert one == ("human-tense", "queue go", 1)


def test_what_is_quoted_of_a_trace_is_safe_and_odd_types_are_no_trouble():
    linter = Linter()
    linter.check([said(1, f"Will {HOSTILE}", source=HOSTILE, cute=7, story=["x"])])
    (one,) = linter.found()
    assert (one.sentence + one.source).isprintable()


def test_a_program_with_very_many_lines_is_counted_beyond_a_number(monkeypatch):
    monkeypatch.setattr(linting, "MOST_APART", 3)
    rows = found(*(said(n, "Will go", f"app:{n}") for n in range(10)))
    assert sorted(rows) == [("human-tense", "", 7), *(("human-tense", f"app:{n}", 1) for n in range(3))]


def test_what_is_quoted_is_the_voice_in_which_it_was_found():
    linter = Linter()
    linter.check(
        [
            said(1, "Went", cute="no wink", story="nobody speaks"),
            said(2, "Went", source="app:2", cute="🐝 " + "w" * 150, story='"s' + "s" * 200 + '"'),
            said(3, "Went", source="app:3", cute="🐝 by [REDACTED]"),
            said(4, "by [REDACTED]", source="app:4", cute="🐝"),
        ]
    )
    quoted = {(one.rule, one.source): one.sentence[:14] for one in linter.found()}
    assert quoted == {
        ("cute-emoji", "app:1"): "no wink",
        ("story-dialogue", "app:1"): "nobody speaks",
        ("cute-length", "app:2"): "🐝 wwwwwwwwwwww",
        ("story-length", "app:2"): '"sssssssssssss',
        ("secret", "app:3"): "🐝 by [REDACTED",
        ("secret", "app:4"): "by [REDACTED]",
    }


def test_what_belongs_to_no_trace_cannot_be_too_much_for_one():
    linter = Linter()
    linter.check([said(n, "Went") for n in range(101)], is_trace=False)
    assert (linter.checked, linter.found()) == (101, [])


def test_a_secret_in_a_target_is_found_and_quoted():
    linter = Linter()
    linter.check([said(1, "", target="[REDACTED …EFGH]")])
    (one,) = linter.found()
    assert (one.rule, one.sentence) == ("secret", "[REDACTED …EFGH]")
