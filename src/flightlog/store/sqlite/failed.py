"""Failed spans, newest first, each error at the place where it began."""

# ruff: noqa: S608 - every statement here is put together from constants; values are bound
from __future__ import annotations

import sqlite3
from collections.abc import Callable
from itertools import groupby
from operator import itemgetter
from typing import Final

import msgspec

from flightlog.records.question import Question
from flightlog.records.span import Span
from flightlog.store.sqlite import layout
from flightlog.store.sqlite.asked import FROM_SPAN, clause, timed
from flightlog.store.sqlite.restore import read_spans

FAILED: Final = """
SELECT s.start, s.id, s.trace, s.span_id, s.parent_id FROM spans s
WHERE s.status = 'error' AND s.start >= ?1
  AND (?2 = '' OR s.trace IN (SELECT id FROM traces WHERE project = ?2))
"""
ORDER: Final = "ORDER BY s.start DESC"
FITTING: Final = f"SELECT s.id {FROM_SPAN} WHERE s.id IN (SELECT value FROM json_each(?))"
SOME: Final = "WHERE s.id IN (SELECT value FROM json_each(?)) ORDER BY s.start DESC, s.id DESC"


def innermost(
    connection: sqlite3.Connection,
    since: int | None,
    project: str,
    most: int,
    question: Question | None = None,
) -> list[Span]:
    """Failed spans without a failed child that fit a question, at most so many, without inputs and outputs.

    A child starts no earlier than its parent, so newest first a failed child is met before the parent that it
    failed, or together with it.
    """
    ids: list[int] = []
    blamed: set[tuple[int, bytes | str]] = set()
    fits = _fits(connection, question)
    rows = connection.execute(f"{FAILED} {ORDER}", (-(2**63) if since is None else since, project))
    for _, together in groupby(rows, key=itemgetter(0)):
        some = list(together)
        blamed.update((trace, parent_id) for _, _, trace, _, parent_id in some if parent_id is not None)
        ids += fits([number for _, number, trace, span_id, _ in some if (trace, span_id) not in blamed])
        if len(ids) >= most:
            break
    rows.close()
    parts = layout.PAYLOADS & ~(layout.INPUT | layout.OUTPUT)
    return read_spans(connection, SOME, (msgspec.json.encode(ids[:most]).decode(),), parts=parts)


def _fits(connection: sqlite3.Connection, question: Question | None) -> Callable[[list[int]], list[int]]:
    """What leaves of some spans those that fit a question, in their order."""
    if question is None:
        return lambda ids: ids
    sql, values = clause(timed(question))

    def fitting(ids: list[int]) -> list[int]:
        asked = (msgspec.json.encode(ids).decode(), *values)
        found = {number for (number,) in connection.execute(f"{FITTING} AND {sql}", asked).fetchall()}
        return [number for number in ids if number in found]

    return fitting
