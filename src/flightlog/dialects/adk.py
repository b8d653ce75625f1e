"""Google's Agent Development Kit: `gcp.vertex.agent.*` beside OpenTelemetry's names.

A request and its answer are one JSON text each; `call_llm` is the call of a model, whatever else is told below it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flightlog.dialects.facts import Facts, Seen, Usage
from flightlog.dialects.messages import messages
from flightlog.dialects.values import count, mapping, objects, parsed, text
from flightlog.records import genai

SIGNS: Final = ("gcp.vertex.agent",)

_OURS: Final = "gcp.vertex.agent."
_SCOPE: Final = "gcp.vertex.agent"


def read(seen: Seen) -> Facts | None:
    """What a span says in these names."""
    known = seen.attributes
    if seen.scope != _SCOPE and not any(name.startswith(_OURS) for name in known):
        return None
    facts = Facts(kind=_kind(seen))
    facts.session = text(known.get(_OURS + "session_id"))
    if facts.kind == "llm":
        facts.put(genai.OPERATION, "generate_content")
        request, answer = (
            mapping(known.get(_OURS + "llm_request")),
            mapping(known.get(_OURS + "llm_response")),
        )
        _take_call(facts, request, answer)
    elif facts.kind == "tool":
        given, said = known.get(_OURS + "tool_call_args"), known.get(_OURS + "tool_response")
        if given not in (None, "N/A", "{}"):
            facts.input = parsed(given)
        if said not in (None, "N/A", "{}"):
            facts.output = parsed(said)
    elif (data := known.get(_OURS + "data")) not in (None, "{}"):
        facts.input = parsed(data)
    return facts


def _kind(seen: Seen) -> str:
    if _OURS + "tool_call_args" in seen.attributes or seen.name.startswith("execute_tool"):
        return "tool"
    if seen.name == "call_llm" or seen.attributes.get(_OURS + "llm_request") not in (None, "{}"):
        return "llm"
    if seen.name == "invocation":
        return "workflow"
    return "agent" if seen.name.startswith(("agent_run", "invoke_agent")) else "step"


def _take_call(facts: Facts, request: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
    config = mapping(request.get("config"))
    facts.put(genai.REQUEST_MODEL, text(request.get("model")))
    system = messages(config.get("system_instruction"), role="system") or []
    facts.messages = [*system, *(messages(request.get("contents")) or [])] or None
    facts.answers = messages(answer.get("content"), role="assistant")
    facts.tools = objects(config.get("tools")) or None
    for key, value in config.items():
        if canonical := genai.PARAMETERS.get(key):
            facts.put(canonical, value)
    facts.put(
        genai.FINISH_REASONS, [reason.lower()] if (reason := text(answer.get("finish_reason"))) else None
    )
    used = mapping(answer.get("usage_metadata"))
    said, thought = count(used.get("candidates_token_count")), count(used.get("thoughts_token_count"))
    if used:
        facts.usage = Usage(
            count(used.get("prompt_token_count")),
            None if said is None else said + (thought or 0),
            count(used.get("cached_content_token_count")),
            None,
            thought,
            count(used.get("total_token_count")),
        )
