"""One trace as one JSON document: its row, what is odd about it, and its spans nested as they ran.

Each span is its record line with `duration_ns`, `self_ns`, `marks`, `events` and `children` added. The document
is made piece by piece and without recursion, so a trace of any depth can be written; not every JSON reader can
read more than a thousand levels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from flightlog.analysis.tree import Node, Tree
from flightlog.codecs.lines import encode
from flightlog.records.annotation import Annotation
from flightlog.records.traces import Trace

_CLOSE: Final = b"]}"


def pieces(trace: Trace | None, tree: Tree, annotations: Sequence[Annotation] = ()) -> Iterator[bytes]:
    """The document's bytes in order; `annotations` are those of the trace and of its spans."""
    yield b'{"trace":' + msgspec.json.encode(trace)
    yield b',\n"marks":' + msgspec.json.encode(tree.marks)
    yield b',\n"loose_events":[' + b",".join(encode(event) for event in tree.loose_events)
    yield b'],\n"annotations":[' + b",".join(encode(one) for one in annotations)
    yield b'],\n"roots":['
    yield from _nodes(tree)
    yield b"\n]}"


def _nodes(tree: Tree) -> Iterator[bytes]:
    separator = b"\n"
    pending: list[Node | None] = list(reversed(tree.roots))
    while pending:
        node = pending.pop()
        if node is None:
            yield _CLOSE
            separator = b",\n"
            continue
        yield separator + _opened(node)
        separator = b"\n" if node.children else b",\n"
        pending.append(None)
        pending.extend(reversed(node.children))


def _opened(node: Node) -> bytes:
    """A span's object up to the beginning of its children."""
    added = {
        "duration_ns": node.record.duration_ns,
        "self_ns": node.self_ns,
        "marks": node.marks,
    }
    events = b",".join(encode(event) for event in node.events)
    return (
        encode(node.record)[:-1]
        + b","
        + msgspec.json.encode(added)[1:-1]
        + b',"events":['
        + events
        + b'],"children":['
    )
