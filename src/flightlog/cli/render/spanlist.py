"""Spans as a table, in the order in which they are given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from flightlog.cli.render import words
from flightlog.cli.render.marks import kind_style, status_sign, status_style
from flightlog.cli.render.safe import clean
from flightlog.cli.render.table import Column, cells_of
from flightlog.cli.render.table import lines as table_lines
from flightlog.cli.render.terminal import Style, Terminal
from flightlog.records.span import Span


def lines(
    spans: Sequence[Span],
    terminal: Terminal,
    now_ns: int | None = None,
    digits: Callable[[], int] | None = None,
) -> Iterator[str]:
    """Draw the table; ids of spans are whole at any width.

    Args:
        spans: in the order in which they are drawn.
        terminal: where they are drawn.
        now_ns: Unix nanoseconds; what is open lasts until then, if that is given.
        digits: for spans of several traces, which have their trace beside them and when they began; it tells how many
            first digits of these ids name one trace each, and is asked only where ids do not fit whole.
    """
    first = min((span.start for span in spans), default=0)
    dim: list[Style] = ["dim"] * len(spans)
    failed: list[Style] = ["red" if span.status == "error" else "" for span in spans]

    def lasting(ns: int) -> str:
        return words.duration(ns, unicode=terminal.unicode)

    columns = [
        Column(
            "",
            [status_sign(span.status, terminal) for span in spans],
            [status_style(span.status) for span in spans],
        ),
        Column("name", [clean(span.name) or "(no name)" for span in spans], failed, least=8, comfortable=20),
        Column("kind", [clean(span.kind) for span in spans], [kind_style(s.kind) for s in spans], leaves=2),
        Column("after", [lasting(span.start - first) for span in spans], dim, align="right", leaves=3)
        if digits is None
        else _started(spans, terminal, now_ns or first),
        Column(
            "took",
            [words.lasting_span(span, now_ns, unicode=terminal.unicode) for span in spans],
            align="right",
        ),
        Column(
            "error", [_error(span) for span in spans], failed, leaves=1, least=12, comfortable=24, vital=True
        ),
        Column("thread", [clean(span.task or span.thread) for span in spans], dim, leaves=5),
        Column("parent", [clean(span.parent_id) for span in spans], dim, leaves=4),
        Column("span", [clean(span.span_id) for span in spans], dim),
    ]
    if digits is not None:
        columns.insert(-1, Column("trace", [clean(span.trace_id) for span in spans], dim))
        if not terminal.whole_tables and cells_of(columns) > terminal.width:
            enough = digits()
            columns[-2] = Column("trace", [clean(span.trace_id)[:enough] for span in spans], dim)
    return table_lines(columns, terminal)


def _started(spans: Sequence[Span], terminal: Terminal, now_ns: int) -> Column:
    """For somebody who looks now, how long ago; in a pipe or a file the moment itself."""
    if terminal.whole_tables:
        return Column("started", [words.iso(span.start) for span in spans])
    return Column("started", [words.ago(span.start, now_ns) for span in spans], align="right", leaves=3)


def _error(span: Span) -> str:
    if span.error is None:
        return ""
    return clean(": ".join(text for text in (span.error.type, span.error.message) if text))
