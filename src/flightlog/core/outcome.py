"""How a block ended: the status and the error of an exception that leaves it."""

from __future__ import annotations

from typing import Any, Final

from flightlog.border import let_through
from flightlog.records.kinds import Status

_FRAMES: Final = 50
"""Innermost frames that a stack tells of."""

_OURS: Final = tuple(__file__.removesuffix("core/outcome.py") + room for room in ("core/", "integrations/"))
"""Where the frames come from that a wrapper of ours puts between the program's own."""


def status_of(error: BaseException) -> Status:
    """The status of a block that this exception leaves.

    A cancelled task, an interrupt from the keyboard and a cancelled scope of another library are
    `cancelled`. A generator that is closed, and an exit with a code that says success, are `ok`: nothing went
    wrong. Everything else is an `error`.
    """
    try:
        return _status_of(error)
    except Exception as failure:  # noqa: BLE001 - an exception's class and attributes are the program's code
        let_through(failure)
        return "error"


def _status_of(error: BaseException) -> Status:
    kind = type(error)
    if issubclass(kind, KeyboardInterrupt) or kind.__name__ in {"CancelledError", "Cancelled"}:
        return "cancelled"
    if isinstance(error, GeneratorExit):
        return "ok"
    if isinstance(error, SystemExit):
        return "ok" if error.code is None or error.code == 0 else "error"
    for base in kind.__mro__:
        if base.__name__ == "CancelledError" and base.__module__.partition(".")[0] in {
            "asyncio",
            "concurrent",
        }:
            return "cancelled"
    return "error"


def fault_of(
    error: BaseException | str,
    name: str = "",
    stack: str = "",
    *,
    brief: bool = False,
) -> dict[str, Any]:
    """The `error` field of a span, not yet redacted.

    Args:
        error: an exception, or words.
        name: the error's type; empty means the exception's class, with its module unless built in.
        stack: a formatted traceback, where there is no exception to take it from.
        brief: leave the stack out; a span further in has it, and formatting it costs 0.2 ms and more.
    """
    if isinstance(error, BaseException):
        fault = {"type": name or _class_of(error), "message": said(error)}
        stack = stack or ("" if brief else stack_of(error))
    else:
        fault = {"type": name or "error", "message": text_of(error)}
    return {**fault, "stack": stack} if stack else fault


def _class_of(error: BaseException) -> str:
    kind = type(error)
    try:
        return (
            kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
        )
    except Exception as failure:  # noqa: BLE001 - a metaclass is the program's code
        let_through(failure)
        return "error"


def text_of(value: object) -> str:
    """A value as text, even when turning it into text raises."""
    if type(value) is str:
        return value
    try:
        return str(value)
    except Exception as failure:  # noqa: BLE001 - a __str__ is the program's code and may do anything
        let_through(failure)
        return f"<{type(value).__qualname__}>"


def said(error: BaseException) -> str:
    """What an exception says, even when saying it raises."""
    try:
        return str(error)
    except Exception as failure:  # noqa: BLE001 - an exception's __str__ is the program's code and may do anything
        let_through(failure)
        return f"<{type(error).__qualname__}, its str raised>"


def stack_of(error: BaseException) -> str:
    """The formatted traceback, causes included, without our own frames."""
    try:
        import traceback  # 4 ms, and only once something has failed

        told = traceback.TracebackException(type(error), error, error.__traceback__, limit=-_FRAMES)
        seen: list[Any] = [told]
        for part in seen:
            part.stack[:] = [frame for frame in part.stack if not frame.filename.startswith(_OURS)]
            seen += [also for also in (part.__cause__, part.__context__) if also is not None]
        return "".join(told.format()).rstrip()
    except Exception as failure:  # noqa: BLE001 - formatting calls the program's own code
        let_through(failure)
        return ""
