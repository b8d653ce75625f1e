"""Random questions, and random stores to ask them of; each from a `random.Random`, so that a seed names a case."""

from __future__ import annotations

from random import Random
from typing import Any

from contracts.store_lines import MS, START, encode, span_id, trace_id
from flightlog.questions.fields import FIELDS
from flightlog.records.kinds import LEVELS
from flightlog.records.question import And, Comparison, Has, Moment, Not, Or, Pattern, Question, Related

WORDS = ["alpha", "Beta", "al*ph", "a%b_c", "ba[r]?", "né 名"]
"""Few, so that questions and records meet; with every sign that a pattern could take for its own."""

PIECES = [*WORDS, "", "", "a", "b", "*", "%", "_", "?", "[", "\\", '"', "'"]
NAMES = ["plain", "http.route", 'a "quoted" one', "名", "x*"]
ORDERS = ["=", ">", ">=", "<", "<="]
COUNTS = [0, 1, 5, 10, 100]


def pattern(chance: Random) -> Pattern:
    """A word, a part of one, or pieces of several; no empty piece stands between two others."""
    pieces = [chance.choice(PIECES) for _ in range(chance.choice([1, 1, 2, 2, 3]))]
    return Pattern(
        tuple(piece for place, piece in enumerate(pieces) if piece or place in (0, len(pieces) - 1))
    )


def comparison(chance: Random) -> Question:
    """One condition on any field."""
    field = chance.choice([*FIELDS, "attr", "has", "input", "output", "text", "error"])
    order, count = chance.choice(ORDERS), chance.choice(COUNTS)
    nature = FIELDS[field].nature
    if field == "has":
        return Has(chance.choice(FIELDS["has"].values))
    if nature in ("word", "rank"):
        word = chance.choice(FIELDS[field].values)
        return Comparison(field, order if nature == "rank" else "=", Pattern((word,)))
    if nature == "time":
        return Comparison(field, "=", Moment(START + count * MS))
    if nature in ("duration", "money", "count"):
        return Comparison(field, order, count * {"duration": MS, "money": 10**9, "count": 1}[nature])
    name = chance.choice(NAMES) if field in ("attr", "score") else ""
    if field in ("attr", "score") and order != "=" and chance.random() < 0.5:
        return Comparison(field, order, count, name)
    if field == "kind" and chance.random() < 0.7:
        return Comparison(field, "=", Pattern((chance.choice(["llm", "tool"]),)))
    sign = "~" if nature == "content" else chance.choice(["=", "=", "~"])
    return Comparison(field, sign, pattern(chance), name)


def question(chance: Random, depth: int = 3) -> Question:
    """Any question, as the parser makes them: nothing of one kind directly within itself."""
    shape = chance.choice(["one", "one", "not", "related", "and", "or"]) if depth else "one"
    if shape == "one":
        return comparison(chance)
    if shape == "not":
        return Not(question(chance, depth - 1))
    if shape == "related":
        how = chance.choice(["child", "ancestor", "span", "trace"])
        return Related(how, question(chance, depth - 1))
    kind: Any = And if shape == "and" else Or
    parts = [question(chance, depth - 1) for _ in range(chance.choice([2, 3]))]
    return kind(tuple(one for part in parts for one in (part.parts if isinstance(part, kind) else [part])))


def store(chance: Random) -> list[Any]:
    """The lines of a few traces: spans below each other in any way, also in a circle, with a few events."""
    lines: list[Any] = []
    for trace in range(1, chance.randint(1, 3) + 1):
        spans = chance.randint(1, 5)
        lines += [encode(_span(chance, trace, number, spans)) for number in range(1, spans + 1)]
        for number in range(chance.randint(0, 2)):
            owner = chance.randint(0, spans)
            event = {
                "v": 1,
                "type": "event",
                "event_id": span_id(100 * trace + number),
                "trace_id": trace_id(trace),
                "time": START,
                "name": chance.choice(["retry", "cache"]),
                **({"span_id": span_id(owner)} if owner else {}),
            }
            lines.append(encode(event))
    return lines


def _span(chance: Random, trace: int, number: int, spans: int) -> dict[str, Any]:
    start = START + chance.choice(COUNTS) * MS
    is_over = chance.random() < 0.8
    statuses = ["ok", "error", "cancelled", "interrupted"] if is_over else ["running", "paused"]
    parent = chance.randint(0, spans + 1)
    found: dict[str, Any] = {
        "v": 1,
        "type": "span",
        "trace_id": trace_id(trace),
        "span_id": span_id(number),
        "name": chance.choice(WORDS),
        "kind": chance.choice(["llm", "tool", "Beta"]),
        "level": chance.choice(sorted(LEVELS)),
        "start": start,
        "status": chance.choice(statuses),
        **({"parent_id": span_id(parent)} if parent and parent != number else {}),
        **({"end": start + chance.choice(COUNTS) * MS} if is_over else {}),
        "attributes": _attributes(chance),
        "context": _context(chance),
    }
    for name in ("input", "output"):
        if chance.random() < 0.5:
            found[name] = _value(chance)
    if chance.random() < 0.5:
        long = "x" * 600 if chance.random() < 0.3 else ""
        found["error"] = {"type": chance.choice(WORDS), "message": chance.choice(WORDS) + long}
    if chance.random() < 0.3:
        found["links"] = [{"trace_id": trace_id(9)}]
    return {name: value for name, value in found.items() if value != {}}


def _value(chance: Random) -> Any:
    """Something given or answered, every third time large."""
    word = chance.choice(WORDS)
    value = chance.choice([word, [word, chance.choice(WORDS)], {"query": word}])
    return ["x" * 600, value] if chance.random() < 0.3 else value


def _attributes(chance: Random) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in NAMES:
        if chance.random() < 0.3:
            values = [chance.choice(WORDS), chance.choice(COUNTS), True, [chance.choice(WORDS), 5], 0.5, None]
            found[name] = chance.choice(values)
    for name in ("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"):
        if chance.random() < 0.5:
            found[name] = chance.choice(COUNTS)
    for name in ("gen_ai.request.model", "gen_ai.response.model", "gen_ai.provider.name"):
        if chance.random() < 0.5:
            found[name] = chance.choice(WORDS)
    if chance.random() < 0.2:
        found["padding"] = "x" * 600
    return found


def _context(chance: Random) -> dict[str, Any]:
    names = ("session", "user", "correlation_id")
    found: dict[str, Any] = {name: chance.choice(WORDS) for name in names if chance.random() < 0.4}
    if chance.random() < 0.4:
        found["tags"] = [chance.choice(WORDS) for _ in range(chance.choice([1, 2]))]
    return found
