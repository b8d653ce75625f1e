"""Conversations: a table of them, and one of them turn by turn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from flightlog.analysis.session import Turn
from flightlog.analysis.spending import Spending
from flightlog.cli.render import money, transcript, words
from flightlog.cli.render.cells import flow
from flightlog.cli.render.marks import status_sign, status_style
from flightlog.cli.render.safe import clean
from flightlog.cli.render.table import Column
from flightlog.cli.render.table import lines as table_lines
from flightlog.cli.render.terminal import Terminal
from flightlog.records.traces import Trace


class Listed(Struct, kw_only=True):
    """One conversation in a list."""

    session: str
    name: str
    """Of its newest trace."""
    user: str | None = None
    traces: int = 0
    open: int = 0
    """Traces that run or wait."""
    errors: int = 0
    """Traces in which something failed."""
    llm_calls: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    start: int | None = None
    """Unix nanoseconds: when its oldest trace began; likewise the newest."""
    newest: int | None = None

    def add(self, trace: Trace, *, is_open: bool) -> None:
        """Count one of its traces; they come newest first."""
        self.traces += 1
        self.open += is_open
        self.errors += bool(trace.error_count)
        self.llm_calls += trace.llm_calls
        self.input_tokens = _sum(self.input_tokens, trace.input_tokens)
        self.output_tokens = _sum(self.output_tokens, trace.output_tokens)
        self.user = self.user or trace.user
        self.start = trace.start
        self.newest = trace.start if self.newest is None else self.newest


def table(found: Sequence[Listed], terminal: Terminal, now_ns: int) -> Iterator[str]:
    """Draw a list of conversations."""
    columns = [
        Column("session", [clean(one.session) for one in found]),
        Column("about", [clean(one.name) for one in found], leaves=2, least=8, comfortable=16),
        Column("last", [_when(one.newest, terminal, now_ns) for one in found], align="right"),
        Column("traces", [words.count(one.traces) for one in found], align="right"),
        Column(
            "failed",
            [words.count(one.errors) if one.errors else "" for one in found],
            align="right",
            leaves=1,
        ),
        Column("open", [words.count(one.open) if one.open else "" for one in found], align="right", leaves=5),
        Column("calls", [words.count(one.llm_calls) for one in found], align="right", leaves=3),
        Column("tokens", [_tokens(one.input_tokens, one.output_tokens, terminal) for one in found], leaves=4),
        Column("user", [clean(one.user or "") for one in found], leaves=6),
        Column("began", [_when(one.start, terminal, now_ns) for one in found], align="right", leaves=7),
    ]
    return table_lines(columns, terminal)


def lines(
    session: str, turns: Sequence[Turn], terminal: Terminal, now_ns: int, *, is_brief: bool
) -> Iterator[str]:
    """Draw one conversation.

    Args:
        session: its id.
        turns: by start.
        terminal: where it is drawn.
        now_ns: Unix nanoseconds.
        is_brief: the turns alone, a line each.
    """
    yield terminal.paint("bold", clean(session))
    yield from _flowing(_total(turns, terminal, now_ns), terminal, "")
    for place, turn in enumerate(turns, 1):
        if not is_brief:
            yield ""
        yield from _title(turn, place, terminal, now_ns)
        if not is_brief:
            yield from transcript.of_messages(turn.messages, terminal)


def _total(turns: Sequence[Turn], terminal: Terminal, now_ns: int) -> list[str]:
    traces = {trace for turn in turns for trace in turn.traces}
    spent = [turn.spending for turn in turns]
    calls = sum(one.calls for one in spent)
    errors = sum(turn.errors for turn in turns)
    told = [words.of_them(len(turns), "turn"), words.of_them(len(traces), "trace")]
    told.append(f"began {words.short_moment(turns[0].start, now_ns)}")
    took = sum(turn.duration_ns or 0 for turn in turns)
    told.append(words.duration(took, unicode=terminal.unicode))
    if calls:
        told.append(words.of_them(calls, "model call"))
        arrow = "→" if terminal.unicode else "->"
        given, answered = sum(one.input_tokens for one in spent), sum(one.output_tokens for one in spent)
        told.append(f"{words.count(given)}{arrow}{words.count(answered)} tokens")
        told.append(_money(spent, terminal))
    if errors:
        told.append(f"{words.of_them(errors, 'step')} failed")
    return [part for part in told if part]


def _money(spent: Sequence[Spending], terminal: Terminal) -> str:
    """What all turns cost; a least where a call is unknown."""
    known = [one.known_pico_usd for one in spent if one.calls]
    if all(one is None for one in known):
        return "cost unknown"
    total = money.dollars(sum(one or 0 for one in known))
    is_whole = all(one.is_whole for one in spent)
    return total if is_whole else f"{'≥' if terminal.unicode else '>='} {total}"


def _title(turn: Turn, place: int, terminal: Terminal, now_ns: int) -> Iterator[str]:
    sign = terminal.paint(status_style(turn.status), status_sign(turn.status, terminal))
    number = place if turn.number is None else turn.number
    took = words.duration(turn.duration_ns, unicode=terminal.unicode)
    spent = turn.spending
    facts = [words.short_moment(turn.start, now_ns), took]
    if spent.calls:
        tokens = _tokens(spent.input_tokens, spent.output_tokens, terminal)
        facts += [words.of_them(spent.calls, "call"), f"{tokens} tokens", money.told(spent, terminal)]
    facts += [f"{count} {clean(name)}" if count > 1 else clean(name) for name, count in turn.tools.items()]
    if turn.errors:
        facts.append(f"{turn.errors:,} failed")
    facts.append(clean(turn.done).replace("_", " "))
    facts.append(turn.traces[0][:8] if turn.traces else "")
    yield f"{sign} {terminal.paint('bold', f'turn {number}')}  {clean(turn.name)}"
    yield from _flowing([part for part in facts if part], terminal, "  ")


def _flowing(facts: Sequence[str], terminal: Terminal, indent: str) -> Iterator[str]:
    """Facts beside each other, in as many lines as they need."""
    room = 10_000 if terminal.whole_tables else terminal.width - len(indent)
    for line in flow(facts, terminal.dot(), room, terminal.ellipsis()):
        yield indent + terminal.paint("dim", line)


def _when(ns: int | None, terminal: Terminal, now_ns: int) -> str:
    if ns is None:
        return ""
    return words.iso(ns) if terminal.whole_tables else words.ago(ns, now_ns)


def _tokens(given: int | None, answered: int | None, terminal: Terminal) -> str:
    if given is None and answered is None:
        return ""
    return f"{words.count(given)}{'→' if terminal.unicode else '->'}{words.count(answered)}"


def _sum(one: int | None, other: int | None) -> int | None:
    return one if other is None else (one or 0) + other
