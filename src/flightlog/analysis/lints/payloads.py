"""Lints about what spans carry: secrets that the gate had to take out, and more bytes than anybody reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec
from msgspec import UNSET

from flightlog.analysis.lints.finding import Finding, evidence
from flightlog.analysis.tree import Node, Tree, walk

HIDDEN: Final = b"[REDACTED"
"""What everything that stands in a secret's place begins with."""
LARGE: Final = 256 * 1024
"""Bytes of JSON from which on an input or output is large."""
CARRIED: Final = 16 * 1024
"""Bytes of JSON from which on it matters that a value is carried through several spans."""
CARRIERS: Final = 5
"""So many spans with one such value are too many."""
CUT: Final = "flightlog.cut"
"""The attribute that lists what was too long to be kept whole."""


def secret_found(tree: Tree) -> Iterator[Finding]:
    """What a program handed over and the gate took out: the record is safe, the program may not be."""
    groups: dict[tuple[str, str], list[Node]] = {}
    for node in walk(tree):
        for place, value in _places(node):
            if HIDDEN in msgspec.json.encode(value):
                groups.setdefault((node.name, place), []).append(node)
    for (name, place), nodes in groups.items():
        spans, count = evidence(nodes)
        times = "" if count == 1 else f" in {count:,} spans"
        yield Finding(
            lint="secret-found",
            severity="warning",
            name=name,
            text=f"the {place} of {name} held a secret{times}; the gate took it out of the record",
            advice="do not hand secrets to tools and prompts: name them, and look them up where they are used",
            spans=spans,
            count=count,
        )


def payload_bloat(tree: Tree) -> Iterator[Finding]:
    """Inputs and outputs that are larger than anybody reads, or that many spans carry along."""
    carried: dict[tuple[int, int], list[Node]] = {}
    sizes: dict[tuple[int, int], int] = {}
    large: dict[tuple[str, str], list[tuple[Node, int]]] = {}
    for node in walk(tree):
        for place, value in (("input", node.record.input), ("output", node.record.output)):
            if value is UNSET:
                continue
            encoded = msgspec.json.encode(value)
            size = len(encoded) + sum(_missing(node, place))
            if size >= LARGE:
                large.setdefault((node.name, place), []).append((node, size))
            elif size >= CARRIED:
                key = (len(encoded), hash(encoded))
                sizes[key] = size
                carried.setdefault(key, []).append(node)
    for (name, place), found in large.items():
        spans, count = evidence(node for node, _ in found)
        most = max(size for _, size in found)
        times = "" if count == 1 else f", the largest of {count:,}"
        yield _bloat(name, f"the {place} of {name} has {_kib(most)}{times}", spans, count)
    for key, nodes in carried.items():
        if len({node.span_id for node in nodes}) >= CARRIERS:
            spans, count = evidence({node.span_id: node for node in nodes}.values())
            text = (
                f"one value of {_kib(sizes[key])} is carried through {count:,} spans, {nodes[0].name} first"
            )
            yield _bloat(nodes[0].name, text, spans, count)


def _bloat(name: str, text: str, spans: list[str], count: int) -> Finding:
    return Finding(
        lint="payload-bloat",
        severity="note",
        name=name,
        text=text,
        advice="pass an id or a path, record with content=metadata, or keep only what the next step needs",
        spans=spans,
        count=count,
    )


def _places(node: Node) -> Iterator[tuple[str, Any]]:
    record = node.record
    if record.input is not UNSET:
        yield "input", record.input
    if record.output is not UNSET:
        yield "output", record.output
    if record.error is not None:
        yield "error", record.error
    if record.attributes:
        yield "attributes", record.attributes


def _missing(node: Node, place: str) -> Iterator[int]:
    """Characters that were left out of a value because it was too long."""
    cuts = node.attributes.get(CUT)
    for cut in cuts if isinstance(cuts, list) else ():
        if isinstance(cut, dict) and str(cut.get("path", "")).partition(".")[0] == place:
            length, kept = cut.get("length", 0), cut.get("kept", 0)
            if isinstance(length, int) and isinstance(kept, int):
                yield max(0, length - kept)


def _kib(size: int) -> str:
    return f"{size / 1024:,.0f} KiB"
