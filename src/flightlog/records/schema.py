"""The version of a line, and the road from every older version to this one.

A new optional field changes no version. A changed meaning makes a new version and one pure function here that
turns a record of the version before into the next; a reader applies them in order. A line of a *newer*
version is never guessed at: it is kept as it is (`Unknown`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

SCHEMA_VERSION: Final = 1
"""The version that this Flightlog writes."""

Upcast = Callable[[dict[str, Any]], dict[str, Any]]
"""Turns the fields of one version into those of the next, without touching its argument."""

UPCASTS: Final[Mapping[int, Upcast]] = {}
"""By the version they read. Version 1 is the first that was ever written, so there is none yet."""


def current_version() -> int:
    """The version to stamp; a function because a default *value* would be left out of the line."""
    return SCHEMA_VERSION


def upcast(
    fields: dict[str, Any],
    upcasts: Mapping[int, Upcast] = UPCASTS,
    target: int = SCHEMA_VERSION,
) -> dict[str, Any]:
    """Bring a record's fields up to `target`, one version at a time; a newer one is returned as it is.

    Raises:
        KeyError: a version on the way has no upcast, which `tests/law` rules out for released versions.
    """
    version = int(fields.get("v", 1))
    while version < target:
        fields = {**upcasts[version](fields), "v": version + 1}
        version += 1
    return fields
