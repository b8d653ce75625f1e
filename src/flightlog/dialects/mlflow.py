"""MLflow: `mlflow.spanType`, `mlflow.spanInputs`, `mlflow.chat.*`; every value is JSON, texts included.

`mlflow.chat.tokenUsage` of a span that is no call of a model is the sum of the calls below it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from flightlog.dialects.facts import AGENT_NAME, COST, TOOL_NAME, Facts, Seen, Usage
from flightlog.dialects.gen_ai_old import answers_of
from flightlog.dialects.messages import messages
from flightlog.dialects.providers import provider_of
from flightlog.dialects.values import first_count, mapping, number, objects, text
from flightlog.records import genai

SIGNS: Final = ("mlflow.",)

_KINDS: Final[Mapping[str, str]] = {
    "AGENT": "agent",
    "CHAIN": "step",
    "CHAT_MODEL": "llm",
    "EMBEDDING": "embedding",
    "EVALUATOR": "evaluation",
    "GUARDRAIL": "guardrail",
    "LLM": "llm",
    "MEMORY": "step",
    "PARSER": "step",
    "RERANKER": "rerank",
    "RETRIEVER": "retrieval",
    "TASK": "step",
    "TOOL": "tool",
    "WORKFLOW": "workflow",
}
"""Values of `mlflow.spanType`."""
_OPERATIONS: Final = {"llm": "chat", "embedding": "embeddings", "tool": "execute_tool"}
_decode: Final = msgspec.json.Decoder().decode


def read(seen: Seen) -> Facts | None:
    """What a span says in these names."""
    known = {name: _value(value) for name, value in seen.attributes.items() if name.startswith("mlflow.")}
    if not known:
        return None
    facts = Facts(kind=_KINDS.get(text(known.get("mlflow.spanType")).upper(), ""))
    facts.session = text(known.get("mlflow.trace.session"))
    facts.user = text(known.get("mlflow.trace.user"))
    facts.put(genai.OPERATION, _OPERATIONS.get(facts.kind))
    given, said = known.get("mlflow.spanInputs"), known.get("mlflow.spanOutputs")
    if facts.kind in {"llm", "embedding"}:
        _take_model(facts, known, mapping(given))
    if facts.kind == "llm":
        facts.messages = messages(known.get("mlflow.chat.messages")) or messages(given)
        facts.answers = answers_of(said)
        facts.tools = objects(known.get("mlflow.chat.tools")) or None
    else:
        facts.put({"tool": TOOL_NAME, "agent": AGENT_NAME}.get(facts.kind, ""), seen.name)
        facts.attributes.pop("", None)
        if given is not None:
            facts.input = given
        if said is not None:
            facts.output = said
    return facts


def _take_model(facts: Facts, known: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    facts.put(genai.PROVIDER, provider_of(text(known.get("mlflow.llm.provider"))))
    facts.put(genai.REQUEST_MODEL, text(known.get("mlflow.llm.model")) or text(given.get("model")))
    said = mapping(known.get("mlflow.spanOutputs"))
    facts.put(genai.RESPONSE_ID, text(said.get("id")))
    facts.put(COST, number(mapping(known.get("mlflow.llm.cost")).get("total_cost")))
    used = mapping(known.get("mlflow.chat.tokenUsage"))
    facts.usage = Usage(
        first_count(used, "input_tokens"),
        first_count(used, "output_tokens"),
        first_count(used, "cache_read_input_tokens"),
        first_count(used, "cache_creation_input_tokens"),
        None,
        first_count(used, "total_tokens"),
    )


def _value(value: Any) -> Any:
    """What MLflow wrote as JSON, a text with its quotes."""
    if isinstance(value, str):
        try:
            return _decode(value)
        except (msgspec.MsgspecError, RecursionError):
            return value
    return value
