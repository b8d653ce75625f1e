"""Why a trace took what it took and went as it went, on one screen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from msgspec import Struct

from flightlog.analysis.critical import Path, Share
from flightlog.analysis.first_error import FirstError, Moment
from flightlog.analysis.lints.finding import Finding
from flightlog.analysis.pace import Pace
from flightlog.analysis.spending import Spending
from flightlog.analysis.tree import Node, Tree
from flightlog.cli.render import details, heading, lints, money, words
from flightlog.cli.render.cells import cut, flow, width
from flightlog.cli.render.marks import bar_style, event_sign, kind_style, status_sign, status_style
from flightlog.cli.render.safe import clean
from flightlog.cli.render.table import Column
from flightlog.cli.render.table import lines as table_lines
from flightlog.cli.render.terminal import Terminal
from flightlog.pricing.charge import Charge
from flightlog.records.traces import Trace

MOST_SHARES: Final = 8
"""Steps of the critical path that are drawn."""
MOST_STOPS: Final = 24
"""Steps on the way along it that are named."""

_INDENT: Final = 15
_BAR_CELLS: Final = 16

_BECAME: Final = {
    "tried again": "a later attempt went well",
    "fell back": "something else took over",
    "handled": "nobody above failed",
    "failed the trace": "it failed the whole trace",
    "open": "the trace has not ended",
}


class Why(Struct, frozen=True, eq=False):
    """All that explains a trace."""

    trace: Trace
    tree: Tree
    path: Path
    slowest: Node | None
    """The span with the most time of its own."""
    dearest: tuple[Node, Charge] | None
    """The call that cost most, of those whose cost is known."""
    cost: Spending
    error: FirstError | None
    findings: Sequence[Finding]


def lines(why: Why, terminal: Terminal, now_ns: int, pace: Pace) -> Iterator[str]:
    """Draw it."""
    pen = Pen(terminal)
    yield from heading.lines(why.trace, terminal, now_ns, pace, why.tree)
    yield from pen.section("time", pen.times(why.path))
    yield from pen.section("critical path", pen.shares(why.path))
    yield from pen.section("on the way", pen.stops(why.path))
    yield from pen.section("slowest", pen.slowest(why))
    yield from pen.section("dearest", pen.dearest(why))
    if why.error:
        yield from pen.section("first error", list(pen.error(why.error, why.tree.start)))
    if why.findings:
        yield from pen.section("lints", list(pen.findings(why)))


class Pen:
    """Draws the parts, each with its label beside its first line."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._room = max(16, terminal.width - _INDENT)

    def section(self, label: str, body: Sequence[str]) -> Iterator[str]:
        """A blank line, then the body; nothing for an empty one."""
        if body:
            yield ""
            yield self._terminal.paint("dim", f"{label:<{_INDENT}}") + body[0]
            yield from (" " * _INDENT + line for line in body[1:])

    def times(self, path: Path) -> list[str]:
        """What was work, what waiting, and what nobody recorded."""
        told = {
            "working": path.worked_ns,
            "waiting for somebody": path.waited_ns,
            "nothing recorded": path.unrecorded_ns,
        }
        parts = [f"{self._took(ns)} {what} ({_percent(ns, path.ns)})" for what, ns in told.items() if ns]
        kinds = self._kinds(path)
        return [
            *flow(parts, self._terminal.dot(), self._room, self._terminal.ellipsis()),
            *flow(kinds, self._terminal.dot(), self._room, self._terminal.ellipsis()),
        ]

    def _kinds(self, path: Path) -> list[str]:
        sums: dict[str, int] = {}
        for share in path.shares:
            kind = clean(share.node.kind) or "(no kind)"
            sums[kind] = sums.get(kind, 0) + share.worked_ns
        if len(sums) < 2:
            return []
        ordered = sorted(sums.items(), key=lambda item: -item[1])
        return [f"{kind} {_percent(ns, path.ns)}" for kind, ns in ordered if ns * 200 >= path.ns]

    def shares(self, path: Path) -> Sequence[str]:
        """The steps that the duration is made of, as a table, and how many more there are."""
        groups: dict[tuple[str, str], list[Share]] = {}
        for share in path.shares:
            groups.setdefault((share.node.name, share.node.kind), []).append(share)
        ordered = sorted(groups.values(), key=lambda some: -sum(share.ns for share in some))
        if not ordered or not path.ns:
            return []
        body = list(self._table(ordered[:MOST_SHARES], path))
        rest = [share for some in ordered[MOST_SHARES:] for share in some]
        if rest:
            told = (
                f"{words.of_them(len(rest), 'more span')} with {self._took(sum(share.ns for share in rest))}"
            )
            body.append(self._terminal.paint("dim", f"{self._terminal.ellipsis()} {told}"))
        return body

    def _table(self, groups: Sequence[Sequence[Share]], path: Path) -> Iterator[str]:
        nodes = [_worst(some) for some in groups]
        sums = [sum(share.ns for share in some) for some in groups]
        waits = [sum(share.waited_ns for share in some) for some in groups]
        times = "\u00d7" if self._terminal.unicode else "x"
        bars = [self._bar(ns, path.ns) for ns in sums]
        return table_lines(
            [
                Column(
                    "",
                    [status_sign(n.status, self._terminal) for n in nodes],
                    [status_style(n.status) for n in nodes],
                ),
                Column("step", [clean(n.name) or "(no name)" for n in nodes], least=6, comfortable=20),
                Column(
                    " ",
                    [f"{times}{len(some):,}" if len(some) > 1 else "" for some in groups],
                    align="right",
                    leaves=2,
                ),
                Column("kind", [clean(n.kind) for n in nodes], [kind_style(n.kind) for n in nodes], leaves=3),
                Column("on it", [self._took(ns) for ns in sums], align="right"),
                Column("share", [_percent(ns, path.ns) for ns in sums], align="right", leaves=1),
                Column("  ", bars, [bar_style(n.kind) or "cyan" for n in nodes], leaves=4),
                Column(
                    "waiting",
                    [self._took(ns) if ns else "" for ns in waits],
                    ["yellow"] * len(nodes),
                    align="right",
                    leaves=2,
                ),
                Column("span", [clean(n.span_id) for n in nodes], ["dim"] * len(nodes), leaves=5),
            ],
            self._terminal.narrower(self._room),
        )

    def _bar(self, part: int, whole: int) -> str:
        """A share as a bar, half a cell exact and never nothing."""
        halves = max(1, round(2 * _BAR_CELLS * part / whole))
        if not self._terminal.unicode:
            return "=" * ((halves + 1) // 2)
        return "━" * (halves // 2) + "╸" * (halves % 2)

    def stops(self, path: Path) -> list[str]:
        """The steps of the path by time, what repeats once with how often."""
        named = [
            (each.node, clean(each.node.name) or "(no name)")
            for each in path.stretches
            if each.node and each.node.depth and not each.node.children and each.ns * 1000 >= path.ns
        ]
        if len(named) < 2:
            return []
        times = "\u00d7" if self._terminal.unicode else "x"
        found = []
        for name, group in groupby(named, key=lambda each: each[1]):
            count = len({id(node) for node, _ in group})
            found.append(name if count == 1 else f"{name} {times}{count:,}")
        if len(found) > MOST_STOPS:
            found = [*found[: MOST_STOPS - 1], f"{len(found) - MOST_STOPS + 1:,} more"]
        arrow = " → " if self._terminal.unicode else " > "
        return flow(found, arrow, self._room, self._terminal.ellipsis())

    def slowest(self, why: Why) -> list[str]:
        """The span with the most time of its own."""
        node = why.slowest
        if node is None:
            return []
        told = (
            f"{self._took(node.self_ns)} of its own, {_percent(node.self_ns or 0, why.path.ns)} of the trace"
        )
        return [self._of(node, told)]

    def dearest(self, why: Why) -> list[str]:
        """The call that cost most."""
        if why.dearest is None:
            return []
        node, charge = why.dearest
        total = why.cost.known_pico_usd or 0
        whole = f", {_percent(charge.pico_usd or 0, total)} of {money.spent(why.cost, self._terminal)}"
        return [self._of(node, money.charged(charge, self._terminal) + (whole if why.cost.calls > 1 else ""))]

    def error(self, error: FirstError, began: int) -> Iterator[str]:
        """What failed first, where, what led to it and what became of it."""
        node = error.node
        told = (
            ": ".join(part for part in (node.error.type, node.error.message) if part)
            if node.error
            else "failed"
        )
        for line in clean(told).splitlines()[:1]:
            yield self._terminal.paint("red", self._cut(line))
        yield self._cut("in " + " > ".join(clean(each.name) for each in error.path))
        after = self._took((node.start if node.end is None else node.end) - began)
        yield self._cut(f"{after} after the beginning; {_BECAME[error.outcome]}")
        yield self._terminal.paint("dim", self._cut(f"span {clean(node.span_id)}"))
        if error.before:
            yield "before it"
            yield from (self._moment(moment, began) for moment in error.before)

    def findings(self, why: Why) -> Iterator[str]:
        """What the lints say, a line each."""
        for finding in why.findings:
            style = lints.STYLES[finding.severity]
            head = f"{lints.sign(finding, self._terminal)} {finding.lint}"
            text = cut(clean(finding.text), max(0, self._room - len(head) - 2), self._terminal.ellipsis())
            yield f"{self._terminal.paint(style, head)}  {text}"
        hint = f"flightlog lint {clean(why.trace.trace_id)[:8]} says what would be better"
        yield self._terminal.paint("dim", self._cut(hint))

    def _moment(self, moment: Moment, began: int) -> str:
        after = f"  {self._took(moment.time - began):>{words.DURATION_CELLS}}  "
        if moment.event is None:
            status = moment.node.status
            sign = self._terminal.paint(status_style(status), status_sign(status, self._terminal))
            told = f"{clean(moment.node.name)} {clean(moment.node.kind)}".rstrip()
        else:
            sign = event_sign(self._terminal)
            told = "".join(text for text, _ in details.event_label(moment.event))
        return f"{after}{sign} {cut(told, self._room - len(after) - 2, self._terminal.ellipsis())}"

    def _of(self, node: Node, told: str) -> str:
        room = self._room - width(told) - 2
        name = cut(clean(node.name) or "(no name)", max(8, room), self._terminal.ellipsis())
        told = cut(told, max(8, self._room - width(name) - 2), self._terminal.ellipsis())
        line = f"{self._terminal.paint('bold', name)}  {told}"
        has_room = room - width(name) >= len(node.span_id) + 2
        return line + (self._terminal.paint("dim", f"  {clean(node.span_id)}") if has_room else "")

    def _took(self, ns: int | None) -> str:
        return words.duration(ns, unicode=self._terminal.unicode)

    def _cut(self, text: str) -> str:
        return cut(text, self._room, self._terminal.ellipsis())


def _worst(some: Sequence[Share]) -> Node:
    """The span that stands for several: one that failed, else the one with the most of the path."""
    return next((share.node for share in some if share.node.status == "error"), some[0].node)


def _percent(part: int, whole: int) -> str:
    if whole <= 0:
        return ""
    share = 100 * part / whole
    return "< 1 %" if 0 < share < 0.95 else f"{share:.0f} %"
