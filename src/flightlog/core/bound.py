"""What `bind` puts around spans and events: session, user, tags, job and anything else, for a block of code.

The current binding lives in a ContextVar and is left without tokens, as spans are (`context.py`): a binding that
is left where it is not current is a stray, and whoever reads goes on to the one around it. What it put on those
that were entered within it goes from them, too: they get a stand-in without it. One that was left in its place may
still be seen in a context copied before (a task): there it holds on.
"""

from __future__ import annotations

from _weakref import ref
from collections.abc import Mapping
from contextvars import ContextVar
from types import TracebackType
from typing import Final, Self

bound: Final[ContextVar[Binding | None]] = ContextVar("flightlog.bound", default=None)
"""The innermost binding of this context."""


class Binding:
    """Captured fields, written once and put on every line of the block as they are; spans that are open hold it."""

    __slots__ = (
        "__weakref__",
        "field",
        "inner",
        "left",
        "members",
        "muted",
        "mutes",
        "original",
        "outer",
        "own",
        "stray",
    )

    def __init__(self, members: Mapping[str, str], outer: Binding | None, *, muted: bool = False) -> None:
        self.members: Mapping[str, str] = members if outer is None else {**outer.members, **members}
        """By name, the JSON member that is written, redacted."""
        self.field = f',"context":{{{",".join(self.members.values())}}}' if self.members else ""
        """`,"context":{…}`, ready to be joined."""
        self.muted: bool = muted or (outer is not None and outer.muted)
        """Whether what is narrated here is left unsaid."""
        self.own: Mapping[str, str] = members
        self.mutes = muted
        self.outer: Binding | None = None
        self.inner: set[ref[Binding]] = set()
        """Those that stand on this one and are still held by somebody."""
        self.original: Binding | None = None
        """Of a stand-in, the binding that it speaks for."""
        self.left = False
        """Whether it was left where it was not current."""
        self.stray = False
        """Whether it was, or one that it stands on: `innermost` knows what holds instead."""
        self.stand_on(outer)

    def stand_on(self, outer: Binding | None) -> None:
        """Have this one around it; what it says stays as it is."""
        if outer is not None:
            outer = outer.original or outer
            outer.inner.add(ref(self, outer.inner.discard))
        self.outer = outer

    def go_astray(self) -> None:
        """Be left where it is not current: from now on it adds nothing to those that stand on it."""
        self.left = True
        astray: list[Binding] = [self]
        for one in astray:
            one.stray = True
            astray += [found for held in one.inner.copy() if (found := held()) is not None]

    def without_strays(self) -> Binding | None:
        """What holds where this one is current."""
        kept: list[Binding] = []
        one: Binding | None = self
        while one is not None:
            if not one.left:
                if kept and kept[-1].outer is not one:
                    kept[-1].stand_on(one)
                kept.append(one)
            one = one.outer
        if not kept or not kept[0].stray:
            return kept[0] if kept else None
        kept[-1].outer = None
        members: dict[str, str] = {}
        for one in reversed(kept):
            members.update(one.own)
        found = Binding(members, None, muted=any(one.mutes for one in kept))
        found.original = kept[0]
        return found


def innermost() -> Binding | None:
    """The binding that holds here, without what strays say."""
    found = bound.get()
    return found if found is None or not found.stray else found.without_strays()


class Bind:
    """The block of one `bind`. It may be entered again, also by several tasks at once."""

    __slots__ = ("_entered", "_members")

    def __init__(self, members: Mapping[str, str]) -> None:
        self._members = members
        self._entered: list[Binding] = []

    def __enter__(self) -> Self:
        binding = Binding(self._members, innermost())
        self._entered.append(binding)
        bound.set(binding)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        here = bound.get()
        binding = here if here in self._entered else self._entered[-1] if self._entered else None
        if binding is None:
            return
        self._entered.remove(binding)
        if here is binding:
            bound.set(binding.outer)
        else:
            binding.go_astray()
