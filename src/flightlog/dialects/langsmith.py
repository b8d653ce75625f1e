"""LangSmith over OpenTelemetry: `langsmith.*`, and a run's inputs and outputs as one JSON text each.

The texts stand under `gen_ai.prompt` and `gen_ai.completion`, also where a run is no call of a model, so the kind of
the run decides what they are. `gen_ai.operation.name` may hold any word (`parser`), the tokens may be in the outputs
alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flightlog.dialects.facts import AGENT_NAME, TOOL_NAME, Facts, Seen, Usage
from flightlog.dialects.gen_ai_old import answers_of
from flightlog.dialects.messages import messages
from flightlog.dialects.providers import provider_of
from flightlog.dialects.values import count, first_text, mapping, parsed, sequence, text, texts
from flightlog.records import genai

SIGNS: Final = ("langsmith.",)

_KINDS: Final[Mapping[str, str]] = {
    "chain": "step",
    "embedding": "embedding",
    "llm": "llm",
    "parser": "step",
    "prompt": "prompt",
    "retriever": "retrieval",
    "tool": "tool",
}
_OPERATIONS: Final = {"llm": "chat", "embedding": "embeddings", "tool": "execute_tool"}
_META: Final = "langsmith.metadata."
_SESSIONS: Final = tuple(_META + name for name in ("session_id", "thread_id", "conversation_id"))


def read(seen: Seen) -> Facts | None:
    """What a span says in these names."""
    known = seen.attributes
    sort = text(known.get("langsmith.span.kind")).lower()
    if not sort and not any(name.startswith("langsmith.") for name in known):
        return None
    facts = Facts(kind=_KINDS.get(sort, ""))
    facts.session = first_text(known, *_SESSIONS)
    facts.user = first_text(known, _META + "user_id")
    tags = known.get("langsmith.span.tags")
    facts.tags = [tag.strip() for tag in tags.split(",")] if isinstance(tags, str) else texts(tags)
    given, said = parsed(known.get("gen_ai.prompt")), parsed(known.get("gen_ai.completion"))
    facts.put(genai.OPERATION, _OPERATIONS.get(facts.kind))
    if facts.kind == "llm":
        facts.put(genai.PROVIDER, provider_of(text(known.get(_META + "ls_provider"))))
        facts.put(genai.REQUEST_MODEL, first_text(known, genai.REQUEST_MODEL, _META + "ls_model_name"))
        facts.messages = messages(given)
        facts.answers = answers_of(said)
        _take_answer(facts, said)
    else:
        facts.put(TOOL_NAME if facts.kind == "tool" else AGENT_NAME, _name(facts.kind, seen))
        if given is not None:
            facts.input = given
        if said is not None:
            facts.output = said
    return facts


def _name(kind: str, seen: Seen) -> str:
    return seen.name if kind == "tool" else text(seen.attributes.get(_META + "lc_agent_name"))


def _take_answer(facts: Facts, said: Any) -> None:
    """Tokens and facts of the answer that stand in a run's outputs alone."""
    for row in sequence(mapping(said).get("generations")):
        for one in sequence(row):
            inner = mapping(mapping(one).get("message"))
            inner = mapping(inner.get("kwargs")) or inner
            used = mapping(inner.get("usage_metadata"))
            facts.usage = _usage(used) if used else facts.usage
            meta = mapping(inner.get("response_metadata"))
            facts.put(genai.RESPONSE_ID, text(meta.get("id")))
            facts.put(genai.RESPONSE_MODEL, first_text(meta, "model_name", "model"))
            facts.put(genai.FINISH_REASONS, texts(meta.get("finish_reason")))
    if used := mapping(mapping(said).get("usage_metadata")):
        facts.usage = _usage(used)


def _usage(used: Mapping[str, Any]) -> Usage:
    """LangChain's own form, whose input is all of it."""
    given, said = mapping(used.get("input_token_details")), mapping(used.get("output_token_details"))
    return Usage(
        count(used.get("input_tokens")),
        count(used.get("output_tokens")),
        count(given.get("cache_read")),
        count(given.get("cache_creation")),
        count(said.get("reasoning")),
        count(used.get("total_tokens")),
    )
