"""Values of the standard library as JSON: what a reader would write for them.

Classes are known by name, so that none of their modules is imported for their sake, and read by the methods of
the library's own class, so that a class derived from it runs no code of the program.
"""

from __future__ import annotations

from collections.abc import Callable
from gc import get_referents
from typing import TYPE_CHECKING, Any, Final

from flightlog.core import classes
from flightlog.core.classes import MISSING, State, full_name
from flightlog.core.containers import Writer, guarded, like_sequence, mapping, ordered_mapping
from flightlog.core.numbers import digits, number
from flightlog.core.objects import CLASS, nameless

if TYPE_CHECKING:
    from flightlog.core.capture import Walk

_LIBRARY_ZONES: Final = frozenset({"datetime", "zoneinfo", "pytz", "dateutil", "pendulum"})
"""Where time zones come from whose offset is asked for; a zone of the program's own is named only."""
_MACHINERY: Final = frozenset(
    {
        "_thread",
        "asyncio",
        "builtins",
        "concurrent",
        "contextvars",
        "multiprocessing",
        "queue",
        "selectors",
        "ssl",
        "threading",
    },
)
"""Modules whose own classes run, wait or hold a resource: what is in them says nothing about the work."""
_DECIMAL_BYTES: Final = 1024
"""Decimals that take more memory are not written out: 2,000 digits and more."""


def _by_method(base: type, method: str) -> Writer:
    """Write the text that the library's own method makes."""
    make = classes.declared(base, method)
    return lambda walk, value, path, _depth: walk.text(make(value), path)


def _date_or_time(base: type) -> Writer:
    read = classes.members(base)
    iso, zone = read["isoformat"], read["tzinfo"].__get__

    def write(walk: Walk, value: Any, path: str, _depth: int) -> str:
        kind = type(zone(value))
        if kind is type(None) or classes.module_of(kind).partition(".")[0] in _LIBRARY_ZONES:
            return walk.text(iso(value), path)
        return walk.text(f"{iso(read['replace'](value, tzinfo=None))}[{full_name(kind)}]", path)

    return write


def _timedelta(base: type) -> Writer:
    seconds = classes.members(base)["total_seconds"]
    return lambda _walk, value, _path, _depth: number(seconds(value))


def _decimal(base: type) -> Writer:
    text, size = classes.members(base)["__str__"], classes.members(base)["__sizeof__"]

    def write(walk: Walk, value: Any, path: str, _depth: int) -> str:
        return walk.text(
            text(value) if size(value) <= _DECIMAL_BYTES else "<decimal.Decimal, very long>", path
        )

    return write


def _fraction(base: type) -> Writer:
    state = State(base)

    def write(walk: Walk, value: Any, path: str, _depth: int) -> str:
        parts = [digits(part) for _, part in state.pick(value, ("_numerator", "_denominator"))]
        return walk.text("/".join(parts) if parts[1:] != ["1"] else parts[0], path)

    return write


def _enum(base: type) -> Writer:
    state = State(base)

    def write(walk: Walk, value: Any, path: str, depth: int) -> str:
        items = [(name.strip("_"), held) for name, held in state.pick(value, ("_name_", "_value_"))]
        return walk.mapping([("type", classes.short_name(type(value))), *items], 3, path, depth)

    return guarded(write)


def _around(attribute: str) -> Callable[[type], Writer]:
    """Write a wrapper as what it wraps."""

    def make(base: type) -> Writer:
        state = State(base)

        def write(walk: Walk, value: Any, path: str, depth: int) -> str:
            inner = state.get(value, attribute)
            return (
                nameless(type(value))(walk, value, path, depth)
                if inner is MISSING
                else walk.value(inner, path, depth)
            )

        return guarded(write)

    return make


def _proxy(_base: type) -> Writer:
    """Write a read-only view as the mapping behind it, which only the garbage collector tells without asking it."""

    def write(walk: Walk, value: Any, path: str, depth: int) -> str:
        (inner,) = get_referents(value)
        return walk.value(inner, path, depth)

    return guarded(write)


def _partial(base: type) -> Writer:
    state = State(base)

    def write(walk: Walk, value: Any, path: str, depth: int) -> str:
        items = state.pick(value, ("func", "args", "keywords"))
        return walk.mapping([(CLASS, "functools.partial"), *items], len(items) + 1, path, depth)

    return guarded(write)


def _pattern(base: type) -> Writer:
    source = classes.members(base)["pattern"].__get__
    return lambda walk, value, path, depth: walk.value(source(value), path, depth)


def _named(base: type) -> Writer:
    """Write a function or method as the place where it is defined."""
    state = classes.members(base)

    def write(walk: Walk, value: Any, path: str, _depth: int) -> str:
        told = value if "__func__" not in state else state["__func__"].__get__(value)
        if type(told).__name__ not in {"function", "builtin_function_or_method"}:
            return walk.text(f"<{full_name(type(value))}>", path)
        module = told.__module__
        return walk.text(f"{module}.{told.__qualname__}" if type(module) is str else told.__qualname__, path)

    return write


def _running(base: type) -> Writer:
    """Write what runs (a generator, a coroutine) by the name of its function; it is never advanced."""
    of, name = classes.members(base)["__qualname__"].__get__, classes.short_name(base)
    return lambda walk, value, path, _depth: walk.text(f"<{name} {of(value)}>", path)


def _module(base: type) -> Writer:
    state = State(base)

    def write(walk: Walk, value: Any, path: str, _depth: int) -> str:
        name = dict(state.pick(value, ("__name__",))).get("__name__")
        return walk.text(f"<module {name}>" if type(name) is str else "<module>", path)

    return write


def _text_file(base: type) -> Writer:
    """Write an open file by its class, its path and its mode; a file of the program's own only by its class."""
    inner = classes.members(base)["buffer" if classes.short_name(base) == "TextIOWrapper" else "raw"].__get__

    def write(walk: Walk, value: Any, path: str, depth: int) -> str:
        raw = inner(value)
        while classes.short_name(type(raw)) in {"BufferedReader", "BufferedWriter", "BufferedRandom"}:
            raw = raw.raw
        if full_name(type(raw)) != "_io.FileIO":
            return walk.text(f"<{full_name(type(value))}>", path)
        items = [(CLASS, full_name(type(value))), ("name", raw.name), ("mode", raw.mode)]
        return walk.mapping(items, len(items), path, depth)

    return guarded(write)


def _simple_c(base: type) -> Writer:
    """Write a number of `ctypes`; a pointer is not followed."""
    read = classes.members(base)["value"].__get__

    def write(walk: Walk, value: Any, path: str, depth: int) -> str:
        if classes.declared(type(value), "_type_") not in set("cbBhHiIlLqQfd?g"):
            return walk.text(f"<{full_name(type(value))}>", path)
        return walk.value(read(value), path, depth)

    return write


def _hidden(_base: type) -> Writer:
    return lambda walk, _value, _path, _depth: walk.hidden()


_BY_NAME: Final[dict[tuple[str, str], Callable[[type], Writer]]] = {
    ("datetime", "datetime"): _date_or_time,
    ("datetime", "date"): lambda base: _by_method(base, "isoformat"),
    ("datetime", "time"): _date_or_time,
    ("datetime", "timedelta"): _timedelta,
    ("datetime", "timezone"): lambda base: _by_method(base, "__str__"),
    ("zoneinfo", "ZoneInfo"): lambda base: _by_method(base, "__str__"),
    ("uuid", "UUID"): lambda base: _by_method(base, "__str__"),
    ("ipaddress", "_BaseAddress"): lambda base: _by_method(base, "__str__"),
    ("ipaddress", "_BaseNetwork"): lambda base: _by_method(base, "__str__"),
    ("pathlib", "PurePath"): lambda base: _by_method(base, "__str__"),
    ("decimal", "Decimal"): _decimal,
    ("fractions", "Fraction"): _fraction,
    ("enum", "Enum"): _enum,
    ("collections", "deque"): like_sequence,
    ("array", "array"): like_sequence,
    ("builtins", "dict_keys"): like_sequence,
    ("builtins", "dict_values"): like_sequence,
    ("builtins", "dict_items"): like_sequence,
    ("builtins", "mappingproxy"): _proxy,
    ("builtins", "range"): lambda base: _by_method(base, "__repr__"),
    ("builtins", "complex"): lambda base: _by_method(base, "__repr__"),
    ("builtins", "ellipsis"): lambda base: _by_method(base, "__repr__"),
    ("builtins", "function"): _named,
    ("builtins", "builtin_function_or_method"): _named,
    ("builtins", "method"): _named,
    ("builtins", "module"): _module,
    ("builtins", "generator"): _running,
    ("builtins", "coroutine"): _running,
    ("builtins", "async_generator"): _running,
    ("collections", "UserDict"): _around("data"),
    ("collections", "UserList"): _around("data"),
    ("collections", "UserString"): _around("data"),
    ("functools", "partial"): _partial,
    ("re", "Pattern"): _pattern,
    ("pandas", "NaTType"): lambda base: _by_method(base, "__str__"),
    ("pandas", "NAType"): lambda base: _by_method(base, "__str__"),
    ("polars", "LazyFrame"): nameless,
    ("_io", "TextIOWrapper"): _text_file,
    ("_io", "BufferedReader"): _text_file,
    ("_io", "BufferedWriter"): _text_file,
    ("_io", "BufferedRandom"): _text_file,
    ("_ctypes", "_SimpleCData"): _simple_c,
    ("pydantic", "_SecretBase"): _hidden,
    ("pydantic", "_SecretField"): _hidden,
    ("pydantic", "SecretStr"): _hidden,
    ("pydantic", "SecretBytes"): _hidden,
}
"""Module and class to what makes the writer for it and for everything derived from it."""


def standard(kind: type) -> Writer | None:
    """The writer for a class of the standard library or one derived from it, or None."""
    if (classes.module_of(kind), classes.short_name(kind)) == ("collections", "OrderedDict"):
        return ordered_mapping
    if issubclass(kind, dict):
        return mapping
    for base in classes.mro(kind):
        make = _BY_NAME.get((classes.module_of(base).partition(".")[0], classes.short_name(base)))
        if make is not None:
            return make(base)
    place = classes.module_of(kind).partition(".")[0]
    return nameless(kind) if place in _MACHINERY and kind is not slice else None
