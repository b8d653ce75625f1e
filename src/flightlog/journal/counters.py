"""Counters of what a process lost, in a file that survives its death.

Nothing may be lost silently, and a process that is killed cannot say what it lost. So the counters live in a
small mapped file beside the segments: rows of 64 bytes, a name in the first 56 (NUL-padded ASCII) and an
unsigned number in the last 8 (the machine's own byte order; a journal is not carried between machines while
it is written). The names stand in the file, so a reader of another version reads them all.

An increment is one statement on one slot, which no thread and no signal handler can come in between under
CPython's interpreter lock (there is no point between the load and the store where it may be handed over).
"""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import Final

from flightlog.journal.maps import disown, map_file

NAMES: Final = (
    "lines_dropped_full",
    "lines_dropped_long",
    "lines_dropped_closed",
    "lines_in_memory",
    "blocked_waits",
    "open_spans_unannounced",
    "records_while_starting",
    "records_lost",
    "segments_lost",
    "capture_errors",
    "fields_left_out",
    "gate_errors",
    "index_errors",
    "sink_errors",
    "sink_lines_missed",
    "sink_lines_refused",
    "sink_lines_kept",
    "internal_errors",
    "headers_left_out",
)
"""Every counter there is. `lines_in_memory` counts lines that waited in memory because the disk was unusable;
`blocked_waits` counts waits for room under the overflow policy `block`; `segments_lost` counts segments that
somebody deleted while lines went to them."""

REDACTED: Final = "redacted_"
"""What begins the names of the counters that tell how many secrets each rule of the gate replaced."""

OTHERS: Final = REDACTED + "by_other_rules"
"""Counts for the names that found no row."""

LOSSES: Final = (
    "lines_dropped_full",
    "lines_dropped_long",
    "lines_dropped_closed",
    "records_while_starting",
    "records_lost",
)
"""Those that count records which no reader will ever see."""

_ROW: Final = 64
_NAME: Final = 56
_SIZE: Final = 8192
_SLOTS: Final = {name: (row * _ROW + _NAME) // 8 for row, name in enumerate(NAMES)}


def _blank() -> bytes:
    rows = b"".join(name.encode("ascii").ljust(_ROW, b"\0") for name in NAMES)
    return rows.ljust(_SIZE, b"\0")


class Counters:
    """The counters of one process: on the heap until `keep_in` gives them a file."""

    __slots__ = ("_added", "_map", "_saved", "_slots", "_unmapped")

    def __init__(self) -> None:
        self._map: mmap.mmap | None = None
        self._unmapped: Path | None = None
        self._saved = b""
        self._added: dict[str, int] = {}
        """Slots of the rows that `tally` added."""
        self._slots = memoryview(bytearray(_blank())).cast("Q")

    def increment(self, name: str, by: int = 1) -> None:
        """Add to one counter, from any thread and from a signal handler.

        Raises:
            KeyError: there is no such counter.
        """
        self._slots[_SLOTS[name]] += by

    def tally(self, name: str, by: int) -> None:
        """Add to a counter of any name, which gets a row of its own; when no row is free, to `OTHERS`.

        Called by one thread at a time: unlike `increment` it may come too late for a row.
        """
        slot = self._added.get(name)
        if slot is None:
            row = len(NAMES) + len(self._added)
            if row >= _SIZE // _ROW - 1 and name != OTHERS:
                self.tally(OTHERS, by)
                return
            slot = (row * _ROW + _NAME) // 8
            written = name.encode("ascii", "replace")[:_NAME].ljust(_NAME, b"\0")
            words = memoryview(written).cast("Q")
            self._slots[slot - len(words) : slot] = words
            self._added[name] = slot
        self._slots[slot] += by

    def values(self) -> dict[str, int]:
        """Every counter by name, those at zero included."""
        return {name: self._slots[slot] for name, slot in (*_SLOTS.items(), *self._added.items())}

    def lost(self) -> int:
        """How many records are lost so far, for whatever reason."""
        return sum(self._slots[_SLOTS[name]] for name in LOSSES)

    def keep_in(self, path: Path, *, mapped: bool) -> None:
        """Move into a new file at `path`.

        Args:
            path: the file to make.
            mapped: False on a file system whose pages may vanish under a map; the file then holds what the
                last `save` wrote.

        Raises:
            OSError: the file cannot be made; the counters stay where they were.
        """
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.write(fd, bytes(self._slots))
            if mapped:
                os.posix_fallocate(fd, 0, _SIZE)
                self._map = map_file(fd, _SIZE)
                self._change_over(memoryview(self._map).cast("Q"))
            else:
                self._unmapped = path
        finally:
            os.close(fd)

    def _change_over(self, slots: memoryview[int]) -> None:
        """Count in `slots` from now on, with what was counted so far, also while this runs."""
        old, copied = self._slots, self._slots.tolist()
        slots[:] = self._slots
        self._slots = slots
        for slot in (*_SLOTS.values(), *self._added.values()):
            slots[slot] += old[slot] - copied[slot]

    def save(self) -> None:
        """Write counters that are not mapped to their file, if they changed; a file that vanished is let go."""
        if self._unmapped is None or self._saved == self._slots.tobytes():
            return
        try:
            fd = os.open(self._unmapped, os.O_WRONLY | os.O_CLOEXEC)
        except OSError:
            return
        try:
            self._saved = bytes(self._slots)
            os.write(fd, self._saved)
        finally:
            os.close(fd)

    def moved(self, directory: Path) -> None:
        """Follow the file to the directory that its own was renamed to."""
        if self._unmapped is not None:
            self._unmapped = directory / self._unmapped.name

    def disown(self) -> None:
        """Keep the map for good: the program has closed its descriptor, and may use the number."""
        if self._map is not None:
            disown(self._map)

    def detach(self) -> None:
        """Go on counting on the heap, from zero; the file stays as it is. For a forked child."""
        self._slots = memoryview(bytearray(_blank())).cast("Q")
        self._added = {}
        self._map = self._unmapped = None


def read_counters(path: str | os.PathLike[str]) -> dict[str, int]:
    """Read a process's counters from outside; names that this version does not know come along.

    Returns:
        An empty dict when there is no such file, or none that can be read.
    """
    try:
        data = Path(path).read_bytes()
    except OSError:
        return {}
    found = {}
    for start in range(0, len(data) - _ROW + 1, _ROW):
        name = data[start : start + _NAME].rstrip(b"\0")
        if not name.isascii() or not name:
            break
        slot = memoryview(data)[start + _NAME : start + _ROW].cast("Q")
        found[name.decode("ascii")] = int(slot[0])
    return found
