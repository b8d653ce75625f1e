"""The shape of a trace: what of it is the same in every run, and what a golden trace is made of.

Left out are ids, times, processes, threads and everything that nobody chose. What is ordinary (status `ok`, kind
`step`) is not written, so that a file says what a reader looks for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final

import msgspec
from msgspec import Struct

from flightlog.analysis.tree import Node
from flightlog.testing import normal
from flightlog.testing.paths import MISSING, value_at

MOST_DEPTH: Final = 200
"""Spans under one another; a file of more is not for reading."""


class Shape(Struct, omit_defaults=True, forbid_unknown_fields=True, eq=False):
    """One span and what is under it."""

    name: str
    kind: str = "step"
    status: str = "ok"
    error: str = ""
    """Type of the error."""
    fields: dict[str, Any] = {}
    """What was chosen of it, by path."""
    events: list[str] | None = None
    """Names of its events by time; None where they do not count."""
    children: list[Shape] = []

    @property
    def label(self) -> str:
        """What it is, on one line."""
        said = [f"{self.name} ({self.kind})" if self.kind else self.name]
        said += [self.status] if self.status != "ok" else []
        said += [self.error] if self.error else []
        return " ".join(said)


class Choice(Struct):
    """What of a span is compared beside what always is."""

    paths: tuple[str, ...] = ()
    """Paths; those of attributes may have wildcards."""
    events: bool = False

    def fields(self, node: Node) -> dict[str, Any]:
        """The chosen values that are there."""
        found: dict[str, Any] = {}
        for path in self.paths:
            for name in _named(node, path):
                value = value_at(node.record, name)
                if value is not MISSING and value is not None:
                    found[name] = normal.value(_plain(value), name)
        return dict(sorted(found.items()))


class TooDeep(AssertionError):
    """A trace that no golden file should hold."""


def shapes(roots: Iterable[Node], choice: Choice) -> list[Shape]:
    """The shape of each root.

    Raises:
        TooDeep: spans are more than `MOST_DEPTH` deep.
    """
    made: list[Shape] = []
    rest: list[tuple[Node, list[Shape]]] = [(node, made) for node in reversed(list(roots))]
    while rest:
        node, siblings = rest.pop()
        if node.depth >= MOST_DEPTH:
            raise TooDeep(
                f"the trace is more than {MOST_DEPTH} spans deep, at {node.name!r}; compare a part of it"
            )
        shape = _shape(node, choice)
        siblings.append(shape)
        rest += [(child, shape.children) for child in reversed(node.children)]
    return made


def _shape(node: Node, choice: Choice) -> Shape:
    return Shape(
        normal.text(node.name),
        node.kind,
        node.status,
        node.error.type if node.error else "",
        choice.fields(node),
        [normal.text(event.name) for event in node.events] if choice.events else None,
        [],
    )


def normalised(shape: Shape) -> Shape:
    """A shape that somebody wrote, with its texts as those of a recorded one."""
    shape.name = normal.text(shape.name)
    shape.fields = dict(sorted((name, normal.value(value, name)) for name, value in shape.fields.items()))
    shape.events = None if shape.events is None else [normal.text(name) for name in shape.events]
    shape.children = [normalised(child) for child in shape.children]
    return shape


def choice_of(shapes: Sequence[Shape], paths: Iterable[str], *, events: bool) -> Choice:
    """What is compared: what was asked for, and what the golden trace has on any span.

    Where events count, a span that names none has none from here on.
    """
    all_of_it = list(walk(shapes))
    named = {name for shape in all_of_it for name in shape.fields}
    counts = events or any(shape.events is not None for shape in all_of_it)
    for shape in all_of_it:
        shape.events = (shape.events or []) if counts else None
    return Choice(
        tuple(dict.fromkeys([*paths, *sorted(named)])),
        counts,
    )


def walk(shapes: Sequence[Shape]) -> Iterator[Shape]:
    """Every shape, a parent before its children."""
    rest = [*reversed(shapes)]
    while rest:
        shape = rest.pop()
        yield shape
        rest += reversed(shape.children)


def _named(node: Node, path: str) -> list[str]:
    if not any(sign in path for sign in "*?["):
        return [path]
    return [name for name in node.attributes if fnmatchcase(name, path)]


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value) if isinstance(value, Struct) else value
