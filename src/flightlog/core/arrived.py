"""A place in a trace that came in from elsewhere, with what is to go on to whoever is called from here.

`Remote` knows the ids. What a header says besides (the trace state of other tracers, the flags, the baggage) is kept
here as it came, and is found again from any span under it: its local root's parent is this marker. Within a `capture`
a stand-in for the remote span takes the marker's place, so that what begins under it is heard.
"""

from __future__ import annotations

from typing import Final

from flightlog.core.context import STRAY, Captured, Carried, Remote, captor, variable
from flightlog.core.engine import Span

_HEARD: Final = 5
"""State of a stand-in: a parent like one that has ended, though nobody here can say that it has."""


class Arrived(Remote):
    """A span of another process, and what its headers asked us to hand on."""

    __slots__ = ("baggage", "is_random", "tracestate")

    def __init__(
        self,
        trace_id: str,
        span_id: str,
        *,
        sampled: bool = True,
        is_random: bool = True,
        tracestate: str = "",
        baggage: str = "",
    ) -> None:
        super().__init__(trace_id, span_id, sampled=sampled)
        self.is_random = is_random
        """Whether the trace id was said to be random."""
        self.tracestate = tracestate
        """The header's value as it goes out again; empty for none."""
        self.baggage = baggage
        """As above."""


class Heard(Span):
    """Stands for a remote span within a capture: what begins under it is its child, and reaches the capture."""

    __slots__ = ("arrived",)

    def __init__(self, arrived: Arrived, captured: Captured) -> None:
        self.arrived = arrived
        self.trace_id, self.span_id = arrived.trace_id, arrived.span_id
        self._state = _HEARD
        self._parent, self._root, self._out = captured, self, captured.take
        self._announced = True


class Gone:
    """Stands where a place was current that was left elsewhere: whoever still sees it passes it by."""

    _state = STRAY
    _drops = False
    _parent = None


def enter(arrived: Arrived) -> Carried | Heard:
    """Make the place current here; what it gives is for `leave`."""
    taker = captor(variable.get())
    mark: Carried | Heard = Carried(arrived) if taker is None else Heard(arrived, taker)
    variable.set(mark)
    return mark


def leave(mark: Carried | Heard, before: object) -> None:
    """Put back what was current before, if the place still is; else it counts no longer, wherever it is seen."""
    if variable.get() is mark:
        variable.set(before)  # type: ignore[arg-type]  # what the variable held
    elif isinstance(mark, Carried):
        mark.inner = Gone()  # type: ignore[assignment]  # as it says
    else:
        mark._state = STRAY


def arrived_behind(place: Span | Remote | Captured | None, origin: Remote | None) -> Arrived | None:
    """What came in with the trace of this span or marker; None when it began here, or nothing is known.

    Args:
        place: what is current.
        origin: where this whole process belongs.
    """
    if isinstance(place, Captured):
        return None
    if isinstance(place, Span):
        root = place._root
        if isinstance(root, Heard):
            return root.arrived
        place = root._parent
    found = origin if place is None else place
    return found if isinstance(found, Arrived) else None
