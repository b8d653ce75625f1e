"""A paused span that goes on: the same ids, name, kind, start, parent, input and attributes, maybe in another process.

It is made from the record that the span left, and enters where it is resumed: what begins in its block is recorded
under it, with the session, user and tags that it had. Its clock is the wall clock as far as it ran elsewhere, and
the monotonic one from here on.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from sys import _getframe
from time import monotonic_ns
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from flightlog.core import tasks
from flightlog.core.bound import Bind, innermost
from flightlog.core.context import OPEN, Captured, parent_here, variable
from flightlog.core.engine import Span, Unrecorded, clock, open_spans, thread_here
from flightlog.core.fields import level_field
from flightlog.core.memo import captured, member
from flightlog.core.unset import UNSET
from flightlog.core.waits import Waits
from flightlog.records.attributes import AGAIN, WAITING, WAITING_SINCE
from flightlog.records.errors import NotPaused

if TYPE_CHECKING:
    from flightlog.records.span import Span as Record


class Offer:
    """The one resumption that a pause allows, shared by all that were made before any of them was entered."""

    __slots__ = ("__weakref__", "_ref", "_takers")

    def __init__(self, ref: str) -> None:
        self._ref = ref
        self._takers: list[Continued] = []

    def take(self, taker: Continued) -> None:
        """Let the first one go on.

        Raises:
            NotPaused: somebody else was the first.
        """
        self._takers.append(taker)
        first = self._takers[0]
        if first is not taker:
            self._takers.remove(taker)
            raise NotPaused(first._name, self._ref, first._status if first.ended else "running")


class Continued(Span):
    """The span of a record that is `paused`; entering its block resumes it, leaving it ends it as any other's."""

    __slots__ = ("_again", "_fields", "_offer", "_value", "_waiting_since")

    def __init__(self, trace_id: str, span_id: str, value: object = UNSET) -> None:
        """Prepare the resumption.

        Args:
            trace_id: of the span.
            span_id: of the span.
            value: the answer that it waited for, captured when the block is entered.
        """
        self.trace_id, self.span_id, self._value = trace_id, span_id, value
        self._name = self._level_field = self._remote = self._parent_field = ""
        self._kind, self._status, self._state = "step", "ok", OPEN
        self._plain, self._announced, self._again = False, True, False
        self._frame = self._zero = self._told = self._waiting_since = self.start = 0
        self._out = self._outer = self._parent = self._task = self._context = None
        self._input = self._output = self._error = self._links = self._attributes = None
        self._root = self
        self._waits = Waits()
        self._fields = Bind({})
        self._offer: Offer | None = None

    def take_up(self, record: Record, given: Mapping[str, object], offer: Offer) -> None:
        """Be what the record says.

        Args:
            record: the span as it was left.
            given: its `input` and `output`, as far as it has them.
            offer: taken when the block is entered.
        """
        self._offer = offer
        self._again = record.status == "interrupted"
        self._name, self._kind, self.start = record.name, record.kind, record.start
        self._level_field = "" if record.level == "info" else level_field(record.level)
        if record.parent_id:
            self._parent_field = f'"parent_id":{captured(record.parent_id, "parent_id")[0]},'
        attributes = dict(record.attributes)
        since, total = attributes.pop(WAITING_SINCE, 0), attributes.get(WAITING, 0)
        self._waiting_since = since if isinstance(since, int) else 0
        self._waits = Waits(record.revision, total if isinstance(total, int) else 0)
        self._set(attributes)
        if "input" in given:
            self._input = self._captured(given["input"], "input")
        if "output" in given:
            self._output = self._captured(given["output"], "output")
        for link in record.links:
            self.link(link, link.relation, **link.attributes)
        self._remote = f',"otel":{captured(record.otel, "otel")[0]}' if record.otel else ""
        if record.project:  # the key of a span: it must stay what it was, whoever writes
            self._remote += f',"project":{captured(record.project, "project")[0]}'
        self._fields = Bind({key: member(key, value, _ignore) for key, value in record.context.items()})

    def __enter__(self) -> Self:
        if self._zero:
            return self
        if self._offer is not None:
            self._offer.take(self)
        now = monotonic_ns()
        if now >= clock.due:
            clock.check(now)
        wall = now + clock.offset
        # As if this process had run all along: the end is the start plus what has passed since then.
        self._zero = now - max(0, wall - self.start) or -1
        self._stand_here()
        self._fields.__enter__()
        self._context = innermost()
        self._hold(_getframe(1))
        open_spans.add(self)
        variable.set(self)
        self._go_on(wall)
        return self

    def _stand_here(self) -> None:
        """Learn the thread, the task and the place in the context that it goes on in."""
        self._outer = variable.get()
        around = self._parent = parent_here(self._outer)
        if isinstance(around, Captured):
            self._out = around.take
        elif isinstance(around, Span):
            self._out = around._out
        self._thread = thread_here()
        self._task = tasks.current() if "asyncio" in sys.modules else None

    def _go_on(self, wall: int) -> None:
        """Say that the waiting is over, and for how long it lasted."""
        waits = self._waits
        assert waits is not None
        waited = max(0, wall - self._waiting_since) if self._waiting_since else 0
        waits.begin(0)
        waits.end(waited)
        self._set({WAITING: waits.total_ns})
        value, self._value = self._value, None
        told: dict[str, object] = {} if value is UNSET else {"value": value}
        self._happened("resume", "info", "", {**told, AGAIN: True} if self._again else told)
        self._say("running")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, trace)
        self._fields.__exit__(kind, error, trace)


class ContinuedUnrecorded(Continued, Unrecorded):
    """The same for a span of a trace that is not sampled: it leaves no record here either."""

    __slots__ = ()


def _ignore(_cuts: Any) -> None:
    """A value of a binding is cut like any other; its span says nothing of it."""
