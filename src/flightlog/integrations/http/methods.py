"""Methods of other people's classes, replaced while they are recorded and put back as they were.

A wrapper that somebody else has wrapped in turn cannot be taken out again; it is switched off instead.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from types import MethodType
from typing import Any, Final
from weakref import WeakKeyDictionary
from weakref import ref as weakref

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


class _Alone(Switch):
    """The switch of one object: its class has a wrapper of its own while the whole library is recorded."""

    __slots__ = ("_has_class", "_is_wanted")

    def __init__(self, has_class: Callable[[], bool]) -> None:
        self._has_class = has_class
        self._is_wanted = True

    @property
    def on(self) -> bool:  # type: ignore[override]  # it is read, and never set
        """Whether the object's own wrapper is to record."""
        return self._is_wanted and not self._has_class()

    def off(self) -> None:
        """Record no longer."""
        self._is_wanted = False


class Singles:
    """Single objects of one library that are recorded while others are left alone."""

    def __init__(self, has_class: Callable[[Any], bool]) -> None:
        """Know the library.

        Args:
            has_class: whether the class of an object is recorded now, and the object with it.
        """
        self._has_class = has_class
        self._known: WeakKeyDictionary[Any, tuple[str, _Alone]] = WeakKeyDictionary()

    def put(self, client: Any, name: str, make: Callable[[Any, Switch], Any]) -> bool:
        """Replace a method of one object; False if that is so already.

        Args:
            client: the object.
            name: of the method.
            make: makes the wrapper of the original.
        """
        if client in self._known:
            return False
        kind = type(client)
        behind = weakref(client)
        switch = _Alone(lambda: self._has_class(behind()))

        def original(this: Any, *args: Any, **kwargs: Any) -> Any:
            return getattr(kind, name)(this, *args, **kwargs)

        wrapper = functools.update_wrapper(make(original, switch), getattr(kind, name))
        setattr(wrapper, _MARK, original)
        vars(client)[name] = MethodType(wrapper, client)
        vars(client)["__getstate__"] = MethodType(_without_ours, client)
        self._known[client] = name, switch
        return True

    @property
    def are_none(self) -> bool:
        """Whether no object is recorded by itself."""
        return not self._known

    def take_back(self, client: Any) -> None:
        """Leave the object as it was; twice is harmless."""
        name, switch = self._known.pop(client, ("", None))
        if switch is None:
            return
        switch.off()
        for one in (name, "__getstate__"):
            if _is_ours(vars(client).get(one)):
                del vars(client)[one]


def _without_ours(client: Any) -> Any:
    """What a copy of one object takes over: not our methods, which would make the requests of that one."""
    kind: Any = type(client)
    state = kind.__getstate__(client)
    if not isinstance(state, dict):
        return state
    return {name: value for name, value in state.items() if not _is_ours(value)}


def _is_ours(value: object) -> bool:
    return hasattr(value, _MARK) or getattr(value, "__func__", None) is _without_ours
