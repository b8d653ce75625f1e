"""What is shipped: the wheel holds everything that runs needs, and nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import PurePosixPath

import pytest
from law_source import PACKAGE, ROOT

from flightlog._speed import presence

BUILD_FILES = ("pyproject.toml", "README.md", "LICENSE", "MANIFEST.in", "setup.py")

COMPILED = (".c", ".h", ".so", ".pyd")
"""Ends of the files that the compiled core is made of, and of what is made."""


def _build(copy, out, **variables):
    """A wheel built from a copy of the source, with the build tool of this environment and without a network."""
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-index"]
    command += ["--no-deps", "--no-build-isolation", "--wheel-dir", str(out), str(copy)]
    environment = {**os.environ, **variables}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """What is built from."""
    copy = tmp_path_factory.mktemp("source")
    ignored = shutil.ignore_patterns("*.egg-info", "__pycache__", "*.so", "*.pyd")
    shutil.copytree(ROOT / "src", copy / "src", ignore=ignored)
    for name in BUILD_FILES:
        shutil.copy(ROOT / name, copy / name)
    return copy


@pytest.fixture(scope="module")
def wheel(source, tmp_path_factory):
    """The wheel of a machine without a compiler: what is optional is left out."""
    return _build(source, tmp_path_factory.mktemp("wheel"), CC="no-such-compiler")


@pytest.fixture(scope="module")
def shipped(wheel):
    """The files within the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return {PurePosixPath(name) for name in archive.namelist()}


def test_without_a_compiler_there_is_a_wheel_all_the_same(wheel):
    with zipfile.ZipFile(wheel) as archive:
        assert [name for name in archive.namelist() if name.endswith((".so", ".pyd"))] == []


def test_without_what_is_compiled_the_wheel_is_for_every_platform(source, tmp_path):
    built = _build(source, tmp_path, FLIGHTLOG_NO_EXTENSION="1")
    assert built.name.endswith("-py3-none-any.whl")


@pytest.mark.skipif(
    not presence.is_there(), reason="the compiled core is missing; install a C compiler (`apt install gcc`)"
)
def test_with_a_compiler_the_wheel_holds_the_compiled_core(source, tmp_path):
    built = _build(source, tmp_path, FLIGHTLOG_NEEDS_EXTENSION="1")
    with zipfile.ZipFile(built) as archive:
        compiled = [name for name in archive.namelist() if name.endswith((".so", ".pyd"))]
        assert [name for name in archive.namelist() if name.endswith((".c", ".h"))] == []
    assert [name.startswith("flightlog/_speed/_core.") for name in compiled] == [True]


@pytest.mark.parametrize(("needs", "fails"), [("", False), ("1", True)])
def test_without_a_compiler_a_build_fails_only_where_the_compiled_core_is_needed(
    source, tmp_path, needs, fails
):
    command = [sys.executable, "setup.py", "--quiet", "build_ext"]
    command += ["--build-lib", str(tmp_path / "lib"), "--build-temp", str(tmp_path / "temp")]
    environment = {**os.environ, "CC": "no-such-compiler", "FLIGHTLOG_NEEDS_EXTENSION": needs}
    done = subprocess.run(command, cwd=source, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode != 0) is fails, done.stderr
    assert list(tmp_path.rglob("*.so")) == []


def test_what_it_is_built_from_holds_the_c_sources(source, tmp_path):
    """The source distribution, by the build tool's own rules."""
    code = "from setuptools import build_meta as b; import sys; print(b.build_sdist(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], cwd=source, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (built,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(built) as archive:
        named = {PurePosixPath(name).name for name in archive.getnames()}
    room = PACKAGE / "_speed"
    assert {
        path.name for path in room.iterdir() if path.suffix in (".c", ".h", ".pyi", ".py")
    } - named == set()
    assert "setup.py" in named


def test_every_file_of_the_package_is_in_the_wheel(shipped):
    ours = {
        PurePosixPath(path.relative_to(PACKAGE.parent).as_posix())
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix not in COMPILED
    }
    assert ours - shipped == set()


def test_the_files_that_are_no_modules_are_in_the_wheel(shipped):
    named = {
        "flightlog/py.typed",
        "flightlog/boot/sitecustomize.py",
        "flightlog/questions/grammar.lark",
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
