"""`flightlog stats`: times, groupings, what changed, and how it looks."""

from __future__ import annotations

import json
import time

import cli_samples
import pytest
from click.testing import CliRunner
from msgspec import structs

from flightlog.cli.main import commands
from flightlog.cli.render import bars, words
from flightlog.cli.render.cells import width
from flightlog.cli.render.terminal import Terminal
from flightlog.records.span import Span

HOUR = 3_600 * 10**9
MS = 10**6


def run(*args):
    return CliRunner().invoke(commands, args)


def call(number, start, took_ms, tokens=1000, **fields):
    attributes = {
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": tokens,
        "gen_ai.usage.output_tokens": 100,
        "http.route": f"/{number % 2}",
    }
    known = {"name": "chat", "kind": "llm", "status": "ok", "attributes": attributes}
    return Span(
        trace_id=f"{number:032x}",
        span_id=f"{number:016x}",
        start=start,
        end=start + took_ms * MS,
        **{**known, **fields},
    )


@pytest.fixture
def lately(home):
    """A day with ten calls, and the day before with five that took half as long, and something else."""
    now = time.time_ns()
    calls = [call(n, now - n * HOUR, 200) for n in range(2, 12)]
    calls += [call(100 + n, now - (24 + n) * HOUR, 100) for n in range(3, 8)]
    gone = call(200, now - 30 * HOUR, 50, name="old", kind="tool", attributes={})
    cli_samples.store(home, [*calls, gone])
    return home


def test_a_time_is_the_last_while_or_between_two_times(lately):
    def spans(*args):
        rows = json.loads(run("stats", "--json", "--by", "name", *args).stdout)["name"]
        return {row["name"]: row["spans"] for row in rows}

    assert spans() == {"chat": 15, "old": 1}
    assert spans("--last", "20h") == {"chat": 10}
    assert spans("--last", "20h", "--exact") == {"chat": 10}
    assert spans("--until", "20h") == {"chat": 5, "old": 1}
    assert spans("--since", "40h", "--until", "28h", "--exact") == {"chat": 4, "old": 1}
    assert spans("--last", "4h", "--until", "26h", "--exact") == {"chat": 3}


@pytest.mark.parametrize(
    "args",
    [
        ["--last", "2h", "--since", "2h"],
        ["--since", "1h", "--until", "2h"],
        ["--compare-to", "sometimes"],
        ["--by", "colour"],
        ["--by", "name", "--by", "kind", "--by", "model"],
        ["--traces", "--compare-to", "yesterday"],
        ["--traces", "--exact"],
        ["--last", "soon"],
    ],
)
def test_what_makes_no_sense_is_refused(lately, args):
    result = run("stats", *args)
    assert result.exit_code == 2
    assert result.stdout == ""


def test_two_fields_are_given_with_a_comma_or_one_after_the_other(lately):
    told = run("stats", "--json", "--by", "status,attr.http.route").stdout
    assert told == run("stats", "--json", "--by", "status", "--by", "attr.http.route").stdout
    rows = json.loads(told)["status,attr.http.route"]
    assert sorted((row["status"], row["attribute"], row["spans"]) for row in rows) == [
        ("ok", "", 1),
        ("ok", "/0", 7),
        ("ok", "/1", 8),
    ]
    assert "name" not in rows[0]


def test_a_day_is_compared_to_the_one_before(lately):
    told = json.loads(run("stats", "--json", "--by", "name", "--compare-to", "yesterday", "--exact").stdout)
    assert told["shift_ns"] == 24 * HOUR
    chat, old = told["name"]
    assert (chat["before"]["spans"], chat["after"]["spans"]) == (5, 10)
    assert chat["change"]["spans"] == chat["change"]["p50_ns"] == chat["change"]["cost_pico_usd"] == 1.0
    assert (old["after"], old["change"]["spans"]) == (None, None)
    shown = run("stats", "--by", "name", "--compare-to", "yesterday", "--exact", "--width", "120").stdout
    assert [word in shown for word in ("±spans", "+100 %", "gone", "200 ms")] == [True] * 4
    assert json.loads(run("stats", "--json", "--compare-to", "1d").stdout) == json.loads(
        run("stats", "--json", "--compare-to", "yesterday").stdout
    )


def test_the_time_right_before_is_as_long(lately):
    args = ("stats", "--json", "--by", "name", "--last", "5h", "--compare-to", "previous", "--exact")
    (chat,) = json.loads(run(*args).stdout)["name"]
    assert (chat["before"]["spans"], chat["after"]["spans"]) == (5, 3)


def test_speed_cost_and_the_way_it_was_counted_are_told(lately):
    shown = run("stats", "--by", "model", "--width", "200").stdout
    assert [word in shown for word in ("tok/s", "cost", "when", "within 2.5 %", "--exact")] == [True] * 5
    shown = run("stats", "--by", "model", "--exact", "--width", "200").stdout
    assert "self" in shown
    assert "each span was looked at" in shown
    assert "2.5 %" not in shown


@pytest.mark.parametrize("way", [(), ("--exact",)])
def test_a_request_by_which_a_call_was_served_is_no_second_call_of_its_model(home, way):
    now = time.time_ns()
    told = {"gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o"}
    request = call(2, now, 100, kind="http", status="error", attributes=told)
    cli_samples.store(home, [call(1, now, 200), request])

    def rows(by):
        told = json.loads(run("stats", "--json", "--by", by, *way).stdout)[by]
        return [(row["kind"] if "kind" in by else "", row["spans"], row["errors"]) for row in told]

    assert rows("model") == [("", 1, 0)]
    assert rows("kind,model") == [("llm", 1, 0), ("http", 1, 1)]


def test_traces_tell_what_they_used_and_which_failed_last(home):
    now = time.time_ns()
    cli_samples.store(
        home, [call(n, now - n * HOUR, 100, status="error" if n > 3 else "ok") for n in range(1, 12)]
    )
    shown = run("stats", "--traces").stdout
    assert "mean       100 ms, at most 100 ms" in shown
    assert "11,000 in, 1,100 out, of 11 model calls" in shown
    assert "cost       $0.0" in shown
    newest = [line.split()[-1] for line in shown.split("newest that failed")[1].splitlines()[1:]]
    assert newest == [f"{n:032x}" for n in range(4, 9)]
    told = json.loads(run("stats", "--traces", "--json").stdout)
    assert [trace["trace_id"] for trace in told["newest_failures"]] == newest
    assert told["cost"]["calls"] == 11
    assert "newest that failed" not in run("stats", "--traces", "--status", "ok").stdout


def test_the_newest_that_failed_stand_in_columns_however_long_their_names_are(home):
    names = ["short", "long " * 40]
    cli_samples.store(home, [cli_samples.span(1, 0, names[0], 0, 5, status="error")])
    other = cli_samples.span(2, 0, names[1], 9, 12, status="error")
    cli_samples.store(home, [structs.replace(other, trace_id=cli_samples.OTHER)])
    shown = run("stats", "--traces", "--width", "80").stdout.splitlines()
    (title,) = (at for at, line in enumerate(shown) if "newest that failed" in line)
    assert [line.index("5f0c8a31") for line in shown[title + 1 :]] == [shown[title].index("trace")] * 2
    assert max(map(width, shown)) <= 80


def test_tokens_that_no_call_told_are_unknown_and_not_none(home):
    cli_samples.store(home, [cli_samples.span(1, 0, "chat", 0, 5, kind="llm")])
    shown = run("stats", "--traces").stdout
    assert "tokens     unknown, of 1 model call\n" in shown


def test_no_trace_is_told_in_a_sentence_and_not_in_figures_of_nothing(home):
    cli_samples.store(home, [cli_samples.span(1, 0, "chat", 0, 5)])
    shown = run("stats", "--traces", "--name", "nothing")
    assert (shown.exit_code, shown.stdout) == (0, "no trace began in that time\n")
    assert json.loads(run("stats", "--traces", "--name", "nothing", "--json").stdout)["traces"] == 0


@pytest.mark.parametrize("columns", [40, 60, 80, 120])
@pytest.mark.parametrize(
    "args", [(), ("--exact",), ("--compare-to", "yesterday"), ("--histogram",), ("--by", "model,service")]
)
def test_everything_fits_its_terminal(lately, columns, args):
    shown = run("stats", "--width", str(columns), *args).stdout
    assert shown
    assert max(map(width, shown.splitlines())) <= max(columns, 60)


def test_a_histogram_has_every_span_in_a_line_of_its_range():
    durations = {bucket: bucket for bucket in range(250, 420, 3)}
    drawn = list(bars.histogram(durations, Terminal(80)))
    assert len(drawn) <= 16
    assert sum(int(line.split()[3].replace(",", "")) for line in drawn) == sum(durations.values())
    assert all(width(line) <= 80 for line in drawn)
    plain = list(bars.histogram(durations, Terminal(80, unicode=False)))
    assert all(line.isascii() for line in plain)
    assert plain[-1].startswith(">= ")
    assert list(bars.histogram({}, Terminal())) == []


def test_a_rate_is_told_in_the_unit_that_fits():
    assert [
        words.rate(*each) for each in ((5000, 2), (60, 60), (30, 60), (7, 86_400), (0, 5), (5, None))
    ] == [
        "2.5k/s",
        "1.0/s",
        "30.0/min",
        "7.0/d",
        "",
        "",
    ]
