"""`tool`: a function that an agent calls, recorded as such, and tried again where that is asked for.

A call is one span of kind `tool`. With `retries` each attempt is a span below it, and the call carries an event `retry`
for each attempt that failed and was followed by another, so both the call and its trace know how often.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from math import isfinite
from sys import modules
from typing import Any, Final, TypeVar, overload

from flightlog.core.engine import Span, current, event, span
from flightlog.core.outcome import said
from flightlog.core.recorded import dressed, replayable
from flightlog.core.traced_arguments import code_of
from flightlog.core.traced_calls import ASYNC_GENERATOR, COROUTINE, GENERATOR
from flightlog.core.tracer import _name_of, traced
from flightlog.records.attributes import ATTEMPT, RETRIES
from flightlog.records.genai import OPERATION, TOOL_NAME
from flightlog.records.kinds import Level

_Tool = TypeVar("_Tool", bound=Callable[..., Any])
RetryOn = type[BaseException] | tuple[type[BaseException], ...] | Callable[[BaseException], bool]
"""Which exceptions are worth another attempt: classes, or a function that is told the exception."""
Backoff = float | Callable[[int], float]
"""Seconds before another attempt: always as many, or a function that gets how many failed before this one, from 0."""

_FIRST, _MOST = 0.5, 5.0
_DOUBLINGS: Final = 8
"""More would be beyond `_MOST` anyway."""


def exponential(failed: int) -> float:
    """Half a second, then twice as long each time, up to five seconds.

    Args:
        failed: attempts that failed before the newest one.
    """
    return min(_FIRST * float(2 ** min(failed, _DOUBLINGS)), _MOST)


@overload
def tool(function: _Tool, /) -> _Tool: ...


@overload
def tool(
    *,
    name: str = "",
    retries: int = 0,
    retry_on: RetryOn = Exception,
    backoff: Backoff = exponential,
    capture_input: bool = True,
    capture_output: bool = True,
    ignore: str | Iterable[str] = (),
    level: Level = "info",
) -> Callable[[_Tool], _Tool]: ...


def tool(
    function: Any = None,
    /,
    *,
    name: str = "",
    retries: int = 0,
    retry_on: RetryOn = Exception,
    backoff: Backoff = exponential,
    capture_input: bool = True,
    capture_output: bool = True,
    ignore: str | Iterable[str] = (),
    level: Level = "info",
) -> Any:
    """Record each call of a tool, and try again what fails.

    Works bare and with options, on what `traced` takes but classes; generators cannot be tried again. A tool whose
    input and output are captured is answered from the record by `flightlog rerun`, as `recorded` says.

    Args:
        function: what is decorated, when used bare.
        name: the tool's name; empty means the function's qualified name.
        retries: how many times it is tried again after a failure, from 0.
        retry_on: which failures; without it any `Exception`. Others, and the last one, are raised as they came.
        backoff: how long is waited before the next attempt, in seconds; without it 0.5, 1, 2, 4, then 5.
        capture_input: False leaves the arguments out of the record.
        capture_output: False leaves the result out of it.
        ignore: names of parameters that are left out of the input.
        level: as for `span`.

    Raises:
        TypeError: at decoration, for what cannot be called or tried again, and for an option that is none.
    """
    _check(retries, retry_on, backoff)

    def mark(target: Any) -> Any:
        if isinstance(target, (staticmethod, classmethod)):
            return type(target)(mark(target.__func__))
        if not callable(target) or isinstance(target, type):
            raise TypeError(f"tool takes a function or a method, not {target!r}")
        called = name or _name_of(target)
        inner = _Trying(called, retries, retry_on, backoff, level).around(target) if retries else target
        told = {OPERATION: "execute_tool", TOOL_NAME: called}
        if capture_input and capture_output:
            return replayable(inner, called, "tool", level, ignore=ignore, attributes=told)
        return traced(
            name=called,
            kind="tool",
            level=level,
            capture_args=capture_input,
            capture_result=capture_output,
            ignore=ignore,
            attributes=told,
        )(inner)

    return mark if function is None else mark(function)


def _check(retries: object, retry_on: object, backoff: object) -> None:
    if not isinstance(retries, int) or isinstance(retries, bool) or retries < 0:
        raise TypeError(f"retries is a whole number from 0 up, not {retries!r:.80}")
    classes = retry_on if isinstance(retry_on, tuple) else (retry_on,)
    are_classes = all(isinstance(one, type) and issubclass(one, BaseException) for one in classes)
    if not are_classes and (isinstance(retry_on, (tuple, type)) or not callable(retry_on)):
        raise TypeError(f"retry_on is an exception class, several, or a function; not {retry_on!r:.80}")
    if not callable(backoff) and (isinstance(backoff, bool) or not isinstance(backoff, int | float)):
        raise TypeError(f"backoff is a number of seconds or a function that gives one, not {backoff!r:.80}")


class _Trying:
    """How one tool is tried again."""

    __slots__ = ("_attempt", "_backoff", "_level", "_retries", "_retry_on")

    def __init__(self, name: str, retries: int, retry_on: RetryOn, backoff: Backoff, level: Level) -> None:
        self._attempt = f"{name} attempt"
        self._retries, self._retry_on, self._backoff, self._level = retries, retry_on, backoff, level

    def around(self, function: Any) -> Any:
        """A function of the same sort that tries again.

        Raises:
            TypeError: it is a generator function: what it gave cannot be taken back.
        """
        code = code_of(function)
        flags = 0 if code is None else code.co_flags
        if flags & (GENERATOR | ASYNC_GENERATOR):
            raise TypeError(f"a generator cannot be tried again: {function!r}; leave out retries")
        return dressed(self._awaited(function) if flags & COROUTINE else self._called(function), function)

    def _called(self, function: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            for attempt in range(1, self._retries + 2):
                try:
                    with self._span(attempt):
                        return function(*args, **kwargs)
                except BaseException as error:
                    if not self._goes_on(attempt, error):
                        raise
                    delay = self._noted(attempt, error)
                time.sleep(delay)
            raise AssertionError  # the last attempt returns or raises

        return call

    def _awaited(self, function: Any) -> Any:
        async def call(*args: Any, **kwargs: Any) -> Any:
            for attempt in range(1, self._retries + 2):
                try:
                    with self._span(attempt):
                        return await function(*args, **kwargs)
                except BaseException as error:
                    if not self._goes_on(attempt, error):
                        raise
                    delay = self._noted(attempt, error)
                await _asleep(delay)
            raise AssertionError  # as above

        return call

    def _span(self, attempt: int) -> Span:
        told: dict[str, Any] = {ATTEMPT: attempt}
        return span(self._attempt, "function", self._level, **told)

    def _goes_on(self, attempt: int, error: BaseException) -> bool:
        if attempt > self._retries:
            return False
        wanted = self._retry_on
        if isinstance(wanted, (type, tuple)):
            return isinstance(error, wanted)
        return bool(wanted(error))

    def _noted(self, attempt: int, error: BaseException) -> float:
        """Say on the span of the call that it is tried again; how long to wait before."""
        asked = self._backoff(attempt - 1) if callable(self._backoff) else self._backoff
        delay = float(asked) if isfinite(asked) and asked > 0 else 0.0
        reason = f"{type(error).__name__}: {said(error)}".removesuffix(": ")
        event("retry", attempt=attempt, reason=reason, delay=delay)
        here = current()
        if here.recorded and TOOL_NAME in (here._attributes or ()):
            here.set_attributes({RETRIES: attempt})
        return delay


async def _asleep(seconds: float) -> None:
    """Wait as the event loop does that runs: asyncio's, else trio's."""
    asyncio = modules.get("asyncio")
    if asyncio is not None and asyncio._get_running_loop() is not None:
        await asyncio.sleep(seconds)
    elif (trio := modules.get("trio")) is not None:
        await trio.sleep(seconds)
    else:
        time.sleep(seconds)  # noqa: ASYNC251 - no loop that we know: a coroutine that is stepped by hand
