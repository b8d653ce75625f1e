"""`flightlog story` and `flightlog lint-narration`: what they print, for people and for programs."""

from __future__ import annotations

import json
import re

import cli_samples
import pytest
from click.testing import CliRunner

from flightlog.cli.main import commands
from flightlog.cli.render.cells import width
from flightlog.cli.render.storytelling import aligned, prose
from flightlog.cli.render.terminal import Terminal
from flightlog.narration.trace import Sentence
from flightlog.narration.words import clock
from flightlog.records.narration import MARK, NARRATION
from flightlog.records.span import Span

OTHER = "c" * 32


def narration(number, on, time_ms, action, body, **attributes):
    level = attributes.pop("level", "info")
    held = {MARK: NARRATION, "correlation_id": "req-1", "source": "shop:7", **attributes}
    return cli_samples.event(number, on, time_ms, action, body=body, level=level, attributes=held)


def run(*args):
    return CliRunner().invoke(commands, args)


@pytest.fixture
def told(home):
    """A trace that narrates, and another of the same flow."""
    records = [
        cli_samples.span(1, 0, "handle_order", 0, 90, kind="workflow", service="shop"),
        cli_samples.span(2, 1, "check_stock", 5, 15, kind="tool"),
        narration(1, 1, 1, "accept", "Accepted order-17", actor="queue", target="order-17", cute="🛒 hop"),
        narration(
            2, 1, 50, "ship", f"Shipped {cli_samples.HOSTILE}", actor="dispatch", story="“Off!” it said."
        ),
        narration(3, 1, 60, "charge", "Could not charge the card", actor="payment", level="error"),
    ]
    elsewhere = narration(4, 9, 70, "deliver", "Will deliver order-17", actor="van")
    records.append(
        type(elsewhere)(
            **{**{name: getattr(elsewhere, name) for name in elsewhere.__struct_fields__}, "trace_id": OTHER}
        )
    )
    records.append(
        Span(trace_id=OTHER, span_id=f"{9:016x}", name="deliver", start=records[-1].time, status="running")
    )
    cli_samples.store(home, records)
    return home


def test_a_trace_is_told_in_sentences_under_its_heading(told):
    shown = run("story", cli_samples.TRACE, "--width", "80")
    assert shown.exit_code == 0
    lines = shown.stdout.splitlines()
    assert lines[0].startswith("✓ handle_order  workflow · ok · 90.0 ms · 2 spans")
    assert lines[3:5] == ["  Accepted order-17", "  Called the tool check_stock in 10.0 ms."]
    assert lines[-1] == "It went well and took 90.0 ms. 2 steps."
    assert all(width(line) <= 80 for line in lines)


def test_the_view_chooses_the_voice(told):
    assert "🛒 hop" in run("story", cli_samples.TRACE, "--view", "cute").stdout
    story = run("story", cli_samples.TRACE, "--view", "story").stdout
    assert "“Off!” it said." in story
    assert "Accepted order-17" in story
    assert run("story", cli_samples.TRACE, "--view", "loud").exit_code == 2


def test_the_level_leaves_out_what_is_quieter(told):
    shown = run("story", cli_samples.TRACE, "--level", "error").stdout
    assert "Could not charge the card" in shown
    assert "Accepted" not in shown


def test_lines_are_the_narrations_alone_and_aligned(told):
    shown = run("story", cli_samples.TRACE, "--lines", "--width", "160").stdout.splitlines()
    assert len(shown) == 3
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3} info  queue    accept order-17 Accepted order-17", shown[0])
    assert {line.index(word) for line, word in zip(shown, ("Accepted", "Shipped", "Could"), strict=True)} == {
        shown[0].index("Accepted")
    }


def test_nothing_that_a_terminal_would_obey_comes_out(told):
    for args in ([], ["--lines"], ["--mermaid"], ["--json"], ["--lines", "--json"]):
        shown = run("story", cli_samples.TRACE, *args).stdout
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\U000e0041]", shown)


def test_json_is_the_sentences_or_the_records_of_the_lines(told):
    sentences = json.loads(run("story", cli_samples.TRACE, "--json").stdout)
    assert [one["what"] for one in sentences] == ["narration", "step", "narration", "narration", "closing"]
    assert sentences[1]["span_id"] == f"{2:016x}"
    records = json.loads(run("story", cli_samples.TRACE, "--lines", "--json", "--view", "cute").stdout)
    assert records[0]["body"] == "Accepted order-17"
    assert records[0]["attributes"]["cute"] == "🛒 hop"


def test_a_diagram_is_printed_as_a_document(told):
    lines = run("story", cli_samples.TRACE, "--mermaid").stdout.splitlines()
    assert lines[0] == "sequenceDiagram"
    assert "    p2->>p3: Accepted order-17" in lines


def test_a_flow_is_told_across_traces(told):
    shown = run("story", "--correlation", "req-1").stdout
    assert shown.index("Accepted order-17") < shown.index("Will deliver order-17")
    assert f"trace {cli_samples.TRACE[:8]}:" in shown
    assert f"trace {OTHER[:8]}:" in shown
    assert len(json.loads(run("story", "--correlation", "req-1", "--json").stdout)) == 7
    assert "van" in run("story", "--correlation", "req-1", "--mermaid").stdout
    assert len(run("story", "--correlation", "req-1", "--lines", "--width", "300").stdout.splitlines()) == 4


def test_a_flow_that_is_cut_says_so(told):
    shown = run("story", "--correlation", "req-1", "-n", "2", "--lines", "--width", "300")
    assert len(shown.stdout.splitlines()) == 2
    assert "only the first 2" in shown.stderr


@pytest.mark.parametrize(
    "args",
    [
        [],
        [cli_samples.TRACE, "--correlation", "x"],
        ["--correlation", "no such flow"],
        ["ffff"],
        [cli_samples.TRACE, "--mermaid", "--json"],
    ],
)
def test_a_question_that_makes_no_sense_is_refused(told, args):
    assert run("story", *args).exit_code == 2


def test_a_trace_without_narrations_is_told_all_the_same(recorded):
    shown = run("story", cli_samples.TRACE)
    assert shown.exit_code == 0
    assert "Searched with search_documents in 415 ms." in shown.stdout
    assert "fetch page 0" in shown.stdout
    assert "fetch page 50" not in shown.stdout
    assert "fetch page 50" in run("story", cli_samples.TRACE, "--all").stdout
    lines = run("story", cli_samples.TRACE, "--lines")
    assert lines.stdout == ""
    assert "nothing was narrated there" in lines.stderr


@pytest.mark.parametrize("columns", [20, 33, 80, 160])
def test_prose_and_lines_fit_any_terminal_and_any_letters(columns):
    sentences = [Sentence("step", "word " * 40 + "…", 0, depth) for depth in range(30)]
    for terminal in (Terminal(columns), Terminal(columns, unicode=False)):
        drawn = list(prose(sentences, terminal))
        assert max(map(width, drawn)) <= columns
        events = [
            narration(1, 1, 1, "go on and on", "word " * 40 + "…", actor="a very long name of an actor")
        ]
        found = list(aligned(events, "human", terminal))
        assert max(map(width, found)) <= columns
        at_times = list(prose(sentences, terminal, is_timed=True))
        assert max(map(width, at_times)) <= columns
        found += at_times
        assert terminal.unicode or all(line.isascii() for line in (*drawn, *found))


def test_where_there_is_no_room_beside_the_columns_a_sentence_goes_under_them():
    said = [
        narration(1, 1, 1, "ship", "Shipped order-17 to the van that left", actor="queue", target="order")
    ]
    assert list(aligned(said, "human", Terminal(33))) == [
        f"{clock(said[0].time)} info  queue",
        "  Shipped order-17 to the van",
        "  that left",
    ]


def test_every_command_that_shows_narrations_tells_them_in_the_voice_asked_for(told):
    for command in ("trace", "show", "story"):
        plain = run(command, cli_samples.TRACE, "--width", "160").stdout
        cute = run(command, cli_samples.TRACE, "--width", "160", "--view", "cute").stdout
        story = run(command, cli_samples.TRACE, "--width", "160", "--view", "story").stdout
        assert "Accepted order-17" in plain
        assert "🛒" not in plain
        assert "🛒 hop" in cute
        assert "Accepted order-17" not in cute
        assert "“Off!” it said." in story
        assert "Could not charge the card" in cute
        assert run(command, cli_samples.TRACE, "--view", "loud").exit_code == 2


def test_a_step_in_full_tells_narrations_in_the_voice_asked_for_and_keeps_the_others(told):
    def event(*view):
        shown = run("show", cli_samples.TRACE, "handle_order", "--width", "400", *view).stdout
        return next(line for line in shown.splitlines() if "Accepted order-17" in line).split("  accept  ")[1]

    assert event().startswith("Accepted order-17")
    assert "cute=🛒 hop" in event()
    assert event("--view", "cute").startswith("🛒 hop")
    assert ", cute=" not in event("--view", "cute")
    assert "human=Accepted order-17" in event("--view", "cute")
    assert event("--view", "story") == event()
    assert (
        "ship  “Off!” it said. human=Shipped"
        in run("show", cli_samples.TRACE, "--only", "handle", "--view", "story").stdout
    )


def test_what_could_be_told_better_is_said_with_its_place_and_ends_with_1(told):
    shown = run("lint-narration", OTHER)
    assert shown.exit_code == 1
    assert shown.stdout.splitlines()[:3] == [
        "human-tense  shop:7",
        "  'Will deliver order-17' tells the future; say what happens now, or afterwards what happened",
        "  Will deliver order-17",
    ]
    assert "1 finding at 1 place, 1 narration checked" in shown.stdout
    (one,) = json.loads(run("lint-narration", OTHER, "--json").stdout)
    assert (one["rule"], one["source"], one["count"], one["trace_id"]) == ("human-tense", "shop:7", 1, OTHER)


def test_all_traces_since_a_time_are_checked(told):
    assert run("lint-narration").exit_code == 0  # the sample is older than a day
    shown = run("lint-narration", "--since", "2020-01-01", "--json")
    assert {one["rule"] for one in json.loads(shown.stdout)} == {"human-tense"}


def test_a_clean_trace_ends_with_0_and_nonsense_with_2(recorded):
    clean = run("lint-narration", cli_samples.TRACE)
    assert (clean.exit_code, clean.stdout) == (0, "")
    assert "nothing was narrated there" in clean.stderr
    assert run("lint-narration", "ffff").exit_code == 2
    assert run("lint-narration", cli_samples.TRACE, "--since", "2h").exit_code == 2


def test_a_home_without_anything_has_nothing_to_lint(home):
    assert run("lint-narration").exit_code == 0
    assert run("story", "@latest").exit_code == 2


def test_a_tree_and_a_card_show_narrations(told):
    for command in ("trace", "show"):
        shown = run(command, cli_samples.TRACE, "--width", "140").stdout
        assert "queue accept Accepted order-17" in shown
        assert "correlation_id" not in shown
