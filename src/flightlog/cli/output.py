"""Standard output that says so when it cannot be written: closed before we began, or on a disk that is full.

Such an error looks like any other `OSError`; raised as `Refused`, it can be told from trouble with a file, and
whoever meets it does not have to know who was writing.
"""

from __future__ import annotations

import errno
import os
import sys
from io import BufferedWriter, FileIO, TextIOWrapper
from typing import Any


class Refused(OSError):
    """Standard output took nothing; a reader that went away stays a `BrokenPipeError`."""


class _Output(FileIO):
    """The descriptor of standard output."""

    former: object = None
    """Whose descriptor it is; were that one closed, the number would soon be another file's."""

    def write(self, data: Any, /) -> int:
        # `Any`, because Python 3.11 has no name for whatever holds bytes.
        try:
            return super().write(data)
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise
            raise Refused(error.errno, error.strerror) from error


def watch() -> None:
    """Put our own standard output in the place of the interpreter's, which nobody has written to yet.

    Where it was closed, each write fails; a program that `flightlog run` starts finds it closed as well.
    """
    former = sys.stdout
    if former is None:
        _put(os.open(os.devnull, os.O_RDONLY), "utf-8", is_lively=False)
    elif isinstance(former, TextIOWrapper):
        _put(former.fileno(), former.encoding, is_lively=former.line_buffering, former=former)


def _put(descriptor: int, encoding: str, *, is_lively: bool, former: object = None) -> None:
    raw = _Output(descriptor, "wb", closefd=False)
    raw.former = former
    sys.stdout = TextIOWrapper(
        BufferedWriter(raw), encoding, errors="backslashreplace", line_buffering=is_lively
    )


def write_nowhere() -> None:
    """Point standard output at nothing, so that the interpreter's last flush does not complain."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
