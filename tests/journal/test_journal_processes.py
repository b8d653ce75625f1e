"""Real processes, ended rudely: what was acknowledged is there, once, and nobody waits for ever."""

from __future__ import annotations

import mmap
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from journal_kit import PROCESS_ID, line, read_all, until
from journal_victim import THREADS, size_of

from flightlog.journal.reader import Journal, journals
from flightlog.records.cursor import Cursor

VICTIM = Path(__file__).parent / "journal_victim.py"


class Victim:
    """One process in one role, what it acknowledged, and its journal."""

    def __init__(self, role: str, root: Path, kind: str) -> None:
        root.parent.mkdir(parents=True, exist_ok=True)
        path = root.parent / "acknowledged"
        path.write_bytes(bytes(4096))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 4096)
        self.process = subprocess.Popen(
            [sys.executable, str(VICTIM), role, str(root), kind],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.journal = Journal(root / PROCESS_ID)

    def acknowledged(self, which: int) -> int:
        return int.from_bytes(self._map[which * 8 : which * 8 + 8], sys.byteorder)

    def said(self) -> bytes:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def end(self) -> int:
        """Close its standard input, and wait for it."""
        self.process.communicate(timeout=60)
        return self.process.returncode

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        assert self.end() == -signal.SIGKILL


def of(tag: str, lines: list[bytes]) -> list[bytes]:
    return [text for text in lines if text.startswith(b'{"%b"' % tag.encode())]


@pytest.mark.slow
@pytest.mark.parametrize("round_", range(6))
def test_every_acknowledged_line_survives_a_kill_and_comes_out_once(
    tmp_path: Path, kind: str, round_: int
) -> None:
    victim = Victim("threads", tmp_path / "journal", kind)
    enough = random.Random(f"{kind}{round_}").randint(1, 1500)
    found: list[bytes] = []
    cursor = Cursor()

    def read_until_enough() -> bool:
        nonlocal cursor
        batch = victim.journal.read(cursor)
        found.extend(batch.lines)
        cursor = batch.cursor
        victim.journal.discard(cursor)
        return victim.acknowledged(0) >= enough

    until(read_until_enough)
    victim.kill()
    acknowledged = [victim.acknowledged(which) for which in range(THREADS)]
    rest, last = read_all(victim.journal, cursor)
    found += rest
    assert last.dead
    assert last.torn <= THREADS
    for which in range(THREADS):
        mine = of(f"t{which}", found)
        assert acknowledged[which] <= len(mine) <= acknowledged[which] + 1
        assert mine == [line(number, size_of(number, which), f"t{which}") for number in range(len(mine))]
    assert victim.journal.discard(last.cursor)


def test_a_signal_handler_that_records_in_the_middle_of_everything_never_wedges(
    tmp_path: Path, kind: str
) -> None:
    victim = Victim("signals", tmp_path / "journal", kind)
    assert victim.end() == 0
    lines, last = read_all(victim.journal)
    assert of("t0", lines) == [line(number, 300, "t0") for number in range(8_000)]
    from_handler = victim.acknowledged(1)
    assert from_handler > 50, "signals came"
    assert of("t1", lines) == [line(number, 500, "t1") for number in range(from_handler)]
    assert (last.torn, last.dead) == (0, True)
    assert not any(victim.journal.counters().values())


def test_lines_survive_an_exit_without_any_cleaning_up(tmp_path: Path, kind: str) -> None:
    victim = Victim("sudden_exit", tmp_path / "journal", kind)
    assert victim.end() == 3
    lines, last = read_all(victim.journal)
    assert lines == [line(number, 300, "t0") for number in range(1000)]
    assert (last.torn, last.dead) == (0, True)


def test_a_forked_child_leaves_the_parents_journal_alone_and_has_its_own(tmp_path: Path, kind: str) -> None:
    root = tmp_path / "journal"
    victim = Victim("forks", root, kind)
    assert victim.said() == b"forked\n"
    assert victim.journal.alive(), "the children's end did not release the parent's lock"
    written = [victim.acknowledged(which) for which in range(2)]
    assert victim.end() == 0
    lines, last = read_all(victim.journal)
    assert (last.torn, last.dead) == (0, True)
    for which in range(2):
        assert of(f"t{which}", lines) == [line(number, 300, f"t{which}") for number in range(written[which])]
    assert of("late", lines) == [line(number, 300, "late") for number in range(100)]
    assert of("stray", lines) == []
    assert len(lines) == sum(written) + 100
    children = [journal for journal in journals(root) if journal.process_id != PROCESS_ID]
    assert sorted(journal.process_id for journal in children) == [f"{child}" * 32 for child in range(5)]
    for journal in children:
        assert read_all(journal)[0] == [line(number, 300, "child") for number in range(500)]


def test_a_journal_is_dead_with_its_owner_although_its_children_live(tmp_path: Path, kind: str) -> None:
    victim = Victim("leave_children", tmp_path / "journal", kind)
    assert victim.said() == b"ready\n"
    assert victim.journal.alive()
    victim.process.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, victim.process.pid, os.WEXITED | os.WNOWAIT)
    assert not victim.journal.alive(), "a child holds the lock"
    assert read_all(victim.journal)[1].dead
    victim.end()
