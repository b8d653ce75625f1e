"""The two lines above everything that is told about one trace."""

from __future__ import annotations

from collections.abc import Iterator

from flightlog.cli.render import words
from flightlog.cli.render.cells import cut
from flightlog.cli.render.marks import status_sign, status_style
from flightlog.cli.render.safe import clean
from flightlog.cli.render.terminal import Terminal
from flightlog.records.traces import Trace


def lines(trace: Trace, terminal: Terminal, now_ns: int) -> Iterator[str]:
    """How it went, what it was, how long it took; then its id and when it began."""
    style = status_style(trace.status)
    facts = " · ".join(_facts(trace, terminal))
    if not terminal.unicode:
        facts = facts.replace("·", "-")
    room = max(8, terminal.width - 4 - len(facts))
    name = cut(clean(trace.name) or "(no name)", room, terminal.ellipsis())
    sign = terminal.paint(style, status_sign(trace.status, terminal))
    yield f"{sign} {terminal.paint('bold', name)}  {terminal.paint('dim', facts)}"
    trace_id = clean(trace.trace_id)
    began = f"{words.moment(trace.start)}, {words.ago(trace.start, now_ns)}"
    if terminal.width >= len(trace_id) + len(began) + 4:
        yield f"  {trace_id}  {terminal.paint('dim', began)}"
    else:
        yield f"  {trace_id}"
        yield f"  {terminal.paint('dim', began)}"


def _facts(trace: Trace, terminal: Terminal) -> Iterator[str]:
    if trace.kind:
        yield clean(trace.kind)
    yield trace.status
    yield words.duration(trace.duration_ns, unknown="open", unicode=terminal.unicode)
    spans = words.of_them(trace.span_count, "span")
    yield f"{spans}, {trace.error_count:,} failed" if trace.error_count else spans
