"""Which clients of a library are recorded: all of them, or single ones next to which others are left alone.

For a library whose clients hand their work to objects that they make on the way. The wrappers stand on the library's
own classes while anybody is recorded, and ask here whose work it is: a single client needs no methods of its own, and
a copy of one is another client.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any
from weakref import WeakValueDictionary

from flightlog.integrations.http.methods import Replaced

Report = Callable[[str, Exception], object]
"""Takes what could not be done, and the failure; counts it and tells the user once."""


class Chosen:
    """The clients of one library that are recorded. A client is known by an object that all of its work has at hand."""

    def __init__(self, replace: Callable[[Any, Report], Replaced]) -> None:
        """Record nobody yet.

        Args:
            replace: puts the wrappers on the classes of the library's module; raises `Unfit` where they do not fit.
        """
        self._replace = replace
        self._replaced: Replaced | None = None
        self._module: ModuleType | None = None
        self._is_everybody = False
        self._single: WeakValueDictionary[int, Any] = WeakValueDictionary()
        """By `id`: what a client is known by need not be hashable."""

    def wrap(self, module: ModuleType, report: Report) -> None:
        """Record every client; twice is harmless.

        Raises:
            Unfit: the package is another than these wrappers know; nothing was changed.
        """
        self._put_on(module, report)
        self._is_everybody = True

    def unwrap(self) -> None:
        """Record nobody but the single ones."""
        self._is_everybody = False
        self._take_off()

    def add(self, known_by: Any, module: ModuleType, report: Report) -> bool:
        """Record one client; False if that is so already.

        Raises:
            Unfit: as above.
        """
        if self._single.get(id(known_by)) is known_by:
            return False
        self._put_on(module, report)
        self._single[id(known_by)] = known_by
        return True

    def drop(self, known_by: Any) -> None:
        """Leave one client alone; twice is harmless."""
        if self._single.get(id(known_by)) is known_by:
            del self._single[id(known_by)]
        self._take_off()

    def has(self, known_by: Any) -> bool:
        """Whether this client is recorded."""
        return self._is_everybody or self._single.get(id(known_by)) is known_by

    def _put_on(self, module: ModuleType, report: Report) -> None:
        if self._replaced is not None and self._module is module:
            return
        fresh = self._replace(module, report)  # before the former is taken off: it may not fit
        if self._replaced is not None:
            self._replaced.restore()
        self._replaced, self._module = fresh, module

    def _take_off(self) -> None:
        if self._replaced is not None and not self._is_everybody and not self._single:
            self._replaced.restore()
            self._replaced = self._module = None
