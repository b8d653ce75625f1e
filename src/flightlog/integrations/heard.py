"""Telling whoever listens to our output which of its lines are recorded already, so that they are recorded once.

A program whose output is listened to (`flightlog run --capture-output`, or `run_process` above it) may listen to a
child of its own, and what it passes on comes by again above. So whoever listens gives its child, in the environment,
the name of a file and which pipes or terminals are its own (`child_heard.py`). Who passes a line on into one of these
writes the line's digest into that file first; the one above finds it there when the line arrives, and leaves it to the
one who knows its place. What is logged is told of in the same way, by level and message: a log line in JSON that
arrives was recorded where it was logged.

It goes by the pipe, so that an output that was redirected is told to nobody, and by the home, so that one who records
elsewhere takes nothing away. What passes on the output of others, as `cat` does, tells nothing; then both have the
line. No failure here is one of the program: the worst is a line that is there twice.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from hashlib import blake2b
from typing import Any, Final

import msgspec
from msgspec import Struct

from flightlog.core.carry import passport

VARIABLE: Final = "FLIGHTLOG_HEARD"
"""The environment variable that says where to tell what was recorded below."""
MOST_TOLD: Final = 20_000
"""Lines of one child's stream that are told of one by one; of more than that their number is told."""
MOST_LOGGED: Final = 1_000_000
"""Logged lines that one process tells of."""
DIGEST: Final = 8
"""Bytes of a digest; in the file the number of its stream stands before it."""
COUNTED: Final = 128
"""Added to the number of a stream where a number of lines stands for their digests."""
LOGS: Final = 0
"""Stands for a stream where what was logged is told of, wherever it is written."""


class Place(Struct, frozen=True):
    """Where to tell whom, as it stands in the environment."""

    home: str
    path: str
    streams: dict[str, int]
    """Which pipe or terminal is which stream there."""


class Digests:
    """The digests of the lines of one stream, whatever pieces they come in."""

    __slots__ = ("_line", "is_within")

    def __init__(self) -> None:
        self._line = blake2b(digest_size=DIGEST)
        self.is_within = False
        """Whether a line has begun that has no end yet."""

    def feed(self, data: bytes) -> list[bytes]:
        """Take a piece; give the digest of each line that ends in it."""
        *ended, rest = data.split(b"\n")
        found = []
        for part in ended:
            self._line.update(part)
            found.append(self._end())
        if rest:
            self._line.update(rest)
            self.is_within = True
        return found

    def skip(self, data: bytes) -> None:
        """Take a piece whose lines nobody asks for; only of the one that has no end yet is anything kept."""
        end = data.rfind(b"\n")
        if end >= 0:
            self._end()
        if end + 1 < len(data):
            self._line.update(data[end + 1 :])
            self.is_within = True

    def _end(self) -> bytes:
        found = self._line.digest()
        self._line = blake2b(digest_size=DIGEST)
        self.is_within = False
        return found


def log_digest(level: str, message: str) -> bytes:
    """What stands for something that was logged."""
    return blake2b(f"{level}\0{message}".encode("utf-8", "replace"), digest_size=DIGEST).digest()


class Mouth:
    """Tells whoever listens to a stream of ours which lines in it are recorded."""

    def __init__(self, number: int, of: int | None = None) -> None:
        """Find out whether anybody listens to our stream of this number; `of`: what is told of instead of it."""
        self._file = -1
        self._told = 0
        self._stream = 0
        self.home = ""
        """Where the one above records; empty where there is none, or nothing is recorded."""
        with suppress(OSError, msgspec.MsgspecError, KeyError, OverflowError):
            place = msgspec.json.decode(os.environ.get(VARIABLE, ""), type=Place)
            stream = place.streams[name_of(number)]
            self._stream = stream % COUNTED if of is None else of
            self._file = os.open(place.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
            self.home = place.home

    def tell_all(self, digests: Digests, data: bytes) -> None:
        """Say that the lines which end in this piece are recorded; before it is passed on."""
        if self._told < MOST_TOLD:
            found = digests.feed(data)
            self._told += len(found)
            self.tell(found)
            return
        digests.skip(data)
        if number := data.count(b"\n"):
            self._write(bytes([self._stream + COUNTED]) + number.to_bytes(DIGEST, "big"))

    def tell(self, digests: Sequence[bytes]) -> None:
        """Say that these lines are recorded; before they are passed on."""
        if digests:
            self._write(b"".join(bytes([self._stream]) + digest for digest in digests))

    def _write(self, entries: bytes) -> None:
        if self._file >= 0:
            with suppress(OSError):
                os.write(self._file, entries)

    def close(self) -> None:
        """Say nothing more."""
        if self._file >= 0:
            file, self._file = self._file, -1
            with suppress(OSError):
                os.close(file)


class LogMouth:
    """Tells whoever listens to this process, if somebody does, what it logged and recorded."""

    __slots__ = ("_mouth", "_told")

    def __init__(self) -> None:
        self._mouth: Mouth | None = None
        self._told = 0

    def tell(self, level: str, message: str) -> None:
        """Say that this was recorded, before it is written anywhere."""
        if self._mouth is None:
            self._mouth = _of_logs()
        if not self._mouth.home or self._told >= MOST_LOGGED or self._mouth.home != _home():
            return
        here = passport()
        if here.sampled and not here.captured:
            self._told += 1
            self._mouth.tell([log_digest(level, str.__str__(message))])


def _home() -> str:
    """Where this process records, if it does."""
    recorder: Any = getattr(sys.modules.get("flightlog.recording"), "recorder", None)  # it is above us
    is_recording = recorder is not None and recorder.writer is not None and recorder.home is not None
    return str(recorder.home.path) if is_recording else ""


def _of_logs() -> Mouth:
    for number in (1, 2):
        mouth = Mouth(number, LOGS)
        if mouth.home:
            break
    return mouth


def name_of(descriptor: int) -> str:
    """What a descriptor leads to, the same for all who have it."""
    found = os.fstat(descriptor)
    return f"{found.st_dev}:{found.st_ino}"
