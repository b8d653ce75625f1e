"""What was recorded outside any span is found by the commands: told, checked, counted, and never called nothing."""

from __future__ import annotations

import json
import re
import time

import cli_samples
import pytest
from click.testing import CliRunner
from msgspec import structs

from flightlog.cli.main import commands
from flightlog.cli.render.cells import width
from flightlog.records.narration import MARK, NARRATION

_AN_HOUR_AGO = time.time_ns() - 3_600 * 10**9


def run(*args):
    return CliRunner().invoke(commands, args)


def alone(number, name, body="", at=0, **attributes):
    found = cli_samples.event(number, 0, 0, name, body=body, attributes=attributes)
    return structs.replace(found, trace_id="", span_id="", time=_AN_HOUR_AGO + at, service="shop")


def narrated(number, body, at=0, **attributes):
    return alone(number, "enqueue", body, at, **{MARK: NARRATION, "actor": "queue", **attributes})


@pytest.fixture
def loose(home):
    """A home in which everything was recorded outside any span."""
    records = [
        narrated(1, "Queued job-1.", cute="no wink", source="shop:7"),
        alone(2, "started", "came up", 10**6),
        narrated(3, f"Queued {cli_samples.HOSTILE}", 2 * 10**6),
    ]
    cli_samples.store(home, records)
    return home


def test_a_list_of_no_traces_says_how_to_read_what_there_is(loose):
    shown = run("list", "--width", "80")
    assert (shown.exit_code, shown.stdout) == (0, "")
    assert shown.stderr == (
        f"no trace is recorded in {loose} yet, but 3 events outside any span; `flightlog story --loose` tells them\n"
    )
    assert json.loads(run("list", "--json").stdout) == []


@pytest.mark.parametrize("command", ["story", "trace", "show", "spans", "lint-narration"])
def test_a_trace_is_not_looked_for_where_there_is_none(loose, command):
    shown = run(command, "@latest")
    assert shown.exit_code == 2
    assert "but 3 events outside any span" in shown.stderr
    assert "did you mean" not in shown.stderr


@pytest.mark.parametrize("ref", ["@latest", "latest", "abcdef", "nonsense"])
def test_an_empty_home_says_that_nothing_is_recorded_and_how_to_begin(home, ref):
    for _ in range(2):  # first without a home, then with one that holds nothing
        shown = run("story", ref)
        assert shown.exit_code == 2
        assert f"nothing is recorded in {home} yet; record a program with `flightlog run" in shown.stderr
        assert "did you mean" not in shown.stderr
        cli_samples.store(home, [])


def test_loose_events_are_told_with_their_time_and_who_said_them(loose):
    shown = run("story", "--loose", "--width", "60")
    assert shown.exit_code == 0
    first, *told, blank, last = shown.stdout.splitlines()
    assert re.fullmatch(r"In shop on \d{4}-\d\d-\d\d:", first)
    assert re.fullmatch(r"  \d\d:\d\d:\d\d\.\d{3} queue: Queued job-1\.", told[0])
    assert re.fullmatch(r"  \d\d:\d\d:\d\d\.\d{3} started: came up\.", told[1])
    assert all(width(line) <= 60 and "\x1b" not in line for line in told)
    assert (blank, last) == ("", "3 events outside any span, over 2.00 ms.")


def test_loose_events_come_in_every_form_that_a_story_has(loose):
    told = json.loads(run("story", "--loose", "--json").stdout)
    assert [one["what"] for one in told] == ["opening", "narration", "event", "narration", "closing"]
    assert "trace_id" not in told[1]
    assert " info  queue enqueue Queued job-1." in run("story", "--loose", "--lines").stdout
    assert len(json.loads(run("story", "--loose", "--lines", "--json").stdout)) == 2
    assert run("story", "--loose", "--mermaid").stdout.startswith("sequenceDiagram")
    assert "no wink" in run("story", "--loose", "--view", "cute").stdout


def test_loose_events_are_narrowed_and_bounded(loose):
    newest = run("story", "--loose", "-n", "1")
    assert "1 event outside any span." in newest.stdout
    assert "only the newest 1 events outside any span are told; -n reads more" in newest.stderr
    none = run("story", "--loose", "--since", "5m")
    assert (none.exit_code, none.stdout) == (0, "")
    assert "nothing was recorded outside any span since then" in none.stderr
    assert "3 events" in run("story", "--loose", "--since", "2h").stdout


def test_a_story_is_of_one_thing(loose):
    for args in ([], ["@latest", "--loose"], ["--loose", "--correlation", "x"], ["@latest", "--since", "2h"]):
        assert run("story", *args).exit_code == 2


def test_loose_narrations_are_linted_and_counted(loose):
    shown = run("lint-narration")
    assert shown.exit_code == 1
    assert shown.stdout.splitlines()[:4] == [
        "cute-emoji  shop:7",
        "  the cute sentence has no emoji; add one, or leave the sentence out",
        "  no wink",
        "  flightlog story --loose",
    ]
    assert "2 narrations checked" in shown.stdout
    assert run("lint-narration", "--since", "5m").exit_code == 0
    assert run("lint-narration", "--project", "nobody").exit_code == 0
    assert json.loads(run("doctor", "--json").stdout)["store"]["loose_events"] == 3
    assert "3, 3 outside any span" in run("doctor").stdout
