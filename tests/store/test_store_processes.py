"""Several real processes on one file: nobody loses a row, nobody is told that it is locked."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from contracts.store_lines import PROCESS, span
from flightlog.records.cursor import Cursor
from flightlog.store.open import open_reader, open_writer
from flightlog.store.port import Chunk

_spawn = multiprocessing.get_context("spawn")
BATCHES = 12
SPANS = 25


def _start(work: Callable[..., None], *args: Any) -> SpawnProcess:
    process = _spawn.Process(target=work, args=args, daemon=True)
    process.start()
    return process


def _finish(processes: list[SpawnProcess]) -> list[int | None]:
    for process in processes:
        process.join(60)
    return [process.exitcode for process in processes]


def _write(place: str, number: int, start: Any) -> None:
    writer_process = msgspec.structs.replace(PROCESS, process_id=f"{number:032x}")
    start.wait(60)
    writer = open_writer(place)
    for batch in range(BATCHES):
        first = batch * SPANS
        lines = [
            span(number * 1000 + batch % 3, first + n + 1, name=f"n{n % 5}", input=f"shared {n}" * 90)
            for n in range(SPANS)
        ]
        writer.append([Chunk(writer_process, lines, Cursor(0, first + SPANS))])
    writer.close()


def _read(place: str, start: Any, done: Any) -> None:
    """Fail when an answer is half a batch: every batch of a writer is SPANS spans."""
    start.wait(60)
    reader = open_reader(place)
    while not done.is_set():
        for trace in reader.traces(5):
            if trace.span_count % SPANS or not reader.spans(trace.trace_id):
                os._exit(3)
        reader.counters()
        reader.sizes()
    reader.close()


def test_many_processes_make_write_and_read_one_store(tmp_path: Path) -> None:
    place = str(tmp_path / "store.db")
    start, done = _spawn.Event(), _spawn.Event()
    readers = [_start(_read, place, start, done) for _ in range(2)]
    writers = [_start(_write, place, number, start) for number in range(1, 4)]
    start.set()
    assert _finish(writers) == [0, 0, 0]
    done.set()
    assert _finish(readers) == [0, 0]
    reader = open_reader(place)
    assert reader.sizes().spans == 3 * BATCHES * SPANS
    assert reader.sizes().payloads == SPANS
    assert reader.verify() == []
    reader.close()
    writer = open_writer(place)
    assert [writer.cursor(f"{number:032x}") for number in (1, 2, 3)] == [Cursor(0, BATCHES * SPANS)] * 3
    writer.close()


def _write_until_killed(place: str, told: Any) -> None:
    writer = open_writer(place)
    batch = 0
    while True:
        writer.append([Chunk(PROCESS, [span(batch, n + 1) for n in range(SPANS)], Cursor(0, batch + 1))])
        batch += 1
        told.send(batch)


@pytest.mark.slow
def test_a_killed_writer_leaves_whole_batches_and_all_that_it_acknowledged(tmp_path: Path) -> None:
    place = str(tmp_path / "store.db")
    for round_number in range(3):
        hear, tell = _spawn.Pipe(duplex=False)
        process = _start(_write_until_killed, place, tell)
        tell.close()
        for _ in range(10 + 7 * round_number):
            acknowledged = hear.recv()
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join(60)
        while hear.poll():
            try:
                acknowledged = hear.recv()
            except EOFError:
                break
        hear.close()
        writer = open_writer(place)
        cursor = writer.cursor(PROCESS.process_id).offset
        writer.close()
        reader = open_reader(place)
        assert cursor >= acknowledged
        assert reader.sizes().spans == SPANS * max(cursor, reader.sizes().traces)
        assert reader.verify() == []
        reader.close()


def _look(place: str) -> None:
    writer = open_writer(place)
    writer.append([Chunk(msgspec.structs.replace(PROCESS, process_id="f" * 32), [span(9, 1)], Cursor(0, 1))])
    writer.close()


@pytest.mark.parametrize("reopened", [open_writer, open_reader])
def test_a_store_that_is_opened_twice_in_a_process_keeps_its_locks(
    tmp_path: Path, reopened: Callable[[str], Any]
) -> None:
    """Else another process takes itself for the last one and the log with it: "disk I/O error" from then on."""
    place = str(tmp_path / "store.db")
    writer = open_writer(place)
    writer.append([Chunk(PROCESS, [span(1, 1)], Cursor(0, 1))])
    reopened(place).close()
    assert _finish([_start(_look, place)]) == [0]
    assert Path(place + "-wal").exists()
    writer.append([Chunk(PROCESS, [span(1, 2)], Cursor(0, 2))])
    reader = open_reader(place)
    assert (reader.sizes().spans, reader.verify()) == (3, [])
    reader.close()
    writer.close()
