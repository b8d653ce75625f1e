"""Values of a program become bounded, redacted JSON.

`Encoder.encode` turns any value into a fragment of JSON text at the moment it is handed over, so that a list
which the program changes afterwards does not change the record. Each text passes the gate as it is written,
and everything under a secret-named key is replaced whole. Nothing here raises: what cannot be encoded is
replaced by an object that says so, and counted.

Bounds: `Limits.value_bytes` characters a value, `Limits.nodes` nodes, `Limits.depth` levels. A text that is cut is
listed with its whole length and a keyed hash of the part that was kept, already redacted (`Cut`). The work is
bounded as the result is: of a container no more is taken than there are nodes left, and one more that tells
whether there is a rest.
"""

from __future__ import annotations

from _json import encode_basestring
from base64 import b64encode
from collections.abc import Callable, Iterable
from itertools import islice
from math import isfinite
from typing import Any, Final

from flightlog.border import let_through
from flightlog.core.outcome import said
from flightlog.core.ports import Gate

HIDDEN: Final = '"[REDACTED]"'
"""What stands for a value under a secret-named key."""

_REPR_CHARACTERS: Final = 1000
_ERROR_CHARACTERS: Final = 100
_DECIMAL_BITS: Final = 4096
"""Larger integers are written in hexadecimal: decimal takes quadratic time."""
_MAX_INT: Final = 2**63 - 1
_MIN_INT: Final = -(2**63)


class Limits:
    """How large a captured value may become."""

    __slots__ = ("depth", "nodes", "value_bytes")

    def __init__(self, value_bytes: int = 256 * 1024, nodes: int = 20_000, depth: int = 64) -> None:
        self.value_bytes = value_bytes
        """Most characters of all texts of one value together."""
        self.nodes = nodes
        """Most elements and members of one value."""
        self.depth = depth
        """Deepest nesting."""


class Cut:
    """A text that was too long, and what is known of it."""

    __slots__ = ("digest", "kept", "length", "path")

    def __init__(self, path: str, length: int, kept: int, digest: str) -> None:
        self.path = path
        self.length = length
        """Characters it had (bytes, for bytes)."""
        self.kept = kept
        self.digest = digest
        """Keyed hash of the kept, redacted text."""


def quote(text: str) -> str:
    """Write a text as a JSON string. The result never holds 0x1E, a line feed or NUL."""
    return encode_basestring(text)


def number(value: float) -> str:
    """Write a number as JSON; what JSON cannot hold (NaN, infinities, more than 64 bits) becomes a string."""
    if isinstance(value, int):
        if _MIN_INT <= value <= _MAX_INT:
            return int.__repr__(value)
        return f'"{value:#x}"' if value.bit_length() > _DECIMAL_BITS else f'"{int(value)}"'
    if isfinite(value):
        return repr(float(value))
    return f'"{float(value)!r}"'.replace("nan", "NaN").replace("inf", "Infinity")


class Encoder:
    """Encodes values for one gate and one set of limits; safe from any thread."""

    __slots__ = ("failed", "gate", "limits")

    def __init__(self, gate: Gate, limits: Limits, failed: Callable[[], object]) -> None:
        self.gate = gate
        self.limits = limits
        self.failed = failed
        """Called once for each value that could not be encoded."""

    def encode(self, value: object, path: str) -> tuple[str, list[Cut]]:
        """Turn a value into JSON text, and say what was cut.

        Args:
            value: anything at all.
            path: where it stands in the record, e.g. `input` or an attribute's key.
        """
        walk = _Walk(self.gate, self.limits)
        try:
            return walk.value(value, path, 0), walk.cuts
        except Exception as error:  # noqa: BLE001 - the border: a value must never break its program
            let_through(error)
            self.failed()
            return self._failure(error), walk.cuts

    def _failure(self, error: Exception) -> str:
        text = f"{type(error).__name__}: {said(error)}"
        redacted = self.gate.text("flightlog.capture_error", text)[:_ERROR_CHARACTERS]
        return f'{{"flightlog.capture_error":{quote(redacted)}}}'


class _Walk:
    """One value on its way to JSON: what is left of its budget, and the containers it is inside of."""

    __slots__ = ("characters", "cuts", "depth", "gate", "inside", "nodes")

    def __init__(self, gate: Gate, limits: Limits) -> None:
        self.gate = gate
        self.characters = limits.value_bytes
        self.nodes = limits.nodes
        self.depth = limits.depth
        self.inside: set[int] = set()
        self.cuts: list[Cut] = []

    def value(self, value: Any, path: str, depth: int) -> str:
        self.nodes -= 1
        write = _WRITERS.get(type(value)) or _writer_for(type(value))
        return write(self, value, path, depth)

    def text(self, text: str, path: str) -> str:
        """Redact, then cap, then hash: in this order, so that no hash speaks of a secret."""
        room = max(self.characters, 0)
        redacted = self.gate.text(path, text if len(text) <= room + _OVERLAP else text[: room + _OVERLAP])
        if len(redacted) > room or len(text) > room + _OVERLAP:
            kept = redacted[:room]
            digest = self.gate.digest(kept.encode(errors="replace"))
            self.cuts.append(Cut(path, len(text), len(kept), digest))
            redacted = kept
        self.characters -= len(redacted)
        return quote(redacted)

    def mapping(self, items: list[tuple[Any, Any]], whole: int | None, path: str, depth: int) -> str:
        """Write members; `whole` is how many there are, None where only those at hand are known."""
        parts = []
        for index, (key, value) in enumerate(items):
            if self.nodes <= 0 or self.characters <= 0:
                parts.append(f'"…":"{_rest(whole, len(items), index)}"')
                break
            name = key if type(key) is str else _key_text(key)
            if self.gate.hides(name):
                self.nodes -= 1
                parts.append(f"{self.text(name, '')}:{HIDDEN}")
            else:
                parts.append(f"{self.text(name, '')}:{self.value(value, f'{path}.{name}', depth + 1)}")
        return "{" + ",".join(parts) + "}"

    def sequence(self, items: list[Any] | tuple[Any, ...], whole: int | None, path: str, depth: int) -> str:
        """Write elements; `whole` as above."""
        parts = []
        for index, value in enumerate(items):
            if self.nodes <= 0 or self.characters <= 0:
                parts.append(f'"… {_rest(whole, len(items), index)}"')
                break
            parts.append(self.value(value, path, depth + 1))
        return "[" + ",".join(parts) + "]"

    def some(self, values: Iterable[Any]) -> tuple[list[Any], int | None]:
        """As many of the values as there are nodes left and one more, and their number if these are all."""
        most = self.nodes + 1 if self.nodes > 0 else 1
        taken = list(islice(values, most))
        return taken, len(taken) if len(taken) < most else None


def _rest(whole: int | None, taken: int, index: int) -> str:
    """Say how many were left out, where that is known."""
    return "more" if whole is None else f"{max(whole, taken) - index} more"


_OVERLAP: Final = 4096
"""A text that is cut is scanned this many characters past the cut, so that no half secret stays behind."""

_Writer = Callable[[_Walk, Any, str, int], str]


def _guarded(write: _Writer) -> _Writer:
    """Keep a container from being entered when it is too deep or inside itself."""

    def enter(walk: _Walk, value: Any, path: str, depth: int) -> str:
        if depth >= walk.depth:
            return '"… too deep"'
        if id(value) in walk.inside:
            return '"… itself"'
        walk.inside.add(id(value))
        try:
            return write(walk, value, path, depth)
        finally:
            walk.inside.discard(id(value))

    return enter


def _bytes(walk: _Walk, value: bytes | bytearray | memoryview, path: str, _depth: int) -> str:
    data = bytes(value[: max(walk.characters, 0)])
    if len(data) < len(value):
        walk.cuts.append(Cut(path, len(value), len(data), walk.gate.digest(data)))
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = "base64:" + b64encode(data).decode()
    return walk.text(text, path)


def _exception(walk: _Walk, value: BaseException, path: str, _depth: int) -> str:
    return f'{{"type":{walk.text(type(value).__qualname__, path)},"message":{walk.text(said(value), path)}}}'


def _dataclass(walk: _Walk, value: Any, path: str, depth: int) -> str:
    fields = type(value).__dataclass_fields__
    return walk.mapping([(name, getattr(value, name, None)) for name in fields], len(fields), path, depth)


def _struct(walk: _Walk, value: Any, path: str, depth: int) -> str:
    names = type(value).__struct_fields__
    return walk.mapping([(name, getattr(value, name)) for name in names], len(names), path, depth)


def _plain(walk: _Walk, value: Any, path: str, _depth: int) -> str:
    return walk.text(str(value), path)


def _named(walk: _Walk, value: Any, path: str, _depth: int) -> str:
    return walk.text(f"{value.__module__}.{value.__qualname__}", path)


def _other(walk: _Walk, value: Any, path: str, _depth: int) -> str:
    try:
        text = repr(value)
    except Exception as error:  # noqa: BLE001 - a repr is the program's code and may do anything
        let_through(error)
        text = f"<{type(value).__qualname__}, its repr raised {type(error).__name__}>"
    return walk.text(text if len(text) <= _REPR_CHARACTERS else text[:_REPR_CHARACTERS] + "…", path)


def _dict(walk: _Walk, value: dict[Any, Any], path: str, depth: int) -> str:
    whole = len(value)
    items = list(value.items()) if whole <= walk.nodes else walk.some(value.items())[0]
    return walk.mapping(items, whole, path, depth)


def _list(walk: _Walk, value: list[Any] | tuple[Any, ...], path: str, depth: int) -> str:
    return walk.sequence(value[: walk.nodes + 1 if walk.nodes > 0 else 1], len(value), path, depth)


def _set(walk: _Walk, value: Iterable[Any], path: str, depth: int) -> str:
    """Write a set in a stable order, so that two runs record the same text; one that is cut has none."""
    items, whole = walk.some(value)
    if whole is None:
        return walk.sequence(items, _length(value), path, depth)
    return walk.sequence(_in_order(items), whole, path, depth)


def _like_dict(walk: _Walk, value: Any, path: str, depth: int) -> str:
    """Write what has `items`, which is the program's code and may go on for ever."""
    items, whole = walk.some(value.items())
    return walk.mapping(items, _length(value) if whole is None else whole, path, depth)


def _like_list(walk: _Walk, value: Iterable[Any], path: str, depth: int) -> str:
    items, whole = walk.some(value)
    return walk.sequence(items, _length(value) if whole is None else whole, path, depth)


def _length(value: object) -> int | None:
    """The length of a container whose `len` is quick and true; that of a class of the program's may not be."""
    kind = type(value)
    return len(value) if kind.__module__ in {"builtins", "collections", "array"} else None  # type: ignore[arg-type]  # these have one


_mapping: Final = _guarded(_dict)
_sequence: Final = _guarded(_list)
_sorted_set: Final = _guarded(_set)
_any_mapping: Final = _guarded(_like_dict)
_any_sequence: Final = _guarded(_like_list)

_WRITERS: Final[dict[type, _Writer]] = {
    type(None): lambda _walk, _value, _path, _depth: "null",
    bool: lambda _walk, value, _path, _depth: "true" if value else "false",
    int: lambda _walk, value, _path, _depth: number(value),
    float: lambda _walk, value, _path, _depth: number(value),
    str: lambda walk, value, path, _depth: walk.text(value, path),
    bytes: _bytes,
    bytearray: _bytes,
    memoryview: _bytes,
    dict: _mapping,
    list: _sequence,
    tuple: _sequence,
    set: _sorted_set,
    frozenset: _sorted_set,
}
"""How each exact type is written; subclasses and other types are looked up once and remembered here."""

_MOST_TYPES: Final = 4096

_BY_NAME: Final[dict[tuple[str, str], _Writer]] = {
    ("datetime", "datetime"): lambda walk, value, path, _depth: walk.text(value.isoformat(), path),
    ("datetime", "date"): lambda walk, value, path, _depth: walk.text(value.isoformat(), path),
    ("datetime", "time"): lambda walk, value, path, _depth: walk.text(value.isoformat(), path),
    ("datetime", "timedelta"): lambda _walk, value, _path, _depth: number(value.total_seconds()),
    ("uuid", "UUID"): _plain,
    ("decimal", "Decimal"): _plain,
    ("fractions", "Fraction"): _plain,
    ("pathlib", "PurePath"): _plain,
    ("collections", "deque"): _any_sequence,
    ("array", "array"): _any_sequence,
    ("builtins", "dict_keys"): _any_sequence,
    ("builtins", "dict_values"): _any_sequence,
    ("builtins", "dict_items"): _any_sequence,
    ("enum", "Enum"): lambda walk, value, path, depth: walk.value(value.value, path, depth),
}
"""Classes of the standard library, by name so that none of their modules is imported for their sake."""


def _writer_for(kind: type) -> _Writer:
    """Decide how values of a class are written, once a class."""
    write = _classify(kind)
    if len(_WRITERS) < _MOST_TYPES:
        _WRITERS[kind] = write
    return write


def _classify(kind: type) -> _Writer:
    if "__dataclass_fields__" in dir(kind):
        return _guarded(_dataclass)
    if hasattr(kind, "__struct_fields__"):
        return _guarded(_struct)
    if issubclass(kind, BaseException):
        return _exception
    for base in kind.__mro__:
        module = base.__module__.partition(".")[0]
        if (write := _BY_NAME.get((module, base.__qualname__))) is not None:
            return write
    if issubclass(kind, type) or kind.__name__ in {"function", "builtin_function_or_method", "method"}:
        return _named
    for base in (bool, int, float, str, bytes, set, frozenset):
        if issubclass(kind, base):
            return _WRITERS[base]
    if issubclass(kind, dict):
        return _any_mapping
    return _any_sequence if issubclass(kind, (list, tuple)) else _other


def _in_order(values: list[Any]) -> list[Any]:
    """Values in their own order where they have one."""
    try:
        return sorted(values)
    except Exception as failure:  # noqa: BLE001 - comparisons are the program's code and may do anything
        let_through(failure)
        return values


def _key_text(key: object) -> str:
    if key is None or isinstance(key, (int, float)):
        return str(key)
    try:
        return repr(key)[:_REPR_CHARACTERS]
    except Exception as failure:  # noqa: BLE001 - as above
        let_through(failure)
        return f"<{type(key).__qualname__}>"
