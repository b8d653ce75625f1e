"""A span is told by its kind, by how it ended and by what it holds, and nothing else is claimed."""

from __future__ import annotations

from typing import Any

import pytest
from narration_records import BEGAN, HOSTILE, MS, event, span

from flightlog.narration.spans import opening, outcome, sentence, tokens
from flightlog.records.attributes import WAITING, WAITING_SINCE
from flightlog.records.kinds import KINDS, STATUSES
from flightlog.records.span import Fault

BAD_DATE = Fault("ValueError", "bad date")


def usage(model: str = "gpt-4.1-mini", read: object = 812, written: object = 90) -> dict[str, Any]:
    given = {
        "gen_ai.request.model": model,
        "gen_ai.usage.input_tokens": read,
        "gen_ai.usage.output_tokens": written,
    }
    return {name: value for name, value in given.items() if value is not None}


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (
            {"kind": "llm", "name": "chat gpt-4.1-mini", "took": 1200, "attributes": usage()},
            "Asked gpt-4.1-mini for an answer: 812 tokens in, 90 out, 1.20 s.",
        ),
        (
            {"kind": "llm", "name": "draft", "attributes": usage(written=None)},
            "Asked gpt-4.1-mini for an answer (draft): 812 tokens in, 1.00 ms.",
        ),
        (
            {"kind": "llm", "name": "draft", "attributes": usage(read=None, written=None)},
            "Asked gpt-4.1-mini for an answer (draft) in 1.00 ms.",
        ),
        ({"kind": "llm", "name": "draft"}, "Asked draft for an answer in 1.00 ms."),
        (
            {"kind": "tool", "name": "search_documents", "took": 40},
            "Called the tool search_documents in 40.0 ms.",
        ),
        ({"kind": "audio", "name": "mixer"}, "Worked on audio with mixer in 1.00 ms."),
        ({"name": "reindex"}, "Ran reindex in 1.00 ms."),
        ({"kind": "function", "name": "reindex"}, "Ran reindex in 1.00 ms."),
        ({"kind": "coffee_break", "name": "x"}, "Ran the coffee break x in 1.00 ms."),
        ({"kind": "http", "name": "GET /a?b=1"}, "Made the request GET /a?b=1 in 1.00 ms."),
    ],
)
def test_work_that_went_well_is_told_in_the_past_tense(fields: dict[str, Any], told: str) -> None:
    assert sentence(span(1, **fields)) == told


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (
            {"name": "reindex", "took": 2100, "status": "error", "error": BAD_DATE},
            "reindex failed after 2.10 s: ValueError: bad date.",
        ),
        ({"name": "reindex", "status": "error"}, "reindex failed after 1.00 ms."),
        (
            {"kind": "tool", "name": "search", "status": "error", "error": Fault("", "no: way!")},
            "The tool search failed after 1.00 ms: no: way!",
        ),
        (
            {"kind": "llm", "name": "m", "status": "error", "error": Fault("RateLimitError", "")},
            "Asking m for an answer failed after 1.00 ms: RateLimitError.",
        ),
        (
            {"name": "x", "status": "error", "error": Fault("E", "first line\nsecond line")},
            "x failed after 1.00 ms: E: first line …",
        ),
        ({"name": "x", "status": "cancelled"}, "x was cancelled after 1.00 ms."),
        ({"kind": "tool", "name": "x", "status": "interrupted"}, "The tool x was interrupted after 1.00 ms."),
        (
            {"name": "(not recorded)", "status": "interrupted"},
            "A step was not recorded; what follows was under it.",
        ),
    ],
)
def test_work_that_did_not_end_well_says_how(fields: dict[str, Any], told: str) -> None:
    assert sentence(span(1, **fields)) == told


def test_an_error_that_is_told_below_is_named_by_its_class_alone() -> None:
    failed = span(1, name="reindex", status="error", error=BAD_DATE)
    assert sentence(failed, told_below=True) == "reindex failed after 1.00 ms with ValueError."


def test_work_that_goes_on_is_told_in_the_present_with_how_long_it_lasts_so_far() -> None:
    running = span(1, kind="tool", name="audit", took=None)
    assert sentence(running, now=BEGAN + 3100 * MS) == "Calling the tool audit, 3.10 s so far."
    assert sentence(running) == "Calling the tool audit, not over yet."


def test_a_paused_span_says_what_it_waits_for_and_since_when() -> None:
    paused = span(1, name="refund", took=None, status="paused", attributes={WAITING_SINCE: BEGAN + 1000 * MS})
    asked = event(1, 1, "pause", attributes={"message": "approve the refund?"})
    told = sentence(paused, [asked], now=BEGAN + 3000 * MS)
    assert told == "refund waits for somebody (approve the refund?), 2.00 s so far."


def test_retries_and_waiting_are_told_with_the_span() -> None:
    tries = [event(n, 1, "retry", attributes={"attempt": n, "reason": "TimeoutError"}) for n in (1, 2)]
    waited = span(1, name="x", attributes={WAITING: 500 * MS}, took=900)
    assert sentence(waited, tries) == (
        "Ran x in 900 ms, after 2 retries (TimeoutError), of which it waited 500 ms."
    )
    failed = span(1, name="x", status="error", error=BAD_DATE)
    assert sentence(failed, tries[:1]) == "x failed after 1.00 ms and 1 retry: ValueError: bad date."


@pytest.mark.parametrize("kind", ["", *KINDS, "one of my own"])
@pytest.mark.parametrize("status", STATUSES)
def test_every_kind_in_every_status_is_a_sentence_on_one_safe_line(kind: str, status: str) -> None:
    took = None if status in {"running", "paused"} else 1.0
    error = Fault(HOSTILE, HOSTILE) if status == "error" else None
    told = sentence(span(1, kind=kind, name=HOSTILE, took=took, status=status, error=error))
    assert told.endswith((".", "…"))
    assert told.isprintable()
    assert "\\x1b[31m\\n\\u202egnp [red]" in told


def test_a_text_of_any_length_makes_a_short_sentence() -> None:
    long = "x" * 100_000
    told = sentence(span(1, name=long, kind=long, status="error", error=Fault(long, long)))
    assert len(told) < 800


def test_attributes_of_a_wrong_type_are_as_good_as_none() -> None:
    odd = {"gen_ai.request.model": 7, "gen_ai.usage.input_tokens": "many", WAITING: "long", WAITING_SINCE: []}
    assert sentence(span(1, kind="llm", name="m", attributes=odd)) == "Asked m for an answer in 1.00 ms."
    assert sentence(span(1, name="m", took=None, status="paused", attributes=odd), now=BEGAN) == (
        "m waits for somebody, 0 ns so far."
    )
    assert tokens(True, -1) == ""


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("ok", "It went well and took 2.00 s."),
        ("error", "It failed after 2.00 s: ValueError: bad date."),
        ("running", "It is still running, 3.00 s so far."),
        ("paused", "It waits for somebody, 3.00 s so far."),
        ("cancelled", "It was cancelled after 2.00 s."),
        ("interrupted", "It was interrupted after 2.00 s."),
    ],
)
def test_the_outcome_of_a_trace_is_told_for_every_status(status: Any, told: str) -> None:
    root = span(1, status=status, error=BAD_DATE if status == "error" else None)
    assert outcome(root, 2000 * MS, now=BEGAN + 3000 * MS) == told


@pytest.mark.parametrize("attributes", [{}, usage("small-1", 5, None)])
@pytest.mark.parametrize("kind", [*KINDS, "", "audio", "chain", "coffee_break"])
def test_a_root_of_any_kind_opens_with_who_started_where(kind: str, attributes: dict[str, Any]) -> None:
    """A name, `The …`, or what is being done: whatever it is, it has started, and nothing else has."""
    told = opening(span(1, kind=kind, name="mixer", service="bot", attributes=attributes))
    assert told.endswith(" started in bot.")
    subject = told.removesuffix(" started in bot.")
    assert subject == "mixer" or subject.startswith("The ") or subject.split()[0].endswith("ing")
    assert "mixer" in subject


def test_the_opening_names_the_service() -> None:
    assert opening(span(1, kind="agent", name="answer", service="bot")) == "The agent answer started in bot."
    assert opening(span(1, name="answer", took=None)) == "answer has started."
    asked = span(1, kind="llm", name="small-1", service="hello")
    assert opening(asked) == "Asking small-1 for an answer started in hello."
