"""A library's wrapper as a whole: put in place once, for everything or single objects, and taken away after the last.

The module that wraps a library makes one `Installation` and gives its methods as its own `wrap`, `unwrap`,
`wrap_client` and `unwrap_client`.
"""

from __future__ import annotations

import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable
from types import ModuleType
from typing import Any

Report = Callable[[str, Exception], object]
"""Takes what could not be done, and the failure; counts it and tells the user once."""


class Installed(ABC):
    """What of a library is ours at the moment; what cannot be put in place raises `Unfit` and changes nothing."""

    def __init__(self) -> None:
        self.is_everywhere = False
        self._single: dict[int, weakref.ref[Any]] = {}
        """Single objects, by their identity: many are no keys."""

    def holds(self, client: object) -> bool:
        """Whether this is one of the single objects."""
        known = self._single.get(id(client))
        return known is not None and known() is client

    def hold(self, client: object) -> None:
        """Take in a single object."""
        key = id(client)
        self._single[key] = weakref.ref(client, lambda _: self._single.pop(key, None))

    def release(self, client: object) -> None:
        """Leave out a single object again."""
        self._single.pop(id(client), None)

    def begin(self) -> None:  # noqa: B027 - most need nothing more
        """Put in place what could not be put there while it was made."""

    @property
    def is_used(self) -> bool:
        """Whether anything is recorded with it."""
        return self.is_everywhere or bool(self._single)

    @abstractmethod
    def end(self) -> None:
        """Leave everything as it was."""


class Installation:
    """At most one of a library's wrappers."""

    def __init__(self, make: Callable[[Report], Installed]) -> None:
        self._make = make
        self._installed: Installed | None = None

    def wrap(self, module: ModuleType, report: Report) -> None:  # noqa: ARG002 - its parts are found by name
        """Record everything, from the next thing that begins; twice is harmless.

        Raises:
            Unfit: the package is another than this wrapper knows; nothing was changed.
        """
        self._get(report).is_everywhere = True

    def unwrap(self, module: ModuleType) -> None:  # noqa: ARG002 - as above
        """Leave the library as it was, but for single objects."""
        if self._installed is not None:
            self._installed.is_everywhere = False
            self._leave_if_unused()

    def wrap_client(self, client: Any, report: Report) -> bool:
        """Record what one object does, and all that is done within it. False if it is recorded already."""
        installed = self._get(report)
        if installed.holds(client):
            return False
        installed.hold(client)
        return True

    def unwrap_client(self, client: Any) -> None:
        """Leave one object as it was."""
        if self._installed is not None and self._installed.holds(client):
            self._installed.release(client)
            self._leave_if_unused()

    @property
    def is_everywhere(self) -> bool:
        """Whether everything is recorded."""
        return self._installed is not None and self._installed.is_everywhere

    def _get(self, report: Report) -> Installed:
        if self._installed is None:
            made = self._make(report)
            made.begin()
            self._installed = made
        return self._installed

    def _leave_if_unused(self) -> None:
        if self._installed is not None and not self._installed.is_used:
            self._installed.end()
            self._installed = None
