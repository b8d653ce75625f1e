"""What AutoGen's objects say, in plain values: messages to models as OpenAI's Chat Completions have them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from flightlog.dialects.providers import provider_of

_ROLES: Final[Mapping[str, str]] = {
    "SystemMessage": "system",
    "UserMessage": "user",
    "AssistantMessage": "assistant",
}
_RESULTS: Final = "FunctionExecutionResultMessage"
_PARAMETERS: Final = (
    "temperature",
    "top_p",
    "top_k",
    "max_tokens",
    "max_completion_tokens",
    "frequency_penalty",
    "presence_penalty",
    "stop",
    "stop_sequences",
    "seed",
    "reasoning_effort",
)
"""Of what a client was made or called with; the rest are addresses and headers."""
_PROVIDERS: Final = ("anthropic", "azure", "ollama", "openai")
_EXTENSIONS: Final = "autogen_ext.models."


def conversation(messages: Iterable[Any]) -> list[dict[str, Any]]:
    """What a model is given."""
    return [told for message in messages for told in _message(message)]


def _message(message: Any) -> list[dict[str, Any]]:
    kind = getattr(message, "type", type(message).__name__)
    if kind == _RESULTS:
        return [
            {
                "role": "tool",
                "tool_call_id": one.call_id,
                "content": one.content,
                **({"name": one.name} if getattr(one, "name", "") else {}),
            }
            for one in message.content
        ]
    return [{"role": _ROLES.get(kind, kind), **_said(message)}]


def _said(message: Any) -> dict[str, Any]:
    """Content, calls of tools, and what was thought before."""
    content = message.content
    told: dict[str, Any] = {"content": content}
    if isinstance(content, list):
        if content and all(hasattr(one, "arguments") for one in content):
            told = {"content": None, "tool_calls": [_call(one) for one in content]}
        else:
            told = {"content": [_part(one) for one in content]}
    if thought := getattr(message, "thought", None):
        told["reasoning_content"] = thought
    return told


def _call(call: Any) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _part(part: object) -> dict[str, Any]:
    return {"type": "text", "text": part} if isinstance(part, str) else {"type": "image"}


def answer(result: Any) -> list[dict[str, Any]]:
    """What a model answered."""
    return [{"role": "assistant", **_said(result)}]


def usage(result: Any) -> dict[str, int | None]:
    """Tokens of an answer, as `ModelCall.usage` takes them; empty where nobody told any, which AutoGen says as 0."""
    told = getattr(result, "usage", None)
    came_in, came_out = getattr(told, "prompt_tokens", 0), getattr(told, "completion_tokens", 0)
    return {"input": came_in, "output": came_out} if came_in or came_out else {}


def tools(given: Iterable[Any]) -> list[Any] | None:
    """Definitions of tools; None for none."""
    schemas = [one if isinstance(one, Mapping) else getattr(one, "schema", None) for one in given or ()]
    return [{"type": "function", "function": schema} for schema in schemas if schema] or None


def model(client: Any) -> str:
    """The model that a client asks, where it says so."""
    made_with = getattr(client, "_create_args", None)
    known = made_with.get("model") if isinstance(made_with, Mapping) else getattr(client, "model", "")
    return known if isinstance(known, str) else ""


def provider(client: Any) -> str:
    """Whose service a client uses, by the class that it is of."""
    for kind in type(client).__mro__:
        if kind.__module__.startswith(_EXTENSIONS):
            if kind.__name__.startswith("Azure"):
                return provider_of("azure")
            name = kind.__module__.removeprefix(_EXTENSIONS).partition(".")[0]
            return provider_of(name) if name in _PROVIDERS else ""
    return ""


def parameters(client: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of a call."""
    made_with = getattr(client, "_create_args", None)
    known = {
        **(made_with if isinstance(made_with, Mapping) else {}),
        **(given.get("extra_create_args") or {}),
    }
    return {name: known[name] for name in _PARAMETERS if known.get(name) is not None}


def chat(message: Any) -> Any:
    """One message between agents."""
    if isinstance(message, str) or message is None:
        return message
    told: dict[str, Any] = {"source": getattr(message, "source", ""), "type": getattr(message, "type", "")}
    content = getattr(message, "content", None)
    told["content"] = content if isinstance(content, str) else _text(message)
    if target := getattr(message, "target", None):
        told["target"] = target
    return told


def _text(message: Any) -> object:
    speak = getattr(message, "to_text", None)
    return speak() if callable(speak) else str(message)


def chats(messages: Any) -> Any:
    """What an agent or a team is given: one message, or several."""
    return [chat(one) for one in messages] if isinstance(messages, list | tuple) else chat(messages)
