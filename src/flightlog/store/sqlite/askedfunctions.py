"""The functions that a question's SQL calls for what SQL cannot see: packed values, relatives, prices, percentiles.

They belong to one connection and remember only what one snapshot said: `forget` is called before each. What relatives
a trace has is found once for all its spans, so a trace of n spans costs n steps, and not n times n.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from functools import lru_cache
from typing import Any, Final

import msgspec

from flightlog.records import genai
from flightlog.records.callfacts import CallFacts, models, tags_of
from flightlog.records.errors import BadQuestion
from flightlog.records.question import Pattern, Question
from flightlog.store.payloads import unpack
from flightlog.store.prices import Price
from flightlog.store.rollups import slow_from
from flightlog.store.sqlite import layout
from flightlog.store.sqlite.asked import FROM_SPAN, FROM_TRACE, clause, decoded
from flightlog.store.sqlite.pricedcalls import MOST_PICO
from flightlog.store.sqlite.wholes import whole_payloads

MOST_PRICED: Final = 100_000
"""Calls that are looked at for their cost in one snapshot: a second or two. Beyond it a question must say more."""

MOST_REMEMBERED: Final = 1_000_000
"""Ids of spans that are remembered as somebody's relatives; about 100 MB."""

_PAYLOAD: Final = """SELECT p.id, p.dictionary, p.z, EXISTS (SELECT 1 FROM payload_parts x WHERE x.whole = p.id)
FROM payload_refs r JOIN payloads p ON p.id = r.payload WHERE r.span = ? AND r.part = ?"""
_LAST_DAY: Final = "SELECT coalesce(max(day), -1) FROM day_rollups"
_DURATIONS: Final = """SELECT series, bucket, sum(spans) FROM (
  SELECT series, bucket, spans FROM past_durations
  UNION ALL SELECT series, bucket, spans FROM durations WHERE hour >= (?1 + 1) * 24) GROUP BY series, bucket"""
_NOTED: Final = "SELECT DISTINCT span_id, name FROM events WHERE trace = ? AND span_id IS NOT NULL"
_ABOVE: Final = "SELECT span_id, parent_id FROM spans WHERE trace = ? AND parent_id IS NOT NULL"

_decode: Final = msgspec.json.Decoder().decode
_Id = bytes | str


class AskedFunctions:
    """What the SQL of questions may call on one connection."""

    def __init__(
        self, connection: sqlite3.Connection, price: Price | None, price_version: Callable[[], int] | None
    ) -> None:
        self._connection = connection
        self._price = price
        self._price_version = price_version
        self.trouble: BaseException | None = None
        """What a function raised, which SQLite tells as an error without a reason."""
        self.forget()
        for name, count, function in (
            ("asked_related", 4, self._related),
            ("asked_noted", 3, self._noted),
            ("asked_attribute", 6, self._attribute),
            ("asked_value", 4, self._value),
            ("asked_provider", 3, self._provider),
            ("asked_text", 3, self._holds),
            ("asked_cost", 6, self._cost),
            ("asked_prices", 0, self._version),
            ("asked_slow_from", 1, self._slow_from),
            ("asked_tags", 1, _own_tags),
        ):
            # The version of the prices, which takes nothing, is the same as long as this connection lives.
            connection.create_function(name, count, self._told(function), deterministic=count == 0)

    def add(self, name: str, count: int, function: Callable[..., Any]) -> None:
        """Have the SQL of questions call another function, whose trouble is told as that of these."""
        self._connection.create_function(name, count, self._told(function))

    def forget(self) -> None:
        """Begin a snapshot."""
        self.trouble = None
        self._relatives: dict[tuple[str, str, int], Collection[_Id]] = {}
        self._notes: dict[int, set[tuple[_Id, str | None]]] = {}
        self._remembered = 0
        self._slow: dict[int, int] | None = None
        self._priced = 0

    def _told(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*values: Any) -> Any:
            try:
                return function(*values)
            except BaseException as error:  # an interruption too: SQLite would swallow it
                self.trouble = error
                raise

        return run

    def _related(self, how: str, asked: str, trace: int, span: _Id) -> bool:
        """Whether a question is true of something that belongs to a span."""
        known = self._relatives.get((how, asked, trace))
        if known is None:
            known = self._found(how, decoded(asked), trace)
            self._make_room(len(known))
            self._relatives[how, asked, trace] = known
        return bool(known) if how in ("trace", "span") else span in known

    def _make_room(self, ids: int) -> None:
        """Forget what is known of every trace before it grows too large; it is found again where it is needed."""
        self._remembered += ids + 1
        if self._remembered > MOST_REMEMBERED:
            self._relatives.clear()
            self._notes.clear()
            self._remembered = ids + 1

    def _found(self, how: str, question: Question, trace: int) -> Collection[_Id]:
        """The spans of a trace whose relatives fit; of those that need no telling apart, any."""
        if how == "trace":
            sql, values = clause(question, of_trace=True)
            return self._column(f"SELECT s.span_id {FROM_TRACE} WHERE t.id = ? AND {sql}", trace, values)
        sql, values = clause(question)
        if how == "span":
            return self._column(
                f"SELECT s.span_id {FROM_SPAN} WHERE s.trace = ? AND {sql} LIMIT 1", trace, values
            )
        if how == "child":
            where = f"WHERE s.trace = ? AND s.parent_id IS NOT NULL AND {sql}"
            return set(self._column(f"SELECT s.parent_id {FROM_SPAN} {where}", trace, values))
        fitting = self._column(f"SELECT s.span_id {FROM_SPAN} WHERE s.trace = ? AND {sql}", trace, values)
        return self._below(trace, fitting)

    def _column(self, sql: str, trace: int, values: tuple[Any, ...]) -> list[_Id]:
        return [row[0] for row in self._connection.execute(sql, (trace, *values)).fetchall()]

    def _below(self, trace: int, tops: list[_Id]) -> set[_Id]:
        """Every span of a trace that has one of these above it; a parent that leads back to its child is met once."""
        if not tops:
            return set()
        children: dict[_Id, list[_Id]] = defaultdict(list)
        for span, parent in self._connection.execute(_ABOVE, (trace,)).fetchall():
            children[parent].append(span)
        below: set[_Id] = set()
        ahead = list(tops)
        while ahead:
            for child in children.pop(ahead.pop(), ()):
                below.add(child)
                ahead.append(child)
        return below

    def _noted(self, trace: int, span: _Id, name: str | None) -> bool:
        """Whether an event of a name, or any, was recorded on a span."""
        found = self._notes.get(trace)
        if found is None:
            found = set()
            for owner, event in self._connection.execute(_NOTED, (trace,)).fetchall():
                found |= {(owner, event), (owner, None)}
            self._make_room(len(found))
            self._notes[trace] = found
        return (span, name) in found

    def _attributes(self, span: int, inline: str | None, is_aside: int) -> dict[str, Any]:
        """The attributes of a row, of which those that are large lie elsewhere."""
        data = self.payload(span, layout.ATTRIBUTES) if is_aside else inline
        try:
            found = _decode(data) if data else {}
        except msgspec.MsgspecError:  # a number that no machine type holds
            return {}
        return found if isinstance(found, dict) else {}

    def _attribute(self, name: str, sign: str, operand: str, *row: Any) -> bool:
        """Whether an attribute compares with a value like that."""
        missing: Any = msgspec.UNSET
        value = self._attributes(*row).get(name, missing)
        return value is not missing and _compares(value, sign, _operand(operand))

    def _value(self, name: str, *row: Any) -> str | None:
        """The value of an attribute as a text; None for none."""
        value = self._attributes(*row).get(name)
        if value is None or isinstance(value, str):
            return value
        return msgspec.json.encode(value).decode()

    def _provider(self, *row: Any) -> str:
        value = self._attributes(*row).get(genai.PROVIDER)
        return value if isinstance(value, str) else ""

    def _holds(self, span: int, part: int, pieces: str) -> bool:
        """Whether the packed value of a span holds these pieces in their order."""
        return _in_order(self.payload(span, part).lower(), _lowered(pieces))

    def payload(self, span: int, part: int) -> bytes:
        """A value of a span that is large; empty where it has none."""
        row = self._connection.execute(_PAYLOAD, (span, part)).fetchone()
        if row is None:
            return b""
        number, dictionary, frame, has_parts = row
        return whole_payloads(self._connection, [number])[number] if has_parts else unpack(frame, dictionary)

    def _cost(self, kind: str, start: int, status: str, *row: Any) -> float | None:
        """What a call cost; None where that is unknown, or nobody charges for it."""
        price = self._at_hand()
        attributes = self._attributes(*row)
        if kind != "llm" and not models(attributes):
            return None
        self._priced += 1
        if self._priced > MOST_PRICED:
            raise BadQuestion(
                f"more than {MOST_PRICED:,} model calls would have to be priced; say more, such as since:1d"
            )
        call = CallFacts(
            trace_id="", span_id="", start=start, status=status, name="", kind=kind, attributes=attributes
        )
        pico_usd = price(call)
        return None if pico_usd is None else float(min(pico_usd, MOST_PICO))

    def _version(self) -> int:
        """Of the prices at hand, as far as what is remembered can have it."""
        self._at_hand()
        return -1 if self._price_version is None else self._price_version()

    def _at_hand(self) -> Price:
        if self._price is None:
            raise BadQuestion("no prices are at hand here, so nothing can be asked about cost")
        return self._price

    def _slow_from(self, series: int) -> int | None:
        """From how many nanoseconds on a span of a series is slow; None where none can be."""
        if self._slow is None:
            (last,) = self._connection.execute(_LAST_DAY).fetchone()
            histograms: dict[int, dict[int, int]] = defaultdict(dict)
            for number, bucket, spans in self._connection.execute(_DURATIONS, (last,)).fetchall():
                histograms[number][bucket] = spans
            self._slow = {
                number: least
                for number, histogram in histograms.items()
                if (least := slow_from(histogram)) is not None
            }
        return self._slow.get(series)


@lru_cache(maxsize=256)
def _operand(data: str) -> Pattern | int | float:
    found: Pattern | int | float = msgspec.json.decode(data, type=Pattern | int | float)
    return found


@lru_cache(maxsize=256)
def _lowered(pieces: str) -> tuple[bytes, ...]:
    return tuple(piece.encode().lower() for piece in msgspec.json.decode(pieces, type=list[str]))


def _own_tags(rest: str | None) -> str | None:
    """A span's own tags as a JSON array; None for none."""
    try:
        bound = _decode(rest) if rest else {}
    except msgspec.MsgspecError:
        return None
    own = tags_of(bound.get("tags")) if isinstance(bound, dict) else ()
    return msgspec.json.encode(own).decode() if own else None


def _compares(value: Any, sign: str, operand: Pattern | float) -> bool:
    """Whether the value of an attribute fits; of a list, whether one of its items does."""
    if isinstance(value, list):
        return any(_compares(item, sign, operand) for item in value if not isinstance(item, list))
    if not isinstance(operand, Pattern):
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return _ORDERS[sign](value, operand)
    if not isinstance(value, bool | str) and isinstance(value, int | float) and sign == "=":
        return _is_number(value, operand)
    return _matches(value if isinstance(value, str) else msgspec.json.encode(value).decode(), sign, operand)


def _is_number(value: float, pattern: Pattern) -> bool:
    """Whether a text says a number, in whatever way: 5 is 5.0."""
    try:
        return len(pattern.pieces) == 1 and float(pattern.pieces[0]) == value
    except (ValueError, OverflowError):
        return False


_ORDERS: Final[dict[str, Callable[[float, float], bool]]] = {
    "=": lambda one, other: one == other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
}


def _matches(text: str, sign: str, pattern: Pattern) -> bool:
    """A text against a pattern, as LIKE and GLOB do it for columns."""
    pieces = pattern.pieces
    if sign == "~":
        return _in_order(text.encode().lower(), [piece.encode().lower() for piece in pieces])
    if len(pieces) == 1:
        return text == pieces[0]
    first, *middle, last = pieces
    if len(text) < len(first) + len(last) or not (text.startswith(first) and text.endswith(last)):
        return False
    return _in_order(text[len(first) : len(text) - len(last)].encode(), [piece.encode() for piece in middle])


def _in_order(data: bytes, pieces: Iterable[bytes]) -> bool:
    """Whether a text holds these pieces one behind the other."""
    place = 0
    for piece in pieces:
        place = data.find(piece, place)
        if place < 0:
            return False
        place += len(piece)
    return True
