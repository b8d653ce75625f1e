"""One trace on one screen: what it was asked, what it answered, what failed, what took the time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import UNSET, Struct

from flightlog.analysis import retries
from flightlog.analysis.pace import Pace
from flightlog.analysis.spending import Spending
from flightlog.analysis.summary import Failure, KindCount, Summary, repeats
from flightlog.analysis.tree import MARKS, Node, Tree, walk
from flightlog.cli.render import details, heading, money, notes, preview, scores, stacks, step, words
from flightlog.cli.render.cells import cut, flow
from flightlog.cli.render.marks import kind_style, status_sign, status_style
from flightlog.cli.render.safe import clean
from flightlog.cli.render.table import Column
from flightlog.cli.render.table import lines as table_lines
from flightlog.cli.render.terminal import Terminal
from flightlog.records.annotation import Annotation
from flightlog.records.attributes import WAITING, WAITING_SINCE
from flightlog.records.event import Event
from flightlog.records.narration import View
from flightlog.records.process import Process
from flightlog.records.traces import Trace

_INDENT: Final = 13
_VALUE_LINES: Final = 8
_STACK_LINES: Final = 12
_EVENTS: Final = 10
_ATTRIBUTES: Final = 12
_KINDS: Final = 12
_PIDS: Final = 20
_SCORES: Final = 12


class Subject(Struct, frozen=True, eq=False):
    """All that the card tells about."""

    trace: Trace
    tree: Tree
    summary: Summary
    processes: Sequence[Process]
    """By start, so the one that began it all is first."""
    pace: Pace
    """From when on a trace or a step is slow."""
    view: View = "human"
    """The voice of narrations."""
    cost: Spending | None = None
    """What its model calls cost; None where there are no prices."""
    annotations: Sequence[Annotation] = ()
    """What was said of it and of its steps, by time."""


def lines(subject: Subject, terminal: Terminal, now_ns: int) -> Iterator[str]:
    """Draw the card."""
    pen = Pen(terminal)
    yield from heading.lines(subject.trace, terminal, now_ns)
    yield ""
    yield from pen.facts(subject)
    yield from pen.values(subject.tree)
    if subject.summary.failure:
        yield from pen.failure(subject.summary.failure)
    yield from pen.section("scores", pen.scores(subject))
    yield from pen.section("slowest", pen.slowest(subject.summary.slowest, subject.trace))
    yield from pen.section("kinds", pen.kinds(subject.summary.kinds[:_KINDS]))
    yield from pen.section("events", pen.events(subject))
    yield from pen.section("odd", pen.oddities(subject.tree))


class Pen:
    """Draws the card's parts, each line with its label or an indent before it."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._room = max(16, terminal.width - _INDENT)
        self._dot = terminal.dot()

    def section(self, label: str, body: Sequence[str]) -> Iterator[str]:
        """A blank line, then the body with its label beside the first line; nothing for an empty body."""
        if body:
            yield ""
            yield from self._labelled(label, body)

    def facts(self, subject: Subject) -> Iterator[str]:
        """Where it ran, whose it was, what the models did; a line only for what is known."""
        trace = subject.trace
        facts = {
            "service": self._flow([trace.service, f"{trace.project} / {trace.environment}"], self._dot),
            "process": self._flow(_processes(subject.processes), ", "),
            "session": self._flow([trace.session, _turn(subject.tree), _user(trace)], self._dot),
            "tags": self._flow(trace.tags, ", "),
            "models": self._flow([*_models(trace), self._cost(subject.cost)], self._dot),
            "notes": self._flow(self._notes(subject), self._dot),
        }
        for label, body in facts.items():
            if body:
                yield from self._labelled(label, body)

    def values(self, tree: Tree) -> Iterator[str]:
        """Input, output and attributes of the first root."""
        if not tree.roots:
            return
        root = tree.roots[0].record
        for label, value in (("input", root.input), ("output", root.output)):
            if value is not UNSET and not step.is_no_input(label, value):
                yield from self.section(label, preview.lines(value, self._room, _VALUE_LINES, self._terminal))
        yield from self.section("attributes", self._attributes(root.attributes))

    def failure(self, failure: Failure) -> Iterator[str]:
        """The error, where it happened, and the end of its stack."""
        record = failure.node.record
        told = "failed without an error"
        stack: list[str] = []
        if record.error:
            told = ": ".join(text for text in (record.error.type, record.error.message) if text) or told
            stack = stacks.tail(record.error.stack, self._room, _STACK_LINES, self._terminal)
        body = [
            self._terminal.paint("alarm", self._cut(clean(told))),
            self._cut("in " + " > ".join(clean(name) for name in failure.path[-6:])),
        ]
        aside = self._flow([f"span {record.span_id}", *_aside(failure)], ", ")
        body += [self._terminal.paint("dim", line) for line in [*aside, *stack]]
        yield from self.section("error", body)

    def scores(self, subject: Subject) -> Sequence[str]:
        """What was said of the trace and its steps, the latest last."""
        names = {node.record.span_id: node.record.name for node in walk(subject.tree)}
        told = scores.of_trace(subject.annotations[-_SCORES:], names)
        more = len(subject.annotations) - len(told)
        if more:
            told.insert(0, f"{self._terminal.ellipsis()} {more:,} before")
        return [self._cut(line) for line in told]

    def slowest(self, nodes: Sequence[Node], trace: Trace) -> Sequence[str]:
        """The spans with the most time of their own, and their share of the whole, both without waiting."""
        whole = trace.worked_ns or 0
        unicode = self._terminal.unicode
        records = [node.record for node in nodes]
        signs = [status_sign(record.status, self._terminal) for record in records]
        return self._table(
            [
                Column("", signs, [status_style(r.status) for r in records]),
                Column("name", [clean(r.name) for r in records], least=8, comfortable=16),
                Column(
                    "kind", [clean(r.kind) for r in records], [kind_style(r.kind) for r in records], leaves=3
                ),
                Column("self", [words.duration(n.self_ns, unicode=unicode) for n in nodes], align="right"),
                Column("share", [_share(n.self_ns or 0, whole) for n in nodes], align="right", leaves=2),
                Column(
                    "took",
                    [words.duration(r.duration_ns, unicode=unicode) for r in records],
                    align="right",
                    leaves=1,
                ),
                Column("span", [clean(r.span_id) for r in records], ["dim"] * len(records), leaves=4),
            ],
        )

    def kinds(self, kinds: Sequence[KindCount]) -> Sequence[str]:
        """How many spans of each kind, how many failed, and their time."""
        unicode = self._terminal.unicode
        return self._table(
            [
                Column(
                    "kind", [clean(k.kind) or "(none)" for k in kinds], [kind_style(k.kind) for k in kinds]
                ),
                Column("spans", [words.count(k.spans) for k in kinds], align="right"),
                Column(
                    "failed",
                    [words.count(k.errors) if k.errors else "" for k in kinds],
                    ["red"] * len(kinds),
                    align="right",
                ),
                Column(
                    "interrupted",
                    [words.count(k.interrupted) if k.interrupted else "" for k in kinds],
                    ["yellow"] * len(kinds),
                    align="right",
                    leaves=1,
                ),
                Column(
                    "self",
                    [words.duration(k.self_ns, unicode=unicode) for k in kinds],
                    align="right",
                    leaves=2,
                ),
            ],
        )

    def events(self, subject: Subject) -> Sequence[str]:
        """The events that matter one by one, the rest as counts; what an error says already is not said again."""
        summary = subject.summary
        errors = {node.record.span_id: node.record.error for node in walk(subject.tree)}
        news = [event for event in summary.events if not repeats(event, errors.get(event.span_id))]
        shown = news[:_EVENTS]
        body = [self._event(event, subject) for event in shown]
        told = {event.name for event in shown} | {e.name for e in summary.events if e not in news}
        rest = [f"{name} {n:,}" for name, n in summary.event_counts.items() if name not in told]
        if len(news) > len(shown):
            body.append(f"{self._terminal.ellipsis()} {len(news) - len(shown):,} more")
        if rest:
            body.append(self._terminal.paint("dim", self._cut(clean("also " + ", ".join(rest)))))
        return body

    def oddities(self, tree: Tree) -> Sequence[str]:
        """What is odd about the places of spans."""
        return [self._cut(f"{mark}: {number:,}, {MARKS[mark]}") for mark, number in tree.marks.items()]

    def _event(self, event: Event, subject: Subject) -> str:
        after = words.duration(event.time - subject.trace.start, unicode=self._terminal.unicode)
        said = "".join(text for text, _ in details.event_label(event, subject.view))
        return self._cut(f"{after:>{words.DURATION_CELLS}}  {said}")

    def _attributes(self, attributes: Mapping[str, Any]) -> list[str]:
        """A line each, cut; of waiting the facts tell already."""
        told = sorted(item for item in attributes.items() if item[0] not in {WAITING, WAITING_SINCE})
        body = [self._cut(clean(f"{name} = {details.plain(value)}")) for name, value in told[:_ATTRIBUTES]]
        if len(told) > _ATTRIBUTES:
            body.append(f"{self._terminal.ellipsis()} {len(told) - _ATTRIBUTES:,} more")
        return body

    def _labelled(self, label: str, body: Sequence[str]) -> Iterator[str]:
        yield self._terminal.paint("dim", f"  {label:<{_INDENT - 2}}") + body[0]
        yield from (" " * _INDENT + line for line in body[1:])

    def _table(self, columns: Sequence[Column]) -> Sequence[str]:
        if not columns[-1].cells:
            return []
        return list(table_lines(columns, self._terminal.narrower(self._room)))

    def _cost(self, cost: Spending | None) -> str:
        return "" if cost is None or not cost.calls else money.told(cost, self._terminal)

    def _notes(self, subject: Subject) -> list[str]:
        still_open = subject.summary.open_spans
        helped = retries.have_helped(subject.tree)
        told = notes.of_trace(subject.trace, subject.pace, self._terminal, helped=helped)
        return told + ([f"{still_open:,} still open"] if still_open else [])

    def _flow(self, parts: Sequence[str | None], separator: str) -> list[str]:
        known = [clean(part) for part in parts if part]
        return flow(known, separator, self._room, self._terminal.ellipsis())

    def _cut(self, text: str) -> str:
        return cut(text, self._room, self._terminal.ellipsis())


def _processes(processes: Sequence[Process]) -> list[str]:
    """Pids by host, each host said once: `3 on build-7: pid 4711`, `4712`, `4713`."""
    pids: dict[str, list[str]] = {}
    for process in processes:
        pids.setdefault(process.host, []).append(str(process.pid))
    parts = []
    for host, of_host in pids.items():
        where = f" on {host}" if host else ""
        if len(of_host) == 1:
            parts.append(f"pid {of_host[0]}{where}")
        else:
            parts += [f"{len(of_host):,}{where}: pid {of_host[0]}", *of_host[1:_PIDS]]
            parts += [f"{len(of_host) - _PIDS:,} more"] if len(of_host) > _PIDS else []
    return parts


def _turn(tree: Tree) -> str:
    """Which exchange of its session it is; empty where its root does not say."""
    turn = tree.root.record.context.get("turn") if tree.roots else None
    return f"turn {turn:,}" if type(turn) is int else ""


def _user(trace: Trace) -> str:
    return f"user {trace.user}" if trace.user else ""


def _models(trace: Trace) -> list[str | None]:
    if not trace.llm_calls:
        return []
    tokens = ""
    if trace.input_tokens is not None or trace.output_tokens is not None:
        tokens = f"{trace.input_tokens or 0:,} tokens in, {trace.output_tokens or 0:,} out"
    unknown = f"{trace.unknown_usage_calls:,} without usage" if trace.unknown_usage_calls else ""
    return [trace.model, words.of_them(trace.llm_calls, "call"), tokens, unknown]


def _aside(failure: Failure) -> list[str]:
    aside = ["handled above it"] if failure.handled else []
    return aside + ([words.of_them(failure.others, "more failed span")] if failure.others else [])


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole > 0 else ""
