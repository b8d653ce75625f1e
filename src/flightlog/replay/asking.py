"""What a call asks, in a form in which two calls can be compared: by its hash, and by JSON path.

Both sides are records, a finished span of the recording and an open one of the rerun, so that both were redacted
by the same gate before they meet here. Of a model call the members that are null do not count: clients differ in
whether they send them.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct

from flightlog.core.rerun import BLOCK, RECORDED
from flightlog.records import genai
from flightlog.records.kinds import KINDS
from flightlog.records.span import Span

INSTRUMENTATION: Final = "flightlog.instrumentation"
CUT: Final = "flightlog.cut"
_CLIENTS: Final = frozenset({"anthropic", "google_genai", "mistralai", "openai"})
"""Packages whose calls are answered, as their wrappers name themselves."""
_API: Final = "openai.api.type"
_PARAMETERS: Final = ("gen_ai.request.", genai.REQUEST, "openai.request.")
"""Before the names of attributes that are parameters of a request."""
_MORE: Final = frozenset({genai.OUTPUT_TYPE, "gen_ai.conversation.id"})
_NOT: Final = frozenset({genai.REQUEST_STREAM, genai.REQUEST + "stream_options"})
"""A whole answer and a streamed one are the same answer."""
_MOST_DIFFERENCES: Final = 200

_encode: Final = msgspec.json.Encoder(order="deterministic").encode


class Asked(Struct, frozen=True):
    """What one call asks."""

    what: str
    """Of whom: `chat`, `embeddings`, `function search`. Calls that differ in it never answer each other."""
    question: dict[str, Any]
    """Input and parameters; without an input that was withheld or left out."""
    key: bytes
    """Hash of both."""


class Difference(Struct, frozen=True):
    """One place at which two questions differ; what is not there is UNSET."""

    path: str
    """`$.input.messages[2].content`"""
    recorded: Any
    now: Any


def is_answer(span: Span) -> bool:
    """Whether a recorded span is a call that a rerun answers."""
    return RECORDED in span.attributes or (
        span.attributes.get(INSTRUMENTATION) in _CLIENTS and genai.OPERATION in span.attributes
    )


def asked_by(span: Span) -> Asked:
    """What a span asks, whether it has ended or not."""
    attributes = span.attributes
    question: dict[str, Any] = {} if span.input is UNSET else {"input": span.input}
    cuts = [[cut.get("path"), cut.get("length")] for cut in _cuts(span) if _is_of_input(cut)]
    if cuts:
        question["cut"] = cuts
    sort = attributes.get(RECORDED, "")
    if sort and sort != BLOCK:
        what = f"{span.kind} {span.name}" if span.kind in KINDS else span.name
    else:
        what = str(attributes.get(genai.OPERATION, ""))
        if _API in attributes:
            what += f" ({attributes[_API]})"
        if sort:
            what = f"the block {span.name}"
        question = _without_null(question)
        question["parameters"] = {
            name: value
            for name, value in attributes.items()
            if (name.startswith(_PARAMETERS) or name in _MORE) and name not in _NOT
        }
    return Asked(what, question, blake2b(_encode([what, question]), digest_size=16).digest())


def _cuts(span: Span) -> list[dict[str, Any]]:
    cuts = span.attributes.get(CUT)
    return [cut for cut in cuts if isinstance(cut, dict)] if isinstance(cuts, list) else []


def _is_of_input(cut: dict[str, Any]) -> bool:
    return str(cut.get("path", "")).partition(".")[0] == "input"


def cuts_of_answer(span: Span) -> list[dict[str, Any]]:
    """The texts of a span's answer that were cut when it was recorded."""
    ours = {"output", "error", ""}
    return [cut for cut in _cuts(span) if str(cut.get("path", "")).partition(".")[0] in ours]


def _without_null(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_null(member) for key, member in value.items() if member is not None}
    if isinstance(value, list):
        return [_without_null(member) for member in value]
    return value


def differences(recorded: Asked, now: Asked) -> list[Difference]:
    """Where two questions differ, in the order of the recorded one, what is new last; the first 200 places."""
    return [
        found
        for found, _ in zip(_places(recorded.question, now.question), range(_MOST_DIFFERENCES), strict=False)
    ]


def _places(one: Any, two: Any) -> Iterator[Difference]:
    rest: list[tuple[str, Any, Any]] = [("$", one, two)]
    while rest:
        path, before, after = rest.pop()
        if isinstance(before, dict) and isinstance(after, dict):
            keys = [*before, *(key for key in after if key not in before)]
            rest += [
                (_member(path, key), before.get(key, UNSET), after.get(key, UNSET)) for key in keys[::-1]
            ]
        elif isinstance(before, list) and isinstance(after, list):
            for at in reversed(range(max(len(before), len(after)))):
                rest.append((f"{path}[{at}]", _item(before, at), _item(after, at)))
        elif before is UNSET or after is UNSET or _encode(before) != _encode(after):
            yield Difference(path, before, after)


def _member(path: str, key: str) -> str:
    return f"{path}.{key}" if key.isidentifier() else f"{path}[{_encode(key).decode()}]"


def _item(values: list[Any], at: int) -> Any:
    return values[at] if at < len(values) else UNSET
