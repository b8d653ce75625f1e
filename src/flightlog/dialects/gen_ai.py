"""OpenTelemetry's conventions for generative AI as they are now: `gen_ai.provider.name`, messages in attributes.

Also what earlier versions called otherwise and still say beside it: `gen_ai.system`, `prompt_tokens`, the three names
of what was written to a cache. What these conventions call input is all of it, what a cache held included.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flightlog.dialects.facts import (
    AGENT_DESCRIPTION,
    AGENT_ID,
    AGENT_NAME,
    COST,
    RETRIEVAL_QUERY,
    TOOL_NAME,
    Facts,
    Seen,
    Usage,
)
from flightlog.dialects.messages import messages
from flightlog.dialects.providers import provider_of
from flightlog.dialects.values import first_count, first_text, number, objects, parsed, text, texts
from flightlog.records import genai

SIGNS: Final = (
    "gen_ai.agent.",
    "gen_ai.conversation.",
    "gen_ai.input.",
    "gen_ai.operation.",
    "gen_ai.output.",
    "gen_ai.provider.",
    "gen_ai.retrieval.",
    "gen_ai.system",
    "gen_ai.tool.",
)
"""A span that merely has a number under one of the other names may be anything."""

KINDS: Final[Mapping[str, str]] = {
    "chat": "llm",
    "completion": "llm",
    "create_agent": "agent",
    "embeddings": "embedding",
    "embedding": "embedding",
    "execute_tool": "tool",
    "generate_content": "llm",
    "invoke_agent": "agent",
    "invoke_workflow": "workflow",
    "message": "llm",
    "plan": "agent",
    "rerank": "rerank",
    "responses": "llm",
    "response": "llm",
    "retrieval": "retrieval",
    "search_memory": "retrieval",
    "speech_to_text": "speech_to_text",
    "text_completion": "llm",
    "text_to_speech": "text_to_speech",
}
"""Values of `gen_ai.operation.name`; there are libraries that write something else."""

_INPUT: Final = (genai.INPUT_TOKENS, "gen_ai.usage.prompt_tokens")
_OUTPUT: Final = (genai.OUTPUT_TOKENS, "gen_ai.usage.completion_tokens")
_CACHE_READ: Final = (
    genai.CACHE_READ_TOKENS,
    "gen_ai.usage.cache_read_input_tokens",
    "gen_ai.usage.cache_read_tokens",
    "gen_ai.usage.input_tokens.cached",
    "gen_ai.usage.details.cache_read_tokens",
    "gen_ai.usage.details.cached_tokens",
)
_CACHE_WRITE: Final = (
    genai.CACHE_WRITE_TOKENS,
    "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.cache_creation_input_tokens",
    "gen_ai.usage.cache_write_tokens",
    "gen_ai.usage.details.cache_write_tokens",
)
_REASONING: Final = (
    genai.REASONING_TOKENS,
    "gen_ai.usage.reasoning_tokens",
    "gen_ai.usage.details.reasoning_tokens",
)
_TOTAL: Final = ("gen_ai.usage.total_tokens", "llm.usage.total_tokens")
_MORE: Final[Mapping[str, tuple[str, ...]]] = {
    "input_audio_tokens": ("gen_ai.usage.audio.input_tokens", "gen_ai.usage.details.input_audio_tokens"),
    "output_audio_tokens": ("gen_ai.usage.audio.output_tokens", "gen_ai.usage.details.output_audio_tokens"),
    "input_image_tokens": ("gen_ai.usage.image.input_tokens",),
    "output_image_tokens": ("gen_ai.usage.image.output_tokens",),
    "cache_audio_read_tokens": ("gen_ai.usage.audio.cache_read.input_tokens",),
    "cache_write_1h_tokens": ("anthropic.usage.cache_creation.ephemeral_1h_input_tokens",),
    "cache_write_5m_tokens": ("anthropic.usage.cache_creation.ephemeral_5m_input_tokens",),
}
"""Unit of price lists to the names that it has."""
_MORE_NAMES: Final = frozenset(name for names in _MORE.values() for name in names)
_ANSWERED: Final = frozenset(
    {*_INPUT, *_OUTPUT, genai.RESPONSE_ID, "gen_ai.completion", "gen_ai.completion.0.content"}
)
"""What only a call of a model says, and no request that merely names one: to count tokens, say."""

_TIERS: Final = ("gen_ai.response.service_tier", "anthropic.response.service_tier")
_OTHER_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    AGENT_NAME: ("agent_name",),
    AGENT_ID: (),
    AGENT_DESCRIPTION: (),
    genai.REQUEST_MAX_TOKENS: ("gen_ai.request.max_output_tokens", "gen_ai.request.max_completion_tokens"),
    genai.REQUEST_CHOICE_COUNT: ("gen_ai.request.candidate_count",),
    genai.REQUEST_SEED: ("gen_ai.openai.request.seed",),
    genai.REQUEST_STREAM: ("gen_ai.is_streaming", "gen_ai.request.is_stream"),
    genai.REQUEST_REASONING_LEVEL: (
        "gen_ai.request.reasoning_effort",
        "gen_ai.openai.request.reasoning_effort",
    ),
    genai.OUTPUT_TYPE: ("gen_ai.openai.request.response_format",),
}
"""Canonical name to those that others have written."""
_OTHERS: Final = frozenset(name for names in _OTHER_NAMES.values() for name in names)


def read(seen: Seen) -> Facts:
    """What a span says in these conventions."""
    known = seen.attributes
    facts = Facts(kind=kind_of(seen), usage=_usage(known))
    facts.put(genai.PROVIDER, provider_of(first_text(known, genai.PROVIDER, "gen_ai.system")))
    operation = text(known.get(genai.OPERATION))
    if operation == "embedding":
        facts.put(genai.OPERATION, "embeddings")
    for name, others in () if _OTHERS.isdisjoint(known) else _OTHER_NAMES.items():
        facts.put(name, next((known[other] for other in others if known.get(other) not in (None, "")), None))
    facts.put(
        genai.FINISH_REASONS,
        texts(known.get(genai.FINISH_REASONS, known.get("anthropic.message.stop_reason"))),
    )
    facts.put(genai.TIME_TO_FIRST_CHUNK, number(known.get(genai.TIME_TO_FIRST_CHUNK)))
    facts.put(COST, number(known.get(COST, known.get("operation.cost"))))
    facts.put(genai.RESPONSE + "service_tier", first_text(known, *_TIERS))
    facts.session = first_text(known, "session.id", "gen_ai.conversation.id")
    facts.user = first_text(known, "user.id", "enduser.id")
    facts.tools = objects(known.get("gen_ai.tool.definitions")) or None
    _take_messages(facts, known)
    _take_work(facts, known)
    return facts


def kind_of(seen: Seen) -> str:
    """The kind by the operation; where none is named, what names a model and was answered is a call of it."""
    known = seen.attributes
    operation = text(known.get(genai.OPERATION)).lower()
    if operation:
        return KINDS.get(operation, "")
    if TOOL_NAME in known and genai.REQUEST_MODEL not in known:
        return "tool"
    if "llm.request.type" in known:
        return ""  # which says it
    names_a_model = genai.REQUEST_MODEL in known or genai.RESPONSE_MODEL in known
    return "llm" if names_a_model and not _ANSWERED.isdisjoint(known) else ""


def _usage(known: Mapping[str, Any]) -> Usage:
    """Tokens under any of the names that these conventions have had."""
    names_of = {} if _MORE_NAMES.isdisjoint(known) else _MORE
    more = {unit: found for unit, names in names_of.items() if (found := first_count(known, *names))}
    return Usage(
        first_count(known, *_INPUT),
        first_count(known, *_OUTPUT),
        first_count(known, *_CACHE_READ),
        first_count(known, *_CACHE_WRITE),
        first_count(known, *_REASONING),
        first_count(known, *_TOTAL),
        more,
    )


def _take_messages(facts: Facts, known: Mapping[str, Any]) -> None:
    given = messages(known.get("gen_ai.input.messages"))
    system = messages(known.get("gen_ai.system_instructions"), role="system")
    if system is not None:
        # Each part of the instructions is a text by itself.
        said = [_as_system(one) for one in system]
        given = [*said, *(given or [])]
    facts.messages = given
    facts.answers = messages(known.get("gen_ai.output.messages"), role="assistant")


def _as_system(one: Any) -> Any:
    return {**one, "role": "system"} if isinstance(one, dict) and one.get("role") != "system" else one


def _take_work(facts: Facts, known: Mapping[str, Any]) -> None:
    """What tools and searches were given and gave."""
    if facts.kind in {"tool", ""}:
        for name in ("gen_ai.tool.call.arguments", "tool_arguments"):
            if name in known:
                facts.input = parsed(known[name])
                break
        for name in ("gen_ai.tool.call.result", "tool_response"):
            if name in known:
                facts.output = parsed(known[name])
                break
    if RETRIEVAL_QUERY in known:
        facts.input = {"query": known[RETRIEVAL_QUERY]}
    if "gen_ai.retrieval.documents" in known:
        facts.output = {"documents": parsed(known["gen_ai.retrieval.documents"])}
