"""Questions about many traces: which ones, what they add up to, and what failed."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime

import cli_samples
import click
import pytest
from click.testing import CliRunner

from flightlog.analysis.failures import Alike
from flightlog.analysis.pace import Pace
from flightlog.cli.main import commands
from flightlog.cli.moments import duration_ns, lasting, moment
from flightlog.cli.render import failing, figures
from flightlog.cli.render.cells import width
from flightlog.cli.render.terminal import Terminal
from flightlog.records.span import Fault, Span
from flightlog.records.traces import Figures, Hour, TraceFigures

HOUR = 3600 * 10**9


def run(*args: str):
    return CliRunner().invoke(commands, args)


def chosen(*args: str) -> list[str]:
    return [row["name"] for row in json.loads(run("list", "--json", *args).stdout)]


@pytest.mark.parametrize(
    ("args", "names"),
    [
        ([], ["answer_question", "warm up"]),
        (["--status", "ok"], ["warm up"]),
        (["--status", "ok", "--status", "error"], ["answer_question", "warm up"]),
        (["--name", "ANSWER"], ["answer_question"]),
        (["--name", "warm*"], ["warm up"]),
        (["--name", "warm?"], []),
        (["--kind", "agent"], ["answer_question"]),
        (["--session", "s-1"], ["answer_question"]),
        (["--project", "default"], ["answer_question", "warm up"]),
        (["--since", "2025-11-20T15:36:40Z"], ["answer_question"]),
        (["--since", "1s"], []),
        (["--since", "2999-01-01"], []),
        (["--since", "0001-01-02"], ["answer_question", "warm up"]),
        (["--since", "999999999w"], ["answer_question", "warm up"]),
        (["--kind", "agent", "--status", "ok"], []),
    ],
)
def test_a_list_has_the_traces_for_which_every_option_holds(recorded, args, names):
    assert chosen(*args) == names


def test_a_list_that_nothing_fits_says_so_and_is_no_error(recorded):
    result = run("list", "--name", "nothing like it")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "no trace is like that" in result.stderr


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--since", "soon"], "'soon' is no time; say 2h"),
        (["--since", "2025-13-01"], "is no time"),
        (["--status", "slow"], "'slow' is not one of"),
        (["-n", "0"], "0 is not in the range"),
    ],
)
def test_an_option_that_makes_no_sense_is_a_bad_question(recorded, args, said):
    result = run("list", *args)
    assert result.exit_code == 2
    assert said in result.stderr


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("250ms", 250 * 10**6),
        ("1.5s", 1_500_000_000),
        ("2h", 2 * HOUR),
        ("3d", 72 * HOUR),
        ("1w", 168 * HOUR),
    ],
)
def test_a_duration_is_a_number_with_a_unit(text, ns):
    assert duration_ns(text) == ns
    assert lasting(None, None, text) == ns


@pytest.mark.parametrize("text", ["", "5", "h", "-1h", "1y", "1e3s", "٣h", "one hour"])
def test_anything_else_is_none(text):
    assert duration_ns(text) is None


def test_a_moment_is_so_long_ago_or_a_date():
    before = time.time_ns()
    assert before - 2 * HOUR <= moment(None, None, "2h") <= time.time_ns() - 2 * HOUR
    assert moment(None, None, "2025-11-20T15:36:40.5Z") == cli_samples.BEGAN + 5 * 10**8
    local = datetime(2025, 11, 20).astimezone()  # what a date without a zone means
    assert moment(None, None, "2025-11-20") == round(local.astimezone(UTC).timestamp()) * 10**9
    assert moment(None, None, None) is None
    with pytest.raises(click.BadParameter):
        moment(None, None, "9999-12-31T23:59:59-23:59x")


def test_statistics_have_a_table_by_name_one_by_kind_and_one_by_model(recorded):
    shown = run("stats").stdout
    names, kinds, models, note = shown.split("\n\n")
    assert "vector_store.query" in names
    assert "retrieval" in kinds
    assert "gpt-4.1-mini" in models
    assert [line for line in kinds.splitlines() if line.startswith("llm")]
    assert "within 2.5 %" in note
    assert run("stats", "--by", "model").stdout == f"{models}\n\n{note}"


def test_statistics_as_json_hold_the_sums(recorded):
    told = json.loads(run("stats", "--json").stdout)
    assert list(told) == ["name", "kind", "model"]
    http = next(row for row in told["kind"] if row["kind"] == "http")
    assert (http["spans"], http["errors"]) == (100, 0)
    assert 10**6 < http["p50_ns"] < http["p99_ns"]
    assert told["model"][0]["input_tokens"] == 812
    assert json.loads(run("stats", "--json", "--since", "1h").stdout) == {"name": [], "kind": [], "model": []}


def test_statistics_of_nothing_say_so(recorded):
    assert "no span has ended" in run("stats", "--since", "1h").stdout


def test_statistics_show_no_more_rows_than_asked(recorded):
    shown = run("stats", "--by", "kind", "-n", "2").stdout
    assert len(shown.splitlines()) == 6
    assert "more; -n shows more" in shown


def test_statistics_of_traces_are_of_those_that_the_options_choose(recorded):
    told = json.loads(run("stats", "--traces", "--json").stdout)
    assert (told["traces"], told["statuses"], told["success_rate"]) == (2, {"ok": 1, "error": 1}, 0.5)
    told = json.loads(run("stats", "--traces", "--json", "--status", "ok").stdout)
    assert (told["traces"], told["success_rate"]) == (1, 1.0)
    assert "went well  50.0 %" in run("stats", "--traces").stdout


@pytest.mark.parametrize("args", [["--traces", "--by", "name"], ["--status", "ok"], ["--name", "x"]])
def test_options_that_do_not_go_together_are_a_bad_question(recorded, args):
    assert run("stats", *args).exit_code == 2


def test_failures_tell_what_failed_last_and_the_command_that_shows_it(recorded):
    result = run("failures", "--since", "2025-01-01")
    assert result.exit_code == 0
    assert "RateLimitError: too many requests" in result.stdout
    assert f"flightlog show {cli_samples.TRACE} 0000000000000007" in result.stdout
    assert "answer_question" not in result.stdout
    assert "\x1b" not in result.stdout


def test_failures_as_json_are_groups_with_examples(recorded):
    (group,) = json.loads(run("failures", "--since", "2025-01-01", "--json").stdout)
    assert (group["type"], group["count"], group["traces"]) == ("RateLimitError", 1, 1)
    assert group["examples"][0]["span_id"] == f"{7:016x}"


def test_without_a_failure_that_is_said_and_no_error(recorded):
    result = run("failures", "--since", "1h")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "nothing has failed" in result.stderr
    assert run("failures", "--since", "1h", "--json").stdout == "[]\n"


def a_group(**fields) -> Alike:
    span = Span(trace_id="a" * 32, span_id="b" * 16, name="x", start=0, status="error", error=Fault())
    known = {"name": cli_samples.HOSTILE, "kind": "tool", "type": "E", "message": "m " * 99, "count": 3}
    return Alike(**{**known, "traces": 2, "newest": 5, "oldest": 1, "examples": (span,), **fields})


@pytest.mark.parametrize("columns", [40, 80, 200])
@pytest.mark.parametrize("unicode", [True, False])
def test_a_failure_fits_its_terminal_but_for_the_command_which_is_whole(columns, unicode):
    drawn = list(failing.lines([a_group()], 3, Terminal(width=columns, unicode=unicode), HOUR, 5))
    assert all(width(line) <= columns for line in drawn if "flightlog show" not in line)
    assert f"  flightlog show {'a' * 32} {'b' * 16}" in drawn


def test_groups_beyond_the_limit_are_counted():
    drawn = list(failing.lines([a_group()] * 4, 12, Terminal(), HOUR, 1))
    assert drawn[-1] == "12 failures of 4 kinds; 3 kinds are not shown, -n shows more"


def some_figures(**fields) -> Figures:
    zero = dict.fromkeys(("errors", "cancelled", "interrupted", "llm_calls", "unknown_usage_calls"), 0)
    tokens = dict.fromkeys(("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"), 0)
    known = {"spans": 1, "total_ns": 10**6, "p50_ns": 1, "p95_ns": 2, "p99_ns": 3, "reasoning_tokens": 0}
    return Figures(**{**zero, **tokens, **known, **fields})


@pytest.mark.parametrize("columns", [40, 60, 80, 140])
@pytest.mark.parametrize("unicode", [True, False])
def test_statistics_fit_their_terminal(columns, unicode):
    rows = [
        some_figures(name=cli_samples.HOSTILE * 3, kind="llm", spans=10**6, errors=999, total_ns=10**15),
        some_figures(name="chat", kind="llm", llm_calls=5, input_tokens=10**9, unknown_usage_calls=2),
    ]
    drawn = list(
        figures.of_spans({"name": rows, "kind": [], "model": []}, Terminal(columns, unicode=unicode), 5)
    )
    assert all(width(line) <= columns for line in drawn)
    assert len(drawn) == 3
    assert not any("\x1b" in line for line in drawn)


def test_tokens_that_nobody_told_are_a_question_mark_and_of_no_model_nothing():
    rows = [
        some_figures(name="a", llm_calls=2, unknown_usage_calls=2),
        some_figures(name="b"),
        some_figures(name="c", llm_calls=1, input_tokens=12),
    ]
    lines = list(figures.of_spans({"name": rows}, Terminal(200), 5))
    at = lines[0].index("in")
    assert [line[: at + 2].split()[-1] for line in lines[1:]] == ["?", "1.00", "12"] or [
        line[at : at + 2].strip() for line in lines[1:]
    ] == ["?", "", "12"]


@pytest.mark.parametrize("hours", [1, 2, 30, 500, 20_000])
@pytest.mark.parametrize("columns", [60, 100])
def test_any_number_of_hours_fits_on_one_line_and_no_trace_is_lost(hours, columns):
    told = TraceFigures(
        traces=hours,
        statuses={"ok": hours},
        retried=0,
        retries=0,
        recovered=0,
        slow=0,
        p50_ns=1,
        p95_ns=1,
        p99_ns=None,
        hours=[Hour(start=(n + 7) * HOUR, traces=1, errors=n % 2) for n in range(hours)],
    )
    drawn = list(figures.of_traces(told, Terminal(columns), Pace()))
    assert all(width(line) <= columns for line in drawn)
    bars = [line for line in drawn if line.startswith("started")]
    assert len(bars) == (hours > 1)
    assert all(" " not in bar[11:].split("  at most")[0] for bar in bars)
