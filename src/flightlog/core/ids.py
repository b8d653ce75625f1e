"""Identifiers from a private generator.

The operating system seeds it, once a process and again in a forked child. It is never the `random` module's:
a program that calls `random.seed(42)` must not get the same trace ids on every run. The ids are unique, not
secret (Mersenne Twister), which is all that W3C trace context asks of them.
"""

from __future__ import annotations

import os
from _random import Random
from collections.abc import Callable
from typing import Final

_BATCH: Final = 128
_ZEROS: Final = "0" * 16


def _seeded() -> Callable[[int], int]:
    return Random(int.from_bytes(os.urandom(32))).getrandbits


class Ids:
    """Makes trace and span ids as lower-case hexadecimal text, never all zeros."""

    __slots__ = ("bits",)

    def __init__(self) -> None:
        self.bits = _seeded()
        """`bits(n)` is a random integer below 2**n; the hot path formats it itself."""

    def reseed(self) -> None:
        """Start anew from the operating system; a forked child does this before it makes an id."""
        self.bits = _seeded()

    def trace_id(self) -> str:
        """32 digits."""
        return f"{self.bits(128) or 1:032x}"

    def span_id(self) -> str:
        """16 digits; events and annotations use the same form."""
        return f"{self.bits(64) or 1:016x}"

    def span_ids(self) -> list[str]:
        """Several at once, from one large random number."""
        made = self.bits(_BATCH * 64).to_bytes(_BATCH * 8).hex(" ", 8).split()
        return made if _ZEROS not in made else [self.span_id()]
