"""Every dialect there is, which of them a span may be in, and how what several say becomes one answer.

A span may speak several at once: a library that writes OpenInference may write OpenTelemetry's names beside it. Each
dialect is asked; of what several say the first counts, in the order of `DIALECTS`: those that belong to one program
before those that many write, an explicit kind before one that is concluded. Usage is taken whole from the first that
knows any, for the counts of one belong together, and what it leaves open is taken from the next that has the same sum.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from msgspec import UNSET, structs

from flightlog.dialects import (
    adk,
    claude_code,
    crewai,
    gemini_cli,
    gen_ai,
    gen_ai_events,
    gen_ai_old,
    langfuse,
    langsmith,
    litellm,
    logfire,
    mlflow,
    openinference,
    pydantic_ai,
    traceloop,
    vercel,
)
from flightlog.dialects.facts import Facts, Seen, Usage

NORMALISER: Final = 4
"""The version of all readers together; a greater one may read the same attributes otherwise."""


class Dialect(NamedTuple):
    """One convention."""

    name: str
    signs: tuple[str, ...]
    """Beginnings of the names of attributes, of the span's or the scope's own; a span without any of them is not in
    this dialect. Empty for one that only events are in."""
    read: Callable[[Seen], Facts | None]


DIALECTS: Final = (
    Dialect("pydantic_ai", pydantic_ai.SIGNS, pydantic_ai.read),
    Dialect("openinference", openinference.SIGNS, openinference.read),
    Dialect("claude_code", claude_code.SIGNS, claude_code.read),
    Dialect("gemini_cli", gemini_cli.SIGNS, gemini_cli.read),
    Dialect("adk", adk.SIGNS, adk.read),
    Dialect("langfuse", langfuse.SIGNS, langfuse.read),
    Dialect("langsmith", langsmith.SIGNS, langsmith.read),
    Dialect("litellm", litellm.SIGNS, litellm.read),
    Dialect("mlflow", mlflow.SIGNS, mlflow.read),
    Dialect("vercel", vercel.SIGNS, vercel.read),
    Dialect("crewai", crewai.SIGNS, crewai.read),
    Dialect("gen_ai", gen_ai.SIGNS, gen_ai.read),
    Dialect("gen_ai_old", gen_ai_old.SIGNS, gen_ai_old.read),
    Dialect("gen_ai_events", (), gen_ai_events.read),
    Dialect("logfire", logfire.SIGNS, logfire.read),
    Dialect("traceloop", traceloop.SIGNS, traceloop.read),
)
"""In the order in which they are believed."""

_COMMON: Final = "gen_ai."


def _any_of(names: Iterable[str]) -> bytes:
    """A pattern for any of these, by their first letters: a place where none begins is left soonest so."""
    by_letter: dict[str, list[str]] = {}
    for name in sorted(set(names)):
        by_letter.setdefault(name[0], []).append(re.escape(name[1:]))
    return "|".join(f"{letter}(?:{'|'.join(rests)})" for letter, rests in by_letter.items()).encode()


_SIGNS: Final = [sign for dialect in DIALECTS for sign in dialect.signs]
_STRANGE: Final = re.compile(
    b'"(?:' + _any_of(sign for sign in _SIGNS if not sign.startswith(_COMMON)) + b")"
).search
_GEN_AI: Final = re.compile(
    re.escape(_COMMON.encode())
    + b"(?:"
    + _any_of(
        sign.removeprefix(_COMMON) for sign in (*_SIGNS, *gen_ai_events.NAMES) if sign.startswith(_COMMON)
    )
    + b")"
).search


def may_speak(line: bytes) -> bool:
    """Whether there is any sign of a dialect in a line; there may be one in its texts alone."""
    return _GEN_AI(line) is not None or _STRANGE(line) is not None


def read(seen: Seen) -> tuple[Facts, list[str]] | None:
    """What a span says in all dialects together, and which these are; None where it speaks none.

    Args:
        seen: the span.
    """
    shape = (seen.scope, seen.name.partition(".")[0], bool(seen.events), *seen.attributes)
    spoken = _spoken.get(shape)
    if spoken is None:
        spoken = _spoken_in(seen)
        if len(_spoken) < _MOST_SHAPES and len(shape) < _LONGEST_SHAPE:
            _spoken[shape] = spoken
    found = [(dialect.name, facts) for dialect in spoken if (facts := dialect.read(seen)) is not None]
    if not found:
        return None
    if len(found) == 1:
        return found[0][1], [found[0][0]]
    whole = Facts()
    for _, facts in found:
        _add(whole, facts)
    return whole, [name for name, _ in found]


_MOST_SHAPES: Final = 4096
_LONGEST_SHAPE: Final = 64
_spoken: Final[dict[tuple[object, ...], tuple[Dialect, ...]]] = {}
"""The dialects that spans with the same names of attributes may be in: most spans have those of others."""


def _spoken_in(seen: Seen) -> tuple[Dialect, ...]:
    names = (seen.scope, seen.name, *seen.attributes)
    return tuple(
        dialect
        for dialect in DIALECTS
        if (not dialect.signs and seen.events)
        or any(name.startswith(dialect.signs) for name in names if dialect.signs)
    )


def _add(whole: Facts, facts: Facts) -> None:
    """Take over what is not known yet."""
    whole.kind = whole.kind or facts.kind
    whole.usage = merged(whole.usage, facts.usage)
    whole.session = whole.session or facts.session
    whole.user = whole.user or facts.user
    whole.tags = whole.tags or facts.tags
    for part in ("messages", "tools", "answers"):
        if getattr(whole, part) is None:
            setattr(whole, part, getattr(facts, part))
    for part in ("input", "output"):
        if getattr(whole, part) is UNSET:
            setattr(whole, part, getattr(facts, part))
    for name, value in facts.attributes.items():
        whole.put(name, value)


def merged(first: Usage, second: Usage) -> Usage:
    """What two dialects say of the same tokens."""
    if not first.is_known:
        return second if second.is_known else first
    if not second.is_known or first.output != second.output:
        return first
    if first.whole_input != second.whole_input and first.input != second.input:
        return first
    kept = structs.asdict(first)
    for name, value in structs.asdict(second).items():
        if kept[name] is None or name == "more":
            kept[name] = {**value, **kept[name]} if name == "more" else value
    return Usage(**{**kept, "is_fresh": first.is_fresh and first.input is not None})
