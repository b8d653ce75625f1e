"""The generated pages say what the program says."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from flightlog.cli.main import COMMANDS
from flightlog.settings import SETTINGS

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def docs():
    spec = importlib.util.spec_from_file_location("flightlog_scripts_docs", ROOT / "scripts" / "docs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_in_the_repository_are_what_would_be_written(docs):
    assert list(docs.stale(ROOT / "docs")) == []


def test_a_page_that_is_missing_or_differs_is_stale(docs, tmp_path):
    for name, make in docs.PAGES.items():
        (tmp_path / name).write_text(make(), encoding="utf-8")
    assert docs.stale(tmp_path) == {}
    (tmp_path / "cli.md").write_text("# Command line\n", encoding="utf-8")
    (tmp_path / "schema.json").unlink()
    assert list(docs.stale(tmp_path)) == ["cli.md", "schema.json"]


def test_every_command_and_every_setting_has_its_place(docs):
    page = docs.cli_page()
    assert all(f"## flightlog {name}\n" in page for name in COMMANDS)
    page = docs.settings_page()
    assert all(f"`{setting.name}`" in page and setting.variable in page for setting in SETTINGS)


def test_the_check_writes_nothing_and_exits_with_0_when_all_is_current():
    before = {path: path.stat().st_mtime_ns for path in (ROOT / "docs").iterdir()}
    script = str(ROOT / "scripts" / "docs.py")
    assert subprocess.run([sys.executable, script, "--check"], check=False, timeout=60).returncode == 0
    assert {path: path.stat().st_mtime_ns for path in (ROOT / "docs").iterdir()} == before
