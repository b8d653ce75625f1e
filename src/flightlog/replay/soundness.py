"""Whether a recorded answer is what the program was given, or what was left of it: masked, cut, never finished."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from msgspec import UNSET

from flightlog.core.content import WITHHELD
from flightlog.core.rerun import RETURNED
from flightlog.records import genai
from flightlog.records.span import Span
from flightlog.redaction.modes import STANDS
from flightlog.replay.asking import cuts_of_answer

_TOLD: Final = (genai.RESPONSE_ID, genai.RESPONSE_MODEL, RETURNED)
"""Attributes that are a part of the answer."""
_FAILED: Final = "flightlog.capture_error"
_MORE: Final = re.compile(r"… (?:[0-9]+ more|more|too deep|itself)")
_MEDIA: Final = re.compile(r"\[\w+/[\w.+-]+, [0-9]+ bytes, [0-9a-f]{8,}\]")
"""What stands in a record for values that it does not hold."""
_UNDONE: Final = frozenset({"running", "paused", "interrupted"})


def trouble_of(span: Span) -> str:
    """Why a recorded answer cannot be given again; empty where it can, as far as its record tells."""
    if span.status in _UNDONE:
        return f"it was {span.status} when the recording ended, so it has no answer"
    if span.status == "cancelled":
        return "it was cancelled before it had an answer"
    if WITHHELD in span.attributes:
        return "its input and output were withheld (the setting content)"
    left_out = span.attributes.get(_FAILED)
    if isinstance(left_out, str):
        return f"its record is not whole ({left_out})"
    if span.output is UNSET and span.error is None and span.kind == "embedding":
        return "its vectors were not recorded (set vectors=true before recording)"
    if span.output is UNSET and span.error is None:
        return "its answer is not in the store"
    for cut in cuts_of_answer(span):
        place = cut.get("path") or "a key of it"
        return f"its answer was cut when it was recorded: of {place} {cut.get('kept')} of {cut.get('length')} are left"
    return next(_faults(span), "")


def _faults(span: Span) -> Iterator[str]:
    if span.output is not UNSET:
        yield from _faults_in("$.output", span.output)
    if span.error is not None:
        yield from _faults_in("$.error.message", span.error.message)
    for name in _TOLD:
        if name in span.attributes:
            yield from _faults_in(f"$.attributes[{name!r}]", span.attributes[name])


def _faults_in(path: str, value: Any) -> Iterator[str]:
    rest: list[tuple[str, Any]] = [(path, value)]
    while rest:
        place, one = rest.pop()
        if isinstance(one, str):
            if fault := _fault_of(one):
                yield f"{fault} at {place} when it was recorded"
        elif isinstance(one, list):
            rest += [(f"{place}[{at}]", member) for at, member in reversed(list(enumerate(one)))]
        elif isinstance(one, dict):
            if _FAILED in one or {"type", "bytes", "digest"} <= one.keys():
                yield f"its answer has {'an image, sound or document' if 'bytes' in one else 'a gap'} at {place}"
            rest += [(f"{place}.{key}", key) for key in one if STANDS in key or key == "…"]
            rest += [(f"{place}.{key}", member) for key, member in reversed(one.items())]


def _fault_of(text: str) -> str:
    if STANDS in text:
        return "its answer was masked"
    if _MORE.fullmatch(text) or text == "…":
        return "its answer was cut"
    return "its answer had an image, sound or document" if _MEDIA.search(text) else ""
