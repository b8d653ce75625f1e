"""What a traced call was given: its arguments by name, as they were passed.

Parameter names are read once, from the code object: `inspect` would cost a program 10 ms at its start. What has
no code object (a built-in function, say) has no names; its arguments are recorded by position.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from sys import modules
from types import CodeType, FunctionType, MethodType
from typing import Any, Final

_VARARGS: Final = 0x04
_VARKEYWORDS: Final = 0x08
"""Flags of a code object (documented with the `inspect` module)."""

_MOST_WRAPPED: Final = 64
"""Decorators on one function that are looked through."""


def is_partial(function: object) -> bool:
    """Whether it is a `functools.partial`; nothing is one where `functools` was never imported."""
    functools = modules.get("functools")
    return functools is not None and isinstance(function, functools.partial)


def code_of(function: Any) -> CodeType | None:
    """The code that runs when this is called; None when it is not Python code."""
    if is_partial(function):
        return code_of(function.func)
    code = getattr(function, "__code__", None)
    if code is None and not isinstance(function, type):
        code = getattr(vars(type(function)).get("__call__"), "__code__", None)
    return code if isinstance(code, CodeType) else None


class Arguments:
    """The parameters of one function, and which of them are left out."""

    __slots__ = ("_ignored", "_names", "_positional", "_rest", "_skip", "_spare", "unknown")

    def __init__(
        self, function: Any, ignore: frozenset[str] = frozenset(), *, skip: bool | None = None
    ) -> None:
        """Read the parameters.

        Args:
            function: anything that can be called.
            ignore: names of parameters that are not recorded.
            skip: whether the first parameter is the object or class; None: if it is called `self` or `cls`.

        """
        function = _told(function)
        code = code_of(function)
        flags = _VARARGS | _VARKEYWORDS if code is None else code.co_flags
        names = () if code is None else code.co_varnames
        count = 0 if code is None else code.co_argcount
        named = count + (0 if code is None else code.co_kwonlyargcount)
        self._rest = names[named] if code is not None and flags & _VARARGS else "args"
        known = {*names[: named + bool(flags & _VARARGS) + bool(flags & _VARKEYWORDS)]}
        self.unknown: frozenset[str] = frozenset() if flags & _VARKEYWORDS else ignore - known
        """Names to ignore that are no parameter's: a misspelt one would record what must not be."""
        first = 1 if count and _is_given_its_object(function) else 0
        self._names = names[first:count]
        self._positional = count - first
        if skip is None:
            skip = bool(self._names) and self._names[0] in {"self", "cls"} and "." in _qualified(function)
        self._skip = 1 if skip and not first else 0
        self._ignored = ignore
        spare = names[named + bool(flags & _VARARGS)] if code is not None and flags & _VARKEYWORDS else ""
        self._spare = frozenset(names[:named]) if spare in ignore else None
        """Names that stay when the ones that `**kwargs` takes are left out; None when they are not."""

    def named(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments as they were passed, by name; the object or class is left out, defaults are not added."""
        given = dict(zip(self._names[self._skip :], args[self._skip :], strict=False))
        if len(args) > self._positional:
            given["*" + self._rest] = args[self._positional :]
        given.update(kwargs)
        if self._ignored:
            self._leave_out(given)
        return given

    @property
    def plan(self) -> tuple[tuple[str, ...] | None, str, int, int, Named]:
        """What C needs to do what `named` does: the names, that of the rest, how many are skipped, how many there are.

        None in place of the names: it calls `named`, which comes last.
        """
        names = None if self._ignored else self._names
        return (names, "*" + self._rest, self._skip, self._positional, self.named)

    def _leave_out(self, given: dict[str, Any]) -> None:
        for name in self._ignored:
            given.pop(name, None)
        if self._rest in self._ignored:
            given.pop("*" + self._rest, None)
        if self._spare is not None:
            for name in given.keys() - self._spare - {"*" + self._rest}:
                del given[name]


Named = Callable[[tuple[Any, ...], Mapping[str, Any]], dict[str, Any]]
"""Gives the arguments of a call by name."""


class Filled(Arguments):
    """The arguments of a `functools.partial`: those it holds, and those of the call."""

    __slots__ = ("_args", "_kwargs")

    def __init__(self, partial: Any, ignore: frozenset[str] = frozenset()) -> None:
        super().__init__(partial.func, ignore)
        self._args: tuple[Any, ...] = partial.args
        self._kwargs: Mapping[str, Any] = partial.keywords

    def named(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments that the function is given in the end."""
        return super().named(self._args + args, {**self._kwargs, **kwargs})

    @property
    def plan(self) -> tuple[None, str, int, int, Named]:
        """Nothing but `named`: C does not know what the partial holds."""
        return (None, "", 0, 0, self.named)


def arguments_of(function: Any, ignore: frozenset[str], *, skip: bool | None = None) -> Arguments:
    """The parameters of anything that can be called; the arguments are those of `Arguments`."""
    return Filled(function, ignore) if is_partial(function) else Arguments(function, ignore, skip=skip)


def _told(function: Any) -> Any:
    """The function that says what the parameters are: behind a wrapper that takes anything, the wrapped one."""
    for _ in range(_MOST_WRAPPED):
        code = code_of(function)
        inner = getattr(function, "__wrapped__", None)
        if inner is None or (code is not None and (code.co_argcount or not code.co_flags & _VARARGS)):
            break
        function = inner
    return function


def _is_given_its_object(function: Any) -> bool:
    """Whether the first parameter of its code is filled before the call's arguments: it is bound."""
    return not isinstance(function, FunctionType) and (
        isinstance(function, MethodType) or not hasattr(function, "__code__")
    )


def _qualified(function: Any) -> str:
    return str(getattr(function, "__qualname__", ""))
