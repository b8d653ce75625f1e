"""Which program this process runs, and whether it is a worker that another one started for itself.

A worker continues the trace of whoever started it, so it has nothing of its own to sum up. It is told by being
a child of `multiprocessing`, however that starts them, or a fork of a process that was recording.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

_RECORDED_FIRST: Final = os.getpid()
"""The process that imported this, which happens at its first record; in a fork it is not the fork itself."""


def program_name() -> str:
    """Name the program as `flightlog run` does: the script's file name, or the module."""
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    if spec is not None and spec.name != "__main__":  # which is what a directory or an archive has
        return str(spec.name).removesuffix(".__main__")
    given = sys.argv[0] if sys.argv else ""
    return "python" if given in {"", "-c"} else Path(given).name or given


def is_worker() -> bool:
    """Whether another process started this one to do a part of its work."""
    process = sys.modules.get("multiprocessing.process")
    return os.getpid() != _RECORDED_FIRST or (process is not None and process.parent_process() is not None)
