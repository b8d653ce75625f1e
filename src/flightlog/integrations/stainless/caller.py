"""Where in the program a model is called: the nearest frame that is neither the library's nor ours.

A stack that begins inside the library says where the request failed, and never who made it. A call that an event
loop or a pool makes (`asyncio.gather(client.…create(…), …)`) has no such line: nothing is said rather than theirs.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import FrameType
from typing import Final

FILE: Final = "code.file.path"
LINE: Final = "code.line.number"
FUNCTION: Final = "code.function.name"
"""OpenTelemetry's semantic conventions for code, stable since v1.33."""

_MOST_FRAMES: Final = 60
"""Further out nobody looks: a wrapper is called from a few levels of the library."""

_STANDARD: Final = str(Path(os.__file__).parent) + os.sep
_STARTERS: Final = tuple(
    _STANDARD + str(Path(*name))
    for name in (
        ("asyncio", "base_events.py"),
        ("asyncio", "events.py"),
        ("asyncio", "runners.py"),
        ("concurrent", "futures", "thread.py"),
        ("threading.py",),
    )
)
"""Where whatever is running was started, and not called."""
_PASSED_OVER: Final = (
    _STANDARD + "asyncio" + os.sep,
    _STANDARD + "contextlib.py",
    _STANDARD + "functools.py",
)
"""Between the program and the library stand at most helpers such as `asyncio.wait_for`."""

_OURS: Final = str(Path(__file__).parents[2]) + os.sep


def called_from(library: str) -> dict[str, object]:
    """Attributes that name the line which called; empty when there is none.

    Args:
        library: the directory of the library's package.
    """
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - documented, and the cheap way to the caller
    for _ in range(_MOST_FRAMES):
        if frame is None or frame.f_code.co_filename.startswith(_STARTERS):
            break
        code = frame.f_code
        if not code.co_filename.startswith((library, _OURS, "<frozen", *_PASSED_OVER)):
            return {FILE: code.co_filename, LINE: frame.f_lineno, FUNCTION: code.co_qualname}
        frame = frame.f_back
    return {}
