"""A batch before it meets the store: decoded, folded to one line per record, and grouped by trace.

All of this happens before the write lock is taken. Of several lines of one span only the greatest goes on, so
a span that starts and ends within a batch costs one row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct

from flightlog.codecs import lines as codec
from flightlog.records.cursor import Cursor
from flightlog.records.kinds import RANKS
from flightlog.records.process import Process
from flightlog.store.payloads import digest
from flightlog.store.port import Chunk
from flightlog.store.sqlite.facts import UNKNOWN, Series, Usage, model_facts
from flightlog.store.sqlite.lean import LeanAnnotation, LeanEvent, LeanProcess, LeanSpan, decode

LINE_HASH_BYTES: Final = 8
"""The last judge between two lines of one span."""

STRAY_HASH_BYTES: Final = 16
"""What makes a line that is not understood unique."""

LATEST: Final = 2**63 - 1
"""The latest time that SQLite can keep."""

Order = tuple[int, int, int, bytes]
"""(rank, revision, end, line hash): the greatest line of a span wins."""


class NewSeries(Struct, gc=False):
    """A series that spans of this batch belong to, shared by all of them."""

    series: Series
    id: int = 0
    """Under which it is counted; set when the store was asked."""
    is_folded: bool = False
    """That id stands for all names beyond the project's limit."""


class NewSpan(Struct, gc=False):
    """The greatest line of one span in this batch."""

    line: LeanSpan
    line_hash: bytes
    process: Process
    beaten: list[Order] | None = None
    """Lines of this batch that it beat after they had been the greatest."""
    series: NewSeries | None = None
    usage: Usage = UNKNOWN

    @property
    def order(self) -> Order:
        """What decides between this line and another one of the same span."""
        line = self.line
        return RANKS[line.status], line.revision, line.end or 0, self.line_hash


class NewRecord(Struct, gc=False):
    """The greatest line of one event or annotation in this batch."""

    line_hash: bytes
    line: LeanEvent | LeanAnnotation
    process: Process
    project: str


class NewTrace(Struct):
    """What this batch says about one trace."""

    project: str
    trace_id: str
    spans: dict[str, NewSpan] = {}


class Intake(Struct):
    """Everything that one `append` was handed."""

    lines: int = 0
    repeated: int = 0
    traces: dict[tuple[str, str], NewTrace] = {}
    events: dict[tuple[str, str], NewRecord] = {}
    annotations: dict[tuple[str, str], NewRecord] = {}
    strays: dict[bytes, bytes] = {}
    processes: dict[str, Process] = {}
    process_lines: dict[str, int] = {}
    """How many lines described each process."""
    last_times: dict[str, int] = {}
    cursors: dict[str, Cursor] = {}
    counters: dict[tuple[str, str], int] = {}
    series: dict[tuple[str, ...], NewSeries] = {}
    """By the fields of the series."""

    def take(self, chunks: Sequence[Chunk]) -> None:
        """Take in all chunks."""
        for chunk in chunks:
            self._note_process(chunk.process)
            self._note_position(chunk)
            self._take_lines(chunk)
        for trace in self.traces.values():
            for span in trace.spans.values():
                self._describe(span, trace.project)

    def _take_lines(self, chunk: Chunk) -> None:
        process, default_project = chunk.process, chunk.process.project
        traces = self.traces
        last_place: tuple[str, str] | None = None
        spans: dict[str, NewSpan] = {}
        latest = 0
        self.lines += len(chunk.lines)
        for record, line in zip(decode(chunk.lines), chunk.lines, strict=True):
            if not isinstance(record, LeanSpan):
                self._take_other(record, line, process)
                continue
            end = record.end or 0
            latest = max(latest, end, record.start)
            if record.process_id and record.process_id != process.process_id:
                self._note_time(record.process_id, max(end, record.start))
            place = (record.project or default_project, record.trace_id)
            if place != last_place:
                last_place = place
                trace = traces.get(place)
                if trace is None:
                    trace = traces[place] = NewTrace(*place)
                spans = trace.spans
            new = NewSpan(record, digest(line, LINE_HASH_BYTES), process)
            found = spans.setdefault(record.span_id, new)
            if found is new:
                continue
            if new.order > found.order:
                new.beaten = [*(found.beaten or ()), found.order]
                spans[record.span_id] = new
            else:
                self.repeated += 1
        self._note_time(process.process_id, latest)

    def _describe(self, span: NewSpan, project: str) -> None:
        """Find out which series a span belongs to, and what it used."""
        line, process = span.line, span.process
        provider, model, span.usage = model_facts(line)
        place = (
            project,
            line.environment or process.environment,
            line.service or process.service,
            line.name,
            line.kind,
            provider,
            model,
        )
        found = self.series.get(place)
        if found is None:
            found = self.series[place] = NewSeries(Series(*place))
        span.series = found

    def _take_other(
        self,
        record: LeanEvent | LeanAnnotation | LeanProcess | None,
        line: bytes,
        process: Process,
    ) -> None:
        if record is None:
            stray = digest(line, STRAY_HASH_BYTES)
            self.repeated += stray in self.strays
            self.strays[stray] = line
        elif isinstance(record, LeanProcess):
            self._note_process(record)
            self.process_lines[record.process_id] = self.process_lines.get(record.process_id, 0) + 1
        else:
            new = NewRecord(digest(line, LINE_HASH_BYTES), record, process, record.project or process.project)
            self._note_time(record.process_id or process.process_id, record.time)
            if record.trace_id:
                self.traces.setdefault((new.project, record.trace_id), NewTrace(new.project, record.trace_id))
            if isinstance(record, LeanEvent):
                self._keep_record(self.events, (new.project, record.event_id), new)
            else:
                self._keep_record(self.annotations, (new.project, record.annotation_id), new)

    def _keep_record(
        self, kept: dict[tuple[str, str], NewRecord], place: tuple[str, str], new: NewRecord
    ) -> None:
        found = kept.get(place)
        if found is not None:
            self.repeated += 1
        if found is None or new.line_hash > found.line_hash:
            kept[place] = new

    def _note_process(self, process: Process) -> None:
        """Keep the fullest description of a process: the longest, then the greatest."""
        self._note_time(process.process_id, process.started)
        found = self.processes.get(process.process_id)
        if found is None or _fullness(process) > _fullness(found):
            self.processes[process.process_id] = process

    def _note_time(self, process_id: str, time: int) -> None:
        """Keep the latest time of a process; any before 1970 is as good as none."""
        if time > self.last_times.setdefault(process_id, 0):
            self.last_times[process_id] = min(time, LATEST)

    def _note_position(self, chunk: Chunk) -> None:
        process_id = chunk.process.process_id
        if chunk.cursor is not None:
            known = self.cursors.get(process_id, chunk.cursor)
            self.cursors[process_id] = max(known, chunk.cursor)
        for name, value in chunk.counters.items():
            self.counters[process_id, name] = max(value, self.counters.get((process_id, name), 0))


def encoded_process(process: Process) -> str:
    """A process record as the store keeps it."""
    plain = Process(**{name: getattr(process, name) for name in Process.__struct_fields__})
    return codec.encode(plain).decode()


def _fullness(process: Process) -> tuple[int, str]:
    text = encoded_process(process)
    return len(text), text


def stamped(line: Any, process: Process) -> tuple[str, str]:
    """Process id and version of a line, which may leave both to its process."""
    return line.process_id or process.process_id, line.version or process.version
