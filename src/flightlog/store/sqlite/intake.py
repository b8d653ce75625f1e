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
from flightlog.store.payloads import digest, digests
from flightlog.store.port import Chunk
from flightlog.store.sqlite.facts import LLM, UNKNOWN, Series, Usage, model_facts
from flightlog.store.sqlite.ids import NO_ID
from flightlog.store.sqlite.lean import NOTHING, LeanAnnotation, LeanEvent, LeanProcess, LeanSpan, decode

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


class Common(Struct, gc=False):
    """What plain spans of this batch have in common (see `is_plain`), shared by all of them."""

    series: NewSeries
    source: tuple[str, str]
    thread: str
    level: str
    number: int = -1
    """Among those that rows were written for; -1 before the first."""


class NewSpan(Struct, gc=False):
    """The greatest line of one span in this batch."""

    line: LeanSpan
    line_hash: bytes
    process: Process
    beaten: list[Order] | None = None
    """Lines of this batch that it beat after they had been the greatest."""
    series: NewSeries | None = None
    """Set when `common` is not."""
    usage: Usage = UNKNOWN
    common: Common | None = None
    """Set for a plain span."""

    @property
    def whole_series(self) -> NewSeries:
        """Its series, once it was described."""
        found = self.series if self.common is None else self.common.series
        assert found is not None
        return found

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
    sources: set[tuple[str, str]] = set()
    """Where its spans come from. Plain spans that are alike share one, which the first of them in a batch names."""
    commons: dict[tuple[str, int], dict[tuple[str, ...], Common]] = {}
    """By project and `id` of the process, then by the fields of a line that plain spans can differ in."""

    def take(self, chunks: Sequence[Chunk]) -> None:
        """Take in all chunks."""
        for chunk in chunks:
            self._note_process(chunk.process)
            self._note_position(chunk)
            self._take_lines(chunk)
        self._describe_all()

    def _take_lines(self, chunk: Chunk) -> None:
        process, lines = chunk.process, chunk.lines
        spans: dict[str, NewSpan] = {}
        project, trace_id = None, ""
        latest = 0
        self.lines += len(lines)
        for record, line, line_hash in zip(
            decode(lines), lines, digests(lines, LINE_HASH_BYTES), strict=True
        ):
            if not isinstance(record, LeanSpan):
                self._take_other(record, line, process)
                continue
            time = record.start
            if record.end is not None and record.end > time:
                time = record.end
            if time > latest:  # noqa: PLR1730 - a call is slower, and there are many lines
                latest = time
            if record.process_id and record.process_id != process.process_id:
                self._note_time(record.process_id, time)
            if record.trace_id != trace_id or record.project != project:
                project, trace_id = record.project, record.trace_id
                spans = self._trace(project or process.project, trace_id).spans
            new = NewSpan(record, line_hash, process)
            found = spans.setdefault(record.span_id, new)
            if found is not new:
                self._choose(spans, found, new)
        self._note_time(process.process_id, latest)

    def _trace(self, project: str, trace_id: str) -> NewTrace:
        found = self.traces.get((project, trace_id))
        if found is None:
            found = self.traces[project, trace_id] = NewTrace(project, trace_id)
        return found

    def _choose(self, spans: dict[str, NewSpan], found: NewSpan, new: NewSpan) -> None:
        """Keep the greater of two lines of one span."""
        if new.order > found.order:
            new.beaten = [*(found.beaten or ()), found.order]
            spans[new.line.span_id] = new
        else:
            self.repeated += 1

    def _describe_all(self) -> None:
        """Describe each span, plain ones by what they have in common: a third of the time."""
        process, project, commons = None, None, dict[tuple[str, ...], Common]()
        for trace in self.traces.values():
            for span in trace.spans.values():
                line = span.line
                if not is_plain(line):
                    self._describe(span, trace)
                    continue
                if span.process is not process or trace.project != project:
                    process, project = span.process, trace.project
                    commons = self.commons.setdefault((project, id(process)), {})
                place = (line.name, line.kind, line.thread, line.level)
                common = commons.get(place)
                if common is None:
                    common = commons[place] = self._common(span, trace)
                span.common = common

    def _common(self, span: NewSpan, trace: NewTrace) -> Common:
        """What a plain span has in common with those that are like it."""
        line = span.line
        self._describe(span, trace)
        assert span.series is not None
        return Common(span.series, stamped(line, span.process), line.thread, line.level)

    def _describe(self, span: NewSpan, trace: NewTrace) -> None:
        """Find out where a span comes from, which series it belongs to, and what it used."""
        line, process = span.line, span.process
        provider, model, span.usage = model_facts(line)
        place = (
            trace.project,
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
        self.sources.add(stamped(line, process))

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
                self._trace(new.project, record.trace_id)
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


def is_plain(line: LeanSpan) -> bool:
    """Whether a line says no more of a span than when, where and what it was, as most of a busy program's do.

    It ended well, is no model call, has no values, and leaves to its process what that says. Such a span is
    treated like any other; only its row has few values of its own (see `plainrows.py`).
    """
    return (
        line.status == "ok"
        and line.input is line.output is line.attributes is line.context is line.otel is line.extra is NOTHING
        and line.end is not None
        and line.kind != LLM
        and line.error is None
        and line.parent_id != NO_ID
        and not (line.links or line.revision or line.task)
        and not (line.environment or line.service or line.version or line.process_id)
    )


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
