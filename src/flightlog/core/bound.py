"""What `bind` puts around spans and events: session, user, tags, job and anything else, for a block of code.

The current binding lives in a ContextVar and is left without tokens, as spans are (`context.py`): a binding that
is left where it is not current is a stray, and whoever reads goes on to the one around it. One that was left in
its place may still be seen in a context copied before (a task): there it holds on.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from types import TracebackType
from typing import Final, Self

bound: Final[ContextVar[Binding | None]] = ContextVar("flightlog.bound", default=None)
"""The innermost binding of this context."""


class Binding:
    """Captured fields, written once and put on every line of the block as they are."""

    __slots__ = ("field", "members", "outer", "stray")

    def __init__(self, members: Mapping[str, str], outer: Binding | None) -> None:
        self.members: Mapping[str, str] = members if outer is None else {**outer.members, **members}
        """By name, the JSON member that is written, redacted."""
        self.field = f',"context":{{{",".join(self.members.values())}}}' if self.members else ""
        """`,"context":{…}`, ready to be joined."""
        self.outer = outer
        self.stray = False


def innermost() -> Binding | None:
    """The binding that holds here; strays are skipped."""
    found = bound.get()
    while found is not None and found.stray:
        found = found.outer
    return found


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
            binding.stray = True
