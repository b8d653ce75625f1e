"""Scores as columns of rows: one for each name that somebody judged, behind the columns that are promised.

Of a trace those count that are about the whole of it, of a span those about that span; of one name the newest, whoever
judged. A column has one type: numbers, where every value is one (a truth value among them is 1 or 0), truth values
where every value is one, else text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from flightlog.export.rows import Cell
from flightlog.records.annotation import Annotation, Judgement

PREFIX: Final = "score."
"""What the titles of these columns begin with."""

MOST: Final = 200
"""Columns; beyond, those are left out that were judged least."""

Kind = type[float | bool | str]
"""What a column holds: `float`, `bool` or `str`."""


class Scores:
    """The columns that judgements ask for."""

    def __init__(self, judged: Iterable[Judgement | Annotation], *, of_spans: bool) -> None:
        """Prepare.

        Args:
            judged: everything that was said of what is exported.
            of_spans: rows are spans.
        """
        self._of_spans = of_spans
        counts: Counter[str] = Counter()
        kinds: dict[str, set[Kind]] = {}
        for one in judged:
            if bool(one.span_id) is of_spans and (kind := _kind(one)) is not None:
                counts[one.name] += 1
                kinds.setdefault(one.name, set()).add(kind)
        kept = sorted(name for name, _ in counts.most_common(MOST))
        self.left_out = len(counts) - len(kept)
        """Names that have no column."""
        self.types: dict[str, Kind] = {f"{PREFIX}{name}": _common(kinds[name]) for name in kept}
        """The title and the type of each column, in order."""

    def added(
        self, rows: Iterable[Mapping[str, Cell]], said: Callable[[str], Sequence[Annotation]]
    ) -> Iterator[Mapping[str, Cell]]:
        """The rows with these columns; `said` gives the annotations of a trace, by time."""
        if not self.types:
            yield from rows
            return
        last, about = "", {}
        for row in rows:
            trace_id = str(row["trace_id"])
            if trace_id != last:
                last, about = trace_id, self._by_span(said(trace_id))
            found = about.get(str(row["span_id"]) if self._of_spans else "", {})
            yield {**row, **{title: found.get(title) for title in self.types}}

    def _by_span(self, said: Sequence[Annotation]) -> dict[str, dict[str, Cell]]:
        """What stands in the columns, by the span that it is about."""
        found: dict[str, dict[str, Cell]] = {}
        for one in said:
            title = f"{PREFIX}{one.name}"
            if (kind := self.types.get(title)) is not None and _kind(one) is not None:
                found.setdefault(one.span_id, {})[title] = _cell(one, kind)
        return found


def _kind(one: Judgement | Annotation) -> Kind | None:
    """What was judged; None for a note."""
    if one.value is not None:
        return bool if isinstance(one.value, bool) else float
    return str if one.label else None


def _common(kinds: set[Kind]) -> Kind:
    if str in kinds:
        return str
    return bool if kinds == {bool} else float


def _cell(one: Annotation, kind: Kind) -> Cell:
    if one.value is None:
        return one.label if kind is str else None
    if kind is str:
        return msgspec.json.encode(one.value).decode()
    return one.value if isinstance(one.value, bool) and kind is bool else float(one.value)
