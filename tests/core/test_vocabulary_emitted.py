"""Each event with a meaning can be said by a program, with exactly the fields that its meaning has."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

import flightlog as fl
from flightlog import hot
from flightlog.integrations.logs import LogHandler
from flightlog.records.event import Event
from flightlog.records.events import VOCABULARY
from flightlog.records.narration import MARK, NARRATION, is_narration


def _chunk():
    with fl.llm("m") as call:
        call.chunk(42)


def _prompt():
    fl.prompt_built({"system": "be brief", "user": "why?"})


def _pause():
    with fl.span("s") as span:
        span.pause("approve the refund?")


def _resume():
    with fl.span("s") as span:
        span.pause()
        span.resume("yes")


def _exception():
    with fl.span("s") as span:
        try:
            raise ValueError("bad date")
        except ValueError as error:
            span.exception(error)


def _log():
    handler = LogHandler()
    logger = logging.Logger("app.worker")  # noqa: LOG001 - of no tree: nothing to undo afterwards
    logger.addHandler(handler)
    logger.info("started")


def _narration():
    fl.narrate("dispatch", "job-1", actor="queue", human="Dispatched job-1.")


def _output():
    fl.run_process(["echo", "a line"], capture_output=True)


def _exit():
    hot.enter("f")
    hot.exit("f", "x")


def by_hand(name: str) -> Callable[[], None]:
    """What a program writes for an event that needs no more than its name and fields."""
    return lambda: fl.event(name, **VOCABULARY[name].example)


def _request():
    with fl.llm("m") as call:
        call.request({"model": "m"}, endpoint="/chat/completions")


EMITTERS: dict[str, Callable[[], None]] = {
    "attachment": lambda: fl.attachment(b"abc", type="application/pdf", name="invoice.pdf"),
    "branch": by_hand("branch"),
    "budget": by_hand("budget"),
    "cache": by_hand("cache"),
    "chunk": _chunk,
    "coercion": by_hand("coercion"),
    "enter": lambda: hot.enter("f", {"a": 1}),
    "exception": _exception,
    "exit": _exit,
    "fallback": by_hand("fallback"),
    "handoff": lambda: fl.handoff("refunds", sender="triage", reason="money back"),
    "log": _log,
    "loop": by_hand("loop"),
    "narration": _narration,
    "output": _output,
    "pause": _pause,
    "prompt": _prompt,
    "request": _request,
    "resume": _resume,
    "retry": by_hand("retry"),
    "skip": by_hand("skip"),
    "state": by_hand("state"),
    "tiny": lambda: hot.tiny("queue", "tiny", "job-1", "sent"),
}
"""Name to what a program does that says it."""


@pytest.mark.parametrize("name", VOCABULARY)
def test_something_emits_it_with_the_fields_of_its_meaning(seen, name):
    EMITTERS[name]()
    (found,) = [event for event in seen.events if _word(event) == name]
    assert _fields(found) == set(VOCABULARY[name].fields)


def _word(event: Event) -> str:
    """What an event is called in the vocabulary; a narration is named after what was done."""
    return NARRATION if is_narration(event) else event.name


PROVENANCE: dict[str, set[str]] = {
    "log": {"code.file.path", "code.line.number", "code.function.name"},
    NARRATION: {MARK, "emitted_by", "source"},
    "enter": {"actor"},
    "exit": {"actor"},
    "tiny": {MARK},
}
"""Name to what says where such an event comes from, beside the fields of its meaning."""


def _fields(event: Event) -> set[str]:
    """The fields of its meaning."""
    return set(event.attributes) - PROVENANCE.get(_word(event), set())


def test_nothing_is_listed_that_has_no_meaning():
    assert set(EMITTERS) == set(VOCABULARY)


def test_an_event_can_be_put_on_a_span_that_is_not_the_current_one(seen):
    with fl.span("outer") as outer, fl.span("inner"):
        outer.event("state", body="5 → 6", before=5, after=6)
    (event,) = seen.events
    assert (event.span_id, event.body) == (seen.span("outer").span_id, "5 → 6")


def test_an_exception_that_was_dealt_with_leaves_the_span_as_it_was(seen):
    with fl.span("s") as span:
        try:
            raise KeyError("gone")
        except KeyError as error:
            span.exception(error, attempt=2)
    assert seen.span("s").status == "ok"
    (event,) = seen.events
    assert (event.name, event.level) == ("exception", "warn")
    assert event.attributes["exception.type"] == "KeyError"
    assert "test_vocabulary_emitted.py" in event.attributes["exception.stacktrace"]
    assert event.attributes["attempt"] == 2
