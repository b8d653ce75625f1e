"""Segments that somebody in the owner's own process still reads, besides the indexer.

The indexer deletes a segment when it is in the store. A living owner's own sinks may be a moment behind, so the
number of the segment that they are at stands in a small file beside the segments, and the indexer leaves that
one and those after it. The file of a dead owner means nothing.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

HOLD_NAME: Final = "hold"
"""Name of the file within a journal's directory."""

_NOTHING: Final = 2**63
_DIGITS: Final = 20


def hold(directory: Path, segment: int) -> None:
    """Say that this segment and those after it are still read; a full disk leaves it unsaid."""
    with suppress(OSError):
        fd = os.open(directory / HOLD_NAME, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.pwrite(fd, f"{segment:0{_DIGITS}}".encode(), 0)
        finally:
            os.close(fd)


def held_from(directory: Path) -> int:
    """The first segment that is still read; a number beyond all of them when nobody said so."""
    try:
        return int((directory / HOLD_NAME).read_bytes())
    except (OSError, ValueError):
        return _NOTHING
