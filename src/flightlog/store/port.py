"""What a store is: the contract that every engine keeps, in prose. `tests/contracts/` runs it.

**Writing.** `append` takes chunks of finished lines, each chunk with the process that wrote them, and applies
all of it in one transaction together with the cursors, or none of it. Lines arrive in any order, any number
of times, from any number of processes, and the store's answer depends only on the *set* of lines:

* Keys: span (project, trace_id, span_id); event and annotation (project, id); payload (project, BLAKE2b-128
  of its bytes). A line without a project has its process's.
* Among the lines of one span the greatest (rank, revision, end, line hash) wins; rank as in
  `records.kinds.RANKS`, a missing end is 0, the line hash is BLAKE2b-64 of the line as it was handed over.
* Every rollup and every counter of a trace row changes by contribution(new) - contribution(old). A running
  or paused span contributes nothing to rollups. Rollups hold sums only. `verify` recomputes everything from
  the span rows and reports each difference.
* A trace row: start is the least start, end the greatest end, counters change by difference; name, kind,
  status, session, user and tags come from its most root-like span: one without a parent, else one whose
  parent is absent; then the earliest start; then the least span id. Where that has no session, the one of the
  earliest span that has one stands (then of the least span id); likewise the user.
* A line that is not a record, or a record of an unknown type or version, is kept as it is and comes out
  again with `lines`; it is never interpreted.

**Closing.** A chunk whose process is `dead` closes it: each of its spans that is still running becomes
`interrupted`, ending at the latest time seen in that process's lines (never before its start), while one that is
paused stays paused, for it waits for somebody and may go on in another process, whose span it then is; each
parent that one of its spans names, that is not in the store and that is not marked remote (OpenTelemetry
flag bit 0x200 in `otel.flags`) gets an `interrupted` placeholder. Both are ordinary lines of rank
`interrupted`: a real line that comes later wins.

**Reading.** Any number of readers see committed batches only, never wait for a writer, and never see
"database is locked". Unknown ids give empty answers or None; only `resolve` raises. Rows come in the order
the method names. Text from a trace is returned as it is: making it safe to show is the caller's work.

**Questions.** A `records.question.Question` is true or false of a span, whatever else the store holds but what the
question itself asks of its relatives. Where traces are chosen by one, those are meant of which some span fits. Every
text in it is a value: nothing that somebody typed ever becomes a part of a statement.

Raises, of each method that takes one: BadQuestion, where it asks for more than can be computed while somebody waits.

**Threads.** An object is used by one thread at a time, which its owner sees to; it may be handed on. None is
used across a fork.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct

from flightlog.records.annotation import Annotation, Judgement
from flightlog.records.callfacts import CallFacts
from flightlog.records.cursor import Cursor
from flightlog.records.event import Event
from flightlog.records.line import Line
from flightlog.records.process import Process
from flightlog.records.question import Question
from flightlog.records.span import Span
from flightlog.records.traces import EVERY_TRACE, Figures, Flow, Order, Selection, Trace, TraceFigures
from flightlog.store.clearport import Deleted, Room
from flightlog.store.following import Mark, News
from flightlog.store.groupings import Grouping
from flightlog.store.prices import Prices
from flightlog.store.textport import Found, Search, TextState

Times = Sequence[tuple[int, int]]
"""From when to when, in Unix nanoseconds, both included."""


class Answer(Protocol):
    """What SQL of somebody's own came to, on the views that an engine documents."""

    @property
    def columns(self) -> Sequence[str]:
        """Each name once."""

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """The rows, as they are found; each value None, a number, a text or bytes.

        Raises:
            BadQuestion: it takes too long, or too much memory.
        """

    def close(self) -> None:
        """Give back every handle; closing twice is harmless."""


class Chunk(Struct, frozen=True):
    """Lines of one process, in the order they were written."""

    process: Process
    lines: Sequence[Line]
    cursor: Cursor | None = None
    """Where its journal stands after these lines; None for lines that come from no journal."""
    dead: bool = False
    """These are the last lines of a process that is gone: close what it left open."""
    counters: dict[str, int] = {}
    """The process's own loss counters, as totals since it started; the store keeps the greatest."""


class Applied(Struct, frozen=True):
    """What one `append` did."""

    lines: int = 0
    spans: int = 0
    """Span rows that are new or changed."""
    repeated: int = 0
    """Lines that changed nothing because the store already had them, or a greater line."""
    strays: int = 0
    """Lines kept without being understood."""
    interrupted: int = 0
    """Spans closed, and placeholders made, for dead processes."""


class Sizes(Struct, frozen=True):
    """How much a store holds."""

    bytes_on_disk: int
    traces: int
    spans: int
    events: int
    payloads: int
    payload_bytes: int
    """Compressed."""
    strays: int
    series: int
    loose_events: int = 0
    """Events that are in no trace, or in one of which no span is here; they count among the events."""


class Difference(Struct, frozen=True):
    """One thing that `verify` found to be other than recomputed."""

    table: str
    key: str
    stored: str
    recomputed: str


class Writer(Protocol):
    """The one way lines get into a store."""

    def append(self, chunks: Sequence[Chunk]) -> Applied:
        """Apply all chunks in one transaction, cursors included.

        Raises:
            StoreBusy: another process was writing for as long as we would wait; try again.
            StoreError: nothing was applied; the lines stay in their journal.
        """

    def prepared(self, chunks: Sequence[Chunk]) -> Callable[[], Applied]:
        """Do what of an `append` needs no store, in any thread and while another append runs; the call is the rest.

        Whatever is appended between the two counts as it would have before both.
        """

    def cursor(self, process_id: str) -> Cursor:
        """Where this journal stands; the zero cursor for one that was never seen."""

    def forget_cursor(self, process_id: str) -> None:
        """Drop the cursor of a journal whose files are gone."""

    def delete_trace(self, trace_id: str, project: str | None = None) -> Deleted:
        """Remove a trace and all that only it needed, from one project or from all; counters and sums forget it.

        An unknown id removes nothing. Lines of it that come later make it anew.

        Raises:
            StoreBusy, StoreError: as for `append`; nothing was removed.
        """

    def delete_some(self, trace_ids: Sequence[str], most: int, project: str | None = None) -> Deleted:
        """Remove so much of these traces, the first ones first; what is left of one is a trace with fewer spans.

        A large trace goes in several calls, each of which holds the write lock for a moment; between two of them
        all counters and sums are those of what is left. Its most root-like span goes last.

        Args:
            trace_ids: full ids; whoever goes on leaves out the first `Deleted.traces` of them.
            most: about so many spans and events.
            project: of this one alone; None for all.

        Raises:
            StoreBusy, StoreError: as for `append`; nothing was removed.
        """

    def room(self) -> Room:
        """How much the store takes on the disk.

        Raises:
            StoreError: it cannot be read.
        """

    def give_back(self, most_bytes: int) -> Room:
        """Hand up to so many bytes of free room back to the disk, in one transaction; what is left.

        Raises:
            StoreBusy, StoreError: as for `append`; nothing was changed.
        """

    def compact(self) -> Room:
        """Write the store anew without free room: nobody else writes meanwhile, and the disk must hold it twice.

        Raises:
            StoreBusy, StoreError: as for `append`; nothing was changed.
        """

    def price_calls(self, prices: Prices, most: int) -> bool:
        """Remember of some model calls what they cost, in one transaction; whether there are more without a price.

        Of another version everything is made anew. What is not remembered is computed by whoever asks.

        Raises:
            StoreBusy, StoreError: as for `append`; nothing was changed.
        """

    def close(self) -> None:
        """Give back every handle; closing twice is harmless."""


class Reader(Protocol):
    """The questions a store answers in this release; each costs what its answer is large."""

    def resolve(self, ref: str) -> str:
        """Turn a full trace id, a unique prefix of at least 4 digits, `@latest` or `@-2` into a trace id.

        Raises:
            UnknownId: nothing fits.
            AmbiguousId: several traces fit the prefix.
        """

    def traces(self, limit: int, selection: Selection = EVERY_TRACE, *, by: Order = "newest") -> list[Trace]:
        """The newest traces by start of those that are meant, newest first.

        Args:
            limit: most of them.
            selection: which are meant.
            by: by what else: those that have most of it, first; where it is unknown last, and then the newest.
        """

    def each_trace(
        self, selection: Selection = EVERY_TRACE, *, oldest_first: bool = False
    ) -> Iterator[Trace]:
        """Every trace that is meant, newest first, in constant memory; each page is what was committed by then.

        Args:
            selection: which.
            oldest_first: the other way round.
        """

    def each_span(self, selection: Selection = EVERY_TRACE) -> Iterator[Span]:
        """Every span of the traces that are meant, newest trace first, in a trace by start, then id.

        With a question, those of them that fit it. In constant memory but for a number a span of the traces of one
        page.
        """

    def newest_spans(
        self, limit: int, selection: Selection = EVERY_TRACE, *, payloads: bool = True
    ) -> list[Span]:
        """No more than so many of what `each_span` gives; `payloads` as for `spans`."""

    def trace(self, trace_id: str) -> Trace | None:
        """One trace's row."""

    def spans(self, trace_id: str, *, payloads: bool = True, question: Question | None = None) -> list[Span]:
        """Every span of a trace as it stands now, by start, then id.

        Args:
            trace_id: a full id.
            payloads: False leaves out large inputs and outputs, which then are UNSET; the rest is whole.
            question: only those that fit it.
        """

    def span(self, trace_id: str, span_id: str) -> Span | None:
        """One span, whole; of one that several projects share, that of the trace's row which came first."""

    def news(
        self, mark: Mark | None, most: int, *, question: Question | None = None, payloads: bool = False
    ) -> News:
        """What came since `mark` was made: it costs what that is, whatever the store holds.

        Args:
            mark: of the last look; without one the answer is a mark that stands at what is there now. A store that
                was made anew since is followed from where it stands.
            most: about no more spans than this at once.
            question: only spans that fit it by now.
            payloads: as for `spans`.
        """

    def events(self, trace_id: str) -> list[Event]:
        """Every event of a trace, by time, then id."""

    def annotations(self, trace_id: str) -> list[Annotation]:
        """Every annotation of a trace and of its spans, by time, then id."""

    def judgements(self, selection: Selection = EVERY_TRACE) -> Iterator[Judgement]:
        """The annotations of the traces that are meant, oldest first; of what one judge said again the latest.

        It costs what there is of annotations.
        """

    def flow(self, correlation_id: str, most: int) -> Flow:
        """What belongs to a correlation id, across traces; of spans and of events the first `most` each.

        An event that names an id of its own belongs to that alone, whatever was bound. The id of a trace means
        all of that trace besides.
        """

    def loose_events(self, most: int, *, since: int | None = None, project: str = "") -> list[Event]:
        """The newest events that are in no trace, or in one of which no span is here, by time, then id.

        No list of traces leads to them. It may cost what the store holds of events.

        Args:
            most: no more than so many.
            since: Unix nanoseconds; those that happened then or later.
            project: of this one alone; empty for all.
        """

    def lines(self, trace_id: str | None = None, selection: Selection = EVERY_TRACE) -> Iterator[bytes]:
        """One trace, those that are meant, or everything, as JSON lines.

        Processes come before what they wrote, each once; then spans, events, annotations. What belongs to no
        trace, strays among it, comes with everything alone.
        """

    def figures(
        self,
        groupings: tuple[Grouping, ...],
        *,
        since: int | None = None,
        until: int | None = None,
        project: str = "",
        question: Question | None = None,
        exact: bool = False,
        slots: int = 0,
    ) -> dict[Grouping, list[Figures]]:
        """What ended spans add up to, grouped in each of these ways, those with the most time first.

        From the rollups where they can tell, so it costs what they are large; else from the spans. Names beyond a
        project's limit are one group; spans without a model, or without a tag, are in no group of these; one with
        several tags is in each. Users, sessions and tags are those of spans, else of their traces.

        Args:
            groupings: one answer for each.
            since: Unix nanoseconds; spans that started in that hour or later.
            until: Unix nanoseconds; spans that started before the end of that hour.
            project: of this one alone; empty for all.
            question: only spans that fit it, which are then looked at one by one, as with `exact`.
            exact: look at spans one by one in any case; then times are no whole hours.
            slots: tell in about so many parts when spans started, or more of a long time; 0 for none.
        """

    def trace_figures(self, selection: Selection = EVERY_TRACE) -> TraceFigures:
        """What the traces that are meant add up to."""

    def failures(
        self, most: int, *, since: int | None = None, project: str = "", question: Question | None = None
    ) -> list[Span]:
        """Failed spans without a failed child, newest first, without inputs and outputs.

        Args:
            most: no more than so many.
            since: Unix nanoseconds; those that started then or later.
            project: of this one alone; empty for all.
            question: only those that fit it.
        """

    def model_calls(
        self, selection: Selection = EVERY_TRACE, *, traces: Sequence[str] | None = None
    ) -> Iterator[CallFacts]:
        """Every model call that is over of the traces that are meant, in no particular order, in constant memory.

        Calls of kind `llm`, and of the other kinds in `genai.CHARGED_KINDS` those that name a model. A session, user
        or tags that a call has not itself are those of its trace. It costs what there is of calls, and where
        more than a time and a project is asked for, what there is of spans in those traces.

        Args:
            selection: which traces; but its `since` is about the calls, wherever their traces began, and so is its
                question.
            traces: full ids; of these traces alone, in this order, and in each by start.
        """

    def calls_near(
        self, kinds: Sequence[str], times: Times, *, but: Container[tuple[str, str]] = (), most: int = 20_000
    ) -> list[Span]:
        """Ended spans of these kinds that ran at one of these times, without large inputs and outputs, in any order.

        It costs what ran then; one that began more than ten minutes before such a time is not found.

        Args:
            kinds: which.
            times: some of them.
            but: trace and span ids of those that are not asked for.
            most: no more than so many.
        """

    def unpriced(self, version: int, most: int = 100_000) -> int:
        """How many model calls have no price of this version, `most` + 1 for more than that."""

    def search(self, asked: Search, limit: int, *, question: Question | None = None) -> Found:
        """The newest steps and events in which all of some words stand, newest first.

        A model call is told once where later ones of its trace repeat the same passages. With an index of texts it
        costs what there is of rare words; without one the newest spans are gone through for a few seconds.

        Args:
            asked: which words, and where.
            limit: no more than so many.
            question: of spans, and of events on spans, that fit it.
        """

    def known_values(self, most: int) -> dict[str, list[str]]:
        """Up to so many values of each field that a question may name, for whoever types one; quick, not complete."""

    def text_state(self) -> TextState:
        """How the index of texts stands."""

    def counters(self, newer: Mapping[str, Mapping[str, int]] | None = None) -> dict[str, int]:
        """Losses of every process that was ever indexed, summed by name, and the store's own.

        Args:
            newer: by process id, totals that the caller read since; of two the greater counts.
        """

    def room(self) -> Room:
        """How much the store takes on the disk, and how much of it is free."""

    def sizes(self) -> Sizes:
        """How much there is."""

    def verify(self) -> list[Difference]:
        """Recompute trace rows, rollups, histograms, payloads and their references; empty means all is right.

        Raises:
            StoreCorrupt: the file is damaged, in a place that no question may have come to yet.
        """

    def close(self) -> None:
        """Give back every handle; closing twice is harmless."""
