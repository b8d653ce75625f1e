"""Commands that write or remove: exports in each format, the file of a run, deletions."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import cli_samples
import pytest
from click.testing import CliRunner

from flightlog.cli.main import commands
from flightlog.export import rows

SECRET = "sk-" + "ant-" + "api03-" + "Ab1" * 20
"""A key of a known shape, joined here so that no file holds it."""


def run(*args: str, **options):
    return CliRunner().invoke(commands, args, **options)


def flightlog(*args: str, home: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "flightlog", *args]
    environ = {**os.environ, "FLIGHTLOG_HOME": str(home), **variables}
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)


def read_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_csv_is_rows_of_traces_newest_first(recorded):
    found = read_csv(run("export", "--format", "csv").stdout)
    assert [row["name"] for row in found] == ["answer_question", "warm up"]
    assert list(found[0]) == list(rows.TRACE_COLUMNS)


def test_rows_of_spans_come_in_every_format(recorded):
    as_csv = read_csv(run("export", "--rows", "spans", "--format", "csv", cli_samples.TRACE).stdout)
    as_json = json.loads(run("export", "--rows", "spans", "--format", "json", cli_samples.TRACE).stdout)
    as_lines = [
        json.loads(line) for line in run("export", "--rows", "spans", cli_samples.TRACE).stdout.splitlines()
    ]
    assert [row["span_id"] for row in as_csv] == [row["span_id"] for row in as_json]
    assert as_json == as_lines
    assert len(as_json) == 112
    assert list(as_csv[0]) == list(as_json[0]) == list(rows.SPAN_COLUMNS)


@pytest.mark.parametrize("form", ["csv", "jsonl", "json"])
def test_a_terminal_is_sent_nothing_that_it_obeys_and_a_pipe_every_byte(home, form):
    text = "=a\x1b[31m\x85\x7f\u202e\nb"
    cli_samples.store(home, [cli_samples.span(1, 0, "root", 0, 9, input=text)])
    args = ["export", "--format", form, "--rows", "spans"]
    piped = flightlog(*args, home=home)
    (row,) = rows_of(piped.stdout, form)
    assert row["input"] == ("'" + text if form == "csv" else text)
    shown = on_a_terminal(args, home)
    obeyed = [letter for letter in shown if not letter.isprintable() and letter not in "\r\n"]
    assert obeyed == []
    assert "\u202e" not in shown
    assert "[31m" in shown
    (safe,) = rows_of(shown, form)
    assert safe["span_id"] == row["span_id"]
    assert form == "csv" or safe == row


def rows_of(text: str, form: str) -> list[dict[str, str]]:
    if form == "csv":
        return read_csv(text)
    found = json.loads(text if form == "json" else f"[{text}]")
    return list(found)


def on_a_terminal(args: list[str], home: Path) -> str:
    """What a command writes to a terminal."""
    ours, theirs = pty.openpty()
    environ = {**os.environ, "FLIGHTLOG_HOME": str(home)}
    with subprocess.Popen(
        [sys.executable, "-m", "flightlog", *args], stdout=theirs, stderr=subprocess.DEVNULL, env=environ
    ) as process:
        os.close(theirs)
        written = b""
        with suppress(OSError):  # how Linux says that the other end of a terminal is closed
            while chunk := os.read(ours, 65536):
                written += chunk
        os.close(ours)
        assert process.wait(timeout=60) == 0
    return written.decode()


def test_json_is_an_array_of_nested_traces(recorded):
    found = json.loads(run("export", "--format", "json").stdout)
    assert [document["trace"]["name"] for document in found] == ["answer_question", "warm up"]
    assert found[0]["roots"][0]["children"][0]["name"] == "search_documents"


@pytest.mark.parametrize("form", ["jsonl", "json", "csv"])
def test_the_options_that_choose_traces_hold_for_every_format(recorded, form):
    text = run("export", "--format", form, "--status", "ok").stdout
    assert cli_samples.OTHER in text
    assert cli_samples.TRACE not in text


def test_one_trace_and_options_that_choose_do_not_go_together(recorded):
    assert run("export", cli_samples.TRACE, "--status", "ok").exit_code == 2


@pytest.mark.parametrize("form", ["jsonl", "json", "csv"])
def test_a_file_that_exists_stays_unless_forced(recorded, tmp_path, form):
    out = tmp_path / "out"
    out.write_text("mine")
    refused = run("export", "--format", form, "-o", str(out))
    assert (refused.exit_code, out.read_text()) == (2, "mine")
    assert "--force" in refused.stderr
    assert run("export", "--format", form, "-o", str(out), "--force").exit_code == 0
    assert out.read_text() == run("export", "--format", form).stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "out"]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--format", "csv"], "2 traces"),
        (["--rows", "spans"], "113 spans"),
        ([], "lines"),
        (["--format", "json"], "2 traces"),
    ],
)
def test_what_was_written_is_counted(recorded, tmp_path, args, said):
    result = run("export", "-o", str(tmp_path / "out"), *args)
    assert said in result.stderr
    assert result.stdout == ""


def test_a_deletion_needs_somebody_who_agrees(recorded):
    result = run("delete", cli_samples.OTHER)
    assert result.exit_code == 2
    assert "give --yes" in result.stderr
    assert len(json.loads(run("list", "--json").stdout)) == 2


def test_a_deletion_takes_the_trace_and_says_what_went(recorded):
    result = run("delete", cli_samples.OTHER, "--yes")
    assert (result.exit_code, result.stdout) == (0, "")
    assert f"deleted {cli_samples.OTHER}: 1 span" in result.stderr
    assert [row["trace_id"] for row in json.loads(run("list", "--json").stdout)] == [cli_samples.TRACE]
    assert run("doctor", "--verify").exit_code == 0
    assert run("delete", cli_samples.OTHER, "--yes").exit_code == 2


def test_nothing_is_deleted_when_one_id_is_unknown(recorded):
    result = run("delete", cli_samples.OTHER, "ffffffff", "--yes")
    assert result.exit_code == 2
    assert len(json.loads(run("list", "--json").stdout)) == 2


def test_a_trace_that_is_still_written_is_not_deleted_unless_forced(recorded):
    result = run("delete", cli_samples.TRACE, "--yes")
    assert result.exit_code == 1
    assert "is still being written (1 span running)" in result.stderr
    forced = run("delete", cli_samples.TRACE, "--yes", "--force")
    assert forced.exit_code == 0
    assert run("show", cli_samples.TRACE).exit_code == 2


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(
        "import os, sys, flightlog as fl\n"
        "with fl.span('work', input=sys.argv[1:], console=os.environ.get('FLIGHTLOG_CONSOLE', 'none')):\n"
        "    pass\n"
        "if 'kill' in sys.argv: os.kill(os.getpid(), 9)\n"
        "sys.exit(3 if 'fail' in sys.argv else 0)\n"
    )
    return path


@pytest.mark.parametrize(
    ("how", "code", "number"), [("well", 0, None), ("fail", 3, None), ("kill", None, signal.SIGKILL)]
)
def test_the_file_of_a_run_is_written_however_it_ends(home, tmp_path, program, how, code, number):
    into = tmp_path / "run.json"
    flightlog("run", "--export", str(into), str(program), how, f"--password={SECRET}", SECRET, home=home)
    text = into.read_text()
    told = json.loads(text)
    assert SECRET not in text
    assert (told["format"], told["version"], told["exit_code"], told["signal"]) == (
        "flightlog-run",
        1,
        code,
        number,
    )
    assert told["command"][:2] == [str(program), how]
    assert set(told["versions"]) == {"flightlog", "engine", "python", "system"}
    assert {"name": "home", "value": str(home), "origin": "FLIGHTLOG_HOME"} in told["settings"]
    root = told["trace"]["roots"][0]
    assert root["trace_id"] == told["trace_id"]
    assert [child["name"] for child in root["children"]] == ["work"]


def test_a_run_is_not_begun_when_its_file_exists_already(home, tmp_path, program):
    into = tmp_path / "run.json"
    into.write_text("mine")
    refused = flightlog("run", "--export", str(into), str(program), home=home)
    assert (refused.returncode, into.read_text()) == (2, "mine")
    assert not home.exists()
    assert flightlog("run", "--export", str(into), "--force", str(program), home=home).returncode == 0
    assert json.loads(into.read_text())["exit_code"] == 0


def test_a_run_is_not_begun_when_its_file_would_have_no_directory(home, tmp_path, program):
    refused = flightlog("run", "--export", str(tmp_path / "no" / "run.json"), str(program), home=home)
    assert refused.returncode == 2
    assert f"there is no directory {tmp_path / 'no'} for the file of --export" in refused.stderr
    assert not home.exists()


def test_a_file_that_cannot_be_written_is_said_and_changes_no_exit_code(home, tmp_path):
    into = tmp_path / "gone" / "run.json"
    into.parent.mkdir()
    program = tmp_path / "program.py"
    program.write_text(f"import os\nos.rmdir({str(into.parent)!r})\nraise SystemExit(3)\n")
    result = flightlog("run", "--export", str(into), str(program), home=home)
    assert result.returncode == 3
    assert f"flightlog: {into} was not written (No such file or directory)" in result.stderr


@pytest.mark.parametrize(("args", "console"), [(["--live"], "live"), ([], "off")])
def test_a_live_run_asks_the_program_to_tell_its_steps(home, tmp_path, program, args, console):
    into = tmp_path / "run.json"
    flightlog("run", *args, "--export", str(into), str(program), home=home, FLIGHTLOG_CONSOLE="off")
    work = json.loads(into.read_text())["trace"]["roots"][0]["children"][0]
    assert work["attributes"]["console"] == console


def test_a_run_that_could_not_be_recorded_keeps_its_exit_code_and_gets_its_file(tmp_path):
    program = tmp_path / "program.py"
    program.write_text("import flightlog as fl\nwith fl.span('step'):\n    pass\nraise SystemExit(7)\n")
    file = tmp_path / "run.json"
    home = tmp_path / "home"
    home.write_text("no directory")
    ran = flightlog("run", "--tree", "--export", str(file), str(program), home=home)
    assert ran.returncode == 7, ran.stderr
    assert json.loads(file.read_text())["exit_code"] == 7
    assert "could not be recorded" in ran.stderr
    assert ran.stderr.count("cannot be written") == 1


@pytest.mark.parametrize("setting", ["FLIGHTLOG_SAMPLE=0", "FLIGHTLOG_ENABLED=0", "FLIGHTLOG_LEVEL=error"])
def test_a_run_that_settings_keep_out_says_so_and_names_no_trace(home, tmp_path, setting):
    program = tmp_path / "program.py"
    program.write_text("import flightlog as fl\nwith fl.span('step'):\n    pass\n")
    file = tmp_path / "run.json"
    name, _, value = setting.partition("=")
    ran = flightlog("run", "--tree", "--export", str(file), str(program), home=home, **{name: value})
    assert (ran.returncode, json.loads(file.read_text())["trace_id"]) == (0, None)
    assert "program.py was not recorded; `flightlog doctor` says which setting keeps it out" in ran.stderr
    assert "not drawn" not in ran.stderr
