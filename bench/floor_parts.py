"""Compiles `floor.c`, the context manager that records nothing, for the parts that measure a span against it."""

from __future__ import annotations

import shlex
import subprocess
import sysconfig
from pathlib import Path

MODULE = "floor_parts_built"


def built(place: Path) -> bool:
    """Whether the module `floor_parts_built` is now in that directory: False where there is no C compiler."""
    source = Path(__file__).with_name("floor.c")
    target = place / f"{MODULE}{sysconfig.get_config_var('EXT_SUFFIX')}"
    compiler = shlex.split(sysconfig.get_config_var("CC") or "cc")
    options = ["-O2", "-shared", "-fPIC", f"-I{sysconfig.get_path('include')}"]
    try:
        done = subprocess.run(
            [*compiler, *options, str(source), "-o", str(target)], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return False
    return done.returncode == 0
