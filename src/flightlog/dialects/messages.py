"""Messages of a conversation, in whatever form they were told, in the one form that Flightlog writes.

That form is the one of OpenAI's Chat Completions, which Flightlog's own integration records as it is sent: `role`,
`content` (a text, or parts with a `type`), `tool_calls` with `function.name` and `function.arguments`, `tool_call_id`
on the answer of a tool; beside it `reasoning_content` and `finish_reason`. Read are that form, the parts of
OpenTelemetry's conventions, the blocks of Anthropic's API, the parts of Google's, the items of OpenAI's Responses, the
messages of LangChain. A part that is none of these stays as it is: nothing is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from flightlog.dialects.values import mapping, parsed, sequence, text

ROLES: Final[Mapping[str, str]] = {
    "ai": "assistant",
    "chatbot": "assistant",
    "developer": "developer",
    "function": "tool",
    "human": "user",
    "model": "assistant",
    "tool_result": "tool",
}
"""What other libraries call a role, in lower case, and we do not."""

_OURS: Final = frozenset({"assistant", "system", "tool", "user"})
_NO_ROLES: Final = frozenset({"unknown", "none", "chat", "generic"})
"""What is written for a role that somebody did not know."""
_CALLS: Final = frozenset({"tool_call", "tool_use", "function_call", "tool-call", "server_tool_call"})
_RESULTS: Final = frozenset(
    {"tool_call_response", "tool_result", "function_call_output", "tool-result", "server_tool_call_response"}
)
_THOUGHTS: Final = frozenset({"reasoning", "thinking"})
_TEXTS: Final = frozenset({"text", "input_text", "output_text", "refusal"})
_KEPT: Final = ("name", "finish_reason", "id", "refusal")
_NOTHING: Final[tuple[Any, ...]] = (None, "", [], {})


def messages(value: object, role: str = "user") -> list[Any] | None:
    """Every message of a list, of one alone, or of a text; None where there is none.

    Args:
        value: as it was told, also as JSON.
        role: whose a text by itself is.
    """
    value = parsed(value)
    if isinstance(value, Mapping) and isinstance(value.get("messages"), list | str):
        value = parsed(value["messages"])
    if value in _NOTHING:
        return None
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
        value = value[0]  # LangChain's batches
    found: list[Any] = []
    for one in value if isinstance(value, list) else [value]:
        found += _message(parsed(one), role)
    return found or None


def _message(value: Any, role: str) -> list[Any]:
    """One message; the results of several tools are several."""
    if not isinstance(value, Mapping):
        return [{"role": role, "content": value}] if value not in _NOTHING else []
    value = _unwrapped(value)
    kind = text(value.get("type"))
    said = text(value.get("role"))
    said = (
        ""
        if said.lower() in _NO_ROLES
        else said or (kind if kind.lower() in ROLES or kind == "system" else "")
    )
    made = _Made(role_of(said) if said else role)
    if not said and (kind in _CALLS or kind in _RESULTS or kind in _THOUGHTS):
        made.take(value)  # an item of OpenAI's Responses
        return made.messages()
    for key in _KEPT:
        if value.get(key) not in _NOTHING:
            made.more[key] = value[key]
    _take_content(made, value)
    for thought in ("reasoning_content", "reasoning"):
        if isinstance(value.get(thought), str):
            made.thoughts.append(value[thought])
    for call in sequence(value.get("tool_calls")) or sequence(value.get("toolCalls")):
        made.add_call(_call(mapping(call)))
    if isinstance(value.get("function_call"), Mapping):
        made.calls.append(_call(value["function_call"]))
    return made.messages()


def _take_content(made: _Made, value: Mapping[str, Any]) -> None:
    """What a message says, or, of a tool's, what it answers."""
    call_id = text(value.get("tool_call_id"))
    content = value.get("parts", value.get("contents", value.get("content")))
    if content is None:
        content = value.get("text")
    if call_id and made.role == "tool":
        made.results.append((call_id, _result(content)))
    elif isinstance(content, list):
        for part in content:
            made.take(parsed(part) if isinstance(part, str) and part[:1] == "{" else part)
    elif content not in _NOTHING:
        made.parts.append({"type": "text", "text": content} if isinstance(content, str) else content)


def role_of(said: str) -> str:
    """A role in our words."""
    return ROLES.get(said.lower(), said.lower())


def _unwrapped(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """What LangChain and OpenAI's answers pack a message into."""
    if isinstance(value.get("kwargs"), Mapping) and isinstance(value.get("id"), list):
        name = text(value["id"][-1]) if value["id"] else ""
        role = name.removesuffix("Chunk").removesuffix("Message").lower()
        return {
            "type": role,
            **value["kwargs"],
            **({"role": role} if role in ROLES or role == "system" else {}),
        }
    if isinstance(value.get("data"), Mapping) and "content" in value["data"]:
        return {"type": text(value.get("type")), **value["data"]}
    if isinstance(value.get("message"), Mapping):
        return {**value["message"], **{key: value[key] for key in ("finish_reason",) if value.get(key)}}
    return value


class _Made:
    """A message that is being put together."""

    def __init__(self, role: str) -> None:
        self.role = role
        self.parts: list[Any] = []
        self.calls: list[Any] = []
        self.thoughts: list[str] = []
        self.results: list[tuple[str, Any]] = []
        self.more: dict[str, Any] = {}

    def take(self, part: Any) -> None:
        """Take one part of its content."""
        if isinstance(part, str):
            self.parts.append({"type": "text", "text": part})
            return
        if not isinstance(part, Mapping):
            self.parts.append(part)
            return
        kind = text(part.get("type")).lower() or _kind_of(part)
        if kind in _CALLS:
            self.role = "assistant" if self.role == "user" else self.role
            self.add_call(_call(part))
        elif kind in _RESULTS:
            self.results.append(_answer(part))
        elif kind in _THOUGHTS:
            self.thoughts += _thought(part)
        else:
            self.parts.append(_part(kind, part))

    def add_call(self, call: dict[str, Any]) -> None:
        """Add a call of a tool, unless it was told already, as a part or beside the parts."""
        if "id" not in call or all(call["id"] != known.get("id") for known in self.calls):
            self.calls.append(call)

    def messages(self) -> list[Any]:
        """What it is: itself, unless it only answers calls, and a message for each answer."""
        found: list[Any] = []
        if self.parts or self.calls or self.thoughts or not self.results:
            found.append(self._itself())
        for call_id, result in self.results:
            answer = {"role": "tool", "tool_call_id": call_id, "content": result}
            found.append({**answer, **({"name": self.more["name"]} if "name" in self.more else {})})
        return found

    def _itself(self) -> dict[str, Any]:
        said: dict[str, Any] = {"role": self.role}
        said.update((key, value) for key, value in self.more.items() if key != "id")
        if self.parts:
            said["content"] = _content(self.parts)
        if self.thoughts:
            said["reasoning_content"] = "".join(self.thoughts)
        if self.calls:
            said["tool_calls"] = self.calls
        if not self.parts and not self.calls and not self.thoughts:
            said["content"] = None
        return said


def _kind_of(part: Mapping[str, Any]) -> str:
    """The kind of a part that does not say it, as Google's."""
    for name, kind in (
        ("functionCall", "tool_call"),
        ("function_call", "tool_call"),
        ("functionResponse", "tool_result"),
        ("function_response", "tool_result"),
        ("toolCallId", "tool_call"),
        ("inlineData", "inline"),
        ("inline_data", "inline"),
        ("text", "reasoning" if part.get("thought") is True else "text"),
    ):
        if part.get(name) is not None:
            return kind
    return ""


def _part(kind: str, part: Mapping[str, Any]) -> Any:
    """A part in our form."""
    if kind in _TEXTS:
        said = part.get("text", part.get("content", part.get("refusal")))
        return {"type": "text", "text": said if said is not None else ""}
    if kind in {"inline", "blob"}:
        data = mapping(part.get("inlineData") or part.get("inline_data") or part)
        mime = text(data.get("mime_type") or data.get("mimeType"))
        return _media(
            mime,
            text(part.get("modality")),
            f"data:{mime};base64,{data.get('data', data.get('content', ''))}",
        )
    if kind == "uri":
        return _media(text(part.get("mime_type")), text(part.get("modality")), text(part.get("uri")))
    if kind == "image" and isinstance(part.get("source"), Mapping):
        source = part["source"]
        url = (
            text(source.get("url")) or f"data:{source.get('media_type', '')};base64,{source.get('data', '')}"
        )
        return {"type": "image_url", "image_url": {"url": url}}
    if kind == "image" and isinstance(part.get("image"), Mapping | str):
        return {"type": "image_url", "image_url": _url_of(part["image"])}
    if kind == "file" and part.get("file_id"):
        return {"type": "file", "file": {"file_id": part["file_id"]}}
    return dict(part)


def _url_of(image: Any) -> dict[str, Any]:
    inner = mapping(image)
    nested = inner.get("image", inner)
    return {"url": text(mapping(nested).get("url")) if isinstance(nested, Mapping) else text(image)}


def _media(mime: str, modality: str, url: str) -> dict[str, Any]:
    """A picture, a sound or a document by its address, which may hold it."""
    sort = modality or mime.partition("/")[0]
    if sort == "image":
        return {"type": "image_url", "image_url": {"url": url}}
    return {"type": sort or "file", "url": url, **({"mime_type": mime} if mime else {})}


def _thought(part: Mapping[str, Any]) -> Iterable[str]:
    said = part.get("thinking", part.get("content", part.get("text")))
    if isinstance(said, str):
        return [said]
    return [text(mapping(one).get("text")) for one in sequence(part.get("summary")) if one]


def _call(part: Mapping[str, Any]) -> dict[str, Any]:
    """A call of a tool in our form."""
    inner = part.get("function", part.get("functionCall", part.get("function_call", part)))
    inner = inner if isinstance(inner, Mapping) else part
    given = next(
        (inner[key] for key in ("arguments", "args", "input", "parameters") if inner.get(key) is not None),
        part.get("arguments"),
    )
    call_id = next((part[key] for key in ("id", "call_id", "toolCallId") if text(part.get(key))), "")
    call_id = text(part.get("call_id")) or text(call_id) or text(inner.get("id"))
    name = text(inner.get("name")) or text(part.get("toolName")) or text(part.get("name"))
    made: dict[str, Any] = {"id": call_id} if call_id else {}
    return {**made, "type": "function", "function": {"name": name, "arguments": _as_text(given)}}


def _answer(part: Mapping[str, Any]) -> tuple[str, Any]:
    """What a tool answered, and to which call."""
    inner = mapping(part.get("functionResponse") or part.get("function_response") or part)
    names = ("tool_use_id", "tool_call_id", "call_id", "toolCallId", "id")
    call_id = next((text(inner[key]) for key in names if text(inner.get(key))), text(inner.get("name")))
    for key in ("response", "result", "output", "content"):
        if inner.get(key) is not None:
            return call_id, _result(inner[key])
    return call_id, None


def _result(value: Any) -> Any:
    """The answer of a tool: a text where it is one."""
    if isinstance(value, list):
        return _content(
            [_part(text(mapping(one).get("type")) or _kind_of(mapping(one)), mapping(one)) for one in value]
        )
    if isinstance(value, Mapping) and set(value) == {"type", "value"}:
        return value["value"]  # Vercel's
    return value


def _content(parts: list[Any]) -> Any:
    """Parts as the content of a message: a text where they are one."""
    if len(parts) == 1 and isinstance(parts[0], Mapping) and set(parts[0]) == {"type", "text"}:
        return parts[0]["text"]
    return parts


def _as_text(value: Any) -> str:
    """Arguments as the JSON text that a model writes."""
    if isinstance(value, str):
        return value
    return "{}" if value is None else msgspec.json.encode(value).decode()
