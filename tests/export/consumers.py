"""The programs that read what is exported, where they are installed; who needs one skips and says how to get it.

Packages of node are looked for where `scripts/readers.sh` puts them for this environment, or in the directory that
FLIGHTLOG_TEST_NODE names (the one that holds `node_modules`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def program(*names: str, install: str) -> str:
    """The path of the first of these programs that is there."""
    for name in names:
        if found := shutil.which(name):
            return found
    pytest.skip(f"{names[0]} is not installed; install it with: {install}")


def package(name: str) -> Path:
    """The directory of an installed package of node."""
    program("node", install="apt install nodejs npm")
    place = Path(os.environ.get("FLIGHTLOG_TEST_NODE", Path(sys.prefix) / "readers"))
    found = place / "node_modules" / name
    if not found.is_dir():
        pytest.skip(
            f"{name} is not installed; install it with: sh scripts/readers.sh {Path(sys.prefix) / 'readers'}"
        )
    return found.resolve()


def node(script: str, *arguments: str, cwd: Path, timeout: float = 100) -> str:
    """What a script in a file of its own writes to standard output."""
    file = cwd / "script.mjs"
    file.write_text(script, encoding="utf-8")
    command = [program("node", install="apt install nodejs npm"), str(file), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout
