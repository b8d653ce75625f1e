"""Numbered parameters (`?1`) on Python 3.12.0 to 3.12.3, which take them for named ones.

Those versions warn of every statement whose numbered parameters come as a sequence (CPython issue 117995, mended
in 3.12.4). Where warnings are errors, nothing could be stored. There the statements are written with names, which
say the same; every other version runs them as they are.
"""

from __future__ import annotations

import re
import sqlite3
import sys
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

IS_AFFECTED: Final = (3, 12) <= sys.version_info < (3, 12, 4)

_PARAMETER: Final = re.compile(r"\?(\d*)")


class Named(sqlite3.Connection):
    """A connection that gives names to numbered parameters."""

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """Execute a statement; what has no numbered parameter, or comes by name, goes through as it is."""
        if "?1" not in sql or not isinstance(parameters, (list, tuple)):
            return super().execute(sql, parameters)
        return super().execute(named(sql), as_names(parameters))


@lru_cache(maxsize=256)
def named(sql: str) -> str:
    """The statement with `:p1` for `?1`; a bare `?` has the number after the greatest before it, as in SQLite."""
    greatest = 0

    def name(parameter: re.Match[str]) -> str:
        nonlocal greatest
        number = int(parameter[1]) if parameter[1] else greatest + 1
        greatest = max(greatest, number)
        return f":p{number}"

    return _PARAMETER.sub(name, sql)


def as_names(parameters: Sequence[Any]) -> dict[str, Any]:
    """The values by the names that `named` gives them."""
    return {f"p{number}": value for number, value in enumerate(parameters, 1)}


CONNECTION: Final[type[sqlite3.Connection]] = Named if IS_AFFECTED else sqlite3.Connection
"""What connections to the store are made of."""
