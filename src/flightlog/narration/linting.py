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
    """The text of the example in which it was found, or its action; safe to show."""
    trace_id: str
    span_id: str
    event_id: str
    count: int = 1
    """How many narrations have it; for `too-many` how many traces."""


class Linter:
    """Takes events: those of traces, one trace after the other, and those of none."""

    def __init__(self) -> None:
        self.checked: int = 0
        """Narrations seen."""
        self._found: dict[tuple[str, str], Linted] = {}

    def check(self, events: Iterable[Event], *, is_trace: bool = True) -> None:
        """Check the narrations of one trace; of what is none only how each is told, not how many there are."""
        said = [event for event in events if is_narration(event)]
        self.checked += len(said)
        for event in said:
            attributes = event.attributes
            cute, story, target = (_text(attributes.get(name)) for name in ("cute", "story", "target"))
            for finding in findings(event.level, event.body, cute, story, target=target):
                self._note(finding, event, _source(event))
        over = too_many(len(said)) if is_trace else None
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
        sentence = short(_found_in(finding.rule, event) or event.body or event.name, _MOST_SHOWN)
        self._found[key] = Linted(
            finding.rule, finding.text, key[1], sentence, event.trace_id, event.span_id, event.event_id
        )


def _source(event: Event) -> str:
    """Where it was said."""
    return plain(event.attributes.get("source") or "") or " ".join(
        filter(None, (plain(event.attributes.get("actor") or ""), short(event.name)))
    )


def _found_in(rule: str, event: Event) -> str:
    """The voice that a rule is about; the first text that holds a secret for the rule about these."""
    cute, story, target = (_text(event.attributes.get(name)) for name in ("cute", "story", "target"))
    if rule == "secret":
        return next(
            (
                text
                for text in (event.body, cute, story, target)
                if any(one.rule == rule for one in findings("", text))
            ),
            "",
        )
    return {"cute": cute, "story": story}.get(rule.partition("-")[0], "")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
