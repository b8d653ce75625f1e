r"""The reduced graph in the DOT language of Graphviz.

Every text stands in quotes, where DOT knows three signs: the quote, the backslash that begins `\n`, `\G` and their
like, and the line feed. All are escaped, and characters that a terminal would obey are written out. Graphviz reads the
entities of HTML in a text, so its `&` is one. No `URL`, `image` or HTML-like label is ever written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from flightlog.analysis.reduced import Arrow, Box, Graph, reduced
from flightlog.analysis.tree import Tree
from flightlog.narration.safe import clean
from flightlog.narration.words import duration, of_them

MOST_BOXES: Final = 500
"""Boxes of one drawing; what is beyond them is one."""

_NAME: Final = 64
_SHAPES: Final = {
    "agent": "hexagon",
    "llm": "ellipse",
    "tool": "component",
    "db": "cylinder",
    "retrieval": "cylinder",
}


def document(trees: Iterable[Tree], most: int = MOST_BOXES) -> Iterator[bytes]:
    """What was done and what called what, in however many traces."""
    yield from (f"{line}\n".encode() for line in _lines(reduced(trees, most)))


def _lines(graph: Graph) -> Iterator[str]:
    yield "digraph flightlog {"
    yield '  graph [rankdir=TB, fontname="sans-serif", bgcolor="transparent"];'
    yield '  node [shape=box, style="rounded,filled", fillcolor="#f6f8fa", color="#57606a", fontname="sans-serif"];'
    yield '  edge [color="#57606a", fontname="sans-serif", fontsize=10];'
    for box in graph.boxes:
        yield f"  n{box.number} [{_box(box)}];"
    for arrow in graph.arrows:
        yield f"  n{arrow.origin.number} -> n{arrow.target.number} [{_arrow(arrow)}];"
    yield "}"


def _box(box: Box) -> str:
    facts = [of_them(box.calls, "call")]
    if box.errors:
        facts.append(f"{box.errors:,} failed")
    if box.total_ns:
        facts.append(duration(box.total_ns))
    if box.tokens:
        facts.append(of_them(box.tokens, "token"))
    name = box.name + (f" and {of_them(box.names - 1, 'more name')} like it" if box.names > 1 else "")
    label = "\\n".join(
        filter(None, (escaped(box.kind), escaped(name or "(no name)"), escaped(", ".join(facts))))
    )
    said = [f'label="{label}"']
    if box.kind in _SHAPES:
        said += [f"shape={_SHAPES[box.kind]}", 'style="filled"']
    if box.errors:
        said += ['color="#d1242f"', "penwidth=2"]
    return ", ".join(said)


def _arrow(arrow: Arrow) -> str:
    said: list[str] = []
    if arrow.calls > 1:
        said.append(f'label="{arrow.calls:,} ×"')  # noqa: RUF001  # the sign is meant
    if arrow.errors:
        said.append('color="#d1242f"')
        if arrow.errors == arrow.calls:
            said.append("style=dashed")
    return ", ".join(said)


def escaped(text: str, most: int = _NAME) -> str:
    """A text as it can stand between quotes; never more than one line."""
    whole = " ".join(text[: 8 * most].split())
    cut = clean(whole if len(whole) <= most else whole[: most - 1] + "…")
    return cut.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")
