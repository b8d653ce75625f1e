"""Methods of other people's classes, replaced while they are recorded and put back as they were.

A wrapper that somebody else has wrapped in turn cannot be taken out again; it is switched off instead.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any, Final

_MARK: Final = "_flightlog_original"


class Unfit(Exception):
    """The package is not as this wrapper knows it."""


class Switch:
    """Whether the wrappers that share it record."""

    __slots__ = ("on",)

    def __init__(self) -> None:
        self.on = True


class Replaced:
    """Methods of one library that are replaced."""

    __slots__ = ("_owners", "switch")

    def __init__(self, methods: Iterable[tuple[Any, str, Callable[[Any, Switch], Any]]]) -> None:
        """Replace them.

        Args:
            methods: the class or module, the name, and what makes the wrapper of the original.

        Raises:
            Unfit: one of them is not there; nothing was changed.
        """
        wanted = list(methods)
        for owner, name, _ in wanted:
            if not callable(getattr(owner, name, None)):
                raise Unfit(f"it has no {getattr(owner, '__name__', owner)}.{name}")
        self.switch = Switch()
        self._owners = [(owner, name) for owner, name, _ in wanted]
        for owner, name, make in wanted:
            original = getattr(owner, name)
            wrapper = functools.update_wrapper(make(original, self.switch), original)
            setattr(wrapper, _MARK, original)
            setattr(owner, name, wrapper)

    def fits(self, *owners: Any) -> bool:
        """Whether it was these that were replaced: a package that is imported anew has others."""
        return {id(owner) for owner, _ in self._owners} == set(map(id, owners))

    def restore(self) -> None:
        """Put the originals back."""
        self.switch.on = False
        for owner, name in self._owners:
            original = getattr(vars(owner).get(name), _MARK, None)
            if original is None:
                continue
            delattr(owner, name)
            if getattr(owner, name, None) is not original:
                setattr(owner, name, original)
