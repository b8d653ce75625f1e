"""The recorded calls of one trace, looked up by what they asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from msgspec import structs

from flightlog.records import genai
from flightlog.records.span import Span
from flightlog.replay.asking import INSTRUMENTATION, Asked, Difference, asked_by, differences, is_answer
from flightlog.replay.order import Files

_MOST_COMPARED: Final = 500
"""Recorded calls that a question is compared with."""


def tape_of(spans: Iterable[Span]) -> list[Span]:
    """The calls of a trace that a rerun answers, in the order in which they began."""
    return sorted(map(_as_served, filter(is_answer, spans)), key=lambda span: (span.start, span.span_id))


def _as_served(span: Span) -> Span:
    """A call with its tokens under their usual names, also where another span's call is what counts."""
    known = span.attributes
    told = {name: known[served] for name, served in genai.SERVED_TOKENS.items() if served in known}
    return structs.replace(span, attributes={**known, **told}) if told else span


def by_hand_of(spans: Sequence[Span], tape: Sequence[Span]) -> dict[str, int]:
    """The model calls by hand whose own code asked: what they ask, and how many calls of the tape began before.

    One within which something is answered, or that is within what is answered, is none: nobody is asked there.
    """
    known = {span.span_id: span for span in spans}
    answered = {span.span_id for span in tape}
    above = {each.span_id for span in tape for each in _upwards(span, known)}
    found: dict[str, int] = {}
    for span in spans:
        is_call = genai.OPERATION in span.attributes and INSTRUMENTATION not in span.attributes
        if is_call and not ({span.span_id} & (answered | above)) and span.kind in genai.CHARGED_KINDS:
            if any(each.span_id in answered for each in _upwards(span, known)):
                continue
            before = sum(call.start <= span.start for call in tape)
            key = asked_by(span).key.hex()
            found[key] = min(before, found.get(key, before))
    return found


def _upwards(span: Span, known: Mapping[str, Span]) -> Iterator[Span]:
    """The spans above one, in a ring each once."""
    seen = {span.span_id}
    above = known.get(span.parent_id)
    while above is not None and above.span_id not in seen:
        yield above
        seen.add(above.span_id)
        above = known.get(above.parent_id)


class Tape:
    """The recorded calls, each of which is given once."""

    def __init__(self, spans: Sequence[Span], files: Files) -> None:
        self.spans = spans
        self._files = files
        self._asked = [asked_by(span) for span in spans]
        self._by_key: dict[bytes, list[int]] = defaultdict(list)
        for number, asked in enumerate(self._asked):
            self._by_key[asked.key].append(number)

    def take(self, asked: Asked, last: int) -> int | None:
        """Take the first call that asked the same and was not given yet, up to the `last`; None if there is none."""
        for number in self._by_key.get(asked.key, ()):
            if number <= last and self._files.take(number):
                return number
        return None

    def count(self, asked: Asked) -> int:
        """How often the same was asked when it was recorded."""
        return len(self._by_key.get(asked.key, ()))

    def waits(self, asked: Asked) -> bool:
        """Whether a call that asked the same was not given yet."""
        return any(not self._files.is_taken(number) for number in self._by_key.get(asked.key, ()))

    def nearest(self, asked: Asked) -> tuple[int, list[Difference]] | None:
        """The recorded call of the same sort that differs least, one that was not given first; and where it differs."""
        same = [number for number, other in enumerate(self._asked) if other.what == asked.what]
        found: tuple[tuple[bool, int], int, list[Difference]] | None = None
        for number in same[:_MOST_COMPARED]:
            places = differences(self._asked[number], asked)
            rank = (self._files.is_taken(number), len(places))
            if found is None or rank < found[0]:
                found = rank, number, places
        return None if found is None else (found[1], found[2])
