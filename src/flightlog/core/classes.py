"""Looks into classes and instances of the program without running any code of the program.

`getattr`, `hasattr`, `isinstance`, `vars` and even `__mro__` can all be taken over by a class or its metaclass. The
functions here go past that: they use the descriptors that the interpreter itself put into `type` and into each
class with state (`__dict__` and one member for each slot). So nothing here can loop, raise on the program's
behalf, load lazily or change what it looks at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from sys import stdlib_module_names
from types import GetSetDescriptorType, MemberDescriptorType, TracebackType
from typing import Any, Final, cast

MISSING: Final = object()
"""Stands for an attribute that an instance does not have."""

PLAIN_GETTERS: Final[set[object]] = set()
"""Getters in C, of classes of ours, that do no more than say what the instance holds."""

mro: Final = cast("Callable[[type], tuple[type, ...]]", vars(type)["__mro__"].__get__)
"""The classes of a class in the order of their resolution, itself first."""

members: Final = cast("Callable[[type], Mapping[str, Any]]", vars(type)["__dict__"].__get__)
"""What stands in the body of one class."""

traceback_of: Final = cast(
    "Callable[[BaseException], TracebackType | None]", vars(BaseException)["__traceback__"].__get__
)
"""Where an exception came through; its class may have taken over how attributes are found."""

_qualname: Final = cast("Callable[[type], str]", vars(type)["__qualname__"].__get__)
_module: Final = cast("Callable[[type], object]", vars(type)["__module__"].__get__)


def module_of(kind: type) -> str:
    """The module that a class says it is from; empty where it says something else than a text."""
    try:
        module = _module(kind)
    except AttributeError:
        return ""
    return module if type(module) is str else ""


def short_name(kind: type) -> str:
    """The name of a class within its module."""
    return _qualname(kind)


def full_name(kind: type) -> str:
    """The name of a class with its module, which is left out for what is built in."""
    module = module_of(kind)
    return _qualname(kind) if module in {"", "builtins"} else f"{module}.{_qualname(kind)}"


def declared(kind: type, name: str) -> Any:
    """What the class or the nearest of its bases has in its body under this name, as it stands there."""
    for base in mro(kind):
        found = members(base).get(name, MISSING)
        if found is not MISSING:
            return found
    return MISSING


def base_named(kind: type, module: str, name: str) -> type | None:
    """The class itself or the nearest of its bases with this name, from this top-level module."""
    for base in mro(kind):
        if _qualname(base) == name and module_of(base).partition(".")[0] == module:
            return base
    return None


_plain: Final = object.__getattribute__
"""Finds a descriptor in the class before anything else, and so runs nothing but that."""


class State:
    """Where the instances of one class keep what they hold: their dictionary and their slots."""

    __slots__ = ("_dictionary", "_slots")

    def __init__(self, kind: type) -> None:
        self._slots: dict[str, Callable[[Any], Any]] = {}
        self._dictionary: Callable[[Any], dict[Any, Any]] | None = None
        for base in reversed(mro(kind)):
            for name, member in members(base).items():
                if type(member) not in {MemberDescriptorType, GetSetDescriptorType}:
                    continue
                if name == "__dict__":
                    self._dictionary = _reader(kind, name, member)
                elif not name.startswith("__") and (
                    type(member) is MemberDescriptorType or member in PLAIN_GETTERS
                ):
                    self._slots[name] = _reader(kind, name, member)

    def get(self, value: object, name: str) -> Any:
        """One attribute that the instance itself holds, or `MISSING`."""
        if self._dictionary is not None:
            found = dict.get(self._dictionary(value), name, MISSING)
            if found is not MISSING:
                return found
        return self._slot(value, name) if name in self._slots else MISSING

    def pick(self, value: object, names: Iterable[str]) -> list[tuple[str, Any]]:
        """The attributes of these names that the instance holds, in this order."""
        found = [(name, self.get(value, name)) for name in names]
        return [item for item in found if item[1] is not MISSING]

    def all(self, value: object, most: int) -> list[tuple[str, Any]]:
        """What the instance holds, without names of the language's own (`__x__`): `most` attributes or fewer."""
        found = self.pick(value, self._slots)
        if self._dictionary is not None:
            held = self._dictionary(value)
            names = list(islice(dict.keys(held), 2 * most))  # in one step: other threads may write
            found += self.pick(value, [n for n in names if type(n) is str and not n.startswith("__")])
        return found[:most]

    def _slot(self, value: object, name: str) -> Any:
        try:
            return self._slots[name](value)
        except AttributeError:  # a slot that was never filled
            return MISSING


def _reader(kind: type, name: str, member: Any) -> Callable[[Any], Any]:
    """What reads one member; it does not keep the class alive, as its descriptor would, unless it has to."""
    if declared(kind, name) is member and module_of(kind) not in stdlib_module_names:
        return lambda value: _plain(value, name)
    return cast("Callable[[Any], Any]", member.__get__)
