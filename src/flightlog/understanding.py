"""What other libraries told, on its way into the store: read into our words, and each served call counted once.

Every door by which such spans come does the same: lines of an import, lines out of a journal in which another library's
instrumentation recorded through OpenTelemetry, and what the store has already (`flightlog renormalise`). A line that
shows no sign of a dialect passes as it is, for the price of looking.

What a span says alone is read at once. What depends on others (messages that come as log records, two libraries that
told of one call) is settled when they are in the store, by writing the line anew with a greater revision: the store's
own rule then takes back what the old one added, and adds what the new one does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

from msgspec import structs

from flightlog.codecs.lines import decode
from flightlog.codecs.otlp.own import fields_of, written
from flightlog.dialects.counting import Call, Key, Place, Verdict, call_of, verdicts
from flightlog.dialects.gemini_cli import API_RESPONSE, REQUEST
from flightlog.dialects.gen_ai_events import NAMES
from flightlog.dialects.reading import (
    is_foreign,
    is_understood,
    lent,
    lent_again,
    lent_parts,
    marked,
    raw,
    understand,
)
from flightlog.dialects.settling import Loan, lending_of, loans_of, may_nest, times
from flightlog.firstlook import FOREIGN, HEAD, IMPORTED, SPAN, FirstLook, kinded
from flightlog.imports.pen import Pen
from flightlog.loggedcalls import LoggedCalls
from flightlog.records.errors import BadRecord
from flightlog.records.event import Event
from flightlog.records.line import Line
from flightlog.records.process import Process
from flightlog.records.record import Record
from flightlog.records.span import Span
from flightlog.records.understood import ADDED, ATTRIBUTES, UNDERSTOOD, WAS, WERE
from flightlog.redacting import gate_of
from flightlog.settings import Settings
from flightlog.store.port import Chunk, Reader, Writer

MOST_CALLS: Final = 20_000
"""Calls that are remembered until it is settled which of them are the same."""
KEPT_CALLS: Final = 1_000
"""Of these so many of the last are remembered further: another library may tell of them yet."""
_Owned = TypeVar("_Owned", Span, Event)
_WRITE_AT_ONCE: Final = 500
_MOST_SPOKEN: Final = 10_000
_OTEL_TEXT: Final = FOREIGN.decode()
_ATTRIBUTES_TEXT: Final = '"attributes":{'
_SPAN_TEXT: Final = SPAN.decode()
_ATTRIBUTES: Final = _ATTRIBUTES_TEXT.encode()
_SPOKEN: Final = NAMES | {API_RESPONSE, REQUEST}
"""Log records that say more of the span which they name."""
_EVENTS: Final = (*(name.encode() for name in sorted(NAMES)), b"claude_code", b"gemini_cli")
_LOG: Final = b'"log":1'


class Understanding:
    """Reads lines, and remembers what has to be settled between them."""

    def __init__(self, pen: Callable[[], Pen]) -> None:
        """Prepare.

        Args:
            pen: makes what writes the texts of a line; asked when the first is written.
        """
        self._make_pen = pen
        self._first = FirstLook()
        self._pen: Pen | None = None
        self._owner: Process | None = None
        self._calls: dict[Key, Call] = {}
        self._unsettled: set[Key] = set()
        """Calls that came since it was settled last."""
        self._late: set[tuple[str, str]] = set()
        """Trace and span ids of which log records came that belong to a conversation."""
        self._spoken: dict[tuple[str, str], None] = {}
        """The last of these: their span may not be over yet."""
        self._logged = LoggedCalls()
        self.understood = 0
        """Spans that were read."""
        self.failed = 0
        """Spans that no reader could make anything of, by a mistake of ours."""
        self.duplicates = 0
        """Spans that tell of a call which another one stands for."""
        self.logged = 0
        """Calls that log records alone told of."""

    # -- each by itself -----------------------------------------------------------------------------------------

    def lines(self, lines: Sequence[Line], owner: Process | None = None) -> Sequence[Line]:
        """The lines, those that speak a dialect in our words.

        Args:
            lines: some of them.
            owner: whose they are, where that is not in each line.
        """
        return self.closer(*self._first.look(lines), owner)

    def closer(
        self, lines: Sequence[Line], places: Iterable[int], owner: Process | None = None
    ) -> Sequence[Line]:
        """The same for lines that a first look was at.

        Args:
            lines: some of them.
            places: of those that are to be looked at more closely.
            owner: whose they are, where that is not in each line.
        """
        self._owner = owner
        found: list[Line] | None = None
        for place in places:
            line = lines[place]
            if line.find(FOREIGN) < 0:
                if self._calls:
                    self._remember(_decoded(line))  # around what another library tells of, perhaps
                continue
            if not line.startswith(SPAN):
                self._note_event(line)
                continue
            try:
                new = self._line(line, lines, place)
            except Exception:  # noqa: BLE001 - the border: what cannot be read goes into the store as it was told
                self.failed += 1
                continue
            if new is not line:
                found = list(lines) if found is None else found
                found[place] = new
        return lines if found is None else found

    def _line(self, line: Line, lines: Sequence[Line], index: int) -> Line:
        span = _decoded(line)
        if not isinstance(span, Span):
            return line
        told = span
        if self._spoken and (span.trace_id, span.span_id) in self._spoken:
            self._late.add((span.trace_id, span.span_id))
        if is_foreign(span) and not is_understood(span):
            span = understand(span, list(_events_behind(lines, index, span)))
        self._remember(span)
        if span is told or span == told:
            return line
        if UNDERSTOOD not in span.otel:
            return kinded(line)
        self.understood += 1
        return self._added(line, told, span) or self._written(span)

    def _remember(self, span: Record | None) -> None:
        call = call_of(owned(span, self._owner)) if isinstance(span, Span) else None
        if call is not None:
            self._calls[call.key] = call
            self._unsettled.add(call.key)

    def _note_event(self, line: Line) -> None:
        """Look at a log record: it may belong to a conversation, or tell of a call by itself."""
        if (line.find(_LOG) < 0 and line.find(IMPORTED) >= 0) or all(line.find(name) < 0 for name in _EVENTS):
            return
        event = _decoded(line)
        if not isinstance(event, Event):
            return
        event = owned(event, self._owner)
        if event.span_id and event.name in _SPOKEN:
            key = (event.trace_id, event.span_id)
            self._late.add(key)
            self._spoken[key] = None
            if len(self._spoken) > _MOST_SPOKEN:
                del self._spoken[next(iter(self._spoken))]
        self.hear(event)

    def hear(self, event: Event) -> None:
        """Look at a log record: it may tell of a call."""
        try:
            self._logged.take(event)
        except Exception:  # noqa: BLE001 - the border: as above
            self.failed += 1

    def _added(self, line: Line, told: Span, new: Span) -> Line | None:
        """The line with what is new put into it; None where something else changed, or it is not plain where that goes.

        It is what `_written` would give but for the order, without the price of writing again what the gate has seen.
        """
        note = new.otel[UNDERSTOOD]
        if WAS in note or WERE in note or told.context or not told.attributes:
            return None
        if line.count(_ATTRIBUTES) != 1 or line.count(FOREIGN) != 1 or not line.startswith(SPAN):
            return None
        pen = self._writer()
        fields = [f'"kind":{pen.text(new.kind)}'] if new.kind else []
        fields.append(f'"revision":{new.revision}')
        if new.context:
            fields.append(f'"context":{{{",".join(pen.member(*one)[1] for one in new.context.items())}}}')
        for name, value in (("input", new.input), ("output", new.output)):
            if name in note[ADDED]:
                fields.append(f'"{name}":{pen.value(value, name)}')
        attributes = ",".join(pen.member(name, new.attributes[name])[1] for name in note.get(ATTRIBUTES, ()))
        found = line.decode("utf-8", "replace")
        found = found.replace(
            _OTEL_TEXT, f'{_OTEL_TEXT}"understood":{pen.value(note, "otel.understood")},', 1
        )
        if attributes:
            found = found.replace(_ATTRIBUTES_TEXT, f"{_ATTRIBUTES_TEXT}{attributes},", 1)
        found = f"{_SPAN_TEXT},{','.join(fields)}{found[len(_SPAN_TEXT) :]}"
        return Line(found.encode("utf-8", "replace"))

    def as_written(self, span: Span) -> Span:
        """The span as the store would give it back: with what its texts are when they have passed the gate."""
        found = _decoded(self._written(span))
        return found if isinstance(found, Span) else span

    def _written(self, span: Span) -> Line:
        """A span as a line; what was taken out of its texts passes the gate under its new names."""
        return Line(written(fields_of(span), self._writer()).encode("utf-8", "replace"))

    def _writer(self) -> Pen:
        if self._pen is None:
            self._pen = self._make_pen()
        return self._pen

    # -- together -----------------------------------------------------------------------------------------------

    @property
    def is_settled(self) -> bool:
        """Whether nothing has come since it was settled last."""
        return not self._unsettled and not self._late and not self._logged

    @property
    def is_full(self) -> bool:
        """Whether so much has come that it should be settled before more comes."""
        return max(len(self._unsettled), len(self._late), len(self._logged)) >= MOST_CALLS

    def settle(self, reader: Reader, writer: Writer) -> int:
        """Settle what depends on several spans, all of which are in the store by now; how many were written anew.

        Raises:
            StoreError: the store cannot be read or written.
        """
        logged = self._calls_logged()
        changed = self._settle_late(reader, writer) + self._settle_calls(reader, writer, logged)
        self._unsettled.clear()
        self._logged.clear()
        for key in list(self._calls)[:-KEPT_CALLS]:
            del self._calls[key]
        return changed

    def _calls_logged(self) -> dict[Key, Span]:
        """The calls that log records told of."""
        found: dict[Key, Span] = {}
        for told in self._logged.spans():
            try:
                span = understand(told)
            except Exception:  # noqa: BLE001 - the border: as above
                self.failed += 1
                continue
            if span.kind:
                found[span.project, span.trace_id, span.span_id] = span
                self._remember(span)
        return found

    def _settle_late(self, reader: Reader, writer: Writer) -> int:
        """Read those spans anew of which log records have come."""
        by_trace: dict[str, set[str]] = defaultdict(set)
        for trace_id, span_id in self._late:
            by_trace[trace_id].add(span_id)
        new: list[Span] = []
        for trace_id, span_ids in by_trace.items():
            spans = [span for span in reader.spans(trace_id) if span.span_id in span_ids]
            told = by_span(reader.events(trace_id)) if spans else {}
            for span in spans:
                read = self._again(span, told.get(span.span_id, ()))
                if read is not span:
                    new.append(read)
                self._remember(read)
        written = self.write(writer, new)
        self._late.clear()
        return written

    def _again(self, span: Span, events: Sequence[Event]) -> Span:
        try:
            return again(span, events)
        except Exception:  # noqa: BLE001 - the border: as above
            self.failed += 1
            return span

    def _settle_calls(self, reader: Reader, writer: Writer, logged: Mapping[Key, Span]) -> int:
        """Mark those spans that tell of a call which another one stands for, and write what only records told of."""
        places: dict[Key, Place] = {}
        self._recall(reader)
        doubtful = self._doubtful()
        if not logged and not doubtful and len({call.scope for call in self._calls.values()}) < 2:
            return 0  # as nearly always: one library tells of calls
        for trace_id in doubtful:
            for span in reader.spans(trace_id, payloads=False):
                key = (span.project, span.trace_id, span.span_id)
                places[key] = Place(span.parent_id, span.kind)
                if (call := call_of(span)) is not None:
                    self._calls[key] = call
                else:
                    self._calls.pop(key, None)
        found = verdicts(self._calls.values(), places)
        new = self._marked(reader, found, logged)
        for key in found:
            self._calls.pop(key, None)
        alone = [span for key, span in logged.items() if key not in found]
        self.logged += len(alone)
        return self.write(writer, [*new, *alone, *self._logged.around(alone, reader)])

    def _recall(self, reader: Reader) -> None:
        """Remember the calls of the store that ran when those did which came: they may be the same ones."""
        new = [self._calls[key] for key in self._unsettled if key in self._calls]
        if not new:
            return
        kinds = sorted({call.kind for call in new})
        for span in reader.calls_near(kinds, times(new), but={key[1:] for key in self._calls}):
            if (call := call_of(span)) is not None:
                self._calls[call.key] = call

    def _marked(self, reader: Reader, found: Mapping[Key, Verdict], logged: Mapping[Key, Span]) -> list[Span]:
        """The spans that do not count, and those that do with what they are lent, as far as they change."""
        lending, loans = lending_of(found, self._calls), loans_of(found, self._calls)
        by_trace: dict[str, set[Key]] = defaultdict(set)
        for key in (*found, *lending, *loans):
            by_trace[key[1]].add(key)
        stored: dict[Key, Span] = {}
        for trace_id, keys in by_trace.items():
            for span in reader.spans(trace_id):
                key = (span.project, span.trace_id, span.span_id)
                if key in keys:
                    stored[key] = span
        new = [
            marked(one, verdict.kind, verdict.by)
            for key, verdict in found.items()
            if key not in logged and (one := stored.get(key)) is not None and call_of(one) is not None
        ]
        self.duplicates += len(new)
        return new + list(self._lent(reader, lending, loans, {**stored, **logged}))

    def _lent(
        self, reader: Reader, lending: Mapping[Key, Key], loans: Mapping[Key, Loan], spans: Mapping[Key, Span]
    ) -> Iterator[Span]:
        """The spans that count, with what they are lent, as far as they change."""
        for key in dict.fromkeys((*lending, *loans)):
            if (known := spans.get(key)) is None:
                continue
            more = known
            if key in lending and (told := spans.get(lending[key])) is not None:
                more = lent(self._again(known, by_span(reader.events(key[1])).get(key[2], ())), told)
            if key in loans:
                more = lent_parts(more, *loans[key])
            if more is not known:
                yield more

    def _doubtful(self) -> list[str]:
        """The traces in which one call may be within another."""
        by_trace: dict[str, list[Call]] = defaultdict(list)
        for call in self._calls.values():
            by_trace[call.key[1]].append(call)
        touched = dict.fromkeys(key[1] for key in self._unsettled)
        return [trace_id for trace_id in touched if may_nest(by_trace[trace_id])]

    def write(self, writer: Writer, spans: Sequence[Span]) -> int:
        """Write spans into the store; how many these are.

        Raises:
            StoreError: the store refused; some of them may be there.
        """
        for at in range(0, len(spans), _WRITE_AT_ONCE):
            writer.append(list(self._chunks(spans[at : at + _WRITE_AT_ONCE])))
        return len(spans)

    def _chunks(self, spans: Iterable[Span]) -> Iterator[Chunk]:
        """Lines for the store, by the process that they are of."""
        by_process: dict[str, list[Line]] = defaultdict(list)
        for span in spans:
            by_process[span.process_id].append(self._written(span))
        for process_id, lines in by_process.items():
            yield Chunk(Process(process_id=process_id, started=0), lines)


def understanding_of(settings: Settings, key: bytes) -> Understanding:
    """What reads the lines of a home.

    Args:
        settings: whose rules hold.
        key: of the home's hashes.
    """
    return Understanding(lambda: Pen(gate_of(settings, key), settings.value_bytes))


def again(span: Span, events: Sequence[Event]) -> Span:
    """A span that the store has, read anew; itself where it says nothing else than it did."""
    new = lent_again(understand(span, events), span) if is_foreign(span) else raw(span)
    if structs.replace(new, revision=span.revision) == span:
        return span
    return structs.replace(new, revision=max(new.revision, span.revision + 1))


def _events_behind(lines: Sequence[Line], index: int, span: Span) -> Iterator[Event]:
    """The events of a span, which stand behind it where it came with them."""
    mark = b'"span_id":"%b"' % span.span_id.encode()
    for at in range(index + 1, len(lines)):
        line = lines[at]
        if line.startswith(SPAN) or line.find(mark, 0, HEAD) < 0:
            return
        event = _decoded(line)
        if isinstance(event, Event):
            yield event


def owned(record: _Owned, owner: Process | None) -> _Owned:
    """A record of a process, which need not say itself whose it is."""
    if owner is None or record.project:
        return record
    return structs.replace(
        record,
        process_id=record.process_id or owner.process_id,
        project=owner.project,
        environment=record.environment or owner.environment,
        service=record.service or owner.service,
        version=record.version or owner.version,
    )


def by_span(events: Iterable[Event]) -> dict[str, list[Event]]:
    """Events by the span that they are of."""
    found: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        found[event.span_id].append(event)
    return found


def _decoded(line: Line) -> Record | None:
    try:
        return decode(line)
    except BadRecord:
        return None
