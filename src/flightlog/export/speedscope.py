"""Traces as a document for speedscope: one profile for each lane of each trace, its spans opened and closed.

The format is the one that speedscope publishes a JSON schema of: `profiles` of the type `evented`, whose events name
frames by their place in `shared.frames`. Times are nanoseconds since the trace began, so that they stay whole numbers
in a program that has only doubles. Speedscope knows neither attributes nor inputs: they are not in the document.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from flightlog.analysis.lanes import Bar, Place, edges, lanes
from flightlog.analysis.tree import Tree
from flightlog.records.span import Span
from flightlog.records.traces import Trace

SCHEMA: Final = "https://www.speedscope.app/file-format-schema.json"
"""What the document names as its schema; speedscope knows its own files by it."""

_json: Final = msgspec.json.Encoder().encode


def document(traces: Iterable[tuple[Trace | None, Tree]]) -> Iterator[bytes]:
    """The document, piece by piece: a profile at a time, the frames last."""
    frames = _Frames()
    yield b'{"$schema":' + _json(SCHEMA) + b',"exporter":"flightlog","activeProfileIndex":0,"profiles":['
    separator = b"\n"
    for _, tree in traces:
        for place, bars in lanes(tree).items():
            yield separator + _json(_profile(tree, place, bars, frames))
            separator = b",\n"
    yield b'\n],"shared":{"frames":' + _json(frames.known) + b"}}\n"


class _Frames:
    """Each name and kind once."""

    def __init__(self) -> None:
        self.known: list[dict[str, str]] = []
        self._places: dict[tuple[str, str], int] = {}

    def place(self, span: Span) -> int:
        """Where the frame of a span stands among the frames."""
        key = (span.name, span.kind)
        place = self._places.setdefault(key, len(self.known))
        if place == len(self.known):
            self.known.append({"name": span.name, **({"file": span.kind} if span.kind else {})})
        return place


def _profile(tree: Tree, place: Place, bars: list[Bar], frames: _Frames) -> dict[str, Any]:
    events = [
        {
            "type": "O" if edge.opens else "C",
            "frame": frames.place(edge.bar.node.record),
            "at": edge.time - tree.start,
        }
        for edge in edges(bars)
    ]
    return {
        "type": "evented",
        "name": _title(tree, place),
        "unit": "nanoseconds",
        "startValue": 0,
        "endValue": max(tree.end - tree.start, events[-1]["at"]),
        "events": events,
    }


def _title(tree: Tree, place: Place) -> str:
    where = [part for part in (place.thread, place.task) if part]
    beside = f"({place.number + 1})" if place.number else ""
    return " · ".join([f"{tree.name} {tree.trace_id[:8]}", *where, *([beside] if beside else [])])
