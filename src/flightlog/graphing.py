"""`graph`: a workflow says what it may do, and its runs show what they did.

A declaration is recorded once a run, on the span of the run; each step names its node. Which state a node is in, which
way was taken and what ran within what is found out from the records (`analysis/graph.py`): nothing is kept here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, TypeVar

from flightlog.core.engine import Span, event, span
from flightlog.core.outcome import text_of
from flightlog.core.tracer import traced
from flightlog.core.unset import UNSET
from flightlog.records.attributes import GRAPH, ITEM, NODE
from flightlog.records.kinds import Level

if TYPE_CHECKING:
    from flightlog.records.graph import Snapshot

_Step = TypeVar("_Step", bound=Callable[..., Any])

MOST_NODES: Final = 500
MOST_EDGES: Final = 1_000
"""Beyond these a declaration says how many it leaves out; a record has its bounds."""
_ID: Final = 100
_TITLE: Final = 120
_DESCRIPTION: Final = 400
_ROOMY: Final = 120_000
"""Characters of a declaration beyond which it goes without descriptions."""

_PARTS: Final = ("title", "description", "kind")
_ENDS: Final = 2
_WITH_LABEL: Final = 3


def graph(
    name: str,
    /,
    nodes: Iterable[str] | Mapping[str, str | Mapping[str, str]] = (),
    edges: Iterable[tuple[str, str] | tuple[str, str, str]] = (),
    *,
    title: str = "",
    description: str = "",
) -> ExecutionGraph:
    """Declare what a workflow may do: its steps, and which may come after which.

    More can be declared afterwards (`node`, `edge`). Declaring the same again changes nothing.

    Args:
        name: the workflow's name, which is also that of its runs' spans.
        nodes: ids of steps; or a mapping of ids to titles, or to mappings with `title`, `description` and `kind`.
        edges: pairs of ids, from and to; with a third text, that is the edge's label.
        title: for people.
        description: for people, a sentence or two.

    Raises:
        TypeError: a node or an edge that is none.
    """
    made = ExecutionGraph(name, title=title, description=description)
    if isinstance(nodes, str) or isinstance(edges, str):
        raise TypeError("nodes and edges are lists, not texts")
    for node in nodes:
        made.node(node, **_parts(node, nodes[node] if isinstance(nodes, Mapping) else ""))
    for edge in edges:
        made.edge(*_ends(edge))
    return made


def _parts(node: str, said: object) -> dict[str, str]:
    if isinstance(said, str):
        return {"title": said}
    if not isinstance(said, Mapping) or not set(said) <= set(_PARTS):
        raise TypeError(f"node {node!r}: a title, or a mapping with {', '.join(_PARTS)}; not {said!r:.80}")
    return dict(said)


def _ends(edge: Any) -> tuple[str, ...]:
    if not isinstance(edge, tuple | list) or not _ENDS <= len(edge) <= _WITH_LABEL:
        raise TypeError(f"an edge is (from, to) or (from, to, label), not {edge!r:.80}")
    return tuple(edge)


class ExecutionGraph:
    """A declared workflow. Made by `graph`; any number of runs, at the same time too."""

    __slots__ = ("_description", "_edges", "_last", "_left_out", "_lock", "_nodes", "_title", "name")

    def __init__(self, name: str, *, title: str = "", description: str = "") -> None:
        self.name = _id(name, "the name of a graph")
        self._title, self._description = text_of(title)[:_TITLE], text_of(description)[:_DESCRIPTION]
        self._nodes: dict[str, dict[str, str]] = {}
        self._edges: dict[tuple[str, str], dict[str, str]] = {}
        self._left_out: set[object] = set()
        self._last: Span | None = None
        self._lock = Lock()

    def node(
        self,
        id: str,  # noqa: A002 - the word's own name
        /,
        *,
        title: str = "",
        description: str = "",
        kind: str = "step",
    ) -> Callable[[_Step], _Step]:
        """Declare a step. What it returns can decorate the function that is this step: each call is one run of it.

        Args:
            id: what the step is called; a span of it has this name.
            title: for people; empty where the id says it.
            description: for people.
            kind: the kind of its spans.
        """
        name = _id(id, "the id of a node")
        said = {"id": name, "kind": text_of(kind)}
        said |= {"title": text_of(title)[:_TITLE]} if title else {}
        said |= {"description": text_of(description)[:_DESCRIPTION]} if description else {}
        with self._lock:
            known = self._nodes.get(name)
            if known is not None:
                known.update(said)
            elif len(self._nodes) < MOST_NODES:
                self._nodes[name] = said
            else:
                self._left_out.add(name)
        self._tell()
        return traced(name=name, kind=said["kind"], attributes={NODE: name})

    def edge(self, origin: str, target: str, label: str = "", /) -> None:
        """Declare that one step may come after another; steps that were not declared are by this.

        Args:
            origin: the step before.
            target: the step after it.
            label: under which condition, for people; `choose` takes it, too.
        """
        ends = (_id(origin, "the id of a node"), _id(target, "the id of a node"))
        for end in ends:
            if end not in self._nodes:
                self.node(end)
        with self._lock:
            known = self._edges.get(ends)
            if known is not None:
                known.update({"label": text_of(label)[:_TITLE]} if label else {})
            elif len(self._edges) < MOST_EDGES:
                self._edges[ends] = {"from": ends[0], "to": ends[1]}
                self._edges[ends] |= {"label": text_of(label)[:_TITLE]} if label else {}
            else:
                self._left_out.add(ends)
        self._tell()

    def run(self, input: object = UNSET, *, level: Level = "info", **attributes: object) -> Span:  # noqa: A002 - as for `span`
        """Make the span of one run, of kind `workflow`; steps in its block are steps of this run.

        Args:
            input: what the run is given.
            level: as for `span`.
            **attributes: as for `span`.
        """
        said: dict[str, Any] = {**attributes, GRAPH: self._declaration()}
        made = span(self.name, "workflow", level, input, **said)
        self._last = made
        return made

    def step(
        self,
        id: str,  # noqa: A002 - the word's own name
        /,
        input: object = UNSET,  # noqa: A002 - as for `span`
        *,
        item: str | int | None = None,
        level: Level = "info",
        **attributes: object,
    ) -> Span:
        """Make the span of one run of a step.

        Args:
            id: the step; one that was not declared is shown as such.
            input: what it is given.
            item: which of many items it works on, where it is run for each: a name or a number.
            level: as for `span`.
            **attributes: as for `span`.
        """
        name = text_of(id)[:_ID]
        kind = self._nodes.get(name, {}).get("kind", "step")
        named: dict[str, Any] = {**attributes, NODE: name}
        if item is not None:
            named[ITEM] = item
        return span(name, kind, level, input, **named)

    def choose(self, *chosen: str, after: str = "", reason: str = "", **attributes: object) -> None:
        """Record on the current span which ways were chosen; the others that lead away from there are rejected.

        Args:
            *chosen: steps that come next, or labels of the edges to them; none means that nothing comes next.
            after: the step that was left. Left out, it is the one around, or that which alone leads to all of them.
            reason: why, for people.
            **attributes: anything else worth knowing.
        """
        names = [text_of(one)[:_ID] for one in chosen]
        origin = text_of(after)[:_ID] if after else self._origin(names)
        said: dict[str, Any] = {**attributes, "chosen": names}
        if origin:
            said["node"] = origin
            said["rejected"] = [
                target
                for (start, target), edge in self._edges.copy().items()
                if start == origin and target not in names and edge.get("label", "") not in names
            ]
        if reason:
            said["reason"] = text_of(reason)
        event("branch", **said)

    def snapshot(self, run: Span | None = None) -> Snapshot:
        """The graph as data, with what became of each node and edge in one run, as far as that has come.

        Args:
            run: what `run` gave; left out, the newest. Before the first run nothing is seen.
        """
        from flightlog.analysis.graph import newest  # msgspec, and only once somebody asks

        seen = run if run is not None else self._last
        return newest(seen.tree() if seen is not None else None, self._declaration())

    def _origin(self, names: list[str]) -> str:
        """The one step from which ways lead to all of these."""
        edges = self._edges.copy().items()
        leading = [
            {start for (start, target), edge in edges if name in {target, edge.get("label")}}
            for name in names
        ]
        common = set.intersection(*leading) if leading else set[str]()
        return common.pop() if len(common) == 1 else ""

    def _declaration(self) -> dict[str, Any]:
        with self._lock:
            nodes = [dict(one) for one in self._nodes.values()]
            edges = [dict(one) for one in self._edges.values()]
            left_out = len(self._left_out)
        if sum(len(text) for one in (*nodes, *edges) for text in one.values()) > _ROOMY:
            for one in (*nodes, *edges):
                one.pop("description", None)
                one.pop("label", None)
        said: dict[str, Any] = {"name": self.name}
        said |= {"title": self._title} if self._title else {}
        said |= {"description": self._description} if self._description else {}
        said |= {"nodes": nodes, "edges": edges}
        return said | ({"left_out": left_out} if left_out else {})

    def _tell(self) -> None:
        """Bring the declaration of the newest run up to date, where that is still open."""
        run = self._last
        if run is not None and run.recorded and not run.ended:
            run.set(**{GRAPH: self._declaration()})


def _id(value: object, called: str) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError(f"{called} is a text that is not empty; not {value!r:.80}")
    return value[:_ID]
