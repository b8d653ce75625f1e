"""From what the settings name to sinks: `jsonl:PATH?rotate=64MB`, `stderr`, objects of the program's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flightlog.settings import STORE, Settings, SinkWord, sink_word
from flightlog.sinks.console import Console
from flightlog.sinks.jsonl import JsonLines
from flightlog.sinks.port import Sink
from flightlog.sinks.stderr import Stderr
from flightlog.sinks.tee import Tee


def open_sinks(settings: Settings) -> list[tuple[str, Sink]]:
    """Make the sinks that the settings name, the store left out, each with what the user calls it."""
    made: list[tuple[str, Sink]] = []
    if settings.console != "off":
        made.append((f"console:{settings.console}", Console(settings.console)))
    for one in settings.sinks:
        if isinstance(one, str):
            if one != STORE:
                made.append((one, _by_word(sink_word(one))))
        else:
            made += _branches(one)
    return made


def _branches(sink: Any) -> Iterator[tuple[str, Sink]]:
    """A sink of the program's own; of a tee, each of its branches, so that each has its own thread."""
    if isinstance(sink, Tee):
        for branch in sink.sinks:
            yield from _branches(branch)
    else:
        yield type(sink).__name__, sink


def _by_word(word: SinkWord) -> Sink:
    if word.kind == "stderr":
        return Stderr(word.target or "human")
    names = {"rotate": "rotate_bytes", "age": "rotate_seconds"}
    return JsonLines(word.target, **{names.get(name, name): value for name, value in word.options.items()})
