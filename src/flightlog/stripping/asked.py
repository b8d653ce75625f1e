"""`strip`: which modules are loaded without their calls of the hot tier.

The machinery behind it (`finder.py`, `tree.py`) is loaded with the first pattern: a program that strips nothing pays
for one look into its environment.
"""

from __future__ import annotations

import os
import sys
from typing import Any, Final

VARIABLE: Final = "FLIGHTLOG_STRIP"
"""The environment variable that names patterns, with commas between; read when Flightlog is imported."""


def strip(*patterns: str) -> tuple[str, ...]:
    """Load modules of these names without their calls of `flightlog.hot`, from now on.

    What is removed is gone: no level brings it back. `docs/hot.md` says what is removed, and what stays.

    Args:
        *patterns: dotted names of modules; `myapp.*` means the package `myapp` and everything in it, elsewhere
            `*`, `?` and `[…]` stand for what they stand for in file names. More than once adds to them.

    Returns:
        The modules that these patterns name and that are loaded already: they keep their calls.

    Raises:
        TypeError: a pattern is no text.
    """
    for pattern in patterns:
        if not isinstance(pattern, str):
            raise TypeError(f"strip takes names of modules such as 'myapp.*', not {pattern!r}")
    finder = _finder()
    finder.watch(patterns)
    return tuple(sorted(name for name in list(sys.modules) if finder.names(patterns, name)))


def _finder() -> Any:
    from flightlog.stripping.finder import finder  # ast and importlib's machinery: only for those who strip

    return finder


_named: Final = tuple(word.strip() for word in os.environ.get(VARIABLE, "").split(",") if word.strip())
if _named:
    strip(*_named)
