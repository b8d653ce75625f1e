"""A value as a part of a sentence: what `str.format` makes of it, within bounds.

The built-in types that may be large are never turned into text whole: of a text of 10 MB its head is taken, of a
list as many elements as there is room for. Any other value is asked itself, as in every f-string: its
`__format__` and `__str__` are the program's code, and what they raise is for the caller to deal with.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final

from flightlog.core import classes, memo
from flightlog.core.numbers import digits

MOST: Final = 1_000
"""Characters of one value in a sentence."""
WIDEST: Final = 9_999
"""The greatest number in a format specification: a width of a billion would take a gigabyte."""
REDACTED: Final = "[REDACTED]"
"""What stands for a value that belongs to a secret's name."""

_OVERLAP: Final = 4_096
"""Characters past a cut that the gate looks at, so that no half secret stays before it."""
_DEEPEST: Final = 6
_PLAIN_STR: Final = vars(BaseException)["__str__"]
_args_of: Final = vars(BaseException)["args"].__get__
_BRACKETS: Final[dict[type, tuple[str, str]]] = {
    list: ("[", "]"),
    tuple: ("(", ")"),
    set: ("{", "}"),
    frozenset: ("frozenset({", "})"),
    dict: ("{", "}"),
}


def phrase(value: object, conversion: str | None = None, spec: str = "") -> str:
    """A value as text, as `str.format` would write it, but at most `MOST` characters of it.

    Args:
        value: anything.
        conversion: `r`, `s`, `a` or None.
        spec: a format specification.

    Raises:
        ValueError: the specification holds a number above `WIDEST`.
        Exception: whatever the value's own code raises.
    """
    if is_too_wide(spec):
        raise ValueError(f"no width above {WIDEST}")
    if conversion in {"r", "a"}:
        text = _shown(value, MOST, 0)
        value = short(text if conversion == "r" else text.encode("ascii", "backslashreplace").decode())
    elif conversion == "s" or not spec or type(value) is str:
        value = short(_said(value))
    if not spec:
        return str(value)
    # a secret that the specification cuts in half would be no secret to the gate
    return short(format(memo.redacted(value) if type(value) is str else value, spec))


def short(text: str, most: int = MOST) -> str:
    """At most so many characters; an ellipsis stands for the rest, and no half of a secret before it."""
    return text if len(text) <= most else memo.redacted(text[: most + _OVERLAP])[: max(0, most - 1)] + "…"


def is_too_wide(spec: str) -> bool:
    """Whether a format specification holds a number above `WIDEST`."""
    run = 0
    for character in spec:
        run = run + 1 if character.isdigit() and (run or character != "0") else 0
        if run > len(str(WIDEST)):
            return True
    return False


def is_secret(name: object) -> bool:
    """Whether what stands under this name is a secret, as the gate sees it."""
    return type(name) is str and memo.keys[name][1]


def _said(value: Any) -> str:
    """What `str` makes of it."""
    kind = type(value)
    if kind is str:
        return value  # type: ignore[no-any-return]  # its type was just asked
    if issubclass(kind, BaseException) and classes.declared(kind, "__str__") is _PLAIN_STR:
        args = _args_of(value)
        return _said(args[0]) if len(args) == 1 else _shown(args, MOST, 0) if args else ""
    if kind in _BRACKETS or kind in {int, bytes, bytearray}:
        return _shown(value, MOST, 0)
    return format(value)


def _shown(value: Any, room: int, depth: int) -> str:
    """What `repr` makes of it, and not much more of it than there is room for."""
    kind = type(value)
    if kind is int:
        return digits(value)
    if kind is str:
        return repr(short(value, room))
    if kind is bytes or kind is bytearray:
        return short(repr(value[: room + _OVERLAP]), room)
    if kind not in _BRACKETS:
        return short(repr(value))
    if not value:
        return repr(value)
    if depth > _DEEPEST or room <= 0:
        return "…"
    opening, closing = _BRACKETS[kind]
    whole = ", ".join(_within(_parts(value, room, depth), room))
    return f"{opening}{whole}{',' if kind is tuple and len(value) == 1 else ''}{closing}"


def _parts(value: Any, room: int, depth: int) -> Iterator[str]:
    """The elements or members of a container as texts, each told what room the ones before it left."""
    members = value.items() if type(value) is dict else value
    heads = list(islice(members, room + 1))  # in one step: other threads may write
    for head in heads:
        if type(value) is not dict:
            text = _shown(head, room, depth + 1)
        elif is_secret(head[0]):
            text = f"{head[0]!r}: {REDACTED!r}"
        else:
            text = f"{_shown(head[0], room, depth + 1)}: {_shown(head[1], room, depth + 1)}"
        room -= len(text) + 2
        yield text


def _within(parts: Iterable[str], room: int) -> Iterator[str]:
    for part in parts:
        if room <= 0:
            yield "…"
            return
        room -= len(part) + 2
        yield part
