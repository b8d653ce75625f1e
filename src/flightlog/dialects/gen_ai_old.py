"""What OpenLLMetry and others wrote before messages had attributes of their own.

`gen_ai.prompt.0.role`, `gen_ai.completion.0.content` and so on, or all of it as one JSON text; tokens as
`gen_ai.usage.prompt_tokens` (read in `gen_ai.py`) or `llm.usage.*`; the kind of a request as `llm.request.type`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flightlog.dialects.facts import PROMPT_NAME, PROMPT_VERSION, Facts, Seen, Usage
from flightlog.dialects.messages import messages
from flightlog.dialects.values import first_count, mapping, number, objects, sequence, text, texts, unfolded
from flightlog.records import genai

SIGNS: Final = (
    "gen_ai.prompt",
    "gen_ai.completion",
    "llm.request.",
    "llm.response.",
    "llm.usage.",
)

_REQUESTS: Final[Mapping[str, str]] = {
    "chat": "llm",
    "completion": "llm",
    "embedding": "embedding",
    "rerank": "rerank",
}
"""Values of `llm.request.type`."""
_PARAMETERS: Final[Mapping[str, str]] = {
    "llm.request.functions": "",
    "llm.top_k": genai.REQUEST_TOP_K,
    "llm.temperature": genai.REQUEST_TEMPERATURE,
    "llm.frequency_penalty": genai.REQUEST_FREQUENCY_PENALTY,
    "llm.presence_penalty": genai.REQUEST_PRESENCE_PENALTY,
    "llm.is_streaming": genai.REQUEST_STREAM,
    "llm.request.repetition_penalty": genai.REQUEST + "repetition_penalty",
    "llm.chat.stop_sequences": genai.REQUEST_STOP_SEQUENCES,
    "llm.response.stop_reason": "",
}


def read(seen: Seen) -> Facts | None:
    """What a span says in these names."""
    known = seen.attributes
    sort = text(known.get("llm.request.type")).lower()
    told = {name: value for name, value in known.items() if name not in (PROMPT_NAME, PROMPT_VERSION)}
    prompt = unfolded(told, "gen_ai.prompt.") or known.get("gen_ai.prompt")
    completion = unfolded(known, "gen_ai.completion.") or known.get("gen_ai.completion")
    functions = unfolded(known, "llm.request.functions.")
    used = Usage(
        first_count(known, "llm.usage.prompt_tokens"),
        first_count(known, "llm.usage.completion_tokens"),
        first_count(known, "llm.usage.cache_read_input_tokens"),
        first_count(known, "llm.usage.cache_creation_input_tokens"),
        first_count(known, "llm.usage.reasoning_tokens"),
        first_count(known, "llm.usage.total_tokens"),
    )
    if not (sort or prompt or completion or functions or used.total is not None or used.is_known):
        return None
    facts = Facts(kind=_REQUESTS.get(sort, ""), usage=used)
    facts.messages = messages(prompt)
    facts.answers = answers_of(completion)
    facts.tools = _tools(functions)
    reasons = [text(one.get("finish_reason")) for one in objects(completion)]
    facts.put(genai.FINISH_REASONS, [reason for reason in reasons if reason])
    if reason := text(known.get("llm.response.stop_reason") or known.get("llm.response.finish_reason")):
        facts.put(genai.FINISH_REASONS, [reason])
    for name, canonical in _PARAMETERS.items():
        value = known.get(name)
        if canonical and value is not None:
            facts.put(canonical, texts(value) if canonical in genai.LISTS else _plain(value))
    return facts


def _plain(value: Any) -> Any:
    return value if isinstance(value, bool) else number(value) if number(value) is not None else value


def answers_of(said: Any) -> list[Any] | None:
    """What the model said, also where an answer of an API stands there as it came."""
    whole = mapping(said)
    if isinstance(whole.get("choices"), list):
        return messages(whole["choices"], role="assistant")
    if isinstance(whole.get("generations"), list):
        rows = [one for row in sequence(whole["generations"]) for one in sequence(row)]
        return messages(
            [mapping(one).get("message", mapping(one).get("text")) for one in rows], role="assistant"
        )
    if "output" in whole and isinstance(whole["output"], list):
        return messages(whole["output"], role="assistant")
    return messages(said, role="assistant")


def _tools(functions: Any) -> list[Any] | None:
    """Definitions of tools, in the form in which they are sent."""
    found = []
    for one in sequence(functions):
        known = dict(mapping(one))
        if isinstance(known.get("parameters"), str):
            known["parameters"] = mapping(known["parameters"]) or known["parameters"]
        found.append({"type": "function", "function": known})
    return found or None
