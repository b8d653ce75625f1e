"""The agent, recorded by `flightlog run` with the provider that it starts itself, and what its trace says."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
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


ASKED_WHILE_LOCKED = """
    import json, sqlite3, sys, threading, time
    from pathlib import Path

    sys.path.insert(0, sys.argv[1])
    import tools
    from documents import build_library

    import flightlog as fl

    modules = Path("modules.db").resolve()
    writer = sqlite3.connect(modules, isolation_level=None)
    writer.execute("CREATE TABLE modules (name TEXT)")
    writer.execute("BEGIN EXCLUSIVE")
    writer.execute("INSERT INTO modules VALUES ('shutil')")
    toolbox = tools.Toolbox(build_library(Path("library.db"), []), [], modules)
    answers = []
    if sys.argv[2] == "for good":
        tools.DELAY = 1e-5
    with fl.capture() as seen:
        asking = threading.Thread(
            target=lambda: answers.append(toolbox.call("query_modules", '{"sql": "SELECT name FROM modules"}'))
        )
        asking.start()
        if sys.argv[2] == "for a while":
            deadline = time.monotonic() + 30
            while not any(event.name == "retry" for event in seen.events):
                assert time.monotonic() < deadline, "nobody asked again"
                asking.join(0.01)
            writer.execute("COMMIT")
        asking.join()
    writer.close()
    spans = [[span.name, span.status, span.error.message if span.error else ""] for span in seen.spans]
    retries = [[event.level, event.attributes, event.span_id] for event in seen.events]
    (tool,) = {span.span_id for span in seen.spans if span.name == "query_modules"}
    print(json.dumps([json.loads(answers[0]), spans, retries, tool]))
"""


def asked_while_locked(tmp_path: Path, how_long: str) -> Any:
    program = textwrap.dedent(ASKED_WHILE_LOCKED)
    done = run([sys.executable, "-c", program, str(AGENT.parent), how_long], tmp_path / "home", tmp_path)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_database_that_is_locked_is_asked_again_until_it_answers(tmp_path) -> None:
    answer, spans, retries, tool = asked_while_locked(tmp_path, "for a while")
    assert answer == {"rows": [["shutil"]]}
    queries = [[status, message] for name, status, message in spans if name == "query"]
    assert queries == [["error", "database is locked"]] * len(retries) + [["ok", ""]]
    assert ["query_modules", "ok", ""] in spans
    assert {span_id for _, _, span_id in retries} == {tool}
    assert [(level, told["attempt"], told["reason"]) for level, told, _ in retries] == [
        ("warn", number, "database is locked") for number in range(1, len(retries) + 1)
    ]


def test_a_database_that_stays_locked_is_an_answer_of_the_tool(tmp_path) -> None:
    answer, spans, retries, _ = asked_while_locked(tmp_path, "for good")
    assert answer == {"error": "OperationalError: database is locked"}
    assert ["query_modules", "error", "database is locked"] in spans
    assert [status for name, status, _ in spans if name == "query"] == ["error"] * 10
    delays = [told["delay"] for _, told, _ in retries]
    assert delays == pytest.approx([1e-5 * 2**number for number in range(9)])
