"""What a call of the hot tier is in the record: an event of level trace, and which kind of one.

`loop`, `state`, `enter` and `exit` are called so (`records/events.py` has their fields). `tiny`, and what is said of
the calls of a decorated function, are named after what was done; `MARK` tells which they are.
"""

from __future__ import annotations

from sys import intern
from typing import TYPE_CHECKING, Final

from flightlog.records import narration

if TYPE_CHECKING:
    from flightlog.records.event import Event

MARK: Final = intern(narration.MARK)
"""The attribute that says which kind it is; interned, as the compiled core wants the names of attributes."""

TINY: Final = "tiny"
ENTER: Final = "enter"
EXIT: Final = "exit"
LOOP: Final = "loop"
STATE: Final = "state"

LEFT_OUT: Final = intern("flightlog.left_out")
"""The attribute that counts what its call site did not record since its last event: sampled, or over its rate."""

_TELLS: Final = {TINY: "actor", ENTER: "function", EXIT: "function", LOOP: "i", STATE: "name"}
"""Each kind, and the field without which an event is none of it."""


def hot_kind(event: Event) -> str:
    """Which kind of a hot call an event is; empty when it is none."""
    if event.level != "trace":
        return ""
    found = event.attributes.get(MARK, event.name)
    field = _TELLS.get(found) if isinstance(found, str) else None
    return found if field is not None and field in event.attributes else ""
