"""Where in the program a model is called: the nearest frame that is neither the library's nor ours.

A stack that begins inside the library says where the request failed, and never who made it.
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

_OURS: Final = str(Path(__file__).parents[2]) + os.sep


def called_from(library: str) -> dict[str, object]:
    """Attributes that name the line which called; empty when there is none.

    Args:
        library: the directory of the library's package.
    """
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - documented, and the cheap way to the caller
    for _ in range(_MOST_FRAMES):
        if frame is None:
            break
        code = frame.f_code
        if not code.co_filename.startswith((library, _OURS, "<frozen")):
            return {FILE: code.co_filename, LINE: frame.f_lineno, FUNCTION: code.co_qualname}
        frame = frame.f_back
    return {}
