"""The directory of a home: where it is, what lies in it, its locks and its key.

    <home>/journal/<process id>/…   append-only segments, one directory a process
    <home>/store.db                 the SQLite store
    <home>/index.lock               held by whoever reads the journals into the store
    <home>/index.want               shared by those who would rather do that themselves, at once
    <home>/key                      32 random bytes: the key of the hashes in records, never leaves the home

A recording process needs no more than this at its start; what joins journal and store is `home.py`.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

from flightlog.lock import FileLock
from flightlog.records.errors import BadSetting, HomeUnusable
from flightlog.settings import Settings

DIRECTORY: Final = ".flightlog"
"""Name of a project's own home, looked for from the working directory upwards."""

_KEY_BYTES: Final = 32


class Place:
    """One home directory. Making the object touches nothing; the methods do."""

    def __init__(self, path: Path, settings: Settings) -> None:
        self.path = path
        self.settings = settings
        self.journal_root = path / "journal"
        self.store_path = path / "store.db"

    @classmethod
    def find(cls, settings: Settings, *, strict: bool = False) -> Self:
        """Decide which home it is: the setting, else the nearest `.flightlog` upwards, else the user's.

        Args:
            settings: where the home may be named.
            strict: complain of a name that leads nowhere. Otherwise it is taken literally: a recorder must not
                break its program, and says later what it could not write.

        Raises:
            BadSetting: it begins with the directory of a user that does not exist.
            HomeUnusable: it is relative, and the working directory was deleted.
        """
        if settings.home:
            return cls(_named(settings, strict=strict), settings)
        with suppress(OSError):
            here = Path.cwd()
            for directory in (here, *here.parents):
                if (directory / DIRECTORY).is_dir():
                    return cls(directory / DIRECTORY, settings)
        from platformdirs import user_data_path  # only a program without a home of its own pays for it

        return cls(user_data_path("flightlog", appauthor=False), settings)

    def exists(self) -> bool:
        """Whether anything was ever recorded here."""
        return self.store_path.exists() or self.journal_root.is_dir()

    def create(self) -> None:
        """Make the directories, readable by their owner alone.

        Raises:
            HomeUnusable: they cannot be made or written.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.journal_root.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise HomeUnusable(str(self.path), error.strerror or str(error)) from error

    def key(self) -> bytes:
        """The key of this home's hashes; a home that cannot be written gets one that lasts as long as the process."""
        file = self.path / "key"
        with suppress(OSError):
            if len(found := file.read_bytes()) == _KEY_BYTES:
                return found
        made = os.urandom(_KEY_BYTES)
        try:
            return self._publish_key(file, made)
        except OSError:
            return made

    def _publish_key(self, file: Path, made: bytes) -> bytes:
        """Put the key in place whole; whoever comes second takes the first one's."""
        import tempfile  # once in the life of a home

        fd, name = tempfile.mkstemp(dir=self.path, prefix=".key-")
        try:
            os.write(fd, made)
            with suppress(FileExistsError):
                os.link(name, file)
        finally:
            os.close(fd)
            os.unlink(name)  # noqa: PTH108 - beside os.link
        found = file.read_bytes()
        return found if len(found) == _KEY_BYTES else made

    def index_lock(self) -> FileLock:
        """The lock of whoever indexes, not taken yet."""
        return FileLock(self.path / "index.lock")

    def is_wanted(self) -> bool:
        """Whether somebody waits to index at full speed; a thread of a traced program then steps back."""
        probe = FileLock(self.path / "index.want")
        if not probe.path.exists() or probe.acquire():
            probe.release()
            return False
        return True


def _named(settings: Settings, *, strict: bool) -> Path:
    """The directory that the setting names, whole."""
    path = Path(settings.home)
    try:
        return path.expanduser().absolute()
    except RuntimeError as error:
        if strict:
            expected = "a directory; there is no such user, or the user has no home directory"
            raise BadSetting("home", settings.home, settings.origins["home"], expected) from error
    except OSError as error:
        if strict:
            reason = "it is relative, and the working directory is gone"
            raise HomeUnusable(settings.home, reason) from error
    return path
