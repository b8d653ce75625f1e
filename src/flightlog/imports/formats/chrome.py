"""Trace events of Chrome, as browsers, Perfetto's tools and profilers write them: a trace for each process.

Spans have no parents there: who contains whom on a thread is told by their times, and what is inside may stand before
what is around it. So a document is read twice: `look` notes times alone (24 bytes an event, about a hundred while it
sorts), and `take` makes the spans. What is begun and ended apart (`B` and `E`, `b` and `e`) is matched within its
thread or its id; a beginning without an end is an interrupted span. Everything that is no span is an event on the root
of its process.

The clock is whatever the program's was. Where the document says what that is since 1970 (`baseTimeNanoseconds` of
viztracer) or the times are since 1970 already, the traces stand there, otherwise at the beginning of 1970.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final

import msgspec
from msgspec import Struct, field

from flightlog.codecs.otlp.messages import Malformed
from flightlog.imports.formats.reading import (
    MICRO,
    Made,
    Sample,
    event_id,
    mapping,
    ns,
    number,
    process,
    span_id,
    text,
    trace_id,
)
from flightlog.records.event import Event
from flightlog.records.process import Process
from flightlog.records.span import Span

NAME: Final = "chrome"

_EVENTS: Final = "traceEvents"
_POINTS: Final = {
    "i": "",
    "I": "",
    "R": "",
    "n": "",
    "C": "counter",
    "P": "sample",
    "s": "flow",
    "t": "flow",
    "f": "flow",
}
_BEGINS: Final = frozenset("Bb")
_ENDS: Final = frozenset("Ee")
_NONE: Final = -1


def tells(sample: Sample) -> bool:
    """Whether these are trace events."""
    return any(
        isinstance(one.get(_EVENTS), list) or ("ph" in one and ("pid" in one or "ts" in one))
        for one in sample.objects
    )


def opened(_sample: Sample) -> frozenset[str] | None:
    """The events are read one by one."""
    return frozenset({_EVENTS})


class _Lane(Struct):
    """Spans of one thread, or of one id: their times, in the order in which they begin in the document."""

    starts: array[int]
    ends: array[int]
    parents: array[int]
    begun: list[int] = field(default_factory=list)
    """Those that are open now."""
    values: dict[int, Any] = field(default_factory=dict)
    """How those began, on the second reading."""
    place: int = 0
    """How many of them have begun, on the second reading."""


class _Program(Struct):
    """One process."""

    name: str = ""
    threads: dict[str, str] = field(default_factory=dict)
    first: int = 2**62
    last: int = -(2**62)
    order: int = 0
    points: int = 0
    owner: Process | None = None
    trace: str = ""
    root: str = ""


class Taker:
    """Makes spans of events, on the second reading."""

    def __init__(self) -> None:
        self._programs: dict[str, _Program] = {}
        self._lanes: dict[tuple[str, str], _Lane] = {}
        self._base = 0
        self._mark = b""
        self._is_ready = False

    # -- the first reading --------------------------------------------------------------------------------------

    def look(self, key: str, value: Any, /) -> None:
        """Note when a span begins and ends."""
        if key not in {"", _EVENTS}:
            if key == "viztracer_metadata" and isinstance(value, dict):
                self._base = int(number(value, "baseTimeNanoseconds") or 0)
            return
        try:
            kind, at, pid, lane = _facts(value)
        except Malformed:
            return  # it is told on the second reading
        program = self._programs.setdefault(pid, _Program())
        if kind == "M":
            named = text(mapping(value, "args"), "name")
            if value.get("name") == "process_name":
                program.name = named
            elif value.get("name") == "thread_name":
                program.threads[text(value, "tid")] = named
            return
        if not self._mark:
            self._mark = msgspec.json.encode(value, order="deterministic")
        end = at + _took(value) if kind == "X" else at
        program.first, program.last = min(program.first, at), max(program.last, end)
        if kind == "X" or kind in _BEGINS:
            found = self._lane(pid, lane)
            found.starts.append(at)
            found.ends.append(end)
            if kind in _BEGINS:
                found.begun.append(len(found.starts) - 1)
                found.ends[-1] = _NONE
        elif kind in _ENDS and (begun := self._lane(pid, lane).begun):
            self._lane(pid, lane).ends[begun.pop()] = at

    def _lane(self, pid: str, lane: str) -> _Lane:
        found = self._lanes.get((pid, lane))
        if found is None:
            found = self._lanes[pid, lane] = _Lane(array("q"), array("q"), array("q"))
        return found

    def _make_ready(self) -> None:
        """Find the parents, once all times are known."""
        self._is_ready = True
        mark = blake2b(self._mark, digest_size=8).hexdigest()
        for pid, program in self._programs.items():
            program.trace = trace_id(NAME, mark, pid)
            program.root = span_id(NAME, program.trace, "root")
            program.owner = process(
                NAME, program.name, pid=int(pid) if pid.isdecimal() and len(pid) < 18 else 0
            )
        for (pid, _), lane in self._lanes.items():
            last = self._programs[pid].last
            lane.begun.clear()
            lane.parents.extend([_NONE] * len(lane.starts))
            ends = [last if end == _NONE else end for end in lane.ends]
            around: list[int] = []
            for place in sorted(range(len(ends)), key=lambda one: (lane.starts[one], -ends[one], one)):
                while around and (
                    ends[around[-1]] < ends[place] or ends[around[-1]] <= lane.starts[place] < ends[place]
                ):
                    around.pop()
                lane.parents[place] = around[-1] if around else _NONE
                around.append(place)

    # -- the second reading -------------------------------------------------------------------------------------

    def take(self, key: str, value: Any, /) -> list[Made]:
        """The span that an event completes, or the point that it is.

        Raises:
            Malformed: it is no event.
        """
        if not self._is_ready:
            self._make_ready()
        if key not in {"", _EVENTS}:
            return []
        kind, at, pid, name = _facts(value)
        if kind == "M":
            return []
        program = self._programs[pid]
        made: list[Made] = [] if program.order else [self._owner(program)]
        program.order += 1
        if kind in _ENDS and (lane := self._lane(pid, name)).begun:
            place = lane.begun.pop()
            begun = lane.values.pop(place)
            joined = {**begun, "args": {**mapping(begun, "args"), **mapping(value, "args")}}
            return [*made, self._span(program, lane, name, place, joined)]
        if kind == "X" or kind in _BEGINS:
            lane = self._lane(pid, name)
            place, lane.place = lane.place, lane.place + 1
            if kind == "X":
                return [*made, self._span(program, lane, name, place, value)]
            lane.begun.append(place)
            lane.values[place] = value
            return made
        return [*made, self._point(program, kind, at, value)]

    def end(self) -> list[Made]:
        """The roots, and what was begun and not ended."""
        if not self._is_ready:
            self._make_ready()
        made: list[Made] = []
        for (pid, name), lane in self._lanes.items():
            program = self._programs[pid]
            made += [self._span(program, lane, name, place, lane.values[place]) for place in lane.begun]
        for pid, program in self._programs.items():
            if program.last >= program.first:
                made.append(
                    Span(
                        trace_id=program.trace,
                        span_id=program.root,
                        name=program.name or f"process {pid}",
                        kind="run",
                        start=self._base + program.first,
                        end=self._base + program.last,
                        status="ok",
                        process_id=self._owner(program).process_id,
                    )
                )
        return made

    def _owner(self, program: _Program) -> Process:
        return program.owner or process(NAME)

    def _span(self, program: _Program, lane: _Lane, name: str, place: int, value: Mapping[str, Any]) -> Span:
        parent, end = lane.parents[place], lane.ends[place]
        args = mapping(value, "args")
        category = text(value, "cat")
        thread = text(value, "tid")
        return Span(
            trace_id=program.trace,
            span_id=span_id(NAME, program.trace, name, place),
            parent_id=program.root if parent == _NONE else span_id(NAME, program.trace, name, parent),
            name=text(value, "name") or "span",
            start=self._base + lane.starts[place],
            end=self._base + (program.last if end == _NONE else end),
            status="interrupted" if end == _NONE else "ok",
            attributes={**args, **({"chrome.category": category} if category else {})},
            thread=program.threads.get(thread, thread),
            process_id=self._owner(program).process_id,
        )

    def _point(self, program: _Program, kind: str, at: int, value: Mapping[str, Any]) -> Event:
        program.points += 1
        name, category = text(value, "name"), text(value, "cat")
        ours = _POINTS.get(kind, f"chrome.{kind}")
        return Event(
            event_id=event_id(NAME, program.trace, program.points),
            trace_id=program.trace,
            span_id=program.root,
            time=self._base + at,
            name=ours or name or "instant",
            attributes={
                **mapping(value, "args"),
                **({"chrome.name": name} if ours else {}),
                **({"chrome.category": category} if category else {}),
                **({"chrome.id": text(value, "id")} if value.get("id") is not None else {}),
                **({"chrome.phase": kind} if ours == "flow" else {}),
            },
            process_id=self._owner(program).process_id,
        )


def _facts(value: Any) -> tuple[str, int, str, str]:
    """The phase, the time, the process and the lane of an event.

    Raises:
        Malformed: it is none.
    """
    if not isinstance(value, dict) or not text(value, "ph"):
        raise Malformed("no trace event: it must be an object with a phase `ph`")
    kind = text(value, "ph")
    told = number(value, "ts")
    if told is None and kind != "M":
        raise Malformed(f"a trace event without a time `ts`: {text(value, 'name')[:80]!r}")
    at = 0 if told is None else ns(told, MICRO)
    pid, thread = text(value, "pid"), text(value, "tid")
    if kind in "bne" and (own := text(value, "id") or text(mapping(value, "id2"), "local", "global")):
        return kind, at, pid, f"id {text(value, 'cat')} {own}"
    return kind, at, pid, f"thread {thread}"


def _took(value: Mapping[str, Any]) -> int:
    return max(0, ns(number(value, "dur") or 0, MICRO))
