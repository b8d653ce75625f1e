"""A question as SQL: true or false of one span, never unknown. Every value is bound, never pasted.

A condition names the tables as `FROM_SPAN` does: s the span, n its series, m its true names where the series is
folded, t its trace. Within `trace(…)` s is the trace's root, and what a trace has of its own comes from t. What a
condition needs of other spans, or what SQL cannot see (packed values, prices), is asked of the functions that
`askedfunctions.py` defines on each connection that reads; those take the question within as data, so no SQL is ever
made of what somebody typed.
"""

# ruff: noqa: S608 - every statement here is put together from constants; values are bound
from __future__ import annotations

import time
from collections.abc import Iterable
from functools import lru_cache
from itertools import chain
from typing import Final

import msgspec

from flightlog.records import genai
from flightlog.records.errors import BadQuestion
from flightlog.records.kinds import LEVELS
from flightlog.records.question import (
    And,
    Comparison,
    Has,
    Moment,
    Not,
    Or,
    Pattern,
    Question,
    Related,
)
from flightlog.store.sqlite import judging, layout
from flightlog.store.sqlite.matching import Clause, like, matching
from flightlog.store.words import pieces_of

FROM_SPAN: Final = """
FROM spans s CROSS JOIN traces t ON t.id = s.trace CROSS JOIN series n ON n.id = s.series
  LEFT JOIN span_more m ON m.span = s.id
"""
FROM_TRACE: Final = """
FROM traces t CROSS JOIN spans s ON s.id = t.root CROSS JOIN series n ON n.id = s.series
  LEFT JOIN span_more m ON m.span = s.id
"""
NAMES: Final = {
    "name": "coalesce(m.name, n.name)",
    "kind": "coalesce(m.kind, n.kind)",
    "model": "coalesce(m.model, n.model)",
    "service": "coalesce(m.service, n.service)",
    "environment": "coalesce(m.environment, n.environment)",
    "project": "t.project",
    "status": "s.status",
}
"""Texts that lie in a row."""

_CHARGED: Final = ", ".join(f"'{kind}'" for kind in genai.CHARGED_KINDS)
_ATTRIBUTES: Final = f"s.id, s.attributes, s.more & {layout.ATTRIBUTES}"
_CONTEXT: Final = "(SELECT CAST(c.{0} AS TEXT) FROM span_context c WHERE c.span = {1})"
_INHERITED: Final = (
    "(SELECT CAST(c.{0} AS TEXT) FROM trace_context b JOIN span_context c ON c.span = b.{0}_span"
    " WHERE b.trace = t.id)"
)
_COST: Final = f"""CASE WHEN s.status NOT IN ('running', 'paused') AND coalesce(m.kind, n.kind) IN ({_CHARGED})
  THEN CASE (SELECT k.price_version FROM priced_calls k WHERE k.trace = s.trace AND k.span = s.id)
    WHEN asked_prices()
    THEN (SELECT CAST(k.cost_pico_usd AS REAL) FROM priced_calls k WHERE k.trace = s.trace AND k.span = s.id)
    ELSE asked_cost(coalesce(m.kind, n.kind), s.start, s.status, {_ATTRIBUTES}) END END"""
COST: Final = _COST
"""What a model call cost, in trillionths of a US dollar; NULL for unknown, and for what is no call that is over."""
_TRACE_COST: Final = f"""CASE WHEN EXISTS (SELECT 1 FROM unpriced_calls q WHERE q.trace = t.id)
    OR EXISTS (SELECT 1 FROM priced_calls k WHERE k.trace = t.id AND k.price_version <> asked_prices())
  THEN (SELECT sum({_COST}) FROM spans s CROSS JOIN series n ON n.id = s.series
    LEFT JOIN span_more m ON m.span = s.id WHERE s.trace = t.id)
  ELSE (SELECT sum(CAST(k.cost_pico_usd AS REAL)) FROM priced_calls k WHERE k.trace = t.id) END"""
_TOKENS: Final = "(SELECT {0} FROM span_usage u WHERE u.span = s.id)"
_BOTH: Final = """CASE WHEN u.input_tokens IS NOT NULL OR u.output_tokens IS NOT NULL
  THEN coalesce(u.input_tokens, 0) + coalesce(u.output_tokens, 0) END"""
_NUMBERS: Final = {
    "duration": 's."end" - s.start',
    "tokens": _TOKENS.format(_BOTH),
    "input_tokens": _TOKENS.format("u.input_tokens"),
    "output_tokens": _TOKENS.format("u.output_tokens"),
    "cost": _COST,
}
_NUMBERS_OF_TRACE: Final = {
    "duration": 't."end" - t.start',
    "tokens": "CASE WHEN t.input_known OR t.output_known THEN t.input_tokens + t.output_tokens END",
    "input_tokens": "CASE WHEN t.input_known THEN t.input_tokens END",
    "output_tokens": "CASE WHEN t.output_known THEN t.output_tokens END",
    "cost": _TRACE_COST,
}
TRACE_COST: Final = _TRACE_COST
TRACE_NUMBERS: Final = _NUMBERS_OF_TRACE
"""What a trace comes to; NULL for unknown."""
_MODEL_OF_TRACE: Final = """(SELECT coalesce(b.model, a.model) FROM spans c JOIN series a ON a.id = c.series
  LEFT JOIN span_more b ON b.span = c.id WHERE c.id = t.model_span)"""
_RANKS: Final = " ".join(f"WHEN '{name}' THEN {rank}" for name, rank in LEVELS.items())
_RANK: Final = f"CASE s.level {_RANKS} END"
_ORDERED: Final = {"=": "=", ">": ">", ">=": ">=", "<": "<", "<=": "<="}
_TRUE: Final = And(())

_IN: Final = layout.INPUT
_OUT: Final = layout.OUTPUT
_FITS: Final = {
    "input": f"s.input IS NOT NULL OR s.more & {_IN}",
    "output": f"s.output IS NOT NULL OR s.more & {_OUT}",
    "attributes": f"s.attributes IS NOT NULL OR s.more & {layout.ATTRIBUTES}",
    "parent": "s.parent_id IS NOT NULL",
    "link": f"s.more & {layout.LINKS}",
    "slow": """s."end" - s.start >= asked_slow_from(s.series)""",
    "error": "s.status = 'error'",
    "retry": "asked_noted(t.id, s.span_id, 'retry')",
    "event": "asked_noted(t.id, s.span_id, NULL)",
    "score": judging.HAS_SCORE,
    "note": judging.HAS_NOTE,
}
_FITS_TRACE: Final = {
    "error": "t.errors > 0",
    "retry": "t.retries > 0",
    "event": "EXISTS (SELECT 1 FROM events e WHERE e.trace = t.id)",
    "child": "t.spans > 1",
}


EVERY_SPAN: Final = Clause("true")
"""The condition that every span fits."""


def clause(question: Question, *, of_trace: bool = False) -> Clause:
    """The condition that a question is.

    Args:
        question: in which every time is absolute (`timed`), unless now is meant.
        of_trace: it is about the trace as a whole.

    Raises:
        BadQuestion: it names a field that this store does not know.
    """
    match question:
        case And(parts):
            return _joined(parts, "AND", "true", of_trace=of_trace)
        case Or(parts):
            return _joined(parts, "OR", "false", of_trace=of_trace)
        case Not(inner):
            sql, values = clause(inner, of_trace=of_trace)
            return Clause(f"NOT {sql}", values)
        case Related(how, inner):
            return Clause("asked_related(?, ?, t.id, s.span_id)", (how, _encoded(inner)))
        case Has(what):
            return _has(what, of_trace=of_trace)
        case Comparison():
            sql, values = _comparison(question, of_trace=of_trace)
            return Clause(f"ifnull(({sql}), 0)", values)


def timed(question: Question, now_ns: int | None = None) -> Question:
    """The same question with every time as it is now, so that page after page means the same."""
    now = time.time_ns() if now_ns is None else now_ns
    match question:
        case And(parts):
            return And(tuple(timed(part, now) for part in parts))
        case Or(parts):
            return Or(tuple(timed(part, now) for part in parts))
        case Not(inner):
            return Not(timed(inner, now))
        case Related(how, inner):
            return Related(how, timed(inner, now))
        case Comparison(field, sign, Moment(ns, is_ago=True), name):
            return Comparison(field, sign, Moment(now - ns), name)
        case _:
            return question


def started_from(question: Question) -> int | None:
    """A time before which no span that fits has started; None where the question sets none."""
    match question:
        case And(parts):
            times = [found for part in parts if (found := started_from(part)) is not None]
            return max(times, default=None)
        case Comparison("since", _, Moment(ns)):
            return ns
        case _:
            return None


@lru_cache(maxsize=256)
def decoded(data: str) -> Question:
    """A question that `clause` bound as data."""
    question: Question = msgspec.json.decode(data, type=Question)
    return question


def _encoded(question: Question) -> str:
    return msgspec.json.encode(question).decode()


def _joined(parts: Iterable[Question], word: str, empty: str, *, of_trace: bool) -> Clause:
    clauses = [clause(part, of_trace=of_trace) for part in parts]
    if not clauses:
        return Clause(empty)
    sql = f" {word} ".join(part.sql for part in clauses)
    return Clause(f"({sql})", tuple(value for part in clauses for value in part.values))


def _has(what: str, *, of_trace: bool) -> Clause:
    if of_trace and what in _FITS_TRACE:
        return Clause(f"({_FITS_TRACE[what]})")
    if what == "child":
        return Clause("asked_related(?, ?, t.id, s.span_id)", ("child", _encoded(_TRUE)))
    if what in ("session", "user"):
        return Clause(f"({_bound(what, of_trace=of_trace)} IS NOT NULL)")
    if what == "tag":
        return Clause(f"EXISTS ({_tags(of_trace=of_trace)})")
    if what == "model":
        return Clause(f"(ifnull({_text('model', of_trace=of_trace)}, '') <> '')")
    if what == "tokens":
        numbers = _NUMBERS_OF_TRACE if of_trace else _NUMBERS
        return Clause(f"({numbers['tokens']} IS NOT NULL)")
    if what not in _FITS:
        raise BadQuestion(f"this store cannot say what has {what!r}")
    return Clause(f"ifnull(({_FITS[what]}) <> 0, 0)")


def _comparison(asked: Comparison, *, of_trace: bool) -> Clause:
    field, sign, value = asked.field, asked.sign, asked.value
    if isinstance(value, Moment):
        start = "t.start" if of_trace else "s.start"
        ns = value.ns if not value.is_ago else time.time_ns() - value.ns
        return Clause(f"{start} {'>=' if field == 'since' else '<'} ?", (_storable(ns),))
    if field == "attr":
        return Clause(f"asked_attribute(?, ?, ?, {_ATTRIBUTES})", (asked.name, sign, _operand(value)))
    if field in ("score", "note"):
        return judging.judged(field, asked.name, sign, value)
    if not isinstance(value, Pattern):
        number = (_NUMBERS_OF_TRACE if of_trace else _NUMBERS).get(field)
        if number is None or sign not in _ORDERED:
            raise BadQuestion(f"no field {field!r} is compared with a number")
        return Clause(f"({number}) {_ORDERED[sign]} ?", (value,))
    if field == "level":
        return Clause(f"{_RANK} {_ORDERED[sign]} ?", (LEVELS["".join(value.pieces)],))
    if field in ("input", "output", "message", "text", "error"):
        return worded(field, value) if sign == "=" and pieces_of(value) else content(field, value)
    if field == "tag":
        sql, values = matching("g.tag", sign, value)
        return Clause(f"EXISTS (SELECT 1 FROM ({_tags(of_trace=of_trace)}) g WHERE {sql})", values)
    if field == "correlation" and of_trace:
        inner = _encoded(asked)
        return Clause("asked_related(?, ?, t.id, s.span_id)", ("span", inner))
    return matching(_text(field, of_trace=of_trace), sign, value)


def worded(field: str, pattern: Pattern) -> Clause:
    """Words within values: what an index of texts says may hold them is looked at."""
    sql, values = "asked_words(?, ?, s.id, s.more, s.input, s.output)", (field, _operand(pattern))
    given, answered = _FITS["input"], _FITS["output"]
    if field == "message":
        return Clause(f"CASE WHEN {NAMES['kind']} = 'llm' AND ({given} OR {answered}) THEN {sql} END", values)
    failed = f"s.more & {layout.ERROR}"
    there = {"input": given, "output": answered, "error": failed}.get(
        field, f"{given} OR {answered} OR {failed}"
    )
    return Clause(f"CASE WHEN {there} THEN {sql} END", values)


def content(field: str, pattern: Pattern) -> Clause:
    """Where a part of a text is looked for within values: in their JSON, span by span, which costs what they are large.

    No index helps with a part of a word; of words `worded` has one.
    """
    if field == "text":
        sql, values = zip(*(content(one, pattern) for one in ("input", "output", "error")), strict=True)
        return Clause(" OR ".join(f"ifnull(({one}), 0)" for one in sql), tuple(chain.from_iterable(values)))
    if field == "error":
        kind, kind_values = matching("e.type", "~", pattern)
        message, message_values = matching("e.message", "~", pattern)
        inner = f"{kind} OR ifnull({message}, asked_text(e.span, {layout.MESSAGE}, ?))"
        values = (*kind_values, *message_values, pieces(pattern))
        return Clause(f"EXISTS (SELECT 1 FROM span_errors e WHERE e.span = s.id AND ({inner}))", values)
    if field == "message":
        given, answered = content("input", pattern), content("output", pattern)
        sql = f"{NAMES['kind']} = 'llm' AND (ifnull({given.sql}, 0) OR ifnull({answered.sql}, 0))"
        return Clause(sql, given.values + answered.values)
    bit = _IN if field == "input" else _OUT
    wanted = Pattern(tuple(map(_in_json, pattern.pieces)))
    sql = f"CASE WHEN s.more & {bit} THEN asked_text(s.id, {bit}, ?) ELSE s.{field} LIKE ? ESCAPE '\\' END"
    return Clause(sql, (pieces(wanted), like(wanted)))


def pieces(pattern: Pattern) -> str:
    """The pieces of a pattern as `asked_text` takes them."""
    return msgspec.json.encode(pattern.pieces).decode()


def own_or_inherited(name: str) -> str:
    """The column of a span's session or user, else that of its trace."""
    return _bound(name, of_trace=False)


def tags_of_span() -> str:
    """The statement that answers the tags of a span, else those of its trace."""
    return _tags(of_trace=False)


def _text(field: str, *, of_trace: bool) -> str:
    if field == "model" and of_trace:
        return _MODEL_OF_TRACE
    if field in NAMES:
        return NAMES[field]
    if field == "provider":
        return f"iif(m.name IS NULL, n.provider, asked_provider({_ATTRIBUTES}))"
    if field in ("session", "user"):
        return _bound(field, of_trace=of_trace)
    if field == "correlation":
        return _CONTEXT.format("correlation_id", "s.id")
    raise BadQuestion(f"this store knows no field {field!r}")


def _bound(name: str, *, of_trace: bool) -> str:
    """A session or a user: that of the span, else that of its trace."""
    own = "" if of_trace else f"{_CONTEXT.format(name, 's.id')}, "
    return f"coalesce({own}{_CONTEXT.format(name, 't.root')}, {_INHERITED.format(name)})"


def _tags(*, of_trace: bool) -> str:
    """The tags of a span, else those of its trace."""
    of_its_trace = "SELECT tag FROM trace_tags WHERE trace = t.id"
    if of_trace:
        return of_its_trace
    own = f"(SELECT asked_tags(c.rest) FROM span_context c WHERE s.more & {layout.CONTEXT} AND c.span = s.id)"
    return f"SELECT value AS tag FROM json_each({own}) UNION ALL {of_its_trace} AND {own} IS NULL"


def _in_json(piece: str) -> str:
    """A piece of a text as it stands within JSON."""
    return msgspec.json.encode(piece).decode()[1:-1]


def _operand(value: Pattern | float) -> str:
    return msgspec.json.encode(value).decode()


def _storable(ns: int) -> int:
    return max(-(2**63), min(ns, 2**63 - 1))
