"""Files that were put aside: when that is due, their names, how they are packed, and how many stay.

A file gets its new name by one rename, under the lock of whoever writes it. Packing writes beside and renames,
so whatever dies on the way leaves every line in a file that the next rotation finds.
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

from flightlog.codecs.lines import decode
from flightlog.records.errors import BadRecord
from flightlog.records.event import Event
from flightlog.records.process import Process
from flightlog.records.span import Span

_TIME: Final = r"\.\d{8}T\d{6}\.\d{6}Z"
_ENDINGS: Final = {"zstd": ".zst", "gzip": ".gz", "none": ""}
_PACKED: Final = (".zst", ".gz")
_FIRST_LINE: Final = 64 * 1024
_LEVEL: Final = 3
_BLOCK: Final = 1024 * 1024
_STALE_SECONDS: Final = 600.0
"""A packing that is older than this is nobody's any more."""


class Rotation:
    """When a file is put aside, and what happens to it then."""

    def __init__(self, most_bytes: int, most_seconds: float, keep: int, compress: str) -> None:
        """Prepare.

        Raises:
            ValueError: `keep` is less than 1, or there is no such compression.
        """
        if keep < 1:
            raise ValueError(f"keep is {keep!r}; expected 1 or more files")
        if compress not in _ENDINGS:
            raise ValueError(f"compress is {compress!r}; expected one of {', '.join(_ENDINGS)}")
        self._most_bytes = most_bytes
        self._most_seconds = most_seconds
        self._keep = keep
        self._compress = compress
        self._begun: tuple[tuple[int, int], float] | None = None

    def is_due(self, fd: int, size: int, more: int) -> bool:
        """Whether a file is to be put aside before this many bytes are added to it."""
        if not size:
            return False
        if self._most_bytes and size + more > self._most_bytes:
            return True
        return bool(self._most_seconds) and time.time() - self._began(fd) > self._most_seconds

    def tidy(self, path: Path) -> None:
        """Pack what was put aside for this file, also by a process that died, and delete what is beyond `keep`.

        What fails here (a full disk) is tried again when the next file is put aside.
        """
        with suppress(OSError):
            for old in files_aside(path):
                if self._compress != "none" and not old.name.endswith(_PACKED):
                    self._pack(old)
        with suppress(OSError):
            for old in files_aside(path)[: -self._keep]:
                old.unlink(missing_ok=True)

    def _began(self, fd: int) -> float:
        """When the first line of a file was recorded, in seconds since 1970; read once."""
        found = os.fstat(fd)
        identity = found.st_dev, found.st_ino
        if self._begun is None or self._begun[0] != identity:
            self._begun = identity, _time_of_first_line(fd) or found.st_mtime
        return self._begun[1]

    def _pack(self, path: Path) -> None:
        """Compress one file beside itself, unless somebody is at it."""
        packed = path.with_name(path.name + _ENDINGS[self._compress])
        half = path.with_name(f".{packed.name}.part")
        if half.exists() and time.time() - half.stat().st_mtime > _STALE_SECONDS:
            half.unlink()
        try:
            fd = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            return
        try:
            with path.open("rb") as source, open(fd, "wb") as target:  # noqa: PTH123 - of a descriptor
                _COPIES[self._compress](source, target)
            half.rename(packed)
        except BaseException:
            half.unlink(missing_ok=True)
            raise
        path.unlink()


def files_aside(path: Path) -> list[Path]:
    """The files that were put aside for this one, the oldest first."""
    name = re.compile(re.escape(path.stem) + _TIME + re.escape(path.suffix) + r"(\.zst|\.gz)?")
    return sorted(found for found in path.parent.iterdir() if name.fullmatch(found.name))


def name_aside(path: Path) -> Path:
    """A name for a file that is put aside now: nobody else has it, and it sorts behind those before."""
    now = time.time_ns()
    while True:
        moment = time.strftime("%Y%m%dT%H%M%S", time.gmtime(now // 10**9))
        aside = path.with_name(f"{path.stem}.{moment}.{now // 1000 % 10**6:06}Z{path.suffix}")
        if not aside.exists():
            return aside
        now += 1000


def _time_of_first_line(fd: int) -> float:
    try:
        record = decode(os.pread(fd, _FIRST_LINE, 0).partition(b"\n")[0])
    except BadRecord:
        return 0.0
    if isinstance(record, Span):
        return record.start / 1e9
    if isinstance(record, Event):
        return record.time / 1e9
    return record.started / 1e9 if isinstance(record, Process) else 0.0


def _to_zstd(source: BinaryIO, target: BinaryIO) -> None:
    from zstandard import ZstdCompressor  # only a file that is full needs it

    ZstdCompressor(level=_LEVEL, write_checksum=True).copy_stream(source, target)


def _to_gzip(source: BinaryIO, target: BinaryIO) -> None:
    with gzip.GzipFile(fileobj=target, mode="wb", filename="", mtime=0) as packed:
        shutil.copyfileobj(source, packed, _BLOCK)


_COPIES: Final[dict[str, Callable[[BinaryIO, BinaryIO], None]]] = {"zstd": _to_zstd, "gzip": _to_gzip}
