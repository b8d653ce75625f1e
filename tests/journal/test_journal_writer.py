"""Writing: what a journal looks like on the disk, and that every line gets there."""

from __future__ import annotations

import mmap
import os
import re
import stat
import sys
import threading
from pathlib import Path
from types import BuiltinMethodType

import pytest
from journal_kit import PROCESS_ID, Clock, Said, head, line, opened, read_all

from flightlog._speed.presence import ENGINE
from flightlog.core.ports import Journal as Port
from flightlog.journal.counters import read_counters
from flightlog.journal.directory import Directory
from flightlog.journal.framing import frame
from flightlog.journal.liveness import is_alive
from flightlog.journal.reader import Journal, journals
from flightlog.journal.writer import Writer
from flightlog.records.cursor import Cursor
from flightlog.records.line import Line
from flightlog.settings import KIB, MIB

HEAD = frame(head())


def segments(root: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in sorted((root / PROCESS_ID).glob("*.seg"))}


def test_a_writer_is_the_journal_that_the_core_asks_for(tmp_path: Path) -> None:
    writer = opened(tmp_path)
    port: Port = writer
    port.write(line(1))
    writer.write_framed(frame(line(2)))
    writer.append(frame(line(3)))
    assert read_all(Journal(tmp_path / PROCESS_ID))[0] == [line(1), line(2), line(3)]
    writer.close()


def test_a_journal_is_locked_private_and_complete_when_it_can_first_be_seen(
    tmp_path: Path, kind: str
) -> None:
    writer = opened(tmp_path / "home" / "journal")
    (journal,) = journals(tmp_path / "home" / "journal")
    assert journal.alive()
    assert sorted(path.name for path in journal.path.iterdir()) == ["00000001.seg", "counters", "lock"]
    for path in (journal.path, journal.path.parent):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    for path in journal.path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (journal.path / "00000001.seg").read_bytes().startswith(HEAD)
    assert writer.path == journal.path
    writer.close()


def test_a_directory_is_revealed_locked_and_with_its_first_segment(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    revealed: list[tuple[bool, set[str]]] = []

    def look(self: Directory) -> None:
        revealed.append((is_alive(self.path), {path.name for path in self.path.iterdir()}))
        reveal(self)

    reveal = Directory.reveal
    monkeypatch.setattr(Directory, "reveal", look)
    opened(tmp_path).close()
    assert revealed == [(True, {"lock", "counters", "00000001.seg"})]


def test_a_mapped_segment_is_allocated_in_full_and_zero_behind_its_data(tmp_path: Path) -> None:
    writer = opened(tmp_path, segment_bytes=8 * MIB)
    writer.write(line(1))
    path = tmp_path / PROCESS_ID / "00000001.seg"
    assert path.stat().st_size == 256 * KIB
    assert path.stat().st_blocks * 512 >= 256 * KIB
    data = path.read_bytes()
    assert data.rstrip(b"\0") == HEAD + frame(line(1))
    writer.close()


def test_segments_double_up_to_their_size_and_are_cut_to_their_data(tmp_path: Path) -> None:
    writer = opened(tmp_path, segment_bytes=MIB)
    text = line(0, 10_000)
    held = []  # a thread may hold on to an old place for as long as it likes
    while writer.position().segment < 5:
        writer.write(text)
        held.append(writer.append)
    allocated = segments(tmp_path)
    assert list(allocated.values()) == [256 * KIB, 512 * KIB, MIB, MIB, MIB]
    assert writer.tend()
    sealed = segments(tmp_path)
    for name in list(allocated)[:-1]:
        assert allocated[name] - 10_002 < sealed[name] < allocated[name]
        assert (tmp_path / PROCESS_ID / name).read_bytes().endswith(b"\n")
        path = str(tmp_path / PROCESS_ID / name)
        assert path not in Path("/proc/self/maps").read_text(), "a file is never cut under a map"
    with pytest.raises(ValueError):
        held[0](text)
    writer.close()
    assert segments(tmp_path)["00000005.seg"] < 30_000


def test_every_segment_begins_with_the_process_line(tmp_path: Path, kind: str) -> None:
    writer = opened(tmp_path)
    for number in range(1000):
        writer.write(line(number, 300))
    writer.close()
    paths = sorted((tmp_path / PROCESS_ID).glob("*.seg"))
    assert len(paths) > 3
    assert all(path.read_bytes().startswith(HEAD) for path in paths)


def test_a_line_that_is_longer_than_a_segment_gets_one_that_fits_it(tmp_path: Path, kind: str) -> None:
    writer = opened(tmp_path)
    lines = [line(1), line(2, 300_000), line(3), line(4, 65_000), line(5)]
    for text in lines:
        writer.write(text)
    writer.close()
    assert read_all(Journal(tmp_path / PROCESS_ID))[0] == lines


def test_a_line_that_is_longer_than_line_bytes_is_dropped_and_counted(tmp_path: Path) -> None:
    writer = opened(tmp_path, line_bytes=1000)
    writer.write(line(1, 1000))
    writer.write(line(2, 1001))
    writer.close()
    assert read_all(Journal(tmp_path / PROCESS_ID))[0] == [line(1, 1000)]
    assert read_counters(tmp_path / PROCESS_ID / "counters")["lines_dropped_long"] == 1


def test_lines_after_the_end_are_dropped_and_counted(tmp_path: Path, kind: str) -> None:
    writer = opened(tmp_path)
    early = writer.append
    writer.write(line(1))
    writer.close()
    writer.close()
    writer.write(line(2))
    writer.write_framed(frame(line(3)))
    with pytest.raises(ValueError):
        early(frame(line(4)))
    assert not writer.tend()
    assert read_all(Journal(tmp_path / PROCESS_ID))[0] == [line(1)]
    assert writer.counters.values()["lines_dropped_closed"] == 2


def test_writing_never_raises_whatever_is_written(tmp_path: Path) -> None:
    writer = opened(tmp_path)
    writer.write_framed("text")  # type: ignore[arg-type]  # the mistake under test
    assert writer.counters.values()["internal_errors"] == 1
    writer.close()


def test_writing_never_raises_however_deep_the_stack(tmp_path: Path) -> None:
    """From the first depth on at which a call is possible at all."""
    writer = opened(tmp_path)
    data = frame(line(0))
    limit, depth, written = sys.getrecursionlimit(), _depth(), 0

    def full(_data: bytes) -> None:
        raise ValueError("so that the long way is taken")

    for room in range(1, 60):
        writer.append = full
        try:
            sys.setrecursionlimit(depth + room)
            _nothing(data)
        except RecursionError:
            continue
        else:
            writer.write_framed(data)
            written += 1
        finally:
            sys.setrecursionlimit(limit)
    writer.tend()
    kept = len(read_all(Journal(tmp_path / PROCESS_ID))[0])
    lost = writer.counters.values()["internal_errors"]
    assert kept < written <= kept + lost
    writer.close()


def _nothing(_data: bytes) -> None:
    """What a call costs at least."""


def _depth() -> int:
    frame_, depth = sys._getframe(), 0
    while frame_ is not None:
        frame_, depth = frame_.f_back, depth + 1  # type: ignore[assignment]  # ends with None
    return depth


def test_a_position_is_reached_exactly_when_everything_before_it_was_read(tmp_path: Path, kind: str) -> None:
    writer = opened(tmp_path)
    journal = Journal(tmp_path / PROCESS_ID)
    for number in range(600):
        writer.write(line(number, 300))
        if number % 50 == 0:
            position = writer.position()
            lines, last = read_all(journal)
            assert lines[-1] == line(number, 300)
            assert last.cursor == position
            before = journal.read(Cursor(), 100)
            assert not before.end
            assert before.cursor < position or number == 0
    writer.close()


def test_the_next_segment_is_made_ahead_when_this_one_is_half_full(tmp_path: Path) -> None:
    clock = Clock()
    writer = opened(tmp_path, clock=clock)
    assert not writer.tend()
    while writer.position().offset < 33 * KIB:
        writer.write(line(0, 300))
    assert writer.tend()
    assert not writer.tend(), "one is enough"
    spares = sorted((tmp_path / PROCESS_ID).glob(".*.seg"))
    assert len(spares) == 1
    identity = spares[0].stat().st_ino
    while writer.position().segment == 1:
        writer.write(line(0, 300))
    assert (tmp_path / PROCESS_ID / "00000002.seg").stat().st_ino == identity
    writer.close()


def test_the_next_segment_is_made_at_once_when_the_last_one_was_filled_fast(tmp_path: Path) -> None:
    clock = Clock()
    writer = opened(tmp_path, clock=clock)

    def fill() -> None:
        now = writer.position().segment
        while writer.position().segment == now:
            writer.write(line(0, 300))

    clock.now += 60
    fill()
    writer.tend()
    assert not list((tmp_path / PROCESS_ID).glob(".*.seg"))
    fill()
    writer.tend()
    assert list((tmp_path / PROCESS_ID).glob(".*.seg"))
    writer.close()
    assert not list((tmp_path / PROCESS_ID).glob(".*.seg")), "what did not come into use is deleted"


def test_a_segment_made_ahead_is_in_memory_already(tmp_path: Path) -> None:
    writer = opened(tmp_path, clock=Clock())
    while writer.position().offset < 33 * KIB:
        writer.write(line(0, 300))
    writer.tend()
    (spare,) = (tmp_path / PROCESS_ID).glob(".*.seg")
    _, _, mapped = Path("/proc/self/smaps").read_text().partition(str(spare))
    assert re.search(r"Rss:\s+(\d+) kB", mapped)[1] == "64"  # type: ignore[index]  # it is there
    writer.close()


def test_a_record_costs_one_call_into_the_map(tmp_path: Path) -> None:
    writer = opened(tmp_path)
    assert isinstance(writer.append, BuiltinMethodType)
    assert isinstance(writer.append.__self__, mmap.mmap if ENGINE is None else ENGINE.Region)
    assert writer.append.__name__ == "write"
    writer.close()


def test_need_is_told_when_a_segment_is_full(tmp_path: Path, kind: str) -> None:
    told: list[int] = []
    writer = opened(tmp_path, on_pressure=lambda: told.append(1))
    writer.write(line(1))
    assert not told
    while writer.position().segment < 3:
        writer.write(line(1, 300))
    assert len(told) == 2
    writer.close()


def test_trouble_in_what_is_told_is_counted_and_not_raised(tmp_path: Path) -> None:
    def broken() -> None:
        raise OSError("told in vain")

    writer = opened(tmp_path, on_pressure=broken)
    while writer.position().segment < 2:
        writer.write(line(1, 300))
    assert writer.counters.values()["internal_errors"] == 1
    writer.close()


@pytest.mark.parametrize("with_tend", [False, True])
def test_threads_write_and_every_line_arrives_once_and_in_its_threads_order(
    tmp_path: Path, kind: str, *, with_tend: bool
) -> None:
    writer = opened(tmp_path)
    threads = [threading.Thread(target=_write_many, args=(writer, f"t{which}", 2000)) for which in range(4)]
    done = threading.Event()
    tender = threading.Thread(target=_tend_until, args=(writer, done))
    if with_tend:
        tender.start()
    for thread in threads:
        thread.start()
    journal, cursor, found = Journal(tmp_path / PROCESS_ID), Cursor(), []
    while any(thread.is_alive() for thread in threads):
        batch = journal.read(cursor)
        cursor = batch.cursor
        found += batch.lines
    done.set()
    if with_tend:
        tender.join()
    writer.close()
    rest, last = read_all(journal, cursor)
    found += rest
    assert last.torn == 0
    assert len(found) == 8000
    for which in range(4):
        mine = [text for text in found if text.startswith(b'{"t%d"' % which)]
        assert mine == [line(number, 150 + number % 200, f"t{which}") for number in range(2000)]


def _write_many(writer: Writer, tag: str, count: int) -> None:
    for number in range(count):
        writer.write(line(number, 150 + number % 200, tag))


def _tend_until(writer: Writer, done: threading.Event) -> None:
    while not done.wait(0.001):
        writer.tend()


def test_durability_power_syncs_what_was_written_and_says_whether_it_could(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []

    def fdatasync(fd: int) -> None:
        synced.append(os.fstat(fd).st_ino)
        real(fd)

    real = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", fdatasync)
    said = Said()
    writer = opened(tmp_path, durability="power", say=said)
    for number in range(500):
        writer.write(line(number, 300))
        if number % 100 == 0:
            assert writer.sync()
            current = tmp_path / PROCESS_ID / f"{writer.position().segment:08}.seg"
            assert current.stat().st_ino in synced
            writer.tend()
    writer.close()
    assert len(read_all(Journal(tmp_path / PROCESS_ID))[0]) == 500
    assert {path.stat().st_ino for path in (tmp_path / PROCESS_ID).glob("*.seg")} <= set(synced)
    assert not said


def test_durability_memory_keeps_lines_in_memory_alone(tmp_path: Path) -> None:
    said = Said()
    writer = opened(tmp_path / "journal", durability="memory", say=said)
    for number in range(100):
        writer.write(line(number))
    assert writer.in_memory() == 100
    assert not writer.tend()
    assert not writer.sync()
    assert writer.path is None
    assert writer.drain() == [line(number) for number in range(100)]
    assert writer.drain() == []
    assert not (tmp_path / "journal").exists()
    writer.close()
    writer.write(Line(b"{}"))
    assert writer.counters.values()["lines_dropped_closed"] == 1
    assert not said
