"""`flightlog lint` and `flightlog show --why`: what a trace gives away, and why it is as it is."""

from __future__ import annotations

import json

import cli_samples
import pytest
from cli_samples import TRACE
from click.testing import CliRunner

from flightlog.analysis.lints.finding import Finding
from flightlog.analysis.pace import Pace
from flightlog.analysis.tree import build
from flightlog.cli.main import commands
from flightlog.cli.render import why as drawing
from flightlog.cli.render.cells import width
from flightlog.cli.render.lints import lines as lint_lines
from flightlog.cli.render.terminal import Terminal
from flightlog.cli.why import explained


def run(*args: str):
    return CliRunner().invoke(commands, args)


def test_what_a_trace_gives_away_is_told(recorded):
    result = run("lint", TRACE, "--width", "100")
    assert result.exit_code == 1
    assert (
        "▲ n-plus-one\n  search_documents made 100 http calls of fetch page #, one after the other"
        in result.stdout
    )
    assert "▲ never-ended\n  worker task was never ended: its process ended before it did" in result.stdout
    assert "▲ lost-context\n  lost child is not connected to the rest of its trace" in result.stdout
    assert (
        "flightlog show 5f0c8a31 0000000000000064  also 00000000, 00000000, 00000000 and 96 more"
        in result.stdout
    )
    assert result.stdout.splitlines()[-1] == "4 warnings in 1 trace"


def test_what_is_alike_is_told_three_times_and_then_counted():
    def found(name: str) -> Finding:
        return Finding(
            lint="n-plus-one", severity="warning", name=name, text="t", advice="a", spans=["1" * 16], count=1
        )

    many = [(TRACE, found("fetch"))] * 1_200 + [(TRACE, found("read"))] * 3
    lines = list(lint_lines(many, 1, Terminal(width=80)))
    assert sum(line.endswith("n-plus-one") for line in lines) == 6
    assert [line.strip() for line in lines if "more" in line] == [
        "and 1,197 more of the same; --json lists them"
    ]
    assert lines[-1] == "1,203 warnings in 1 trace"


def test_a_lint_runs_alone_is_silenced_and_need_not_fail(recorded, monkeypatch):
    found = json.loads(run("lint", TRACE, "--only", "n-plus-one", "--json").stdout)
    assert [(each["lint"], each["count"], each["page"]) for each in found] == [
        ("n-plus-one", 100, "docs/lints/n-plus-one.md")
    ]
    assert run("lint", TRACE, "--only", "n-plus-one", "--fail-at", "error").exit_code == 0
    assert run("lint", TRACE, "--only", "n-plus-one", "--fail-at", "never").exit_code == 0
    assert run("lint", TRACE, "--only", "n-plus-one", "--ignore", "n-plus-one:fetch*").exit_code == 0
    monkeypatch.setenv("FLIGHTLOG_IGNORE_LINTS", "n-plus-one:fetch*,never-ended,lost-context")
    rest = run("lint", TRACE)
    assert "n-plus-one" not in rest.stdout
    assert run("lint", TRACE, "--ignore", "nonsense").exit_code == 2


def test_without_a_trace_those_of_a_time_are_looked_at(recorded):
    assert "no trace began since then" in run("lint").stderr
    everything = run("lint", "--since", "2025-01-01")
    assert everything.stdout.startswith(TRACE)
    assert everything.stdout.rstrip().endswith("in 2 traces")
    assert run("lint", TRACE, "--since", "2h").exit_code == 2


def test_a_trace_that_is_named_where_nothing_was_recorded_is_a_bad_question(home):
    assert run("lint", "@latest").exit_code == 2


def test_where_nothing_was_recorded_nothing_is_found(home):
    assert run("lint").exit_code == 0


def test_why_tells_the_path_the_slowest_the_error_and_the_lints(recorded):
    result = run("show", TRACE, "--why", "--width", "100")
    assert result.exit_code == 0, result.output
    text = result.stdout
    for label in ("time", "critical path", "on the way", "slowest", "first error", "lints"):
        assert f"\n{label:<15}" in text
    assert "RateLimitError: too many requests, try again in 20 s" in text
    assert "it failed the whole trace" in text
    assert "• retry attempt=1, reason=TimeoutError, delay=0.5" in text
    assert "flightlog lint 5f0c8a31 says what would be better" in text


def test_why_for_programs(recorded):
    found = json.loads(run("show", TRACE, "--why", "--json").stdout)
    path = found["critical_path"]
    assert sum(each["ns"] for each in path["stretches"]) == path["ns"] == 1240 * 10**6
    assert sum(each["ns"] for each in path["spans"]) == path["ns"] - path["unrecorded_ns"]
    assert found["first_error"]["outcome"] == "failed the trace"
    assert "retry" in [each.get("event") for each in found["first_error"]["before"]]
    assert {each["lint"] for each in found["lints"]} >= {"n-plus-one", "never-ended", "lost-context"}


def test_why_of_a_trace_in_which_nothing_happened(recorded):
    text = run("show", cli_samples.OTHER, "--why").stdout
    assert "first error" not in text
    assert "lints" not in text
    assert "900 ms working (100 %)" in text


@pytest.mark.parametrize("args", [["vector"], ["--input"], ["--only", "x"], ["--final-output"]])
def test_why_is_of_the_whole_trace(recorded, args):
    assert run("show", TRACE, "--why", *args).exit_code == 2


@pytest.mark.parametrize("columns", [40, 60, 80, 120])
def test_why_fits_its_terminal(columns):
    grown = build(cli_samples.spans(), cli_samples.events())
    why = explained(cli_samples.row(), grown, None, "")
    for terminal in (Terminal(columns), Terminal(columns, unicode=False)):
        drawn = list(drawing.lines(why, terminal, cli_samples.NOW, Pace()))
        assert [line for line in drawn if width(line) > columns] == []
        assert not any("\x1b" in line for line in drawn)
