"""What a program says of a model call, made into what can be right: whole counts, words and lists of words.

A number of tokens that is negative, broken or no number at all would go into every sum there is. It is left out, as
if nobody had said it, and counted with the values that could not be captured. Nothing here raises and nothing runs
code of the program but a bounded `__str__`.
"""

from __future__ import annotations

from typing import Final

from flightlog.core import memo
from flightlog.core.outcome import text_of
from flightlog.core.unset import UNSET

MOST: Final = 2**40
"""A count beyond this is no count; the stores hold to it as well."""

_MOST_PORT: Final = 2**16 - 1
_MOST_WORDS: Final = 1000
"""Of a list that is told as many are kept: there is one for each choice of an answer."""


def count(value: object, most: int = MOST) -> int | None:
    """A whole number from 0 up, also where it is written as a float; None for anything else."""
    if value is None or value is UNSET:
        return None
    kind = type(value)
    if kind is int and 0 <= value <= most:  # type: ignore[operator]  # its type was just asked
        return value  # type: ignore[return-value]  # as above
    number: int | None = None
    if issubclass(kind, float) and float.is_integer(value):  # type: ignore[arg-type]  # its type was just asked
        number = float.__int__(value)  # type: ignore[arg-type]  # as above
    elif issubclass(kind, int) and kind is not bool:
        number = int.__index__(value)  # type: ignore[arg-type]  # as above
    if number is not None and 0 <= number <= most:
        return number
    memo._encoder.failed()
    return None


def port(value: object) -> int | None:
    """The number of a port, also where it is written as a text."""
    if type(value) is str and len(value) <= len(str(_MOST_PORT)) and value.isascii() and value.isdigit():
        value = int(value)
    return count(value, _MOST_PORT) or None


def word(value: object) -> str:
    """A text; empty for what was not said."""
    return "" if value is None or value is UNSET else text_of(value)


def words(values: object) -> list[str]:
    """The texts of a list, of a list in it too: it is easily handed over without its star."""
    found: list[str] = []
    for value in _items(values):
        found += [text for item in _items(value) if (text := word(item))]
    return found[:_MOST_WORDS]


def _items(value: object) -> list[object]:
    if type(value) is list or type(value) is tuple:
        return list(value[:_MOST_WORDS])
    return [value]
