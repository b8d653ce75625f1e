"""Taking the current span and binding along to where a context does not follow: another thread, another process."""

from __future__ import annotations

from typing import Any

from flightlog.core.arrived import Arrived, arrived_behind
from flightlog.core.bound import Binding, bound, innermost
from flightlog.core.context import LEFT, STRAY, Captured, Carried, Remote, parent_here, variable


class _Lent(Binding):
    """A binding in a thread: it holds as long as the span it came with is open, for threads outlive their cause."""

    __slots__ = ("_with",)

    def __init__(self, binding: Binding, place: Carried | None) -> None:
        super().__init__(binding.members, None, muted=binding.muted)
        self.outer = Binding({}, None, muted=True) if binding.muted else None
        self._with = place

    @property
    def stray(self) -> bool:  # a slot of the base, a question here
        """Whether its time is over."""
        return self._with is not None and self._with.inner._state in {LEFT, STRAY}

    @stray.setter
    def stray(self, value: bool) -> None:
        """Nothing ends it but its span."""

    @property
    def left(self) -> bool:  # as above
        """Whether its time is over."""
        return self.stray

    @left.setter
    def left(self, value: bool) -> None:
        """As above."""


class Luggage:
    """What a piece of work takes along into a thread of this process."""

    __slots__ = ("_binding", "_place")

    def __init__(self, place: Carried | None, binding: Binding | None) -> None:
        self._place = place
        self._binding = None if binding is None else _Lent(binding, place)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to take along."""
        return self._place is None and self._binding is None

    def unpack(self) -> None:
        """Make the span and binding current here, for good: for a thread that does nothing else."""
        variable.set(self._place)
        bound.set(self._binding)

    def around(self, work: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call `work` with the span and binding current, and put back what was there before."""
        place, binding = variable.get(), bound.get()
        self.unpack()
        try:
            return work(*args, **kwargs)
        finally:
            variable.set(place)
            bound.set(binding)


def pack() -> Luggage:
    """Pack what is current here."""
    parent = parent_here(variable.get())
    return Luggage(None if parent is None else Carried(parent), innermost())


class Passport:
    """What a piece of work takes along into another process: plain values, which can be pickled."""

    __slots__ = (
        "baggage",
        "captured",
        "is_random",
        "members",
        "sampled",
        "span_id",
        "trace_id",
        "tracestate",
    )

    def __init__(
        self,
        trace_id: str = "",
        span_id: str = "",
        *,
        sampled: bool = True,
        captured: bool = False,
        members: dict[str, str],
    ) -> None:
        self.trace_id = trace_id
        """Empty when the work belongs to no span."""
        self.span_id = span_id
        self.sampled = sampled
        self.captured = captured
        """Whether a `capture` listens, which cannot hear another process: nothing is recorded there."""
        self.members = members
        """What `bind` holds, redacted, as JSON members by name."""
        self.tracestate = self.baggage = ""
        self.is_random = True
        """What came in with the trace, as `Arrived` has it."""

    def hand_on(self, arrived: Arrived | None) -> None:
        """Take along what is to go on to whoever is called from there."""
        if arrived is not None:
            self.tracestate, self.baggage = arrived.tracestate, arrived.baggage
            self.is_random = arrived.is_random

    def around(self, work: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call `work` where it belongs, and put back what was there before."""
        place, binding = variable.get(), bound.get()
        variable.set(self._place())
        bound.set(Binding(self.members, None) if self.members else None)
        try:
            return work(*args, **kwargs)
        finally:
            variable.set(place)
            bound.set(binding)

    def _place(self) -> Remote | Captured | None:
        if self.captured:
            return Captured(_unheard)
        if not self.trace_id:
            return None
        return Arrived(
            self.trace_id,
            self.span_id,
            sampled=self.sampled,
            is_random=self.is_random,
            tracestate=self.tracestate,
            baggage=self.baggage,
        )


def _unheard(_framed: bytes) -> None:
    """Take a line that nobody will read."""


def passport() -> Passport:
    """What another process needs to know of what is current here, which may be nothing."""
    parent = parent_here(variable.get())
    binding = innermost()
    members = {} if binding is None else dict(binding.members)
    if parent is None:
        return Passport(members=members)
    if isinstance(parent, Captured) or (not isinstance(parent, Remote) and parent._out is not None):
        return Passport(captured=True, members=members)
    made = Passport(parent.trace_id, parent.span_id, sampled=not parent._drops, members=members)
    made.hand_on(arrived_behind(parent, None))
    return made
