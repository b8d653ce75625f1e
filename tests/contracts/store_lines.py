"""Lines, chunks and engines for the tests of stores."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from flightlog.records.line import Line
from flightlog.records.process import Process
from flightlog.store.open import open_reader, open_writer
from flightlog.store.port import Applied, Chunk, Reader, Writer

START = 1_763_653_000_000_000_000
"""A time to begin with, in nanoseconds."""

MS = 1_000_000
HOUR = 3_600_000 * MS

SLOW_LIMIT_NS = 1_500 * MS

PROCESS = Process(
    process_id="0" * 31 + "1",
    pid=11,
    host="box",
    project="shop",
    environment="test",
    service="svc",
    version="1.2",
    started=START - 5 * MS,
    attributes={"python": "3.11"},
)


def trace_id(number: int) -> str:
    return f"{number:032x}"


def span_id(number: int) -> str:
    return f"{number:016x}"


def encode(fields: dict[str, Any]) -> Line:
    return Line(msgspec.json.encode(fields))


def span(
    trace: int = 1, number: int = 1, *, parent: int = 0, at: int = 0, took: int | None = 1, **fields: Any
) -> Line:
    """A span line; `at` and `took` in milliseconds, None for one that has not ended."""
    start = START + at * MS
    known: dict[str, Any] = {
        "v": 1,
        "type": "span",
        "trace_id": trace_id(trace),
        "span_id": span_id(number),
        "name": f"step_{number}",
        "start": start,
        "status": "running" if took is None else "ok",
    }
    if parent:
        known["parent_id"] = span_id(parent)
    if took is not None:
        known["end"] = start + took * MS
    return encode({**known, **fields})


def event(number: int = 1, *, trace: int = 1, at: int = 0, name: str = "cache", **fields: Any) -> Line:
    known: dict[str, Any] = {
        "v": 1,
        "type": "event",
        "event_id": span_id(number),
        "time": START + at * MS,
        "name": name,
    }
    if trace:
        known["trace_id"] = trace_id(trace)
    return encode({**known, **fields})


def annotation(number: int = 1, *, trace: int = 1, at: int = 0, **fields: Any) -> Line:
    return encode(
        {
            "v": 1,
            "type": "annotation",
            "annotation_id": f"a{number}",
            "trace_id": trace_id(trace),
            "time": START + at * MS,
            "name": "correctness",
            **fields,
        }
    )


def usage(**tokens: int) -> dict[str, int]:
    return {f"gen_ai.usage.{name}_tokens": value for name, value in tokens.items()}


class Engine:
    """One kind of store, at one place: opens as many writers and readers as a test asks for."""

    def __init__(
        self,
        place: Path,
        writer: Callable[[Path], Writer] = open_writer,
        reader: Callable[..., Reader] = open_reader,
    ) -> None:
        self.place = place
        self._writer = writer
        self._reader = reader
        self._opened: list[Writer | Reader] = []

    def writer(self) -> Writer:
        self._opened.append(writer := self._writer(self.place))
        return writer

    def reader(self, slow_limit_ns: int = SLOW_LIMIT_NS) -> Reader:
        self._opened.append(reader := self._reader(self.place, slow_limit_ns=slow_limit_ns))
        return reader

    def append(self, *lines: Line, process: Process = PROCESS, **chunk: Any) -> Applied:
        """Apply one chunk through a writer of its own."""
        return self.append_chunks(Chunk(process, lines, **chunk))

    def append_chunks(self, *chunks: Chunk) -> Applied:
        writer = self._writer(self.place)
        try:
            return writer.append(chunks)
        finally:
            writer.close()

    def close(self) -> None:
        for opened in self._opened:
            opened.close()


@contextmanager
def sqlite(directory: Path) -> Iterator[Engine]:
    engine = Engine(directory / "store.db")
    try:
        yield engine
    finally:
        engine.close()


ENGINES = {"sqlite": sqlite}
"""Every engine that keeps the contract, by name."""


def said(reader: Reader, trace: str | None = None) -> list[Any]:
    """What the store says in lines, as values that can be compared."""
    return [msgspec.json.decode(line) for line in reader.lines(trace)]


def everything(reader: Reader) -> dict[str, Any]:
    """Every answer of a reader, in an order that does not depend on how the lines came."""
    return {
        "lines": sorted(reader.lines()),
        "traces": reader.traces(1000),
        "counters": reader.counters(),
        "verify": reader.verify(),
    }
