"""One step in full: everything that was recorded of it, nothing cut.

Long lines are wrapped to the terminal; in a pipe they stay as they are. Values are shown as they are: a text with
its line breaks, messages of a model call one by one with their roles, anything else as indented JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct

from flightlog.analysis import messages, retries
from flightlog.analysis.pace import Pace
from flightlog.analysis.summary import repeats
from flightlog.analysis.tree import MARKS, Node
from flightlog.analysis.waiting import worked_ns
from flightlog.cli.render import details, money, scores, words, wrap
from flightlog.cli.render.cells import flow, width
from flightlog.cli.render.marks import kind_style, slow_style, status_sign, status_style
from flightlog.cli.render.safe import clean
from flightlog.cli.render.terminal import Style, Terminal
from flightlog.pricing.charge import Charge
from flightlog.records import genai
from flightlog.records.agents import end_reason
from flightlog.records.annotation import Annotation
from flightlog.records.attributes import EXCEPTION, WAITING, WAITING_SINCE
from flightlog.records.event import Event
from flightlog.records.narration import View, is_narration
from flightlog.records.span import Fault, Link, Span

PARTS: Final = ("input", "output", "error", "attributes", "events", "links")
"""What a step can be asked for, in the order it is shown."""

_INDENT: Final = "  "
_IDS: Final = ("span", "trace")
"""Facts that are copied, and therefore never broken."""

_WIDE: Final = 1_000_000
"""The width where nothing is wrapped."""

ROLE_STYLES: Final[Mapping[str, Style]] = {
    "system": "dim",
    "developer": "dim",
    "user": "cyan",
    "assistant": "magenta",
    "tool": "green",
    "calls": "green",
}


class Step(Struct, frozen=True, eq=False):
    """A span, and where it stands."""

    node: Node
    path: Sequence[str]
    """Names from the root down to it."""
    began: int
    """Unix nanoseconds: the start of its trace."""
    charge: Charge | None = None
    """What it cost; None for what nobody charges for."""
    annotations: Sequence[Annotation] = ()
    """What was said of it, by time."""
    view: View = "human"
    """The voice in which narrations are told; what they say in the others is among their attributes."""


def lines(
    step: Step, terminal: Terminal, pace: Pace, parts: Sequence[str] = PARTS, now_ns: int | None = None
) -> Iterator[str]:
    """Draw a step: its facts, then each of the parts that it has.

    Args:
        step: as it stands.
        terminal: what is drawn on.
        pace: what is slow.
        parts: which parts, in order.
        now_ns: Unix nanoseconds; with it a step that is open says for how long it runs or waits so far.
    """
    pen = Pen(terminal, pace, now_ns)
    yield from pen.facts(step)
    yield from pen.scores(step)
    for part in parts:
        yield from pen.part(part, step)


class Pen:
    """Draws the parts of a step."""

    def __init__(self, terminal: Terminal, pace: Pace, now_ns: int | None) -> None:
        self._terminal = terminal
        self._pace = pace
        self._now_ns = now_ns
        self._room = _WIDE if terminal.whole_tables else max(20, terminal.width - len(_INDENT))

    def facts(self, step: Step) -> Iterator[str]:
        """How it went, what it is, when it ran, and where."""
        record, paint = step.node.record, self._terminal.paint
        style = status_style(record.status)
        called = wrap.lines(clean(record.name) or "(no name)", max(8, self._room - width(record.kind) - 2))
        kind = f"  {paint(kind_style(record.kind), clean(record.kind))}" if record.kind else ""
        sign = paint(style, status_sign(record.status, self._terminal))
        yield f"{sign} {paint('bold', called[0])}{'' if called[1:] else kind}"
        for place, line in enumerate(called[1:], 2):
            yield f"  {paint('bold', line)}{kind if place == len(called) else ''}"
        slowness = self._pace.of(record.name, record.kind, worked_ns(record))
        took = words.lasting_span(record, self._now_ns, unicode=self._terminal.unicode)
        took += f" ({slowness})" if slowness else ""
        after = f"{self._duration(record.start - step.began)} after the trace began"
        facts = [record.status, took, after, *self._asides(step.node)]
        for beside in flow(facts, self._terminal.dot(), self._room, self._terminal.ellipsis()):
            yield _INDENT + paint(slow_style(slowness), beside)
        for name, value in self._places(step).items():
            if value:
                yield from self._fact(name, value)

    def scores(self, step: Step) -> Iterator[str]:
        """What was said of it, a line each."""
        for one in step.annotations:
            yield from self._fact("score", scores.of_step(one))

    def part(self, part: str, step: Step) -> Iterator[str]:
        """One part with its title, after a blank line; nothing when the step has none of it."""
        body = list(self._body(part, step))
        if body:
            yield ""
            yield self._terminal.paint("bold", part)
            yield from _indent(body)

    def _body(self, part: str, step: Step) -> Iterator[str]:
        record = step.node.record
        if part == "input" and not is_no_input(part, record.input):
            yield from self._value(record.input)
        elif part == "output":
            yield from self._value(record.output)
        elif part == "error" and record.error is not None:
            yield from self._error(record.error)
        elif part == "attributes":
            yield from self._attributes(record.attributes)
        elif part == "events":
            for event in step.node.events:
                yield from self._event(event, record, step.view)
        elif part == "links":
            for link in record.links:
                yield from self._link(link)

    def _asides(self, node: Node) -> Iterator[str]:
        if node.self_ns is not None and node.children:
            yield f"self {self._duration(node.self_ns)}"
        tries = retries.number(node)
        if tries:
            told = words.of_them(tries, "retry", "retries")
            yield f"ok after {told}" if node.record.status == "ok" else told
        waited = node.record.attributes.get(WAITING)
        if isinstance(waited, int) and waited > 0:
            worked = self._duration(worked_ns(node.record, self._now_ns), "open")
            yield f"waited {self._duration(waited)}, worked {worked}"

    def _places(self, step: Step) -> dict[str, str]:
        record = step.node.record
        since = record.attributes.get(WAITING_SINCE)
        context = {name: value for name, value in record.context.items() if value not in ("", [], None)}
        waits = record.status == "paused" and isinstance(since, int)
        return {
            "span": record.span_id,
            "trace": record.trace_id,
            "began": words.moment(record.start),
            "waits": f"since {words.moment(int(since))}" if waits and since else "",
            "path": " > ".join(step.path),
            "model": _model(record),
            "tokens": _tokens(record.attributes),
            "cost": "" if step.charge is None else money.explained(step.charge, self._terminal),
            "stream": self._stream(record.attributes),
            "context": details.pairs(context),
            "thread": ", ".join(filter(None, (record.thread, record.task and f"task {record.task}"))),
            "service": " ".join(filter(None, (record.service, record.version))),
            "odd": "; ".join(f"{mark}: {MARKS[mark]}" for mark in step.node.marks),
        }

    def _stream(self, attributes: Mapping[str, Any]) -> str:
        chunks = attributes.get(genai.STREAM_CHUNKS)
        if not isinstance(chunks, int):
            return ""
        told = [words.of_them(chunks, "chunk")]
        characters, gap = attributes.get(genai.STREAM_CHARACTERS), attributes.get(genai.STREAM_LONGEST_GAP)
        first = attributes.get(genai.TIME_TO_FIRST_CHUNK)
        if isinstance(characters, int):
            told.append(words.of_them(characters, "character"))
        if isinstance(first, (int, float)):
            told.append(f"first after {self._duration(round(first * words.S))}")
        if isinstance(gap, int):
            told.append(f"longest gap {self._duration(gap)}")
        return ", ".join(told)

    def _fact(self, name: str, value: str) -> Iterator[str]:
        label = f"{name:<9}"
        shown = clean(value)
        lines = [shown] if name in _IDS else wrap.lines(shown, max(8, self._room - len(label)))
        for place, line in enumerate(lines):
            yield _INDENT + self._terminal.paint("dim", " " * len(label) if place else label) + line

    def _value(self, value: object) -> Iterator[str]:
        if value is UNSET:
            return
        said = messages.conversation(value)
        if said is None:
            yield from self._text(value if isinstance(value, str) else _indented(value))
            return
        for place, message in enumerate(said.messages):
            if place:
                yield ""
            title = " ".join(filter(None, (message.role, message.about)))
            yield self._terminal.paint(ROLE_STYLES.get(message.role, "yellow"), clean(title))
            yield from _indent(self._text(message.text, len(_INDENT)))
        for name, other in said.rest.items():
            yield ""
            yield self._terminal.paint("dim", clean(name))
            yield from _indent(self._text(_indented(other), len(_INDENT)))

    def _text(self, text: str, indent: int = 0) -> Iterator[str]:
        for line in text.splitlines() or [""]:
            yield from wrap.lines(clean(line.expandtabs(4)), self._room - indent)

    def _error(self, fault: Fault) -> Iterator[str]:
        told = ": ".join(text for text in (fault.type, fault.message) if text)
        yield from (self._terminal.paint("alarm", line) for line in self._text(told))
        if fault.stack:
            yield from (self._terminal.paint("dim", line) for line in self._text(fault.stack.rstrip()))

    def _attributes(self, attributes: Mapping[str, Any]) -> Iterator[str]:
        for name, value in sorted(attributes.items()):
            first, *rest = list(self._text(f"{name} = {details.plain(value)}", len(_INDENT)))
            yield first
            yield from _indent(rest)

    def _event(self, event: Event, record: Span, view: View) -> Iterator[str]:
        after = f"{self._duration(event.time - record.start):>{words.DURATION_CELLS}}"
        level = "" if event.level == "info" else f" {event.level}"
        told = " ".join(filter(None, _told_in(event, view)))
        if _is_told(event, record.error):
            told = "the error above"
        whole = list(self._text(f"{event.name}{level}  {told}".rstrip(), len(after) + 2))
        yield f"{self._terminal.paint('dim', after)}  {whole[0]}"
        yield from (" " * (len(after) + 2) + line for line in whole[1:])

    def _link(self, link: Link) -> Iterator[str]:
        told = " ".join(filter(None, (link.relation or "to", link.trace_id, link.span_id)))
        yield from self._text(" ".join(filter(None, (told, details.pairs(link.attributes)))))

    def _duration(self, ns: int | None, unknown: str = "") -> str:
        return words.duration(ns, unknown=unknown, unicode=self._terminal.unicode)


def _indent(lines: Iterable[str]) -> Iterator[str]:
    return (_INDENT + line if line else "" for line in lines)


def _indented(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def is_no_input(part: str, value: object) -> bool:
    """Whether this is the input of a call without arguments, which says nothing."""
    return part == "input" and value == {}


def _told_in(event: Event, view: View) -> tuple[str, str]:
    """What an event says, a narration in this voice, and all else that it holds."""
    said = event.attributes.get(view) if view != "human" and is_narration(event) else None
    if not isinstance(said, str) or not said:
        return event.body, details.pairs(event.attributes)
    rest = {name: value for name, value in event.attributes.items() if name != view}
    return said, details.pairs({"human": event.body, **rest} if event.body else rest)


def _is_told(event: Event, error: Fault | None) -> bool:
    """Whether an `exception` is the span's own error, which has been told with the same stack."""
    if error is None or not repeats(event, error):
        return False
    return event.attributes.get(EXCEPTION["stack"]) in {None, "", error.stack}


def _model(record: Span) -> str:
    attributes = record.attributes
    model = attributes.get(genai.RESPONSE_MODEL) or attributes.get(genai.REQUEST_MODEL) or ""
    reasons = attributes.get(genai.FINISH_REASONS)
    ended = f"finished with {', '.join(map(str, reasons))}" if isinstance(reasons, list) and reasons else ""
    error = "" if record.error is None else f"{record.error.type} {record.error.message}"
    why = end_reason(attributes, record.status, error) if record.kind == "llm" else ""
    if why not in {"", "unknown", "stop"} and why not in ended:
        ended = f"{ended} ({why.replace('_', ' ')})" if ended else why.replace("_", " ")
    return ", ".join(filter(None, (str(model), str(attributes.get(genai.PROVIDER) or ""), ended)))


def _tokens(attributes: Mapping[str, Any]) -> str:
    counts = {
        "in": genai.INPUT_TOKENS,
        "out": genai.OUTPUT_TOKENS,
        "read from a cache": genai.CACHE_READ_TOKENS,
        "written to a cache": genai.CACHE_WRITE_TOKENS,
        "for reasoning": genai.REASONING_TOKENS,
    }
    known = ((word, attributes.get(name)) for word, name in counts.items())
    return ", ".join(f"{number:,} {word}" for word, number in known if isinstance(number, int))
