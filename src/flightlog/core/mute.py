"""`mute`: a block in which nothing is narrated.

It is a binding without fields (`bound.py`), and so it goes wherever a binding goes: into the tasks and threads
that the block starts, in and out of the body of a traced generator with it. Spans and events are recorded as ever.
"""

from __future__ import annotations

from typing import Self

from flightlog.core.bound import Bind, Binding, bound, innermost


class Mute(Bind):
    """The block of one `mute`. It may be entered again, also within itself and by several tasks at once."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__({})

    def __enter__(self) -> Self:
        binding = Binding({}, innermost(), muted=True)
        self._entered.append(binding)
        bound.set(binding)
        return self


def mute() -> Mute:
    """Leave unsaid what this block narrates, and what the tasks and threads narrate that it starts.

    Spans and events are recorded as ever, `human` is not asked for its sentence, and nothing is counted: the
    program said that it has nothing to say.
    """
    return Mute()
