"""How long somebody who appends waits while a large trace is deleted: in parts, and in one transaction.

    python bench/keeping_bench.py

What counts is the longest wait: the whole deletion may take longer in parts, for it rests in between.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median

import msgspec

from flightlog.records.line import Line
from flightlog.records.process import Process
from flightlog.store.clearing import Clearing
from flightlog.store.open import open_writer
from flightlog.store.port import Chunk, Writer

START = 1_763_653_000_000_000_000
PROCESS = Process(process_id="7" * 32, pid=7, host="bench", service="bench", started=START)
SPANS = 100_000
BATCH = 5000
LARGE = f"{1:032x}"
EVERY_SECONDS = 0.02


def spans(trace: int, first: int, count: int) -> list[Line]:
    """Spans of one trace, each tenth a model call with a large input."""
    made = []
    for number in range(first, first + count):
        is_call = number % 10 == 0
        fields = {
            "v": 1,
            "type": "span",
            "trace_id": f"{trace:032x}",
            "span_id": f"{number:016x}",
            "parent_id": f"{number // 8:016x}" if number > 1 else "",
            "name": f"step_{number % 40}",
            "kind": "llm" if is_call else "function",
            "start": START + number * 1000,
            "end": START + number * 1000 + 500,
            "status": "ok",
            "input": f"{number} " * (300 if is_call else 5),
            "attributes": {"gen_ai.usage.input_tokens": 5} if is_call else {},
        }
        made.append(Line(msgspec.json.encode(fields)))
    return made


def waits(place: Path, *, in_parts: bool) -> tuple[list[float], float]:
    """Seconds that each append took meanwhile, and how long the deletion took."""
    store, other = open_writer(place), open_writer(place)
    for first in range(1, SPANS, BATCH):
        store.append([Chunk(PROCESS, spans(1, first, BATCH))])
    found: list[float] = []
    stop = threading.Event()
    thread = threading.Thread(target=_append, args=(other, stop, found))
    thread.start()
    begun = time.perf_counter()
    if in_parts:
        Clearing(store).clear([LARGE])
    else:
        store.delete_trace(LARGE)
    took = time.perf_counter() - begun
    stop.set()
    thread.join()
    store.close()
    other.close()
    return found, took


def _append(store: Writer, stop: threading.Event, found: list[float]) -> None:
    trace = 10
    while not stop.wait(EVERY_SECONDS):
        trace += 1
        begun = time.perf_counter()
        store.append([Chunk(PROCESS, spans(trace, 1, 50))])
        found.append(time.perf_counter() - begun)


def main() -> None:
    """Print both."""
    for in_parts in (True, False):
        with tempfile.TemporaryDirectory() as directory:
            found, took = waits(Path(directory) / "store.db", in_parts=in_parts)
        how = "in parts" if in_parts else "at once"
        told = f"median {median(found) * 1e3:.1f} ms, longest {max(found) * 1e3:.1f} ms"
        sys.stdout.write(f"{SPANS:,} spans {how}: {took:.2f} s; {len(found)} appends meanwhile: {told}\n")


if __name__ == "__main__":
    main()
