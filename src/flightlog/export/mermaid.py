"""The reduced graph as a Mermaid flowchart, and one trace as its sequence diagram.

Every text goes through `narration.escaping`, and ids are numbers of our own, so that nothing in a trace can be a
statement, a directive, a link or markup. A drawing is bounded, well below the 50,000 characters and 500 edges beyond
which Mermaid refuses a text: what is left out is said in a comment and in a box.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from flightlog.analysis.reduced import MOST_BOXES, Arrow, Box, Graph, reduced
from flightlog.analysis.tree import Tree
from flightlog.narration import mermaid
from flightlog.narration.escaping import escaped
from flightlog.narration.words import duration, of_them
from flightlog.records.traces import Trace

MOST_ARROWS: Final = 300
"""Arrows that are drawn; Mermaid refuses more than 500."""

MOST_SPANS: Final = 20_000
"""Spans of the traces that one sequence diagram is made of; a single trace may have more."""

_NAME: Final = 48
_SHAPES: Final = {
    "agent": ('{{"', '"}}'),
    "workflow": ('[["', '"]]'),
    "run": ('(["', '"])'),
    "llm": ('("', '")'),
    "embedding": ('("', '")'),
    "tool": ('[/"', '"/]'),
    "db": ('[("', '")]'),
    "retrieval": ('[("', '")]'),
}
_PLAIN: Final = ('["', '"]')


def flowchart(trees: Iterable[Tree], most: int = MOST_BOXES) -> Iterator[bytes]:
    """What was done and what called what, in however many traces."""
    yield from (f"{line}\n".encode() for line in _lines(reduced(trees, most)))


def sequence(traces: Iterable[tuple[Trace | None, Tree]]) -> Iterator[bytes]:
    """Who asked whom for what, from top to bottom; all traces in one diagram, as long as that can be read."""
    trees: list[Tree] = []
    spans = 0
    for _, tree in traces:
        if trees and spans + tree.span_count > MOST_SPANS:
            yield f"%% only the first {of_them(len(trees), 'trace')} of those that were chosen\n".encode()
            break
        trees.append(tree)
        spans += tree.span_count
    roots = sorted((root for tree in trees for root in tree.roots), key=lambda root: root.start)
    loose = sorted((event for tree in trees for event in tree.loose_events), key=lambda event: event.time)
    yield from (f"{line}\n".encode() for line in mermaid.diagram(roots, loose))


def _lines(graph: Graph) -> Iterator[str]:
    yield "flowchart TD"
    for box in graph.boxes:
        before, after = _SHAPES.get(box.kind, _PLAIN)
        yield f"    n{box.number}{before}{_label(box)}{after}"
    drawn = graph.arrows[:MOST_ARROWS]
    for arrow in drawn:
        yield f"    n{arrow.origin.number} {_arrow(arrow)} n{arrow.target.number}"
    if len(drawn) < len(graph.arrows):
        rest = of_them(len(graph.arrows) - len(drawn), "more arrow")
        yield f'    left["{escaped(rest + " not drawn")}"]'
    if not graph.boxes:
        yield '    none["no span was recorded"]'
    failed = [f"n{box.number}" for box in graph.boxes if box.errors]
    if failed:
        yield "    classDef failed stroke:#d1242f,stroke-width:2px"
        yield f"    class {','.join(failed)} failed"


def _label(box: Box) -> str:
    title = escaped(box.name or "(no name)", _NAME)
    if box.names > 1:
        title += " " + escaped(f"and {of_them(box.names - 1, 'more name')} like it")
    facts = [of_them(box.calls, "call")]
    if box.errors:
        facts.append(f"{box.errors:,} failed")
    if box.total_ns:
        facts.append(duration(box.total_ns))
    if box.tokens:
        facts.append(of_them(box.tokens, "token"))
    kind = f"{escaped(box.kind, _NAME)}<br/>" if box.kind else ""
    return f"{kind}{title}<br/>{escaped(', '.join(facts))}"


def _arrow(arrow: Arrow) -> str:
    facts = [of_them(arrow.calls, "call")] if arrow.calls > 1 else []
    if arrow.errors:
        facts.append(f"{arrow.errors:,} failed")
    says = ", ".join(facts)
    line = "-.->" if arrow.errors == arrow.calls else "-->"
    return f'{line}|"{escaped(says)}"|' if says else line
