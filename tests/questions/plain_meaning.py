"""What a question means, in plain Python over records: the measure of what a store answers."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from msgspec import UNSET, Struct

from flightlog.records import genai
from flightlog.records.event import Event
from flightlog.records.kinds import LEVELS
from flightlog.records.question import And, Comparison, Has, Moment, Not, Or, Pattern, Related
from flightlog.records.span import Span
from flightlog.records.traces import Trace

ORDERS = {
    "=": lambda one, other: one == other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
}


def price(call: Any) -> int | None:
    """A price that is easy to compute: a tenth of a cent a token in; unknown without them."""
    tokens = call.attributes.get(genai.INPUT_TOKENS)
    return None if tokens is None else tokens * 10**9


class World(Struct):
    """One trace with all that a question may ask of it."""

    trace: Trace
    spans: Sequence[Span]
    events: Sequence[Event]

    @property
    def root(self) -> Span:
        ids = {span.span_id for span in self.spans}
        return min(
            self.spans,
            key=lambda span: (
                0 if not span.parent_id else 1 if span.parent_id not in ids else 2,
                span.start,
                span.span_id,
            ),
        )

    def ancestors(self, span: Span) -> list[Span]:
        by_id = {one.span_id: one for one in self.spans}
        found: list[Span] = []
        while span.parent_id in by_id and by_id[span.parent_id] not in found:
            span = by_id[span.parent_id]
            found.append(span)
        return found


def fits(question: Any, span: Span, world: World, *, whole: bool = False) -> bool:  # noqa: C901, PLR0912  # one table
    """Whether a question is true of a span, or with `whole` of its trace, whose root the span then is."""
    match question:
        case And(parts):
            return all(fits(part, span, world, whole=whole) for part in parts)
        case Or(parts):
            return any(fits(part, span, world, whole=whole) for part in parts)
        case Not(inner):
            return not fits(inner, span, world, whole=whole)
        case Related("child", inner):
            return any(fits(inner, one, world) for one in world.spans if one.parent_id == span.span_id)
        case Related("ancestor", inner):
            return any(fits(inner, one, world) for one in world.ancestors(span))
        case Related("span", inner):
            return any(fits(inner, one, world) for one in world.spans)
        case Related("trace", inner):
            return fits(inner, world.root, world, whole=True)
        case Has(what):
            return has(what, span, world, whole=whole)
        case Comparison("level", sign, Pattern((word,))):
            return ORDERS[sign](LEVELS[span.level], LEVELS[word])
        case Comparison(field, _, Moment(ns)):
            start = world.trace.start if whole else span.start
            return start >= ns if field == "since" else start < ns
        case Comparison("attr", sign, operand, name):
            return name in span.attributes and attribute_fits(span.attributes[name], sign, operand)
        case Comparison(
            "score" | "note"
        ):  # of nothing in these worlds; test_questions_scores.py has those that are
            return False
        case Comparison("input" | "output" | "message" | "text" as field, "=", pattern) if any_word(pattern):
            return any(holds_words(pattern, text) for text in told(field, span))
        case Comparison("text", _, pattern):
            return any(
                fits(Comparison(one, "~", pattern), span, world) for one in ("input", "output", "error")
            )
        case Comparison("input" | "output" | "message" | "error" as field, _, pattern):
            wanted = pattern if field == "error" else Pattern(tuple(map(in_json, pattern.pieces)))
            return any(is_within(wanted, text) for text in contents(field, span))
        case Comparison("correlation", sign, pattern) if whole:
            return any(fits(question, one, world) for one in world.spans)
        case Comparison(field, sign, Pattern() as pattern):
            return any(text_fits(text, sign, pattern) for text in texts(field, span, world, whole=whole))
        case Comparison(field, sign, number):
            found = numbers(field, span, world, whole=whole)
            return found is not None and ORDERS[sign](found, number)
    raise AssertionError(question)


def has(what: str, span: Span, world: World, *, whole: bool) -> bool:
    mine = [event for event in world.events if whole or event.span_id == span.span_id]
    return {
        "error": world.trace.error_count > 0 if whole else span.status == "error",
        "retry": any(event.name == "retry" for event in mine),
        "event": bool(mine),
        "input": span.input is not UNSET,
        "output": span.output is not UNSET,
        "attributes": bool(span.attributes),
        "parent": bool(span.parent_id),
        "child": len(world.spans) > 1 if whole else any(one.parent_id == span.span_id for one in world.spans),
        "link": bool(span.links),
        "slow": False,
        "score": False,
        "note": False,
        "model": any(texts("model", span, world, whole=whole)),
        "tokens": numbers("tokens", span, world, whole=whole) is not None,
        "session": bool(texts("session", span, world, whole=whole)),
        "user": bool(texts("user", span, world, whole=whole)),
        "tag": bool(texts("tag", span, world, whole=whole)),
    }[what]


def numbers(field: str, span: Span, world: World, *, whole: bool) -> float | None:
    if field == "duration":
        return world.trace.duration_ns if whole else span.duration_ns
    calls = world.spans if whole else [span]
    if field == "cost":
        over = [one for one in calls if one.kind == "llm" and one.status not in ("running", "paused")]
        costs = [cost for one in over if (cost := price(one)) is not None]
        return sum(costs) if costs else None
    wanted = {
        "tokens": (genai.INPUT_TOKENS, genai.OUTPUT_TOKENS),
        "input_tokens": (genai.INPUT_TOKENS,),
        "output_tokens": (genai.OUTPUT_TOKENS,),
    }[field]
    told = [
        one.attributes[name]
        for one in calls
        if one.kind == "llm"
        for name in wanted
        if name in one.attributes
    ]
    return sum(told) if told else None


def texts(field: str, span: Span, world: World, *, whole: bool) -> list[str]:
    context = span.context
    if field in ("session", "user"):
        own = None if whole else context.get(field)
        found = getattr(world.trace, field) if own is None else str(own)
        return [] if found is None else [found]
    if field == "tag":
        return list((not whole and context.get("tags")) or world.trace.tags)
    if field == "model" and whole:
        return [] if world.trace.model is None else [world.trace.model]
    if field == "model":
        names = (span.attributes.get(name) for name in (genai.RESPONSE_MODEL, genai.REQUEST_MODEL))
        return [next((name for name in names if name), "")]
    if field == "provider":
        return [span.attributes.get(genai.PROVIDER, "")]
    if field == "correlation":
        return [context["correlation_id"]] if "correlation_id" in context else []
    return [getattr(span, field)]


def contents(field: str, span: Span) -> list[str]:
    if field == "error":
        return [span.error.type, span.error.message] if span.error else []
    if field == "message":
        return [*contents("input", span), *contents("output", span)] if span.kind == "llm" else []
    value = getattr(span, field)
    return [] if value is UNSET else [json.dumps(value, ensure_ascii=False, separators=(",", ":"))]


def told(field: str, span: Span) -> list[str]:
    """The texts that words are looked for in, with `"` where a string begins and ends, and letters and blanks."""
    if field == "text":
        both = [span.error.type, span.error.message] if span.error else []
        error = ' " '.join(letters(one.replace('"', " ")) for one in both)
        return [*told("input", span), *told("output", span), error]
    return [letters(re.sub(r"\\\\(u....|.)", " ", text)) for text in contents(field, span)]


def letters(text: str) -> str:
    """A text of small letters without accents; every other sign but `"` is a blank."""
    made = []
    for sign in unicodedata.normalize("NFKD", text).casefold():
        if "\u4e00" <= sign <= "\u9fff":
            made.append(f" {sign} ")
        elif not unicodedata.combining(sign):
            made.append(sign if sign.isalnum() or sign == '"' else " ")
    return "".join(made)


def any_word(pattern: Pattern) -> bool:
    return any(letters(piece.replace('"', " ")).strip() for piece in pattern.pieces)


def holds_words(pattern: Pattern, text: str) -> bool:
    """Whether the pieces stand in a text; words are whole but where a `*` touches them."""
    wanted = []
    last = len(pattern.pieces) - 1
    for place, piece in enumerate(letters(one.replace('"', " ")) for one in pattern.pieces):
        if words := piece.split():
            left = "" if place > 0 and piece[0] != " " else r"(?<!\w)"
            right = "" if place < last and piece[-1] != " " else r"(?!\w)"
            wanted.append(left + " +".join(words) + right)
    return re.search(".*?".join(wanted), text, re.DOTALL) is not None


def in_json(piece: str) -> str:
    """A piece of a text as it stands within JSON."""
    return json.dumps(piece, ensure_ascii=False)[1:-1]


def pattern_of(pattern: Pattern) -> str:
    return ".*".join(map(re.escape, pattern.pieces))


def is_within(pattern: Pattern, text: str) -> bool:
    return re.search(pattern_of(pattern), text, re.ASCII | re.IGNORECASE | re.DOTALL) is not None


def text_fits(text: str, sign: str, pattern: Pattern) -> bool:
    if sign == "~":
        return is_within(pattern, text)
    return re.fullmatch(pattern_of(pattern), text, re.DOTALL) is not None


def attribute_fits(value: Any, sign: str, operand: Any) -> bool:
    if isinstance(value, list):
        return any(attribute_fits(item, sign, operand) for item in value)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not isinstance(operand, Pattern):
        return is_number and ORDERS[sign](value, operand)
    if is_number and sign == "=":
        return operand.pieces == (str(value),)
    return text_fits(value if isinstance(value, str) else json.dumps(value), sign, operand)
