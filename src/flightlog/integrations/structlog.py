"""structlog: a processor that records each line as a `log` event and passes it on as it is.

    from flightlog.integrations.structlog import processor

    structlog.configure(processors=[structlog.contextvars.merge_contextvars, processor, ..., renderer])

It stands behind whatever adds keys and before whatever renders. The event becomes the body; every other key an
attribute. Where structlog writes through the standard library and `logging` is recorded as well, the line is recorded
once: here, with its keys. The package itself is not imported.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, MutableMapping
from types import FrameType
from typing import Any, Final

from flightlog.core.engine import lose
from flightlog.core.outcome import text_of
from flightlog.integrations import logline
from flightlog.integrations.logline import FILE, FUNCTION, LINE, LOGGER
from flightlog.records.attributes import EXCEPTION
from flightlog.records.kinds import Level

_LEVELS: Final[Mapping[str, Level]] = {
    "debug": "debug",
    "info": "info",
    "msg": "info",
    "notset": "trace",
    "warn": "warn",
    "warning": "warn",
    "err": "error",
    "error": "error",
    "exception": "error",
    "failure": "error",
    "critical": "fatal",
    "fatal": "fatal",
    "trace": "trace",
}
"""Names of levels, and of methods that are no levels."""

_TOLD: Final = frozenset({"event", "level", "exc_info", LOGGER, "exception"})
"""Keys that have a place of their own in the event."""
_POOLS: Final = frozenset({"concurrent.futures.thread", "asyncio.events", "threading"})
"""Modules that call in the place of the program: the line of an asynchronous method is written from a pool."""


def processor(
    logger: Any, method_name: str, event_dict: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Record a line; gives the same dictionary back, unchanged.

    Args:
        logger: the logger that structlog wraps.
        method_name: how it was called, which is its level unless a key says another one.
        event_dict: the line.
    """
    try:
        _record(logger, method_name, event_dict)
    except Exception as failure:  # noqa: BLE001 - the border: the line must go on to where the program wants it
        lose(failure)
    return event_dict


def _record(logger: Any, method_name: str, line: Mapping[str, Any]) -> None:
    level = _LEVELS.get(str(line.get("level", "")).lower()) or _LEVELS.get(str(method_name).lower(), "info")
    text = text_of(line.get("event", ""))
    if logline.is_off(level) or logline.is_handled(text):
        return
    entry = logline.entry_of("structlog")
    module, facts = _place(None if entry is None else entry.f_back)
    if isinstance(stack := line.get("exception"), str):
        facts[EXCEPTION["stack"]] = stack
    logging = sys.modules.get("logging")
    logline.expect_echo(entry if logging is not None and isinstance(logger, logging.Logger) else None)
    named = str(line.get(LOGGER) or getattr(logger, "name", "") or module)
    logline.record(named, level, text, _own(line), _error(line.get("exc_info")), facts=facts)


def _own(line: Mapping[str, Any]) -> Iterator[tuple[object, object]]:
    """The line's own keys; those that begin with an underscore are the library's."""
    for key, value in list(line.items()):
        if key not in _TOLD and not str(key).startswith("_"):
            yield key, value
    if not isinstance(line.get("exception", ""), str):  # rendered as a structure, for JSON
        yield "exception", line["exception"]


def _error(told: Any) -> BaseException | None:
    """What `exc_info` means: an exception, a triple, or anything true for the one that is being handled."""
    if isinstance(told, tuple):
        told = told[1] if len(told) > 1 else None
    elif told and not isinstance(told, BaseException):
        told = sys.exc_info()[1]
    return told if isinstance(told, BaseException) else None


def _place(caller: FrameType | None) -> tuple[str, dict[str, object]]:
    """The module that logged, and its line."""
    module = "" if caller is None else str(caller.f_globals.get("__name__", ""))
    if caller is None or module in _POOLS:
        return "", {}
    code = caller.f_code
    return module, {FILE: code.co_filename, LINE: caller.f_lineno, FUNCTION: code.co_name}
