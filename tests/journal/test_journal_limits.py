"""A full or unusable disk, a full home, a deleted directory: nothing is lost silently, nothing breaks."""

from __future__ import annotations

import errno
import gc
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from journal_kit import PROCESS_ID, Clock, Said, line, opened, read_all, until

from flightlog.journal.chain import Chain
from flightlog.journal.counters import read_counters
from flightlog.journal.memory import MEMORY_BYTES
from flightlog.journal.mending import LOOK_SECONDS, RETRY_SECONDS
from flightlog.journal.place import Place
from flightlog.journal.reader import GAP_SECONDS, Journal, journals
from flightlog.records.cursor import Cursor
from flightlog.settings import KIB

KIT = Path(__file__).parent


def test_lines_wait_in_memory_while_the_home_is_unusable_and_move_in_order(tmp_path: Path, kind: str) -> None:
    home = tmp_path / "home"
    home.write_text("a file stands where the directory should be")
    said, clock = Said(), Clock()
    writer = opened(home / "journal", say=said, clock=clock)
    for number in range(100):
        writer.write(line(number))
    assert len(said) == 1
    assert "wait in memory" in said[0]
    assert writer.in_memory() == 100
    assert writer.position() > Cursor(0, 0)
    clock.now += RETRY_SECONDS
    assert not writer.tend()
    home.unlink()
    clock.now += RETRY_SECONDS
    assert writer.tend()
    writer.write(line(100))
    (journal,) = journals(home / "journal")
    assert read_all(journal)[0] == [line(number) for number in range(101)]
    assert writer.in_memory() == 0
    assert journal.counters()["lines_in_memory"] == 100
    assert journal.alive()
    writer.close()
    assert len(said) == 1


def test_lines_that_come_while_memory_is_moved_come_after_what_was_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").write_text("")
    writer = opened(tmp_path / "home" / "journal", clock=Clock())
    for number in range(10):
        writer.write(line(number))
    interruptions = [line(10)]

    def walk(self: Chain, place: Place, data: bytes) -> Place:
        took = real(self, place, data)
        if interruptions:
            writer.write(interruptions.pop())
        return took

    real = Chain.walk
    monkeypatch.setattr(Chain, "walk", walk)
    (tmp_path / "home").unlink()
    assert writer.tend()
    assert read_all(Journal(tmp_path / "home" / "journal" / PROCESS_ID))[0] == [line(n) for n in range(11)]
    writer.close()


def test_memory_keeps_the_first_lines_up_to_its_bound_and_counts_the_rest(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    writer = opened(tmp_path / "home" / "journal")
    size = 65_534
    fits = MEMORY_BYTES // (size + 2)
    for number in range(fits + 7):
        writer.write(line(number, size))
    assert writer.in_memory() == fits
    assert writer.counters.values()["lines_dropped_full"] == 7
    (tmp_path / "home").unlink()
    writer.close()
    lines, _ = read_all(Journal(tmp_path / "home" / "journal" / PROCESS_ID))
    assert lines == [line(number, size) for number in range(fits)]


def test_lines_that_are_in_memory_at_the_end_are_counted_as_lost(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    writer = opened(tmp_path / "home" / "journal")
    writer.write(line(1))
    writer.close()
    assert writer.counters.values()["lines_dropped_closed"] == 1


def test_a_full_disk_is_survived_and_left_behind(tiny_disk: Path, kind: str) -> None:
    said, clock = Said(), Clock()
    ballast = tiny_disk / "ballast"
    ballast.write_bytes(b"b" * 600 * KIB)
    writer = opened(tiny_disk / "journal", say=said, clock=clock)
    for number in range(3000):
        writer.write(line(number, 300))
    assert "No space left" in said[0]
    assert len(said) == 1
    waiting = writer.in_memory()
    assert waiting > 1000
    clock.now += RETRY_SECONDS
    writer.tend()
    ballast.unlink()
    journal = Journal(tiny_disk / "journal" / PROCESS_ID, clock)
    found, cursor = [], Cursor()
    for _ in range(20):
        clock.now += max(RETRY_SECONDS, GAP_SECONDS)
        writer.tend()
        lines, last = read_all(journal, cursor)
        found += lines
        cursor = last.cursor
        journal.discard(cursor)
    assert writer.in_memory() == 0
    assert [text for text in found if text.startswith(b'{"x"')] == [
        line(number, 300) for number in range(3000)
    ]
    writer.close()
    counters = journal.counters()
    assert counters["lines_dropped_full"] == 0
    assert counters["internal_errors"] == 0


FILE_LIMIT = """
import resource, signal, sys
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from journal_kit import line, opened
said = []
resource.setrlimit(resource.RLIMIT_FSIZE, (200 * 1024, resource.RLIM_INFINITY))
writer = opened(Path(sys.argv[1]), segment_bytes=128 * 1024, say=said.append)
for number in range(2000):
    writer.write(line(number, 300))
assert writer.in_memory() == 0, said
big = line(2000, 300_000)
writer.write(big)
assert writer.in_memory() == 1
assert "File too large" in said[0], said
for number in range(2001, 3000):
    writer.write(line(number, 300))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
writer.close()
"""


def test_an_allocation_that_the_system_refuses_is_survived(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", FILE_LIMIT, str(tmp_path), str(KIT)], check=True, timeout=60)
    lines, last = read_all(Journal(tmp_path / PROCESS_ID))
    assert lines == [line(number, 300_000 if number == 2000 else 300) for number in range(3000)]
    assert (last.torn, last.dead) == (0, True)


READ_ONLY = """
import os, sys
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from journal_kit import line, opened
root = Path(sys.argv[1])
clock = lambda: clock.now
clock.now = 0.0
said = []
writer = opened(root, say=said.append, clock=clock)
directory = writer.path
if os.geteuid() == 0:
    for path in (root.parent, root, directory, *directory.iterdir()):
        os.chown(path, 65534, 65534)
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
directory.chmod(0o500)
for number in range(1000):
    writer.write(line(number, 300))
assert writer.in_memory() > 0
assert len(said) == 1 and "Permission denied" in said[0], said
directory.chmod(0o700)
clock.now += 1
writer.tend()
assert writer.in_memory() == 0
writer.write(line(1000, 300))
writer.close()
"""


def test_a_directory_that_becomes_read_only_is_survived() -> None:
    # Not below tmp_path, where nobody but its owner may look: root hands this one over and steps down.
    with tempfile.TemporaryDirectory() as home:
        root = Path(home) / "journal"
        subprocess.run([sys.executable, "-c", READ_ONLY, str(root), str(KIT)], check=True, timeout=60)
        lines, last = read_all(Journal(root / PROCESS_ID))
    assert lines == [line(number, 300) for number in range(1001)]
    assert last.torn == 0


def test_a_full_home_drops_what_is_new_and_counts_it_until_there_is_room(tmp_path: Path, kind: str) -> None:
    said, clock = Said(), Clock()
    writer = opened(tmp_path, journal_bytes=300 * KIB, say=said, clock=clock)
    for number in range(2000):
        writer.write(line(number, 300))
    dropped = writer.counters.values()["lines_dropped_full"]
    assert 900 < dropped < 1200
    assert len(said) == 1
    assert "journal_bytes" in said[0]
    journal = Journal(tmp_path / PROCESS_ID)
    lines, last = read_all(journal)
    assert lines == [line(number, 300) for number in range(2000 - dropped)]
    assert last.cursor == writer.position(), "nothing that was kept is unread"
    clock.now += RETRY_SECONDS
    assert not writer.tend() or writer.counters.values()["lines_dropped_full"] == dropped
    journal.discard(last.cursor)
    clock.now += RETRY_SECONDS
    assert writer.tend()
    writer.write(line(7777))
    assert read_all(journal, last.cursor)[0] == [line(7777)]
    writer.close()


def test_whoever_has_made_room_says_so_and_the_next_record_is_kept(tmp_path: Path) -> None:
    writer = opened(tmp_path, journal_bytes=300 * KIB, clock=Clock())
    while not writer.counters.values()["lines_dropped_full"]:
        writer.write(line(1, 300))
    journal = Journal(tmp_path / PROCESS_ID)
    _, last = read_all(journal)
    writer.room_made()
    writer.write(line(2))
    assert writer.counters.values()["lines_dropped_full"] == 2, "there is none yet"
    journal.discard(last.cursor)
    writer.room_made()
    writer.write(line(3))
    assert read_all(journal, last.cursor)[0] == [line(3)]
    assert writer.counters.values()["lines_dropped_full"] == 2
    writer.close()


def test_the_bound_is_over_all_journals_of_the_home(tmp_path: Path) -> None:
    other = opened(tmp_path, "1" * 32, segment_bytes=256 * KIB)
    writer = opened(tmp_path, journal_bytes=400 * KIB)
    for number in range(1000):
        writer.write(line(number, 300))
    kept = len(read_all(Journal(tmp_path / PROCESS_ID))[0])
    assert kept < 140 * KIB // 300
    assert writer.counters.values()["lines_dropped_full"] == 1000 - kept
    other.close()
    writer.close()


def test_a_home_that_is_full_at_the_start_is_joined_when_there_is_room(tmp_path: Path) -> None:
    other = opened(tmp_path, "1" * 32)
    clock = Clock()
    writer = opened(tmp_path, journal_bytes=80 * KIB, clock=clock)
    writer.write(line(1))
    assert writer.counters.values()["lines_dropped_full"] == 1
    assert [journal.process_id for journal in journals(tmp_path)] == ["1" * 32]
    other.close()
    gone = Journal(tmp_path / ("1" * 32))
    assert gone.discard(read_all(gone)[1].cursor)
    clock.now += RETRY_SECONDS
    assert writer.tend()
    writer.write(line(2))
    assert read_all(Journal(tmp_path / PROCESS_ID))[0] == [line(2)]
    assert read_counters(tmp_path / PROCESS_ID / "counters")["lines_dropped_full"] == 1
    writer.close()


def test_the_policy_block_waits_for_room_and_then_writes(tmp_path: Path, kind: str) -> None:
    writer = opened(tmp_path, journal_bytes=200 * KIB, overflow="block", overflow_wait=60)
    total = 3000
    thread = threading.Thread(target=lambda: [writer.write(line(number, 300)) for number in range(total)])
    thread.start()
    until(lambda: writer.counters.values()["blocked_waits"] > 0)
    journal, found, cursor = Journal(tmp_path / PROCESS_ID), [], Cursor()

    def index() -> bool:
        nonlocal cursor
        lines, last = read_all(journal, cursor)
        found.extend(lines)
        cursor = last.cursor
        journal.discard(cursor)
        return len(found) == total

    until(index)
    thread.join()
    assert found == [line(number, 300) for number in range(total)]
    assert writer.counters.values()["lines_dropped_full"] == 0
    writer.close()


def test_the_policy_block_drops_and_counts_when_the_wait_is_over(tmp_path: Path) -> None:
    writer = opened(tmp_path, journal_bytes=100 * KIB, overflow="block", overflow_wait=0.02)
    for number in range(230):
        writer.write(line(number, 300))
    counters = writer.counters.values()
    assert counters["lines_dropped_full"] == counters["blocked_waits"] > 0
    assert len(read_all(Journal(tmp_path / PROCESS_ID))[0]) == 230 - counters["lines_dropped_full"]
    writer.close()


def test_a_segment_that_cannot_get_its_name_is_survived(tmp_path: Path, kind: str) -> None:
    clock = Clock()
    writer = opened(tmp_path, clock=clock)
    # A directory in the way: the file system refuses the rename, and nothing else.
    (tmp_path / PROCESS_ID / "00000002.seg").mkdir()
    for number in range(1000):
        writer.write(line(number, 300))
    clock.now += RETRY_SECONDS
    writer.tend()
    writer.close()
    assert writer.counters.values()["lines_dropped_full"] == 0
    found, cursor = [], Cursor()
    while not (batch := Journal(tmp_path / PROCESS_ID).read(cursor)).end:
        found += batch.lines
        cursor = batch.cursor
    assert found == [line(number, 300) for number in range(1000)]


def test_a_deleted_directory_is_made_anew_and_later_lines_are_found(tmp_path: Path, kind: str) -> None:
    writer = opened(tmp_path)
    journal = Journal(tmp_path / PROCESS_ID)
    writer.write(line(1))
    cursor = journal.read(Cursor()).cursor
    for path in journal.path.iterdir():
        path.unlink()
    journal.path.rmdir()
    assert writer.tend()
    assert journal.alive()
    writer.write(line(2))
    assert read_all(journal, cursor)[0] == [line(2)], "segments go on with the next number"
    assert writer.counters.values()["segments_lost"] == 1
    writer.close()
    assert not journal.alive()


def test_a_segment_that_is_deleted_is_noticed_within_a_second_and_counted(tmp_path: Path, kind: str) -> None:
    said, clock = Said(), Clock()
    writer = opened(tmp_path, say=said, clock=clock)
    journal = Journal(tmp_path / PROCESS_ID)
    writer.write(line(1))
    cursor = read_all(journal)[1].cursor
    writer.tend()
    (journal.path / "00000001.seg").unlink()
    clock.now += LOOK_SECONDS / 2
    assert not writer.tend(), "it is not looked at each time"
    writer.write(line(2))
    clock.now += LOOK_SECONDS
    assert writer.tend()
    writer.write(line(3))
    assert read_all(journal, cursor)[0] == [line(3)]
    assert journal.counters()["segments_lost"] == 1
    clock.now += LOOK_SECONDS
    assert not writer.tend(), "the new one is there"
    writer.close()
    assert journal.counters()["segments_lost"] == 1
    assert (writer.counters.values()["internal_errors"], said) == (0, [])


def test_a_file_of_the_same_name_is_not_taken_for_the_segment(tmp_path: Path, kind: str) -> None:
    writer = opened(tmp_path)
    path = tmp_path / PROCESS_ID / "00000001.seg"
    path.rename(tmp_path / "elsewhere")
    path.write_bytes(b"")
    assert writer.tend()
    writer.write(line(1))
    assert line(1) in (tmp_path / PROCESS_ID / "00000002.seg").read_bytes()
    writer.close()


def test_every_deleted_segment_is_replaced_also_the_one_made_ahead(tmp_path: Path) -> None:
    clock, said = Clock(), Said()
    writer = opened(tmp_path, clock=clock, say=said)
    for number in range(150):
        writer.write(line(number, 300))
    assert writer.tend(), "the next one is made ahead"
    for path in (tmp_path / PROCESS_ID).glob("*.seg"):
        path.unlink()
    clock.now += LOOK_SECONDS
    assert writer.tend()
    writer.write(line(150))
    assert read_all(Journal(tmp_path / PROCESS_ID))[0] == [line(150)]
    assert writer.counters.values()["segments_lost"] == 1
    assert writer.in_memory() == 0
    assert said == []
    writer.close()


def test_segments_that_were_indexed_and_deleted_are_not_called_lost(tmp_path: Path, kind: str) -> None:
    clock = Clock()
    writer = opened(tmp_path, clock=clock)
    journal = Journal(tmp_path / PROCESS_ID)
    for number in range(1000):
        writer.write(line(number, 300))
        clock.now += LOOK_SECONDS
        writer.tend()
        if number % 50 == 0:
            journal.discard(read_all(journal)[1].cursor)
    writer.close()
    assert len(list(journal.path.glob("0*.seg"))) < 3
    assert journal.counters()["segments_lost"] == 0


CLOSED_DESCRIPTORS = """
import gc, os, sys
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from flightlog.journal import directory
from flightlog.journal.reader import Journal
from journal_kit import PROCESS_ID, line, opened
if sys.argv[3] == "written":
    directory.is_mappable = lambda _: False
root = Path(sys.argv[1])
writer = opened(root)
for number in range(500):
    writer.write(line(number, 300))
journal = Journal(root / PROCESS_ID)
assert journal.alive()
os.closerange(3, 256)
assert not journal.alive()
theirs = [os.open(root / f"theirs-{n}", os.O_RDWR | os.O_CREAT) for n in range(20)]
writer.tend()
assert journal.alive(), "the lock was taken anew"
for number in range(500, 1500):
    writer.write(line(number, 300))
writer.tend()
writer.close()
del writer
gc.collect()
for n, fd in enumerate(theirs):
    assert os.path.samestat(os.fstat(fd), os.stat(root / f"theirs-{n}")), "closed by us"
    assert os.fstat(fd).st_size == 0, "written or cut by us"
"""


def test_a_program_that_closes_every_descriptor_keeps_its_own_files_and_its_lines(
    tmp_path: Path, kind: str
) -> None:
    subprocess.run(
        [sys.executable, "-c", CLOSED_DESCRIPTORS, str(tmp_path), str(KIT), kind], check=True, timeout=60
    )
    lines, last = read_all(Journal(tmp_path / PROCESS_ID))
    assert lines == [line(number, 300) for number in range(1500)]
    assert (last.torn, last.dead) == (0, True)


def test_a_file_system_that_refuses_allocation_gets_its_bytes_by_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, size: int) -> int:
        raise OSError(errno.EOPNOTSUPP, "not here", str(path))

    monkeypatch.setattr("flightlog.journal.mapped.allocate", refuse)
    writer = opened(tmp_path)
    for number in range(1000):
        writer.write(line(number, 300))
    path = tmp_path / PROCESS_ID / "00000001.seg"
    assert b"\0" not in path.read_bytes(), "nothing is allocated ahead"
    assert read_all(Journal(tmp_path / PROCESS_ID))[0] == [line(number, 300) for number in range(1000)]
    writer.close()


def test_no_descriptor_is_left_open(tmp_path: Path, kind: str) -> None:
    writer = opened(tmp_path)
    for number in range(1000):
        writer.write(line(number, 300))
        if number % 100 == 0:
            writer.tend()
    writer.close()
    read_all(Journal(tmp_path / PROCESS_ID))
    del writer
    gc.collect()
    assert descriptors(tmp_path) == []


def descriptors(place: Path) -> list[str]:
    """Files below this place that the process has open; other threads of it may open their own at any time."""
    found = []
    for path in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            found.append(str(path.readlink()))
    return [name for name in found if name.startswith(str(place))]
