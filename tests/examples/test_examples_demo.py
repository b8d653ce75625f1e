"""`scripts/demo.sh`, as `make demo` starts it and from somewhere else."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

from examples_kit import ROOT, data, run

SCRIPT = ["sh", str(ROOT / "scripts" / "demo.sh")]
BIN = str(Path(sys.executable).parent)


def test_the_demo_answers_draws_the_tree_and_ends_with_commands_that_work(tmp_path):
    home = tmp_path / "home"
    process = run(SCRIPT, home, tmp_path, BIN=BIN)
    assert process.returncode == 0, process.stderr
    assert "shutil.copytree" in process.stdout
    assert "✓ answers workflow" in process.stderr
    (trace,) = data(home, "list")
    where, _, following = process.stdout.partition("\nNext\n")
    assert re.search(r"^  slowest ", where, re.MULTILINE)
    assert re.search(r"^  kinds ", where, re.MULTILINE)
    commands = [shlex.split(line) for line in following.splitlines()]
    assert [command[1] for command in commands] == ["show", "trace", "export"]
    for command in commands:
        assert command[2] == trace["trace_id"]
        assert run(command, home, tmp_path).returncode == 0


def test_a_demo_that_records_nothing_fails(tmp_path):
    process = run(SCRIPT, tmp_path / "home", tmp_path, BIN=BIN, FLIGHTLOG_ENABLED="false")
    assert process.returncode == 1
    assert "demo: no trace was recorded" in process.stderr


def test_a_demo_without_flightlog_fails(tmp_path):
    assert run(SCRIPT, tmp_path / "home", tmp_path, BIN=str(tmp_path / "nowhere")).returncode != 0
