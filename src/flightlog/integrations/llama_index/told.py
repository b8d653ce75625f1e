"""What LlamaIndex's objects say, in plain values: messages as OpenAI's Chat Completions have them."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, Final

import msgspec

_DEEPEST: Final = 5
_OURS: Final = ("llama_index.", "workflows.")
_LEFT_OUT: Final = frozenset({"raw", "ctx", "embedding", "callback_manager"})
"""Members of its objects that are large or say what stands beside them."""
_PARAMETERS: Final = (
    "temperature",
    "top_p",
    "top_k",
    "max_tokens",
    "max_completion_tokens",
    "stop",
    "seed",
    "n",
    "reasoning_effort",
    "tool_choice",
    "response_format",
)


def plain(value: Any, depth: int = 0) -> Any:
    """A value with the messages, nodes and events in it as mappings; whatever else it holds is left to the recorder."""
    if depth > _DEEPEST or isinstance(value, str | bytes | int | float | bool | None):
        return value
    if isinstance(value, Mapping):
        return {key: plain(member, depth + 1) for key, member in value.items() if key not in _LEFT_OUT}
    if isinstance(value, list | tuple | set):
        return [plain(member, depth + 1) for member in value]
    if not _is_theirs(value):
        return value
    if hasattr(value, "blocks") and hasattr(value, "role"):
        return message(value)
    if hasattr(value, "get_content"):
        return node(value)
    if hasattr(value, "query_str"):
        return value.query_str
    if hasattr(value, "message") and hasattr(value, "delta"):
        return message(value.message)
    if hasattr(value, "raw_output") and hasattr(value, "tool_name"):
        return value.content
    if type(value).__name__ == "StopEvent":
        return plain(value.result, depth + 1)
    return _members(value, depth)


def _is_theirs(value: object) -> bool:
    """Whether it is an object of theirs, or an event that the program derived from one."""
    return any(base.__module__.startswith(_OURS) for base in type(value).__mro__)


def _members(value: Any, depth: int) -> Any:
    """What an event or an answer holds; the name of whatever is neither."""
    known = getattr(type(value), "model_fields", getattr(value, "__dataclass_fields__", None))
    if known is None or hasattr(value, "template_vars"):  # of a prompt's template the messages are recorded
        return type(value).__name__
    held = {name: getattr(value, name, None) for name in known}
    held.update(getattr(value, "_data", None) or {})  # an event keeps there what its class does not declare
    return {
        name: plain(member, depth + 1)
        for name, member in held.items()
        if name not in _LEFT_OUT and not name.startswith("_") and member is not None
    }


def message(said: Any) -> dict[str, Any]:
    """One message."""
    texts: list[str] = []
    others: list[dict[str, Any]] = []
    thoughts: list[str] = []
    calls: list[dict[str, Any]] = []
    for block in said.blocks:
        sort = getattr(block, "block_type", "")
        if sort == "text":
            texts.append(block.text)
        elif sort == "thinking":
            thoughts.append(block.content or "")
        elif sort == "tool_call":
            calls.append(_call(block.tool_call_id, block.tool_name, block.tool_kwargs))
        else:
            others.append({"type": sort or type(block).__name__})
    text = "\n".join(texts)
    told: dict[str, Any] = {
        "role": str(getattr(said.role, "value", said.role)),
        "content": [{"type": "text", "text": text}, *others] if others else text,
    }
    more = said.additional_kwargs or {}
    calls = calls or [_plain_call(call) for call in more.get("tool_calls") or ()]
    if calls:
        told["tool_calls"] = calls
    if any(thoughts):
        told["reasoning_content"] = "".join(thoughts)
    told.update({name: more[name] for name in ("tool_call_id", "name") if more.get(name)})
    return told


def _call(call_id: object, name: object, arguments: object) -> dict[str, Any]:
    text = arguments if isinstance(arguments, str) else msgspec.json.encode(arguments, enc_hook=str).decode()
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": text}}


def _plain_call(call: Any) -> Any:
    function = getattr(call, "function", None)
    if function is None:
        return call
    return _call(getattr(call, "id", None), function.name, function.arguments)


def node(found: Any) -> dict[str, Any]:
    """One node, with its score where it was found by one."""
    inner = getattr(found, "node", found)
    told = {
        "id": getattr(inner, "node_id", None),
        "score": getattr(found, "score", None),
        "content": inner.get_content(),
        "metadata": getattr(inner, "metadata", None) or None,
    }
    return {name: value for name, value in told.items() if value is not None}


def parameters(model: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of a model call: those of the call, else the model's own."""
    own = vars(model)  # asking for a field that is not there takes pydantic long
    found = {name: given.get(name, own.get(name)) for name in _PARAMETERS}
    return {
        name: value for name, value in found.items() if isinstance(value, str | int | float | list | dict)
    }


def model_of(model: Any) -> str:
    """The name of a model; empty where it has none."""
    own = vars(model)
    for name in ("model", "model_name", "model_id", "deployment_name"):
        said = own.get(name)
        if isinstance(said, str) and said and said != "unknown":
            return said
    return ""


def provider_in(kind: Any) -> str:
    """Whose models those of a class are, as far as its package says so: `llama_index.llms.NAME`."""
    return _provider_in(kind)


@functools.lru_cache(maxsize=1_000)
def _provider_in(kind: type) -> str:
    for base in kind.__mro__:
        path = base.__module__.split(".")
        if len(path) > 2 and path[0] == "llama_index" and path[1] in {"llms", "embeddings"}:
            return path[2].removesuffix("_like")
    return ""


def facts(raw: Any) -> dict[str, str]:
    """What the provider's own answer says of itself: its id, the model that answered, why it stopped."""
    choices = _of(raw, "choices")
    first = choices[0] if isinstance(choices, list | tuple) and choices else None
    found = {
        "id": _of(raw, "id") or _of(raw, "response_id"),
        "model": _of(raw, "model") or _of(raw, "model_version"),
        "reason": _of(first, "finish_reason") or _of(raw, "stop_reason"),
    }
    return {name: value for name, value in found.items() if isinstance(value, str)}


def usage(raw: Any, more: Mapping[str, Any] | None = None) -> dict[str, int | None]:
    """Tokens of an answer, as `ModelCall.usage` takes them; what nobody told is not there.

    Args:
        raw: the provider's own answer, or one chunk of it.
        more: what LlamaIndex says beside it.
    """
    used = _of(raw, "usage") or _of(raw, "usage_metadata") or more or {}
    came_in = _count(used, "prompt_tokens", "input_tokens", "prompt_token_count")
    cached = _count(used, "cache_read_input_tokens")
    written = _count(used, "cache_creation_input_tokens")
    if came_in is not None:  # Anthropic leaves these out of its `input_tokens`
        came_in += (cached or 0) + (written or 0)
    came_out = _count(used, "completion_tokens", "output_tokens", "candidates_token_count")
    thought = _count(used, "thoughts_token_count")
    if came_out is not None and thought is not None:  # Gemini leaves these out of its candidates
        came_out += thought
    details = _of(used, "prompt_tokens_details") or _of(used, "input_tokens_details")
    spent = _of(used, "completion_tokens_details") or _of(used, "output_tokens_details")
    told = {
        "input": came_in,
        "output": came_out,
        "cache_read": _first(
            cached, _count(details, "cached_tokens"), _count(used, "cached_content_token_count")
        ),
        "cache_write": written,
        "reasoning": _first(thought, _count(spent, "reasoning_tokens")),
    }
    return {name: count for name, count in told.items() if count is not None}


def _of(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else getattr(value, name, None)


def _count(value: Any, *names: str) -> int | None:
    return _first(*(found for name in names if type(found := _of(value, name)) is int))


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)
