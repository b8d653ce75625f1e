"""The newest traces at a glance: three lines beside the mascot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from flightlog.analysis.overview import Overview
from flightlog.analysis.spending import Spending
from flightlog.cli.render import mascot, money, words
from flightlog.cli.render.bars import heights
from flightlog.cli.render.cells import width
from flightlog.cli.render.mascot import Mood
from flightlog.cli.render.terminal import Style, Terminal

_GAP = 3

Fact = list[tuple[str, Style]]
"""One fact: pieces of text, each with its style."""


def lines(
    seen: Overview,
    spent: Spending,
    open_spans: int,
    terminal: Terminal,
    *,
    mood: Mood | None,
    now_ns: int,
) -> list[str]:
    """Draw them; without a mood there is no mascot, and facts that find no room are left out, the last ones first.

    Args:
        seen: what the traces add up to.
        spent: what their model calls cost.
        open_spans: how many spans are open in the whole home.
        terminal: where they are drawn.
        mood: that of the mascot.
        now_ns: Unix nanoseconds.
    """
    has_mascot = mood is not None and terminal.colour
    room = terminal.width - (mascot.CELLS + 1 if has_mascot else 0)
    told = [
        _fitted(facts, room, terminal)
        for facts in (
            _going(seen, open_spans, terminal, now_ns),
            _went(seen, terminal),
            _took(seen, spent, terminal),
        )
    ]
    return mascot.beside(mood, [f" {line}" for line in told], terminal) if mood and has_mascot else told


def _going(seen: Overview, open_spans: int, terminal: Terminal, now_ns: int) -> Iterator[Fact]:
    yield [(f"{seen.last_minute:,}", "bold"), (" a minute", "")]
    running: Style = "cyan" if seen.open else "dim"
    yield [(words.of_them(seen.open, "open trace"), running)]
    yield [(words.of_them(open_spans, "open span"), "cyan" if open_spans else "dim")]
    if seen.since is not None:
        since = words.short_moment(seen.since, now_ns)
        yield [(f"{words.of_them(seen.traces, 'trace')} since {since}", "dim")]
        yield [(heights(seen.starts, max(seen.starts, default=0), terminal), "dim")]


def _went(seen: Overview, terminal: Terminal) -> Iterator[Fact]:
    share = f" ({100 * seen.failed / seen.over:.1f} %)" if seen.failed and seen.over else ""
    yield [(f"{seen.failed:,} failed{share}", "red" if seen.failed else "dim")]
    for name, ns in (("p50", seen.p50_ns), ("p95", seen.p95_ns), ("p99", seen.p99_ns)):
        yield [(f"{name} ", "dim"), (words.duration(ns, unknown="-", unicode=terminal.unicode), "")]


def _took(seen: Overview, spent: Spending, terminal: Terminal) -> Iterator[Fact]:
    if seen.input_tokens is None and seen.output_tokens is None:
        yield [("no tokens", "dim")]
    else:
        arrow = "→" if terminal.unicode else ">"
        read, written = (words.short_count(number or 0) for number in (seen.input_tokens, seen.output_tokens))
        yield [("tokens ", "dim"), (f"{read}{arrow}{written}", "")]
    if spent.calls:
        yield [(money.told(spent, terminal), "")]


def _fitted(facts: Iterable[Fact], room: int, terminal: Terminal) -> str:
    drawn: list[str] = []
    taken = -_GAP
    for fact in facts:
        needed = _GAP + sum(width(text) for text, _ in fact)
        if needed == _GAP:
            continue
        if taken + needed > room:
            break
        taken += needed
        drawn.append("".join(terminal.paint(style, text) for text, style in fact))
    return (" " * _GAP).join(drawn)
