"""Which spans are calls that somebody charges for, and what they are charged by."""

from __future__ import annotations

import pytest

from flightlog.records.callfacts import is_charged, models, of_span
from flightlog.records.span import Span

MODEL = {"gen_ai.request.model": "m"}


def span(**fields) -> Span:
    known = {"trace_id": "1" * 32, "span_id": "2" * 16, "name": "chat", "kind": "llm", "start": 1, "end": 2}
    return Span(**{"status": "ok", **known, **fields})


@pytest.mark.parametrize(
    ("fields", "charged"),
    [
        ({}, True),
        ({"status": "error"}, True),
        ({"status": "interrupted"}, True),
        ({"status": "running", "end": None}, False),
        ({"status": "paused", "end": None}, False),
        ({"kind": "embedding"}, False),
        ({"kind": "embedding", "attributes": MODEL}, True),
        ({"kind": "speech_to_text", "attributes": MODEL}, True),
        ({"kind": "agent", "attributes": MODEL}, False),
        ({"kind": "http", "attributes": MODEL}, False),
    ],
)
def test_a_call_is_charged_that_is_over_and_that_a_provider_sells(fields, charged):
    assert is_charged(span(**fields)) is charged


def test_the_facts_of_a_call_are_those_of_its_span():
    context = {"session": 7, "user": "ann", "tags": ["a", 3, "b"], "turn": 1}
    facts = of_span(span(context=context, attributes=MODEL, project="shop"))
    assert (facts.session, facts.user, facts.tags, facts.project) == ("7", "ann", ("a", "b"), "shop")
    assert (facts.start, facts.status, facts.kind, facts.attributes) == (1, "ok", "llm", MODEL)


def test_what_is_not_bound_is_none():
    facts = of_span(span(context={"session": "", "tags": "beta"}))
    assert (facts.session, facts.user, facts.tags) == (None, None, ())


def test_models_are_the_one_that_answered_and_then_the_one_that_was_asked():
    both = {"gen_ai.request.model": "asked", "gen_ai.response.model": "answered"}
    assert models(both) == ("answered", "asked")
    assert models(MODEL) == ("m",)
    assert models({"gen_ai.request.model": 5, "gen_ai.response.model": ""}) == ()
