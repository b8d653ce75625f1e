"""The newest traces as a table: what ran, how it went, when, and how long it took.

The columns with the least numbers here are given room first; the sign, the name, the duration and the id
stay. Where not everything fits, each id is as many of its first digits as still name its trace and no other; it
is whole where there is room, and in a pipe. A name is cut to its least before a column leaves that says what went
wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from flightlog.analysis.pace import Pace
from flightlog.cli.render import notes, words
from flightlog.cli.render.marks import kind_style, status_sign, status_style
from flightlog.cli.render.safe import clean
from flightlog.cli.render.table import Column, cells_of
from flightlog.cli.render.table import lines as table_lines
from flightlog.cli.render.terminal import Style, Terminal
from flightlog.cli.render.timeline import Axis
from flightlog.records.traces import Trace

BAR_CELLS = 8


def lines(
    traces: Sequence[Trace],
    terminal: Terminal,
    now_ns: int,
    pace: Pace,
    digits: Callable[[], int] | None = None,
    *,
    costs: Sequence[str] = (),
) -> Iterator[str]:
    """Draw the list, in the order given.

    Args:
        traces: the rows.
        terminal: where they are drawn.
        now_ns: Unix nanoseconds, which ages are told from.
        pace: from when on a trace is slow.
        digits: tells how many first digits of these ids name one trace each; asked only where ids do not fit whole.
        costs: what each cost; empty where nobody asked.
    """
    failed: list[Style] = ["red" if t.status == "error" else "" for t in traces]
    columns = [
        _signs(traces, terminal),
        Column("name", [clean(t.name) or "(no name)" for t in traces], failed, least=8, comfortable=18),
        Column("kind", [clean(t.kind) for t in traces], [kind_style(t.kind) for t in traces], leaves=5),
        *_starts(traces, terminal, now_ns),
        _durations(traces, terminal, now_ns),
        Column(" ", _bars(traces, terminal), failed, leaves=11),
        Column("spans", [words.count(t.span_count) for t in traces], align="right", leaves=4),
        Column(
            "failed",
            [words.count(t.error_count) if t.error_count else "" for t in traces],
            ["red" if t.status == "error" else "yellow" for t in traces],
            align="right",
            leaves=2,
            vital=True,
        ),
        Column("tokens", [_tokens(t, terminal) for t in traces], align="right", leaves=6),
        *([Column("cost", list(costs), align="right")] if costs else []),
        Column("model", [clean(t.model or "") for t in traces], _dim(traces), leaves=7),
        _notes(traces, terminal, pace),
        Column("session", [clean(t.session or "") for t in traces], _dim(traces), leaves=8),
        Column("service", [clean(t.service or "") for t in traces], _dim(traces), leaves=9),
        Column("trace", [clean(t.trace_id) for t in traces], _dim(traces)),
    ]
    if digits is not None and not terminal.whole_tables and cells_of(columns) > terminal.width:
        enough = digits()
        columns[-1] = Column("trace", [clean(t.trace_id)[:enough] for t in traces], _dim(traces))
    return table_lines(columns, terminal)


def _signs(traces: Sequence[Trace], terminal: Terminal) -> Column:
    return Column(
        "", [status_sign(t.status, terminal) for t in traces], [status_style(t.status) for t in traces]
    )


def _starts(traces: Sequence[Trace], terminal: Terminal, now_ns: int) -> list[Column]:
    """For somebody who looks now, how long ago; in a pipe or a file the moment itself, which stays true."""
    if terminal.whole_tables:
        return [Column("started", [words.iso(t.start) for t in traces])]
    return [
        Column("started", [words.ago(t.start, now_ns) for t in traces], align="right", leaves=1, vital=True),
        Column("at", [words.short_moment(t.start, now_ns) for t in traces], _dim(traces), leaves=10),
    ]


def _durations(traces: Sequence[Trace], terminal: Terminal, now_ns: int) -> Column:
    cells = [words.lasting(t, now_ns, unicode=terminal.unicode) for t in traces]
    return Column("took", cells, ["yellow" if t.slow else "" for t in traces], align="right")


def _bars(traces: Sequence[Trace], terminal: Terminal) -> list[str]:
    """Durations beside each other, the longest one filling the column."""
    longest = max((t.duration_ns or 0 for t in traces), default=0)
    axis = Axis(0, max(1, longest), BAR_CELLS, terminal.unicode)
    return [axis.bar(0, t.duration_ns) if t.duration_ns is not None else "" for t in traces]


def _tokens(trace: Trace, terminal: Terminal) -> str:
    if trace.input_tokens is None and trace.output_tokens is None:
        return "?" if trace.llm_calls else ""
    arrow = "→" if terminal.unicode else ">"
    known = (
        f"{words.short_count(trace.input_tokens or 0)}{arrow}{words.short_count(trace.output_tokens or 0)}"
    )
    return known + ("+?" if trace.unknown_usage_calls else "")


def _notes(traces: Sequence[Trace], terminal: Terminal, pace: Pace) -> Column:
    return Column(
        "notes",
        [", ".join(notes.of_trace(trace, pace, terminal)) for trace in traces],
        ["yellow"] * len(traces),
        leaves=3,
        least=7,
        comfortable=14,
        vital=True,
        short=[", ".join(notes.in_short(trace)) for trace in traces],
    )


def _dim(traces: Sequence[Trace]) -> list[Style]:
    return ["dim"] * len(traces)
