"""Vercel's AI SDK: `ai.*`.

`ai.generateText` and its like go round in steps, each of which is a call of a model within it
(`ai.generateText.doGenerate`); both tell tokens, and only the inner one is a call.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flightlog.dialects.facts import TOOL_CALL_ID, TOOL_NAME, Facts, Seen, Usage
from flightlog.dialects.messages import messages
from flightlog.dialects.providers import provider_of
from flightlog.dialects.values import first_count, first_text, mapping, number, objects, parsed, text, texts
from flightlog.records import genai

SIGNS: Final = ("ai.operationId", "ai.model.", "ai.usage.", "ai.prompt", "ai.response.", "ai.toolCall.")

_KINDS: Final[tuple[tuple[str, str], ...]] = (
    (".doGenerate", "llm"),
    (".doStream", "llm"),
    (".doEmbed", "embedding"),
    (".doRerank", "rerank"),
    ("ai.toolCall", "tool"),
)
"""How the name of an operation ends; any other goes round."""
_OPERATIONS: Final = {"llm": "chat", "embedding": "embeddings", "tool": "execute_tool"}
_SETTINGS: Final = {
    "ai.settings.maxOutputTokens": genai.REQUEST_MAX_TOKENS,
    "ai.settings.maxTokens": genai.REQUEST_MAX_TOKENS,
    "ai.settings.temperature": genai.REQUEST_TEMPERATURE,
    "ai.settings.topP": genai.REQUEST_TOP_P,
    "ai.settings.topK": genai.REQUEST_TOP_K,
    "ai.settings.seed": genai.REQUEST_SEED,
}
_META: Final = "ai.telemetry.metadata."


def read(seen: Seen) -> Facts | None:
    """What a span says in these names."""
    known = seen.attributes
    operation = text(known.get("ai.operationId"))
    if not operation:
        return None
    facts = Facts(kind=next((kind for end, kind in _KINDS if operation.endswith(end)), "step"))
    facts.put(genai.OPERATION, _OPERATIONS.get(facts.kind))
    facts.session = first_text(known, _META + "sessionId", _META + "session.id", _META + "threadId")
    facts.user = first_text(known, _META + "userId", _META + "user.id")
    facts.tags = texts(known.get(_META + "tags"))
    if facts.kind == "tool":
        facts.put(TOOL_NAME, text(known.get("ai.toolCall.name")))
        facts.put(TOOL_CALL_ID, text(known.get("ai.toolCall.id")))
        _take(facts, known.get("ai.toolCall.args"), known.get("ai.toolCall.result"))
    elif facts.kind == "llm":
        _take_model(facts, known)
        facts.messages = messages(known.get("ai.prompt.messages", known.get("ai.prompt")))
        facts.answers = messages([_answer(known)], role="assistant")
        facts.tools = objects(known.get("ai.prompt.tools")) or None
    elif facts.kind in {"embedding", "rerank"}:
        _take_model(facts, known)
        if facts.usage.input is None:
            facts.usage = Usage(first_count(known, "ai.usage.tokens"))
        asked = known.get("ai.value", known.get("ai.values", known.get("ai.documents")))
        _take(facts, None if asked is None else {"input": parsed(asked)}, known.get("ai.ranking"))
    else:
        _take(facts, known.get("ai.prompt"), known.get("ai.response.text", known.get("ai.response.object")))
    return facts


def _take(facts: Facts, given: Any, said: Any) -> None:
    if given is not None:
        facts.input = parsed(given)
    if said is not None:
        facts.output = parsed(said)


def _take_model(facts: Facts, known: Mapping[str, Any]) -> None:
    facts.put(genai.PROVIDER, provider_of(text(known.get("ai.model.provider"))))
    facts.put(genai.REQUEST_MODEL, text(known.get("ai.model.id")))
    facts.put(genai.RESPONSE_MODEL, text(known.get("ai.response.model")))
    facts.put(genai.RESPONSE_ID, text(known.get("ai.response.id")))
    facts.put(genai.FINISH_REASONS, texts(known.get("ai.response.finishReason")))
    first = number(known.get("ai.response.msToFirstChunk", known.get("ai.stream.msToFirstChunk")))
    facts.put(genai.TIME_TO_FIRST_CHUNK, None if first is None else first / 1000)
    for name, canonical in _SETTINGS.items():
        facts.put(canonical, number(known.get(name)))
    facts.usage = Usage(
        first_count(known, "ai.usage.inputTokens", "ai.usage.promptTokens"),
        first_count(known, "ai.usage.outputTokens", "ai.usage.completionTokens"),
        first_count(known, "ai.usage.inputTokenDetails.cacheReadTokens", "ai.usage.cachedInputTokens"),
        first_count(known, "ai.usage.inputTokenDetails.cacheWriteTokens"),
        first_count(known, "ai.usage.outputTokenDetails.reasoningTokens", "ai.usage.reasoningTokens"),
        first_count(known, "ai.usage.totalTokens"),
    )


def _answer(known: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the model said; None where nothing was recorded."""
    said: dict[str, Any] = {"role": "assistant"}
    words = known.get("ai.response.text", known.get("ai.response.object"))
    if words not in (None, ""):
        said["content"] = words
    if known.get("ai.response.reasoning"):
        said["reasoning_content"] = known["ai.response.reasoning"]
    calls = [mapping(one) for one in objects(known.get("ai.response.toolCalls"))]
    if calls:
        said["tool_calls"] = calls
    return said if len(said) > 1 else None
