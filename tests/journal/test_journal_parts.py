"""The parts on their own: counters, locks, allocation, the place in memory, half-made directories."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from journal_kit import PROCESS_ID, opened

from flightlog.journal.allocation import allocate, bytes_used, end_of_data, file_system, is_mappable
from flightlog.journal.counters import NAMES, Counters, read_counters
from flightlog.journal.descriptor import Descriptor
from flightlog.journal.directory import Directory, segment_name, segment_number, sweep
from flightlog.journal.framing import frame
from flightlog.journal.liveness import Ownership, is_alive
from flightlog.journal.memory import Memory
from flightlog.journal.stretch import written_until
from flightlog.records.cursor import Cursor
from flightlog.settings import KIB

KILLED = """
import os, signal, sys
from pathlib import Path
from flightlog.journal.counters import Counters
counters = Counters()
counters.increment("gate_errors", 2)
counters.keep_in(Path(sys.argv[1]), mapped=True)
counters.increment("gate_errors", 3)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_counters_survive_a_kill(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "counters")], check=False, timeout=60)
    found = read_counters(tmp_path / "counters")
    assert found["gate_errors"] == 5
    assert set(found) == set(NAMES)


def test_counters_that_are_not_mapped_are_in_the_file_once_saved(tmp_path: Path) -> None:
    counters = Counters()
    (tmp_path / "a").mkdir()
    counters.keep_in(tmp_path / "a" / "counters", mapped=False)
    (tmp_path / "a").rename(tmp_path / "b")
    counters.moved(tmp_path / "b")
    counters.increment("blocked_waits")
    assert read_counters(tmp_path / "b" / "counters")["blocked_waits"] == 0
    counters.save()
    assert read_counters(tmp_path / "b" / "counters")["blocked_waits"] == 1
    (tmp_path / "b" / "counters").unlink()
    counters.save()
    assert counters.values()["blocked_waits"] == 1


def test_a_detached_counter_changes_nothing_for_the_parent(tmp_path: Path) -> None:
    counters = Counters()
    counters.keep_in(tmp_path / "counters", mapped=True)
    counters.increment("gate_errors")
    counters.detach()
    counters.increment("gate_errors", 7)
    assert read_counters(tmp_path / "counters")["gate_errors"] == 1
    assert counters.values()["gate_errors"] == 7


def test_counters_of_another_version_are_read_by_their_names(tmp_path: Path) -> None:
    row = b"a_later_counter".ljust(56, b"\0") + (9).to_bytes(8, sys.byteorder)
    (tmp_path / "counters").write_bytes(row + bytes(4096 - 64))
    assert read_counters(tmp_path / "counters") == {"a_later_counter": 9}
    (tmp_path / "counters").write_bytes(b"\xff" * 100)
    assert read_counters(tmp_path / "counters") == {}
    assert read_counters(tmp_path / "absent") == {}


def test_an_unknown_counter_is_refused() -> None:
    with pytest.raises(KeyError):
        Counters().increment("nothing_of_ours")


def test_the_lock_tells_the_living_from_the_dead(tmp_path: Path) -> None:
    assert not is_alive(tmp_path), "nobody can hold a lock that does not exist"
    owner = Ownership(tmp_path)
    assert is_alive(tmp_path)
    assert is_alive(tmp_path), "asking does not release it"
    with pytest.raises(OSError):
        Ownership(tmp_path)
    owner.let_go()
    owner.let_go()
    assert not is_alive(tmp_path)


def test_who_cannot_be_asked_is_taken_for_alive(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to("lock")
    assert is_alive(tmp_path)


def test_a_descriptor_is_closed_only_while_it_is_ours(tmp_path: Path) -> None:
    kept = Descriptor(os.open(tmp_path / "ours", os.O_RDWR | os.O_CREAT))
    assert kept.is_ours()
    number = kept.number
    theirs = os.open(tmp_path / "theirs", os.O_RDWR | os.O_CREAT)
    os.dup2(theirs, number)
    assert not kept.is_ours()
    kept.close()
    assert os.path.samestat(os.fstat(number), os.fstat(theirs))
    os.close(number)
    os.close(theirs)


MOUNTS = r"""
22 1 8:1 / / rw - ext4 /dev/root rw
30 22 0:50 / /home rw shared:1 master:2 - nfs4 server:/home rw
31 22 0:51 / /home/ada/with\040space rw - fuse.sshfs x rw
32 22 0:52 / /data rw - btrfs x rw
33 22 0:53 / /data rw - xfs y rw
a broken row
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/x", "ext4"),
        ("/home/ada", "nfs4"),
        ("/home/ada/with space/y", "fuse.sshfs"),
        ("/data/z", "xfs"),
        ("/homely", "ext4"),
    ],
)
def test_the_file_system_is_the_one_mounted_nearest_and_last(tmp_path: Path, path: str, kind: str) -> None:
    (tmp_path / "mountinfo").write_text(MOUNTS)
    assert file_system(Path(path), tmp_path / "mountinfo") == kind
    assert file_system(Path(path), tmp_path / "absent") == ""


def test_only_file_systems_that_write_in_place_are_mapped(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for kind, expected in [("ext4", True), ("tmpfs", True), ("nfs4", False), ("btrfs", False), ("", False)]:
        monkeypatch.setattr("flightlog.journal.allocation.file_system", lambda _, kind=kind: kind)
        assert is_mappable(tmp_path) is expected


def test_an_allocation_that_fails_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        allocate(tmp_path / "huge", 1 << 60)
    assert not list(tmp_path.iterdir())


@given(st.binary(max_size=50), st.integers(0, 200_000))
def test_the_end_of_data_is_behind_the_last_byte_that_is_not_zero(data: bytes, zeros: int) -> None:
    fd = os.memfd_create("data")
    try:
        os.write(fd, data + bytes(zeros))
        assert end_of_data(fd, len(data) + zeros) == len(data.rstrip(b"\0"))
    finally:
        os.close(fd)


@given(st.integers(1, 500), st.integers(0, 200_000), st.data())
def test_the_end_of_data_is_estimated_right_where_there_is_no_hole(
    written: int, zeros: int, data: st.DataObject
) -> None:
    fd = os.memfd_create("data")
    try:
        os.write(fd, b"x" * written + bytes(zeros))
        offset = data.draw(st.integers(0, written))
        assert written_until(fd, offset) == written
    finally:
        os.close(fd)


def test_the_size_of_a_home_is_that_of_all_files_of_its_journals(tmp_path: Path) -> None:
    assert bytes_used(tmp_path / "absent") == 0
    for name in ("a", ".b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "00000001.seg").write_bytes(bytes(1000))
    (tmp_path / "a" / "link").symlink_to("00000001.seg")
    assert bytes_used(tmp_path) == 2000


def test_segments_are_named_by_their_number() -> None:
    assert segment_name(7) == "00000007.seg"
    assert segment_number("00000007.seg") == 7
    assert segment_number(segment_name(10**9)) == 10**9
    for foreign in ("7.seg", ".1.seg", "lock", "00000007", "0000000x.seg", "\u0660" * 8 + ".seg"):
        assert segment_number(foreign) is None


def remembering(room: int) -> tuple[Memory, list[str]]:
    events: list[str] = []
    place = Memory(
        Cursor(3, 9), room=room, kept=lambda: events.append("kept"), dropped=lambda: events.append("dropped")
    )
    return place, events


def test_memory_keeps_what_fits_and_drops_the_rest() -> None:
    place, events = remembering(10)
    assert place.position() == Cursor(3, 9)
    place.append(frame(b"12345"))
    assert place.position() == Cursor(4, 0), "beyond every segment there is"
    place.append(frame(b"67"))
    place.append(frame(b"8"))
    assert events == ["kept", "dropped", "kept"]
    assert place.drain() == [b"12345", b"8"]
    place.append(frame(b"12345678"))
    assert place.drain() == [b"12345678"], "there is room again"


def test_memory_that_is_retired_takes_nothing_and_keeps_what_it_has() -> None:
    place, _ = remembering(100)
    place.append(frame(b"a"))
    place.retire()
    with pytest.raises(ValueError):
        place.append(frame(b"b"))
    assert place.drain() == [b"a"]


def test_a_line_that_could_not_be_moved_stays() -> None:
    place, _ = remembering(100)
    place.append(frame(b"a"))
    place.append(frame(b"b"))

    def refuse(_data: bytes) -> None:
        raise OSError("still full")

    with pytest.raises(OSError):
        place.move(refuse, 2)
    assert place.drain() == [b"a", b"b"]


def test_half_made_directories_are_swept_when_they_are_old_and_nobody_holds_them(tmp_path: Path) -> None:
    living = Directory(tmp_path, "1" * 32)
    dead = Directory(tmp_path, "2" * 32)
    dead.let_go()
    young = Directory(tmp_path, "3" * 32)
    young.let_go()
    whole = opened(tmp_path, PROCESS_ID, segment_bytes=64 * KIB)
    for directory in (living, dead):
        os.utime(directory.path, (1, 1))
    assert sweep(tmp_path, older_than=3600) == 1
    assert set(tmp_path.iterdir()) == {living.path, young.path, tmp_path / PROCESS_ID}
    living.let_go()
    whole.close()
    assert sweep(tmp_path / "absent") == 0


def test_a_journal_that_exists_is_never_taken_over(tmp_path: Path) -> None:
    first = opened(tmp_path)
    first.write_framed(frame(b"{}"))
    second = opened(tmp_path)
    second.write_framed(frame(b"{}"))
    assert second.in_memory() == 1
    assert [path.name for path in tmp_path.iterdir()] == [PROCESS_ID]
    second.close()
    first.close()
