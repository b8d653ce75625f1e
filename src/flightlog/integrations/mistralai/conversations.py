"""Conversations that the provider keeps: what answers say, whole or as events; and recorded ones, served again.

An answer is a list of entries: messages, calls of functions, and what tools of the provider's own did. They are kept as
messages: a call of a function as a `tool_calls` of the assistant, a tool's work as a message of the role `tool`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from flightlog.core.rerun import Unmakeable
from flightlog.integrations.mistralai.chat import plain, served
from flightlog.integrations.stainless.answer import Answer, Usage, count, mapping, sequence, text
from flightlog.integrations.stainless.pieces import cut
from flightlog.records import genai
from flightlog.records.span import Span

MOST_CHARACTERS: Final = 1 << 20
"""Of a streamed answer as much is put together; what comes after is only counted."""
CONVERSATION: Final = genai.RESPONSE + "conversation_id"
"""Of the conversation that the answer belongs to; a request that goes on with one names it by itself."""
CONNECTOR_TOKENS: Final = genai.RESPONSE + "connector_tokens"
"""Of the tokens that went in, those of what the provider's own tools found."""

_PATH: Final = re.compile(r"/conversations(?:/(?P<id>[^/]+))?(?:/restart)?$")
_MESSAGE: Final = "message.output"
_FUNCTION: Final = "function.call"
_TOOL: Final = "tool.execution"
_RESPONSE: Final = "conversation.response"


def id_in(path: str) -> str | None:
    """The id of the conversation that a request goes on with, empty for a new one; None where it is for none."""
    found = _PATH.search(path)
    return None if found is None else found["id"] or ""


def read(body: Mapping[str, Any]) -> Answer:
    """Read a whole answer."""
    entries = [mapping(entry) for entry in sequence(body.get("outputs"))]
    usage = mapping(body.get("usage"))
    sent, found = count(usage, "prompt_tokens"), count(usage, "connector_tokens")
    answer = Answer(
        model=next((name for entry in entries if (name := text(entry.get("model")))), ""),
        messages=[_message(entry) for entry in entries],
        usage=Usage(
            input=None if sent is None else sent + (found or 0), output=count(usage, "completion_tokens")
        ),
    )
    if found is not None:
        answer.attributes[CONNECTOR_TOKENS] = found
    if used := mapping(usage.get("connectors")):
        answer.attributes[genai.RESPONSE + "connectors"] = dict(used)
    if conversation := text(body.get("conversation_id")):
        answer.attributes[CONVERSATION] = conversation
    return answer


def _message(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    kind = text(entry.get("type"))
    if kind == _MESSAGE:
        return plain({"role": text(entry.get("role")) or "assistant", "content": entry.get("content")})
    if kind == _FUNCTION:
        given = entry.get("arguments")
        said = given if isinstance(given, str) else msgspec.json.encode(given).decode()
        function = {"name": text(entry.get("name")), "arguments": said}
        call = {"id": text(entry.get("tool_call_id")), "type": "function", "function": function}
        return {"role": "assistant", "tool_calls": [call]}
    if kind == _TOOL:
        done = {name: entry[name] for name in ("arguments", "info") if entry.get(name)}
        return {"role": "tool", "name": text(entry.get("name")), "content": done}
    return entry


class Events:
    """A streamed answer, put together from its events."""

    def __init__(self) -> None:
        self.complete = False
        self._body: dict[str, Any] = {}
        self._entries: dict[str, _Entry] = {}
        self._failure: tuple[str, str] | None = None
        self._room = MOST_CHARACTERS

    def event(self, data: Mapping[str, Any]) -> int | None:
        """Take one event; give the characters of generated text in it, None when it is not about any."""
        kind = text(data.get("type"))
        if kind.startswith(_RESPONSE):
            self._take_state(kind.rpartition(".")[2], data)
            return None
        size = self._entries.setdefault(text(data.get("id")), _Entry()).take(kind, data, keep=self._room > 0)
        self._room -= size or 0
        return size

    def _take_state(self, state: str, data: Mapping[str, Any]) -> None:
        if state == "started":
            self._body["conversation_id"] = data.get("conversation_id")
        elif state == "done":
            self._body["usage"] = data.get("usage")
            self.complete = True
        elif state == "error":
            self._failure = str(data.get("code") or "error"), text(data.get("message"))

    def answer(self) -> Answer:
        """What has been said so far."""
        answer = read({**self._body, "outputs": [entry.whole() for entry in self._entries.values()]})
        answer.failure = self._failure
        return answer


class _Entry:
    """One entry of a streamed answer."""

    def __init__(self) -> None:
        self._entry: dict[str, Any] = {}
        self._parts: list[Any] = []
        self._arguments: list[str] = []

    def take(self, kind: str, data: Mapping[str, Any], *, keep: bool) -> int | None:
        """Take one event; give the characters that were generated, None where none were."""
        self._entry["type"] = kind.rpartition(".")[0]
        for name in ("name", "tool_call_id", "model", "role", "info"):
            if data.get(name):
                self._entry[name] = data[name]
        content, arguments = data.get("content"), text(data.get("arguments"))
        if keep and arguments:
            self._arguments.append(arguments)
        if not content:
            return len(arguments) if arguments and self._entry["type"] == _FUNCTION else None
        parts = content if isinstance(content, list) else [content]
        parts = [{"type": "text", "text": part} if isinstance(part, str) else part for part in parts]
        if keep:
            self._parts += parts
        return len(text(plain({"content": parts}).get("content")))

    def whole(self) -> dict[str, Any]:
        """The entry so far, in the shape of one that is served whole."""
        said = {"content": self._parts} if self._entry.get("type") == _MESSAGE else {}
        given = {"arguments": "".join(self._arguments)} if self._arguments else {}
        return {**self._entry, **said, **given}


def whole(record: Span, _body: Mapping[str, Any]) -> dict[str, Any]:
    """A recorded answer as one object.

    Raises:
        Unmakeable: one of its entries is of a sort that is not known here.
    """
    attributes = record.attributes
    sent, found = attributes.get(genai.INPUT_TOKENS), attributes.get(CONNECTOR_TOKENS)
    said = attributes.get(genai.OUTPUT_TOKENS) or 0
    usage = {
        "prompt_tokens": (sent or 0) - (found or 0),
        "completion_tokens": said,
        "total_tokens": (sent or 0) + said,
        "connector_tokens": found,
        "connectors": attributes.get(genai.RESPONSE + "connectors"),
    }
    model = attributes.get(genai.RESPONSE_MODEL)
    messages = [mapping(one) for one in sequence(mapping(record.output).get("messages"))]
    return {
        "conversation_id": attributes.get(CONVERSATION, ""),
        "object": "conversation.response",
        "outputs": [
            {"id": f"entry_{at}", "object": "entry", **_entry(message), **({"model": model} if model else {})}
            for at, message in enumerate(messages)
        ],
        "usage": {name: number for name, number in usage.items() if number is not None},
    }


def _entry(message: Mapping[str, Any]) -> dict[str, Any]:
    if calls := sequence(message.get("tool_calls")):
        call = mapping(calls[0])
        return {"type": _FUNCTION, "tool_call_id": call.get("id"), **mapping(call.get("function"))}
    if message.get("role") == "tool":
        done = mapping(message.get("content"))
        told = {"info": done["info"]} if "info" in done else {}
        return {"type": _TOOL, "name": message.get("name"), "arguments": done.get("arguments", ""), **told}
    if message.get("role") == "assistant":
        return {"type": _MESSAGE, **served(message)}
    raise Unmakeable("it holds an entry that is neither a message nor a call")


def events(
    answer: Mapping[str, Any], _body: Mapping[str, Any], pieces: int, *, complete: bool
) -> Iterator[bytes]:
    """The answer as server-sent events, its text in about as many pieces as it came in."""
    yield _event(f"{_RESPONSE}.started", conversation_id=answer.get("conversation_id"))
    for at, entry in enumerate(sequence(answer.get("outputs"))):
        plain_entry = {name: value for name, value in entry.items() if name not in {"type", "object"}}
        if entry["type"] == _TOOL:
            info = plain_entry.pop("info", None)
            yield _event(f"{_TOOL}.started", output_index=at, **plain_entry)
            yield _event(f"{_TOOL}.done", output_index=at, id=entry["id"], name=entry["name"], info=info)
        elif entry["type"] == _FUNCTION:
            yield _event(f"{_FUNCTION}.delta", output_index=at, **plain_entry)
        else:
            for piece in _pieces(plain_entry.pop("content", None), pieces):
                yield _event(f"{_MESSAGE}.delta", output_index=at, content=piece, **plain_entry)
    if complete:
        yield _event(f"{_RESPONSE}.done", usage=answer.get("usage"))


def _pieces(content: Any, pieces: int) -> Iterator[Any]:
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else sequence(content)
    for part in parts:
        if mapping(part).get("type") == "text":
            yield from cut(text(part.get("text")), max(1, pieces))
        else:
            yield part


def _event(kind: str, **members: Any) -> bytes:
    return f"event: {kind}\ndata: ".encode() + msgspec.json.encode({"type": kind, **members}) + b"\n\n"
