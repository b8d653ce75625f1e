"""What model calls cost, remembered: a cache beside the spans, made anew whenever prices change.

The writer only notes which calls are over (`unpriced_calls`), for prices are none of its business. Whoever has prices
works them off, some at a time (`price_some`), and notes under which version; a version that was not seen before goes
once over everything, in the order of the primary key. What is remembered under another version counts as not known,
so a question computes it then, and is right at any time.

Sums by the hour (`call_sums`) change by what changed in the rows: plus the new, minus the old.
"""

# ruff: noqa: S608 - every statement here is put together from constants; values are bound
from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from math import isfinite
from typing import Any, Final, NamedTuple

import msgspec

from flightlog.records import genai
from flightlog.records.callfacts import CallFacts
from flightlog.records.question import And, Comparison, Question, Related
from flightlog.store.prices import Prices
from flightlog.store.rollups import hour
from flightlog.store.sqlite import layout
from flightlog.store.sqlite.restore import read_spans
from flightlog.store.sqlite.statements import as_array, insert

CHARGED: Final = frozenset(genai.CHARGED_KINDS)

MOST_PICO: Final = 2**53
"""A call that cost more (9,007 dollars) counts as this: so far a sum of floats is exact."""

MOST_DEAR: Final = 20_000
"""Calls of a cost that are looked at by themselves; where there are more, one trace after the other is shorter."""

_MOST_SUM: Final = 2**62
_MOST_FIRST_NS: Final = 2**50
_KINDS: Final = ", ".join(f"'{kind}'" for kind in genai.CHARGED_KINDS)

CALL_ROWS: Final = f"""
SELECT s.trace AS trace, s.id AS span
FROM spans s JOIN series n ON n.id = s.series LEFT JOIN span_more m ON m.span = s.id
WHERE (coalesce(m.kind, n.kind) = 'llm' OR coalesce(m.model, n.model) <> '' AND coalesce(m.kind, n.kind) IN ({_KINDS}))
  AND s.status NOT IN ('running', 'paused')
"""
"""Every call that is over and that somebody charges for; each is in one of the two tables."""

SUM_ROWS: Final = """
SELECT hours(s.start) AS hour, s.series AS series, count(*) AS calls,
  sum(k.cost_pico_usd IS NULL OR k.is_least) AS unknown, coalesce(sum(k.cost_pico_usd), 0) AS cost_pico_usd,
  count(k.first_ns) AS firsts, coalesce(sum(k.first_ns), 0) AS first_ns
FROM priced_calls k JOIN spans s ON s.id = k.span GROUP BY 1, 2
"""
"""The sums that priced calls add up to."""

_PAIRS: Final = "SELECT value ->> 0, value ->> 1 FROM json_each(?1)"
_OF_TRACES: Final = "k.trace IN (SELECT value FROM json_each(?1))"
_COUNTED: Final = """SELECT s.start, s.series, k.cost_pico_usd, k.is_least, k.first_ns
FROM priced_calls k JOIN spans s ON s.id = k.span WHERE {which}"""
_DEAR: Final = "SELECT span FROM priced_calls WHERE cost_pico_usd > 0 AND cost_pico_usd >= ? LIMIT ?"
_DEAR_TRACES: Final = """t.id IN (SELECT trace FROM priced_calls WHERE cost_pico_usd IS NOT NULL
  GROUP BY trace HAVING sum(CAST(cost_pico_usd AS REAL)) >= ?)"""
_NEWEST_TRACES: Final = (
    "SELECT start FROM traces WHERE start IS NOT NULL ORDER BY start DESC LIMIT 1 OFFSET 2000"
)
_QUEUE: Final = "SELECT trace, span FROM unpriced_calls LIMIT ?"
_WALK: Final = """SELECT trace, span, price_version FROM priced_calls WHERE (trace, span) > (?, ?)
ORDER BY trace, span LIMIT ?"""
_FACTS: Final = f"""SELECT s.trace, s.id, s.start, s.status, s.series, coalesce(m.kind, n.kind),
  s.more & {layout.ATTRIBUTES}, s.attributes
FROM json_each(?1) j CROSS JOIN spans s ON s.id = j.value ->> 1 JOIN series n ON n.id = s.series
  LEFT JOIN span_more m ON m.span = s.id"""
_LARGE: Final = "WHERE s.id IN (SELECT value FROM json_each(?)) ORDER BY s.id"
_SUMS: Final = "calls unknown cost_pico_usd firsts first_ns"

_note: Final = insert("unpriced_calls", "trace span", "ON CONFLICT DO NOTHING")
_put: Final = insert(
    "priced_calls",
    "trace span cost_pico_usd is_least first_ns price_version",
    "ON CONFLICT DO UPDATE SET cost_pico_usd = excluded.cost_pico_usd, is_least = excluded.is_least,"
    " first_ns = excluded.first_ns, price_version = excluded.price_version",
)
_add: Final = insert(
    "call_sums",
    f"hour series {_SUMS}",
    "ON CONFLICT (hour, series) DO UPDATE SET "
    + ", ".join(f"{name} = {name} + excluded.{name}" for name in _SUMS.split()),
)

Pair = tuple[int, int]
"""A trace's row and a span's."""


def is_charged(kind: str, model: str) -> bool:
    """Whether somebody charges for a span of this kind and model, once it is over."""
    return kind == "llm" or (kind in CHARGED and model != "")


def note(connection: sqlite3.Connection, calls: Sequence[Pair]) -> None:
    """Note calls that are over and have no price yet."""
    _note.run(connection, calls)


def forget_calls(connection: sqlite3.Connection, calls: Sequence[Pair]) -> None:
    """Forget calls whose rows are about to change."""
    if calls:
        _forget(connection, f"(k.trace, k.span) IN ({_PAIRS})", msgspec.json.encode(calls).decode())


def forget_traces(connection: sqlite3.Connection, traces: str) -> None:
    """Forget the calls of traces that are about to go, whose rows' ids are a JSON array."""
    _forget(connection, _OF_TRACES, traces)


def forget_spans(connection: sqlite3.Connection, trace: int, spans: str) -> None:
    """Forget the calls among spans of a trace that are about to go, whose ids are a JSON array."""
    _forget(connection, f"k.trace = {trace:d} AND k.span IN (SELECT value FROM json_each(?1))", spans)


def left(connection: sqlite3.Connection, version: int, most: int) -> int:
    """How many calls have no price of this version, or that there are more than `most` of them.

    While all that was priced under another version is gone over, it counts as that many.
    """
    (waiting,) = connection.execute(
        "SELECT count(*) FROM (SELECT 1 FROM unpriced_calls LIMIT ?)", (most + 1,)
    ).fetchone()
    if not is_settled(connection, version):
        (stale,) = connection.execute(
            "SELECT count(*) FROM (SELECT 1 FROM priced_calls WHERE price_version <> ? LIMIT ?)",
            (version, most + 1),
        ).fetchone()
        waiting += stale
    return min(int(waiting), most + 1)


def dear_spans(connection: sqlite3.Connection, question: Question | None) -> str | None:
    """The calls that alone can fit a question about cost, as a JSON array of spans; None where they are many."""
    sought = next((part for part in _parts(question) if _is_dear(part)), None)
    if not isinstance(sought, Comparison) or not is_whole(connection):
        return None
    rows = connection.execute(_DEAR, (sought.value, MOST_DEAR + 1)).fetchall()
    return as_array(span for (span,) in rows) if len(rows) <= MOST_DEAR else None


class Dear(NamedTuple):
    """How traces of a cost are found."""

    window: int
    """Unix nanoseconds; they are looked for among those first that started then or later."""
    sql: str
    values: tuple[float, ...]


def dear_traces(connection: sqlite3.Connection, question: Question | None) -> Dear | None:
    """How the traces are found that alone can fit a question about what a trace cost; None for none."""
    related = (
        part.question for part in _parts(question) if isinstance(part, Related) and part.how == "trace"
    )
    sought = next((part for inner in related for part in _parts(inner) if _is_dear(part)), None)
    if not isinstance(sought, Comparison) or not is_whole(connection):
        return None
    newest = connection.execute(_NEWEST_TRACES).fetchone()
    return None if newest is None else Dear(newest[0], _DEAR_TRACES, (float(sought.value),))  # type: ignore[arg-type]  # a number


def _parts(question: Question | None) -> Iterable[Question]:
    """The questions that must all be true."""
    if question is None:
        return ()
    return (
        [one for part in question.parts for one in _parts(part)] if isinstance(question, And) else (question,)
    )


def _is_dear(question: Question) -> bool:
    """Whether it is one for a cost of at least something."""
    match question:
        case Comparison("cost", ">" | ">=" | "=", int() | float() as value):
            return value > 0
        case _:
            return False


def is_whole(connection: sqlite3.Connection) -> bool:
    """Whether every call that is over has a price of the prices at hand."""
    if connection.execute("SELECT 1 FROM unpriced_calls LIMIT 1").fetchone() is not None:
        return False
    (version,) = connection.execute("SELECT asked_prices()").fetchone()
    return is_settled(connection, version)


def is_settled(connection: sqlite3.Connection, version: int) -> bool:
    """Whether every call that has a price has one of this version."""
    known = connection.execute("SELECT price_version, trace FROM pricing").fetchone()
    if known is None:
        return connection.execute("SELECT 1 FROM priced_calls LIMIT 1").fetchone() is None
    return bool(known[0] == version and known[1] is None)


def price_some(connection: sqlite3.Connection, prices: Prices, most: int) -> bool:
    """Price some calls within the transaction that is open; whether there are more."""
    version = prices.version()
    walk = _begun(connection, version)
    calls = connection.execute(_QUEUE, (most,)).fetchall()
    if calls:
        _price(connection, prices, version, calls)
        connection.execute(
            f"DELETE FROM unpriced_calls WHERE (trace, span) IN ({_PAIRS})", (msgspec.json.encode(calls),)
        )
        return len(calls) == most or walk is not None
    if walk is None:
        return False
    rows = connection.execute(_WALK, (*walk, most)).fetchall()
    stale = [row[:2] for row in rows if row[2] != version]
    if stale:
        _price(connection, prices, version, stale)
    place = rows[-1][:2] if len(rows) == most else (None, None)
    connection.execute("UPDATE pricing SET trace = ?, span = ?", place)
    return len(rows) == most


def _begun(connection: sqlite3.Connection, version: int) -> Pair | None:
    """From where on priced calls must be gone over; None where all have this version."""
    known = connection.execute("SELECT price_version, trace, span FROM pricing").fetchone()
    if known is not None and known[0] == version:
        return None if known[1] is None else (known[1], known[2])
    if known is None:
        connection.execute("INSERT INTO pricing VALUES (?, NULL, NULL)", (version,))
        return None
    connection.execute("UPDATE pricing SET price_version = ?, trace = -1, span = -1", (version,))
    return -1, -1


def _price(connection: sqlite3.Connection, prices: Prices, version: int, calls: Sequence[Pair]) -> None:
    """Give calls their prices of this version, in place of what they had."""
    pairs = msgspec.json.encode(calls).decode()
    sums = _Sums()
    sums.count(_counted(connection, f"(k.trace, k.span) IN ({_PAIRS})", pairs), -1)
    rows: list[tuple[Any, ...]] = []
    for trace, span, start, status, series, kind, attributes in _facts(connection, pairs):
        call = CallFacts(
            trace_id="", span_id="", start=start, status=status, name="", kind=kind, attributes=attributes
        )
        cost = prices.cost(call)
        pico_usd = None if cost.pico_usd is None else min(cost.pico_usd, MOST_PICO)
        is_least = int(pico_usd is not None and not cost.is_whole)
        first_ns = _first_ns(attributes)
        rows.append((trace, span, pico_usd, is_least, first_ns, version))
        sums.count([(start, series, pico_usd, is_least, first_ns)], 1)
    _put.run(connection, rows)
    sums.write(connection)


def _facts(connection: sqlite3.Connection, pairs: str) -> Iterator[tuple[Any, ...]]:
    rows = connection.execute(_FACTS, (pairs,)).fetchall()
    large = sorted(row[1] for row in rows if row[6])
    found = read_spans(connection, _LARGE, (str(large),), parts=layout.ATTRIBUTES) if large else []
    fetched = {number: span.attributes for number, span in zip(large, found, strict=True)}
    for row in rows:
        yield (*row[:6], fetched.get(row[1]) or _object(row[7]))


def _object(data: str | None) -> dict[str, Any]:
    """Attributes of a row; none for those with a number that no machine type holds."""
    try:
        return msgspec.json.decode(data or "{}", type=dict[str, Any])
    except msgspec.MsgspecError:
        return {}


def _first_ns(attributes: dict[str, Any]) -> int | None:
    """Nanoseconds to the first piece of a streamed answer; None where nobody said."""
    told = attributes.get(genai.TIME_TO_FIRST_CHUNK)
    if isinstance(told, bool) or not isinstance(told, int | float) or not isfinite(told) or told < 0:
        return None
    return min(round(told * 1e9), _MOST_FIRST_NS)


def _counted(connection: sqlite3.Connection, which: str, value: str) -> list[tuple[Any, ...]]:
    return connection.execute(_COUNTED.format(which=which), (value,)).fetchall()


def _forget(connection: sqlite3.Connection, which: str, value: str) -> None:
    sums = _Sums()
    sums.count(_counted(connection, which, value), -1)
    sums.write(connection)
    for table in ("priced_calls", "unpriced_calls"):
        connection.execute(f"DELETE FROM {table} AS k WHERE {which}", (value,))


class _Sums:
    """What priced calls add to the sums by the hour, or take from them."""

    def __init__(self) -> None:
        self._rows: dict[Pair, list[int]] = {}

    def count(self, calls: Iterable[tuple[Any, ...]], sign: int) -> None:
        for start, series, pico_usd, is_least, first_ns in calls:
            row = self._rows.setdefault((hour(start), series), [0] * 5)
            row[0] += sign
            row[1] += sign * (pico_usd is None or bool(is_least))
            row[2] += sign * (pico_usd or 0)
            row[3] += sign * (first_ns is not None)
            row[4] += sign * (first_ns or 0)

    def write(self, connection: sqlite3.Connection) -> None:
        """Apply them; a row that comes to nothing goes."""
        rows = [
            (*place, *(max(-_MOST_SUM, min(one, _MOST_SUM)) for one in sums))
            for place, sums in self._rows.items()
        ]
        _add.run(connection, rows)
        keys = msgspec.json.encode([row[:2] for row in rows if row[2] <= 0]).decode()
        connection.execute(f"DELETE FROM call_sums WHERE calls = 0 AND (hour, series) IN ({_PAIRS})", (keys,))
