"""Spans that no block of code holds: begun under a given parent, current nowhere, and ended by a call.

For whoever records on behalf of an interface that has its own idea of what is current, and of ids and times:
OpenTelemetry's API is one. Such a span is like any other for whatever begins under it. Nothing here raises into the
program.
"""

from __future__ import annotations

from collections.abc import Mapping
from sys import modules
from time import monotonic_ns
from typing import Any, Final

from flightlog.core import tasks
from flightlog.core.bound import innermost
from flightlog.core.capture import Cut
from flightlog.core.context import LEFT, MARKER, OPEN, STRAY, Captured, Remote, variable
from flightlog.core.engine import Span, clock, ids, lose, open_spans, thread_here, write_made
from flightlog.core.fields import cut_list, level_field
from flightlog.core.memo import captured, member, texts

_MOST: Final = 2**63 - 1


def begin(
    made: Span,
    parent: Span | Remote | Captured | None,
    *,
    start: int | None = None,
    own: tuple[str, str] | None = None,
) -> None:
    """Begin a span that `engine.span` made, without making it current.

    Args:
        made: the span, which has not begun.
        parent: what stands above it, as `engine.parent_at` gives it; None begins a trace.
        start: Unix nanoseconds; None is now.
        own: the trace id and the span id that it shall have; None makes a span id, and a trace id where it has none.
    """
    now = monotonic_ns()
    if now >= clock.due:
        clock.check(now)
    wall = now + clock.offset
    made.start = wall if start is None else start
    # As if the monotonic clock had begun with it: the end is the start plus what has passed since then.
    made._zero = now - (wall - made.start) or -1
    made.span_id = ids.span_id() if own is None else own[1]
    if own is not None:
        made.trace_id = own[0]
    if parent is None or parent._state == MARKER:
        made._begin_local_root(parent)  # type: ignore[arg-type]  # spans are no markers
    else:
        made.trace_id = parent.trace_id  # type: ignore[union-attr]  # as above
        made._parent_field = f'"parent_id":"{parent.span_id}",'  # type: ignore[union-attr]  # as above
        made._root, made._out = parent._root, parent._out  # type: ignore[union-attr]  # as above
    made._parent, made._outer = parent, None
    made._thread = thread_here()
    made._task = tasks.current() if "asyncio" in modules else None
    made._context = innermost()
    made._plain = made._plain and made._context is None
    open_spans.add(made)


def finish(made: Span, end: int | None = None, *, astray: bool = False) -> None:
    """End it, from any thread; once.

    Args:
        made: a span that has begun, in whatever way.
        end: Unix nanoseconds; None is now.
        astray: where it is still seen as the current one, that is a leak: what begins there belongs to its parent.
    """
    if made._state != OPEN or not made._zero:
        return
    over = made.start + monotonic_ns() - made._zero if end is None else end
    made._state = STRAY if astray else LEFT
    open_spans.discard(made)
    try:
        if made._waits is not None and made._waits.are_on:
            made._leave_waiting()
            return
        made._settle()
        root = made._root
        if not root._announced and root is not made:
            root._announce()
        made._append(made._status, over)
    except Exception as failure:  # noqa: BLE001 - the border: a record must not break its program
        made._append_least(over, failure)


def is_moment(value: object) -> bool:
    """Whether this can be a time of a record: Unix nanoseconds, in 64 bits, after 1970."""
    return type(value) is int and 0 < value <= _MOST


def is_current(made: Span) -> bool:
    """Whether this is what the context has as its innermost span."""
    return variable.get() is made


def add_link(made: Span, trace_id: str, span_id: str, attributes: Mapping[str, object]) -> None:
    """Relate a span to another one by its ids; the attributes may have any names."""
    members = ",".join(member(key, value, _ignored) for key, value in attributes.items())
    more = f',"attributes":{{{members}}}' if members else ""
    line = f'{{"trace_id":{captured(trace_id, "")[0]},"span_id":{captured(span_id, "")[0]}{more}}}'
    made._links = [*(made._links or ()), line]
    made._plain = False


def tell(
    parent: Span | Remote | Captured | None,
    name: str,
    level: str,
    body: str,
    attributes: Mapping[str, object],
    *,
    time: int | None = None,
    place: tuple[str, str] | None = None,
    otel: Mapping[str, object] | None = None,
) -> None:
    """Record an event with a time, a place and OpenTelemetry's own fields; its level is wanted.

    Args:
        parent: whose lines it goes with, and where it stands unless a place is given.
        name: what happened.
        level: one of `LEVELS`.
        body: one line of text.
        attributes: by any name.
        time: Unix nanoseconds; None is now.
        place: trace id and span id, where they are known and are not the parent's.
        otel: what OpenTelemetry carries besides.
    """
    if getattr(parent, "_drops", False):
        return
    try:
        if isinstance(parent, Span) and not parent._root._announced:
            parent._root._announce()
        head = (
            f'\x1e{{"v":1,"type":"event","event_id":"{ids.span_id()}",{_placed(parent, place)}'
            f'{"" if level == "info" else level_field(level)}"time":{time or monotonic_ns() + clock.offset},'
            f'"name":{texts[name]}'
        )
        write_made(head, _rest(body, attributes, otel), parent)
    except Exception as failure:  # noqa: BLE001 - the border, as above
        lose(failure)


def _placed(parent: Any, place: tuple[str, str] | None) -> str:
    if place is None:
        if parent is None or isinstance(parent, Captured):
            return ""
        place = parent.trace_id, parent.span_id
    return f'"trace_id":{captured(place[0], "")[0]},"span_id":{captured(place[1], "")[0]},'


def _rest(body: str, attributes: Mapping[str, object], otel: Mapping[str, object] | None) -> str:
    cuts: list[Cut] = []
    rest = ""
    if body:
        text, cuts = captured(body, "body")
        rest = f',"body":{text}'
    members = ",".join([member(key, value, cuts.extend) for key, value in attributes.items()])
    if cuts:
        members = f"{members},{cut_list(cuts)}" if members else cut_list(cuts)
    if members:
        rest += f',"attributes":{{{members}}}'
    binding = innermost()
    if binding is not None:
        rest += binding.field
    return f'{rest},"otel":{captured(dict(otel), "otel")[0]}' if otel else rest


def _ignored(_cuts: list[Cut]) -> None:
    """A text of a link is cut like any other; its span says nothing of it."""
