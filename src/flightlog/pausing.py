"""`resume`: a span that was paused, in this process or another, goes on here.

What it was is read from the home, or from the `capture` around us (`remembered.py`, which is imported only then).
"""

from __future__ import annotations

from sys import _getframe
from typing import TYPE_CHECKING, Any

from flightlog.core import rerun, resuming
from flightlog.core.continued import ContinuedUnrecorded
from flightlog.core.control import control
from flightlog.core.engine import Span, span
from flightlog.core.fields import related
from flightlog.core.off import OFF
from flightlog.core.unset import UNSET
from flightlog.propagation.traceparent import parse
from flightlog.records.errors import UnknownId

if TYPE_CHECKING:
    from flightlog.records.span import Span as Record


def resume(ref: object, /, value: object = UNSET, *, timeout: float = 5.0) -> Span:
    """Make a block in which a paused span goes on, in whatever process it was paused.

    The span keeps its ids, name, kind, parent, start, input, output and attributes; what begins in the block is
    recorded under it, with the session and the user it had. It goes on when the block is entered and ends when
    that is left, as any span does, unless it is paused again. One whose process died after an earlier
    resumption may be resumed once more.

    Reading what the span was may take a moment: the home's journals are brought into its store first.

    Args:
        ref: what `pause` returned; or anything that has the span's `trace_id` and `span_id`, or a mapping with
            these keys, or a pair of them.
        value: the answer that it waited for, captured when the block is entered.
        timeout: the longest that the journals are read, in seconds.

    Returns:
        The span. One that records nothing, for the token of a span that was not recorded, while recording is off,
        and when the store cannot be read, which is said and counted.

    Raises:
        UnknownId: there is no such span in the home.
        NotPaused: the span has ended, or was resumed already; also when a block is entered after another one that
            was made for the same pause.
    """
    if ref == "":
        return OFF  # type: ignore[return-value]  # stands in for a span in every way
    trace_id, span_id, sampled = _ids(ref)
    if not sampled:
        return ContinuedUnrecorded(trace_id, span_id, value)
    if rerun.answers is not None and (before := rerun.answers.resumed(trace_id, span_id)) is not None:
        return _anew(before)
    here = _getframe(1)
    if not control.decide("fatal", here):
        return OFF  # type: ignore[return-value]  # as above
    remembered = _remembered()
    record = remembered.last_record(str(ref), trace_id, span_id, timeout)
    if record is None or not control.decide(record.level, here):
        return OFF  # type: ignore[return-value]  # as above
    made: Span = remembered.taken_up(record, str(ref), value)
    return made


def _remembered() -> Any:
    """The module that reads what is recorded: store and journal, and only once somebody resumes."""
    from flightlog import remembered  # heavy, as said

    return remembered


def _anew(record: Record) -> Span:
    """A span in the place of a recorded one that went on here, for a rerun: what is recorded is over, and stays."""
    from msgspec import UNSET as NOTHING  # heavy, and only in a rerun

    given = UNSET if record.input is NOTHING else record.input
    return span(record.name, record.kind, record.level, input=given, links=[record])


def _ids(ref: object) -> tuple[str, str, bool]:
    """Trace id, span id, and whether the span was recorded."""
    if isinstance(ref, str):
        parsed = parse(ref)
    else:
        pair = {"trace_id": ref[0], "span_id": ref[1]} if isinstance(ref, tuple) and len(ref) == 2 else ref
        found = related(pair)
        parsed = None if found is None else parse(f"00-{found[0]}-{found[1]}-01")
    if parsed is None:
        raise UnknownId(str(ref), what="paused span")
    return parsed


class _Paused:
    """What `core.resuming.Paused` asks for."""

    def take_up(self, ref: object, value: object) -> Span:
        return resume(ref, value)

    def find(self, attribute: str, value: str) -> list[Record]:
        found: list[Record] = _remembered().waiting_with(attribute, value)
        return found


resuming.paused = _Paused()
