"""Functions of a library replaced under every name that modules know them by.

A program says `from litellm import completion` and `fl.instrument()` in either order. So whoever holds the function as
a name of a module gets the wrapper in its place, and the function back afterwards. What holds it otherwise (a list,
an object's attribute) keeps what it has.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any


class Bindings:
    """Functions that are replaced."""

    def __init__(self, wrappers: Mapping[Any, Any]) -> None:
        """Replace them.

        Args:
            wrappers: function to what takes its place.
        """
        self._wrappers = dict(wrappers)
        _rebind(self._wrappers)

    def restore(self) -> None:
        """Put the functions back, also where a module has come to know the wrapper since."""
        _rebind({wrapper: function for function, wrapper in self._wrappers.items()})


def _rebind(places: Mapping[Any, Any]) -> None:
    by_identity = {id(old): (old, new) for old, new in places.items()}
    for names in _namespaces():
        for name, value in list(names.items()):
            old, new = by_identity.get(id(value), (None, None))
            if new is not None and value is old:
                names[name] = new


def _namespaces() -> Iterator[dict[str, Any]]:
    """What the names of each module are kept in, of those that are plain modules."""
    for module in list(sys.modules.values()):
        names = getattr(module, "__dict__", None)
        if type(names) is dict:
            yield names
