"""One trace compared with another: what each span became, and what all of them add up to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct

from flightlog.analysis.alignment import Pair, align
from flightlog.analysis.critical import critical_path
from flightlog.analysis.differing import Change, changes
from flightlog.analysis.drift import Part, drift
from flightlog.analysis.tree import Node, Tree, walk
from flightlog.analysis.waiting import waited_ns, worked_ns
from flightlog.pricing import usage
from flightlog.pricing.charge import Charge
from flightlog.records import genai
from flightlog.records.attributes import RERUN_LIVE, RERUN_SERVED, WAITING, WAITING_SINCE
from flightlog.records.callfacts import is_charged
from flightlog.records.span import Span

VARYING: Final = frozenset(
    {
        WAITING,
        WAITING_SINCE,
        RERUN_LIVE,
        RERUN_SERVED,
        genai.RESPONSE_ID,
        genai.TIME_TO_FIRST_CHUNK,
        genai.STREAM_CHUNKS,
        genai.STREAM_CHARACTERS,
        genai.STREAM_LONGEST_GAP,
        genai.SERVER_PORT,
        genai.TOTAL_TOKENS,
        *usage.UNITS,
        *genai.SERVED_TOKENS.values(),
        *genai.REPORTED_COST,
        "process.pid",
        "thread.id",
    }
)
"""Attributes that differ from run to run, or that are told as figures."""

Price = Callable[[Span], Charge | None]
"""What a span cost; None where nobody charges for it, or there are no prices."""


class Figures(Struct, frozen=True, kw_only=True):
    """What a trace, or one span of it, comes to. What is unknown is None, and never 0."""

    duration_ns: int | None
    spans: int = 1
    errors: int = 0
    llm_calls: int = 0
    retries: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    pico_usd: int | None = None
    """Of what is known; None where nothing is."""
    unpriced: int = 0
    """Calls of which the cost is not known, or not whole."""


MEASURES: Final[tuple[str, ...]] = tuple(name for name in Figures.__struct_fields__ if name != "unpriced")
"""The figures that are compared."""


class Compared(Struct, frozen=True, eq=False):
    """What one span became; only of pairs that are in both traces is there something to compare."""

    pair: Pair
    fields: Sequence[Change]
    """Kind, level, status, error: what is no content."""
    input: Sequence[Change]
    output: Sequence[Change]
    attributes: Sequence[Change]
    prompt: Sequence[Part]
    before: Figures | None
    after: Figures | None

    @property
    def is_changed(self) -> bool:
        """Whether anything but its times and figures differs."""
        pair = self.pair
        return pair.how != "same place" or pair.is_renamed or self.says_something_else

    @property
    def says_something_else(self) -> bool:
        """Whether what it holds differs."""
        return bool(self.fields or self.input or self.output or self.attributes or self.prompt)


class Comparison(Struct, frozen=True, eq=False):
    """Two traces compared."""

    roots: Sequence[Pair]
    spans: Mapping[int, Compared]
    """By the identity of a pair, a parent before its children."""
    before: Figures
    after: Figures
    new_errors: Sequence[Node]
    """Failed spans of the later trace whose name and error type no failed span of the earlier has."""
    gone_errors: Sequence[Node]
    """The reverse."""

    @property
    def is_same(self) -> bool:
        """Whether nothing but times and figures differs."""
        return not any(each.is_changed for each in self.spans.values())

    def of(self, pair: Pair) -> Compared:
        """What a pair comes to."""
        return self.spans[id(pair)]

    def count(self, test: Callable[[Compared], object]) -> int:
        """How many pairs are like this."""
        return sum(bool(test(each)) for each in self.spans.values())


def compare(before: Tree, after: Tree, price: Price) -> Comparison:
    """Compare two traces."""
    aligned = align(before, after)
    spans = {id(pair): _compared(pair, price) for pair in aligned.pairs}
    mine, theirs = _failures(before), _failures(after)
    return Comparison(
        aligned.roots,
        spans,
        _total(before, price),
        _total(after, price),
        [node for key, node in theirs.items() if key not in mine],
        [node for key, node in mine.items() if key not in theirs],
    )


def _compared(pair: Pair, price: Price) -> Compared:
    one, two = pair.before, pair.after
    before = _figures(one, price) if one else None
    after = _figures(two, price) if two else None
    if one is None or two is None:
        return Compared(pair, (), (), (), (), (), before, after)
    mine, theirs = one.record, two.record
    return Compared(
        pair,
        _fields(mine, theirs),
        changes(mine.input, theirs.input),
        changes(mine.output, theirs.output),
        changes(_steady(mine.attributes), _steady(theirs.attributes)),
        drift(one, two),
        before,
        after,
    )


def _fields(one: Span, two: Span) -> list[Change]:
    pairs: list[tuple[str, Any, Any]] = [
        ("kind", one.kind, two.kind),
        ("level", one.level, two.level),
        ("status", one.status, two.status),
        ("error", _told(one), _told(two)),
    ]
    return [Change(name, before, after) for name, before, after in pairs if before != after]


def _told(span: Span) -> Any:
    if span.error is None:
        return UNSET
    return ": ".join(part for part in (span.error.type, span.error.message) if part)


def _steady(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if name not in VARYING}


def _figures(node: Node, price: Price) -> Figures:
    record = node.record
    charge = price(record) if is_charged(record) else None
    told = record.attributes
    return Figures(
        duration_ns=worked_ns(record),
        errors=int(record.status == "error"),
        llm_calls=int(record.kind == "llm"),
        retries=sum(event.name == "retry" for event in node.events),
        input_tokens=_count(told, genai.INPUT_TOKENS),
        output_tokens=_count(told, genai.OUTPUT_TOKENS),
        cache_read_tokens=_count(told, genai.CACHE_READ_TOKENS),
        pico_usd=charge.pico_usd if charge else None,
        unpriced=int(charge is not None and not charge.is_whole),
    )


def _total(tree: Tree, price: Price) -> Figures:
    sums: Counter[str] = Counter()
    known: set[str] = set()
    for node in walk(tree):
        for name, value in msgspec.structs.asdict(_figures(node, price)).items():
            if value is not None:
                known.add(name)
                sums[name] += value
    waits = any(waited_ns(node.record) for node in walk(tree))
    waited = critical_path(tree).waited_ns if waits else 0
    lasted = tree.duration_ns
    found = {name: sums[name] if name in known else None for name in Figures.__struct_fields__}
    counts = {name: sums[name] for name in ("spans", "errors", "llm_calls", "retries", "unpriced")}
    duration = None if lasted is None else max(0, lasted - waited)
    return Figures(**{**found, **counts, "duration_ns": duration})  # type: ignore[arg-type]  # by name


def _count(attributes: Mapping[str, Any], name: str) -> int | None:
    value = attributes.get(name)
    return value if type(value) is int and value >= 0 else None


def _failures(tree: Tree) -> dict[tuple[str, str], Node]:
    """Failed spans by name and type of error, the first of each."""
    found: dict[tuple[str, str], Node] = {}
    for node in walk(tree):
        if node.status == "error":
            found.setdefault((node.name, node.error.type if node.error else ""), node)
    return found
