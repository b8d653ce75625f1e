"""A question on the command line: the same language in every command that looks for something."""

from __future__ import annotations

import json

import cli_samples
import pytest
from click.testing import CliRunner

from flightlog.cli.main import commands


def run(*args: str):
    return CliRunner().invoke(commands, args)


def names(*args: str) -> list[str]:
    result = run(*args, "--json")
    assert result.exit_code == 0, result.stderr
    return [row["name"] for row in json.loads(result.stdout)]


def test_list_takes_the_traces_of_which_a_step_fits(recorded):
    assert names("list", "kind:llm") == ["answer_question"]
    assert names("list", "trace(kind:llm)") == []
    assert names("list", "NOT span(kind:llm)") == ["warm up"]
    assert names("list", "duration>0") == ["answer_question", "warm up"]


def test_options_and_a_question_must_both_hold(recorded):
    assert names("list", "--name", "warm", "duration>0") == ["warm up"]
    assert names("list", "--name", "warm", "kind:llm") == []


def test_a_question_may_be_several_arguments(recorded):
    assert names("list", "kind:llm", "OR", "name:warm*") == ["answer_question", "warm up"]


def test_spans_shows_those_that_fit_of_one_trace_or_of_all(recorded):
    of_all = names("spans", "kind:llm OR name:warm*")
    of_one = names("spans", "@latest", "kind:llm OR name:warm*")
    assert of_all == [*of_one, "warm up"]
    assert of_one
    assert names("spans", "-n", "1", "kind:llm") == of_one[:1]


@pytest.mark.parametrize("columns", ["80", "120", "200"])
def test_spans_of_several_traces_say_of_which_each_is(recorded, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    result = run("spans", "kind:llm OR name:warm*")
    *_, first, second = result.stdout.splitlines()
    assert cli_samples.TRACE in first, "the two ids differ in the last digit alone"
    assert cli_samples.OTHER in second


def test_cost_asks_by_the_prices_of_the_home(recorded):
    dear = names("spans", "cost>0")
    assert dear
    assert set(dear) <= set(names("spans", "kind:llm"))
    assert names("list", "trace(cost>0)") == ["answer_question"]
    assert names("list", "trace(cost>1000)") == []
    of_all = json.loads(run("cost", "--json").stdout)["total"]
    of_known = json.loads(run("cost", "--json", "cost>0").stdout)["total"]
    assert of_known["usd"] == of_all["usd"]
    assert (of_all["unknown_calls"], of_known["unknown_calls"]) == (1, 0)


def test_stats_add_up_what_fits(recorded):
    rows = json.loads(run("stats", "--json", "--by", "kind", "kind:llm").stdout)["kind"]
    assert [row["kind"] for row in rows] == ["llm"]
    traces = json.loads(run("stats", "--json", "--traces", "kind:llm").stdout)
    assert traces["traces"] == 1


def test_failures_are_those_that_fit(recorded):
    every = json.loads(run("failures", "--since", "2000-01-01", "--json").stdout)
    assert every
    kind = every[0]["kind"]
    some = json.loads(run("failures", "--since", "2000-01-01", "--json", f'kind:"{kind}"').stdout)
    assert {group["kind"] for group in some} == {kind}
    none = run("failures", "--since", "2000-01-01", "name:nowhere")
    assert none.stdout == ""
    assert "nothing has failed in that time that fits" in none.stderr


def test_export_takes_whole_traces_and_as_rows_the_spans_that_fit(recorded):
    lines = [json.loads(line) for line in run("export", "name:warm*").stdout.splitlines()]
    assert {line["trace_id"] for line in lines if line["type"] == "span"} == {cli_samples.OTHER}
    rows = json.loads(run("export", "--format", "json", "--rows", "spans", "kind:llm").stdout)
    assert {row["kind"] for row in rows} == {"llm"}


def test_export_takes_several_traces_and_says_each_process_once(recorded):
    lines = run("export", "@latest", "@-2", "@-1").stdout.splitlines()
    found = [json.loads(line) for line in lines]
    assert {line["trace_id"] for line in found if line["type"] == "span"} == {
        cli_samples.TRACE,
        cli_samples.OTHER,
    }
    assert len(set(lines)) == len(lines)


@pytest.mark.parametrize("command", ["list", "spans", "stats", "failures", "cost", "export"])
def test_what_is_no_question_is_pointed_at_in_every_command(recorded, command):
    result = run(command, "kimd:llm status:error")
    assert result.exit_code == 2
    assert "no field 'kimd'; did you mean kind?\n  kimd:llm status:error\n  ^^^^" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("command", ["cost", "export"])
def test_a_trace_and_a_question_together_make_no_sense(recorded, command):
    result = run(command, "@latest", "kind:llm")
    assert result.exit_code == 2
    assert result.stdout == ""


@pytest.mark.parametrize("command", ["list", "spans"])
def test_a_kind_that_nobody_knows_is_named_when_nothing_fits(recorded, command):
    result = run(command, "kind:lmm")
    assert result.exit_code == 0
    assert "no well-known kind is 'lmm', perhaps kind:llm was meant" in result.stderr
