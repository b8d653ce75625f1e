"""Whose exception it is that arrives at our border: a failure of ours, which stays, or the program's own.

A signal handler of the program runs between any two steps of our code and may raise there: a deadline that was
armed with `signal.setitimer`, say. A border that swallowed this with a failure of ours would break the program.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # built in: loaded without a file, which may be out of reach
from collections.abc import Iterable
from types import CodeType
from typing import Any, Final

_traceback_of: Final = vars(BaseException)["__traceback__"].__get__
"""Where an exception came through; its class may have taken over how attributes are found."""


def is_interruption(failure: BaseException) -> bool:
    """Whether a signal handler of the program raised this. Only asked once something has failed; never raises."""
    trace = _traceback_of(failure)
    if trace is None or trace.tb_next is None:
        return False  # raised in the very frame that caught it: a handler would have one of its own
    try:
        codes = set()
        while trace is not None:
            codes.add(trace.tb_frame.f_code)
            trace = trace.tb_next
        return not codes.isdisjoint(_handlers())
    except Exception:  # noqa: BLE001 - the stack or the memory is used up; then nobody can say
        return False


def let_through(failure: BaseException) -> None:
    """Raise it again if a signal handler of the program raised it; else the border may have it."""
    if is_interruption(failure):
        raise failure


def _handlers() -> set[CodeType]:
    """The code of every signal handler that is written in Python."""
    return codes_of([_signal.getsignal(number) for number in _signal.valid_signals()])


def codes_of(calls: Iterable[Any]) -> set[CodeType]:
    """The code of those of them that are written in Python: functions, methods, objects that can be called."""
    found = set()
    for one in calls:
        for call in (one, getattr(one, "__func__", None), vars(type(one)).get("__call__")):
            code = getattr(call, "__code__", None)
            if code is not None:
                found.add(code)
    return found
