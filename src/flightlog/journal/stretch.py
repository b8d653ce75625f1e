"""One look at one segment: which bytes are read, and what they turned out to hold.

The usual look is one `pread` and one split. Everything slower happens only for what is not clean: a record
longer than the look, a hole, a torn record.
"""

from __future__ import annotations

import os
from typing import Final

from flightlog.journal.framing import LF, Stretch, first_record, frame, scan, split_clean

_GLANCE: Final = 65_536
_LOOK: Final = 262_144
"""Bytes read at a time: with more, the C library gives memory back to the system and asks for it again."""
_EVERY: Final = 1 << 62


def is_blank(fd: int, offset: int) -> bool:
    """Say whether nothing was written at `offset`; something may stand behind it all the same."""
    return os.pread(fd, 1, offset) in (b"", b"\0")


def look(fd: int, offset: int, limit_bytes: int) -> Stretch | None:
    """Read the clean records at `offset`; None when there are none, and a full look may find more.

    Args:
        fd: the segment.
        offset: where to begin, at the beginning of a record.
        limit_bytes: about how much to read.
    """
    lines: list[bytes] = []
    end, stop = offset, offset + limit_bytes
    while end < stop:
        # With room for less than a record left, the next one is taken all the same: a full look would read, and
        # split, everything that stands behind it.
        data = os.pread(fd, min(_LOOK, max(_GLANCE, stop - end)), end)
        whole = data.find(LF, stop - end - 1) + 1 or data.rfind(LF) + 1
        found = split_clean(data[:whole])
        if found is None:
            break
        lines += found
        end += whole
    return Stretch(lines, end) if lines else None


def look_fully(fd: int, offset: int, limit_bytes: int, *, passes: int | None, whole: bool) -> Stretch:
    """Read all that the segment holds behind `offset`, whatever it is.

    Args:
        fd: the segment.
        offset: where to begin.
        limit_bytes: how much to return.
        passes: how many gaps may be stepped over; None for any number. A run of torn bytes, with the zeros
            around it, is one gap.
        whole: nothing will be added to the segment, so what is torn at its end is a gap as well. Zeros at the
            end never are: nothing was written there.
    """
    allowed = _EVERY if passes is None else passes
    data = rest(fd, offset)
    found = scan(data, limit_bytes, allowed)
    if found.blocked or found.lines or not data:
        return Stretch(found.lines, offset + found.end, found.gaps, blocked=found.blocked)
    if whole and allowed:
        return Stretch([], offset + len(data), 1)
    return Stretch([], offset, blocked=True)


def rest(fd: int, offset: int) -> bytes:
    """Read everything behind `offset` but the zeros at the end."""
    return os.pread(fd, max(0, os.fstat(fd).st_size - offset), offset).rstrip(b"\0")


def head(fd: int) -> tuple[bytes, int] | None:
    """Read the first record of a segment: its line, and where the next record begins."""
    data = os.pread(fd, _GLANCE, 0)
    line = first_record(data)
    if line is None and len(data) == _GLANCE:
        line = first_record(rest(fd, 0))
    return None if line is None else (line, len(frame(line)))


def written_until(fd: int, offset: int) -> int:
    """Estimate where the data of a segment ends, by halving; a hole in it can deceive.

    Lines hold no NUL, so in a segment without holes every byte before the end differs from zero and every one
    behind it is zero: twenty-three reads of one byte for 8 MiB.
    """
    size = os.fstat(fd).st_size
    if size <= offset or os.pread(fd, 1, size - 1) != b"\0":
        return size
    low, high = offset, size
    while low < high:
        middle = (low + high) // 2
        if os.pread(fd, 1, middle) == b"\0":
            high = middle
        else:
            low = middle + 1
    return low
