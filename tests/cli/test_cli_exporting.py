"""`flightlog export` in every format: what it writes, what it refuses, what it says on the way."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys

import cli_samples
import pytest
from click.testing import CliRunner

from flightlog.cli.exporting import BYTES, FORMS, WITH_ROWS
from flightlog.cli.main import commands


def run(*args: str):
    return CliRunner().invoke(commands, list(args))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("chosen", [(cli_samples.TRACE,), ()])
def test_each_format_can_be_written_for_one_trace_and_for_everything(recorded, tmp_path, form, chosen):
    if form == "parquet":
        pytest.importorskip("pyarrow", reason='install it with: pip install "flightlog[parquet]"')
    file = tmp_path / f"out.{form}"
    done = run("export", *chosen, "--format", form, "-o", str(file))
    assert (done.exit_code, done.stdout) == (0, ""), done.output
    data = file.read_bytes()
    assert data == run("export", *chosen, "--format", form).stdout_bytes
    assert f"written to {file}" in done.stderr
    expected = b"warm up" if not chosen and form not in {"mermaid-sequence", "parquet"} else b""
    assert expected in data
    assert len(data) > 50


def test_a_format_that_is_no_text_is_not_written_to_a_terminal_and_rows_go_with_tables_alone(recorded):
    for form in sorted(set(FORMS) - WITH_ROWS):
        refused = run("export", "--format", form, "--rows", "spans")
        assert (refused.exit_code, "no table" in refused.stderr) == (2, True)
    for form in sorted(BYTES):
        code, text = on_terminal("--format", form)
        assert code == 2
        assert "name a file with -o" in text


def on_terminal(*args: str) -> tuple[int, str]:
    """Exit code and everything that is shown, of a command whose output goes to a terminal."""
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "flightlog", "export", *args]
    with subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, close_fds=True) as process:
        os.close(slave)
        shown = b""
        while True:
            try:
                piece = os.read(master, 65536)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            shown += piece
        code = process.wait(timeout=60)
    os.close(master)
    return code, shown.decode()


@pytest.mark.parametrize("form", sorted(set(FORMS) - BYTES))
def test_on_a_terminal_no_format_shows_what_that_would_obey(recorded, form):
    code, text = on_terminal("--format", form)
    assert code == 0, text
    assert not {letter for letter in text if letter < " " and letter not in "\r\n\t"}
    assert "\u202e" not in text


def test_how_far_it_is_stands_on_standard_error_where_somebody_looks(recorded, monkeypatch):
    from flightlog.cli import exporting

    class Source:
        number, noun = 1234, "span"

    monkeypatch.setattr(exporting, "_TELL_SECONDS", 0)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    shown = []
    monkeypatch.setattr(exporting.click, "echo", lambda text, **_: shown.append(text))
    assert list(exporting.told([b"a", b"b"], Source())) == [b"a", b"b"]
    assert shown == ["\r\x1b[K1,234 spans", "\r\x1b[K1,234 spans", "\r\x1b[K"]


def test_redaction_can_be_tightened_on_the_way_out_in_every_format(home):
    span = cli_samples.span(1, 0, "mail", 0, 5, input={"to": "ann.smith@example.com"}, kind="llm")
    cli_samples.store(home, [span])
    for form in sorted(set(FORMS) - {"parquet"}):
        plain = run("export", "--format", form).stdout_bytes
        done = run("export", "--format", form, "--redact", "email=mask")
        assert done.exit_code == 0, done.output
        assert b"ann.smith" not in done.stdout_bytes
        assert (b"ann.smith" in plain) == (
            form not in {"csv", "mermaid", "mermaid-sequence", "dot", "speedscope", "story"}
        )
    (line,) = (
        json.loads(one)
        for one in run("export", "--content", "all,llm=metadata").stdout.splitlines()
        if '"span"' in one
    )
    assert "input" not in line
    assert line["attributes"]["flightlog.content"] == "metadata"
    assert "ann.smith" in run("export", "--content", "all,tool=metadata").stdout


@pytest.mark.parametrize(
    "options", [("--redact", "email=perhaps"), ("--redact", "no_such_rule=mask"), ("--content", "some")]
)
def test_an_order_to_redact_that_means_nothing_is_a_question_that_makes_no_sense(recorded, options):
    done = run("export", *options)
    assert (done.exit_code, f"{options[0]} is" in done.stderr) == (2, True)


def test_what_goes_out_as_otlp_can_be_imported_again(recorded, tmp_path, monkeypatch):
    before = spans_of()
    for form in ("otlp", "otlp-proto"):
        file = tmp_path / form
        assert run("export", "--format", form, "-o", str(file)).exit_code == 0
        monkeypatch.setenv("FLIGHTLOG_HOME", str(tmp_path / f"home-{form}"))
        assert run("import", str(file)).exit_code == 0
        assert spans_of() == before
        monkeypatch.setenv("FLIGHTLOG_HOME", str(recorded))


def spans_of() -> list[tuple]:
    """What the home holds of the sample's spans and events."""
    found = [json.loads(line) for line in run("export", cli_samples.TRACE).stdout.splitlines()]
    spans = [
        (one["span_id"], one["name"], one["start"], one.get("end")) for one in found if one["type"] == "span"
    ]
    events = [(one["event_id"], one["name"], one["time"]) for one in found if one["type"] == "event"]
    return [sorted(spans), sorted(events)]
