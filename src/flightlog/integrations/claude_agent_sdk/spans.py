"""Spans of what happens in another program: begun and ended when its messages say so, and nobody's current span."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from time import monotonic_ns
from typing import Any, Final

from flightlog.core.bound import Binding
from flightlog.core.context import OPEN, parent_here, variable
from flightlog.core.detached import begin, finish
from flightlog.core.engine import Span, clock, span
from flightlog.core.memo import member
from flightlog.core.unset import UNSET

INSTRUMENTATION: Final = "flightlog.instrumentation"
LIBRARY: Final = "claude_agent_sdk"


def now() -> int:
    """Unix nanoseconds."""
    return monotonic_ns() + clock.offset


def begun(
    name: str,
    kind: str,
    above: Any,
    attributes: Mapping[str, object],
    *,
    start: int | None = None,
    content: object = UNSET,
) -> Span | None:
    """Begin a span; None where its level is off.

    Args:
        name: of the span.
        kind: of the span.
        above: what stands above it: a span, or what the context variable held.
        attributes: by any names.
        start: Unix nanoseconds; None is now.
        content: its input.
    """
    with within(above):
        made = span(name, kind, input=content)
    if not isinstance(made, Span):
        return None
    made.set_attributes({INSTRUMENTATION: LIBRARY, **attributes})
    begin(made, parent_here(above), start=start)
    if isinstance(above, Span):
        made._context = above._context  # noqa: SLF001 - it belongs where that does, whoever reads the pipe
        made._plain = False  # noqa: SLF001 - as above
    return made


def ended(made: Span, error: BaseException | None = None, *, end: int | None = None) -> None:
    """End a span, with what ended it; once.

    Args:
        made: a span that has begun.
        error: as if this exception had left its block.
        end: Unix nanoseconds; None is now.
    """
    if made._state == OPEN and error is not None:  # noqa: SLF001 - as the core itself looks
        made._end_with(error)  # noqa: SLF001 - as above
    finish(made, end)


def cancelled(made: Span) -> None:
    """Say that a span will not be finished as it was meant to be."""
    if made._state == OPEN and made._status == "ok":  # noqa: SLF001 - as above
        made._status = "cancelled"  # noqa: SLF001 - no exception leaves any block of ours
        made._plain = False  # noqa: SLF001 - as above


def of_session(made: Span, session: str) -> None:
    """Put a span into a session, unless the program has bound one."""
    around = made._context  # noqa: SLF001 - as above
    if made._state == OPEN and (around is None or "session" not in around.members):  # noqa: SLF001 - as above
        made._context = Binding({"session": member("session", session, _ignored)}, around)  # noqa: SLF001 - as above
        made._plain = False  # noqa: SLF001 - as above


def _ignored(_cuts: object) -> None:
    """An id is not cut."""


@contextlib.contextmanager
def within(made: Any) -> Iterator[None]:
    """Have something current for a while."""
    before = variable.get()
    variable.set(made)
    try:
        yield
    finally:
        if variable.get() is made:
            variable.set(before)
