"""The standard library's `logging`: what a program logs becomes `log` events on the span that was current then.

    fl.instrument("logging")                          # every logger, wherever its handlers are
    fl.instrument(logging.getLogger("app"))           # one logger, by a handler on it

`wrap` listens where every logger hands its records to the handlers (`Logger.callHandlers`) and not with a handler
on the root logger: a root logger that has a handler changes what the program prints. `logging.basicConfig` would do
nothing, and warnings of a program without any configuration would no longer reach standard error. It also outlives
`dictConfig`, and hears loggers that do not propagate. Levels, filters and handlers stay as they are: what a logger's
level keeps out is not recorded either.

A record with an exception becomes an `exception` event as well. A record is recorded once, however many ways it
takes; one that tells a narration, which is a record of ours already, is not.
"""

from __future__ import annotations

import logging
import threading
import weakref
from collections import deque
from collections.abc import Callable
from functools import wraps
from types import FunctionType, ModuleType
from typing import Any, Final

from flightlog.border import let_through
from flightlog.core.engine import lose
from flightlog.core.outcome import text_of
from flightlog.integrations import logline
from flightlog.integrations.logline import FILE, FUNCTION, LINE, Handled, level_of, severity
from flightlog.records.narration import SAID

_STANDARD: Final = frozenset(
    (*vars(logging.LogRecord("", 0, "", 0, "", (), None)), "message", "asctime", "taskName")
)
"""What every record has; anything else came with `extra`."""

_UNFORMATTED: Final = "flightlog.capture_error"
_STACK: Final = "stack_info"
_MARK: Final = "_flightlog_original"
_REMEMBERED: Final = 8
"""Records of a thread that are told again from new ones: as many as log each other from inside of handlers."""


class _Taken(threading.local):
    """The records of this thread that were recorded lately."""

    def __init__(self) -> None:
        self.records: deque[weakref.ref[logging.LogRecord]] = deque(maxlen=_REMEMBERED)


_taken: Final = _Taken()


class LogHandler(logging.Handler):
    """Hands each log record on as an event: the message as its body, `logger` and what `extra` held as attributes.

    It has no lock: nothing here is shared between threads, and recording may begin under it, which takes locks of
    its own.
    """

    def createLock(self) -> None:  # noqa: N802 - the method's name
        """Make none."""
        self.lock = None

    def handle(self, record: logging.LogRecord) -> bool:
        """Filter one log record and record it."""
        kept: Any = self.filter(record)
        if kept:
            self.emit(kept if isinstance(kept, logging.LogRecord) else record)
        return bool(kept)

    def emit(self, record: logging.LogRecord) -> None:
        """Record one log record. Prints nothing, also when its arguments do not fit its message."""
        try:
            take(record)
        except Exception as failure:  # noqa: BLE001 - the border: the program's call must go on
            lose(failure)


def take(record: logging.LogRecord) -> str:
    """Record one log record unless it was recorded before; gives its message, empty if it has no record of ours."""
    if SAID in vars(record) or any(one() is record for one in _taken.records):
        return ""
    level = level_of(record.levelno)
    if logline.is_off(level):
        return ""
    facts: dict[str, object] = {**severity(record.levelname, record.levelno), **_place(record)}
    try:
        message = record.getMessage()
    except Exception as failure:  # noqa: BLE001 - the border, as in every handler: the arguments are the program's
        let_through(failure)
        message = text_of(record.msg)
        facts[_UNFORMATTED] = f"the arguments do not fit the message: {type(failure).__name__}"
    _remember(record)
    if logline.is_echo(message):
        return ""
    if isinstance(record.stack_info, str):
        facts[_STACK] = record.stack_info
    own = ((key, value) for key, value in [*vars(record).items()] if key not in _STANDARD)
    logline.record(record.name, level, message, own, _error(record), facts=facts)
    return message


def _remember(record: logging.LogRecord) -> None:
    _taken.records.append(weakref.ref(record))


def _place(record: logging.LogRecord) -> dict[str, object]:
    """The line of the program that logged; `logging` itself may not know it."""
    if not record.lineno:
        return {}
    return {FILE: record.pathname, LINE: record.lineno, FUNCTION: record.funcName}


def _error(record: logging.LogRecord) -> BaseException | None:
    told = record.exc_info
    error = told[1] if isinstance(told, tuple) and len(told) > 1 else told
    return error if isinstance(error, BaseException) else None


# -- every logger ------------------------------------------------------------------------------------------------


class _Switch:
    """Whether the wrapper records; one that somebody else wrapped in turn cannot be taken out."""

    __slots__ = ("on",)

    def __init__(self) -> None:
        self.on = True


_switch: _Switch | None = None


def wrap(module: ModuleType, report: Callable[[str, Exception], object]) -> None:
    """Record what every logger hands to its handlers; twice is harmless."""
    global _switch  # noqa: PLW0603 - the class that is wrapped is as global as this
    if _switch is not None:
        return
    _switch = _Switch()
    module.Logger.callHandlers = _listening(module.Logger.callHandlers, _switch, report)


def unwrap(module: ModuleType) -> None:
    """Give the class of all loggers its own method back."""
    global _switch  # noqa: PLW0603 - as above
    if _switch is None:
        return
    _switch.on = False
    _switch = None
    original = getattr(module.Logger.callHandlers, _MARK, None)
    if original is not None:
        module.Logger.callHandlers = original


def is_client(module: ModuleType, value: object) -> bool:
    """Whether this is a logger."""
    return isinstance(value, module.Logger)


def wrap_client(client: Any, report: Callable[[str, Exception], object]) -> bool:  # noqa: ARG001 - as for each library
    """Put a handler on one logger; False if it has one."""
    if any(isinstance(handler, LogHandler) for handler in client.handlers):
        return False
    client.addHandler(LogHandler())
    return True


def unwrap_client(client: Any) -> None:
    """Take the handlers that are ours off one logger."""
    for handler in list(client.handlers):
        if isinstance(handler, LogHandler):
            client.removeHandler(handler)
            handler.close()


def _listening(original: Any, switch: _Switch, report: Callable[[str, Exception], object]) -> Any:
    """A `callHandlers` that records first.

    It passes for a function of the module that it stands in, by file and name: handlers that look for the caller
    step over the frames of `logging`, and must step over this one.
    """

    def callHandlers(self: logging.Logger, record: logging.LogRecord) -> None:  # noqa: N802 - the method's name
        if not switch.on:
            original(self, record)
            return
        message = ""
        try:
            message = take(record)
        except Exception as failure:  # noqa: BLE001 - the border: the program's handlers must get their record
            let_through(failure)
            report("a record of it was lost", failure)
        with Handled(message):
            original(self, record)

    beside = logging.Logger.handle.__code__
    placed = callHandlers.__code__.replace(
        co_filename=beside.co_filename, co_firstlineno=beside.co_firstlineno
    )
    names = {"__name__": logging.__name__, "take": take, "let_through": let_through, "Handled": Handled}
    made = FunctionType(placed, names, "callHandlers", None, callHandlers.__closure__)
    setattr(made, _MARK, original)
    return wraps(original)(made)
