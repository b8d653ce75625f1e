"""A search: the newest steps and events in which words stand, each with the passages where.

The index says which spans may hold the words; where it cannot (there is none, or they are everywhere) the newest spans
are gone through, as long as somebody waits. What is found is looked at, so nothing is told that is not there any more.
"""

# ruff: noqa: S608 - every statement here is put together from constants; values are bound
from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from msgspec import UNSET, structs

from flightlog.records.event import Event
from flightlog.records.question import And, Comparison, Or, Pattern, Question
from flightlog.records.span import Span
from flightlog.store.passages import Passages
from flightlog.store.sqlite.asked import EVERY_SPAN, FROM_SPAN, clause, timed
from flightlog.store.sqlite.facts import LLM
from flightlog.store.sqlite.matching import Clause
from flightlog.store.sqlite.restore import read_events, read_spans
from flightlog.store.sqlite.statements import as_array
from flightlog.store.sqlite.textnotes import indexed_event
from flightlog.store.sqlite.textsought import Sought
from flightlog.store.textport import Found, Hit, Passage, Search
from flightlog.store.words import expression, holds, pieces_of

SECONDS: Final = 3.0
"""How long spans are gone through without an index."""

MOST_ALIKE: Final = 20
"""Steps that are looked at for each that is told: a conversation repeats what was said before."""

MOST_CANDIDATES: Final = 10_000
"""Spans that the index is asked for; words that are in more are met soon among the newest."""

MOST_SORTED: Final = 1000
SMALL: Final = 1_000_000
"""So many candidates are put in the order of their starts, all of them in a store of no more spans than this: in a
large one each is a page of the disk. Otherwise those that came into the store last are met first."""

_PAGE: Final = 24
_MOST_EVENTS: Final = 2000
_LAST: Final = "SELECT coalesce(max(id), 0) FROM spans"
_FITTING: Final = f"SELECT s.id {FROM_SPAN} WHERE s.id IN (SELECT value FROM json_each(?)) AND "
_BY_START: Final = (
    "SELECT id FROM spans WHERE id IN (SELECT value FROM json_each(?)) ORDER BY start DESC, id DESC"
)
_NEWEST: Final = f"SELECT s.id {FROM_SPAN} WHERE s.id BETWEEN ? AND ? AND "
_THESE: Final = "WHERE s.id IN (SELECT value FROM json_each(?)) ORDER BY s.id DESC"
_THESE_EVENTS: Final = "WHERE e.id IN (SELECT value FROM json_each(?)) ORDER BY e.id DESC"
_LAST_EVENTS: Final = "SELECT id FROM events ORDER BY id DESC LIMIT ?"
_ON_SPANS: Final = """SELECT e.id FROM json_each(?) j CROSS JOIN events e ON e.id = j.value
  CROSS JOIN traces t ON t.id = e.trace CROSS JOIN spans s ON s.trace = t.id AND s.span_id = e.span_id
  CROSS JOIN series n ON n.id = s.series LEFT JOIN span_more m ON m.span = s.id WHERE """


def search(
    connection: sqlite3.Connection, sought: Sought, asked: Search, limit: int, question: Question | None
) -> Found:
    """The newest steps and events in which all of the words stand; of spans those that fit a question."""
    question = None if question is None else timed(question)
    found = _Found(limit + 1, asked)
    looked_at, is_whole, is_indexed = 0, True, sought.behind(connection) is not None
    fields = [field for field in ("input", "output", "error") if field in asked.where]
    if fields:
        words = And(tuple(_in_fields(pattern, fields) for pattern in asked.words))
        condition = clause(words if question is None else And((words, question)))
        candidates = _candidates(connection, sought, asked.words, fields)
        if candidates is None:
            looked_at, is_whole = _through(connection, condition, found)
        else:
            is_whole = _among(connection, candidates, condition, found)
    if "event" in asked.where:
        condition = EVERY_SPAN if question is None else clause(question)
        for event in _events(connection, sought, asked, None if question is None else condition):
            found.add_event(event, tuple(found.passages.of(_told(event), "event")))
    hits = found.newest()
    return Found(hits[:limit], not is_whole or len(hits) > limit, is_indexed, 0 if is_indexed else looked_at)


class _Found:
    """What was found so far; model calls that repeat what one before them said are counted with it."""

    def __init__(self, wanted: int, asked: Search) -> None:
        self.passages = Passages(asked.words)
        self._wanted = wanted
        self._where = asked.where
        self._spans: dict[tuple[Any, ...], list[Span]] = {}
        self._passages: dict[tuple[Any, ...], tuple[Passage, ...]] = {}
        self._events: list[Hit] = []
        self._seen = 0

    @property
    def is_enough(self) -> bool:
        """Whether nobody needs to look further."""
        return len(self._spans) >= self._wanted or self._seen >= self._wanted * MOST_ALIKE

    def add(self, span: Span) -> None:
        """Add a step."""
        self._seen += 1
        found = tuple(self._passages_of(span))
        key: tuple[Any, ...] = (span.trace_id, span.span_id)
        if span.kind == LLM and found:  # a request says again what was said before
            key = (span.trace_id, *((one.where, one.text) for one in found))
        self._spans.setdefault(key, []).append(structs.replace(span, input=UNSET, output=UNSET))
        self._passages[key] = found

    def _passages_of(self, span: Span) -> Iterator[Passage]:
        if "input" in self._where and span.input is not UNSET:
            yield from self.passages.of(span.input, "input")
        if "output" in self._where and span.output is not UNSET:
            yield from self.passages.of(span.output, "output")
        if "error" in self._where and span.error is not None:
            yield from self.passages.of([f"{span.error.type}: {span.error.message}"], "error")

    def add_event(self, event: Event, found: tuple[Passage, ...]) -> None:
        """Add an event."""
        self._events.append(Hit(None, event, found))

    def newest(self) -> list[Hit]:
        """Everything, newest first; of steps that say the same the first."""
        hits = [
            Hit(min(spans, key=lambda span: span.start), None, self._passages[key], len(spans) - 1)
            for key, spans in self._spans.items()
        ]
        return sorted([*hits, *self._events], key=_time, reverse=True)


def _time(hit: Hit) -> int:
    if hit.span is not None:
        return hit.span.start
    assert hit.event is not None
    return hit.event.time


def _in_fields(pattern: Pattern, fields: Sequence[str]) -> Question:
    parts = tuple(Comparison(field, "=", pattern) for field in fields)
    return parts[0] if len(parts) == 1 else Or(parts)


def _candidates(
    connection: sqlite3.Connection, sought: Sought, words: Sequence[Pattern], fields: Sequence[str]
) -> list[int] | None:
    """The spans that may hold all of the words, newest first; None where any may."""
    together: frozenset[int] | None = None
    for pattern in words:
        sets = [sought.candidates(connection, field, pattern, MOST_CANDIDATES) for field in fields]
        known = [one for one in sets if one is not None]
        if len(known) == len(sets):
            either = frozenset[int]().union(*known)
            together = either if together is None else together & either
    if together is None:
        return None
    if len(together) > MOST_SORTED and connection.execute(_LAST).fetchone()[0] > SMALL:
        return sorted(together, reverse=True)
    return [number for (number,) in connection.execute(_BY_START, (as_array(together),))]


def _among(connection: sqlite3.Connection, candidates: list[int], condition: Clause, found: _Found) -> bool:
    """Look at candidates, newest first, until there is enough; whether all were looked at."""
    for place in range(0, len(candidates), _PAGE):
        if found.is_enough:
            return False
        ids = as_array(candidates[place : place + _PAGE])
        rows = connection.execute(_FITTING + condition.sql, (ids, *condition.values)).fetchall()
        _take(connection, [number for (number,) in rows], found)
    return True


def _through(connection: sqlite3.Connection, condition: Clause, found: _Found) -> tuple[int, bool]:
    """Go through the newest spans, as long as there is time; how many, and whether that were all."""
    deadline = time.monotonic() + SECONDS
    (last,) = connection.execute(_LAST).fetchone()
    high = last
    while high > 0:
        if found.is_enough or time.monotonic() >= deadline:
            return last - high, False
        low = max(1, high - _PAGE + 1)
        rows = connection.execute(_NEWEST + condition.sql, (low, high, *condition.values)).fetchall()
        _take(connection, [number for (number,) in rows], found)
        high = low - 1
    return last, True


def _take(connection: sqlite3.Connection, ids: list[int], found: _Found) -> None:
    for span in read_spans(connection, _THESE, (as_array(ids),)) if ids else ():
        found.add(span)


def _events(
    connection: sqlite3.Connection, sought: Sought, asked: Search, condition: Clause | None
) -> Iterable[Event]:
    """The newest events with all of the words; of spans that fit a condition, where there is one."""
    pieces = [pieces_of(pattern) for pattern in asked.words]
    narrowing = [one for one in map(expression, pieces) if one is not None]
    ids = sought.events(connection, " AND ".join(narrowing), _MOST_EVENTS) if narrowing else None
    if ids is None:
        ids = [number for (number,) in connection.execute(_LAST_EVENTS, (_MOST_EVENTS,))]
    if condition is not None:
        rows = connection.execute(_ON_SPANS + condition.sql, (as_array(ids), *condition.values))
        ids = [number for (number,) in rows.fetchall()]
    for event in read_events(connection, _THESE_EVENTS, (as_array(ids),)):
        text = indexed_event(event.name, event.body)
        if all(holds(text, one) for one in pieces):
            yield event


def _told(event: Event) -> list[str]:
    return [f"{event.name}: {event.body}" if event.body else event.name]
