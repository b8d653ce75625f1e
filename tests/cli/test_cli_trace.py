"""The tree narrowed, with previews, with what is slow marked, and with what went well in the end said."""

from __future__ import annotations

import json

import cli_samples
import pytest
from click.testing import CliRunner

from flightlog.analysis.narrow import Wanted, narrow
from flightlog.analysis.pace import Pace
from flightlog.analysis.tree import build
from flightlog.cli.main import commands
from flightlog.cli.render import tree
from flightlog.cli.render.branches import Limits
from flightlog.cli.render.cells import width
from flightlog.cli.render.terminal import Terminal


def run(*args: str):
    return CliRunner().invoke(commands, args)


def shown_names(*args: str) -> list[str]:
    found = json.loads(run("trace", cli_samples.TRACE, "--json", *args).stdout)
    names, pending = [], list(found["roots"])
    while pending:
        node = pending.pop(0)
        names.append(node["name"])
        pending[:0] = node["children"]
    return names


@pytest.mark.parametrize(
    ("args", "names"),
    [
        (["--kind", "db"], ["answer_question", "search_documents", "vector_store.query"]),
        (["--status", "paused"], ["answer_question", "wait for approval"]),
        (["--name", "page 99"], ["answer_question", "search_documents", "fetch page 99"]),
        (["--longer", "400ms", "--kind", "retrieval"], ["answer_question", "search_documents"]),
        (["--tokens", "900"], ["answer_question", "plan", "draft an answer"]),
        (["--kind", "db", "--status", "error"], []),
    ],
)
def test_only_what_is_asked_for_is_there_with_what_leads_to_it(recorded, args, names):
    assert shown_names(*args) == names


def test_a_narrowed_tree_says_how_much_of_the_trace_it_is(recorded):
    shown = run("trace", cli_samples.TRACE, "--kind", "llm").stdout
    assert shown.rstrip().endswith("2 of 112 spans asked for")
    assert "fetch page" not in shown
    assert "asked for" not in run("trace", cli_samples.TRACE).stdout


@pytest.mark.parametrize(
    "args", [["--longer", "soon"], ["--longer", "5"], ["--status", "slow"], ["--tokens", "-1"]]
)
def test_a_filter_that_makes_no_sense_is_a_bad_question(recorded, args):
    assert run("trace", cli_samples.TRACE, *args).exit_code == 2


def drawn(spans, events=(), columns=100, **limits) -> list[str]:
    return list(tree.lines(build(spans, events), Terminal(columns), Limits(**limits)))


LONG = "first line\n" + "word " * 100
TALK = {"messages": [{"role": "system", "content": "rules"}, {"role": "user", "content": "the question"}]}


def test_a_preview_shows_the_beginning_of_a_value_on_one_line_and_minus_one_all_of_it():
    span = cli_samples.span(1, 0, "root", 0, 1, input=LONG, output={"a": 1})
    short = drawn([span], preview=20)
    assert "  in   first line word word…" in short
    assert '  out  {"a":1}' in short
    whole = drawn([span], preview=-1)
    assert sum(line.count("word") for line in whole) == 100
    assert "  in   first line" in whole
    assert drawn([span]) == drawn([span], preview=0)
    assert not any("word" in line for line in drawn([span]))


def test_of_a_conversation_the_preview_shows_what_is_new_and_minus_one_shows_all():
    span = cli_samples.span(1, 0, "chat", 0, 1, kind="llm", input=TALK)
    assert "  in   (after 1 message) user: the question" in drawn([span], preview=200)
    whole = drawn([span], preview=-1)
    assert "  in   system: rules" in whole
    assert "       user: the question" in whole


@pytest.mark.parametrize("columns", [40, 60, 80, 200])
@pytest.mark.parametrize("preview", [0, 30, 200, -1])
def test_previews_fit_the_terminal_and_obey_nothing(columns, preview):
    span = cli_samples.span(1, 0, "root", 0, 1, input=cli_samples.HOSTILE * 9, output=[cli_samples.HOSTILE])
    lines = drawn([span, cli_samples.span(2, 1, "leaf", 0, 1, input=LONG)], columns=columns, preview=preview)
    assert all(width(line) <= columns for line in lines)
    assert not any("\x1b" in line or "\u202e" in line for line in lines)


def test_a_slow_step_is_marked_and_the_marks_are_explained():
    spans = [cli_samples.span(n, 0, f"step {n}", 0, ms) for n, ms in ((1, 100), (2, 900), (3, 1500))]
    lines = drawn(spans)
    assert [line[-1] for line in lines[1:4]] == ["s", "◇", "◆"]
    assert lines[-1] == "◇ slowish, 900 ms or more · ◆ slow, 1.50 s or more"
    assert drawn(spans[:1])[-1].startswith("✓ step 1")


def test_a_kind_can_have_a_limit_of_its_own_and_waiting_counts_for_nothing():
    waited = {"flightlog.waiting_ns": 4900 * cli_samples.MS}
    spans = [
        cli_samples.span(1, 0, "chat", 0, 5000, kind="llm"),
        cli_samples.span(2, 0, "approve", 0, 5000, attributes=waited),
    ]
    lines = drawn(spans, pace=Pace(limits={"llm": 10_000.0}))
    assert not any("◆" in line or "◇" in line for line in lines)
    assert any("waited 4.90 s" in line for line in lines)
    assert "some kinds or names have limits of their own" in drawn(spans, pace=Pace(limits={"llm": 1.0}))[-1]


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_what_the_marks_mean_is_told_in_whole_words_on_any_terminal(columns):
    lines = drawn([cli_samples.span(1, 0, "chat", 0, 5000)], columns=columns, pace=Pace(limits={"llm": 1.0}))
    told = lines[lines.index("") + 1 :]
    assert all(width(line) <= columns for line in told)
    assert " ".join(told) == (
        "◇ slowish, 900 ms or more · ◆ slow, 1.50 s or more; some kinds or names have limits of their own"
    )


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("chat gpt-4.1", "chat gpt-4.1 llm 812→90"),
        ("gpt-4.1", "gpt-4.1 llm gpt-4.1 812→90"),
        ("chat my-gpt-4.1", "chat my-gpt-4.1 llm gpt-4.1 812→90"),
        ("draft", "draft llm gpt-4.1 812→90"),
    ],
)
def test_a_model_that_the_name_ends_with_is_not_told_twice(name, said):
    used = {
        "gen_ai.request.model": "gpt-4.1",
        "gen_ai.usage.input_tokens": 812,
        "gen_ai.usage.output_tokens": 90,
    }
    lines = drawn([cli_samples.span(1, 0, name, 0, 1, kind="llm", attributes=used)])
    assert lines[1].startswith(f"✓ {said}  ")


def test_tokens_that_count_on_another_span_are_not_told_twice():
    used = {"gen_ai.request.model": "m", "gen_ai.usage.input_tokens": 812, "gen_ai.usage.output_tokens": 90}
    lines = drawn(
        [
            cli_samples.span(1, 0, "chat m", 0, 1, kind="llm", attributes=used),
            cli_samples.span(
                2, 1, "chat m", 0, 1, kind="http", attributes={**used, "flightlog.counted": False}
            ),
        ]
    )
    assert ["812→90" in line for line in lines if "chat m" in line] == [True, False]


def test_the_settings_say_what_is_slow(recorded, monkeypatch):
    monkeypatch.setenv("FLIGHTLOG_SLOW_LIMITS", "db=250ms,answer_*=10s")
    lines = run("trace", cli_samples.TRACE).stdout.splitlines()
    assert "◆" in next(line for line in lines if "vector_store" in line)
    assert "◆" not in next(line for line in lines if line.startswith("✗ answer_question agent"))
    assert json.loads(run("list", "--json").stdout)[0]["slow"] is False
    monkeypatch.setenv("FLIGHTLOG_SLOW_LIMITS", "answer_*=1s")
    assert json.loads(run("list", "--json").stdout)[0]["slow"] is True
    monkeypatch.setenv("FLIGHTLOG_SLOW_LIMITS", "agent=1s")
    assert "slow (≥ 1.00 s)" in run("trace", cli_samples.TRACE).stdout


def test_what_was_tried_again_and_went_well_says_so(home):
    spans = [cli_samples.span(1, 0, "root", 0, 9), cli_samples.span(2, 1, "flaky", 0, 8)]
    cli_samples.store(home, [*spans, *(cli_samples.event(n, 2, n, "retry") for n in (1, 2))])
    heading, *lines = run("trace", "@latest").stdout.splitlines()
    assert "ok after 2 retries" in heading
    assert "flaky ok after 2 retries" in " ".join(lines)
    assert "ok after 2 retries" in run("show", "@latest").stdout


def test_what_only_leads_there_is_drawn_faint():
    narrowed = narrow(build(cli_samples.spans()), Wanted(kinds=("db",)))
    lines = list(tree.lines(narrowed.tree, Terminal(100, colour=True), Limits(faint=narrowed.on_the_way)))
    assert "\x1b[2msearch_documents\x1b[0m" in next(line for line in lines if "search_documents" in line)
    assert "\x1b[2mvector_store" not in next(line for line in lines if "vector_store" in line)
