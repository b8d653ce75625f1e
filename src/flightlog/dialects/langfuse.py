"""Langfuse: `langfuse.observation.*`, `langfuse.session.id`.

`usage_details.input` counts what no cache held, and every other kind of input beside it, so the whole is their sum.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from flightlog.dialects.facts import COST, PROMPT_NAME, PROMPT_VERSION, Facts, Seen, Usage
from flightlog.dialects.messages import messages
from flightlog.dialects.values import count, first_count, first_text, mapping, number, parsed, text, texts
from flightlog.records import genai

SIGNS: Final = ("langfuse.",)

_KINDS: Final[Mapping[str, str]] = {
    "agent": "agent",
    "chain": "step",
    "embedding": "embedding",
    "evaluator": "evaluation",
    "generation": "llm",
    "guardrail": "guardrail",
    "retriever": "retrieval",
    "span": "step",
    "tool": "tool",
}
"""Values of `langfuse.observation.type`."""
_READ: Final = ("cache_read_input_tokens", "input_cached_tokens", "input_cache_read")
_WRITE: Final = (
    "cache_creation_input_tokens",
    "input_cache_creation",
    "input_cache_creation_5m",
    "input_cache_creation_1h",
)
_OPERATIONS: Final = {"llm": "chat", "embedding": "embeddings"}


def read(seen: Seen) -> Facts | None:
    """What a span says in these names."""
    known = seen.attributes
    if not any(name.startswith("langfuse.") for name in known):
        return None
    facts = Facts(kind=_KINDS.get(text(known.get("langfuse.observation.type")).lower(), ""))
    facts.session = first_text(known, "langfuse.session.id", "session.id")
    facts.user = first_text(known, "langfuse.user.id", "user.id")
    facts.tags = texts(known.get("langfuse.trace.tags"))
    facts.put(PROMPT_NAME, text(known.get("langfuse.observation.prompt.name")))
    if (version := known.get("langfuse.observation.prompt.version")) is not None:
        facts.put(PROMPT_VERSION, str(version))
    given, said = known.get("langfuse.observation.input"), known.get("langfuse.observation.output")
    if facts.kind in _OPERATIONS:
        _take_model(facts, seen)
    if facts.kind == "llm":
        facts.messages, facts.answers = messages(given), messages(said, role="assistant")
    else:
        if given is not None:
            facts.input = parsed(given)
        if said is not None:
            facts.output = parsed(said)
    return facts


def _take_model(facts: Facts, seen: Seen) -> None:
    known = seen.attributes
    facts.put(genai.OPERATION, _OPERATIONS[facts.kind])
    facts.put(genai.REQUEST_MODEL, text(known.get("langfuse.observation.model.name")))
    for key, value in mapping(known.get("langfuse.observation.model.parameters")).items():
        canonical = genai.PARAMETERS.get(key)
        if canonical:
            plain = number(value)
            facts.put(
                canonical, texts(value) if canonical in genai.LISTS else value if plain is None else plain
            )
    facts.usage = usage_of(mapping(known.get("langfuse.observation.usage_details")))
    costs = mapping(known.get("langfuse.observation.cost_details"))
    whole = number(costs.get("total"))
    parts = [part for value in costs.values() if (part := number(value)) is not None]
    facts.put(COST, whole if whole is not None else sum(parts) if parts else None)
    _take_first(facts, seen, text(parsed(known.get("langfuse.observation.completion_start_time"))))


def usage_of(told: Mapping[str, Any]) -> Usage:
    """Tokens by Langfuse's names, whose input leaves out what a cache held, or in OpenAI's words, whose does not."""
    if not told:
        return Usage()
    given, said = mapping(told.get("prompt_tokens_details")), mapping(told.get("completion_tokens_details"))
    read_tokens = first_count(told, *_READ)
    if read_tokens is None:
        read_tokens = count(given.get("cached_tokens"))
    thought = first_count(told, "output_reasoning_tokens", "output_reasoning", "reasoning_tokens")
    written = [found for name in _WRITE if (found := count(told.get(name))) is not None]
    return Usage(
        first_count(told, "input", "input_tokens", "prompt_tokens"),
        first_count(told, "output", "output_tokens", "completion_tokens"),
        read_tokens,
        sum(written) if written else None,
        count(said.get("reasoning_tokens")) if thought is None else thought,
        first_count(told, "total", "total_tokens"),
        is_fresh="input" in told,
    )


def _take_first(facts: Facts, seen: Seen, moment: str) -> None:
    """The time to the first token, from when that was there."""
    try:
        at = datetime.fromisoformat(moment.strip('"'))
    except ValueError:
        return
    if at.tzinfo is not None and seen.start and (seconds := at.timestamp() - seen.start / 1e9) >= 0:
        facts.put(genai.TIME_TO_FIRST_CHUNK, round(seconds, 6))
