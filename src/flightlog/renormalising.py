"""What a home holds, read anew: by readers that know more dialects than those that were there when it came.

A span is taken back to what its library told, read again, and written where something is different, with a greater
revision: the store takes back what the old line added to every sum and adds what the new one does. Which calls are the
same is decided anew as well. Done twice, the second time changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, field, structs

from flightlog.dialects.counting import Call, Key, Place, Verdict, beside, call_of, within
from flightlog.dialects.reading import is_foreign, lent_again, lent_parts, marked, raw, understand
from flightlog.dialects.settling import Loan, loans_of
from flightlog.home import BUSY_MS, Home
from flightlog.records.event import Event
from flightlog.records.span import Span
from flightlog.records.traces import EVERY_TRACE, Selection
from flightlog.records.understood import BY, COUNTED, COUNTED_BY, UNDERSTOOD
from flightlog.store.open import open_writer
from flightlog.store.port import Reader, Writer
from flightlog.understanding import by_span, understanding_of

_TELL_SECONDS: Final = 0.5
_SPANS_AT_ONCE: Final = 500
_MOST_LOOSE: Final = 100_000
"""Log records of no trace that are looked at, the newest."""


class Sums(Struct):
    """Calls of models that count, and what they took as far as that is known."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    unknown: int = 0
    """Calls of which no tokens are known."""

    def add(self, span: Span) -> None:
        """Count a span, if it is such a call."""
        call = call_of(span)
        if call is not None and call.kind == "llm":
            self.calls += 1
            self.input_tokens += call.input or 0
            self.output_tokens += call.output or 0
            self.unknown += not call.is_known


class Renormalised(Struct):
    """What was done, or would be."""

    traces: int = 0
    """That were looked at."""
    spans: int = 0
    """Of them those that another library told of."""
    changed: int = 0
    """Spans that say something else now."""
    duplicates: int = 0
    """Spans that tell of a call which another one stands for."""
    logged: int = 0
    """Calls that log records alone tell of, here as spans; 0 where nothing is done."""
    dialects: dict[str, int] = field(default_factory=dict)
    """Spans by the dialects that they speak."""
    before: Sums = field(default_factory=Sums)
    after: Sums = field(default_factory=Sums)


def renormalise(
    home: Home,
    selection: Selection = EVERY_TRACE,
    *,
    dry_run: bool = False,
    progress: Callable[[int], object] = lambda _traces: None,
) -> Renormalised:
    """Read the traces that are meant anew.

    Args:
        home: whose store it is.
        selection: which traces.
        dry_run: say what would be done, and do nothing.
        progress: told of the number of traces that were looked at, about twice a second.

    Raises:
        StoreError: the store cannot be read or written; what was written before is right by itself.
    """
    told = _Told(progress)
    with home.reader() as reader:
        found, loans = _verdicts(reader, selection, told)
        run = _Run(found, loans, _Writing(home, dry_run=dry_run))
        try:
            for trace_id, spans in _foreign_traces(reader, selection):
                run.done.traces += 1
                told.at(run.done.traces)
                told_there = reader.events(trace_id)
                events = by_span(told_there)
                for span in spans:
                    run.take(span, events.get(span.span_id, ()))
                run.writing.hear(told_there, reader)
            run.writing.hear(_loose_events(reader, selection), reader)
            run.writing.flush()
            run.writing.settle(reader)
            run.done.logged = run.writing.logged
        finally:
            run.writing.close()
    return run.done


class _Run:
    """One run over a store, and what came of it so far."""

    def __init__(self, found: Mapping[Key, Verdict], loans: Mapping[Key, Loan], writing: _Writing) -> None:
        self.done = Renormalised()
        self.writing = writing
        self._found = found
        self._loans = loans

    def take(self, span: Span, events: Sequence[Event]) -> None:
        """Read one span anew, and write it where it says something else."""
        done, new = self.done, _read(span, events)
        key = (span.project, span.trace_id, span.span_id)
        verdict = self._found.get(key)
        if verdict is not None:
            new = marked(new, verdict.kind, verdict.by)
            done.duplicates += 1
        elif key in self._loans:
            new = lent_parts(new, *self._loans[key])
        done.spans += is_foreign(span)
        note = new.otel.get(UNDERSTOOD)
        for dialect in note.get(BY, ()) if isinstance(note, Mapping) else ():
            done.dialects[dialect] = done.dialects.get(dialect, 0) + 1
        done.before.add(span)
        done.after.add(new)
        if self.writing.changes(structs.replace(new, revision=span.revision), span):
            done.changed += 1
            self.writing.put(structs.replace(new, revision=max(new.revision, span.revision) + 1))


def _read(span: Span, events: Sequence[Event]) -> Span:
    return lent_again(understand(span, events), span) if is_foreign(span) else raw(span)


class _Told:
    """Says how far it is, about twice a second."""

    def __init__(self, progress: Callable[[int], object]) -> None:
        self._progress = progress
        self._next = time.monotonic() + _TELL_SECONDS

    def at(self, traces: int) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _TELL_SECONDS
            self._progress(traces)


class _Writing:
    """Writes spans, some hundred in a transaction."""

    def __init__(self, home: Home, *, dry_run: bool) -> None:
        self._understanding = understanding_of(home.settings, home.key())
        self._waiting: list[Span] = []
        self._writer: Writer | None = None if dry_run else open_writer(home.store_path, busy_ms=BUSY_MS)

    def put(self, span: Span) -> None:
        if self._writer is not None:
            self._waiting.append(span)
            if len(self._waiting) >= _SPANS_AT_ONCE:
                self.flush()

    def changes(self, new: Span, span: Span) -> bool:
        """Whether it would be another span in the store: what the gate hides of a text, it hid before."""
        return new != span and self._understanding.as_written(new) != span

    def hear(self, events: Sequence[Event], reader: Reader) -> None:
        """Look at log records: some may tell of calls that are not here as spans."""
        for event in events:
            self._understanding.hear(event)
        if self._understanding.is_full:
            self.settle(reader)

    def settle(self, reader: Reader) -> None:
        """Write what log records alone tell of; most of it is there."""
        if self._writer is not None:
            self.flush()
            self._understanding.settle(reader, self._writer)

    @property
    def logged(self) -> int:
        """Calls that log records alone tell of."""
        return self._understanding.logged

    def flush(self) -> None:
        if self._writer is not None and self._waiting:
            self._understanding.write(self._writer, self._waiting)
        self._waiting = []

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()


def _loose_events(reader: Reader, selection: Selection) -> list[Event]:
    """Log records of no trace, unless traces are chosen by what only they have."""
    if selection != Selection(since=selection.since, project=selection.project):
        return []
    return reader.loose_events(_MOST_LOOSE, since=selection.since, project=selection.project)


def _foreign_traces(reader: Reader, selection: Selection) -> Iterator[tuple[str, list[Span]]]:
    """Each trace with a span that another library told of, and its spans."""
    for trace in reader.each_trace(selection):
        spans = [span for span in reader.spans(trace.trace_id) if span.project == trace.project]
        if any(is_foreign(span) or COUNTED in span.attributes for span in spans):
            yield trace.trace_id, spans


def _verdicts(
    reader: Reader, selection: Selection, told: _Told
) -> tuple[dict[Key, Verdict], dict[Key, Loan]]:
    """Which spans of these traces do not count, and what those that do are lent.

    A span that another one outside of these traces stands for stays as it is: nothing is known here of that one.
    """
    found: dict[Key, Verdict] = {}
    known: dict[Key, Call] = {}
    counted: list[Call] = []
    apart: set[tuple[Key, Key]] = set()
    elsewhere: dict[Key, tuple[Verdict, str]] = {}
    seen: set[str] = set()
    for number, trace in enumerate(reader.each_trace(selection)):
        told.at(number)
        places: dict[Key, Place] = {}
        calls: list[Call] = []
        spans = reader.spans(trace.trace_id, payloads=False)
        for span in [span for span in spans if span.project == trace.project]:
            new = _read(span, ())
            key = (span.project, span.trace_id, span.span_id)
            places[key] = Place(new.parent_id, new.kind)
            seen.add(span.span_id)
            if (call := call_of(new)) is not None:
                calls.append(call)
                known[key] = call
                by: Any = span.attributes.get(COUNTED_BY)
                if isinstance(by, str):
                    elsewhere[key] = Verdict(span.kind, by), by
        nested = within(calls, places)
        found |= nested.found
        counted += nested.counted
        apart |= nested.apart
    given = {key: verdict for key, (verdict, by) in elsewhere.items() if by not in seen and key not in found}
    found |= {**given, **beside([call for call in counted if call.key not in given], apart)}
    return found, loans_of(found, known)
