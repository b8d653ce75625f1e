"""`scripts/demo.sh`, as `make demo` starts it and from somewhere else."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from examples_kit import ROOT, data, run

SCRIPT = ["sh", str(ROOT / "scripts" / "demo.sh")]
BIN = str(Path(sys.executable).parent)
RULES = {"OPENAI_API_KEY": "", "OPENAI_BASE_URL": ""}


def test_the_demo_answers_draws_the_tree_and_ends_with_commands_that_work(tmp_path):
    home = tmp_path / "home"
    process = run(SCRIPT, home, tmp_path, BIN=BIN, **RULES)
    assert process.returncode == 0, process.stderr
    assert "shutil.copytree" in process.stdout
    assert "✓ conversation workflow" in process.stderr
    (trace,) = data(home, "list")
    sums, _, following = process.stdout.partition("\nNext\n")
    assert "rules-1  openai" in sums
    commands = [shlex.split(line) for line in following.splitlines()]
    assert [command[1] for command in commands] == ["show", "failures", "trace", "export"]
    for command in commands:
        assert command[1] == "failures" or command[2] == trace["trace_id"]
        done = run(command, home, tmp_path)
        assert done.returncode == 0, done.stderr


def test_a_demo_that_records_nothing_fails(tmp_path):
    process = run(SCRIPT, tmp_path / "home", tmp_path, BIN=BIN, FLIGHTLOG_ENABLED="false", **RULES)
    assert process.returncode == 1
    assert "demo: no trace was recorded" in process.stderr


def test_a_demo_without_flightlog_fails(tmp_path):
    assert run(SCRIPT, tmp_path / "home", tmp_path, BIN=str(tmp_path / "nowhere")).returncode != 0
