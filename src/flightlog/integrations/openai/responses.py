"""Responses: what its answers say, whole or as events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flightlog.integrations.openai.chat import MOST_CHARACTERS
from flightlog.integrations.stainless.answer import (
    Answer,
    Usage,
    count,
    failure_of,
    mapping,
    sequence,
    text,
)

_LAST: Final = frozenset({"response.completed", "response.incomplete", "response.failed"})
"""Events that hold the whole answer, and after which nothing comes."""


def read(body: Mapping[str, Any]) -> Answer:
    """Read a whole answer; one that is only queued says neither tokens nor text."""
    usage = body.get("usage")
    answer = Answer(
        model=text(body.get("model")),
        id=text(body.get("id")),
        messages=[_said(item) for item in sequence(body.get("output"))],
        usage=_usage(usage) if isinstance(usage, Mapping) else Usage(),
        failure=failure_of(body.get("error")),
    )
    answer.finish = _finish(body)
    if tier := text(body.get("service_tier")):
        answer.attributes["openai.response.service_tier"] = tier
    return answer


def _finish(body: Mapping[str, Any]) -> list[str]:
    """Why it ended: what made it incomplete, else its status, such as `completed` or `queued`."""
    reason = text(mapping(body.get("incomplete_details")).get("reason")) or text(body.get("status"))
    return [reason] if reason else []


def _usage(usage: Mapping[str, Any]) -> Usage:
    return Usage(
        input=count(usage, "input_tokens"),
        output=count(usage, "output_tokens"),
        cache_read=count(usage, "input_tokens_details", "cached_tokens"),
        cache_write=count(usage, "input_tokens_details", "cache_write_tokens"),
        reasoning=count(usage, "output_tokens_details", "reasoning_tokens"),
    )


def _said(item: object) -> object:
    """An output item without what a client parsed out of it."""
    if not isinstance(item, Mapping):
        return item
    kept = {key: value for key, value in item.items() if key not in {"parsed", "parsed_arguments"}}
    if isinstance(item.get("content"), list):
        kept["content"] = [_said(part) for part in item["content"]]
    return kept


class Events:
    """A streamed answer. Its last event holds it whole; until then it is put together from the items."""

    def __init__(self) -> None:
        self.complete = False
        self._body: Mapping[str, Any] = {}
        self._failure: tuple[str, str] | None = None
        self._items: dict[int, _Item] = {}
        self._room = MOST_CHARACTERS

    def event(self, data: Mapping[str, Any]) -> int | None:
        """Take one event; give the characters of generated text in it, None when it is not about any."""
        kind = text(data.get("type"))
        if isinstance(data.get("response"), Mapping):
            self._body = data["response"]
            self.complete = self.complete or kind in _LAST
            return None
        if kind == "error" or data.get("error"):
            self._failure = failure_of(data.get("error") or {**data, "type": data.get("code")})
            return None
        index = count(data, "output_index")
        if index is None:
            return None
        item = self._items.setdefault(index, _Item())
        if isinstance(data.get("item"), Mapping):
            item.begin_or_end(data["item"], ended=kind == "response.output_item.done")
            return None
        delta = text(data.get("delta"))
        if not kind.endswith(".delta") or not delta:
            return None
        item.take(kind, delta, keep=self._room > 0)
        self._room -= len(delta)
        return len(delta)

    def answer(self) -> Answer:
        """What has been said so far."""
        answer = read(self._body)
        if not self.complete:
            answer.messages = [item.whole() for _, item in sorted(self._items.items())]
            answer.finish = []
        answer.failure = answer.failure or self._failure
        return answer


class _Item:
    """One output item of a streamed answer."""

    def __init__(self) -> None:
        self._item: Mapping[str, Any] = {}
        self._ended = False
        self._pieces: dict[str, list[str]] = {}

    def begin_or_end(self, item: Mapping[str, Any], *, ended: bool) -> None:
        """Take the item as it is announced, empty, or as it is when it has ended."""
        self._item, self._ended = item, ended

    def take(self, kind: str, delta: str, *, keep: bool) -> None:
        """Take the next characters of the item's text, arguments or summary."""
        if keep:
            self._pieces.setdefault(kind, []).append(delta)

    def whole(self) -> object:
        """The item so far, in the shape of one that is served whole."""
        if self._ended:
            return _said(self._item)
        whole = dict(self._item)
        for kind, pieces in self._pieces.items():
            said = "".join(pieces)
            if kind.endswith("arguments.delta"):
                whole["arguments"] = said
            elif "summary" in kind:
                whole["summary"] = [*sequence(whole.get("summary")), {"type": "summary_text", "text": said}]
            else:
                part = {"type": kind.removeprefix("response.").removesuffix(".delta"), "text": said}
                whole["content"] = [*sequence(whole.get("content")), part]
        return whole
