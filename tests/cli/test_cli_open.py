"""What is still open, what waited, and what was tried again, in the commands; and a home that holds nothing."""

from __future__ import annotations

import json
import re

import cli_samples
import pytest
from click.testing import CliRunner
from msgspec import structs

from flightlog.analysis.pace import Pace
from flightlog.analysis.tree import build
from flightlog.cli.main import commands
from flightlog.cli.render import figures, heading, listing, step, tree
from flightlog.cli.render.branches import Limits
from flightlog.cli.render.cells import width
from flightlog.cli.render.terminal import Terminal
from flightlog.records.span import Fault
from flightlog.records.traces import Figures

S = 10**9
WAITED = {"flightlog.waiting_ns": 4900 * cli_samples.MS}


def run(*args: str):
    return CliRunner().invoke(commands, args)


def test_what_was_tried_again_in_vain_is_not_ok_after_it_although_its_caller_caught_the_error(home):
    spans = [cli_samples.span(1, 0, "root", 0, 9), cli_samples.span(2, 1, "flaky", 0, 8, status="error")]
    cli_samples.store(home, [*spans, *(cli_samples.event(n, 2, n, "retry") for n in (1, 2))])
    for args in (["trace", "@latest"], ["show", "@latest"], ["list"], ["stats", "--traces"]):
        told = run(*args).stdout
        assert "2 retries" in told
        assert "ok after" not in told


def test_a_list_says_how_often_something_was_tried_again_and_not_that_it_helped(home):
    spans = [cli_samples.span(1, 0, "root", 0, 9)]
    cli_samples.store(home, [*spans, cli_samples.event(1, 1, 3, "retry")])
    assert "ok after 1 retry" in run("trace", "@latest").stdout
    listed = run("list").stdout
    assert "1 retry" in listed
    assert "ok after" not in listed


@pytest.mark.parametrize("padding", [0, 2000])
def test_waiting_is_neither_slow_nor_work(home, padding):
    """Large attributes lie in another table than small ones."""
    attributes = {**WAITED, **({"long": "x" * padding} if padding else {})}
    cli_samples.store(home, [cli_samples.span(1, 0, "approve", 0, 5000, attributes=attributes)])
    (row,) = json.loads(run("list", "--json").stdout)
    assert (row["slow"], row["duration_ns"], row["waiting_ns"]) == (False, 5 * S, 4900 * cli_samples.MS)
    assert "slow" not in run("list").stdout
    (slowest,) = json.loads(run("show", "@latest", "--json").stdout)["slowest"]
    assert slowest["self_ns"] == 100 * cli_samples.MS
    assert "100 %" in run("show", "@latest").stdout


def test_statistics_call_slow_what_the_list_calls_slow(home, monkeypatch):
    spans = [
        cli_samples.span(1, 0, "approve", 0, 5000, attributes=WAITED),
        structs.replace(cli_samples.span(1, 0, "plan", 0, 5000), trace_id="a" * 32),
        structs.replace(cli_samples.span(1, 0, "ask", 0, 900, kind="agent"), trace_id="b" * 32),
    ]
    cli_samples.store(home, spans)
    for limits, slow in (
        ("", 1),
        ("plan=1h", 0),
        ("plan=1h,agent=500ms", 1),
        ("agent=500ms,approve=50ms", 3),
    ):
        monkeypatch.setenv("FLIGHTLOG_SLOW_LIMITS", limits)
        assert json.loads(run("stats", "--traces", "--json").stdout)["slow"] == slow
        assert sum(row["slow"] for row in json.loads(run("list", "--json").stdout)) == slow
        assert f"slow       {slow} (≥ 1.50 s" in run("stats", "--traces").stdout


def test_a_step_that_runs_or_waits_says_for_how_long_so_far_wherever_it_is_shown(home):
    since = {"flightlog.waiting_since": cli_samples.BEGAN + S}
    spans = [
        cli_samples.span(1, 0, "job", 0, None, status="running"),
        cli_samples.span(2, 1, "approve", 0, None, status="paused", attributes=since),
    ]
    cli_samples.store(home, spans)
    for args in (["show", "@latest", "job"], ["show", "@latest", "approve"], ["spans", "@latest"], ["list"]):
        told = run(*args).stdout
        assert re.search(r"\w…", told), args
        assert "open" not in told, args
    waits = step.Step(build([spans[1]]).roots[0], ["approve"], cli_samples.BEGAN)
    shown = list(step.lines(waits, Terminal(100), Pace(), now_ns=cli_samples.BEGAN + 4 * S))
    assert "paused · 3.00 s… · " in shown[1]


def test_what_never_waited_has_no_word_of_it_in_json(recorded):
    row = json.loads(run("list", "--json").stdout)[0]
    assert not [name for name in row if name.startswith("waiting")]


def test_a_trace_that_runs_says_for_how_long_so_far_and_its_axis_ends_now():
    spans = [
        cli_samples.span(1, 0, "job", 0, None, status="running"),
        cli_samples.span(2, 1, "done", 0, 1000),
    ]
    row = cli_samples.row(status="running", duration_ns=S, name="job", retries=0)
    now = cli_samples.BEGAN + 4 * S
    assert "running · 4.00 s…" in next(heading.lines(row, Terminal(100), now))
    assert any("4.00 s…" in line for line in listing.lines([row], Terminal(100), now, Pace()))
    titles, job, done, *_ = tree.lines(build(spans), Terminal(100), Limits(now=now))
    assert "2.00 s" in titles
    assert titles.rstrip().endswith("self")
    assert "4.00 s…" in job
    assert width(job.rstrip()) <= 100
    assert done.count("━") < job.count("━") + job.count("╍")
    assert "4.00 s~" in next(heading.lines(row, Terminal(100, unicode=False), now))


def test_a_trace_that_waits_says_for_how_long_so_far(home):
    since = cli_samples.BEGAN + S
    root = cli_samples.span(
        1, 0, "ask", 0, None, status="paused", attributes={"flightlog.waiting_since": since}
    )
    cli_samples.store(home, [root])
    (row,) = json.loads(run("list", "--json").stdout)
    assert (row["status"], row["duration_ns"], row["waiting_since"]) == ("paused", None, since)
    trace = cli_samples.row(status="paused", duration_ns=None, waiting_since=since)
    assert "paused · 2.00 s…" in next(heading.lines(trace, Terminal(100), since + 2 * S))
    (_, line) = tree.lines(build([root]), Terminal(100), Limits(now=since + 2 * S))
    assert "2.00 s…" in line


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["stats", "--json"], {"name": [], "kind": [], "model": []}),
        (["failures", "--json"], []),
        (["export", "--format", "json"], []),
        (["list", "--json"], []),
    ],
)
def test_an_empty_home_gives_an_empty_answer_and_no_error(home, args, told):
    result = run(*args)
    assert (result.exit_code, json.loads(result.stdout)) == (0, told)
    assert "nothing is recorded" in result.stderr
    assert not home.exists()


def test_an_empty_home_has_no_line_to_export_and_adds_up_to_no_trace(home):
    assert (run("export").exit_code, run("export").stdout) == (0, "")
    assert run("export", "--format", "csv").stdout.startswith("trace_id,")
    assert json.loads(run("stats", "--traces", "--json").stdout)["traces"] == 0
    for command in ("stats", "failures"):
        assert (run(command).exit_code, run(command).stdout) == (0, "")


def test_asking_a_trace_for_spans_it_does_not_have_says_so_in_one_line(recorded):
    result = run("trace", cli_samples.TRACE, "--longer", "50s")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "none of 112 spans is like that; without these options all are drawn\n"


def test_a_list_that_does_not_fit_shows_of_each_id_what_names_its_trace(home, monkeypatch):
    spans = [structs.replace(cli_samples.span(1, 0, "collector", 0, 9), trace_id=f"{n}" * 32) for n in (1, 2)]
    twin = structs.replace(spans[0], trace_id="1" * 11 + "2" * 21)
    cli_samples.store(home, spans)
    shown = run("list", "--width", "60").stdout.splitlines()
    assert [line.split()[-1] for line in shown[1:]] == ["2" * 8, "1" * 8]
    assert all("collector" in line for line in shown[1:])
    assert run("show", "1" * 8).exit_code == 0
    cli_samples.store(home, [twin])
    shown = run("list", "--width", "60").stdout.splitlines()
    assert sorted(line.split()[-1] for line in shown[1:]) == ["1" * 12, "1" * 11 + "2", "2" * 12]
    assert "1" * 32 in run("list", "--width", "200").stdout
    monkeypatch.delenv("COLUMNS")
    piped = run("list").stdout
    assert "1" * 32 in piped
    assert all(line.split()[2].startswith("2025-11-2") and "T" in line for line in piped.splitlines()[1:])
    assert "ago" not in piped


def test_statistics_keep_the_kind_where_two_rows_have_one_name():
    known = dict.fromkeys(Figures.__struct_fields__, 1)
    named = [
        Figures(**{**known, "name": "a_rather_long_name", "kind": kind, "model": "", "provider": ""})
        for kind in ("retrieval", "evaluation")
    ]
    shown = "\n".join(figures.of_spans({"name": named}, Terminal(60), 9))
    assert "retrieval" in shown
    assert "evaluation" in shown


def test_a_step_tells_the_stack_of_its_error_once():
    stack = 'Traceback\n  File "a.py", line 3, in f\nValueError: no\n'
    span = cli_samples.span(1, 0, "f", 0, 9, status="error", error=Fault("ValueError", "no", stack))
    said = {"exception.type": "ValueError", "exception.message": "no", "exception.stacktrace": stack}
    event = cli_samples.event(1, 1, 8, "exception", attributes=said)
    other = cli_samples.event(2, 1, 9, "exception", attributes={**said, "exception.stacktrace": "elsewhere"})
    node = build([span], [event, other]).roots[0]
    told = "\n".join(step.lines(step.Step(node, ["f"], span.start), Terminal(100), Pace()))
    assert told.count("a.py") == 1
    assert "exception  the error above" in told
    assert "elsewhere" in told


def test_a_card_has_the_attributes_of_the_root_and_its_turn_and_no_empty_input(home):
    root = cli_samples.span(
        1, 0, "chat", 0, 9, input={}, attributes={"top_k": 8}, context={"session": "s-1", "turn": 3}
    )
    cli_samples.store(home, [root])
    told = run("show", "@latest").stdout
    assert "s-1 · turn 3" in told
    assert "attributes top_k = 8" in told
    assert "input" not in told
    assert "output" not in told
    assert "input" not in run("show", "@latest", "chat").stdout


def test_a_retry_is_drawn_between_what_came_before_it_and_what_came_after():
    calls = [cli_samples.span(n, 1, f"call {n}", n, n + 0.5) for n in range(2, 20)]
    retry = cli_samples.event(1, 1, 11.7, "retry")
    drawn = list(
        tree.lines(build([cli_samples.span(1, 0, "root", 0, 30), *calls], [retry]), Terminal(100), Limits())
    )
    told = [word for line in drawn for word in ("8 more", "• retry") if word in line]
    assert told == ["8 more", "• retry", "8 more"]
