"""`flightlog import`: what it says, and how it ends."""

from __future__ import annotations

import json

from click.testing import CliRunner, Result

from flightlog.cli.main import commands

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def _document(tmp_path, *spans) -> str:
    path = tmp_path / "spans.json"
    made = [
        {"traceId": TRACE, "spanId": SPAN, "name": "work", "startTimeUnixNano": 5, **span} for span in spans
    ]
    path.write_text(json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": made}]}]}))
    return str(path)


def _run(*args: str) -> Result:
    return CliRunner().invoke(commands, ["import", *args])


def test_what_was_imported_is_counted_and_can_be_listed(home, tmp_path):
    done = _run(_document(tmp_path, {"endTimeUnixNano": 9}))
    assert (done.exit_code, done.stdout) == (0, "")
    assert "1 record imported as 1 line, 1 of them new" in done.stderr
    assert TRACE in CliRunner().invoke(commands, ["list", "--json"]).stdout


def test_what_is_skipped_is_named_and_the_exit_code_says_so(home, tmp_path):
    path = _document(tmp_path, {}, {"traceId": "\x1b[31mno"})
    done = _run(path)
    said = done.stderr
    assert done.exit_code == 1
    assert f"{path}: resourceSpans[0].scopeSpans[0].spans[1]: an id" in said
    assert "\x1b" not in said
    assert "1 record skipped: not to be read" in said


def test_the_second_time_nothing_is_new(home, tmp_path):
    path = _document(tmp_path, {})
    _run(path)
    done = _run(path, "--json")
    assert (done.exit_code, json.loads(done.stdout)["new"]) == (0, 0)


def test_a_dry_run_stores_nothing(home, tmp_path):
    done = _run("--dry-run", _document(tmp_path, {}))
    assert done.exit_code == 0
    assert "1 record would be imported as 1 line" in done.stderr
    assert not home.exists()


def test_a_file_that_is_no_such_document_is_trouble(home, tmp_path):
    path = tmp_path / "other.json"
    path.write_text('{"something": []}')
    done = _run(str(path))
    assert done.exit_code == 1
    assert "of none of the formats" in done.stderr
    assert _run(str(tmp_path / "none")).exit_code == 1


def test_a_format_that_does_not_exist_is_a_question_that_makes_no_sense(home, tmp_path):
    assert _run("--format", "tarot", _document(tmp_path, {})).exit_code == 2


def test_at_most_a_hundred_records_that_are_skipped_are_named(home, tmp_path):
    done = _run(_document(tmp_path, *({"spanId": ""} for _ in range(150))))
    said = done.stderr
    assert done.exit_code == 1
    assert said.count("; skipped\n") == 100
    assert "only counted" in said
    assert "150 records skipped" in said
