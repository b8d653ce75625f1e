"""The agent, recorded by `flightlog run` with the provider that it starts itself, and what its trace says."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from examples_kit import FLIGHTLOG, ROOT, data, run

AGENT = ROOT / "examples" / "agent" / "main.py"
PROVIDER = AGENT.with_name("provider.py")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], list[dict[str, Any]], str]:
    """The trace's row, its spans, and what the program printed."""
    home = tmp_path_factory.mktemp("agent")
    done = run(
        [*FLIGHTLOG, "run", str(AGENT)], home, home, OPENAI_API_KEY="", OPENAI_BASE_URL="", NO_PROXY="*"
    )
    assert done.returncode == 0, done.stderr
    (row,) = data(home, "list")
    row["home"] = home
    return row, data(home, "spans", row["trace_id"]), done.stdout


@pytest.fixture
def exported(recorded) -> list[dict[str, Any]]:
    """Every line of the trace, its events among them."""
    row, _, _ = recorded
    lines = run([*FLIGHTLOG, "export", row["trace_id"]], row["home"], row["home"]).stdout
    return [json.loads(line) for line in lines.splitlines()]


def spans_of(records: list[dict[str, Any]], **wanted: str) -> list[dict[str, Any]]:
    return [span for span in records if all(span.get(key) == value for key, value in wanted.items())]


def test_it_answers_from_what_its_tools_found(recorded) -> None:
    _, _, printed = recorded
    assert "answered by rules on loopback" in printed
    assert "shutil.copytree" in printed
    assert "tempfile.TemporaryDirectory" in printed
    assert "tkinter, " in printed


def test_every_call_of_the_model_is_recorded_with_its_usage(recorded) -> None:
    row, records, _ = recorded
    calls = spans_of(records, kind="llm")
    assert len(calls) == row["llm_calls"] == 7
    assert row["unknown_usage_calls"] == 0
    assert row["model"] == "rules-1"
    told = [call["attributes"] for call in calls]
    assert all(one["gen_ai.usage.output_tokens"] > 0 for one in told)
    assert row["input_tokens"] == sum(one["gen_ai.usage.input_tokens"] for one in told)
    # A conversation grows: what was sent before is cached by the provider.
    cached = [one["gen_ai.usage.cache_read.input_tokens"] for one in told]
    assert cached[0] == 0
    assert all(later > 0 for later in cached[1:])
    assert [len(call["input"]["messages"]) for call in calls] == sorted(
        len(call["input"]["messages"]) for call in calls
    )


def test_a_tool_that_failed_is_called_again_by_the_model(recorded) -> None:
    _, records, _ = recorded
    first, second = spans_of(records, name="query_modules")
    assert first["status"] == "error"
    assert "no such column" in first["error"]["message"]
    assert second["status"] == "ok"
    assert second["output"]["rows"]


def test_two_tools_run_at_the_same_time_under_one_answer(recorded) -> None:
    _, records, _ = recorded
    first, second = spans_of(records, name="search_documents")
    assert first["parent_id"] == second["parent_id"]
    assert first["thread"] != second["thread"]
    assert first["start"] < second["end"]
    assert second["start"] < first["end"]


def test_turns_and_the_session_are_on_every_answer(recorded) -> None:
    row, records, _ = recorded
    answers = spans_of(records, kind="agent")
    assert [answer["context"]["turn"] for answer in answers] == [1, 2, 3]
    assert {answer["context"]["session"] for answer in answers} == {"agent"}
    assert row["retries"] >= 1


def test_a_busy_provider_is_asked_again_by_the_client_within_one_call(recorded, exported) -> None:
    _, records, _ = recorded
    calls = {call["span_id"] for call in spans_of(records, kind="llm")}
    (retry,) = [event for event in exported if event.get("name") == "retry" and event["span_id"] in calls]
    assert retry["attributes"]["reason"] == "429 Too Many Requests"
    assert retry["attributes"]["delay"] == 0.15


def test_answers_are_streamed(recorded) -> None:
    _, records, _ = recorded
    for call in spans_of(records, kind="llm"):
        assert call["attributes"]["gen_ai.request.stream"] is True
        assert call["attributes"]["flightlog.stream.ended"] == "complete"
        assert call["attributes"]["flightlog.stream.chunks"] >= 1


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """The address of a provider that the example did not start."""
    with subprocess.Popen(
        [sys.executable, str(PROVIDER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()


def test_the_provider_that_the_environment_names_is_asked_instead(tmp_path, elsewhere) -> None:
    home = tmp_path / "home"
    question = "How do I copy a whole folder?"
    done = run(
        [*FLIGHTLOG, "run", str(AGENT), "--model", "m-7", question],
        home,
        tmp_path,
        OPENAI_API_KEY="nobody",
        OPENAI_BASE_URL=elsewhere,
        NO_PROXY="*",
    )
    assert done.returncode == 0, done.stderr
    assert f"answered by the provider at {elsewhere}" in done.stdout
    assert "shutil.copytree" in done.stdout
    (row,) = data(home, "list")
    calls = spans_of(data(home, "spans", row["trace_id"]), kind="llm")
    assert {call["attributes"]["gen_ai.request.model"] for call in calls} == {"m-7"}
    port = int(elsewhere.removesuffix("/v1").rpartition(":")[2])
    assert {call["attributes"]["server.port"] for call in calls} == {port}
