"""Messages: what its answers say, whole or as events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from flightlog.integrations.stainless.answer import (
    Answer,
    Usage,
    count,
    failure_of,
    mapping,
    sequence,
    text,
)
from flightlog.records import genai

MOST_CHARACTERS: Final = 1 << 20
"""Of a streamed message as much is put together; what comes after is only counted."""

_USED: Final[Mapping[str, tuple[str, ...]]] = {
    "cache_write_1h_tokens": ("cache_creation", "ephemeral_1h_input_tokens"),
    "web_searches": ("server_tool_use", "web_search_requests"),
}
"""What is charged besides, and where it stands in `usage`."""
_FACTS: Final = ("service_tier", "inference_geo", "speed")
"""Members of `usage` that are no numbers."""
DELTAS: Final[Mapping[str, str]] = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "signature_delta": "signature",
    "input_json_delta": "partial_json",
    "compaction_delta": "content",
}
"""Type of a delta to its member that continues a text of the block."""


def read(body: Mapping[str, Any]) -> Answer:
    """Read a whole answer."""
    usage = mapping(body.get("usage"))
    answer = Answer(
        model=text(body.get("model")),
        id=text(body.get("id")),
        finish=[reason] if (reason := text(body.get("stop_reason"))) else [],
        usage=_usage(usage),
        failure=failure_of(body.get("error")),
        attributes=_used(usage),
    )
    if stop := text(body.get("stop_sequence")):
        answer.attributes[genai.RESPONSE + "stop_sequence"] = stop
    if isinstance(body.get("content"), list):
        content = [_said(block) for block in body["content"]]
        answer.messages = [{"role": text(body.get("role")) or "assistant", "content": content}]
    return answer


def _said(block: object) -> object:
    """A block without what a client parsed out of it."""
    if not isinstance(block, Mapping):
        return block
    return {key: value for key, value in block.items() if value is not None and key != "parsed_output"}


def _usage(usage: Mapping[str, Any]) -> Usage:
    """Tokens; the API leaves those of a cache out of its `input_tokens`."""
    fresh, cache_read, cache_write = (
        count(usage, name)
        for name in ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    )
    return Usage(
        input=None if fresh is None else fresh + (cache_read or 0) + (cache_write or 0),
        output=count(usage, "output_tokens"),
        cache_read=cache_read,
        cache_write=cache_write,
        reasoning=count(usage, "output_tokens_details", "thinking_tokens"),
    )


def _used(usage: Mapping[str, Any]) -> dict[str, Any]:
    """What else `usage` says."""
    used: dict[str, Any] = {
        genai.USAGE + name: told for name, path in _USED.items() if (told := count(usage, *path))
    }
    used.update({genai.RESPONSE + name: fact for name in _FACTS if (fact := text(usage.get(name)))})
    return used


class Events:
    """A streamed answer, put together from its events."""

    def __init__(self) -> None:
        self.complete = False
        self._body: dict[str, Any] = {}
        self._usage: dict[str, Any] = {}
        self._failure: tuple[str, str] | None = None
        self._blocks: dict[int, _Block] = {}
        self._room = MOST_CHARACTERS

    def event(self, data: Mapping[str, Any]) -> int | None:
        """Take one event; give the characters of generated text in it, None when it is not about any."""
        kind = text(data.get("type"))
        if kind == "content_block_delta":
            block = self._blocks.setdefault(count(data, "index") or 0, _Block({}))
            size = block.take(mapping(data.get("delta")), keep=self._room > 0)
            self._room -= size or 0
            return size
        if kind == "content_block_start":
            self._blocks[count(data, "index") or 0] = _Block(mapping(data.get("content_block")))
        elif kind == "message_start":
            self._body = {**mapping(data.get("message"))}
            self._take_usage(self._body)
        elif kind == "message_delta":
            self._body.update({key: value for key, value in mapping(data.get("delta")).items() if value})
            self._take_usage(data)
        elif kind == "message_stop":
            self.complete = True
        elif kind == "error" or data.get("error"):
            self._failure = failure_of(data.get("error"))
        return None

    def _take_usage(self, data: Mapping[str, Any]) -> None:
        """Take the tokens so far: each event tells the sum of what it tells, and may leave the rest out."""
        told = mapping(data.get("usage")).items()
        self._usage.update({key: value for key, value in told if value is not None})

    def answer(self) -> Answer:
        """What has been said so far."""
        content = [block.whole() for _, block in sorted(self._blocks.items())]
        if not self.complete and not text(self._body.get("stop_reason")):
            # The first event tells the one token that the answer begins with; what it comes to is not known.
            self._usage.pop("output_tokens", None)
        body = {**self._body, "usage": self._usage, "content": content}
        answer = read(body)
        answer.failure = self._failure
        return answer


class _Block:
    """One block of a streamed answer."""

    def __init__(self, begun: Mapping[str, Any]) -> None:
        self._block = dict(begun)
        self._pieces: dict[str, list[str]] = {}
        self._citations: list[Any] = []

    def take(self, delta: Mapping[str, Any], *, keep: bool) -> int | None:
        """Take what continues the block; give the characters that were generated, None where none were."""
        kind = text(delta.get("type"))
        if kind == "citations_delta" and keep:
            self._citations.append(delta.get("citation"))
        member = DELTAS.get(kind, "")
        piece = text(delta.get(member))
        if not piece:
            return None
        if keep:
            self._pieces.setdefault(member, []).append(piece)
        return None if member == "signature" else len(piece)

    def whole(self) -> dict[str, Any]:
        """The block so far, in the shape of one that is served whole."""
        block = dict(self._block)
        for member, pieces in self._pieces.items():
            said = "".join(pieces)
            if member == "partial_json":
                block["input"] = _decoded(said)
            else:
                block[member] = text(block.get(member)) + said
        if self._citations:
            block["citations"] = [*sequence(block.get("citations")), *self._citations]
        return block


def _decoded(said: str) -> object:
    """A tool's input; as the text that it is where it broke off."""
    try:
        return msgspec.json.decode(said)
    except (msgspec.DecodeError, UnicodeError):
        return said
