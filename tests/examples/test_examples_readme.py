"""What README.md shows: its programs run, print what it says, and leave the records that it promises."""

from __future__ import annotations

import re
import shlex
import signal
import sys
from typing import NamedTuple

import pytest
from examples_kit import FLIGHTLOG, ROOT, data, run

from flightlog.cli.main import COMMANDS

README = (ROOT / "README.md").read_text(encoding="utf-8")


class Block(NamedTuple):
    """A fenced block."""

    language: str
    text: str


def blocks() -> list[Block]:
    return [Block(*found) for found in re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)]


def programs() -> list[tuple[str, str, str]]:
    """File name, source and shown output of each Python program: the console block after it names the file."""
    found = []
    shown = blocks()
    for block, following in zip(shown, [*shown[1:], Block("", "")], strict=True):
        if block.language == "python":
            called = re.match(
                r"\$ (?:python|flightlog run) (\w+\.py)(?: '.*')?\n((?:(?!\$ ).*\n)*)", following.text
            )
            assert following.language == "console"
            assert called is not None
            found.append((called[1], block.text, called[2]))
    return found


PROGRAMS = {name: (source, output) for name, source, output in programs()}


def start(name, tmp_path):
    (tmp_path / name).write_text(PROGRAMS[name][0], encoding="utf-8")
    return run([sys.executable, name], tmp_path / "home", tmp_path)


@pytest.mark.parametrize("name", sorted(PROGRAMS.keys() - {"crash.py", "plain.py"}))
def test_a_program_in_the_readme_prints_what_the_readme_says(name, tmp_path):
    process = start(name, tmp_path)
    assert (process.returncode, process.stderr) == (0, "")
    assert process.stdout == PROGRAMS[name][1]


def test_the_orders_leave_one_good_and_one_failed_trace_of_a_session(tmp_path):
    start("orders.py", tmp_path)
    traces = data(tmp_path / "home", "list")
    assert [(t["name"], t["status"], t["span_count"], t["session"]) for t in traces] == [
        ("order", "error", 4, "table-7"),
        ("order", "ok", 4, "table-7"),
    ]


def test_the_plain_program_is_recorded_as_it_is_and_fails_as_the_readme_says(tmp_path):
    source, shown = PROGRAMS["plain.py"]
    (tmp_path / "plain.py").write_text(source, encoding="utf-8")
    (typed,) = re.findall(r"^\$ flightlog (run plain\.py .*)$", README, re.MULTILINE)
    process = run([*FLIGHTLOG, *shlex.split(typed)], tmp_path / "home", tmp_path)
    assert (process.returncode, process.stdout) == (1, "")
    first, *_, error, last = process.stderr.splitlines()
    trace = last.split()[-1]
    assert [first, error] == [shown.splitlines()[0], shown.splitlines()[2]]
    assert last.startswith("flightlog: plain.py failed (exit code 1) in ")
    assert shown.splitlines()[3].startswith("flightlog: plain.py failed (exit code 1) in ")
    (row,) = data(tmp_path / "home", "list")
    assert (row["trace_id"], row["status"]) == (trace, "error")


def test_the_killed_program_leaves_every_row_that_had_ended(tmp_path):
    process = start("crash.py", tmp_path)
    assert process.returncode == -signal.SIGKILL
    (trace,) = data(tmp_path / "home", "list")
    assert (trace["status"], trace["interrupted"]) == ("interrupted", 1)
    spans = data(tmp_path / "home", "spans", "@latest")
    rows = [span["attributes"]["number"] for span in spans if span["name"] == "row"]
    assert rows == list(range(700))
    assert f"{len(spans)} spans" in README


def test_the_secret_of_the_log_in_reaches_no_file(tmp_path):
    start("log_in.py", tmp_path)
    (span,) = data(tmp_path / "home", "spans", "@latest")
    assert f"`{span['attributes']['url']}`" in README
    files = [path for path in (tmp_path / "home").rglob("*") if path.is_file()]
    assert files
    for secret in (b"correct horse", b"ada:horse", b"abc123def456"):
        assert [path.name for path in files if secret in path.read_bytes()] == []


def test_every_command_in_the_readme_exists():
    named = set(re.findall(r"(?:^\$ |^|`)flightlog ([a-z]+)", README, re.MULTILINE))
    assert named
    assert named <= set(COMMANDS)
