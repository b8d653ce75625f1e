"""Commands over what the real recorder wrote: the demo, journals that nobody indexed yet, and dead programs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

from click.testing import CliRunner

from flightlog.cli import opening
from flightlog.cli.main import commands
from flightlog.configure import load_settings
from flightlog.home import Home

COMMAND = [sys.executable, "-c", "from flightlog.cli import main; main()"]

DYING_PROGRAM = """
import os, signal
import flightlog as fl
with fl.span("outer", kind="run"):
    with fl.span("inner", kind="tool"):
        pass
    os.kill(os.getpid(), signal.SIGKILL)
"""


def command(*args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *args],
        capture_output=True,
        timeout=60,
        check=False,
        text=True,
        env={**os.environ, **environment},
    )


def run_dying_program() -> None:
    subprocess.run([sys.executable, "-c", DYING_PROGRAM], timeout=60, check=False)


def test_the_demo_records_a_program_draws_it_and_says_what_to_type_next(home):
    result = command("demo")
    assert result.returncode == 0, result.stderr
    for told in ("✓ demo run", "answer_question", "retry", "database is locked", "more like read_module"):
        assert told in result.stdout
    assert "textwrap.wrap" in result.stderr
    next_command = re.search(r"flightlog (show) ([0-9a-f]{32})", result.stderr)
    shown = CliRunner().invoke(commands, [*next_command.groups(), "--json"])
    assert shown.exit_code == 0
    assert json.loads(shown.stdout)["trace"]["retries"] == 1


def test_the_demo_answers_the_question_it_is_asked(home):
    assert "random.shuffle" in command("demo", "How do I shuffle a list in place?").stderr


def test_a_demo_that_was_not_recorded_says_so(home):
    result = command("demo", FLIGHTLOG_ENABLED="false")
    assert result.returncode == 2
    assert "flightlog" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_program_that_was_killed_is_indexed_by_the_next_command_and_its_open_span_is_interrupted(home):
    run_dying_program()
    (row,) = json.loads(CliRunner().invoke(commands, ["list", "--json"]).stdout)
    assert (row["name"], row["status"], row["span_count"], row["interrupted"]) == (
        "outer",
        "interrupted",
        2,
        1,
    )
    drawn = CliRunner().invoke(commands, ["trace", "@latest"]).stdout
    assert "! outer run" in drawn
    assert "its process ended before it did" in drawn
    assert "└─ ✓ inner tool" in drawn


def test_while_somebody_else_indexes_a_command_answers_and_says_how_much_is_left(home, monkeypatch):
    run_dying_program()
    monkeypatch.setattr(opening, "PATIENCE", 0.05)
    with Home.find(load_settings()).index_lock() as lock:
        assert lock.acquire()
        result = CliRunner().invoke(commands, ["list", "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout) == []
    assert re.fullmatch(r"still to be indexed: .* in 1 journal; .*\n", result.stderr)
