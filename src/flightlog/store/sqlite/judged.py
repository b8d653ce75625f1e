"""Annotations as they are asked for: those of a trace, and what judges said last across traces.

Every annotation is kept. Where one judge (`by`) said the same name of the same span or trace again, the latest counts:
`judging.LATEST` is the one definition of that.
"""

# ruff: noqa: S608 - every statement here is put together from constants; values are bound
from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any, Final

from flightlog.records.annotation import Judgement
from flightlog.records.traces import Selection
from flightlog.store.sqlite.ids import text
from flightlog.store.sqlite.judging import LATEST
from flightlog.store.sqlite.selection import JOINS, conditions

_CHOSEN: Final = JOINS.replace("FROM traces t", "FROM annotations a CROSS JOIN traces t ON t.id = a.trace")
_JUDGED: Final = f"""
SELECT a.annotation_id, t.trace_id, a.span_id, a.time, a.name, a.value, a.label, a.note, a.by,
  coalesce(jm.name, jn.name), coalesce(jm.kind, jn.kind),
  coalesce(nullif(coalesce(jm.model, jn.model), ''), (SELECT coalesce(b.model, c.model) FROM spans d
    JOIN series c ON c.id = d.series LEFT JOIN span_more b ON b.span = d.id WHERE d.id = t.model_span)),
  coalesce(m.name, n.name), coalesce(jm.service, jn.service)
{_CHOSEN}
  LEFT JOIN spans j ON j.id = CASE WHEN a.span_id IS NULL THEN t.root
    ELSE (SELECT o.id FROM spans o WHERE o.trace = a.trace AND o.span_id = a.span_id) END
  LEFT JOIN series jn ON jn.id = j.series LEFT JOIN span_more jm ON jm.span = j.id
{{where}} AND {LATEST}
ORDER BY a.time, a.annotation_id, a.id
"""


def judgements(connection: sqlite3.Connection, selection: Selection) -> Iterator[Judgement]:
    """What was said last by each judge of the traces that are meant, oldest first."""
    where, values = conditions(selection)
    return map(_judgement, connection.execute(_JUDGED.format(where=where), values))


def _judgement(row: tuple[Any, ...]) -> Judgement:
    (
        name_id,
        trace_id,
        span_id,
        time,
        name,
        value,
        label,
        note,
        by,
        about,
        kind,
        model,
        trace_name,
        service,
    ) = row
    return Judgement(
        annotation_id=name_id,
        trace_id=text(trace_id),
        span_id=text(span_id),
        time=time,
        name=name,
        value=bool(value) if isinstance(value, int) else value,
        label=label or "",
        note=note or "",
        by=by or "",
        about=about or "",
        kind=kind or "",
        model=model or "",
        trace_name=trace_name or "",
        service=service or "",
    )
