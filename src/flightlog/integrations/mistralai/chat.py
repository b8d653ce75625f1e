"""Chat, agents and fill-in-the-middle: what answers say, whole or in chunks.

They are OpenAI's Chat Completions but for contents of several parts: what the model thought stands in a part of its
own. It is kept as `reasoning_content`, beside the text, as other providers' is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from flightlog.integrations.openai import chat, chat_replica
from flightlog.integrations.stainless.answer import Answer, count, mapping, sequence, text
from flightlog.records import genai
from flightlog.records.span import Span

_THOUGHT: Final = "reasoning_content"
_PARTS: Final = frozenset({"text", "thinking"})
AUDIO: Final = genai.USAGE + "audio_seconds"
"""Seconds of sound that went in."""
_TIER: Final = genai.RESPONSE + "service_tier"


def read(body: Mapping[str, Any]) -> Answer:
    """Read a whole answer."""
    choices = [mapping(choice) for choice in sequence(body.get("choices"))]
    plain_ones = [{**choice, "message": plain(mapping(choice.get("message")))} for choice in choices]
    return _with_usage(chat.read({**body, "choices": plain_ones}), mapping(body.get("usage")))


def _with_usage(answer: Answer, usage: Mapping[str, Any]) -> Answer:
    """Take what only this API says of what was used."""
    if (seconds := count(usage, "prompt_audio_seconds")) is not None:
        answer.attributes[AUDIO] = seconds
    if tier := text(usage.get("service_tier")):
        answer.attributes[_TIER] = tier
    cached = count(usage, "num_cached_tokens")
    if cached is not None and answer.usage.cache_read is None:
        answer.usage = msgspec.structs.replace(answer.usage, cache_read=cached)
    return answer


def plain(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """A message, or a piece of one, whose content is a text; as it is where it holds more than texts."""
    parts = [mapping(part) for part in sequence(message.get("content"))]
    if not parts or not all(part.get("type") in _PARTS for part in parts):
        return message
    said = "".join(text(part.get("text")) for part in parts)
    thought = "".join(
        text(mapping(one).get("text")) for part in parts for one in sequence(part.get("thinking"))
    )
    rest = {name: value for name, value in message.items() if name != "content"}
    return {**rest, "content": said or None, _THOUGHT: thought or None}


class Chunks:
    """A streamed answer, put together from its chunks."""

    def __init__(self) -> None:
        self._chunks = chat.Chunks()
        self._usage: Mapping[str, Any] = {}
        self._others: dict[int, list[Any]] = {}
        """By choice, parts of a content that are no text."""

    @property
    def complete(self) -> bool:
        """Whether the provider has said that nothing more will come."""
        return self._chunks.complete

    @complete.setter
    def complete(self, value: bool) -> None:
        self._chunks.complete = value

    def event(self, data: Mapping[str, Any]) -> int | None:
        """Take one chunk; give the characters of generated text in it, None when it is not about any."""
        self._usage = mapping(data.get("usage")) or self._usage
        choices = [self._taken(mapping(choice)) for choice in sequence(data.get("choices"))]
        return self._chunks.event({**data, "choices": choices})

    def _taken(self, choice: Mapping[str, Any]) -> Mapping[str, Any]:
        delta = mapping(choice.get("delta"))
        parts = sequence(delta.get("content"))
        others = [part for part in parts if mapping(part).get("type") not in _PARTS]
        if others:
            self._others.setdefault(count(choice, "index") or 0, []).extend(others)
        texts = [part for part in parts if part not in others]
        return {**choice, "delta": plain({**delta, "content": texts or None} if parts else delta)}

    def answer(self) -> Answer:
        """What has been said so far."""
        answer = _with_usage(self._chunks.answer(), self._usage)
        for at, others in self._others.items():
            message = mapping((answer.messages or [])[at]) if at < len(answer.messages or []) else {}
            if answer.messages and message:
                said = [{"type": "text", "text": message["content"]}] if message.get("content") else []
                answer.messages[at] = {**message, "content": [*said, *others]}
        return answer


def whole(record: Span, body: Mapping[str, Any]) -> dict[str, Any]:
    """A recorded answer as one object.

    Raises:
        Unmakeable: something that the program asked for is not recorded.
    """
    answer = chat_replica.whole(record, body)
    for choice in answer["choices"]:
        choice["message"] = served(choice["message"])
    usage = answer.setdefault("usage", {})
    for name, attribute in (("prompt_audio_seconds", AUDIO), ("service_tier", _TIER)):
        if (told := record.attributes.get(attribute)) is not None:
            usage[name] = told
    return answer


def served(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message in the shape in which it was served."""
    made = {name: value for name, value in message.items() if name not in {_THOUGHT, "refusal"}}
    if thought := text(message.get(_THOUGHT)):
        said = text(message.get("content"))
        made["content"] = [_thinking(thought), *([{"type": "text", "text": said}] if said else [])]
    return made


def _thinking(thought: str) -> dict[str, Any]:
    return {"type": "thinking", "thinking": [{"type": "text", "text": thought}]}


def events(
    answer: Mapping[str, Any], body: Mapping[str, Any], pieces: int, *, complete: bool
) -> Iterator[bytes]:
    """The answer as server-sent events, as `openai.chat_replica` makes them."""
    choices = [mapping(choice) for choice in sequence(answer.get("choices"))]
    plain_ones = [{**choice, "message": plain(mapping(choice.get("message")))} for choice in choices]
    for event in chat_replica.events({**answer, "choices": plain_ones}, body, pieces, complete=complete):
        yield _as_parts(event)


def _as_parts(event: bytes) -> bytes:
    """An event in which what the model thought is a part of the content again."""
    if _THOUGHT.encode() not in event:
        return event
    data = msgspec.json.decode(event.removeprefix(b"data: "))
    for choice in data["choices"]:
        if (thought := choice["delta"].pop(_THOUGHT, None)) is not None:
            choice["delta"]["content"] = [_thinking(thought)]
    return b"data: " + msgspec.json.encode(data) + b"\n\n"
