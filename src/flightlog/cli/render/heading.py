"""The lines above everything that is told about one trace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from flightlog.analysis import retries
from flightlog.analysis.pace import Pace
from flightlog.analysis.tree import Tree
from flightlog.cli.render import notes, words
from flightlog.cli.render.cells import cut, flow, width
from flightlog.cli.render.marks import status_sign, status_style
from flightlog.cli.render.safe import clean
from flightlog.cli.render.terminal import Terminal
from flightlog.records.traces import Trace

NAME_CELLS: Final = 16
"""What a name keeps of a line that it shares; where the facts leave less, they get a line of their own."""


def lines(
    trace: Trace,
    terminal: Terminal,
    now_ns: int,
    pace: Pace | None = None,
    tree: Tree | None = None,
    *,
    cost: str = "",
) -> Iterator[str]:
    """How it went, what it was, how long it took, with a pace what is remarkable; then its id and when it began.

    Of what is still open, how long it has run or waits so far. With a cost, what its model calls cost.
    """
    style = status_style(trace.status)
    remarks = _remarks(trace, terminal, pace, tree) if pace else ()
    parts = [*_facts(trace, terminal, now_ns), *([cost] if cost else []), *remarks]
    facts = terminal.dot().join(parts)
    sign = terminal.paint(style, status_sign(trace.status, terminal))
    name = clean(trace.name) or "(no name)"
    room = terminal.width - 4 - width(facts)
    if room >= min(width(name), NAME_CELLS):
        yield f"{sign} {_bold(name, room, terminal)}  {terminal.paint('dim', facts)}"
    else:
        yield f"{sign} {_bold(name, terminal.width - 2, terminal)}"
        for line in flow(parts, terminal.dot(), terminal.width - 2, terminal.ellipsis()):
            yield "  " + terminal.paint("dim", line)
    trace_id = clean(trace.trace_id)
    began = f"{words.moment(trace.start)}, {words.ago(trace.start, now_ns)}"
    if terminal.width >= len(trace_id) + len(began) + 4:
        yield f"  {trace_id}  {terminal.paint('dim', began)}"
    else:
        yield f"  {trace_id}"
        yield f"  {terminal.paint('dim', began)}"


def _bold(name: str, cells: int, terminal: Terminal) -> str:
    return terminal.paint("bold", cut(name, cells, terminal.ellipsis()))


def _facts(trace: Trace, terminal: Terminal, now_ns: int) -> Iterator[str]:
    if trace.kind:
        yield clean(trace.kind)
    yield trace.status
    yield words.lasting(trace, now_ns, unicode=terminal.unicode)
    spans = [words.of_them(trace.span_count, "span")]
    if trace.error_count:
        spans.append(f"{trace.error_count:,} failed")
    if trace.interrupted:
        spans.append(f"{trace.interrupted:,} interrupted")
    yield ", ".join(spans)


def _remarks(trace: Trace, terminal: Terminal, pace: Pace, tree: Tree | None) -> Iterator[str]:
    """What is remarkable, but for what the facts say already."""
    helped = tree is not None and retries.have_helped(tree)
    told = notes.of_trace(trace, pace, terminal, helped=helped)
    return (note for note in told if not note.endswith("interrupted"))
