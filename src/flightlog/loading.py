"""Traces read back as trees, from the store, from a capture, and from the spans that are still open.

The store has what was written; what an open span has learned since its last line is only in this process. Both
are joined here: of a span that is open, what it knows itself counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, cast

from flightlog.analysis.tree import Node, Tree, build
from flightlog.border import let_through
from flightlog.codecs.lines import decode
from flightlog.configure import flush, in_code, load_settings
from flightlog.core.context import Captured, parent_here, variable
from flightlog.core.engine import open_spans
from flightlog.core.readback import known
from flightlog.home import Home
from flightlog.recording import recorder
from flightlog.records.errors import AmbiguousId, BadQuestion, FlightlogError, UnknownId
from flightlog.records.event import Event
from flightlog.records.kinds import RANKS
from flightlog.records.record import Record
from flightlog.records.span import Span
from flightlog.store.port import Reader

PATIENCE: Final = 2.0
"""Seconds that `Span.tree` gives the store to take what was recorded."""

_LEAST_PREFIX: Final = 4
_OPEN: Final = frozenset({"running", "paused"})

Parts = tuple[list[Span], list[Event]]


def load(ref: str, timeout: float = PATIENCE) -> Tree:
    """Read one trace; see `flightlog.load`."""
    if not isinstance(ref, str):
        raise BadQuestion(f"load takes the id of a trace as a text, or '@latest'; not {type(ref).__name__}")
    lines = _captured_around()
    if lines is not None:
        records = _records(lines)
        trace_id = _among(ref, _starts([*records, *_open(lines)]))
        return _tree(_of_trace(records, trace_id), trace_id, lines)
    with _reading(timeout) as reader:
        try:
            trace_id = reader.resolve(ref)
        except UnknownId:
            trace_id = _among(ref, _starts(_open(None)), aged=False)
        return _tree(_stored(reader, trace_id), trace_id, None)


def load_trace(reader: Reader, trace_id: str, *, payloads: bool = True) -> Tree:
    """The tree of a trace as its store has it.

    Args:
        reader: of the store.
        trace_id: a full id; one that the store does not know gives an empty tree.
        payloads: False leaves out large inputs and outputs.
    """
    return build(reader.spans(trace_id, payloads=payloads), reader.events(trace_id))


def tree_of(span: Any) -> Node:
    """A span as it stands now, with what was recorded under it; see `Span.tree`. Never raises."""
    if not span.trace_id:
        return Node(_unrecorded())
    try:
        found = _tree(_written(span), span.trace_id, _captured(span._out))  # noqa: SLF001 - where its lines go
    except Exception as failure:  # noqa: BLE001 - the border: reading back must not break the program
        let_through(failure)
        recorder.count("internal_errors")
        found = _tree(([], []), span.trace_id, None)
    here = next((node for node in found.walk() if node.span_id == span.span_id), None)
    return here or Node(_known(span) or _unrecorded())


def _written(span: Any) -> Parts:
    """What was written of the span's trace, wherever it went."""
    lines = _captured(span._out)  # noqa: SLF001 - where its lines go
    if lines is not None:
        return _of_trace(_records(lines, span.trace_id), span.trace_id)
    try:
        with _reading(PATIENCE) as reader:
            return _stored(reader, span.trace_id)
    except (FlightlogError, OSError):  # what this process knows is left
        return [], []


def _tree(written: Parts, trace_id: str, lines: list[bytes] | None) -> Tree:
    """The tree of what was written and of what is still open."""
    spans, events = written
    ended = {span.span_id for span in spans if span.status not in _OPEN}
    still = {
        span.span_id: span for span in _open(lines) if span.trace_id == trace_id and span.span_id not in ended
    }
    return build([*(span for span in spans if span.span_id not in still), *still.values()], events)


def _open(lines: list[bytes] | None) -> list[Span]:
    """Every open span whose lines go there, as it stands; None stands for the journal."""
    here = [span for span in list(open_spans) if span.recorded and _captured(span._out) is lines]  # noqa: SLF001 - as above
    return [span for span in map(_known, here) if span is not None]


def _known(span: Any) -> Span | None:
    """What a span itself knows; None if another thread changes it at this very moment."""
    try:
        return cast("Span", decode(known(span)))
    except Exception as failure:  # noqa: BLE001 - the border, as above
        let_through(failure)
        return None


def _unrecorded() -> Span:
    """Stands for a span of which nothing is known."""
    return Span(trace_id="", span_id="", name="", start=0, status="running")


# -- from the store -------------------------------------------------------------------------------------------


@contextmanager
def _reading(timeout: float) -> Iterator[Reader]:
    """The store of this process's home, after what waits was brought into it."""
    flush(timeout)
    home = Home.find(recorder.settings or load_settings(in_code))
    home.catch_up(timeout)
    with home.reader() as reader:
        yield reader


def _stored(reader: Reader, trace_id: str) -> Parts:
    return reader.spans(trace_id), reader.events(trace_id)


# -- from a capture -------------------------------------------------------------------------------------------


def _captured_around() -> list[bytes] | None:
    """What the capture around us has taken so far; None outside of any."""
    around = parent_here(variable.get())
    return _captured(around.take if isinstance(around, Captured) else getattr(around, "_out", None))


def _captured(take: object) -> list[bytes] | None:
    """The framed lines of a capture, which takes them by its list's `append`; None for anything else."""
    lines = getattr(take, "__self__", None)
    return lines if isinstance(lines, list) else None


def _records(lines: Iterable[bytes], holding: str = "") -> list[Record]:
    """The records of framed lines; `holding` spares decoding those that do not hold this text."""
    needle = holding.encode()
    return [decode(line[1:-1]) for line in list(lines) if needle in line]


def _of_trace(records: Iterable[Record], trace_id: str) -> Parts:
    """The spans, each as its greatest line says, and the events of one trace."""
    events: list[Event] = []
    spans: dict[str, Span] = {}
    for record in records:
        if isinstance(record, Event) and record.trace_id == trace_id:
            events.append(record)
        elif isinstance(record, Span) and record.trace_id == trace_id:
            before = spans.get(record.span_id)
            if before is None or _rank(record) >= _rank(before):
                spans[record.span_id] = record
    return list(spans.values()), events


def _rank(span: Span) -> tuple[int, int, int]:
    return RANKS[span.status], span.revision, span.end or 0


def _starts(records: Iterable[Record]) -> dict[str, int]:
    """Each trace with its least start."""
    starts: dict[str, int] = {}
    for record in records:
        if isinstance(record, Span):
            starts[record.trace_id] = min(record.start, starts.get(record.trace_id, record.start))
    return starts


def _among(ref: str, starts: Mapping[str, int], *, aged: bool = True) -> str:
    """The trace that is meant, as `store.port.Reader.resolve` would say; `aged`: also by `@latest` and `@-2`."""
    if ref.startswith("@"):
        newest = sorted(starts, key=lambda trace_id: (starts[trace_id], trace_id), reverse=True)
        return _by_age(ref, newest if aged else [])
    fits = [trace_id for trace_id in starts if trace_id.startswith(ref)] if len(ref) >= _LEAST_PREFIX else []
    if len(fits) > 1:
        raise AmbiguousId(ref, sorted(fits))
    if not fits:
        raise UnknownId(ref)
    return fits[0]


def _by_age(ref: str, newest: Sequence[str]) -> str:
    number = "1" if ref == "@latest" else ref.removeprefix("@-")
    if not number.isdecimal() or not 1 <= int(number) <= len(newest):
        raise UnknownId(ref)
    return newest[int(number) - 1]
