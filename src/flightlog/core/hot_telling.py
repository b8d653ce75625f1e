"""Records one hot call: asks who listens, finds its place, and joins its line.

The line is what `engine.event` would write, joined here from texts that are quoted once (`memo.py`): a hot call says
the same few words again and again, and a third of the time is what that buys.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from time import monotonic_ns
from types import FrameType
from typing import Any, Final

from flightlog.border import let_through
from flightlog.core import memo
from flightlog.core.bound import innermost
from flightlog.core.capture import Cut
from flightlog.core.content import CALLS, METADATA, WITHHELD
from flightlog.core.context import LEFT, MARKER, Captured, held, variable
from flightlog.core.control import control
from flightlog.core.engine import NAME, clock, event, ids, lose, parent_at, verdicts, withholds, write_made
from flightlog.core.fields import cut_list
from flightlog.core.hot_sites import Site, site_at
from flightlog.core.hot_texts import made
from flightlog.core.memo import SHORT, captured, keys, member, texts
from flightlog.core.narrate import _bound
from flightlog.core.outcome import text_of
from flightlog.core.provenance import actor_of, module_of
from flightlog.records.hot import LEFT_OUT

TRACE: Final = "trace"
"""The level of every hot call."""

_HANDED: Final = frozenset({"args", "result"})
"""The fields that hold what a function was given and what it gave, which a content policy may withhold."""

_IS_COMPILED: Final = NAME == "compiled"
"""Whether `event` is the cheapest way to write an event; so far that holds for one without a body (0.3 us, not 1.2)."""

_MAX_INT: Final = 2**63 - 1

_event_ids: Final[list[str]] = []
"""Made ahead, many at a time."""

os.register_at_fork(after_in_child=_event_ids.clear)


class _Skipped:
    """Stands for the site of a call that is not recorded."""

    __slots__ = ()


SKIPPED: Final = _Skipped()

Where = Site | _Skipped | None
"""A call site, `SKIPPED` if it leaves this call out, None if it never leaves out any."""


def is_heard(frame: FrameType) -> bool:
    """Whether what code in this frame says is recorded."""
    verdict = verdicts.get(TRACE)
    return control.decide(TRACE, frame) if verdict is None else verdict


def admitted(frame: FrameType, every: int, per_second: float) -> Where:
    """The site that a frame stands at, if it may leave out calls."""
    if every == 1 and not per_second:
        return None
    try:
        site = site_at(frame)
        return site if site.admits(every, per_second) else SKIPPED
    except Exception as failure:  # noqa: BLE001 - the border: a trace call must not break its program
        fail(failure)
        return None


def tell(name: object, fields: dict[str, object], said: object, frame: FrameType, site: Where = None) -> None:
    """Record one call, unless it is left out.

    Args:
        name: the event's name.
        fields: its attributes.
        said: its text; or a tuple of a text, a function or a template, and its arguments.
        frame: who says it.
        site: where, if that leaves out some.
    """
    if site is SKIPPED:
        return
    try:
        parent: Any = variable.get()
        if parent is None or parent._state > LEFT or held:
            parent = parent_at(frame)
        if parent is not None and parent._drops:
            return
        if type(said) is not str:
            said = made(*said)  # type: ignore[misc]  # a pair
        if isinstance(site, Site) and site.left:
            fields[LEFT_OUT] = site.taken()
        if type(name) is not str:
            name = text_of(name)
        if not _HANDED.isdisjoint(fields) and withholds(CALLS):
            fields = {key: value for key, value in fields.items() if key not in _HANDED} | {
                WITHHELD: METADATA
            }
        if said or not _IS_COMPILED:
            _write(name, fields, said, parent)
        else:
            event(name, TRACE, **fields)  # type: ignore[arg-type]  # none of them is called body
    except Exception as failure:  # noqa: BLE001 - the border, as above
        lose(failure)


def _write(name: str, fields: Mapping[str, object], text: str, parent: Any) -> None:
    """Join the line and write it."""
    now = monotonic_ns()
    if now >= clock.due:
        clock.check(now)
    place = ""
    if parent is not None and not isinstance(parent, Captured):
        if parent._state != MARKER and not parent._root._announced:
            parent._root._announce()
        place = f'"trace_id":"{parent.trace_id}","span_id":"{parent.span_id}",'
    cuts: list[Cut] = []
    rest = ""
    if text:
        if len(text) <= SHORT:
            rest = f',"body":{texts[text]}'
        else:
            body, cuts = captured(text, "body")
            rest = f',"body":{body}'
    members = []
    for key, value in fields.items():
        kind = type(value)
        named, hidden = keys[key]
        if not hidden and kind is str and len(value) <= SHORT:  # type: ignore[arg-type]  # its type was just asked
            members.append(named + texts[value])  # type: ignore[index]  # as above
        elif not hidden and kind is int and -_MAX_INT <= value <= _MAX_INT:  # type: ignore[operator]  # as above
            members.append(f"{named}{value}")
        else:
            members.append(member(key, value, cuts.extend))
    if cuts:
        members.append(cut_list(cuts))
    binding = innermost()
    try:
        event_id = _event_ids.pop()
    except IndexError:
        _event_ids.extend(ids.span_ids())
        event_id = _event_ids.pop()
    write_made(
        f'\x1e{{"v":1,"type":"event","event_id":"{event_id}",{place}"level":"trace",'
        f'"time":{now + clock.offset},"name":{texts[name]}',
        f'{rest},"attributes":{{{",".join(members)}}}{"" if binding is None else binding.field}',
        parent,
    )


def by(fields: dict[str, object], frame: FrameType) -> dict[str, object]:
    """The fields with who speaks: what `bind(actor=…)` says, else the last part of the module's name."""
    binding = innermost()
    actor = "" if binding is None else _bound(binding, "actor")
    if not actor:
        actor = actor_of(module_of(frame), frame.f_code.co_filename, frame.f_globals)
    if actor:
        fields["actor"] = actor
    return fields


def fail(failure: Exception) -> None:
    """Count what could not be recorded, unless it is the program's own exception that came between."""
    let_through(failure)
    memo._encoder.failed()
