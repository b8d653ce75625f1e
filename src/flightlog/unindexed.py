"""Journals that nobody is to index: those of programs whose sinks do not include the store.

They lie beside the others, under `<home>/unindexed/`, and go away when the sinks have everything. One whose
owner died before that is moved to the others, so that what its sinks did not get is in the store after all.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from flightlog.journal.liveness import is_alive

DIRECTORY: Final = "unindexed"
"""Name of the directory within a home."""


def adopt(home: Path) -> int:
    """Move the journals of the dead to where they are indexed; give their number."""
    moved = 0
    with suppress(OSError), os.scandir(home / DIRECTORY) as entries:
        for entry in entries:
            path = Path(entry.path)
            if not entry.name.startswith(".") and not is_alive(path):
                with suppress(OSError):
                    path.rename(home / "journal" / entry.name)
                    moved += 1
    return moved
