"""Chat Completions: what its answers say, whole or in chunks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flightlog.integrations.stainless.answer import (
    Answer,
    Usage,
    count,
    failure_of,
    mapping,
    sequence,
    text,
)

MOST_CHARACTERS: Final = 1 << 20
"""Of a streamed message as much is put together; what comes after is only counted."""

_TEXTS: Final = ("content", "refusal", "reasoning_content", "reasoning")
"""Members of a delta that continue each other; the last two are said by servers other than OpenAI's."""


def read(body: Mapping[str, Any]) -> Answer:
    """Read a whole answer."""
    answer = Answer()
    _take_head(answer, body)
    choices = [mapping(choice) for choice in sequence(body.get("choices"))]
    answer.finish = [reason for choice in choices if (reason := text(choice.get("finish_reason")))]
    answer.messages = [_said(mapping(choice.get("message"))) for choice in choices]
    return answer


def _said(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message without the members that say nothing, and without what a client parsed out of it."""
    return {key: value for key, value in message.items() if value is not None and key != "parsed"}


def _take_head(answer: Answer, body: Mapping[str, Any]) -> None:
    """Take what stands beside the choices of an answer or of a chunk."""
    answer.model = text(body.get("model")) or answer.model
    answer.id = text(body.get("id")) or answer.id
    usage = body.get("usage")
    if isinstance(usage, Mapping):
        answer.usage = _usage(usage)
    answer.failure = failure_of(body.get("error")) or answer.failure
    for name in ("service_tier", "system_fingerprint"):
        if value := text(body.get(name)):
            answer.attributes[f"openai.response.{name}"] = value


def _usage(usage: Mapping[str, Any]) -> Usage:
    return Usage(
        input=count(usage, "prompt_tokens"),
        output=count(usage, "completion_tokens"),
        cache_read=count(usage, "prompt_tokens_details", "cached_tokens"),
        cache_write=count(usage, "prompt_tokens_details", "cache_write_tokens"),
        reasoning=count(usage, "completion_tokens_details", "reasoning_tokens"),
    )


class Chunks:
    """A streamed answer, put together from its chunks."""

    def __init__(self) -> None:
        self.complete = False
        self._answer = Answer()
        self._choices: dict[int, _Choice] = {}
        self._room = MOST_CHARACTERS

    def event(self, data: Mapping[str, Any]) -> int | None:
        """Take one chunk; give the characters of generated text in it, None when it is not about any."""
        if (
            not self._answer.id or data.get("usage") or data.get("error")
        ):  # else it says what the first one said
            _take_head(self._answer, data)
        size: int | None = None
        for choice in sequence(data.get("choices")):
            part = mapping(choice)
            into = self._choices.setdefault(count(part, "index") or 0, _Choice())
            told = into.take(part, keep=self._room > 0)
            if told is not None:
                size = (size or 0) + told
        self._room -= size or 0
        return size

    def answer(self) -> Answer:
        """What has been said so far."""
        choices = [choice for _, choice in sorted(self._choices.items())]
        self._answer.finish = [choice.finish for choice in choices if choice.finish]
        self._answer.messages = [choice.message() for choice in choices]
        return self._answer


class _Choice:
    """One choice of a streamed answer."""

    def __init__(self) -> None:
        self.finish = ""
        self._plain: dict[str, Any] = {}
        self._texts: dict[str, list[str]] = {}
        self._calls: dict[int, _Call] = {}

    def take(self, part: Mapping[str, Any], *, keep: bool) -> int | None:
        """Take this choice's part of a chunk; give its characters, None when it generates nothing."""
        self.finish = text(part.get("finish_reason")) or self.finish
        delta = mapping(part.get("delta"))
        size: int | None = None
        for key, value in delta.items():
            if key in _TEXTS and isinstance(value, str):
                size = (size or 0) + len(value) if value else size
                if keep:
                    self._texts.setdefault(key, []).append(value)
            elif key == "tool_calls":
                for call in sequence(value):
                    size = (size or 0) + self._take_call(mapping(call), keep=keep)
            elif value is not None:
                self._plain[key] = value
        return size

    def _take_call(self, part: Mapping[str, Any], *, keep: bool) -> int:
        index = count(part, "index")
        call = self._calls.setdefault(len(self._calls) if index is None else index, _Call())
        return call.take(part, keep=keep)

    def message(self) -> dict[str, Any]:
        """The message so far, in the shape of one that is served whole."""
        said = {key: "".join(pieces) for key, pieces in self._texts.items()}
        message: dict[str, Any] = {"role": "assistant", **self._plain}
        message.update({key: value for key, value in said.items() if value or not self._calls})
        if self._calls:
            message["tool_calls"] = [call.whole() for _, call in sorted(self._calls.items())]
        return message


class _Call:
    """One tool call of a streamed message."""

    def __init__(self) -> None:
        self._plain: dict[str, Any] = {}
        self._function: dict[str, Any] = {}
        self._arguments: list[str] = []

    def take(self, part: Mapping[str, Any], *, keep: bool) -> int:
        """Take this call's part of a chunk; give the characters of its arguments."""
        self._plain.update(
            {k: v for k, v in part.items() if k not in {"index", "function"} and v is not None}
        )
        function = mapping(part.get("function"))
        self._function.update({k: v for k, v in function.items() if k != "arguments" and v is not None})
        arguments = text(function.get("arguments"))
        if keep:
            self._arguments.append(arguments)
        return len(arguments)

    def whole(self) -> dict[str, Any]:
        """The call so far."""
        return {**self._plain, "function": {**self._function, "arguments": "".join(self._arguments)}}
