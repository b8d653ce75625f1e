"""What happens, one line a span as it begins and one as it ends: for people who watch, and for `grep`."""

from __future__ import annotations

from flightlog.cli.render import details, words
from flightlog.cli.render.marks import kind_style, status_sign, status_style
from flightlog.cli.render.safe import clean
from flightlog.cli.render.terminal import Terminal
from flightlog.narration.words import clock
from flightlog.records.span import Span

_TEXT = 120
"""Letters of an error."""


def line(span: Span, terminal: Terminal) -> str:
    """The time, a sign, the name, what became of it, and its trace, whole.

    A span that began and is not over has the time of its start, any other that of its end.
    """
    style = status_style(span.status)
    paint = terminal.paint
    parts = [
        paint("dim", clock(span.start if span.end is None else span.end)),
        f"{paint(style, status_sign(span.status, terminal))} {clean(span.name) or '(no name)'}",
        paint(kind_style(span.kind), clean(span.kind)),
        span.status if span.end is None else words.duration(span.duration_ns, unicode=terminal.unicode),
        paint("red", _fault(span)),
        paint("dim", clean(details.pairs({"trace": span.trace_id, "span": span.span_id}).replace(", ", " "))),
        "" if span.parent_id else paint("dim", "root"),
    ]
    return "  ".join(filter(None, parts))


def _fault(span: Span) -> str:
    if span.error is None:
        return "" if span.status in {"ok", "running"} else span.status
    told = clean(": ".join(text for text in (span.error.type, span.error.message) if text))
    return told if len(told) <= _TEXT else told[: _TEXT - 1] + "…"
