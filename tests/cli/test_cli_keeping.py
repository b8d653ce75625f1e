"""Annotate, evals, session, prune, delete by question and audit, as somebody at a terminal meets them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cli_samples
import pytest
from click.testing import CliRunner, Result

import flightlog
from flightlog.cli.main import commands
from flightlog.records.annotation import Annotation
from flightlog.records.span import Span


def run(*words: str) -> Result:
    return CliRunner().invoke(commands, words)


@pytest.fixture(autouse=True)
def _settings_of_the_process():
    """`annotate` sets settings from code; nobody after it meets them."""
    yield
    flightlog.configure(home=None, console=None, sinks=None, enabled=None, level=None, service=None)


def _call(number: int, session: str, said: list[str], answer: str, at: int) -> Span:
    return Span(
        trace_id=f"{number:032x}",
        span_id=f"{number:016x}",
        name="chat",
        kind="llm",
        start=at,
        end=at + 10**6,
        status="ok",
        context={"session": session, "turn": number},
        input=[
            {"role": "user" if n % 2 == 0 else "assistant", "content": text} for n, text in enumerate(said)
        ],
        output={"role": "assistant", "content": answer},
        attributes={"gen_ai.request.model": "gpt-4.1-mini", "gen_ai.usage.input_tokens": 100},
    )


@pytest.fixture
def talked(home: Path) -> Path:
    """Two turns of one conversation, one of another, and what was said of the first."""
    at = cli_samples.BEGAN
    first = _call(1, "s-1", ["hello"], "hi \x1b[31mthere", at)
    said = Annotation(
        annotation_id="x1", trace_id=first.trace_id, span_id=first.span_id, time=at, name="polite", value=1.0
    )
    cli_samples.store(
        home,
        [
            first,
            _call(2, "s-1", ["hello", "hi \x1b[31mthere", "bye"], "so long", at + 10**9),
            _call(3, "other", ["unlike"], "it", at + 2 * 10**9),
            said,
        ],
    )
    return home


def test_a_score_that_is_put_on_a_trace_is_shown_asked_for_and_exported(recorded: Path) -> None:
    done = run(
        "annotate", cli_samples.OTHER, "-s", "correctness=0.25", "-s", "passed=no", "-s", "tone=calm",
        "--note", "key " + "sk-" + "proj-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH", "--by", "ana",
    )  # fmt: skip
    assert (done.exit_code, "3 annotations put on" in done.stderr) == (0, True)
    shown = run("show", cli_samples.OTHER).stdout
    assert "correctness 0.25 by ana: key " in shown
    assert "abcdefgh" not in shown
    assert cli_samples.OTHER[:8] in run("list", "score.correctness<0.5").stdout
    assert cli_samples.OTHER[:8] in run("list", "score.passed:false score.tone:calm has:note").stdout
    assert "scores  correctness 0.25 by ana" in run("trace", cli_samples.OTHER).stdout
    (document,) = json.loads(run("export", cli_samples.OTHER, "--format", "json").stdout)
    assert {one["name"] for one in document["annotations"]} == {"correctness", "passed", "tone"}
    evals = json.loads(run("evals", "--json", "--pass", "0.2").stdout)["rows"]
    assert [(row["score"], row["mean"], row["passed"], row["labels"]) for row in evals] == [
        ("correctness", 0.25, 1, {}),
        ("passed", 0.0, 0, {}),
        ("tone", None, None, {"calm": 1}),
    ]


@pytest.mark.parametrize("score", ["correctness", "=1", "a=", "a=inf"])
def test_what_is_no_score_is_refused(recorded: Path, score: str) -> None:
    assert run("annotate", cli_samples.OTHER, "--score", score).exit_code == 2
    assert run("annotate", cli_samples.OTHER).exit_code == 2


def test_a_conversation_is_told_turn_by_turn_each_message_once(talked: Path) -> None:
    told = run("session", "s-1")
    assert told.exit_code == 0
    assert told.stdout.count("hello") == 1
    assert "\x1b" not in told.stdout
    assert told.stdout.index("hello") < told.stdout.index("turn 2") < told.stdout.index("so long")
    assert "unlike" not in told.stdout
    document: dict[str, Any] = json.loads(run("session", "s-1", "--json").stdout)
    assert [turn["turn"] for turn in document["turns"]] == [1, 2]
    assert [[one["text"] for one in turn["messages"]] for turn in document["turns"]] == [
        ["hello", "hi \x1b[31mthere"],
        ["bye", "so long"],
    ]
    assert document["turns"][0]["input_tokens"] == 100


def test_sessions_are_listed_the_newest_first(talked: Path) -> None:
    listed = json.loads(run("session", "--json").stdout)
    assert [(one["session"], one["traces"]) for one in listed] == [("other", 1), ("s-1", 2)]
    assert "s-1" in run("session").stdout
    assert run("session", "nobody").exit_code == 2
    assert "unlike" in run("session", "@latest").stdout


def test_evals_go_by_model_and_say_when_there_are_none(talked: Path) -> None:
    assert "gpt-4.1-mini" in run("evals", "--by", "model").stdout
    assert "nothing was judged" in run("evals", "name:nothing").stderr
    compared = json.loads(run("evals", "--compare-to", "previous", "--since", "2000-01-01", "--json").stdout)
    assert compared["rows"][0]["before"] is None


def test_prune_says_what_it_did_and_a_second_run_finds_nothing(talked: Path) -> None:
    assert "would go" in run("prune", "--older-than", "1s", "--dry-run").stdout
    done = json.loads(run("prune", "--older-than", "1s", "--json", "session:s-1").stdout)
    assert (done["traces"], done["spans"], done["annotations"]) == (2, 2, 1)
    assert "nothing to prune" in run("prune", "--older-than", "1s", "session:s-1").stdout
    assert len(json.loads(run("list", "--json").stdout)) == 1


def test_prune_deletes_nothing_that_nobody_named(talked: Path) -> None:
    assert run("prune").exit_code == 2
    assert run("prune", "session:s-1").exit_code == 2  # a question alone asks first, and nobody is there
    assert run("prune", "--older-than", "soon").exit_code == 2
    assert run("prune", "--max-size", "much").exit_code == 2
    assert len(json.loads(run("list", "--json").stdout)) == 3


def test_prune_without_options_does_what_the_settings_say(
    talked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLIGHTLOG_PRUNE_OLDER_THAN", "1m")
    assert "3 traces" in run("prune").stdout


def test_traces_that_a_question_means_are_deleted(talked: Path) -> None:
    assert run("delete", "session:s-1").exit_code == 2
    done = run("delete", "session:s-1", "--yes")
    assert "2 traces deleted" in done.stderr
    assert len(json.loads(run("list", "--json").stdout)) == 1
    assert "nothing was deleted" in run("delete", "session:s-1", "--yes").stderr
    assert run("delete", "0001", "session:s-1", "--yes").exit_code == 2


def test_the_audit_log_tells_who_did_what(talked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "the audit log is off" in run("audit").stderr
    monkeypatch.setenv("FLIGHTLOG_AUDIT", "all")
    run("show", f"{1:032x}")
    run("list", "kind:llm")
    run("annotate", f"{1:032x}", "--label", "x")
    run("export", f"{1:032x}")
    run("delete", "session:s-1", "--yes")
    run("prune", "--older-than", "1s")
    entries = json.loads(run("audit", "--json").stdout)
    assert [(one["act"], one["command"], one.get("count", 0)) for one in entries] == [
        ("read", "flightlog show", 1),
        ("read", "flightlog list", 0),
        ("annotated", "flightlog annotate", 1),
        ("exported", "flightlog export", 1),
        ("deleted", "flightlog delete", 2),
        ("pruned", "flightlog prune", 1),
    ]
    assert entries[0]["traces"] == [f"{1:032x}"]
    assert "session:s-1" in run("audit").stdout


def test_a_secret_that_somebody_asks_for_stands_in_no_audit_log(
    talked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shaped, known, own = "sk-" + "ant-" + "api03-" + "Zq7Wv2Bn" * 8, "Words-Of-The-House", "blue-Horse-Of-May"
    monkeypatch.setenv("FLIGHTLOG_AUDIT", "all")
    monkeypatch.setenv("PAYMENT_SECRET", known)
    monkeypatch.setenv("FLIGHTLOG_REDACT_VALUES", own)
    for secret in (shaped, known, own):
        asked: tuple[tuple[str, ...], ...] = (
            ("list", f"name:{secret}"),
            ("search", secret),
            ("export", "--name", f"*{secret}*"),
            ("prune", "--older-than", "9999d", "--question", f"name:{secret}"),
        )
        for command in asked:
            monkeypatch.setattr("sys.argv", ["flightlog", *command])
            run(*command)
    run("delete", "session:s-1", f"not name:{own}", "--yes")
    log = (talked / "audit.jsonl").read_text()
    assert log.count("[REDACTED]") >= 9
    assert not any(secret in log for secret in (shaped, known, own))
