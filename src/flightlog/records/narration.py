"""A narration: an event that says in words, for people, what happened.

Its name is the action (`dispatch`, `enqueue`), its body the plain sentence, and its attributes tell who did it to
what, in which other voices it can be told, and where in the program it was said. `MARK` tells it from any other
event; readers choose the voice (`VIEWS`), and none of them ever stands in the place of the plain sentence.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from flightlog.records.event import Event

MARK: Final = "flightlog.event"
"""The attribute that says which event of the vocabulary this is, where its name says something else."""
NARRATION: Final = "narration"

SAID: Final = "flightlog_event_id"
"""The field of a log record that tells a narration, with the narration's id: it is recorded already."""

View = Literal["human", "cute", "story"]
VIEWS: Final[tuple[View, ...]] = ("human", "cute", "story")
"""The voices: the plain sentence, the same with a wink, the same as a dialogue."""

ATTRIBUTES: Final[Mapping[str, str]] = {
    "actor": "who did it: a service, a module, a worker",
    "target": "what it was done to",
    "cute": "the sentence with a wink",
    "story": "the sentence as a part of a story, with dialogue",
    "correlation_id": "the flow that it belongs to, across traces",
    "emitted_by": "service and version, as in queue@1.4.0",
    "source": "module and line that said it, as in app.worker:42",
}
"""What a narration has beside the program's own fields."""


def is_narration(event: Event) -> bool:
    """Say whether an event is a narration."""
    return event.attributes.get(MARK) == NARRATION or event.name == NARRATION


def spoken(event: Event, view: View = "human") -> str:
    """The sentence in the voice asked for; the plain one where it has no other, the action where it has none."""
    other: Any = None if view == "human" else event.attributes.get(view)
    return other if isinstance(other, str) and other else event.body or event.name
