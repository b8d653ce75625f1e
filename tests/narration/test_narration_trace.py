"""A trace is told from beginning to end: in order, nested, folded, nothing twice, nothing that is not so."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest
from narration_records import BEGAN, HOSTILE, MS, event, narration, span

from flightlog.analysis.tree import build
from flightlog.narration.trace import MOST_SENTENCES, MOST_SIBLINGS, Manner, Sentence, story
from flightlog.records.event import Event
from flightlog.records.span import Fault, Span

BAD_DATE = Fault("ValueError", "bad date")


def told(spans: Iterable[Span], events: Iterable[Event] = (), **manner: object) -> list[Sentence]:
    tree = build(list(spans), list(events))
    return list(story(tree.roots, tree.loose_events, Manner(**manner)))


def drawn(spans: Iterable[Span], events: Iterable[Event] = (), **manner: object) -> list[str]:
    return ["  " * one.depth + one.text for one in told(spans, events, **manner)]


def root(**fields: object) -> Span:
    return span(1, name="answer", kind="agent", took=1000, **fields)


def test_a_story_has_an_opening_steps_by_time_below_each_other_and_an_end() -> None:
    usage = {"gen_ai.request.model": "m-1", "gen_ai.usage.input_tokens": 5, "gen_ai.usage.output_tokens": 2}
    assert drawn(
        [
            root(service="bot"),
            span(4, 1, "m-1", at=500, took=20, kind="llm", attributes=usage),
            span(2, 1, "search", at=10, took=40, kind="tool"),
            span(3, 2, "embed", at=12, took=8, kind="function"),
        ]
    ) == [
        "The agent answer started in bot.",
        "  Called the tool search in 40.0 ms.",
        "    Ran embed in 8.00 ms.",
        "  Asked m-1 for an answer: 5 tokens in, 2 out, 20.0 ms.",
        "It went well and took 1.00 s. 4 steps. 1 model call: 5 tokens in, 2 out.",
    ]


def test_a_chapter_begins_with_what_is_under_the_root_and_has_something_below_it() -> None:
    found = told([root(), span(2, 1), span(3, 2, at=0.1, took=0.5), span(4, 1, at=5)])
    assert [(one.text, one.chapter) for one in found[1:4]] == [
        ("Ran step_2 in 1.00 ms.", True),
        ("Ran step_3 in 500 µs.", False),
        ("Ran step_4 in 1.00 ms.", False),
    ]


def test_steps_that_run_beside_each_other_are_told_as_such() -> None:
    spans = [
        root(),
        span(2, 1, "fetch", at=10, took=40, kind="tool"),
        span(3, 1, "parse", at=20, took=5),
        span(4, 1, "index", at=50, took=5),
        span(5, 1, "wait", at=60, took=None),
        span(6, 1, "b", at=70, took=5, kind="tool"),
    ]
    assert drawn(spans)[1:-1] == [
        "  Called the tool fetch in 40.0 ms.",
        "  Meanwhile, ran parse in 5.00 ms.",
        "  Ran index in 5.00 ms.",
        "  Running wait, not over yet.",
        "  Meanwhile, called the tool b in 5.00 ms.",
    ]


def test_alike_siblings_are_folded_after_the_second_and_the_first_failed_one_is_told() -> None:
    pages = [span(10 + n, 1, f"page {n}", at=10 + 9 * n, took=1 + n / 10) for n in range(45)]
    pages[30] = span(40, 1, "page 30", at=280, took=1, status="error", error=BAD_DATE)
    pages[31] = span(41, 1, "page 31", at=289, took=1, status="error", error=BAD_DATE)
    assert drawn([root(), *pages])[1:-1] == [
        "  Ran page 0 in 1.00 ms.",
        "  Ran page 1 in 1.10 ms.",
        "  …and 42 more like page 0, 1 failed (1.00 ms to 5.40 ms).",
        "  page 30 failed after 1.00 ms: ValueError: bad date.",
    ]
    everything = drawn([root(), *pages], everything=True)
    assert len(everything) == 47


def test_a_fold_takes_what_ran_at_once_and_what_differs_below_is_no_repetition() -> None:
    beside = [span(10 + n, 1, f"page {n}", at=10, took=50) for n in range(10)]
    assert "  …and meanwhile 8 more like page 0 (50.0 ms to 50.0 ms)." in drawn([root(), *beside])
    other = span(99, 15, "extra", at=11)
    assert "  Meanwhile, ran page 5 in 50.0 ms." in drawn([root(), *beside, other])


def test_a_narrated_span_is_told_by_its_narration_alone() -> None:
    spans = [root(), span(2, 1, "dispatch", at=10, took=40), span(3, 2, "pick", at=12, took=5)]
    said = [narration(1, 2, "dispatch", at=45, body="Dispatched job-1 to worker 2")]
    assert drawn(spans, said)[1:-1] == ["  Dispatched job-1 to worker 2", "    Ran pick in 5.00 ms."]


def test_a_narration_after_a_call_on_the_span_above_tells_that_call() -> None:
    """As a decorator says it: the action is the function's name, and the span is over."""
    spans = [root(), span(2, 1, "Queue.dispatch", at=10, took=4), span(3, 1, "Queue.dispatch", at=20, took=4)]
    said = [
        narration(1, 1, "dispatch", at=15, body="Dispatched job-1"),
        narration(2, 1, "dispatch", at=25, body="Dispatched job-2"),
        narration(3, 1, "dispatch", at=26, body="Dispatched nothing"),
    ]
    assert drawn(spans, said)[:-1] == ["  Dispatched job-1", "  Dispatched job-2", "  Dispatched nothing"]


def test_how_a_narrated_span_failed_is_told_unless_a_narration_says_so() -> None:
    failed = span(2, 1, "pay", at=10, status="error", error=BAD_DATE)
    said = narration(1, 2, "pay", at=10, body="Paying")
    assert drawn([root(), failed], [said])[1:-1] == [
        "  Paying",
        "    pay failed after 1.00 ms: ValueError: bad date.",
    ]
    loud = narration(2, 2, "pay", at=10.5, body="Could not pay", level="error")
    assert drawn([root(), failed], [said, loud])[1:-1] == ["  Paying", "    Could not pay"]


def test_a_root_that_is_narrated_needs_no_opening() -> None:
    said = narration(1, 1, "accept", at=1, body="Accepted job-1")
    assert drawn([root()], [said]) == ["  Accepted job-1", "It went well and took 1.00 s. 1 step."]


def test_voices_are_chosen_and_alike_narrations_are_folded() -> None:
    said = [
        narration(n, 1, "count", at=n, body=f"Counted {n}", attributes={"cute": f"🐑 {n}"}) for n in range(9)
    ]
    assert drawn([root()], said, view="cute")[:-1] == [
        "  🐑 0",
        "  🐑 1",
        "  …and 7 more like it: 🐑 0",
    ]


def test_an_error_that_only_passed_through_is_told_where_it_began() -> None:
    given = {"status": "error", "error": BAD_DATE}
    found = drawn([root(**given), span(2, 1, "outer", took=9, **given), span(3, 2, "inner", **given)])
    assert found[1:3] == [
        "  outer failed after 9.00 ms with ValueError.",
        "    inner failed after 1.00 ms: ValueError: bad date.",
    ]
    assert found[-1] == "It failed after 1.00 s: ValueError: bad date. 3 steps, 3 failed."


def test_an_exception_that_the_span_itself_failed_of_is_not_told_twice() -> None:
    failed = span(2, 1, "pay", status="error", error=BAD_DATE)
    seen = {"exception.type": "ValueError", "exception.message": "bad date"}
    assert len(drawn([root(), failed], [event(1, 2, "exception", attributes=seen)])) == 3
    assert (
        len(drawn([root(), failed], [event(1, 2, "exception", attributes={"exception.type": "KeyError"})]))
        == 4
    )


def test_what_is_below_the_level_is_left_out_but_never_what_failed_or_what_is_under_it() -> None:
    spans = [
        root(),
        span(2, 1, "quiet", at=10, took=50, level="debug"),
        span(3, 2, "loud", at=11),
        span(4, 2, "bad", at=13, level="trace", status="error", error=BAD_DATE),
    ]
    said = [narration(1, 1, "x", body="whisper", level="debug"), narration(2, 1, "x", at=90, body="word")]
    assert drawn(spans, said, level="info")[:-1] == [
        "  Ran loud in 1.00 ms.",
        "  bad failed after 1.00 ms: ValueError: bad date.",
        "  word",
    ]


def test_several_roots_are_told_and_the_first_without_a_parent_sums_up() -> None:
    found = drawn([root(), span(9, 77, "lost", at=5)])
    assert found == [
        "The agent answer started.",
        "Meanwhile, ran lost in 1.00 ms.",
        "It went well and took 1.00 s. 2 steps.",
    ]


def test_events_without_a_span_are_a_story_too_and_nothing_is_none() -> None:
    assert drawn([], [narration(1, 0, "x", body="Said")]) == ["Said"]
    assert drawn([]) == []


def test_every_sentence_knows_what_it_tells() -> None:
    found = told([root(), span(2, 1, at=2)], [narration(7, 1, "x", at=1, body="Said", level="warn")])
    assert [
        (one.what, one.time - BEGAN, one.level, one.span_id[-1:], one.event_id[-1:]) for one in found
    ] == [
        ("narration", MS, "warn", "1", "7"),
        ("step", 2 * MS, "info", "2", ""),
        ("closing", 1000 * MS, "info", "", ""),
    ]


def test_ten_thousand_spans_are_a_bounded_story_and_none_is_lost_from_the_count() -> None:
    dice = random.Random(1)
    spans = [span(1, took=10_000)]
    spans += [
        span(n, dice.randint(max(1, n - 50), n - 1), f"{dice.choice('abcdef')} {n}", at=n / 1000)
        for n in range(2, 10_001)
    ]
    found = told(spans)
    assert len(found) == MOST_SENTENCES + 2
    assert found[-1].text.startswith("It went well and took 10.0 s. 10,000 steps.")
    assert found[-2].text.startswith("…and ")


def test_many_different_siblings_are_cut_with_their_number() -> None:
    spans = [root(), *(span(10 + n, 1, chr(0x4E00 + n), at=n, took=0.5) for n in range(500))]
    found = drawn(spans)
    assert len(found) == MOST_SIBLINGS + 3
    assert found[-2] == f"  …and {500 - MOST_SIBLINGS} more sentences not told here."


@pytest.mark.parametrize("number", [5_000])
def test_a_chain_of_any_depth_is_told_without_recursion(number: int) -> None:
    chain = [span(n, n - 1, at=n / 1000, took=1000 - n / 10) for n in range(1, number + 1)]
    assert len(told(chain, everything=True)) == number + 1


def test_every_text_of_a_story_is_safe() -> None:
    spans = [root(), *(span(n, 1, HOSTILE, at=n, kind=HOSTILE) for n in range(2, 12))]
    said = [narration(n, 1, HOSTILE, at=n, body=HOSTILE, attributes={"cute": HOSTILE}) for n in range(9)]
    assert all(one.text.isprintable() for one in told(spans, said, view="cute"))
