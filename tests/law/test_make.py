"""The targets of the Makefile: one command each, on a machine where nothing is prepared."""

from __future__ import annotations

import os
import subprocess

import pytest
from law_source import ROOT

TARGETS = (
    "demo",
    "test",
    "libraries",
    "matrix",
    "check",
    "fix",
    "bench",
    "bench-store",
    "docs",
    "law",
    "sanitize",
)


def _would_do(target: str, environment: str) -> str:
    """What `make` would run for a target, with the virtual environment at this place."""
    command = ["make", "--dry-run", "--no-print-directory", f"VENV={environment}", target]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        command, cwd=ROOT, env=kept, check=True, capture_output=True, text=True, timeout=60
    ).stdout


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_makes_its_own_environment_when_there_is_none(target, tmp_path):
    commands = _would_do(target, str(tmp_path / "none")).splitlines()
    made = [line for line in commands if f"-m venv {tmp_path}/none" in line]
    used = [line for line in commands if f"{tmp_path}/none/bin" in line]
    assert len(made) == 1
    assert used[0] == made[0], "nothing is used before it is made"


def test_check_looks_at_format_lint_types_and_law(tmp_path):
    commands = _would_do("check", str(tmp_path))
    for part in ("ruff format --check", "ruff check", "mypy", "pytest tests/law"):
        assert part in commands


def test_what_runs_in_the_pipeline_is_check_every_test_on_every_python_and_the_sanitizers():
    script = (ROOT / ".ci" / "run").read_text().splitlines()
    assert [line for line in script if line.startswith("make ")] == [
        "make check",
        "make test",
        "make libraries",
        "make matrix",
        "make sanitize",
    ]
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
