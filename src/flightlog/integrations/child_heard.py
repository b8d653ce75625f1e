"""What those below a listener say that they have recorded of its child's output, line by line (`heard.py`)."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from threading import Lock
from typing import Final

import msgspec

from flightlog.integrations.heard import COUNTED, DIGEST, LOGS, Digests, Place, log_digest, name_of

_ENTRY: Final = 1 + DIGEST
_PIECE: Final = _ENTRY * 8192
_MOST_LOGGED: Final = 10_000
"""What was logged and did not arrive as JSON is remembered for so many more records; it never will."""


class Ear:
    """What those below one listener say that they have recorded."""

    def __init__(self, home: str, descriptors: Sequence[int]) -> None:
        """Make the file.

        Args:
            home: where we record; where we do not, the one above.
            descriptors: what the child gets as its streams 1, 2, ….
        """
        self._lock = Lock()
        self._waiting: Counter[bytes] = Counter()
        self._logged: dict[bytes, int] = {}
        self._counted: Counter[int] = Counter()
        self._read_from = 0
        self._file = -1
        self._path = ""
        self.offer = ""
        """What the child is to have in its environment; empty where nothing can be told."""
        with suppress(OSError):
            self._file, self._path = tempfile.mkstemp(prefix="flightlog-heard-")
            streams = {name_of(descriptor): number for number, descriptor in enumerate(descriptors, 1)}
            self.offer = msgspec.json.encode(Place(home, self._path, streams)).decode()

    def known(self, number: int, digests: Digests, data: bytes) -> list[bool]:
        """Which of the lines of a stream that end in this piece somebody below has recorded.

        Each telling counts for one line. Empty where nothing was told; then nothing is computed.
        """
        with self._lock:
            self._read()
            counted = self._counted[number]
            if not (self._waiting or counted):
                digests.skip(data)
                return []
            stream = bytes([number])
            found = [self._take(stream + digest) for digest in digests.feed(data)]
            if counted:
                self._counted[number] = _counted_off(found, counted)
            return found

    def was_logged(self, level: str, message: str) -> bool:
        """Whether somebody below recorded this when it was logged; each telling counts for one line."""
        entry = LOGS.to_bytes(1, "big") + log_digest(level, message)
        with self._lock:
            self._read()
            count = self._logged.pop(entry, 0)
            if count > 1:
                self._logged[entry] = count - 1
        return count > 0

    def close(self) -> None:
        """Take the file away; nothing is heard from then on."""
        with self._lock, suppress(OSError):
            if self._file >= 0:
                file, self._file = self._file, -1
                os.close(file)
                os.unlink(self._path)  # noqa: PTH108 - a text
        self.offer = ""

    def _read(self) -> None:
        with suppress(OSError):
            while self._file >= 0 and (found := os.pread(self._file, _PIECE, self._read_from)):
                whole = len(found) - len(found) % _ENTRY
                if not whole:
                    return
                self._read_from += whole
                for place in range(0, whole, _ENTRY):
                    self._note(found[place : place + _ENTRY])

    def _note(self, entry: bytes) -> None:
        if entry[0] >= COUNTED:
            self._counted[entry[0] - COUNTED] += int.from_bytes(entry[1:], "big")
        elif entry[0] != LOGS:
            self._waiting[entry] += 1
        else:
            self._logged[entry] = self._logged.pop(entry, 0) + 1
            if len(self._logged) > _MOST_LOGGED:
                del self._logged[next(iter(self._logged))]

    def _take(self, entry: bytes) -> bool:
        count = self._waiting.get(entry, 0)
        if count > 1:
            self._waiting[entry] = count - 1
        elif count:
            del self._waiting[entry]
        return count > 0


def _counted_off(found: list[bool], counted: int) -> int:
    """Take lines that nobody told one by one for some of those that were counted; gives how many of these are left."""
    for place, is_told in enumerate(found):
        if not counted:
            break
        if not is_told:
            found[place] = True
            counted -= 1
    return counted
