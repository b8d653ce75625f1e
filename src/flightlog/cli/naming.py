"""How a user names a trace, and what to say of a name that fits none."""

from __future__ import annotations

import re
from typing import Final

from flightlog.records.errors import BadQuestion, UnknownId
from flightlog.store.port import Reader

LEAST_DIGITS: Final = 4
"""Shortest beginning of an id that names a trace."""

_WORDS: Final = frozenset(("latest", "last", "newest"))
_WAYS: Final = (
    f"a trace is named by its id, by {LEAST_DIGITS} or more of its first digits, by @latest, or by @-2"
)


def find(reader: Reader, ref: str) -> str:
    """The id of the trace that `ref` names.

    Raises:
        UnknownId: it names one that is not in the store.
        BadQuestion: it is no name of a trace; says how one looks.
        AmbiguousId: several traces fit.
    """
    try:
        return reader.resolve(ref)
    except UnknownId as error:
        advice = _advice(ref)
        if advice:
            raise BadQuestion(f"no trace {ref!r}: {advice}") from error
        raise


def _advice(ref: str) -> str:
    """What may have been meant by a name that cannot name anything; empty for one that could."""
    if ref.lower().lstrip("@") in _WORDS:
        return "did you mean @latest?"
    if ref.startswith("@"):
        return "" if re.fullmatch(r"@-[1-9][0-9]*", ref) else "@latest is the newest, @-2 the second newest"
    if not re.fullmatch(r"[0-9a-fA-F]+", ref):
        return _WAYS
    return f"give at least {LEAST_DIGITS} digits of its id" if len(ref) < LEAST_DIGITS else ""
