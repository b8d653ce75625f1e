"""What the attributes of a span of OpenTelemetry's say of it: its kind among ours, and which of them are content.

Pure and small: attributes in, one word out. What a dialect means in full (messages, usage, cost) is read elsewhere,
from the attributes, which are all kept as they came.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flightlog.core.content import METADATA, WITHHELD
from flightlog.records.kinds import BY_ATTRIBUTE

OTHER: Final = "function"
"""The kind of a span that says nothing more of itself."""

_OPERATIONS: Final = {
    "chat": "llm",
    "text_completion": "llm",
    "generate_content": "llm",
    "embeddings": "embedding",
    "retrieval": "retrieval",
    "execute_tool": "tool",
    "invoke_agent": "agent",
    "create_agent": "agent",
    "plan": "agent",
    "invoke_workflow": "workflow",
}
"""Values of `gen_ai.operation.name`."""

_OPENINFERENCE: Final = {
    "LLM": "llm",
    "EMBEDDING": "embedding",
    "RETRIEVER": "retrieval",
    "RERANKER": "rerank",
    "TOOL": "tool",
    "AGENT": "agent",
    "CHAIN": "step",
    "GUARDRAIL": "guardrail",
    "EVALUATOR": "evaluation",
    "PROMPT": "prompt",
}
"""Values of `openinference.span.kind`."""

_TRACELOOP: Final = {"workflow": "workflow", "task": "step", "agent": "agent", "tool": "tool"}
"""Values of `traceloop.span.kind`."""

_REQUESTS: Final = {"chat": "llm", "completion": "llm", "embedding": "embedding", "rerank": "rerank"}
"""Values of `llm.request.type`, as OpenLLMetry has it."""

_LANGFUSE: Final = {
    "generation": "llm",
    "embedding": "embedding",
    "retriever": "retrieval",
    "tool": "tool",
    "agent": "agent",
    "chain": "step",
    "evaluator": "evaluation",
    "guardrail": "guardrail",
}
"""Values of `langfuse.observation.type`."""

_LANGSMITH: Final = {
    "llm": "llm",
    "embedding": "embedding",
    "retriever": "retrieval",
    "tool": "tool",
    "chain": "step",
    "prompt": "prompt",
}
"""Values of `langsmith.span.kind`."""

_MLFLOW: Final = {
    '"LLM"': "llm",
    '"CHAT_MODEL"': "llm",
    '"EMBEDDING"': "embedding",
    '"RETRIEVER"': "retrieval",
    '"TOOL"': "tool",
    '"AGENT"': "agent",
    '"CHAIN"': "step",
}
"""Values of `mlflow.spanType`, which are JSON."""

_SAYING: Final[tuple[tuple[str, Mapping[str, str]], ...]] = (
    ("openinference.span.kind", _OPENINFERENCE),
    ("gen_ai.operation.name", _OPERATIONS),
    ("traceloop.span.kind", _TRACELOOP),
    ("langfuse.observation.type", _LANGFUSE),
    ("langsmith.span.kind", _LANGSMITH),
    ("mlflow.spanType", _MLFLOW),
    ("llm.request.type", _REQUESTS),
)
"""Attributes whose value says it, the most telling first."""

SIGNS: Final = frozenset([*(name for name, _ in _SAYING), *(name for name, _ in BY_ATTRIBUTE)])
"""Every attribute that `kind_of` asks for."""


def kind_of(attributes: Mapping[str, Any]) -> str:
    """The kind of a span with these attributes; `function` where none of them tells."""
    for name, words in _SAYING:
        said = attributes.get(name)
        if isinstance(said, str) and (kind := words.get(said) or words.get(said.upper())):
            return kind
    for name, kind in BY_ATTRIBUTE:
        if attributes.get(name) is not None:
            return kind
    return OTHER


_CONTENT: Final = (
    "gen_ai.input.messages",
    "gen_ai.output.messages",
    "gen_ai.system_instructions",
    "gen_ai.prompt.",
    "gen_ai.completion.",
    "gen_ai.tool.call.arguments",
    "gen_ai.tool.call.result",
    "gen_ai.retrieval.query.text",
    "gen_ai.retrieval.documents",
    "input.value",
    "output.value",
    "llm.input_messages",
    "llm.output_messages",
    "llm.prompts",
    "llm.choices",
    "llm.prompt_template.variables",
    "embedding.text",
    "embedding.embeddings",
    "retrieval.documents",
    "reranker.query",
    "reranker.input_documents",
    "reranker.output_documents",
    "tool.parameters",
    "traceloop.entity.input",
    "traceloop.entity.output",
    "ai.prompt",
    "ai.response.object",
    "ai.response.reasoning",
    "ai.response.text",
    "ai.response.toolCalls",
    "ai.toolCall.args",
    "ai.toolCall.result",
    "ai.value",
    "all_messages_events",
    "final_result",
    "gcp.vertex.agent.data",
    "gcp.vertex.agent.llm_re",
    "gcp.vertex.agent.tool_call_args",
    "gcp.vertex.agent.tool_response",
    "langfuse.observation.input",
    "langfuse.observation.output",
    "langfuse.trace.input",
    "langfuse.trace.output",
    "mlflow.chat.messages",
    "mlflow.spanInputs",
    "mlflow.spanOutputs",
    "pydantic_ai.all_messages",
    "request_data",
    "response_data",
    "tool_arguments",
    "tool_response",
)
"""Beginnings of the names of attributes that hold what went in or came out."""

_WHOLE: Final = frozenset({"gen_ai.prompt", "gen_ai.completion", "events"})
"""Names that hold it, where they are not the beginning of others."""


def is_content(name: str) -> bool:
    """Whether an attribute of this name holds what went in or came out, which a content policy may withhold."""
    return name.startswith(_CONTENT) or name in _WHOLE


def is_content_event(name: str) -> bool:
    """The same for an event of this name, with all that it holds."""
    return name in _CONTENT_EVENTS


_CONTENT_EVENTS: Final = frozenset(
    {
        "gen_ai.system.message",
        "gen_ai.user.message",
        "gen_ai.assistant.message",
        "gen_ai.tool.message",
        "gen_ai.choice",
        "gen_ai.content.prompt",
        "gen_ai.content.completion",
    }
)


def without_content(name: str, facts: dict[str, Any]) -> dict[str, Any]:
    """An event's attributes without what went in or came out."""
    if is_content_event(name):
        return {WITHHELD: METADATA}
    kept = {key: value for key, value in facts.items() if not is_content(key)}
    return kept if len(kept) == len(facts) else {**kept, WITHHELD: METADATA}
