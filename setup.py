"""The part of the build that `pyproject.toml` cannot say: the compiled core, which may be missing.

Without a compiler the installation succeeds and the engine in plain Python runs. `FLIGHTLOG_NO_EXTENSION=1` leaves
the compiled core out on purpose.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path
from typing import Final

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOM: Final = Path("src/flightlog/_speed")


class OptionalBuild(build_ext):
    """Builds the compiled core if it can be built, and says so if it cannot."""

    def build_extension(self, ext: Extension) -> None:
        """Build it, or say what runs without it."""
        try:
            super().build_extension(ext)
        except Exception as failure:
            if os.environ.get("FLIGHTLOG_NEEDS_EXTENSION"):
                raise
            _say(f"the compiled core could not be built ({failure})")


def _say(why: str) -> None:
    sys.stderr.write(f"flightlog: {why}; the engine in plain Python will run\n")


def _extensions() -> list[Extension]:
    if os.environ.get("FLIGHTLOG_NO_EXTENSION"):
        return []
    if sys.implementation.name != "cpython":
        _say(f"the compiled core is for CPython, and this is {sys.implementation.name}")
        return []
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        _say("the compiled core is not built for free-threaded Python")
        return []
    # A compiler that is not Microsoft's is told what to leave visible: the one function that Python looks for.
    arguments = [] if sys.platform == "win32" else ["-O3", "-fvisibility=hidden", "-Wall", "-Wextra"]
    return [
        Extension(
            "flightlog._speed._core",
            sources=sorted(map(str, ROOM.glob("*.c"))),
            depends=sorted(map(str, ROOM.glob("*.h"))),
            extra_compile_args=[*arguments, *os.environ.get("FLIGHTLOG_CFLAGS", "").split()],
            extra_link_args=os.environ.get("FLIGHTLOG_LDFLAGS", "").split(),
            optional=not os.environ.get("FLIGHTLOG_NEEDS_EXTENSION"),
        )
    ]


setup(ext_modules=_extensions(), cmdclass={"build_ext": OptionalBuild})
