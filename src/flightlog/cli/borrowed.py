"""A reader of documents that are not brought into the home: a store of its own for them, gone when the command ends.

It lies among the temporary files in a directory that is its owner's alone, and what is in it was redacted by the rules
and the key of the home as an import would have. A command that is killed leaves it behind; the next one that reads a
file removes it, as nobody holds its lock any more.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from msgspec import structs

from flightlog.cli.opening import caught_up, home
from flightlog.cli.readingnotes import Teller, collecting_seldom
from flightlog.home import Home
from flightlog.importing import import_documents
from flightlog.lock import FileLock
from flightlog.records.errors import BadDocument
from flightlog.store.port import Reader

PREFIX: Final = "flightlog-file-"
_LOCK: Final = "held"
_YOUNG: Final = 60.0
"""Seconds in which a directory may have been made and its lock not been taken yet."""


class _Borrowed(Home):
    """A home for the moment, with the rules and the key of another one; nobody's audit log is about it."""

    def __init__(self, path: Path, real: Home) -> None:
        super().__init__(
            path, structs.replace(real.settings, audit="off", fulltext=False, durability="process")
        )
        self._real = real

    def key(self) -> bytes:
        """The key of the other home, so that what is hashed here is what it is there."""
        return self._real.key() if self._real.path.is_dir() else super().key()


@contextmanager
def borrowed(paths: Sequence[str], costs: float = 0.0) -> Iterator[Reader]:
    """Read documents of any form that can be imported, as a home would have them.

    A record that cannot be read, such as a last line that a program did not end, is said and left out.

    Args:
        paths: the documents; `-` is standard input.
        costs: seconds that the store may take to remember what model calls cost.

    Raises:
        BadDocument: one of them cannot be read, or is nothing that can be imported.
        StoreError: there is no room for them.
    """
    told = Teller("left out")
    with _directory() as path:
        store = _Borrowed(path, home())
        try:
            with collecting_seldom():
                done = import_documents(store, paths, bad=told.bad, progress=told.progress)
        finally:
            told.end()
        if done.skipped and not done.records:
            raise BadDocument(f"nothing can be read in {', '.join(paths)}")
        with caught_up(store, costs) as (reader, _):
            yield reader


@contextmanager
def _directory() -> Iterator[Path]:
    """A directory for the moment."""
    _sweep()
    with tempfile.TemporaryDirectory(prefix=PREFIX) as name, FileLock(Path(name, _LOCK)) as lock:
        lock.acquire()
        yield Path(name)


def _sweep() -> None:
    """Remove what commands left behind that were killed; another user's is not looked into."""
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime < _YOUNG:
                continue
            with FileLock(path / _LOCK) as lock:
                if lock.acquire():
                    shutil.rmtree(path, ignore_errors=True)
