"""What is shipped: the wheel holds everything that runs needs, and nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import PurePosixPath

import pytest
from law_source import PACKAGE, ROOT

BUILD_FILES = ("pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel built from a copy of the source, with the build tool of this environment and without a network."""
    copy = tmp_path_factory.mktemp("source")
    out = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT / "src", copy / "src", ignore=shutil.ignore_patterns("*.egg-info", "__pycache__"))
    for name in BUILD_FILES:
        shutil.copy(ROOT / name, copy / name)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-index"]
    command += ["--no-deps", "--no-build-isolation", "--wheel-dir", str(out), str(copy)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def shipped(wheel):
    """The files within the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return {PurePosixPath(name) for name in archive.namelist()}


def test_the_wheel_is_for_every_platform(wheel):
    assert wheel.name.endswith("-py3-none-any.whl")


def test_every_file_of_the_package_is_in_the_wheel(shipped):
    ours = {
        PurePosixPath(path.relative_to(PACKAGE.parent).as_posix())
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert ours - shipped == set()


def test_the_files_that_are_no_modules_are_in_the_wheel(shipped):
    named = {
        "flightlog/py.typed",
        "flightlog/boot/sitecustomize.py",
        "flightlog/store/payload_dictionary.txt",
        "flightlog/store/sqlite/schema.sql",
        "flightlog/store/sqlite/migrations/0001_first.sql",
    }
    assert {PurePosixPath(name) for name in named} - shipped == set()


def test_nothing_else_is_in_the_wheel(shipped):
    tops = {path.parts[0] for path in shipped}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"flightlog"}
    words = {"tests", "test", "bench", "examples", "scripts", "__pycache__"}
    assert [str(path) for path in shipped if words & set(path.parts)] == []


def test_the_wheel_works_where_there_is_no_source(wheel, tmp_path):
    """Unpacked in front of everything else, it is what `import flightlog` finds, command line included."""
    code = "import flightlog, flightlog.cli.main; print(flightlog.__file__)"
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "FLIGHTLOG_"))}
    unpacked = tmp_path / "unpacked"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(unpacked)
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**kept, "PYTHONPATH": str(unpacked), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == str(unpacked / "flightlog" / "__init__.py")
