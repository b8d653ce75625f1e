"""`flightlog diff`: two traces or two sets side by side, for eyes, for programs and for a build that must fail."""

from __future__ import annotations

import json
import time

import cli_samples
import pytest
from cli_samples import BEGAN, MS, OTHER, TRACE
from click.testing import CliRunner

from flightlog.analysis.comparing import compare
from flightlog.analysis.tree import build
from flightlog.cli.main import commands
from flightlog.cli.render import diff
from flightlog.cli.render.cells import width
from flightlog.cli.render.terminal import Terminal
from flightlog.cli.sides import chosen
from flightlog.codecs.lines import encode
from flightlog.records.annotation import Annotation
from flightlog.records.span import Fault, Span


def run(*args: str):
    return CliRunner().invoke(commands, args)


def span(trace: str, number: int, parent: int, name: str, start: float, end: float, **fields) -> Span:
    return Span(
        trace_id=trace,
        span_id=f"{number:016x}",
        parent_id=f"{parent:016x}" if parent else "",
        name=name,
        start=BEGAN + round(start * MS),
        end=BEGAN + round(end * MS),
        process_id=cli_samples.PROCESS,
        **{"status": "ok", **fields},
    )


def chat(text: str):
    return {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": text}]}


def earlier(trace: str = OTHER) -> list[Span]:
    return [
        span(trace, 1, 0, "checkout", 0, 100, kind="agent", output={"days": 14}),
        span(trace, 2, 1, "plan", 1, 10, input={"goal": "refund"}),
        *(span(trace, 10 + n, 1, "fetch", 10 + n, 11 + n, kind="http", input={"id": n}) for n in range(5)),
        span(trace, 3, 1, "answer", 20, 90, kind="llm", input=chat("May I return it?")),
        span(trace, 4, 1, "old tool", 90, 95, kind="tool"),
    ]


def later(trace: str = TRACE) -> list[Span]:
    lost = Fault("ConnectionError", "lost")
    return [
        span(trace, 1, 0, "checkout", 1_000, 1_200, kind="agent", output={"days": 30}),
        span(trace, 2, 1, "make_plan", 1_001, 1_010, input={"goal": "refund"}),
        *(
            span(trace, 10 + n, 1, "fetch", 1_010 + n, 1_011 + n, kind="http", input={"id": n})
            for n in range(5)
        ),
        span(trace, 3, 1, "answer", 1_020, 1_190, kind="llm", input=chat("May I still return it?")),
        span(trace, 5, 1, "audit", 1_190, 1_191, kind="tool", status="error", error=lost),
    ]


@pytest.fixture
def two(home):
    cli_samples.store(home, [*earlier(), *later()])
    return home


def test_two_traces_are_drawn_as_one_tree(two):
    result = run("diff", OTHER, TRACE, "--width", "100")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].startswith("before ✓ checkout")
    assert "duration 100 ms → 200 ms +100 ms +100 %" in " ".join(result.stdout.split())
    assert "new error  audit  ConnectionError: lost" in result.stdout
    assert "output days [-14-] {+30+}" in result.stdout
    assert "~   plan → make_plan" in result.stdout
    assert "=   fetch \u00d75 as before" in result.stdout
    assert "message 2 (user) May I {+still +}return it?" in result.stdout.replace("input ", "")
    assert "-   old tool tool removed" in result.stdout
    assert "+   audit tool added ✗ error" in result.stdout
    assert lines[-1] == "2 changed · 1 added · 1 removed · 1 renamed · 5 as before"


def test_without_names_the_newest_is_compared_with_the_one_of_its_name_before_it(two):
    assert run("diff", "--json").stdout == run("diff", OTHER, TRACE, "--json").stdout
    assert run("diff", "@previous", TRACE).exit_code == 0
    backwards = json.loads(run("diff", TRACE, "@previous", "--json").stdout)
    assert backwards["after"]["trace_id"] == OTHER


def test_previous_needs_another_side_and_an_older_trace(two):
    assert "told from the other side" in run("diff", "@previous", "@previous").stderr
    nothing = run("diff", "@previous", OTHER)
    assert (nothing.exit_code, "no trace named 'checkout' is older" in nothing.stderr) == (2, True)


def test_a_trace_is_as_it_is(two):
    result = run("diff", TRACE, TRACE)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "9 spans, all as they were but for their times"
    assert run("diff", TRACE, TRACE, "--fail-on", "changed:anything, new:error, duration>+0%").exit_code == 0


def test_all_draws_every_span(two):
    assert run("diff", TRACE, TRACE, "--all").stdout.count("\n=   fetch http") == 5


def test_programs_get_every_change(two):
    found = json.loads(run("diff", OTHER, TRACE, "--json").stdout)
    assert found["same"] is False
    assert found["failed"] == []
    assert found["figures"]["duration_ns"] == {"before": 100 * MS, "after": 200 * MS, "change": 100 * MS}
    assert found["counts"] == {
        "as_before": 5,
        "changed": 2,
        "added": 1,
        "removed": 1,
        "moved": 0,
        "renamed": 1,
    }
    assert [each["type"] for each in found["new_errors"]] == ["ConnectionError"]
    by_name = {each["name"]: each for each in found["spans"]}
    assert by_name["make_plan"]["renamed_from"] == "plan"
    (change,) = by_name["answer"]["input"]
    assert change["place"] == "message 2 (user)"
    assert change["words"] == [["=", "May I "], ["+", "still "], ["=", "return it?"]]
    assert by_name["old tool"]["after_id"] is None


@pytest.mark.parametrize(
    ("condition", "code", "told"),
    [
        ("duration>+20%", 1, "duration>+20%"),
        ("duration>+20% and new:error", 1, "duration>+20% and new:error"),
        ("duration>+200%", 0, ""),
        ("gone:span", 1, "gone:span"),
        ("changed:output and changed:input", 1, "changed:output and changed:input"),
        ("changed:prompt or changed:status or errors>1", 0, ""),
        ("new:span", 1, "new:span"),
    ],
)
def test_a_build_fails_when_the_condition_holds(two, condition, code, told):
    result = run("diff", OTHER, TRACE, "--fail-on", condition)
    assert result.exit_code == code
    assert result.stderr == (f"--fail-on: {told}\n" if told else "")
    found = run("diff", OTHER, TRACE, "--fail-on", condition, "--json")
    assert (found.exit_code, json.loads(found.stdout)["failed"]) == (code, [told] if told else [])


def test_a_condition_that_cannot_be_read_is_pointed_at(two):
    result = run("diff", OTHER, TRACE, "--fail-on", "durtion>+20%")
    assert result.exit_code == 2
    assert "did you mean duration?\n  durtion>+20%\n  ^^^^^^^\n" in result.stderr


def test_an_empty_condition_is_no_gate_that_lets_everything_through(two):
    result = run("diff", OTHER, TRACE, "--fail-on", "")
    assert (result.exit_code, "a measure was expected" in result.stderr) == (2, True)


def test_unknown_traces_are_a_bad_question(two):
    assert run("diff", "beef", TRACE).exit_code == 2
    assert run("diff", "@newest").exit_code == 2


# -- sets


@pytest.fixture
def sets(home):
    """Twenty traces of a quick version and twenty of a slow one."""
    records = []
    for number in range(40):
        version = 1 + (number >= 20)
        trace = f"{number + 1:032x}"
        start, took = number * 1000, 100 * version + number % 7
        records.append(span(trace, 1, 0, "checkout", start, start + took, service=f"shop-{version}"))
        status = {"status": "error", "error": Fault("Timeout", "x")} if version == 2 and number % 2 else {}
        records.append(span(trace, 2, 1, "answer", start, start + took - 5, kind="llm", **status))
    cli_samples.store(home, records)
    return home


def test_two_questions_are_compared_with_how_sure_the_difference_is(sets):
    result = run("diff", "service:shop-1", "service:shop-2", "--width", "100")
    assert result.exit_code == 0, result.output
    assert "before service:shop-1  20 traces" in result.stdout
    assert "no, p < 0.001" in result.stdout
    assert "answer" in result.stdout.partition("steps that take longer or shorter")[2]
    assert "new error  answer  Timeout  \u00d710" in result.stdout


def test_a_set_fails_a_build_only_where_the_difference_is_no_chance(sets):
    slower = run("diff", "service:shop-1", "service:shop-2", "--fail-on", "duration>+20%", "--json")
    assert slower.exit_code == 1
    found = json.loads(slower.stdout)
    assert found["failed"] == ["duration>+20%"]
    assert found["measures"]["duration_ns"]["significant"] is True
    assert found["measures"]["spans"]["significant"] is False
    same = run("diff", "service:shop-1", "service:shop-1", "--fail-on", "duration>+0%, new:error")
    assert same.exit_code == 0


def test_days_are_sets(sets):
    day = time.strftime("%Y-%m-%d", time.localtime(BEGAN // 10**9))
    found = json.loads(run("diff", day, f"{day}..{day}", "--json").stdout)
    assert (found["before"], found["after"]) == ({"traces": 40}, {"traces": 40})
    nothing = run("diff", "2001-01-01", day)
    assert (nothing.exit_code, "no trace is meant by '2001-01-01'" in nothing.stderr) == (2, True)


def test_a_trace_is_not_compared_with_a_set(sets):
    assert "give two traces or two sets" in run("diff", "today", "@latest").stderr


def test_a_question_that_cannot_be_read_is_pointed_at(sets):
    result = run("diff", "kid:llm", "service:shop-2")
    assert result.exit_code == 2
    assert "^" in result.stderr


@pytest.mark.parametrize("text", ["@latest", "@previous", "5f0c", "5f0c8a31", "20261120", "checkout", ""])
def test_what_names_a_trace_is_no_set(text):
    assert chosen(text) is None


def test_yesterday_ends_where_today_begins():
    yesterday, today = chosen("yesterday"), chosen("today")
    assert yesterday.until == today.selection.since
    assert yesterday.selection.since < yesterday.until <= time.time_ns() < today.until
    assert chosen("2h").until is None


# -- drawing


@pytest.mark.parametrize("columns", [40, 60, 80, 120])
@pytest.mark.parametrize("unicode", [True, False])
def test_no_line_is_wider_than_the_terminal(columns, unicode):
    one, two = build(cli_samples.spans()), build([*later(), *(cli_samples.spans()[3:40])])
    found = compare(one, two, lambda _: None)
    for whole in (False, True):
        drawn = list(diff.lines(diff.Sides(one, two, found, whole), Terminal(columns, unicode=unicode)))
        assert [line for line in drawn if width(line) > columns] == []
        assert not any("\x1b" in line for line in drawn)
        if not unicode:
            assert not any(sign in line for line in drawn for sign in ("→", "\u00d7", "·"))


def test_what_a_trace_holds_is_never_obeyed(home):
    evil = "\x1b[31mevil\x07"
    mine = [span(OTHER, 1, 0, evil, 0, 1, input={evil: evil}, attributes={evil: 1})]
    theirs = [span(TRACE, 1, 0, evil + "2", 5, 9, input={evil: evil + " more"}, attributes={evil: 2})]
    cli_samples.store(home, [*mine, *theirs])
    assert [each for each in (encode(mine[0]),) if b"\x1b" in each] == []
    for args in ((), ("--all",), ("--json",), ("--width", "60")):
        assert "\x1b" not in run("diff", OTHER, TRACE, *args).output


def judged(trace: str, place: int, name: str, value: float | bool) -> Annotation:
    return Annotation(
        annotation_id=f"{place:032x}",
        trace_id=trace,
        time=BEGAN + place,
        name=name,
        value=value,
        by=f"judge-{place}",
    )


def test_scores_of_two_traces_stand_beside_their_figures_and_can_fail_a_build(home):
    said = [
        judged(OTHER, 1, "correct", 1.0),
        judged(OTHER, 2, "correct", 0.5),
        judged(TRACE, 3, "correct", 0.25),
    ]
    cli_samples.store(home, [*earlier(), *later(), *said])
    assert "score.correct 0.75 → 0.25 -0.5 -67 %" in " ".join(run("diff", OTHER, TRACE).stdout.split())
    found = json.loads(run("diff", OTHER, TRACE, "--json", "--fail-on", "score.correct<-20%").stdout)
    assert found["scores"] == {"correct": {"before": 0.75, "after": 0.25}}
    assert found["failed"] == ["score.correct<-20%"]
    assert run("diff", OTHER, TRACE, "--fail-on", "score.correct<0.2 or score.unknown<0.9").exit_code == 0


def test_scores_of_sets_are_compared_by_their_means(sets):
    said = [
        judged(f"{number + 1:032x}", place + number, name, value)
        for number in range(40)
        for place, name, value in (
            (100, "passed", number < 20 or number % 4 == 0),
            (200, "tone", 0.5 + number % 3 / 10),
        )
    ]
    cli_samples.store(sets, said)
    asked = ("diff", "service:shop-1", "service:shop-2")
    drawn = " ".join(run(*asked, "--width", "120").stdout.split())
    assert "passed 1 → 0.25 -0.75 -75 % no, p < 0.001; 20 and 20 judged" in drawn
    found = json.loads(run(*asked, "--json", "--fail-on", "score.passed<-10%, score.tone<-1%").stdout)
    assert [(score["name"], score["significant"]) for score in found["scores"]] == [
        ("passed", True),
        ("tone", False),
    ]
    assert found["failed"] == ["score.passed<-10%"]


def test_sets_that_are_too_small_to_say_anything_say_so(home):
    records = []
    for number in range(6):
        took = 100 + number + 1_000 * (number >= 3)
        trace = f"{number + 1:032x}"
        service = f"shop-{1 + (number >= 3)}"
        records.append(span(trace, 1, 0, "checkout", number * 5_000, number * 5_000 + took, service=service))
    cli_samples.store(home, records)
    asked = ("diff", "service:shop-1", "service:shop-2")
    told = "too few traces to tell a difference from chance: 3 and 3; each set needs about 4"
    assert told in " ".join(run(*asked).stdout.split())
    gated = run(*asked, "--fail-on", "duration>+20%")
    assert gated.exit_code == 0
    assert told in gated.stderr
    as_data = run(*asked, "--json")
    assert json.loads(as_data.stdout)["traces_needed"] == 4


def test_sets_that_are_large_enough_say_nothing_of_their_size(sets):
    result = run("diff", "service:shop-1", "service:shop-2", "--json")
    assert (json.loads(result.stdout)["traces_needed"], result.stderr) == (None, "")
