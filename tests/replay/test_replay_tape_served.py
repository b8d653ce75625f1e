"""What a rerun gives back of a call that another library's span stands for."""

from __future__ import annotations

from flightlog.records import genai
from flightlog.records.span import Span
from flightlog.replay.tape import tape_of


def test_tokens_that_count_elsewhere_are_given_back_under_their_usual_names():
    told = {
        "flightlog.instrumentation": "openai",
        genai.OPERATION: "chat",
        genai.SERVED_TOKENS[genai.INPUT_TOKENS]: 12,
        genai.SERVED_TOKENS[genai.OUTPUT_TOKENS]: 3,
    }
    span = Span(
        trace_id="0" * 31 + "1",
        span_id="0" * 15 + "1",
        name="chat",
        kind="http",
        start=1,
        end=2,
        status="ok",
        attributes=told,
    )
    (call,) = tape_of([span])
    assert (call.attributes[genai.INPUT_TOKENS], call.attributes[genai.OUTPUT_TOKENS]) == (12, 3)
    assert genai.INPUT_TOKENS not in span.attributes
