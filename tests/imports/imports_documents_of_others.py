"""What other tools wrote, as the tests of the importers read it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from flightlog.analysis.tree import Node
from flightlog.home import Home
from flightlog.importing import Imported, import_documents
from flightlog.loading import load_trace

GOLD = Path(__file__).parents[1] / "gold"

FILES = {
    "flightlog-json": GOLD / "imports" / "flightlog-nested.json",
    "frame-trace": GOLD / "frame-trace" / "voice-turn.json",
    "tracellm": GOLD / "imports" / "tracellm-0.1.0.json",
    "lash": GOLD / "imports" / "lash-2.jsonl",
    "narration": GOLD / "imports" / "narration.jsonl",
    "jaeger": GOLD / "imports" / "jaeger.json",
    "zipkin": GOLD / "imports" / "zipkin-opentelemetry.json",
    "chrome": GOLD / "imports" / "chrome-viztracer.json",
    "claude-code": GOLD / "imports" / "claude-code.jsonl",
    "langfuse": GOLD / "imports" / "langfuse.json",
    "phoenix": GOLD / "imports" / "phoenix.jsonl",
}
"""A document of each format, but for flujo's, which is made of its SQL (`flujo_file`)."""


class Skipped(list[tuple[str, str]]):
    """The places and the reasons of what was left out."""

    def __call__(self, _path: str, place: str, why: str) -> None:
        """Note one."""
        self.append((place, why))


def brought_in(home: Home, *paths: Path, **options: str) -> tuple[Imported, Skipped]:
    """What an import did."""
    skipped = Skipped()
    return import_documents(home, map(str, paths), bad=skipped, **options), skipped


def flujo_file(path: Path, script: Callable[[str], str] = str, version: str = "0.4.35") -> Path:
    """The file that this version of flujo wrote, from its own SQL."""
    with closing(sqlite3.connect(path)) as store:
        store.executescript(script((GOLD / "imports" / f"flujo-{version}.sql").read_text(encoding="utf-8")))
    return path


def drawn(home: Home) -> list[str]:
    """Every trace of a home as lines: depth, name, kind, status, and what the span's events are called."""
    with home.reader() as reader:
        assert reader.verify() == []
        ids = [trace.trace_id for trace in reversed(list(reader.traces(100)))]
        return [line for one in ids for root in load_trace(reader, one).roots for line in _lines(root, 0)]


def _lines(node: Node, depth: int) -> list[str]:
    span = node.record
    words = [
        "  " * depth + span.name,
        span.kind or "-",
        span.status,
        *(f"*{event.name}" for event in node.events),
    ]
    return [" ".join(words), *(line for child in node.children for line in _lines(child, depth + 1))]


def spans(home: Home) -> dict[str, Node]:
    """Every span of a home by its name; of two with one name the last."""
    with home.reader() as reader:
        ids = [trace.trace_id for trace in reader.traces(100)]
        return {
            node.record.name: node
            for one in ids
            for root in load_trace(reader, one).roots
            for node in root.walk()
        }
