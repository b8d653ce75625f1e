"""Numbers as JSON: what JSON's numbers cannot hold exactly becomes a text.

Readers of JSON agree on 64-bit integers and finite floats, and on nothing beyond. The work is bounded: decimal
digits take quadratic time, so integers beyond a certain size are written in hexadecimal, and of those that are
larger still only the head is written, with their size in bits.
"""

from __future__ import annotations

from math import isfinite
from typing import Final

_MAX_INT: Final = 2**63 - 1
_MIN_INT: Final = -(2**63)
_DECIMAL_BITS: Final = 2048
"""Larger integers are written in hexadecimal. These have 617 digits: CPython lets a program set its limit for
decimal digits as low as 640 (`sys.set_int_max_str_digits`), and beyond that limit it raises."""
_WHOLE_BITS: Final = 32 * 1024
"""Of larger integers only the head is written."""
_HEAD_BITS: Final = 256


def number(value: float) -> str:
    """Write an `int` or `float`, of exactly this type, as JSON: a number where that is exact, else a text."""
    if isinstance(value, int):
        return f"{value}" if _MIN_INT <= value <= _MAX_INT else f'"{digits(value)}"'
    if isfinite(value):
        return repr(value)
    return f'"{value!r}"'.replace("nan", "NaN").replace("inf", "Infinity")


def digits(value: int) -> str:
    """The digits of an integer of any size: all of them where that is cheap, else the head of them."""
    bits = value.bit_length()
    if bits <= _DECIMAL_BITS:
        return str(value)
    if bits <= _WHOLE_BITS:
        return f"{value:#x}"
    return f"{value >> (bits - _HEAD_BITS):#x}… ({bits} bits)"
