"""The traces that have most of something: the ids first, from as few tables as it takes, then their rows.

No index is kept for it, so every trace that is meant is looked at, once: a million in about a second.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Final

from flightlog.records.traces import Order, Selection, Trace
from flightlog.store.sqlite.asked import TRACE_COST, TRACE_NUMBERS
from flightlog.store.sqlite.askedtexts import few_spans
from flightlog.store.sqlite.pricedcalls import dear_spans, is_whole
from flightlog.store.sqlite.selection import JOINS, conditions
from flightlog.store.sqlite.statements import as_array
from flightlog.store.sqlite.tracelist import newest, traces_of

_AMOUNTS: Final[Mapping[Order, str]] = {
    "duration": TRACE_NUMBERS["duration"],
    "tokens": TRACE_NUMBERS["tokens"],
    "errors": "t.errors",
}
_KNOWN_COST: Final = "(SELECT sum(CAST(k.cost_pico_usd AS REAL)) FROM priced_calls k WHERE k.trace = t.id)"


def first_by(
    connection: sqlite3.Connection, selection: Selection, limit: int, slow_limit_ns: int, order: Order
) -> list[Trace]:
    """The traces that are meant which have most of something, those first; unknown is least, and then the newest."""
    if order == "newest":
        found = newest(connection, selection, limit, slow_limit_ns, in_order=False)
        return [trace for _, trace in found]
    question = selection.question
    spans = few_spans(connection, question) or dear_spans(connection, question)
    where, values = conditions(selection, in_order=False, spans=spans)
    is_of_root = bool(selection.statuses or selection.kinds or selection.name or selection.session)
    source = JOINS if is_of_root else "FROM traces t"
    amount = _AMOUNTS.get(order) or (_KNOWN_COST if is_whole(connection) else TRACE_COST)
    numbers = connection.execute(
        f"SELECT t.id {source} {where} ORDER BY {amount} DESC, t.start DESC, t.trace_id DESC, t.id DESC LIMIT ?",
        (*values, max(limit, 0)),
    ).fetchall()
    return traces_of(connection, as_array(number for (number,) in numbers), slow_limit_ns, selection.session)
