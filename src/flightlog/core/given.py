"""What a record can give back: which values it holds as they were, and what it holds of a result or an exception."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from flightlog.border import let_through
from flightlog.core import media
from flightlog.core.classes import full_name
from flightlog.core.fields import decoded
from flightlog.core.memo import captured
from flightlog.core.outcome import said
from flightlog.core.rerun import LOST, Unmakeable

if TYPE_CHECKING:
    from flightlog.records.span import Span as Record

NOTHING: Final = ...
"""There is no answer. (A result may well be None; one that is an ellipsis is none that a record gives back.)"""

_MAX_INT: Final = 2**63 - 1
_MIN_INT: Final = -(2**63)
_PLAIN: Final = frozenset({bool, type(None)})
_MOST_NODES: Final = 20_000
"""Nodes that a captured value may have; of more its record says that they were cut."""


def lost_of(value: object, path: str = "$") -> str:
    """What of a value its record cannot give back, and where; empty for JSON values."""
    rest: list[tuple[str, Any]] = [(path, value)]
    left = _MOST_NODES
    while rest:
        place, one = rest.pop()
        kind = type(one)
        left -= 1
        if left < 0:
            return f"more than {_MOST_NODES} values in it"
        if kind is dict:
            for key, member in one.items():
                if type(key) is not str:
                    return f"a key that is no text ({full_name(type(key))}) at {place}"
                if lost := _lost_of_text(key):
                    return f"{lost} in a key at {place}"
                rest.append((f"{place}.{key}", member))
        elif kind is list:
            rest += [(f"{place}[{at}]", member) for at, member in enumerate(one)]
        elif kind is str:
            if lost := _lost_of_text(one):
                return f"{lost} at {place}"
        elif not _is_plain(kind, one):
            shown = f"the float {one!r}" if kind is float else f"a value of {full_name(kind)}"
            return f"{shown} at {place}"
    return ""


def _is_plain(kind: type, value: Any) -> bool:
    if kind is int:
        return bool(_MIN_INT <= value <= _MAX_INT)
    return kind in _PLAIN or (kind is float and isfinite(value))


def _lost_of_text(text: str) -> str:
    if len(text) > media.SHORTEST and (media.MARK in text or media.of_text(text) is not None):
        return "an image, sound or document"
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return "half a letter"
    return ""


def kept_of(value: Any) -> Any:
    """A value as it is now: one that the program can change is captured, with the rest of what a record knows."""
    if type(value) in (str, int, float, bool, type(None)):
        return value
    fragment, cuts = captured(value, "output")
    return f"[{len(cuts)} texts cut]" if cuts else decoded(fragment)


def outcome_of(record: Record, decode: Callable[[Any], Any] | None) -> tuple[Any, BaseException | None]:
    """The result of a recorded call, or the exception that it raised.

    Raises:
        Unmakeable: neither can be made of what is recorded.
    """
    if record.error is not None or record.status != "ok":
        return None, error_of(record)
    return _decoded(record, record.output, decode), None


def pieces_of(record: Record, decode: Callable[[Any], Any] | None) -> Iterator[Any]:
    """The pieces of a recorded generator.

    Raises:
        Unmakeable: they cannot be made of what is recorded.
    """
    output = record.output
    if not isinstance(output, list):
        raise Unmakeable("its pieces are not recorded")
    if record.error is not None:
        error_of(record)
    elif record.status != "ok":
        raise Unmakeable(f"it was left as {record.status}")
    return iter([_decoded(record, piece, decode) for piece in output])


def _decoded(record: Record, value: Any, decode: Callable[[Any], Any] | None) -> Any:
    lost = record.attributes.get(LOST)
    if decode is None:
        if lost:
            raise Unmakeable(
                f"its result had {lost}, which no record gives back; `decode` could make it anew"
            )
        return value
    try:
        return decode(value)
    except Exception as error:
        let_through(error)
        raise Unmakeable(f"its `decode` failed ({full_name(type(error))}: {said(error)})") from error


def error_of(record: Record) -> BaseException:
    """The exception that a recorded call raised, made anew: the same class with the same message.

    Raises:
        Unmakeable: there is no such class here, or it makes another message.
    """
    fault = record.error
    if fault is None:
        raise Unmakeable(f"it was left as {record.status}")
    kind = _class_named(fault.type)
    if kind is None:
        raise Unmakeable(f"it raised {fault.type}, which is no exception that is known here")
    for arguments in _arguments(kind, fault.message):
        try:
            made = kind(*arguments)
        except Exception as error:  # noqa: BLE001 - a class of the program's, made in the simplest ways
            let_through(error)
            continue
        if said(made) == fault.message:
            return made
    raise Unmakeable(f"it raised {fault.type}, which cannot be made of its message alone")


def _arguments(kind: type, message: str) -> Iterator[tuple[object, ...]]:
    """What an exception of this class that says this may have been made with, the likeliest first."""
    number, _, rest = message.removeprefix("[Errno ").partition("] ")
    if issubclass(kind, OSError) and message.startswith("[Errno ") and number.isdecimal():
        yield int(number), rest
    if not message:
        yield ()
    yield (message,)
    if message[:1] in ("'", '"') and message[-1:] == message[:1]:  # a KeyError says its key as code
        yield (message[1:-1].encode().decode("unicode_escape") if "\\" in message else message[1:-1],)
    if message.lstrip("-").isdecimal():
        yield (int(message),)


def _class_named(name: str) -> type[BaseException] | None:
    """The exception class of this full name, of a module that is loaded."""
    module, _, short = name.rpartition(".")
    while True:
        found: Any = sys.modules.get(module or "builtins")
        if found is not None:
            for part in short.split("."):
                found = getattr(found, part, None)
            return found if isinstance(found, type) and issubclass(found, BaseException) else None
        if not module:
            return None if name.startswith("__main__.") else _class_named(f"__main__.{name}")
        module, _, head = module.rpartition(".")
        short = f"{head}.{short}"
