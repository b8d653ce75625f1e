"""OpenInference: `openinference.span.kind`, `llm.*`, `input.value`; what Arize's instrumentations write.

Traps: the lists in names may begin with 1, where the first message is empty; the model is `llm.model_name`, which is
the one that answered where that is known; parameters are one JSON text; an agent's span may repeat the tokens of its
calls, so only what is of kind LLM or EMBEDDING used any.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flightlog.dialects.facts import (
    AGENT_NAME,
    COST,
    PROMPT_NAME,
    PROMPT_VERSION,
    TOOL_CALL_ID,
    TOOL_DESCRIPTION,
    TOOL_NAME,
    Facts,
    Seen,
    Usage,
)
from flightlog.dialects.messages import messages
from flightlog.dialects.providers import provider_of
from flightlog.dialects.values import (
    count,
    first_count,
    first_text,
    mapping,
    number,
    objects,
    parsed,
    text,
    texts,
    unfolded,
)
from flightlog.records import genai

SIGNS: Final = ("openinference.span.kind",)

KINDS: Final[Mapping[str, str]] = {
    "AGENT": "agent",
    "CHAIN": "step",
    "DECISION": "step",
    "EMBEDDING": "embedding",
    "EVALUATOR": "evaluation",
    "GUARDRAIL": "guardrail",
    "LLM": "llm",
    "PROMPT": "prompt",
    "RERANKER": "rerank",
    "RETRIEVER": "retrieval",
    "TOOL": "tool",
}
"""Values of `openinference.span.kind`."""
_OPERATIONS: Final = {"llm": "chat", "embedding": "embeddings"}
_DETAILS: Final[Mapping[str, str]] = {
    "input_audio_tokens": "llm.token_count.prompt_details.audio",
    "output_audio_tokens": "llm.token_count.completion_details.audio",
}
UNSEEN: Final = "flightlog.unseen_calls"
"""Calls of the model that were made within this one (Google's automatic function calling) and told of nowhere: nobody
knows what they took."""
_IDS: Final = ("id", "response_id")


def read(seen: Seen) -> Facts | None:
    """What a span says in this convention."""
    known = seen.attributes
    said = text(known.get("openinference.span.kind")).upper()
    if not said:
        return None
    facts = Facts(kind=KINDS.get(said, ""))
    if facts.kind in {"llm", "embedding", "rerank"}:
        _take_model(facts, known)
    facts.session = text(known.get("session.id"))
    facts.user = text(known.get("user.id"))
    facts.tags = texts(known.get("tag.tags"))
    node = text(known.get("graph.node.id")) if facts.kind == "agent" else ""
    facts.put(AGENT_NAME, text(known.get("agent.name")) or node)
    facts.put(PROMPT_NAME, text(known.get("llm.prompt_template.name")))
    facts.put(PROMPT_VERSION, text(known.get("llm.prompt_template.version")))
    if facts.kind == "tool":
        facts.put(TOOL_NAME, first_text(known, "tool.name", "tool_call.function.name"))
        facts.put(TOOL_DESCRIPTION, text(known.get("tool.description")))
        facts.put(TOOL_CALL_ID, first_text(known, "tool.id", "tool_call.id"))
    _take_content(facts, known)
    return facts


def _take_model(facts: Facts, known: Mapping[str, Any]) -> None:
    """Whose model was asked for what, and what it took."""
    given = mapping(known.get("llm.invocation_parameters") or known.get("embedding.invocation_parameters"))
    name = first_text(known, "llm.model_name", "embedding.model_name", "reranker.model_name")
    asked = first_text(known, "llm.request.model_name") or text(given.get("model")) or name
    facts.put(genai.OPERATION, _OPERATIONS.get(facts.kind))
    facts.put(
        genai.PROVIDER, provider_of(first_text(known, "llm.provider", "llm.system", "embedding.provider"))
    )
    facts.put(genai.REQUEST_MODEL, asked)
    answered = first_text(known, "llm.response.model_name")
    facts.put(genai.RESPONSE_MODEL, answered or (name if name != asked else ""))
    for key, value in given.items():
        canonical = genai.PARAMETERS.get(key)
        if canonical and isinstance(value, bool | int | float | str | list):
            facts.put(canonical, texts(value) if canonical in genai.LISTS else value)
    facts.put(genai.FINISH_REASONS, texts(known.get("llm.finish_reason")))
    facts.put(COST, number(known.get("llm.cost.total")))
    answer = mapping(known.get("output.value"))
    unseen = sum(
        one.get("role") == "model" for one in objects(answer.get("automatic_function_calling_history"))
    )
    facts.put(UNSEEN, unseen or None)
    facts.put(genai.RESPONSE_ID, next((text(answer[key]) for key in _IDS if text(answer.get(key))), ""))
    facts.put(genai.RESPONSE + "service_tier", text(answer.get("service_tier")))
    facts.usage = Usage(
        count(known.get("llm.token_count.prompt")),
        count(known.get("llm.token_count.completion")),
        first_count(
            known, "llm.token_count.prompt_details.cache_read", "llm.token_count.prompt_details.cache_input"
        ),
        count(known.get("llm.token_count.prompt_details.cache_write")),
        count(known.get("llm.token_count.completion_details.reasoning")),
        count(known.get("llm.token_count.total")),
        {unit: found for unit, name in _DETAILS.items() if (found := count(known.get(name)))},
    )


def _take_content(facts: Facts, known: Mapping[str, Any]) -> None:
    """What went in and came out, by the kind of the work."""
    given, said = parsed(known.get("input.value")), parsed(known.get("output.value"))
    if facts.kind == "llm":
        facts.messages = _messages(known, "llm.input_messages.") or messages(known.get("llm.prompts"))
        facts.answers = _messages(known, "llm.output_messages.", role="assistant")
        if facts.answers is None and isinstance(said, str) and said:
            facts.answers = messages(said, role="assistant")  # a completion, which is no conversation
        facts.tools = _tools(unfolded(known, "llm.tools."))
        if facts.messages is not None:
            given = None
        if facts.answers is not None:
            said = None
    elif facts.kind == "embedding":
        asked = [
            one.get("text", one.get("embedding.text"))
            for one in _places(known, "embedding.embeddings.", "embedding")
        ]
        given = {"input": asked} if any(asked) else given
        said = None
    elif facts.kind == "retrieval":
        found = _places(known, "retrieval.documents.", "document")
        given = {"query": given} if isinstance(given, str) else given
        said = {"documents": found} if found else said
    elif facts.kind == "rerank":
        found = _places(known, "reranker.input_documents.", "document")
        ranked = _places(known, "reranker.output_documents.", "document")
        query = known.get("reranker.query")
        given = {"query": query, "documents": found} if query or found else given
        said = {"documents": ranked} if ranked else said
    elif facts.kind == "tool" and given is None:
        given = parsed(known.get("tool.parameters"))
    if given is not None:
        facts.input = given
    if said is not None:
        facts.output = said


def _places(known: Mapping[str, Any], prefix: str, inner: str) -> list[dict[str, Any]]:
    """A list that was spread over names, each element within one more name."""
    found = [mapping(one.get(inner)) or one for one in objects(unfolded(known, prefix))]
    return [{key: parsed(value) for key, value in one.items()} for one in found]


def _messages(known: Mapping[str, Any], prefix: str, role: str = "user") -> list[Any] | None:
    return messages(
        [_message(mapping(one.get("message")) or one) for one in objects(unfolded(known, prefix))], role
    )


def _message(told: Mapping[str, Any]) -> dict[str, Any]:
    """A message as OpenInference names its members."""
    made = {key: told[key] for key in ("role", "name", "tool_call_id", "finish_reason") if told.get(key)}
    parts = [_part(one) for one in objects(told.get("contents"))]
    if parts:
        made["content"] = parts
    elif told.get("content") is not None:
        made["content"] = told["content"]
    calls = [mapping(one.get("tool_call")) or one for one in objects(told.get("tool_calls"))]
    if calls:
        made["tool_calls"] = calls
    if told.get("function_call_name"):
        made["function_call"] = {
            "name": told["function_call_name"],
            "arguments": told.get("function_call_arguments_json", ""),
        }
    return made


def _part(told: Mapping[str, Any]) -> dict[str, Any]:
    """A part of a message; a call of a tool stands beside what says that it is one."""
    call = mapping(told.get("tool_call"))
    return {**(mapping(told.get("message_content")) or (told if not call else {})), **call}


def _tools(told: Any) -> list[Any] | None:
    found = [
        parsed(mapping(one.get("tool")).get("json_schema", one.get("json_schema"))) for one in objects(told)
    ]
    return [one for one in found if one] or None
