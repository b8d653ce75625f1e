"""What `flightlog run` prepares inside the program's own process, before the program starts.

The run's span belongs to the process that started this one; here only its ids are known, from the environment.
An exception that ends the program, or one of its threads, is recorded as an event on that span.
"""

from __future__ import annotations

import os
import sys
import threading
from types import TracebackType

from flightlog.core.engine import event
from flightlog.core.outcome import fault_of, status_of
from flightlog.instrumenting import instrument_by_itself


def boot() -> None:
    """Record the libraries that are installed, and listen for exceptions that nobody catches.

    In a rerun recorded answers are given from here on.

    Whoever listened before still hears them.
    """
    instrument_by_itself()
    if "FLIGHTLOG_RERUN" in os.environ:
        from flightlog.replay.beginning import begin  # heavy, and for the programs of reruns alone

        begin()
    before = sys.excepthook

    def on_exception(
        kind: type[BaseException],
        error: BaseException,
        trace: TracebackType | None,
    ) -> None:
        _record(error)
        before(kind, error, trace)

    before_in_thread = threading.excepthook

    def on_thread_exception(arguments: threading.ExceptHookArgs) -> None:
        if arguments.exc_value is not None:
            _record(arguments.exc_value)
        before_in_thread(arguments)

    sys.excepthook = on_exception
    threading.excepthook = on_thread_exception


def _record(error: BaseException) -> None:
    fault = fault_of(error)
    event(
        "exception",
        level="error" if status_of(error) == "error" else "info",
        body=f"{fault['type']}: {fault['message']}",
        **{
            "exception.type": fault["type"],
            "exception.message": fault["message"],
            "exception.stacktrace": fault.get("stack", ""),
        },
    )
