"""Each event with a meaning can be said by a program, with exactly the fields that its meaning has."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

import flightlog as fl
from flightlog.integrations.logs import LogHandler
from flightlog.records.events import VOCABULARY


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


def by_hand(name: str) -> Callable[[], None]:
    """What a program writes for an event that needs no more than its name and fields."""
    return lambda: fl.event(name, **VOCABULARY[name].example)


EMITTERS: dict[str, Callable[[], None]] = {
    "branch": by_hand("branch"),
    "budget": by_hand("budget"),
    "cache": by_hand("cache"),
    "chunk": _chunk,
    "coercion": by_hand("coercion"),
    "exception": _exception,
    "fallback": by_hand("fallback"),
    "log": _log,
    "loop": by_hand("loop"),
    "narration": by_hand("narration"),
    "pause": _pause,
    "prompt": _prompt,
    "resume": _resume,
    "retry": by_hand("retry"),
    "skip": by_hand("skip"),
    "state": by_hand("state"),
}
"""Name to what a program does that says it."""


@pytest.mark.parametrize("name", VOCABULARY)
def test_something_emits_it_with_the_fields_of_its_meaning(seen, name):
    EMITTERS[name]()
    (found,) = [event for event in seen.events if event.name == name]
    assert set(found.attributes) == set(VOCABULARY[name].fields)


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
