"""How each type is written: the decision, once a type.

The types that nearly every value is made of stand in `WRITERS`. For any other class the first of these that knows it
decides: summaries of arrays and tables, records with named fields, the standard library, the built-in type that
it is derived from, and at last what an object holds. Decisions are remembered, and forgotten with their class.
"""

from __future__ import annotations

from _weakref import ref
from base64 import b64encode
from typing import TYPE_CHECKING, Any, Final

from flightlog.core import classes, media
from flightlog.core.containers import (
    Writer,
    array,
    fields_of_tuple,
    fixed_array,
    guarded,
    mapping,
    sorted_array,
)
from flightlog.core.numbers import digits, number
from flightlog.core.objects import instance, record
from flightlog.core.outcome import said
from flightlog.core.standard import standard
from flightlog.core.summaries import summary

if TYPE_CHECKING:
    from flightlog.core.capture import Walk

KEY_CHARACTERS: Final = 1000
"""Characters that are kept of a key that is no text."""
_KEY_ROOM: Final = KEY_CHARACTERS + 4096
"""Characters of such a key that are read: what is kept is redacted together with what follows it."""
_KEY_PARTS: Final = 16
_SHORTEST: Final = media.SHORTEST
_LONGEST_CHARACTER: Final = 4
"""Bytes of the longest character in UTF-8."""
_MOST_TYPES: Final = 4096

_exact_int: Final = int.__int__
_exact_float: Final = float.__float__
_exact_str: Final = str.__str__


def _text(walk: Walk, value: str, path: str, depth: int) -> str:
    if len(value) > _SHORTEST:
        told = media.of_text(value)
        if told is not None:
            return media.write(walk, told, path, depth)
        room = max(walk.characters, 0)
        if value.find(media.MARK, 0, room) >= 0:
            value = media.without_embedded(value, room, walk)
    return walk.text(value, path)


def _bytes(walk: Walk, value: Any, path: str, depth: int) -> str:
    told = media.of_bytes(value)
    if told is not None:
        return media.write(walk, told, path, depth)
    room = _LONGEST_CHARACTER * (max(walk.characters, 0) + 1)
    data = bytes(value[:room])
    whole = len(value) if len(data) < len(value) else None
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        if whole is not None and error.start > len(data) - 4:  # the cut went through a character
            text = data[: error.start].decode()
        else:
            text = "base64:" + b64encode(data).decode()
    return walk.text(text, path, whole)


def _memory(walk: Walk, value: memoryview, path: str, depth: int) -> str:
    if not value.contiguous:
        return walk.text(f"<memoryview, {value.nbytes} bytes>", path)
    return _bytes(walk, value.cast("B"), path, depth)


def _exception(walk: Walk, value: BaseException, path: str, depth: int) -> str:
    items = [("type", classes.short_name(type(value))), ("message", said(value))]
    return walk.mapping(items, len(items), path, depth)


def _class(walk: Walk, value: type, path: str, _depth: int) -> str:
    return walk.text(f"{classes.module_of(value)}.{classes.short_name(value)}".lstrip("."), path)


def _reference(walk: Walk, value: Any, path: str, _depth: int) -> str:
    target = value()
    return walk.text(
        "<weakref, dead>" if target is None else f"<weakref to {classes.full_name(type(target))}>", path
    )


WRITERS: Final[dict[type, Writer]] = {
    type(None): lambda _walk, _value, _path, _depth: "null",
    bool: lambda _walk, value, _path, _depth: "true" if value else "false",
    int: lambda _walk, value, _path, _depth: number(value),
    float: lambda _walk, value, _path, _depth: number(value),
    str: _text,
    bytes: _bytes,
    bytearray: _bytes,
    memoryview: _memory,
    dict: mapping,
    list: array,
    tuple: fixed_array,
    set: sorted_array,
    frozenset: sorted_array,
    type: _class,
    ref: _reference,
}
"""By exact type."""

_found: Final[dict[int, tuple[Any, Writer]]] = {}
"""What was decided for other classes, by their identity (a class may be unhashable), each with a weak reference
that takes it out again."""


def writer_for(kind: type) -> Writer:
    """Decide how values of a class are written."""
    known = _found.get(id(kind))
    if known is not None:
        return known[1]
    write = _classify(kind)
    key = id(kind)
    if len(_found) < _MOST_TYPES:
        _found[key] = (ref(kind, lambda _: _found.pop(key, None)), write)
    return write


def _classify(kind: type) -> Writer:
    decided = summary(kind) or record(kind)
    if decided is None and issubclass(kind, tuple):
        names = classes.declared(kind, "_fields")
        if type(names) is tuple and all(type(name) is str for name in names):
            return fields_of_tuple(names)
    return decided or _derived(kind) or standard(kind) or instance(kind)


def _derived(kind: type) -> Writer | None:
    """The writer for a class that is derived from a built-in one which says what its values are."""
    if issubclass(kind, BaseException):
        return guarded(_exception)
    if issubclass(kind, str):
        return lambda walk, value, path, depth: _text(walk, _exact_str(value), path, depth)
    if issubclass(kind, int):
        return lambda _walk, value, _path, _depth: number(_exact_int(value))
    if issubclass(kind, float):
        return lambda _walk, value, _path, _depth: number(_exact_float(value))
    for raw in (bytes, bytearray):
        if issubclass(kind, raw):
            part = raw.__getitem__
            return lambda walk, value, path, depth: _bytes(walk, part(value, slice(None)), path, depth)
    for base, write in ((list, array), (tuple, fixed_array), (set, sorted_array), (frozenset, sorted_array)):
        if issubclass(kind, base):
            return write
    return _class if issubclass(kind, type) else None


def key_text(key: Any) -> str:
    """What stands for a key that is no text: as much of it as can be told without code of the program."""
    kind = type(key)
    if issubclass(kind, str):
        return _exact_str(key)
    if key is None or kind is bool or kind is float:
        return str(key)
    if issubclass(kind, int):
        return digits(_exact_int(key))[:_KEY_ROOM]
    if kind is bytes:
        return bytes.decode(key[:_KEY_ROOM], errors="replace")
    if issubclass(kind, tuple):
        parts = [key_text(part) for part in tuple.__getitem__(key, slice(_KEY_PARTS))]
        return f"({', '.join(parts)})"[:_KEY_ROOM]
    return _name_of_key(kind, key)


def _name_of_key(kind: type, key: Any) -> str:
    if issubclass(kind, type):
        return classes.full_name(key)
    base = classes.base_named(kind, "enum", "Enum")
    if base is not None:
        return f"{classes.short_name(kind)}.{dict(classes.State(base).pick(key, ('_name_',))).get('_name_')}"
    for module, name in _TEXT_KEYS:
        if (base := classes.base_named(kind, module, name)) is not None:
            return str(classes.members(base)["__str__"](key))[:_KEY_ROOM]
    return f"<{classes.full_name(kind)}>"


_TEXT_KEYS: Final = (
    ("datetime", "date"),
    ("uuid", "UUID"),
    ("pathlib", "PurePath"),
    ("decimal", "Decimal"),
)
"""Classes of keys whose own text is short and made by the library."""
