"""What LangChain's objects say, in plain values: messages as OpenAI's Chat Completions have them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

_ROLES: Final[Mapping[str, str]] = {"human": "user", "ai": "assistant", "AIMessageChunk": "assistant"}
_DEEPEST: Final = 6
_PARAMETERS: Final = (
    "temperature",
    "top_p",
    "top_k",
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
    "frequency_penalty",
    "presence_penalty",
    "stop",
    "stop_sequences",
    "seed",
    "n",
    "reasoning_effort",
    "tool_choice",
    "response_format",
    "stream",
)
"""Of what a model was made or called with; the rest are addresses, clients and headers."""


def plain(value: Any, depth: int = 0) -> Any:
    """A value with the messages and documents in it as mappings; whatever else it holds is left to the recorder."""
    if depth > _DEEPEST:
        return value
    if isinstance(value, Mapping):
        return {key: plain(member, depth + 1) for key, member in value.items()}
    if isinstance(value, list | tuple) and not hasattr(value, "_fields"):
        return [plain(member, depth + 1) for member in value]
    if hasattr(value, "page_content"):
        return document(value)
    if hasattr(value, "content") and isinstance(getattr(value, "type", None), str):
        return message(value)
    if hasattr(value, "to_messages"):  # what a prompt template gives
        return {"messages": [message(one) for one in value.to_messages()]}
    return value


def message(said: Any) -> dict[str, Any]:
    """One message."""
    told: dict[str, Any] = {"role": _ROLES.get(said.type, said.type), "content": said.content}
    if calls := getattr(said, "tool_calls", None):
        told["tool_calls"] = [_call(one) for one in calls]
    for name in ("tool_call_id", "name", "status"):
        value = getattr(said, name, None)
        if value and value != "success":
            told[name] = value
    more = getattr(said, "additional_kwargs", None) or {}
    if reasoning := more.get("reasoning_content"):
        told["reasoning_content"] = reasoning
    return told


def _call(call: Mapping[str, Any]) -> dict[str, Any]:
    arguments = msgspec.json.encode(call.get("args"), enc_hook=str).decode()
    function = {"name": call.get("name"), "arguments": arguments}
    return {"id": call.get("id"), "type": "function", "function": function}


def document(found: Any) -> dict[str, Any]:
    """One document that was found."""
    told = {"id": getattr(found, "id", None), "content": found.page_content, "metadata": found.metadata}
    return {name: value for name, value in told.items() if value}


def parameters(given: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of a model call."""
    return {name: given[name] for name in _PARAMETERS if given.get(name) is not None}


def usage(generations: list[Any], output: Mapping[str, Any]) -> dict[str, int | None]:
    """Tokens of an answer, as `ModelCall.usage` takes them; empty where nobody told any."""
    told = [
        found
        for one in generations
        if isinstance(found := getattr(getattr(one, "message", None), "usage_metadata", None), Mapping)
    ]
    if not told:
        known = output.get("token_usage") or output.get("usage") or {}
        if not isinstance(known, Mapping):
            return {}
        names = (("input", "prompt_tokens", "input_tokens"), ("output", "completion_tokens", "output_tokens"))
        return {
            name: known.get(one, known.get(two)) for name, one, two in names if one in known or two in known
        }
    return {
        "input": _sum(told, "input_tokens") or None,  # nobody asks with nothing: it was not told
        "output": _sum(told, "output_tokens"),
        "cache_read": _sum(told, "input_token_details", "cache_read"),
        "cache_write": _sum(told, "input_token_details", "cache_creation"),
        "reasoning": _sum(told, "output_token_details", "reasoning"),
    }


def _sum(told: list[Mapping[str, Any]], *path: str) -> int | None:
    counts = []
    for one in told:
        value: Any = one
        for name in path:
            value = value.get(name) if isinstance(value, Mapping) else None
        if isinstance(value, int):
            counts.append(value)
    return sum(counts) if counts else None
