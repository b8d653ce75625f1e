"""A question as data: a tree of comparisons that are true or false of one span.

`questions/` reads it from a text and writes it as one; a store compiles it. Every question is about a span. What is
said of its child, its ancestors or its whole trace is a question within a question (`Related`). Nothing here is
unknown: a comparison with a value that a span does not have is false, so its negation is true.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Sign = Literal["=", ">", ">=", "<", "<=", "~"]
"""How a value is compared: `~` is a part of a text, whatever its ASCII case; the rest is what it looks like."""

Relation = Literal["child", "ancestor", "span", "trace"]
"""Of what else a question asks: some child, some span above, some span of the same trace, the trace as a whole."""

Matter = Literal[
    "attributes",
    "child",
    "error",
    "event",
    "input",
    "link",
    "model",
    "note",
    "output",
    "parent",
    "retry",
    "score",
    "session",
    "slow",
    "tag",
    "tokens",
    "user",
]
"""What a span can have. `slow`: it took longer than 95 of 100 spans that are counted with it."""


class Pattern(Struct, frozen=True, tag="pattern"):
    """A text, in pieces: anything may stand between two of them. One piece is that text and nothing else."""

    pieces: tuple[str, ...]


class Moment(Struct, frozen=True, tag="moment"):
    """A time."""

    ns: int
    """Unix nanoseconds, or nanoseconds before now."""
    is_ago: bool = False


class Comparison(Struct, frozen=True, tag="comparison"):
    """A field of a span against a value."""

    field: str
    """A field of `questions.fields`; `attr` is the attribute `name`, `score` the score or label of that name."""
    sign: Sign
    value: Pattern | int | float | Moment
    """Of a duration nanoseconds, of money trillionths of a US dollar."""
    name: str = ""


class Has(Struct, frozen=True, tag="has"):
    """Whether a span has something."""

    what: Matter


class Related(Struct, frozen=True, tag="related"):
    """Whether a question is true of something that belongs to a span.

    Of a trace as a whole, name, kind, status, input and what else only a span has are those of its root; duration,
    tokens, cost and `has:error` are those of all its spans.
    """

    how: Relation
    question: Question


class Not(Struct, frozen=True, tag="not"):
    """A question turned around."""

    question: Question


class And(Struct, frozen=True, tag="and"):
    """Every one of these, of the same span."""

    parts: tuple[Question, ...]


class Or(Struct, frozen=True, tag="or"):
    """At least one of these."""

    parts: tuple[Question, ...]


Question = Comparison | Has | Related | Not | And | Or
