"""The parameters of a function by name: which there are, and what each has in one call, defaults included."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import CodeType, MethodType
from typing import Any, Final

from flightlog.core.traced_arguments import (
    _VARARGS,
    _VARKEYWORDS,
    _is_given_its_object,
    _told,
    arguments_of,
    code_of,
    is_partial,
)


class Parameters:
    """The parameters of one function; the object or class of a method is one of them, unless it is bound."""

    __slots__ = ("_arguments", "_defaults", "_own", "_rest", "_spare", "names")

    def __init__(self, function: Any) -> None:
        told = _told(function)
        code = code_of(told)
        self._own: tuple[str, ...] = ()
        self._rest = self._spare = ""
        if code is not None:
            self._own, self._rest, self._spare = _names(code)
        if self._own and _is_given_its_object(told.func if is_partial(told) else told):
            self._own = self._own[1:]
        self.names = (*self._own, *filter(None, (self._rest, self._spare)))
        """All of them, in the order of the signature but for `*args`; none where there is no code to read."""
        self._defaults = {} if code is None else _defaults(told, code)
        self._arguments = arguments_of(function, frozenset(), skip=False)

    def values(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any], wanted: Collection[str]
    ) -> dict[str, Any]:
        """What these parameters have in one call. One that has nothing, as the call does not fit, is left out."""
        given = self._arguments.named(args, kwargs)
        found = {}
        for name in wanted:
            if name == self._rest:
                found[name] = given.get("*" + name, ())
            elif name == self._spare:
                found[name] = {
                    key: value for key, value in given.items() if key not in self._own and key[:1] != "*"
                }
            elif name in given:
                found[name] = given[name]
            elif name in self._defaults:
                found[name] = self._defaults[name]
        return found


_NONE: Final[Mapping[str, Any]] = {}


def _names(code: CodeType) -> tuple[tuple[str, ...], str, str]:
    """The names that arguments are given by, and those of `*args` and `**kwargs`, empty where there are none."""
    count = code.co_argcount + code.co_kwonlyargcount
    names, flags = code.co_varnames, code.co_flags
    rest = names[count] if flags & _VARARGS else ""
    spare = names[count + bool(rest)] if flags & _VARKEYWORDS else ""
    return names[:count], rest, spare


def _defaults(function: Any, code: CodeType) -> dict[str, Any]:
    while is_partial(function):
        function = function.func
    if isinstance(function, MethodType):
        function = function.__func__
    if not hasattr(function, "__code__"):
        function = vars(type(function)).get("__call__")
    defaults = getattr(function, "__defaults__", None) or ()
    last = code.co_varnames[: code.co_argcount][code.co_argcount - len(defaults) :]
    return {
        **dict(zip(last, defaults, strict=False)),
        **(getattr(function, "__kwdefaults__", None) or _NONE),
    }
