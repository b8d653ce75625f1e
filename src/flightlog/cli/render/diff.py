"""Two traces as one tree: what stayed, what changed and how, what came and what went.

One line a span, with a sign before it: `~` something in it changed, `+` only in the later trace, `-` only in the
earlier, `>` moved, `=` as it was. What is as it was is folded, with all that is below it; so are runs of spans that
came, went or changed alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from flightlog.analysis.alignment import Pair
from flightlog.analysis.comparing import MEASURES, Compared, Comparison, Figures
from flightlog.analysis.differing import Change
from flightlog.analysis.tree import Node, Tree
from flightlog.cli.render import changed, figurediff, words, wrap
from flightlog.cli.render.cells import cut, fill, flow, width
from flightlog.cli.render.marks import kind_style, status_sign, status_style
from flightlog.cli.render.safe import clean
from flightlog.cli.render.styled import Part
from flightlog.cli.render.terminal import Style, Terminal

SHOWN: Final = 2
"""Spans that came, went or changed alike which are drawn before the rest of a run is folded."""
MOST_CHANGES: Final = 6
"""Changes of one value that are drawn."""
NOTABLE: Final = 0.1
"""A span that is otherwise as it was is drawn when its time changed by this share of the whole trace."""

_CELLS_A_LEVEL: Final = 5
_LABEL: Final = len("before ")
_NAME: Final = 24
_STYLES: Final[dict[str, Style]] = {"~": "yellow", "+": "green", "-": "red", ">": "cyan", "=": "dim"}
_TIMES_FROM: Final = 60
"""Terminal width from which durations of both sides are shown."""


class Sides(Struct, frozen=True, eq=False):
    """All that is drawn."""

    before: Tree
    after: Tree
    comparison: Comparison
    whole: bool = False
    """Draw every span, and every change without leaving anything out."""
    scores: Mapping[str, tuple[float | None, float | None]] = {}
    """What each trace was judged, by the name of the score."""


def lines(sides: Sides, terminal: Terminal) -> Iterator[str]:
    """Draw a comparison: both traces, their figures, errors that came and went, the tree."""
    comparison = sides.comparison
    yield from _head("before", sides.before, terminal)
    yield from _head("after", sides.after, terminal)
    yield ""
    rows = [figurediff.Row(name, *_both(comparison, name)) for name in MEASURES]
    rows += [
        figurediff.Row(f"score.{clean(name)}", *both, is_score=True) for name, both in sides.scores.items()
    ]
    yield from figurediff.lines(rows, terminal)
    yield from _errors("new error", comparison.new_errors, "red", terminal)
    yield from _errors("gone error", comparison.gone_errors, "green", terminal)
    yield ""
    pen = Pen(sides, terminal)
    if comparison.is_same and not sides.whole and not pen.has_notable:
        same = words.of_them(comparison.after.spans, "span")
        yield f"{same}, all as they were but for their times"
        return
    yield from pen.tree()
    yield ""
    for line in flow(_counted(comparison), terminal.dot(), terminal.width, terminal.ellipsis()):
        yield terminal.paint("dim", line)


def _head(label: str, tree: Tree, terminal: Terminal) -> Iterator[str]:
    root = tree.root
    sign = terminal.paint(status_style(root.status), status_sign(root.status, terminal))
    name, trace_id = clean(root.name) or "(no name)", clean(root.trace_id)
    began = words.moment(root.start)[:19]
    room = terminal.width - _LABEL - 2
    beside = room - width(trace_id) - width(began) - 4
    if beside >= min(width(name), _NAME):
        shown = terminal.paint("bold", fill(cut(name, beside, terminal.ellipsis()), min(beside, _NAME)))
        yield f"{label:<{_LABEL}}{sign} {shown}  {terminal.paint('dim', f'{trace_id}  {began}')}"
        return
    yield f"{label:<{_LABEL}}{sign} {terminal.paint('bold', cut(name, room, terminal.ellipsis()))}"
    for line in flow([trace_id, began], "  ", room, terminal.ellipsis()):
        yield " " * (_LABEL + 2) + terminal.paint("dim", line)


def _both(comparison: Comparison, name: str) -> tuple[float | None, float | None]:
    return getattr(comparison.before, name), getattr(comparison.after, name)


def _errors(label: str, nodes: Sequence[Node], style: Style, terminal: Terminal) -> Iterator[str]:
    if nodes:
        yield ""
    for node in nodes:
        told = ": ".join(part for part in (node.error.type, node.error.message) if part) if node.error else ""
        text = clean(f"{node.name}  {told}".rstrip())
        yield f"{terminal.paint(style, label)}  {cut(text, terminal.width - len(label) - 2, terminal.ellipsis())}"


def _counted(comparison: Comparison) -> Iterator[str]:
    tests = {
        "changed": lambda each: each.says_something_else,
        "added": lambda each: each.pair.how == "added",
        "removed": lambda each: each.pair.how == "removed",
        "moved": lambda each: each.pair.how == "moved",
        "renamed": lambda each: each.pair.is_renamed,
        "as before": lambda each: not each.is_changed,
    }
    for word, test in tests.items():
        count = comparison.count(test)
        if count:
            yield f"{count:,} {word}"


class Pen:
    """Draws the tree."""

    def __init__(self, sides: Sides, terminal: Terminal) -> None:
        self._comparison = sides.comparison
        self._whole = sides.whole
        self._terminal = terminal
        self._room = terminal.width
        self._notable_ns = max(1_000_000, NOTABLE * (sides.comparison.before.duration_ns or 0))
        self._sizes: dict[int, int] = {}
        self._drawn: dict[int, bool] = {}
        """Whether anything at a pair or below it is to be drawn, by its identity."""
        for each in reversed(list(self._comparison.spans.values())):
            pair = each.pair
            below = [id(child) for child in pair.children]
            self._sizes[id(pair)] = 1 + sum(self._sizes[key] for key in below)
            self._drawn[id(pair)] = (
                each.is_changed or self._is_notable(each) or any(self._drawn[key] for key in below)
            )

    @property
    def has_notable(self) -> bool:
        """Whether a span took notably more or less time."""
        return any(self._drawn.values())

    def tree(self) -> Iterator[str]:
        """Every line of it."""
        rest: list[Iterator[Pair | str]] = [self._row(self._comparison.roots, 0)]
        while rest:
            item = next(rest[-1], None)
            if item is None:
                rest.pop()
            elif isinstance(item, str):
                yield item
            else:
                depth = len(rest) - 1
                yield from self._span(item, depth)
                if self._whole or any(self._drawn[id(child)] for child in item.children):
                    rest.append(self._row(item.children, depth + 1))

    def _row(self, pairs: Sequence[Pair], depth: int) -> Iterator[Pair | str]:
        """Siblings: those that are drawn as pairs, the others as lines about them."""
        run: list[Pair] = []
        for pair in pairs:
            if run and (self._whole or self._sort(pair) != self._sort(run[0])):
                yield from self._run(run, depth)
                run = []
            run.append(pair)
        yield from self._run(run, depth)

    def _run(self, run: Sequence[Pair], depth: int) -> Iterator[Pair | str]:
        if not run:
            return
        if self._whole:
            yield from run
        elif not self._drawn[id(run[0])]:
            yield self._folded("=", run, depth, "as before")
        elif len(run) <= SHOWN + 1:
            yield from run
        else:
            yield from run[:SHOWN]
            sign = self._sign(run[0])
            word = {"+": "added", "-": "removed", ">": "moved"}.get(sign, "changed")
            yield self._folded(sign, run[SHOWN:], depth, word)

    def _sort(self, pair: Pair) -> object:
        """What pairs of one run have in common."""
        if not self._drawn[id(pair)]:
            return "same"
        if any(self._drawn[id(child)] for child in pair.children) and pair.before and pair.after:
            return id(pair)
        return self._sign(pair), pair.node.name, pair.node.kind, pair.node.status

    def _sign(self, pair: Pair) -> str:
        each = self._comparison.of(pair)
        if pair.how in {"added", "removed"}:
            return "+" if pair.how == "added" else "-"
        if pair.how == "moved":
            return ">"
        return "~" if each.is_changed or self._is_notable(each) else "="

    def _is_notable(self, each: Compared) -> bool:
        one, two = _took(each.before), _took(each.after)
        return (
            one is not None
            and two is not None
            and abs(two - one) >= self._notable_ns
            and not each.pair.children
        )

    # -- lines ---------------------------------------------------------------------------------------------------

    def _indent(self, depth: int) -> str:
        return "  " * min(depth, max(2, self._terminal.width // _CELLS_A_LEVEL // 2))

    def _folded(self, sign: str, run: Sequence[Pair], depth: int, word: str) -> str:
        names = Counter(clean(pair.node.name) or "(no name)" for pair in run)
        spans = sum(self._sizes[id(pair)] for pair in run)
        times = "\u00d7" if self._terminal.unicode else "x"
        told = ", ".join(name if n == 1 else f"{name} {times}{n:,}" for name, n in names.items())
        count = f" ({words.of_them(spans, 'span')})" if spans > len(run) else ""
        text = f"{sign} {self._indent(depth)}{told}{count} {word}"
        return self._terminal.paint(
            "dim" if sign == "=" else _STYLES[sign], cut(text, self._room, self._terminal.ellipsis())
        )

    def _span(self, pair: Pair, depth: int) -> Iterator[str]:
        each = self._comparison.of(pair)
        sign = self._sign(pair)
        node = pair.node
        label: list[Part] = [(f"{sign} {self._indent(depth)}", _STYLES[sign]), *self._name(pair)]
        if node.kind:
            label.append((f" {clean(node.kind)}", kind_style(node.kind)))
        if pair.how != "same place":
            label.append((f" {pair.how}", _STYLES[sign]))
        label += [
            (f" {status_sign(node.status, self._terminal)} {node.status}", status_style(node.status))
        ] * (node.status != "ok")
        yield self._line(label, each)
        if pair.before and pair.after:
            yield from self._changes(each, "  " + self._indent(depth + 1) + "  ")

    def _name(self, pair: Pair) -> Iterator[Part]:
        name = clean(pair.node.name) or "(no name)"
        if pair.is_renamed and pair.before:
            yield f"{clean(pair.before.name)} ", "red"
            yield "→ " if self._terminal.unicode else "> ", "dim"
            yield name, "green"
        else:
            yield name, "bold" if self._sign(pair) != "=" else ""

    def _line(self, label: Sequence[Part], each: Compared) -> str:
        times, style = self._times(each)
        room = self._room - width(times) - 2
        drawn, left = [], room
        for text, how in label:
            shown = cut(text, left, self._terminal.ellipsis()) if left > 0 else ""
            drawn.append(self._terminal.paint(how, shown))
            left -= width(shown)
        return ("".join(drawn) + " " * max(0, left) + "  " + self._terminal.paint(style, times)).rstrip()

    def _times(self, each: Compared) -> tuple[str, Style]:
        one, two = _took(each.before), _took(each.after)
        unicode = self._terminal.unicode
        if one is None or two is None:
            return words.duration(one if two is None else two, unicode=unicode), "dim"
        row = figurediff.Row("duration", one, two)
        share = figurediff.share(one, two)
        arrow = "→" if unicode else ">"
        took = [f"{words.duration(ns, unicode=unicode):>{words.DURATION_CELLS}}" for ns in (one, two)]
        both = f"{took[0]} {arrow} {took[1]}"
        style: Style = figurediff.style(row) if abs(two - one) >= self._notable_ns / 2 else "dim"
        return (f"{both} {share:>7}" if self._room >= _TIMES_FROM else share), style

    def _changes(self, each: Compared, indent: str) -> Iterator[str]:
        yield from self._section("", each.fields, indent)
        yield from self._section("input", each.input, indent)
        yield from self._section("output", each.output, indent)
        yield from self._section("", each.attributes, indent)
        if each.prompt:
            text = changed.of_prompt(each.prompt, self._terminal)
            yield from self._labelled(
                "prompt", wrap.lines(text, max(16, self._room - width(indent) - 2)), indent
            )
        yield from self._money(each, indent)

    def _section(self, title: str, changes: Sequence[Change], indent: str) -> Iterator[str]:
        shown = changes if self._whole else changes[:MOST_CHANGES]
        room = max(16, self._room - width(indent) - 2)
        for change in shown:
            place = clean(" ".join(part for part in (title, change.place) if part))
            said = changed.parts(change, self._terminal, whole=self._whole)
            drawn = changed.lines(said, room, self._terminal, whole=self._whole)
            taken = width(place) + 1 + sum(width(text) for text, _ in said) if len(drawn) == 1 else room + 1
            if changed.is_short(change) and taken <= room:
                yield f"{indent}{self._terminal.paint('dim', place)} {drawn[0]}"
            else:
                yield from self._labelled(place, drawn, indent)
        if len(changes) > len(shown):
            more = words.of_them(
                len(changes) - len(shown), f"more change in {title}".rstrip(" in"), "more changes"
            )
            yield indent + self._terminal.paint("dim", f"{self._terminal.ellipsis()} {more}")

    def _labelled(self, label: str, body: Sequence[str], indent: str) -> Iterator[str]:
        yield indent + self._terminal.paint(
            "dim", cut(label, self._room - width(indent), self._terminal.ellipsis())
        )
        yield from (f"{indent}  {line}" for line in body)

    def _money(self, each: Compared, indent: str) -> Iterator[str]:
        """Tokens and money of one call, where they changed."""
        if each.before is None or each.after is None:
            return
        rows = [
            figurediff.Row(name, getattr(each.before, name), getattr(each.after, name))
            for name in ("input_tokens", "output_tokens", "cache_read_tokens", "pico_usd")
        ]
        told = [
            f"{figurediff.TITLES[row.name]} {delta}"
            for row in rows
            if (delta := figurediff.delta(row, self._terminal))
        ]
        if told:
            text = cut(self._terminal.dot().join(told), self._room - width(indent), self._terminal.ellipsis())
            yield indent + self._terminal.paint("dim", text)


def _took(figures: Figures | None) -> int | None:
    return figures.duration_ns if figures else None
