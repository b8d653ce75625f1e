"""Traces in Perfetto's own format: tracks for processes, threads and tasks, slices, instants, and flows for links.

A document is a `perfetto.protos.Trace`: a row of packets, each a field of its own, so it can be made piece by piece
and joined to others. The numbers of the fields are those of Perfetto's published `.proto` files;
`tests/export` reads what is written here with code that was generated from them. All times are Unix nanoseconds: the
packets name the real-time clock, and one of them says that it is the clock of the trace.

A slice must lie wholly inside the one that is open in its track, which is what `analysis.lanes` is for. Perfetto
draws lanes of one name as one track. Numbers that Perfetto wants and a record does not have (of threads, and of
processes whose number two of them share) are invented, above any that an operating system gives.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import Any, Final

import msgspec
from msgspec import UNSET

from flightlog.analysis.lanes import Edge, Place, edges, lanes
from flightlog.analysis.tree import Node, Tree, walk
from flightlog.records.event import Event
from flightlog.records.process import Process
from flightlog.records.span import Span
from flightlog.records.traces import Trace

MOST_TEXT: Final = 4096
"""Characters of a value that are shown beside a slice; the record itself has the rest."""

_SEQUENCE: Final = 1
_REALTIME: Final = 1
"""`BUILTIN_CLOCK_REALTIME`."""
_BEGIN, _END, _INSTANT = 1, 2, 3
_INVENTED: Final = 1 << 24
"""The first number that is invented: no system gives a process or thread so great a one."""
_MOST_TIME: Final = 1 << 63

_double: Final = struct.Struct("<d").pack
_fixed64: Final = struct.Struct("<Q").pack


# -- the wire -------------------------------------------------------------------------------------------------


def _varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _number(field: int, number: int) -> bytes:
    return _varint(field << 3) + _varint(number)


def _bytes(field: int, data: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _text(field: int, text: str) -> bytes:
    return _bytes(field, text.encode("utf-8", "replace"))


def _fixed(field: int, number: int) -> bytes:
    return _varint(field << 3 | 1) + _fixed64(number)


def _packet(body: bytes) -> bytes:
    """One field of the document: a packet with what is in it."""
    return _bytes(1, body + _number(10, _SEQUENCE))


# -- the document ---------------------------------------------------------------------------------------------


def document(
    traces: Iterable[tuple[Trace | None, Tree]], processes: Mapping[str, Process] = {}
) -> Iterator[bytes]:
    """The document, some packets at a time.

    Args:
        traces: what to draw.
        processes: those that are known, by id; a mapping that grows while the traces go by is as good.
    """
    yield _clock()
    tracks = _Tracks(processes)
    for _, tree in traces:
        dealt = lanes(tree)
        on: dict[int, int] = {}
        for place, bars in dealt.items():
            yield from tracks.of(place)
            on.update((id(bar.node), tracks.uuid(place)) for bar in bars)
        flows = _Flows(tree)
        for place, bars in dealt.items():
            for edge in edges(bars):
                yield _slice(edge, tracks.uuid(place), flows)
        for node in walk(tree):
            for event in node.events:
                yield _event(event, on[id(node)])
        for event in tree.loose_events:
            place = Place(event.process_id, "", "")
            yield from tracks.of(place)
            yield _event(event, tracks.uuid(place))


def _clock() -> bytes:
    """Say of the real-time clock what it shows at its own 0: that makes it known to whoever reads the document."""
    clock = _bytes(1, _number(1, _REALTIME) + _number(2, 0))
    return _packet(_bytes(6, clock + _number(2, _REALTIME)))


class _Tracks:
    """Describes each track before its first slice."""

    def __init__(self, processes: Mapping[str, Process]) -> None:
        self._processes = processes
        self._pids: dict[str, int] = {}
        self._tids: dict[tuple[str, str], int] = {}
        self._said: set[int] = set()

    def uuid(self, place: Place) -> int:
        """The number of a lane's track."""
        if not place.task and not place.number:
            return _uuid("thread", place.process_id, place.thread)
        return _uuid("lane", place.process_id, place.thread, place.task, place.number)

    def of(self, place: Place) -> Iterator[bytes]:
        """Packets that describe a lane's track, and those above it, unless that was said before."""
        process, thread = _uuid("process", place.process_id), _uuid("thread", place.process_id, place.thread)
        if self._is_new(process):
            yield _packet(_bytes(60, _number(1, process) + self._process(place.process_id)))
        if self._is_new(thread):
            pid = self._pids[place.process_id]
            tid = self._tids.setdefault((place.process_id, place.thread), _INVENTED + len(self._tids))
            name = place.thread or "(no thread)"
            said = _bytes(4, _number(1, pid) + _number(2, tid) + _text(5, name))
            yield _packet(_bytes(60, _number(1, thread) + _number(5, process) + said))
        lane = self.uuid(place)
        if self._is_new(lane):
            name = place.task or f"{place.thread or '(no thread)'} (beside)"
            yield _packet(_bytes(60, _number(1, lane) + _number(5, thread) + _text(2, name)))

    def _is_new(self, uuid: int) -> bool:
        if uuid in self._said:
            return False
        self._said.add(uuid)
        return True

    def _process(self, process_id: str) -> bytes:
        known = self._processes.get(process_id)
        real = known.pid if known is not None else 0
        taken = real <= 0 or real >= _INVENTED or real in self._pids.values()
        pid = _INVENTED + len(self._pids) if taken else real
        self._pids[process_id] = pid
        name = (known.service if known is not None else "") or "process"
        labels = [f"process_id={process_id}"]
        if known is not None:
            labels += [f"{key}={value}" for key, value in (("pid", known.pid), ("host", known.host)) if value]
        return _bytes(3, _number(1, pid) + _text(6, name) + b"".join(_text(8, label) for label in labels))


class _Flows:
    """The arrows of links: from what began first to what began later.

    Within a trace each link is a flow of its own. A span of another trace may come much later or not at all, so every
    slice also begins a flow with its own number, which a link from outside ends; of several such links one is drawn.
    """

    def __init__(self, tree: Tree) -> None:
        self._begun: dict[int, list[int]] = {}
        self._ended: dict[int, list[int]] = {}
        nodes: dict[str, Node] = {}
        for node in walk(tree):
            nodes.setdefault(node.record.span_id, node)
        for node in walk(tree):
            for link in node.record.links:
                there = nodes.get(link.span_id) if link.trace_id == node.record.trace_id else None
                if there is not None:
                    first, last = sorted((there, node), key=lambda one: one.record.start)
                    flow = _uuid("link", link.trace_id, link.span_id, node.record.span_id)
                    self._begun.setdefault(id(first), []).append(flow)
                    self._ended.setdefault(id(last), []).append(flow)
                elif link.span_id:
                    flow = _uuid("span", link.trace_id, link.span_id)
                    self._ended.setdefault(id(node), []).append(flow)

    def of(self, node: Node) -> bytes:
        """The flows of one slice."""
        begun = [*self._begun.get(id(node), ()), _uuid("span", node.record.trace_id, node.record.span_id)]
        ended = self._ended.get(id(node), ())
        return b"".join(
            [_fixed(47, flow) for flow in dict.fromkeys(begun)]
            + [_fixed(48, flow) for flow in dict.fromkeys(ended)]
        )


# -- slices and instants --------------------------------------------------------------------------------------


def _slice(edge: Edge, track: int, flows: _Flows) -> bytes:
    if not edge.opens:
        return _packet(_stamped(edge.time) + _bytes(11, _number(9, _END) + _number(11, track)))
    span = edge.bar.node.record
    said = _number(9, _BEGIN) + _number(11, track) + _text(23, span.name) + _text(22, span.kind or "span")
    return _packet(_stamped(edge.time) + _bytes(11, said + flows.of(edge.bar.node) + _notes(_of_span(span))))


def _event(event: Event, track: int) -> bytes:
    said = _number(9, _INSTANT) + _number(11, track) + _text(23, event.name) + _text(22, event.level)
    notes: dict[str, Any] = {"body": event.body, "event_id": event.event_id} if event.body else {}
    notes.update((f"attributes.{name}", value) for name, value in event.attributes.items())
    return _packet(_stamped(event.time) + _bytes(11, said + _notes(notes)))


def _stamped(time: int) -> bytes:
    return _number(8, min(max(time, 0), _MOST_TIME - 1)) + _number(58, _REALTIME)


def _of_span(span: Span) -> dict[str, Any]:
    notes: dict[str, Any] = {"trace_id": span.trace_id, "span_id": span.span_id, "status": span.status}
    if span.error is not None:
        notes["error"] = ": ".join(filter(None, (span.error.type, span.error.message)))
    content = {"input": span.input, "output": span.output}
    notes.update((name, value) for name, value in content.items() if value is not UNSET)
    notes.update((f"attributes.{name}", value) for name, value in span.attributes.items())
    notes.update((f"context.{name}", value) for name, value in span.context.items())
    return notes


def _notes(values: Mapping[str, Any]) -> bytes:
    return b"".join(_bytes(4, _text(10, name) + _value(value)) for name, value in values.items())


def _value(value: Any) -> bytes:
    """A value as Perfetto shows one: `Any`, because a program may have recorded anything."""
    if isinstance(value, bool):
        return _number(2, value)
    if isinstance(value, int) and -_MOST_TIME <= value < _MOST_TIME:
        return _number(4, value)
    if isinstance(value, float):
        return _varint(5 << 3 | 1) + _double(value)
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return _text(6, text if len(text) <= MOST_TEXT else text[: MOST_TEXT - 1] + "…")


def _uuid(*parts: object) -> int:
    """A number for something, the same whenever it is met; never 0, which means nothing."""
    digest = blake2b(repr(parts).encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1 | 1
