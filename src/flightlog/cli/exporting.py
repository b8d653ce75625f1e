"""What `flightlog export` makes of what was chosen: the formats by name, their look on a terminal, how far it is."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final, Protocol

import click
import msgspec

from flightlog.analysis.tree import Tree, build
from flightlog.cli.render.safe import clean, clean_json
from flightlog.export import csv, json, rows
from flightlog.records.annotation import Annotation
from flightlog.records.errors import BadQuestion, BadSetting
from flightlog.records.event import Event
from flightlog.records.process import Process
from flightlog.records.span import Span
from flightlog.records.traces import Trace

if TYPE_CHECKING:
    from flightlog.export.scores import Scores
    from flightlog.export.stricter import Stricter

FORMS: Final = (
    "jsonl",
    "json",
    "csv",
    "parquet",
    "otlp",
    "otlp-proto",
    "mermaid",
    "mermaid-sequence",
    "dot",
    "perfetto",
    "speedscope",
    "html",
    "story",
)
"""What `--format` takes."""

WITH_ROWS: Final = frozenset({"jsonl", "json", "csv", "parquet"})
"""Formats that can be flat rows."""

BYTES: Final = frozenset({"parquet", "otlp-proto", "perfetto"})
"""Formats that are no text."""

_OF_JSON: Final = frozenset({"jsonl", "json", "otlp", "speedscope"})
_TELL_SECONDS: Final = 0.1


class Whole(msgspec.Struct, eq=False):
    """One trace with all that belongs to it."""

    trace: Trace
    spans: list[Span]
    events: list[Event]
    annotations: list[Annotation]

    @property
    def tree(self) -> Tree:
        """Its spans in their places."""
        return build(self.spans, self.events)


class Source(Protocol):
    """What was chosen, read as it is asked for; a trace at a time is held."""

    number: int
    noun: str
    """How many of what has gone by."""
    untold: int
    """Records that the format cannot carry."""
    processes: dict[str, Process]
    """Those of the traces that `wholes` has given so far, by id."""

    def traces(self) -> Iterator[Trace]:
        """Rows of traces."""

    def spans(self) -> Iterator[Span]:
        """Spans of all of them."""

    def scores(self, *, of_spans: bool) -> Scores:
        """The columns that what was said of them asks for."""

    def said(self, trace_id: str) -> list[Annotation]:
        """What was said of a trace and its spans, by time."""

    def trees(self) -> Iterator[tuple[Trace, Tree]]:
        """Traces with their spans in their places."""

    def wholes(self) -> Iterator[Whole]:
        """The same with everything that belongs to them."""

    def lines(self) -> Iterator[bytes]:
        """Record lines with their line ends."""


def check(form: str, of: str | None, *, to_terminal: bool) -> None:
    """Say before any work is done that something cannot be made.

    Raises:
        BadQuestion: rows of what has none, or bytes on a terminal.
    """
    if of and form not in WITH_ROWS:
        raise BadQuestion(f"--rows goes with {', '.join(sorted(WITH_ROWS))}; {form} is no table")
    if to_terminal and form in BYTES:
        raise BadQuestion(f"{form} is no text and would confuse a terminal: name a file with -o")


def pieces(source: Source, form: str, of: str | None) -> Iterator[bytes]:
    """The document, piece by piece."""
    if form in WITH_ROWS:
        return _table(source, form, of)
    return iter(_MAKERS[form](source))


def _table(source: Source, form: str, of: str | None) -> Iterator[bytes]:
    if of or form in {"csv", "parquet"}:
        of_spans = of == "spans" or (form == "parquet" and of is None)
        table = rows.of_spans(source.spans()) if of_spans else rows.of_traces(source.traces())
        columns = list(rows.SPAN_COLUMNS if of_spans else rows.TRACE_COLUMNS)
        scores = source.scores(of_spans=of_spans)
        scored = scores.added(table, source.said)
        if form == "parquet":
            from flightlog.export import parquet  # an extra part, only for who asks for it

            return parquet.document(columns, scored, scores.types)
        if form == "csv":
            return csv.lines([*columns, *scores.types], scored)
        if form == "json":
            return json.rows(scored)
        return (msgspec.json.encode(row) + b"\n" for row in scored)
    if form == "jsonl":
        return source.lines()
    return json.documents((one.trace, one.tree, one.annotations) for one in source.wholes())


def _otlp(source: Source, *, as_json: bool) -> Iterator[bytes]:
    from flightlog.export import otlp  # each format is loaded for who asks for it, here and below

    left = otlp.Left()
    traces = (otlp.Parts(one.spans, one.events, one.annotations) for one in source.wholes())
    yield from otlp.messages(traces, source.processes, as_json=as_json, left=left)
    source.untold = left.untold


def _perfetto(source: Source) -> Iterator[bytes]:
    from flightlog.export import perfetto  # as above

    return perfetto.document(((one.trace, one.tree) for one in source.wholes()), source.processes)


def _html(source: Source) -> Iterator[bytes]:
    from flightlog.export import html  # as above

    pages = (html.Page(one.trace, one.tree, one.annotations) for one in source.wholes())
    return html.document(pages, source.processes)


def _mermaid(source: Source) -> Iterator[bytes]:
    from flightlog.export import mermaid  # as above

    return mermaid.flowchart(tree for _, tree in source.trees())


def _sequence(source: Source) -> Iterator[bytes]:
    from flightlog.export import mermaid  # as above

    return mermaid.sequence(source.trees())


def _dot(source: Source) -> Iterator[bytes]:
    from flightlog.export import dot  # as above

    return dot.document(tree for _, tree in source.trees())


def _speedscope(source: Source) -> Iterator[bytes]:
    from flightlog.export import speedscope  # as above

    return speedscope.document(source.trees())


def _story(source: Source) -> Iterator[bytes]:
    from flightlog.export import story  # as above

    return story.text(source.trees())


_MAKERS: Final[Mapping[str, Callable[[Source], Iterable[bytes]]]] = {
    "otlp": lambda source: _otlp(source, as_json=True),
    "otlp-proto": lambda source: _otlp(source, as_json=False),
    "mermaid": _mermaid,
    "mermaid-sequence": _sequence,
    "dot": _dot,
    "perfetto": _perfetto,
    "speedscope": _speedscope,
    "html": _html,
    "story": _story,
}


# -- on the way -----------------------------------------------------------------------------------------------


def stricter(redact: str, content: str) -> Stricter:
    """What lets through only what may leave.

    Args:
        redact: as the setting `redact`, in whose place it stands; empty for what was recorded.
        content: as the setting `content`; empty for what was recorded.

    Raises:
        BadQuestion: one of them, or another setting, cannot be used.
    """
    from flightlog.export.stricter import Stricter  # its patterns are compiled for who asks for it

    if not redact and not content:
        return Stricter()
    from flightlog.configure import load_settings  # as above
    from flightlog.core.content import content_from  # as above
    from flightlog.home import Home  # as above
    from flightlog.redacting import gate_of  # as above

    code = {name: value for name, value in (("redact", redact), ("content", content)) if value}
    try:
        settings = load_settings(code)
        home = Home.find(settings, strict=True)
        gate = gate_of(settings, home.key() if home.path.is_dir() else b"") if redact else None
    except BadSetting as error:
        said = str(error).replace(f"setting {error.name} from code", f"--{error.name}", 1)
        raise BadQuestion(said) from error
    return Stricter(gate, content_from(settings.content) if content else None)


def told(made: Iterable[bytes], source: Source) -> Iterator[bytes]:
    """The same pieces; how far it is stands on standard error, where somebody looks, until it is over."""
    if not sys.stderr.isatty():
        yield from made
        return
    due = time.monotonic() + _TELL_SECONDS
    shown = False
    try:
        for piece in made:
            yield piece
            if time.monotonic() >= due:
                due, shown = time.monotonic() + _TELL_SECONDS, True
                line = f"{source.number:,} {source.noun}{'' if source.number == 1 else 's'}"
                click.echo(f"\r\x1b[K{line}", err=True, nl=False)
    finally:
        if shown:
            click.echo("\r\x1b[K", err=True, nl=False)


def safe(form: str) -> Callable[[bytes], bytes]:
    """How a piece is shown on a terminal: what that would obey is written out, in JSON as JSON has it."""
    return clean_json if form in _OF_JSON else _safe_lines


def _safe_lines(piece: bytes) -> bytes:
    ends = "\r\n" if piece.endswith(b"\r\n") else "\n"
    return "".join(clean(line) + "\n" for line in piece.decode().removesuffix(ends).split("\n")).encode()
