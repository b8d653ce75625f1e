"""Versions: which were tested is written down, and one that nobody has tested harms no program."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from flightlog.instrumenting import LIBRARIES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "versions.md"

BROKEN = {
    "openai": ({"__init__.py": "__version__ = '99.0'\n"}, "it has no class OpenAI"),
    "anthropic": (
        {"__init__.py": "__version__ = '99.0'\nclass Anthropic: ...\nclass AsyncAnthropic: ...\n"},
        "Anthropic.request does not take cast_to and options",
    ),
    "langchain_core": (
        {
            "__init__.py": "__version__ = '99.0'\n",
            "callbacks/__init__.py": "",
            "callbacks/base.py": "",
        },
        "it has no langchain_core.callbacks.base.BaseCallbackHandler",
    ),
}
"""Package to the files of a version that nobody has tested, and what is said of it."""


@pytest.mark.parametrize("package", BROKEN)
@pytest.mark.parametrize("way", ["named", "run"])
def test_a_package_of_a_shape_that_nobody_knows_is_left_alone_with_one_message(tmp_path, package, way):
    files, reason = BROKEN[package]
    for name, text in files.items():
        file = tmp_path / package / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    named = "import flightlog\nflightlog.instrument()\n" if way == "named" else ""
    program = tmp_path / "program.py"
    program.write_text(f"{named}import {package}\nprint({package}.__version__, 'goes on')\n")
    command = (
        [sys.executable, str(program)]
        if way == "named"
        else [sys.executable, "-m", "flightlog", "run", str(program)]
    )
    done = subprocess.run(
        command,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "FLIGHTLOG_HOME": str(tmp_path / "home")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "99.0 goes on\n"), done.stderr
    told = [line for line in done.stderr.splitlines() if "not recorded" in line]
    library = package.removesuffix("_core")
    assert told == [f"flightlog: {library} 99.0: it is not recorded (Unfit: {reason})"]


def test_the_page_of_versions_names_every_library_that_is_recorded():
    page = PAGE.read_text(encoding="utf-8")
    rows = {line.split("`")[1] for line in page.splitlines() if line.startswith("| `")}
    assert LIBRARIES.keys() - {"logging"} <= rows  # the standard library's own has Python's version


def test_the_table_of_versions_is_read_from_what_is_installed():
    script = PAGE.parents[1] / "scripts" / "versions.py"
    done = subprocess.run(
        [sys.executable, str(script), "--print"], capture_output=True, text=True, timeout=100, check=True
    )
    pytest.importorskip("openai")
    from importlib.metadata import version

    assert f"| `openai` | openai {version('openai')} | " in done.stdout
    assert not (set(done.stdout.splitlines()[:2]) - set(PAGE.read_text(encoding="utf-8").splitlines()))
