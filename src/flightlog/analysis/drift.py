"""How a prompt drifted: which of its parts changed, from what `prompt_built` told of them, without any text."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest
from typing import Literal

from msgspec import Struct

from flightlog.analysis.tree import Node
from flightlog.records.event import Event

Fate = Literal["same", "changed", "added", "removed"]


class Part(Struct, frozen=True):
    """One part of a prompt in two traces."""

    name: str
    fate: Fate
    before: int | None
    """Its characters; None where it is not there or its size was not told."""
    after: int | None


def drift(before: Node, after: Node) -> list[Part]:
    """The parts of the prompts that were built on two spans, in order; nothing where all of them are the same."""
    mine, theirs = _prompts(before), _prompts(after)
    found = [part for one, two in zip_longest(mine, theirs) for part in _parts(one, two)]
    return found if any(part.fate != "same" for part in found) else []


def _prompts(node: Node) -> list[Event]:
    return [event for event in node.events if event.name == "prompt"]


def _parts(one: Event | None, two: Event | None) -> list[Part]:
    mine, theirs = _told(one, "components"), _told(two, "components")
    before, after = _told(one, "sizes"), _told(two, "sizes")
    names = [*mine, *(name for name in theirs if name not in mine)]
    return [
        Part(name, _fate(mine.get(name), theirs.get(name)), _size(before, name), _size(after, name))
        for name in names
    ]


def _fate(one: object, two: object) -> Fate:
    if one is None:
        return "added"
    if two is None:
        return "removed"
    return "same" if one == two else "changed"


def _told(event: Event | None, what: str) -> Mapping[str, object]:
    told = event.attributes.get(what) if event else None
    return told if isinstance(told, dict) else {}


def _size(sizes: Mapping[str, object], name: str) -> int | None:
    size = sizes.get(name)
    return size if type(size) is int else None
