"""`flightlog golden`: a trace kept in the project, and later ones held against it."""

from __future__ import annotations

import json
from pathlib import Path

import cli_samples
import pytest
from cli_samples import BEGAN, OTHER, TRACE
from click.testing import CliRunner

from flightlog.cli.main import commands
from flightlog.records.span import Span
from flightlog.testing import assert_trace_matches


def run(*args: str):
    return CliRunner().invoke(commands, args)


def traces(trace: str, output: str, *names: str, start: int = 0) -> list[Span]:
    root = Span(
        trace_id=trace,
        span_id="1" * 16,
        name="checkout",
        start=BEGAN + start,
        end=BEGAN + start + 9,
        status="ok",
    )
    below = [
        Span(
            trace_id=trace,
            span_id=f"{at + 2:016x}",
            parent_id="1" * 16,
            name=name,
            kind="tool",
            start=BEGAN + start + at,
            end=BEGAN + start + at + 1,
            status="ok",
            output=output,
        )
        for at, name in enumerate(names)
    ]
    return [root, *below]


@pytest.fixture
def project(home, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    same = traces("3" * 32, "yes", "plan", "answer", start=2)
    cli_samples.store(
        home, [*traces(OTHER, "yes", "plan", "answer"), *same, *traces(TRACE, "no", "plan", "audit", start=5)]
    )
    return tmp_path


def test_a_trace_that_is_the_same_matches(project):
    saved = run("golden", "save", "checkout", OTHER)
    assert (saved.exit_code, saved.stdout) == (0, "")
    assert saved.stderr == f"golden/checkout.json: 3 spans of {OTHER}\n"
    checked = run("golden", "check", "checkout", "3" * 32)
    assert (checked.exit_code, checked.stdout) == (0, "")
    assert "matches golden/checkout.json" in checked.stderr


def test_a_trace_that_differs_is_drawn(project):
    run("golden", "save", "checkout", OTHER)
    checked = run("golden", "check", "checkout")
    assert checked.exit_code == 1
    assert checked.stdout.splitlines()[:3] == [
        f"{TRACE} does not match golden/checkout.json",
        "2 lines with a difference: - golden, + recorded",
        "",
    ]
    assert checked.stdout.splitlines()[3:] == [
        "  checkout",
        "    plan (tool)",
        "-   answer (tool)",
        "+   audit (tool)",
    ]
    found = run("golden", "check", "checkout", "--json")
    assert found.exit_code == 1
    assert json.loads(found.stdout)["same"] is False


def test_the_trace_before_the_newest_of_its_name_can_be_named(project):
    run("golden", "save", "checkout", "@previous")
    assert run("golden", "check", "checkout", "@previous").exit_code == 0
    assert run("golden", "check", "checkout", "@latest").exit_code == 1


def test_fields_count_where_they_were_asked_for(project):
    run("golden", "save", "checkout", OTHER, "--field", "output")
    checked = run("golden", "check", "checkout", TRACE)
    assert "-     output: 'yes'" in checked.stdout
    assert "+     output: 'no'" in checked.stdout


def test_the_file_is_one_that_tests_can_use(project):
    run("golden", "save", "golden/nested/checkout.json", OTHER)
    path = Path("golden/nested/checkout.json")
    assert json.loads(path.read_text())["golden_trace"] == 1
    assert_trace_matches(traces("4" * 32, "yes", "plan", "answer"), str(path.absolute()))
    with pytest.raises(AssertionError, match="does not match"):
        assert_trace_matches(traces("4" * 32, "yes", "plan"), str(path.absolute()))


@pytest.mark.parametrize("name", ["../up", "", ".hidden", "a/b"])
def test_a_name_is_no_path(project, name):
    assert run("golden", "save", name).exit_code == 2


def test_what_is_not_there_or_no_golden_trace_is_a_bad_question(project):
    missing = run("golden", "check", "checkout")
    assert (missing.exit_code, "`flightlog golden save` writes it" in missing.stderr) == (2, True)
    (project / "golden").mkdir()
    (project / "golden" / "checkout.json").write_text('{"golden_trace": 9, "spans": []}')
    assert "version 9" in run("golden", "check", "checkout").stderr
    (project / "golden" / "checkout.json").write_text("[]")
    assert "is no golden trace" in run("golden", "check", "checkout").stderr


def test_a_folder_that_cannot_be_written_is_trouble(project):
    (project / "golden").write_text("a file")
    result = run("golden", "save", "checkout")
    assert (result.exit_code, "cannot be written" in result.stderr) == (1, True)
