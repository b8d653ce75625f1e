"""What the two sides of a comparison mean: one trace each, or a set of traces each.

A side is a set when it is a time (`yesterday`, `2h`, `2026-11-20`, `2026-11-19..2026-11-20`), a question
(`name:checkout since:2h`), or a file with several traces; anything else names one trace, as other commands have it, or
is `@previous`. A file with one trace is whatever the other side is.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from statistics import fmean
from typing import Final

from msgspec import Struct

from flightlog.analysis.sets import MOST_SPANS, Side
from flightlog.cli import money as purse
from flightlog.cli.doors import Doors, in_file
from flightlog.cli.moments import duration_ns
from flightlog.cli.naming import find
from flightlog.cli.opening import say
from flightlog.pricing.book import PriceBook
from flightlog.questions.parsing import parse
from flightlog.questions.units import DAYS
from flightlog.records.errors import BadQuestion, UnknownId
from flightlog.records.traces import EVERY_TRACE, Selection, Trace
from flightlog.store.port import Reader

PREVIOUS: Final = "@previous"
"""The newest trace of the same name that began before the other side."""
MOST_TRACES: Final = 5_000
"""Traces of one side: the newest."""
_BLOCK: Final = 500
"""Traces whose costs are asked for at once."""

_NAMES_ONE: Final = re.compile(r"@.*|[0-9a-fA-F]{4,32}")
_WORD: Final = re.compile(r"[\w.-]*")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9:.]+(?:Z|[+-][0-9:]+)?)?")


class Set(Struct, frozen=True):
    """Traces that are meant together."""

    text: str
    """As it was asked for."""
    selection: Selection
    until: int | None = None
    """Unix nanoseconds: only what began before."""
    file: str = ""
    """The file that they are in; empty for the home."""


def sets(door: Doors, before: str, after: str) -> tuple[Set, Set] | None:
    """The sets that two sides mean; None where they mean one trace each.

    Raises:
        UnreadableQuestion: one is a question that cannot be read.
        BadQuestion: one is a set, and the other cannot be.
        BadDocument: one is a file that cannot be read.
    """
    one, two = _in_file(door, before), _in_file(door, after)
    mine, theirs = (_is_several(door, one) or chosen(before), _is_several(door, two) or chosen(after))
    if mine is None and theirs is None:
        return None
    mine, theirs = mine or one, theirs or two
    if mine is None or theirs is None:
        raise BadQuestion("one side is a trace, the other a set of traces; give two traces or two sets")
    return mine, theirs


def _in_file(door: Doors, text: str) -> Set | None:
    """The traces of a file that is named without one of them."""
    named = in_file(text)
    if named is None or named.ref:
        return None
    door.file(named.path)  # to say at once that it cannot be read
    return Set(text, EVERY_TRACE, file=named.path)


def _is_several(door: Doors, side: Set | None) -> Set | None:
    return side if side is not None and len(door.file(side.file).traces(2)) > 1 else None


def chosen(text: str) -> Set | None:
    """The set that a side means; None for one trace.

    Raises:
        UnreadableQuestion: it is a question that cannot be read.
    """
    asked = text.strip()
    if _NAMES_ONE.fullmatch(asked) or in_file(text) is not None:
        return None
    period = _period(asked)
    if period is not None:
        return Set(asked, Selection(since=period[0]), period[1])
    if _WORD.fullmatch(asked):
        return None
    return Set(asked, Selection(question=parse(asked)))


def _period(text: str) -> tuple[int, int | None] | None:
    """From when until when, in Unix nanoseconds."""
    if text in DAYS:
        begin = _midnight(datetime.now().astimezone()) - timedelta(days=DAYS[text])
        return _ns(begin), _ns(_midnight(begin + timedelta(hours=36)))
    ago = duration_ns(text)
    if ago is not None:
        return time.time_ns() - ago, None
    first, dots, last = text.partition("..")
    if not _DATE.fullmatch(first) or (dots and not _DATE.fullmatch(last)):
        return None
    try:
        return _ns(_parsed(first)), _end_of(last or first)
    except (ValueError, OverflowError, OSError):
        raise BadQuestion(
            f"{text!r} is no time; say yesterday, 2h, 2026-11-20 or 2026-11-19..2026-11-20"
        ) from None


def _end_of(text: str) -> int:
    """The end of a day that is named, or the moment."""
    moment = _parsed(text)
    return _ns(_midnight(moment + timedelta(hours=36)) if len(text) == len("2026-11-20") else moment)


def _parsed(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone()


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None).astimezone()


def _ns(moment: datetime) -> int:
    return round(moment.timestamp() * 1e6) * 1000


Found = tuple[Reader, str]
"""The id of a trace, and who has it."""


def two(door: Doors, before: str, after: str) -> tuple[Found, Found]:
    """Two traces; `@previous` is told from the other side.

    Raises:
        UnknownId: one of them is not in the store, or nothing is before the other.
        BadQuestion: it is no name of a trace, or there is none.
        BadDocument: it names a file that cannot be read.
    """
    if before == after == PREVIOUS:
        raise BadQuestion(f"{PREVIOUS} is told from the other side; name that, or say @latest")
    if before == PREVIOUS:
        second = door.trace(after)
        return _previous(door.home(), *second), second
    first = door.trace(before)
    return first, _previous(door.home(), *first) if after == PREVIOUS else door.trace(after)


def one(door: Doors, ref: str) -> Found:
    """One trace, where `@previous` is told from the newest.

    Raises:
        UnknownId: it is not in the store.
        BadQuestion: it is no name of a trace, or there is none.
        BadDocument: it names a file that cannot be read.
    """
    if ref != PREVIOUS:
        return door.trace(ref)
    reader = door.home()
    return _previous(reader, reader, find(reader, "@latest"))


def _previous(reader: Reader, other: Reader, trace_id: str) -> Found:
    """The newest trace of a home that is older than one, which need not be in it, and has its name."""
    row = other.trace(trace_id)
    if row is None:
        raise UnknownId(trace_id)
    older = reader.each_trace(Selection(name=_literally(row.name), project=row.project))
    for trace in older:
        if trace.name == row.name and (trace.start, trace.trace_id) < (row.start, row.trace_id):
            return reader, trace.trace_id
    raise BadQuestion(f"no trace named {row.name!r} is older than {trace_id}")


def scores(one: Found, two: Found) -> dict[str, tuple[float | None, float | None]]:
    """What two traces and their steps were judged, by the name of the score: the means of what each judge said last."""
    before, after = _judged(*one), _judged(*two)
    return {name: (before.get(name), after.get(name)) for name in sorted({*before, *after})}


def _judged(reader: Reader, trace_id: str) -> dict[str, float]:
    last = {
        (said.name, said.span_id, said.by): float(said.value)
        for said in reader.annotations(trace_id)
        if said.value is not None
    }
    by_name: dict[str, list[float]] = {}
    for (name, _, _), value in last.items():
        by_name.setdefault(name, []).append(value)
    return {name: fmean(values) for name, values in by_name.items()}


def _literally(name: str) -> str:
    """A name as a selection takes it; one that it would take for a pattern is looked for among all."""
    return "" if set(name) & set("*?[") else name


def gathered(reader: Reader, asked: Set, book: PriceBook | None) -> Side:
    """What the traces of a set come to.

    Raises:
        BadQuestion: there are none.
    """
    side = Side()
    taken: set[str] = set()
    spans = 0
    traces = _traces(reader, asked)
    while block := list(islice(traces, min(_BLOCK, MOST_TRACES - side.traces))):
        costs = purse.by_trace(reader, book, block) if book else {}
        for row in block:
            cost = costs.get((row.trace_id, row.project))
            side.add(row, cost.known_pico_usd if cost and cost.calls else None)
            taken.add(row.trace_id)
            if spans < MOST_SPANS:
                found = reader.spans(row.trace_id, payloads=False)
                spans += len(found)
                side.add_steps(found)
    if not side.traces:
        raise BadQuestion(f"no trace is meant by {asked.text!r}")
    for one in reader.judgements(asked.selection):
        if one.value is not None and one.trace_id in taken:
            side.add_score(one.name, one.trace_id, float(one.value))
    if next(traces, None) is not None:
        say(f"of {asked.text!r} only the newest {side.traces:,} traces are compared")
    if spans >= MOST_SPANS:
        say(f"of {asked.text!r} the steps of the newest {MOST_SPANS:,} spans are compared")
    return side


def _traces(reader: Reader, asked: Set) -> Iterator[Trace]:
    for trace in reader.each_trace(asked.selection):
        if asked.until is None or trace.start < asked.until:
            yield trace
