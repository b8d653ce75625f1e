"""The editorial rules over what was recorded: each fault of each line of a program once, with how often and where."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from msgspec import Struct

from flightlog.narration.words import plain, short
from flightlog.records.editorial import Finding, findings, too_many
from flightlog.records.event import Event
from flightlog.records.narration import is_narration

MOST_APART: Final = 5_000
"""Lines of a program that are kept apart; what else is found is one finding without a line."""
_MOST_SHOWN: Final = 200


class Linted(Struct):
    """One thing that could be better at one line of a program."""

    rule: str
    text: str
    """Of its first example."""
    source: str
    """Module and line; of a narration that does not tell, who did what."""
    sentence: str
    """The plain sentence of the example, or its action; safe to show."""
    trace_id: str
    span_id: str
    event_id: str
    count: int = 1
    """How many narrations have it; for `too-many` how many traces."""


class Linter:
    """Takes the events of traces, one trace after the other."""

    def __init__(self) -> None:
        self.checked: int = 0
        """Narrations seen."""
        self._found: dict[tuple[str, str], Linted] = {}

    def check(self, events: Iterable[Event]) -> None:
        """Check the narrations of one trace."""
        said = [event for event in events if is_narration(event)]
        self.checked += len(said)
        for event in said:
            attributes = event.attributes
            cute, story = (_text(attributes.get(view)) for view in ("cute", "story"))
            for finding in findings(event.level, event.body, cute, story):
                self._note(finding, event, _source(event))
        over = too_many(len(said))
        if over is not None:
            self._note(over, said[0], "")

    def found(self) -> list[Linted]:
        """What was found, the most frequent first."""
        return sorted(self._found.values(), key=lambda one: (-one.count, one.source, one.rule))

    def _note(self, finding: Finding, event: Event, source: str) -> None:
        key = finding.rule, source
        if key not in self._found and len(self._found) >= MOST_APART:
            key = finding.rule, ""
        if key in self._found:
            self._found[key].count += 1
            return
        sentence = short(event.body or event.name, _MOST_SHOWN)
        self._found[key] = Linted(
            finding.rule, finding.text, key[1], sentence, event.trace_id, event.span_id, event.event_id
        )


def _source(event: Event) -> str:
    """Where it was said."""
    return plain(event.attributes.get("source") or "") or " ".join(
        filter(None, (plain(event.attributes.get("actor") or ""), short(event.name)))
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
