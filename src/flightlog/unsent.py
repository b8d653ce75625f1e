"""What a sink's other side did not take before the program ended: it waits in the home for the next program.

    <home>/unsent/<address>.<process id>.lines

One file for each program that ended so, with its lines as they are. The next program of this home that has a sink of
the same address (`sinks.port.Lasting`) hands them to it before its own; a file goes when all of it was taken, so what
is in it arrives at least once. Whoever reads a file holds a lock on it, and no two programs send the same.

All files together are bounded by `sink_bytes`: of what would be more, the oldest is left out, and counted. A program
that is killed keeps nothing here; its lines are in the store.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Final

from flightlog.lock import FileLock
from flightlog.records.line import Line

DIRECTORY: Final = "unsent"
"""Name of the directory within a home."""

_SUFFIX: Final = ".lines"


class Unsent:
    """The files of one home. An object belongs to one thread."""

    def __init__(self, home: Path, process_id: str, bound: int) -> None:
        """Prepare; nothing is touched.

        Args:
            home: the home's directory.
            process_id: this process.
            bound: bytes that all files may have together.
        """
        self._root = home / DIRECTORY
        self._process_id = process_id
        self._bound = bound

    def claim(self, address: str) -> list[Claim]:
        """What programs before this one left for a sink of this address, the oldest first; it is ours from now on."""
        found = (Claim.of(path) for path in self._files(f"{_key(address)}.*{_SUFFIX}"))
        return [claim for claim in found if claim is not None]

    def keep(self, address: str, head: Line, lines: Sequence[Line]) -> int:
        """Write down what a sink of this address did not take, for the next program.

        Args:
            address: the sink's.
            head: this process's own line, which the others need.
            lines: what it did not take.

        Returns:
            How many of the lines are kept: the newest for which there is room.
        """
        room = self._bound - sum(_size(path) for path in self._files(f"*{_SUFFIX}"))
        kept = _newest(lines, room - len(head) - 1)
        if not kept:
            return 0
        path = self._root / f"{_key(address)}.{self._process_id}{_SUFFIX}"
        try:
            self._root.mkdir(mode=0o700, exist_ok=True)
            _write(path, [head, *kept])
        except OSError:
            return 0
        return len(kept)

    def _files(self, pattern: str) -> list[Path]:
        with suppress(OSError):
            return sorted(self._root.glob(pattern), key=_changed)
        return []


class Claim:
    """The lines of one file, which nobody else sends meanwhile."""

    __slots__ = ("_lock", "lines")

    def __init__(self, lock: FileLock, lines: list[Line]) -> None:
        self._lock = lock
        self.lines = lines

    @classmethod
    def of(cls, path: Path) -> Claim | None:
        """Claim a file; None when another program has it, or had it."""
        lock = FileLock(path)
        if not path.exists() or not lock.acquire():
            return None
        try:
            lines = [Line(line) for line in path.read_bytes().split(b"\n") if line]
        except OSError:
            lines = []
        if not lines:  # gone meanwhile, and made anew by the lock itself
            _remove(path)
            lock.release()
            return None
        return cls(lock, lines)

    def done(self) -> None:
        """All of it was taken, or given up: it goes."""
        _remove(self._lock.path)
        self._lock.release()

    def leave(self) -> None:
        """Leave it to the next program."""
        self._lock.release()


def _key(address: str) -> str:
    """A name for an address, which may hold anything."""
    return blake2b(address.encode("utf-8", "replace"), digest_size=8).hexdigest()


def _newest(lines: Sequence[Line], room: int) -> list[Line]:
    """The newest lines that have room, in their order."""
    kept: list[Line] = []
    for line in reversed(lines):
        room -= len(line) + 1
        if room < 0:
            break
        kept.append(line)
    return kept[::-1]


def _write(path: Path, lines: Iterable[Line]) -> None:
    """Write a file whole or not at all; more for the same address goes behind what is there."""
    before = path.read_bytes() if path.exists() else b""
    made = path.with_suffix(".new")
    file = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(file, "wb") as opened:
        opened.write(before + b"".join(line + b"\n" for line in lines))
    made.replace(path)


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


def _size(path: Path) -> int:
    return _told(path, lambda found: found.st_size)


def _changed(path: Path) -> int:
    return _told(path, lambda found: found.st_mtime_ns)


def _told(path: Path, of: Callable[[os.stat_result], int]) -> int:
    try:
        return of(path.stat())
    except OSError:
        return 0
