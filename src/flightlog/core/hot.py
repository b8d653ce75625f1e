"""The hot tier: trace calls for the innermost loops. Each records an event of level trace, if anybody listens.

`flightlog.hot` is its public face. Everything that a call costs where nobody listens is in this file; with the compiled
engine a twin in C takes the place of `tiny`, `correlated`, `enter`, `exit`, `iteration` and `state` (`hot_engine.py`),
and calls these for whatever is not plain.
The first statement of each is the question whether anybody listens, which reads one global; nothing is formatted,
looked up or captured before it is answered. None of them ever raises into the program.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from sys import _getframe
from time import monotonic_ns
from types import FrameType
from typing import Any, TypeVar, overload

from flightlog._speed.presence import ENGINE
from flightlog.core.control import control
from flightlog.core.engine import verdicts
from flightlog.core.hot_pairs import begin, end
from flightlog.core.hot_sites import Site, are_plain, site_at
from flightlog.core.hot_telling import SKIPPED, TRACE, admitted, by, fail, is_heard, tell
from flightlog.core.memo import told_under
from flightlog.core.outcome import text_of
from flightlog.core.unset import UNSET
from flightlog.records.hot import ENTER, EXIT, LOOP, MARK, STATE, TINY

_Item = TypeVar("_Item")

listening = True
"""Whether anybody records this level: False is sure, True may be not known yet."""


def _heed() -> None:
    global listening  # noqa: PLW0603 - the one name that a call looks at where nobody listens
    verdict = verdicts.get(TRACE)
    listening = verdict is not False
    if ENGINE is not None:
        ENGINE.hot_listen(verdict)


control.on_change(_heed)


def tiny(
    actor: str,
    action: str,
    target: object = "",
    text: object = "",
    *args: object,
    every: int = 1,
    per_second: float = 0.0,
) -> None:
    """Say in a few words what was done.

    Args:
        actor: who did it.
        action: what was done, with few distinct values; the event's name.
        target: what it was done to.
        text: the sentence; or a function that gives it, or with `args` a template (`"sent {} to {}"`).
        *args: what the function is called with, or what the template's fields stand for.
        every: record the first of so many calls of this line.
        per_second: record at most so many calls of this line a second; 0 for no limit.
    """
    if listening and is_heard(frame := _getframe(1)):
        fields: dict[str, object] = {MARK: TINY, "actor": actor}
        if type(target) is not str or target:
            fields["target"] = target
        tell(action, fields, _said(text, args), frame, admitted(frame, every, per_second))


def correlated(
    actor: str,
    action: str,
    target: object,
    text: object,
    correlation_id: object,
    *args: object,
    every: int = 1,
    per_second: float = 0.0,
) -> None:
    """Say the same with the flow that it belongs to, across traces; the arguments are those of `tiny`."""
    if listening and is_heard(frame := _getframe(1)):
        fields = {MARK: TINY, "actor": actor, "target": target, "correlation_id": correlation_id}
        tell(action, fields, _said(text, args), frame, admitted(frame, every, per_second))


def enter(fn: object, args: object = None, *, every: int = 1, per_second: float = 0.0) -> None:
    """Say that a function was entered; `exit` tells how long it took.

    Args:
        fn: the function, or its name.
        args: what it was given: a mapping from names, a sequence, or a text.
        every: as for `tiny`; what is left out is left out with its exit.
        per_second: as for `tiny`.
    """
    if listening and is_heard(frame := _getframe(1)):
        try:
            name, site = _name_of(fn), admitted(frame, every, per_second)
            fields: dict[str, object] = {"function": name}
            if args is not None:
                fields["args"] = args
            if site is not SKIPPED:
                tell(ENTER, by(fields, frame), "", frame, site)
            begin(name, is_told=site is not SKIPPED)
        except Exception as failure:  # noqa: BLE001 - the border: a trace call must not break its program
            fail(failure)


def exit(fn: object, result: object = UNSET) -> None:  # noqa: A001 - the word that the tier has for it
    """Say that a function was left, with its result and the time since its innermost `enter` in this thread or task.

    What was entered within it and never left is forgotten. Without such an `enter` no time is told.
    """
    if listening and is_heard(frame := _getframe(1)):
        try:
            name, now = _name_of(fn), monotonic_ns()
            entry = end(name)
            if entry is not None and not entry.is_told:
                return
            fields: dict[str, object] = {"function": name}
            if result is not UNSET:
                fields["result"] = result
            if entry is not None:
                fields["elapsed_ns"] = now - entry.zero
            tell(EXIT, by(fields, frame), "", frame)
        except Exception as failure:  # noqa: BLE001 - the border, as above
            fail(failure)


def iteration(
    i: int,
    n: int | None = None,
    detail: object = "",
    *args: object,
    name: str = "",
    every: int = 1,
    per_second: float = 0.0,
) -> None:
    """Say which round of a loop this is.

    Args:
        i: the round, counted from 0.
        n: how many there are, if that is known.
        detail: what it is about; or a function, or a template, as the text of `tiny`.
        *args: as for `tiny`.
        name: how the loop is called.
        every: as for `tiny`.
        per_second: as for `tiny`.
    """
    if listening and is_heard(frame := _getframe(1)):
        site = admitted(frame, every, per_second)
        tell(LOOP, by(_round(i, n, name), frame), _said(detail, args), frame, site)


def state(name: str, before: object, after: object, *, every: int = 1, per_second: float = 0.0) -> None:
    """Say that a value changed.

    Args:
        name: what changed; values of what is called as a secret is are redacted.
        before: its old value.
        after: its new value.
        every: as for `tiny`.
        per_second: as for `tiny`.
    """
    if listening and is_heard(frame := _getframe(1)):
        if type(name) is str:
            before, after = told_under(name, before), told_under(name, after)
        fields: dict[str, object] = {"name": name, "before": before, "after": after}
        tell(STATE, by(fields, frame), "", frame, admitted(frame, every, per_second))


@overload
def loop(
    iterable: Iterable[_Item], *, every: int = 1, per_second: float = 0.0, name: str = ""
) -> Iterator[_Item]: ...


@overload
def loop(
    iterable: AsyncIterable[_Item], *, every: int = 1, per_second: float = 0.0, name: str = ""
) -> AsyncIterator[_Item]: ...


def loop(iterable: Any, *, every: int = 1, per_second: float = 0.0, name: str = "") -> Any:
    """Give the items, and say of each that its round begins.

    Whether anybody listens is asked when the loop begins; where nobody does, the iterable's own iterator is given.

    Args:
        iterable: what is looped over, with `for` or `async for`.
        every: record the first of so many rounds.
        per_second: record at most so many rounds of this line a second; 0 for no limit.
        name: how the loop is called.
    """
    is_async = hasattr(type(iterable), "__aiter__") and not hasattr(type(iterable), "__iter__")
    items = aiter(iterable) if is_async else iter(iterable)
    if listening and is_heard(frame := _getframe(1)):
        try:
            rounds = _Rounds(_length(iterable), name, site_at(frame), by({}, frame))
            rounds.every, rounds.per_second = every, per_second
        except Exception as failure:  # noqa: BLE001 - the border, as above
            fail(failure)
            return items
        return _each_awaited(items, rounds) if is_async else _told(items, rounds)
    return items


class _Rounds:
    """One run through a loop."""

    __slots__ = ("every", "fields", "length", "name", "per_second", "site")

    def __init__(self, length: int | None, name: str, site: Site, fields: Mapping[str, object]) -> None:
        self.length = length
        self.name = name
        self.site = site
        self.fields = fields
        self.every = 1
        self.per_second = 0.0

    def begin(self, i: int, frame: FrameType) -> None:
        """Say that this round begins, unless it is left out."""
        site = self.site
        try:
            if (self.every > 1 and i % self.every) or (
                self.per_second > 0 and not site.has_room(self.per_second)
            ):
                site.leave_out()
            else:
                tell(LOOP, {**self.fields, **_round(i, self.length, self.name)}, "", frame, site)
        except Exception as failure:  # noqa: BLE001 - the border, as above
            fail(failure)


def _told(items: Iterator[_Item], rounds: _Rounds) -> Iterator[_Item]:
    """The items, with each of which its round is told of."""
    if ENGINE is None or type(rounds.name) is not str or not are_plain(rounds.every, rounds.per_second):
        return _each(items, rounds)
    actor, per_second = rounds.fields.get("actor", ""), float(rounds.per_second)
    made: Iterator[_Item] = ENGINE.Rounds(
        items, rounds.begin, rounds.site, actor, rounds.length, rounds.name, rounds.every, per_second
    )
    return made


def _each(items: Iterator[_Item], rounds: _Rounds) -> Iterator[_Item]:
    for i, item in enumerate(items):
        if listening:
            rounds.begin(i, _getframe())
        yield item


async def _each_awaited(items: AsyncIterator[_Item], rounds: _Rounds) -> AsyncIterator[_Item]:
    i = 0
    async for item in items:
        if listening:
            rounds.begin(i, _getframe())
        i += 1
        yield item


def _said(text: object, args: tuple[object, ...]) -> object:
    """What `tell` takes: a text as it is, or what one is to be made of."""
    return text if type(text) is str and not args else (text, args)


def _round(i: int, n: int | None, name: str) -> dict[str, object]:
    fields: dict[str, object] = {"i": i}
    if n is not None:
        fields["n"] = n
    if name:
        fields["name"] = name
    return fields


def _length(iterable: Any) -> int | None:
    """How many items there are, where that is known without asking for them."""
    return len(iterable) if hasattr(type(iterable), "__len__") else None


def _name_of(fn: Any) -> str:
    if type(fn) is str:
        return fn
    return text_of(getattr(fn, "__qualname__", None) or fn).replace("<locals>.", "")
