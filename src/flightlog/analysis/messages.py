"""What was said to a model and what it said, one paragraph a message, whatever shape a provider gives it.

Understood are lists of objects with a `role` or a `type`, as chat and response interfaces have them, alone or
under `messages`, `input` or `output`, and the parts that their contents are made of. Anything else is no
conversation, and None is the answer: its caller shows it as any other value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

_LISTS: Final = ("messages", "input", "output", "choices")
"""Keys of an input or output under which messages stand."""

_TEXTS: Final = ("text", "input_text", "output_text", "summary_text", "thinking", "refusal")
"""Types of parts that are text, under `text`, `thinking` or `refusal`."""


_TYPES: Final = frozenset({"message", "function_call", "function_call_output", "reasoning"})
"""Types of messages that need not have a role."""


class Message(Struct, frozen=True):
    """One message."""

    role: str
    """`system`, `user`, `assistant`, `tool`, …, as it came."""
    about: str
    """What else identifies it: the tool that was called, the call that is answered."""
    text: str


class Conversation(Struct, frozen=True):
    """Messages, and what stood beside them."""

    messages: Sequence[Message]
    rest: Mapping[str, Any]


def conversation(value: object) -> Conversation | None:
    """The messages in a span's input or output; None when there are none."""
    if isinstance(value, list):
        return _of_list(value, {})
    if not isinstance(value, dict):
        return None
    for key in _LISTS:
        listed = value.get(key)
        if isinstance(listed, list):
            found = _of_list(listed, {name: other for name, other in value.items() if name != key})
            if found is not None:
                return found
    return Conversation(list(_of(value)), {}) if _is_message(value) else None


def _of_list(values: list[Any], rest: Mapping[str, Any]) -> Conversation | None:
    if not values or not all(_is_message(value) for value in values):
        return None
    return Conversation([message for value in values for message in _of(value)], rest)


def _is_message(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    inner = value.get("message")
    message = inner if isinstance(inner, dict) else value
    return isinstance(message.get("role"), str) or message.get("type") in _TYPES


def _of(value: Mapping[str, Any]) -> Iterator[Message]:
    """A message as one, and one more for each tool that it calls."""
    if isinstance(value.get("message"), dict):
        value = value["message"]
    role = str(value.get("role") or _ROLES.get(str(value.get("type")), value.get("type")))
    about = value.get("name") or value.get("tool_call_id") or value.get("call_id") or ""
    if value.get("type") == "function_call":
        yield Message(role, str(about), _plain(value.get("arguments")))
        return
    text = _content(value.get("content", value.get("output", value.get("summary"))))
    calls = value.get("tool_calls") or []
    if text or not calls:
        yield Message(role, str(about), text)
    for call in calls if isinstance(calls, list) else []:
        function = call.get("function", call) if isinstance(call, dict) else {}
        function = function if isinstance(function, dict) else {}
        yield Message("calls", str(function.get("name") or ""), _plain(function.get("arguments", call)))


_ROLES: Final = {"function_call": "calls", "function_call_output": "tool"}


def _content(value: object) -> str:
    """The text of a content: as it is, or its parts one under the other."""
    if value is None:
        return ""
    if isinstance(value, list):
        return "\n".join(part for part in map(_part, value) if part)
    return _plain(value)


def _part(part: object) -> str:
    if isinstance(part, dict):
        if part.get("type") in _TEXTS:
            return _plain(part.get("text") or part.get("thinking") or part.get("refusal") or "")
        if part.get("type") in {"tool_use", "tool_result"}:
            named = part.get("name") or part.get("tool_use_id") or ""
            return f"[{part['type']} {named}] {_content(part.get('input', part.get('content')))}".rstrip()
    return _plain(part)


def _plain(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
