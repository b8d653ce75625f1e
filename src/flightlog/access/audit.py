"""The audit log of a home: who did what, when, with which traces; one line of JSON each, appended to one file.

It is written by whoever carries the act out, after it was done, with one `write` to a file opened for appending: lines
of several processes never mix. A file that is full is put aside, and of those that were put aside the newest stay, so
the log is bounded. Nothing but ids, counts and the question goes into it, no text of a trace.
"""

from __future__ import annotations

import errno
import getpass
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec import Struct

FILE: Final = "audit.jsonl"

FILE_BYTES: Final = 4 * 1024 * 1024
"""A file that is longer is put aside."""

KEPT: Final = 4
"""Files that were put aside and stay; the oldest goes."""

MOST_TRACES: Final = 100
"""Ids that one line names; of more it says how many."""

Act = Literal["read", "exported", "imported", "pruned", "annotated", "deleted"]
CHANGES: Final[tuple[Act, ...]] = ("exported", "imported", "pruned", "annotated", "deleted")
"""What is told of wherever the log is on; that something was read only with `audit = all`."""


class Entry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that somebody did."""

    time: int
    """Unix nanoseconds."""
    user: str
    """Of the operating system; its number where it has no name."""
    act: Act
    command: str = ""
    """The command of Flightlog, or the program."""
    traces: tuple[str, ...] = ()
    """Ids, as many as fit."""
    count: int = 0
    """How many traces; the ids may be fewer."""
    question: str = ""
    """By which they were chosen, with the options that chose besides."""
    spans: int = 0
    pid: int = 0


class AuditLog:
    """The log of one home."""

    def __init__(self, home: Path, level: str) -> None:
        """Prepare.

        Args:
            home: its directory.
            level: the setting: `off`, `on`, or `all`.
        """
        self._path = home / FILE
        self._level = level

    def wants(self, act: Act) -> bool:
        """Whether an act of this kind is told of."""
        return self._level == "all" or (self._level == "on" and act in CHANGES)

    def note(
        self,
        act: Act,
        command: str,
        *,
        traces: tuple[str, ...] = (),
        count: int | None = None,
        question: str = "",
        spans: int = 0,
    ) -> None:
        """Append one line, where the log is on.

        Args:
            act: what was done.
            command: with what.
            traces: full ids; the first ones are kept.
            count: how many traces, if the ids do not say it.
            question: by which they were chosen.
            spans: how many spans of them.

        Raises:
            OSError: it cannot be written; what was done is done.
        """
        if not self.wants(act):
            return
        entry = Entry(
            time=time.time_ns(),
            user=_user(),
            act=act,
            command=command,
            traces=traces[:MOST_TRACES],
            count=len(traces) if count is None else count,
            question=question,
            spans=spans,
            pid=os.getpid(),
        )
        self._make_room()
        fd = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            size = os.fstat(fd).st_size
            is_torn = size > 0 and os.pread(fd, 1, size - 1) != b"\n"  # by a full disk, say
            line = b"\n" * is_torn + msgspec.json.encode(entry) + b"\n"
            if os.write(fd, line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(fd)

    def entries(self, since: int | None = None) -> Iterator[Entry]:
        """What was done, oldest first; a line that was cut or is none is left out.

        Args:
            since: Unix nanoseconds; what was done then or later.
        """
        for path in [*reversed(self._put_aside()), self._path]:
            with suppress(FileNotFoundError), path.open("rb") as file:
                for line in file:
                    with suppress(msgspec.MsgspecError, UnicodeError):
                        entry = msgspec.json.decode(line, type=Entry)
                        if since is None or entry.time >= since:
                            yield entry

    def _make_room(self) -> None:
        try:
            if self._path.stat().st_size < FILE_BYTES:
                return
        except FileNotFoundError:
            return
        # Two that do this at once put one file aside twice at worst: the second finds a file that is short.
        for number in range(KEPT - 1, 0, -1):
            with suppress(FileNotFoundError):
                self._aside(number).replace(self._aside(number + 1))
        with suppress(FileNotFoundError):
            self._path.replace(self._aside(1))

    def _put_aside(self) -> list[Path]:
        """The files that were put aside, the newest first."""
        return [path for number in range(1, KEPT + 1) if (path := self._aside(number)).exists()]

    def _aside(self, number: int) -> Path:
        return self._path.with_name(f"{FILE}.{number}")


def _user() -> str:
    """The user of the operating system; what the environment claims is not asked."""
    with suppress(ImportError, KeyError):
        import pwd  # there is none on some systems

        return pwd.getpwuid(os.getuid()).pw_name
    with suppress(OSError, KeyError):
        return getpass.getuser()
    return str(os.getuid())
