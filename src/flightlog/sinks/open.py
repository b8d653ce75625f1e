"""From what the settings name to sinks: `jsonl:PATH?rotate=64MB`, `stderr`, objects of the program's own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, cast

from flightlog.records.narration import View
from flightlog.settings import STORE, Settings, SinkWord, sink_word
from flightlog.sinks.console import Console
from flightlog.sinks.jsonl import JsonLines
from flightlog.sinks.logs import Logs
from flightlog.sinks.port import Batch, Sink
from flightlog.sinks.stderr import Stderr
from flightlog.sinks.tee import Tee


def open_sinks(settings: Settings) -> list[tuple[str, Sink]]:
    """Make the sinks that the settings name, the store left out, each with what the user calls it.

    What is named twice is there once: the same words, the same object, or one file under two names.
    """
    made: list[tuple[str, Sink]] = []
    if settings.console != "off":
        made.append(
            (f"console:{settings.console}", Console(settings.console, view=cast("View", settings.view)))
        )
    seen: set[object] = set()
    for one in settings.sinks:
        found = _branches(one) if not isinstance(one, str) else _named(one, settings)
        for name, sink in found:
            if (what := _identity(one, sink)) not in seen:
                seen.add(what)
                made.append((name, sink))
    return made


def _named(word: str, settings: Settings) -> Iterator[tuple[str, Sink]]:
    if word != STORE:
        yield word, _by_word(sink_word(word), settings)


def _identity(given: object, sink: Sink) -> object:
    """What makes two of them one: the file that they lead to, the word, or the object."""
    if type(sink) is JsonLines:
        return os.path.realpath(sink.path)
    if isinstance(given, str):
        word = sink_word(given)
        return word.kind, word.target, tuple(sorted(word.options.items()))
    return id(sink)


def _branches(sink: Any) -> Iterator[tuple[str, Sink]]:
    """A sink of the program's own; of a tee, each of its branches, so that each has its own thread."""
    if isinstance(sink, Tee):
        for branch in sink.sinks:
            yield from _branches(branch)
    else:
        yield type(sink).__name__, sink


def _by_word(word: SinkWord, settings: Settings) -> Sink:
    if word.kind == "stderr":
        return Stderr(word.target or "human", word.options.get("view") or cast("View", settings.view))
    if word.kind == "logging":
        return Logs(word.target, **word.options)
    if word.kind == "otlp":
        from flightlog.sinks.otlp import Otlp  # an HTTP client and TLS: 40 ms, for those who want it

        try:
            return Otlp(word.target, **word.options)
        except ValueError as error:
            return _Unusable(str(error))
    names = {"rotate": "rotate_bytes", "age": "rotate_seconds"}
    return JsonLines(word.target, **{names.get(name, name): value for name, value in word.options.items()})


class _Unusable:
    """Stands for a sink that cannot be made: it says why and takes nothing, and recording begins all the same."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def append(self, _: Batch, /) -> None:
        """Say why.

        Raises:
            ValueError: always.
        """
        raise ValueError(self._reason)

    def flush(self, timeout: float, /) -> bool:  # noqa: ARG002 - nothing ever gets anywhere
        """Nothing ever gets anywhere."""
        return False

    def close(self) -> None:
        """Nothing is held."""

    def forked(self) -> None:
        """A child has the same settings."""
