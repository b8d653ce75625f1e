"""What people answered to spans that waited for them, given again to a program that asks at its standard input.

A span waits between `pause` and `resume`; what `resume` was told is the answer. In a rerun `input()` gives it while
a span of the same name waits, and asks nobody.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Iterable
from typing import Any

from flightlog.core.engine import current
from flightlog.records.event import Event
from flightlog.records.span import Span
from flightlog.replay.answering import Replayer
from flightlog.replay.order import Told


def told_by_people(spans: Iterable[Span], events: Iterable[Event]) -> list[Told]:
    """The answers of one trace, in the order in which they came."""
    names = {span.span_id: span.name for span in spans}
    messages: dict[str, str] = {}
    found = []
    for event in sorted(events, key=lambda event: event.time):
        if event.name == "pause":
            messages[event.span_id] = str(event.attributes.get("message", ""))
        elif event.name == "resume" and event.span_id in names:
            message = messages.get(event.span_id, "")
            found.append(Told(names[event.span_id], event.attributes.get("value"), message))
    return found


def answer_for_people(replayer: Replayer) -> None:
    """Have `input()` give what was answered, from now on."""
    ask = builtins.input

    def answered(prompt: object = "", /) -> str:
        here: Any = current()
        waits = getattr(here, "_waits", None)
        if waits is None or not waits.are_on:
            return ask(prompt)
        given = replayer.told(here)
        if given is None:
            return ask(prompt)
        sys.stdout.write(str(prompt))
        sys.stdout.flush()
        return given

    builtins.input = answered
