"""What a tracer's blocks have in common: each can stand before a function, and is made anew for each call."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar

from opentelemetry import trace

_Function = TypeVar("_Function", bound=Callable[..., Any])


class Decorating:
    """A block that is a decorator as well."""

    def __enter__(self) -> trace.Span:
        """Begin."""
        raise NotImplementedError

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace_back: TracebackType | None,
    ) -> None:
        """End."""
        raise NotImplementedError

    def again(self) -> Decorating:
        """The same block for another call."""
        raise NotImplementedError

    def __call__(self, function: _Function) -> _Function:
        """The function within such a block: each call has one of its own."""
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def awaited(*args: Any, **kwargs: Any) -> Any:
                with self.again():
                    return await function(*args, **kwargs)

            return awaited  # type: ignore[return-value]  # the same signature

        @functools.wraps(function)
        def called(*args: Any, **kwargs: Any) -> Any:
            with self.again():
                return function(*args, **kwargs)

        return called  # type: ignore[return-value]  # as above
