"""The card of a trace: what it was, how it ended, what it took, what its models did.

A program that continues a trace begun elsewhere has a card of totals instead: how the trace ended is not its
to say.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from flightlog.narration.cells import cut, wrapped
from flightlog.records.event import Event
from flightlog.records.genai import INPUT_TOKENS, OUTPUT_TOKENS, REQUEST_MODEL, RESPONSE_MODEL
from flightlog.records.span import Span
from flightlog.sinks import plain
from flightlog.sinks.signs import status_sign, status_style
from flightlog.sinks.stream import Look

_MESSAGE = 200
_MODELS = 3
_LABEL = 9
_LEAST_TEXT = 20
"""Cells that a text has on the narrowest terminal."""


class Card:
    """Adds up what is seen of one root, or of one program, and draws it."""

    def __init__(self, root: Span | None = None) -> None:
        self.root = root
        self.spans: int = 0
        self._failed: int = 0
        self._retries: int = 0
        self._calls: int = 0
        self._models: Counter[str] = Counter()
        self._tokens: list[int | None] = [None, None]
        self._error: Span | None = None

    def add(self, record: Span | Event) -> None:
        """Count a span that ended, or an event."""
        if isinstance(record, Event):
            self._retries += record.name == "retry"
            return
        self.spans += 1
        if record.status == "error":
            self._failed += 1
            self._error = self._error or record
        if record.kind == "llm":
            self._count_call(record)

    def _count_call(self, span: Span) -> None:
        self._calls += 1
        model = span.attributes.get(RESPONSE_MODEL) or span.attributes.get(REQUEST_MODEL)
        if isinstance(model, str):
            self._models[model] += 1
        for place, name in enumerate((INPUT_TOKENS, OUTPUT_TOKENS)):
            number = span.attributes.get(name)
            if isinstance(number, int) and not isinstance(number, bool):
                self._tokens[place] = (self._tokens[place] or 0) + number

    def lines(self, seen: Look) -> Iterator[str]:
        """Draw the card; a root that has not ended is shown as running."""
        root = self.root
        if root is None:
            return
        sign = seen.paint(status_style(root.status), f"{status_sign(root.status, seen)} {root.status}")
        took = plain.duration(root.duration_ns)
        yield _heading(root.name, seen)
        yield from self._labelled("status", f"{sign}, {took}" if took else sign, seen)
        yield from self._sums(root.trace_id, seen)

    def totals(self, name: str, trace_id: str, seen: Look) -> Iterator[str]:
        """Draw what was added up, for a program of this name in a trace that is not its own."""
        yield _heading(name, seen)
        yield from self._sums(trace_id, seen)

    def _sums(self, trace_id: str, seen: Look) -> Iterator[str]:
        failed = f", {self._failed:,} failed" if self._failed else ""
        yield from self._labelled("spans", f"{self.spans:,}{failed}", seen)
        yield from self._wrapped("model", self._model(), seen)
        yield from self._labelled("tokens", self._spent(), seen)
        yield from self._labelled("retries", f"{self._retries:,}" if self._retries else "", seen)
        yield from self._wrapped("error", self._told(), seen)
        yield from self._labelled("trace", plain.short(trace_id), seen)

    def _labelled(self, label: str, text: str, seen: Look) -> Iterator[str]:
        if text:
            yield f"  {seen.paint('dim', f'{label:<{_LABEL}}')}{text}"

    def _wrapped(self, label: str, text: str, seen: Look) -> Iterator[str]:
        """A text that may be long: its further lines stand under it."""
        room = max(seen.width - _LABEL - len("  "), _LEAST_TEXT)
        first, *more = wrapped(seen.readable(text), room) if seen.width else [text]
        yield from self._labelled(label, first, seen)
        yield from (" " * (_LABEL + len("  ")) + line for line in more)

    def _model(self) -> str:
        if not self._calls:
            return ""
        names = [plain.short(name) for name, _ in self._models.most_common(_MODELS)]
        calls = f"{self._calls:,} call{'' if self._calls == 1 else 's'}"
        return f"{', '.join(names)} ({calls})" if names else calls

    def _spent(self) -> str:
        """Tokens that are known; what is not known is said to be unknown, not none."""
        if self._tokens == [None, None]:
            return ""
        said = ["?" if number is None else f"{number:,}" for number in self._tokens]
        return f"{said[0]} in, {said[1]} out"

    def _told(self) -> str:
        if self._error is None or self._error.error is None:
            return ""
        fault = self._error.error
        told = plain.short(": ".join(part for part in (fault.type, fault.message) if part), _MESSAGE)
        if self._error is self.root or (self.root and self._error.span_id == self.root.span_id):
            return told
        return f"{told} (in {plain.short(self._error.name)})"


def _heading(name: str, seen: Look) -> str:
    rule = "──" if seen.unicode else "--"
    told = seen.readable(plain.short(name))
    if seen.width:
        told = cut(told, max(seen.width - 2 * len(f"{rule} "), _LEAST_TEXT))
    return f"{rule} {seen.paint('bold', told)} {rule}"
