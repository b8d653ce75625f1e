"""The spans of a trace as a table, by start."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from flightlog.cli.render import words
from flightlog.cli.render.marks import kind_style, status_sign, status_style
from flightlog.cli.render.safe import clean
from flightlog.cli.render.table import Column
from flightlog.cli.render.table import lines as table_lines
from flightlog.cli.render.terminal import Style, Terminal
from flightlog.records.span import Span


def lines(spans: Sequence[Span], terminal: Terminal, now_ns: int | None = None) -> Iterator[str]:
    """Draw the table; ids are whole at any width. What is open lasts until now, if that is given."""
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
        Column("after", [lasting(span.start - first) for span in spans], dim, align="right", leaves=3),
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
    return table_lines(columns, terminal)


def _error(span: Span) -> str:
    if span.error is None:
        return ""
    return clean(": ".join(text for text in (span.error.type, span.error.message) if text))
