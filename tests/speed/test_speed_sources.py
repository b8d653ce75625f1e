"""The C files keep the room's own rules: small, headed, clean under the compiler, and nothing but bytes in them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

import flightlog._speed

ROOM = Path(flightlog._speed.__file__).parent
FILES = sorted([*ROOM.glob("*.c"), *ROOM.glob("*.h")])
COMPILER = shutil.which(os.environ.get("CC", "gcc"))

PRIVATE = {
    "span_context.c": "the one place that puts back what a context held",
    "span_frame.c": "the one place that looks at a frame",
    "span_tasks.c": "where 3.13 keeps the loop that runs",
}
"""Files that include a private header of the interpreter, and why; each is guarded by the minor version."""

pytestmark = pytest.mark.skipif(not FILES, reason="an installed wheel holds no C sources")


def _named(path: Path) -> str:
    return path.name


@pytest.mark.parametrize("path", FILES, ids=_named)
def test_a_file_begins_by_saying_what_it_is_and_who_owns_what(path):
    head = path.read_text(encoding="utf-8").partition("*/")[0]
    assert head.startswith("/* ")
    assert re.search(r"\b[Oo]wn(?:s|ed|er|ing)?\b|\b[Bb]orrow", head)


@pytest.mark.parametrize("path", FILES, ids=_named)
def test_a_file_is_small_and_its_lines_are_short(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 450
    assert [number for number, line in enumerate(lines, 1) if len(line) > 120 or "\t" in line] == []


@pytest.mark.parametrize("path", FILES, ids=_named)
def test_memory_comes_from_python_and_no_private_header_is_included(path):
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"(?<![A-Za-z_])(?:m|c|re)alloc\(|(?<![A-Za-z_])free\(", text) == []
    assert bool(re.search(r"#include <internal/|define Py_BUILD_CORE", text)) == (path.name in PRIVATE)


@pytest.mark.skipif(
    COMPILER is None, reason="there is no C compiler: `apt install gcc`, with Python's headers"
)
@pytest.mark.parametrize("path", [path for path in FILES if path.suffix == ".c"], ids=_named)
def test_the_compiler_has_nothing_to_say(path, tmp_path):
    command = [COMPILER, "-c", "-O2", "-fPIC", "-Wall", "-Wextra", "-Wshadow=compatible-local", "-Werror"]
    command += [f"-I{sysconfig.get_path('include')}", f"-I{sysconfig.get_path('platinclude')}", str(path)]
    done = subprocess.run(
        [*command, "-o", str(tmp_path / "out.o")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
