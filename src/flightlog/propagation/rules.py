"""What the settings say about headers: which formats are believed and written, and what may leave.

The recorder puts them here when it reads the settings; `current` reads them first if nobody has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from flightlog.border import let_through
from flightlog.core.context import Remote
from flightlog.core.control import control
from flightlog.records.propagators import FORMATS


def _uncounted(_name: str) -> None:
    """Nobody counts yet."""


class Rules(NamedTuple):
    """The rules of this process."""

    formats: tuple[str, ...] = FORMATS
    """In order of precedence: the first that names a span is believed."""
    baggage_keys: frozenset[str] = frozenset()
    """Names that are taken out of baggage and bound, and put into it where they are bound."""
    hosts: tuple[str, ...] = ("*",)
    """Patterns of host names whose requests get headers from the wrapped HTTP clients."""
    ratio: float = 1.0
    """Share of the traces that begin here which are recorded."""
    origin: Remote | None = None
    """Where the whole process belongs, if its environment says so."""
    lose: Callable[[str], object] = _uncounted


class _Holder:
    rules = Rules()


_holder: Final = _Holder()


def use(rules: Rules) -> None:
    """Have these rules from now on."""
    _holder.rules = rules


def current() -> Rules:
    """The rules that hold, those of the settings."""
    if not control.is_starting:
        control.prepared()
    return _holder.rules


def left_out(count: int) -> None:
    """Count what was too much for a header."""
    for _ in range(count):
        _holder.rules.lose("headers_left_out")


def failed(failure: Exception) -> None:
    """Count what went wrong at our border; the program's own exception goes on."""
    let_through(failure)
    _holder.rules.lose("internal_errors")


def is_meant(host: str) -> bool:
    """Whether requests to this host get our headers."""
    hosts = current().hosts
    if "*" in hosts:
        return True
    from fnmatch import fnmatchcase  # only where somebody names hosts

    return any(fnmatchcase(host.lower(), pattern.lower()) for pattern in hosts)
