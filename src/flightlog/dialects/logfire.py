"""Logfire and Pydantic AI: the conventions of OpenTelemetry, and what these two say beside them.

Pydantic AI's agents tell the sum of their calls' tokens (as `gen_ai.usage.*` long ago, `gen_ai.aggregated_usage.*`
since) and all messages of a run; neither is a call. Once, the messages of a call were one JSON text of events.

Logfire's own instrumentations tell of a streamed call twice: in a span for the request, which is over before the first
word came, and in another one without a length when the stream is over, which alone knows tokens and answer. What a
cache held stands in `gen_ai.usage.raw` alone, which is the usage as it is on the wire.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flightlog.dialects.facts import AGENT_NAME, TOOL_NAME, Facts, Seen, Told, Usage
from flightlog.dialects.gen_ai_events import read as read_events
from flightlog.dialects.messages import messages
from flightlog.dialects.values import first_count, first_text, mapping, number, objects, parsed, text, texts
from flightlog.records import genai

SIGNS: Final = ("logfire.", "pydantic_ai.", "pydantic-ai", "all_messages_events", "model_request_parameters")

_SCOPE: Final = "pydantic-ai"
_RAW: Final = "gen_ai.usage.raw"
_LONGEST_S: Final = 1e9


def read(seen: Seen) -> Facts | None:
    """What a span says in these names."""
    known = seen.attributes
    if seen.scope != _SCOPE and not any(name.startswith(SIGNS) for name in known):
        return None
    facts = Facts(kind=_kind(seen))
    facts.tags = texts(known.get("logfire.tags"))
    if facts.kind == "agent":
        facts.put(AGENT_NAME, first_text(known, AGENT_NAME, "agent_name"))
        run = known.get("pydantic_ai.all_messages", known.get("all_messages_events"))
        facts.messages = _said(run)
        if "final_result" in known:
            facts.output = parsed(known["final_result"])
    elif facts.kind == "tool":
        facts.put(TOOL_NAME, first_text(known, TOOL_NAME, "tool_name"))
        if (given := known.get("tool_arguments")) is not None:
            facts.input = parsed(given)
        if (said := known.get("tool_response")) is not None:
            facts.output = parsed(said)
    _take_events(facts, known)
    parameters = mapping(known.get("model_request_parameters"))
    facts.tools = [_tool(one) for one in objects(parameters.get("function_tools"))] or None
    _take_logfire(facts, known)
    return facts


def streamed_ns(known: Mapping[str, Any]) -> int | None:
    """How long a stream took of which Logfire tells now that it is over, in nanoseconds; None for any other span."""
    if known.get("logfire.span_type") != "log" or "duration" not in known:
        return None
    lasted = number(known["duration"])
    return None if lasted is None or not 0 <= lasted < _LONGEST_S else int(lasted * 1e9)


def _kind(seen: Seen) -> str:
    known = seen.attributes
    if genai.OPERATION in known or seen.scope != _SCOPE:
        return ""
    if any(name in known for name in ("pydantic_ai.all_messages", "all_messages_events", "final_result")):
        return "agent"
    if TOOL_NAME in known or "tool_arguments" in known:
        return "tool"
    return "step" if seen.name.startswith("running ") else ""


def _said(value: Any) -> list[Any] | None:
    """All messages of a run, or its events, each of which is one."""
    found = [one for one in objects(value) if not text(one.get("event.name")).startswith("gen_ai.choice")]
    return messages(found or value)


def _take_events(facts: Facts, known: Mapping[str, Any]) -> None:
    """The messages of a call that are told as a text of events."""
    told = [
        Told(text(one.get("event.name")), {}, one)
        for one in objects(known.get("events"))
        if one.get("event.name")
    ]
    heard = read_events(Seen("", {}, told)) if told else None
    if heard is not None:
        facts.messages, facts.answers = heard.messages, heard.answers
        facts.attributes.update(heard.attributes)


def _take_logfire(facts: Facts, known: Mapping[str, Any]) -> None:
    """What Logfire's own instrumentations write: the request and the answer as they are on the wire."""
    request, response = mapping(known.get("request_data")), mapping(known.get("response_data"))
    facts.usage = _usage(mapping(known.get(_RAW, response.get("usage"))))
    if not request:
        return
    facts.messages = messages(request.get("messages", request.get("input")))
    facts.tools = objects(request.get("tools")) or None
    if "message" in response:
        facts.answers = messages([response["message"]], role="assistant")
    elif "combined_chunk_content" in response:
        facts.answers = messages(response["combined_chunk_content"], role="assistant")


def _usage(raw: Mapping[str, Any]) -> Usage:
    """Tokens as a provider tells them: OpenAI counts those of a cache within the input, Anthropic beside it."""
    given = mapping(raw.get("prompt_tokens_details", raw.get("input_tokens_details")))
    said = mapping(raw.get("completion_tokens_details", raw.get("output_tokens_details")))
    read_beside = first_count(raw, "cache_read_input_tokens")
    written = first_count(raw, "cache_creation_input_tokens")
    return Usage(
        first_count(raw, "prompt_tokens", "input_tokens"),
        first_count(raw, "completion_tokens", "output_tokens"),
        first_count(given, "cached_tokens") if read_beside is None else read_beside,
        written,
        first_count(said, "reasoning_tokens"),
        is_fresh=read_beside is not None or written is not None,
    )


def _tool(told: Mapping[str, Any]) -> dict[str, Any]:
    """A tool's definition in the form in which it is sent."""
    inner = {key: told[key] for key in ("name", "description") if told.get(key)}
    return {"type": "function", "function": {**inner, "parameters": told.get("parameters_json_schema", {})}}
