"""Containers of the language, and everything derived from them, as JSON arrays and objects.

A class of the program may be derived from `dict` or `list` and say anything of what is in it. Here the content is
read by the methods of the built-in base, which tell what is there and end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from flightlog.border import let_through
from flightlog.core import classes

if TYPE_CHECKING:
    from flightlog.core.capture import Walk

Writer = Callable[["Walk", Any, str, int], str]
"""Writes one value: the walk, the value, where it stands, and how deep."""

_ORDERED: Final = frozenset({str, int, float, bytes})
"""Types whose values can be compared, and hashed, without any code of the program."""


def guarded(write: Writer) -> Writer:
    """Keep a container from being entered when it is too deep or inside itself."""

    def enter(walk: Walk, value: Any, path: str, depth: int) -> str:
        if depth >= walk.depth:
            return '"… too deep"'
        if id(value) in walk.inside:
            return '"… itself"'
        walk.inside.add(id(value))
        try:
            return write(walk, value, path, depth)
        except Exception as error:  # noqa: BLE001 - the border: what stands beside this container is kept
            let_through(error)
            return walk.encoder.failure(error)
        finally:
            walk.inside.discard(id(value))

    return enter


def _dict(walk: Walk, value: dict[Any, Any], path: str, depth: int) -> str:
    whole = dict.__len__(value)
    items = list(dict.items(value)) if whole <= walk.nodes else walk.some(dict.items(value))
    return walk.mapping(items, whole, path, depth)


def _ordered_dict(walk: Walk, value: Any, path: str, depth: int) -> str:
    """Keep the order of an `OrderedDict`, which is its own; walking it hashes keys, so those must be plain."""
    items = walk.some(dict.items(value))
    if len(items) == dict.__len__(value) and all(type(key) in _ORDERED for key, _ in items):
        items = list(type(value).items(value))
    return walk.mapping(items, dict.__len__(value), path, depth)


def _list(walk: Walk, value: list[Any], path: str, depth: int) -> str:
    whole = list.__len__(value)
    items = (
        list.copy(value) if whole <= walk.nodes else list.__getitem__(value, slice(max(walk.nodes, 0) + 1))
    )
    return walk.sequence(items, whole, path, depth)


def _tuple(walk: Walk, value: tuple[Any, ...], path: str, depth: int) -> str:
    return walk.sequence(
        tuple.__getitem__(value, slice(max(walk.nodes, 0) + 1)), tuple.__len__(value), path, depth
    )


def _set(walk: Walk, value: Any, path: str, depth: int) -> str:
    """Write a set in a stable order, so that two runs record the same text; one that is cut has none.

    Elements that the program taught to compare are put in the order of their JSON: comparing is its code.
    """
    base: Any = set if issubclass(type(value), set) else frozenset
    whole = base.__len__(value)
    items = walk.some(base.__iter__(value))
    if whole > walk.nodes:
        return walk.sequence(items, whole, path, depth)
    if len({type(item) for item in items}) == 1 and type(items[0]) in _ORDERED:
        return walk.sequence(sorted(items), whole, path, depth)
    texts = [walk.value(item, path, depth + 1) for item in items]
    return f"[{','.join(sorted(texts))}]"


def like_sequence(base: type) -> Writer:
    """Make the writer for a container of the standard library that is read by iterating as its base does."""
    iterate, length = classes.members(base)["__iter__"], classes.members(base)["__len__"]

    def write(walk: Walk, value: Any, path: str, depth: int) -> str:
        return walk.sequence(walk.some(iterate(value)), length(value), path, depth)

    return guarded(write)


def fields_of_tuple(names: tuple[str, ...]) -> Writer:
    """Make the writer for a namedtuple."""

    def write(walk: Walk, value: Any, path: str, depth: int) -> str:
        items = list(zip(names, tuple.__iter__(value), strict=False))
        return walk.mapping(items, len(items), path, depth)

    return guarded(write)


mapping: Final = guarded(_dict)
ordered_mapping: Final = guarded(_ordered_dict)
array: Final = guarded(_list)
fixed_array: Final = guarded(_tuple)
sorted_array: Final = guarded(_set)
