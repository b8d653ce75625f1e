"""The standard library's `logging`: what a program logs becomes `log` events on the span that was current then.

    logging.getLogger().addHandler(LogHandler())

A record with an exception becomes an `exception` event as well. Nothing is patched, and removing the handler
undoes all of it.
"""

from __future__ import annotations

import logging
from typing import Any, Final

from flightlog.core.engine import current, event
from flightlog.records.kinds import Level

_LEVELS: Final[tuple[tuple[int, Level], ...]] = (
    (logging.CRITICAL, "fatal"),
    (logging.ERROR, "error"),
    (logging.WARNING, "warn"),
    (logging.INFO, "info"),
    (logging.DEBUG, "debug"),
)

_STANDARD: Final = frozenset(
    (*vars(logging.LogRecord("", 0, "", 0, "", (), None)), "message", "asctime", "taskName")
)
"""What every record has; anything else came with `extra`."""


_TAKEN: Final = frozenset({"level", "body", "logger"})
"""Names of ours, which `extra` cannot have."""


class LogHandler(logging.Handler):
    """Hands each log record on as an event: the message as its body, `logger` and what `extra` held as attributes."""

    def emit(self, record: logging.LogRecord) -> None:
        """Record one log record; a message that cannot be formatted is `logging`'s to complain about."""
        try:
            message = record.getMessage()
        except Exception:  # noqa: BLE001 - the border, as in every handler: the arguments are the program's
            self.handleError(record)
            return
        more: dict[str, Any] = {
            key: value for key, value in vars(record).items() if key not in _STANDARD and key not in _TAKEN
        }
        event("log", level_of(record.levelno), message, logger=record.name, **more)
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            current().exception(error, level_of(record.levelno))


def level_of(number: int) -> Level:
    """The level that a number of `logging` stands for; a number in between counts as the lower one."""
    return next((level for least, level in _LEVELS if number >= least), "trace")
