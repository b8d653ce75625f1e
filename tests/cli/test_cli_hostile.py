"""What asking commands make of questions, values and places that nobody would wish for."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import cli_samples
import pytest
from click.testing import CliRunner, Result

import flightlog
from flightlog.cli import completing
from flightlog.cli.main import commands
from flightlog.home import Home
from flightlog.records.span import Span

MODEL = {"gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 1000, "note": "x" * 9000}
ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT "
DEADLINE = 60


def run(*words: str) -> Result:
    return CliRunner().invoke(commands, words)


def _span(number: int = 1, **fields: Any) -> Span:
    known = {"name": "step", "start": cli_samples.BEGAN, "end": cli_samples.BEGAN + 10**9, "status": "ok"}
    return Span(trace_id="d" * 32, span_id=f"{number:016x}", **{**known, **fields})


@pytest.fixture
def shared(home: Path) -> Path:
    """Two projects that have a trace of one id, with a model call each."""
    cli_samples.store(
        home,
        [
            _span(1, project="a", kind="llm", attributes=MODEL),
            _span(2, project="b", kind="llm", attributes={**MODEL, "gen_ai.usage.input_tokens": 3000}),
        ],
    )
    return home


def test_a_trace_that_projects_share_costs_in_each_what_it_cost_there(shared: Path) -> None:
    listed = json.loads(run("list", "--json").stdout)
    costs = {row["project"]: row["cost"] for row in listed}
    assert {project: cost["calls"] for project, cost in costs.items()} == {"a": 1, "b": 1}
    assert float(costs["b"]["usd"]) == pytest.approx(3 * float(costs["a"]["usd"]))


def test_a_question_deletes_nothing_of_another_project(shared: Path) -> None:
    assert run("delete", "project:a", "--yes").exit_code == 0
    assert [row["project"] for row in json.loads(run("list", "--json").stdout)] == ["b"]


def test_the_name_of_a_trace_deletes_it_from_all_projects(shared: Path) -> None:
    assert run("delete", "dddd", "--yes").exit_code == 0
    assert json.loads(run("list", "--json").stdout) == []


def test_a_trace_of_which_a_step_goes_on_is_not_deleted_by_a_question(home: Path) -> None:
    cli_samples.store(home, [_span(1), _span(2, parent_id=f"{1:016x}", end=None, status="running")])
    done = run("delete", "name:step", "--yes")
    assert "1 trace still being written: left as they are" in done.stderr
    assert len(json.loads(run("list", "--json").stdout)) == 1
    assert run("delete", "name:step", "--yes", "--force").exit_code == 0
    assert json.loads(run("list", "--json").stdout) == []


def test_what_went_before_a_deletion_was_interrupted_stands_in_the_audit_log(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLIGHTLOG_AUDIT", "on")
    cli_samples.store(home, [_span(1)])
    delete = Home.delete

    def interrupted(*args: Any, **kwargs: Any) -> None:
        delete(*args, **kwargs)
        raise KeyboardInterrupt

    monkeypatch.setattr(Home, "delete", interrupted)
    run("delete", "dddd", "--yes")
    (entry,) = json.loads(run("audit", "--json").stdout)
    assert (entry["act"], entry["traces"], entry["spans"]) == ("deleted", ["d" * 32], 1)


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (("prune", "--older-than", "1d"), {"traces": 0, "is_dry": False}),
        (("prune", "--older-than", "1d", "--dry-run"), {"traces": 0, "is_dry": True}),
        (("spans", "kind:llm"), []),
    ],
)
def test_where_nothing_was_recorded_the_answer_is_json_too(home: Path, words: Any, answer: Any) -> None:
    done = run(*words, "--json")
    found = json.loads(done.stdout)
    assert done.exit_code == 0
    assert found == answer or answer.items() <= found.items()


@pytest.mark.parametrize(
    "words",
    [
        ("prune", "", "--older-than", "1d"),
        ("prune", "--question", "", "--older-than", "1d"),
        ("search", '"'),
        ("search", '""'),
        ("list", "score.x>1e999"),
        ("list", "tokens>" + "9" * 30),
        ("search", "\udcff\udcfe words"),
        ("sql", "SELECT '\udcff'"),
        ("session", "\udcff"),
        ("delete", "\udcffabcd", "--yes"),
    ],
)
def test_what_means_nothing_is_refused_and_not_taken_for_everything(recorded: Path, words: Any) -> None:
    done = run(*words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "Error: " in done.stderr
    assert len(json.loads(run("list", "--json").stdout)) == 2


def test_a_session_is_not_found_where_nothing_was_recorded(home: Path) -> None:
    assert run("session", "s-1", "--json").exit_code == 2


@pytest.mark.parametrize(
    "question", ["since:9999-12-31", "until:9999-12-31", "score.x>1e308", "since:0002-01-01"]
)
def test_numbers_and_times_beyond_all_that_is_recorded_are_answered(recorded: Path, question: str) -> None:
    assert run("list", question).exit_code == 0


def test_an_annotation_that_is_not_kept_is_no_success(
    recorded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flightlog.cli.annotate.annotate", lambda *_args, **_fields: True)
    try:
        done = run("annotate", "@latest", "--score", "correctness=1")
    finally:
        flightlog.configure(home=None, console=None, sinks=None, enabled=None, level=None, service=None)
    assert done.exit_code == 1
    assert "nothing could be recorded" in done.stderr


def _process(*words: str, **fields: Any) -> subprocess.Popen[str]:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(
        [sys.executable, "-m", "flightlog", *words], env=dict(os.environ), **pipes, **fields
    )


def test_a_function_that_nothing_can_interrupt_ends_with_the_query(recorded: Path) -> None:
    search = "SELECT instr(hex(zeroblob(30000000)), hex(zeroblob(20000000)) || 'b')"
    with _process("sql", search, "--seconds", "0.2") as query:
        _, told = query.communicate(timeout=DEADLINE)
    assert query.returncode == 2
    assert "one function of the query took longer than 0.2 s" in told


def test_ctrl_c_ends_a_query_as_it_ends_any_command(recorded: Path) -> None:
    with _process("sql", ENDLESS + "x, hex(zeroblob(5000)) FROM c", "--json", "-n", "1000000000") as query:
        assert query.stdout is not None
        query.stdout.readline()
        query.send_signal(signal.SIGINT)
        _, told = query.communicate(timeout=DEADLINE)
    assert query.returncode == 130
    assert "Error" not in told


def test_the_time_that_a_reader_of_the_rows_takes_is_not_that_of_the_query(
    recorded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr("flightlog.store.sqlite.sql.time.monotonic", lambda: now[0])
    with Home(recorded, flightlog.settings.resolve([])).query(
        ENDLESS + "x FROM c LIMIT 30000", 1.0
    ) as answer:
        rows = iter(answer)
        next(rows)
        now[0] += 100
        assert sum(1 for _ in rows) == 29_999


def test_bytes_that_are_no_text_are_shown_as_far_as_they_are(recorded: Path) -> None:
    assert json.loads(run("sql", "SELECT CAST(x'ff41' AS text) AS t", "--json").stdout) == [{"t": "\ufffdA"}]


def test_a_shell_is_offered_each_trace_once_and_no_text_that_fills_a_screen(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli_samples.store(shared, [_span(3, name="n" * 5000), _span(4, name="short")])
    completing._newest.cache_clear()
    completing._known.cache_clear()
    assert [item.value for item in completing._traces("d")] == ["d" * 32]
    assert "short" in completing._known()["name"]
    assert all(len(name) <= completing.MOST_LETTERS for name in completing._known()["name"])
    completing._newest.cache_clear()
    completing._known.cache_clear()
