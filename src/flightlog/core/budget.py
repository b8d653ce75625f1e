"""Runs a piece of the program's code for us, and no longer than a moment.

Capturing a value runs no code of the program, with one exception: what an exception of the program's own class
says, only its `__str__` knows. Should that never end, the program must not hang on our account. A trace
function raises in it once its time is up.

What this cannot do: it does not interrupt a wait or a loop inside C code, nor code that catches
`BaseException` and goes on; and where the thread already has a tracer (a debugger, a measurement of coverage), that
one is left in place and nothing is bounded. What the interpreter runs in between has its own time: a signal handler,
a finalizer, a callback of the garbage collector. Nobody could catch what is raised in there.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from sys import _getframe, gettrace, settrace
from time import monotonic_ns
from types import FrameType
from typing import Any, Final

from flightlog import border

MOST_NS: Final = 2_000_000
"""How long the program's code may take, in nanoseconds."""


class Overrun(BaseException):
    """Raised inside code that took too long. No `Exception`, so that its own handlers let it pass."""


def bounded(call: Callable[[Any], str], argument: object) -> str:
    """Call a function that runs code of the program.

    Raises:
        Overrun: it took longer than `MOST_NS`.
    """
    if gettrace() is not None:
        return call(argument)
    deadline = monotonic_ns() + MOST_NS
    here = id(_getframe())  # not the frame itself, which would keep itself alive

    def trace(frame: FrameType, _event: str, _argument: object) -> Any:
        if monotonic_ns() > deadline and not _comes_between(frame, here):
            raise Overrun
        frame.f_trace_opcodes = True  # CPython 3.11 tells of no line in `while True: pass`
        return trace

    settrace(trace)
    try:
        return call(argument)
    finally:
        if gettrace() in (trace, None):  # else the code set one of its own, as it would have without us
            settrace(None)


def _comes_between(frame: FrameType, outermost: int) -> bool:
    """Whether this is none of the code that was called from the outermost frame, of this id."""
    codes = border._handlers() | border.codes_of(gc.callbacks)
    seen: FrameType | None = frame
    while seen is not None and id(seen) != outermost:
        if seen.f_code in codes or seen.f_code.co_name == "__del__":
            return True
        seen = seen.f_back
    return False
