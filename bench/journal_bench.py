"""What a line costs on its way into the journal and out of it, beside what it could cost at least.

The floors do the same copy without keeping anything: a slice assignment into a `bytearray`, and the bare
`mmap.write` that the hot path is built on. Writing is measured twice. "Segment ready" is what a program meets
that records less than the background thread can prepare for, which is nearly every program. "In a row" is a
loop that does nothing but record: allocation, page faults and the background thread's work are all in it.
"""

from __future__ import annotations

import mmap
import tempfile
import threading
import time
import timeit
from collections.abc import Callable
from pathlib import Path

from flightlog.codecs.lines import encode
from flightlog.journal.framing import frame
from flightlog.journal.reader import Journal
from flightlog.journal.writer import Writer
from flightlog.records.cursor import Cursor
from flightlog.records.line import Line
from flightlog.records.process import Process
from flightlog.settings import GIB, Layer, resolve

_ID = "b" * 32
_REPEATS = 7
_FIT = 30_000
"""So many lines fit into a segment of 8 MiB."""


def run(quick: bool) -> list[tuple[str, float, str]]:
    """Measure each subject and return (name, value, unit) rows; medians of seven."""
    number = 20_000 if quick else 200_000
    return [
        *_floors(number),
        ("write_framed, 250 B, segment ready", _median(_ready_write), "ns/line"),
        ("append, 250 B, segment ready", _median(_ready_append), "ns/line"),
        ("write_framed, 250 B, in a row", _median(lambda root: _writing(root, number, 1)), "ns/line"),
        ("write_framed, 250 B, 4 threads", _median(lambda root: _writing(root, number, 4)), "ns/line"),
        ("read, 90 B", 1e9 / _median(lambda root: _reading(root, number, 90)), "lines/s"),
        ("read, 250 B", 1e9 / _median(lambda root: _reading(root, number, 250)), "lines/s"),
    ]


def _record(size: int) -> bytes:
    return frame(b'{"pad":"' + b"p" * (size - 12) + b'"}')


def _floors(number: int) -> list[tuple[str, float, str]]:
    data = _record(250)
    room = len(data) * number
    array, region = bytearray(room), mmap.mmap(-1, room)
    region.write(bytes(room))  # the pages exist: a floor has no faults

    def slices() -> None:
        for start in range(0, room, 250):
            array[start : start + 250] = data

    def writes() -> None:
        region.seek(0)
        for _ in range(number):
            region.write(data)

    rows = []
    for name, subject in (
        ("floor: bytearray slice, 250 B", slices),
        ("floor: bare mmap.write, 250 B", writes),
    ):
        runs = sorted(timeit.repeat(subject, number=1, repeat=_REPEATS))
        rows.append((name, runs[_REPEATS // 2] / number * 1e9, "ns/line"))
    region.close()
    return rows


def _median(subject: Callable[[Path], float]) -> float:
    """Run in a fresh home each time; nanoseconds a line."""
    runs = []
    for _ in range(_REPEATS):
        with tempfile.TemporaryDirectory() as home:
            runs.append(subject(Path(home)))
    return sorted(runs)[_REPEATS // 2]


def _opened(root: Path) -> Writer:
    head = Line(encode(Process(process_id=_ID, started=1)))
    return Writer(root, _ID, head, resolve([Layer("bench", {"journal_bytes": 4 * GIB})]), say=print)


class _Tended:
    """A writer with a thread that does its background duties, as the recorder's own does."""

    def __init__(self, root: Path) -> None:
        self.writer = _opened(root)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._tend)

    def _tend(self) -> None:
        while not self._stop.wait(0.01):
            self.writer.tend()

    def __enter__(self) -> Writer:
        self._thread.start()
        return self.writer

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self.writer.close()


def _writing(root: Path, number: int, threads: int) -> float:
    data = _record(250)
    with _Tended(root) as writer:

        def write() -> None:
            write_framed = writer.write_framed
            for _ in range(number // threads):
                write_framed(data)

        workers = [threading.Thread(target=write) for _ in range(threads)]
        begin = time.perf_counter_ns()
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return (time.perf_counter_ns() - begin) / number


def _in_ready_segment(root: Path) -> Writer:
    """A writer at the beginning of a large segment that was made ahead."""
    writer = _opened(root)
    data = _record(250)
    for segment in range(1, 7):
        while writer.position().segment == segment:
            for _ in range(100):
                writer.write_framed(data)
        writer.tend()
    return writer


def _ready_write(root: Path) -> float:
    writer, data = _in_ready_segment(root), _record(250)
    write_framed = writer.write_framed
    begin = time.perf_counter_ns()
    for _ in range(_FIT):
        write_framed(data)
    spent = time.perf_counter_ns() - begin
    writer.close()
    return spent / _FIT


def _ready_append(root: Path) -> float:
    writer, data = _in_ready_segment(root), _record(250)
    begin = time.perf_counter_ns()
    for _ in range(_FIT):
        try:
            writer.append(data)
        except ValueError:
            writer.write_framed(data)
    spent = time.perf_counter_ns() - begin
    writer.close()
    return spent / _FIT


def _reading(root: Path, number: int, size: int) -> float:
    data = _record(size)
    writer = _opened(root)
    for _ in range(number):
        writer.write_framed(data)
    writer.close()
    journal, cursor, found = Journal(root / _ID), Cursor(), 0
    begin = time.perf_counter_ns()
    while not (batch := journal.read(cursor)).end:
        found += len(batch.lines)
        cursor = batch.cursor
    spent = time.perf_counter_ns() - begin
    assert found == number, "a bench that loses lines measures nothing"
    return spent / number


if __name__ == "__main__":
    for label, value, unit in run(quick=False):
        print(f"{label:40} {value:14,.1f} {unit}")
