"""When a comparison fails a build: `duration>+20% and duration>+200ms or new:error`.

    condition  = all { "or" all }
    all        = clause { "and" clause }
    clause     = MEASURE OPERATOR AMOUNT | WORD ":" WORD
    OPERATOR   = ">" | ">=" | "<" | "<="
    AMOUNT     = [ "+" | "-" ] [ "$" ] NUMBER [ "%" | UNIT ]

With a sign the amount is how much the measure changed, `+20%` of what it was or `+200ms` in its own unit; without a
sign it is what the measure is now. A comma means the same as `or`. What is unknown fails nothing.
`score.NAME` is a measure as well: what traces were judged.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Final, Literal

from msgspec import Struct

from flightlog.records.errors import BadQuestion

MEASURES: Final[Mapping[str, str]] = {
    "duration": "time",
    "cost": "money",
    "tokens": "count",
    "input_tokens": "count",
    "output_tokens": "count",
    "spans": "count",
    "errors": "count",
    "llm_calls": "count",
    "retries": "count",
}
"""What can be measured, and in which unit."""

SCORE: Final = "score."
"""What a score is called here begins with this."""

FACTS: Final = (
    "new:error",
    "new:span",
    "gone:span",
    "changed:input",
    "changed:output",
    "changed:prompt",
    "changed:status",
    "changed:anything",
)
"""What can be so or not."""

_SCALES: Final[Mapping[str, Mapping[str, float]]] = {
    "time": {"ns": 1, "us": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9},
    "money": {"": 1e12},
    "count": {"": 1, "k": 1e3, "M": 1e6},
    "score": {"": 1},
}
_TOKEN: Final = re.compile(
    r"\s*(?:(score\.[\w.-]+|(?:AND|OR)\b|[a-z_]+(?::[a-z_]*)?)|(>=|<=|>|<)|([+-]?\$?\d+(?:\.\d+)?)(\s*%|[a-zA-Zµ]*)|(,))"
)

Operator = Literal[">", ">=", "<", "<="]


class Limit(Struct, frozen=True):
    """A measure beyond an amount."""

    measure: str
    operator: Operator
    amount: float
    """Nanoseconds, pico-dollars, a count; a share where `is_share`."""
    is_change: bool
    is_share: bool
    text: str
    """As it was written."""


class Fact(Struct, frozen=True):
    """Something that is so."""

    text: str


Clause = Limit | Fact
Condition = Sequence[Sequence[Clause]]
"""Of these, each of which must hold whole, any is enough."""


class BadCondition(BadQuestion):
    """A condition that cannot be read; it points at the place."""

    def __init__(self, text: str, at: int, problem: str) -> None:
        shown = "".join(letter if letter.isprintable() else " " for letter in text)
        word = _TOKEN.match(text, at)
        length = max(1, len(word[0].strip())) if word else 1
        super().__init__(f"{problem}\n  {shown}\n  {' ' * min(at, len(text))}{'^' * length}")
        self.at = at


class Evidence(Struct, frozen=True):
    """What a condition is held against."""

    amounts: Mapping[str, tuple[float | None, float | None]]
    """Each measure before and after."""
    facts: Mapping[str, bool]
    doubted: frozenset[str] = frozenset()
    """Measures whose change may be chance: none of them fails anything."""


def failing(condition: Condition, evidence: Evidence) -> list[str]:
    """The clauses, as they were written, for which a condition holds; empty where it does not."""
    met = [every for every in condition if all(_holds(clause, evidence) for clause in every)]
    return list(dict.fromkeys(" and ".join(clause.text for clause in every) for every in met))


def _holds(clause: Clause, evidence: Evidence) -> bool:
    if isinstance(clause, Fact):
        return evidence.facts.get(clause.text, False)
    before, after = evidence.amounts.get(clause.measure, (None, None))
    if after is None or (clause.is_change and (before is None or clause.measure in evidence.doubted)):
        return False
    if not clause.is_change or before is None:
        return _COMPARES[clause.operator](after, clause.amount)
    limit = before * (1 + clause.amount) if clause.is_share else before + clause.amount
    return _COMPARES[clause.operator](after, limit)


_COMPARES: Final[Mapping[Operator, Callable[[float, float], bool]]] = {
    ">": lambda one, two: one > two,
    ">=": lambda one, two: one >= two,
    "<": lambda one, two: one < two,
    "<=": lambda one, two: one <= two,
}


def read(text: str) -> Condition:
    """Read a condition.

    Raises:
        BadCondition: it cannot be read.
    """
    return _Reader(text).condition()


class _Token(Struct, frozen=True):
    """A word, an operator, an amount, a comma, or the end, and where it begins."""

    sort: Literal["word", "operator", "amount", "comma", "end"]
    text: str
    unit: str
    at: int
    end: int


class _Reader:
    """Reads from left to right, one token ahead."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._next = self._token(0)

    def condition(self) -> Condition:
        ways = [self._all()]
        while self._next.sort == "comma" or (self._next.sort, self._next.text) == ("word", "or"):
            self._take()
            ways.append(self._all())
        if self._next.sort != "end":
            raise BadCondition(self._text, self._next.at, "here `and`, `or` or the end was expected")
        return ways

    def _all(self) -> Sequence[Clause]:
        clauses = [self._clause()]
        while (self._next.sort, self._next.text) == ("word", "and"):
            self._take()
            clauses.append(self._clause())
        return clauses

    def _clause(self) -> Clause:
        word = self._take()
        if word.sort != "word" or word.text in {"and", "or"}:
            raise BadCondition(
                self._text, word.at, f"here a measure was expected: {', '.join(MEASURES)}; or {FACTS[0]}"
            )
        if ":" in word.text:
            if word.text not in FACTS:
                raise BadCondition(self._text, word.at, _unknown("fact", word.text, FACTS))
            return Fact(word.text)
        if _unit(word.text) is None:
            raise BadCondition(self._text, word.at, _unknown("measure", word.text, (*MEASURES, *FACTS)))
        operator = self._take()
        if operator.sort != "operator":
            raise BadCondition(self._text, operator.at, f"after {word.text} one of > >= < <= was expected")
        return self._limit(word, operator)

    def _limit(self, word: _Token, operator: _Token) -> Limit:
        amount = self._take()
        if amount.sort != "amount":
            raise BadCondition(self._text, amount.at, "here an amount was expected, such as +20% or 500ms")
        unit = _unit(word.text) or ""
        sign, number = amount.text[:1] in {"+", "-"}, amount.text.replace("$", "")
        is_money = "$" in amount.text
        if is_money is not (unit == "money" and amount.unit != "%"):
            wanted = "an amount of money, such as $0.01" if unit == "money" else "no $"
            raise BadCondition(self._text, amount.at, f"{word.text} takes {wanted}")
        if amount.unit == "%":
            if not sign:
                raise BadCondition(
                    self._text, amount.at, "a share is of what it was: give it a sign, as in +20%"
                )
            scale = 0.01
        elif amount.unit in _SCALES[unit]:
            scale = _SCALES[unit][amount.unit]
        else:
            raise BadCondition(self._text, amount.at, _bad_unit(word.text, unit))
        text = " ".join(self._text[word.at : amount.end].split())
        made: Operator = operator.text  # type: ignore[assignment]  # the pattern has no others
        return Limit(word.text, made, float(number) * scale, sign, amount.unit == "%", text)

    def _take(self) -> _Token:
        taken = self._next
        if taken.sort != "end":
            self._next = self._token(taken.end)
        return taken

    def _token(self, start: int) -> _Token:
        rest = self._text[start:]
        at = start + len(rest) - len(rest.lstrip())
        if at == len(self._text):
            return _Token("end", "", "", at, at)
        match = _TOKEN.match(self._text, start)
        if match is None:
            hint = "; conditions are joined by `and` and `or`" if self._text[at] in "&|" else ""
            raise BadCondition(self._text, at, f"{self._text[at]!r} means nothing here{hint}")
        word, operator, amount, unit, comma = match.groups()
        end = match.end()
        if word:
            return _Token("word", word.lower() if word in {"AND", "OR"} else word, "", at, end)
        if operator:
            return _Token("operator", operator, "", at, end)
        return (
            _Token("comma", comma, "", at, end) if comma else _Token("amount", amount, unit.strip(), at, end)
        )


def _unit(measure: str) -> str | None:
    """In which unit it is measured; None for none that there is."""
    return "score" if measure.startswith(SCORE) else MEASURES.get(measure)


def _unknown(what: str, word: str, known: Sequence[str]) -> str:
    near = get_close_matches(word, known, n=1, cutoff=0.5)
    return f"no {what} {word!r}; " + (f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}")


def _bad_unit(measure: str, unit: str) -> str:
    if unit == "time":
        return f"{measure} takes a unit: ns, us, ms, s, m or h; or a change in %, such as +20%"
    return f"{measure} takes no such unit; a plain number, or a change in %, such as +20%"
